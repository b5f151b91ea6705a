"""Hosts that answer whatever hurts, among hosts that work: the run ends, in time and on Ctrl-C, and says of each what it is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_lab import Cli, environment, fleet
from documents import hosts_in
from hostile_hosts import served

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the hosts are POSIX scripts")
PROGRAM = [sys.executable, "-m", "ringfence.cli"]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


# a program that stands in for PowerShell: says something over and over, then nothing more
LOUD = """#!{python}
import os, sys, time
for _ in range(10):
    os.write({stream}, {said!r} * 20_000)
open({flag!r}, "w").close()
time.sleep(60)
"""


def loud_host(folder: Path, name: str, said: bytes, stream: int = 1, seconds: int = 600) -> str:
    """A host in an inventory, and the program that it is."""
    program = folder / name
    program.write_text(LOUD.format(python=sys.executable, said=said, stream=stream, flag=str(folder / f"{name}.said")))
    program.chmod(0o755)
    return (f"    {name}: {{ansible_connection: local, ringfence_powershell: {program}, "
            f"ringfence_batch_timeout: {seconds}}}\n")


LOUD_HOSTS = [(b"<<ringfence-fatal:a:", 1), (b"#< CLIXML <Objs <S S=\"Error\">", 2), (b"Invoke-RingfenceBatch ", 2)]


def with_loud_hosts(cli: Cli, **options: int) -> None:
    inventory = "all:\n  children:\n    good: \n  hosts:\n"
    for number, (said, stream) in enumerate(LOUD_HOSTS):
        inventory += loud_host(cli.folder, f"evil{number}", said, stream, **options)
    cli.write({"evil.yml": inventory})


def test_the_time_of_a_batch_ends_whatever_the_host_says(cli: Cli) -> None:
    with fleet(cli, 3):
        with_loud_hosts(cli, seconds=2)
        said = cli("plan", "-i", "hosts.yml", "-i", "evil.yml", "--allow-program", str(cli.folder), "--output", "json")
    found = hosts_in(said.out)
    assert {name: h["status"] for name, h in found.items() if not name.startswith("evil")} == dict.fromkeys(
        ("web1", "pc2", "web3"), "differs")
    assert {h["error"]["kind"] for name, h in found.items() if name.startswith("evil")} == {"no_answer"}
    assert said.code == 6


def test_ctrl_c_ends_a_run_whatever_the_hosts_say(cli: Cli) -> None:
    with fleet(cli, 3):
        with_loud_hosts(cli)
        command = [*PROGRAM, "plan", "-i", "hosts.yml", "-i", "evil.yml", "--allow-program", str(cli.folder)]
        with subprocess.Popen(command, cwd=cli.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            while not all((cli.folder / f"evil{n}.said").exists() for n in range(len(LOUD_HOSTS))):
                assert run.poll() is None, run.communicate()
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=20)
    assert run.returncode == 130
    assert err.startswith(b"interrupted by SIGINT: ")


def test_three_hostile_hosts_among_twelve(cli: Cli) -> None:
    """Of each sort one: in what it answers, before the log-on, after it. The others are what they are without them."""
    with fleet(cli, 9), served(["rules nobody understands", "a long packet", "CLIXML and CLIXML"]) as evil:
        alone = {name: h["changes"] for name, h in hosts_in(cli("plan", "--output", "json").out).items()}
        cli.write({"evil.yml": json.dumps({"all": {"hosts": evil}})})
        said = cli("plan", "-i", "hosts.yml", "-i", "evil.yml", "--output", "json")
    found = hosts_in(said.out)
    assert {name: h["changes"] for name, h in found.items() if name not in evil} == alone
    assert len(alone) == 9
    assert {name: h["error"] and h["error"]["kind"] for name, h in found.items() if name in evil} == {
        "evil-rules-nobody-understands": None, "evil-a-long-packet": "wrong_service", "evil-CLIXML-and-CLIXML": "script"}
    assert said.code == 6
