"""For scheduled jobs: -q, --log, and colours without a terminal."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cli_lab import RULES, Cli, environment, fleet

SMALL = {"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n", "hosts.yml": "all: {hosts: {web1: }}\n",
         "site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, state: absent}\n"}
DOWN = "all: {hosts: {web1: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}}}\n"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (DEBUG|INFO|WARNING|ERROR) +\S")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.write(SMALL)
    return made


def test_quiet(cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        said = cli("apply", "--yes", "-q")
        assert (said.code, said.err) == (0, "")  # what was changed is worth a word, and no line as it goes
        assert [line.split()[:2] for line in said.out.splitlines() if "changed" in line and not line.startswith("3")][-3:] == [
            ["pc2", "changed"], ["web1", "changed"], ["web3", "changed"]]
        for command in (["apply", "--yes"], ["drift"], ["plan"], ["plan", "--detailed-exitcode"], ["ping"], ["validate"]):
            assert cli(*command, "-q") == cli(*command, "--quiet")
            assert (cli(*command, "-q").out, cli(*command, "-q").err, cli(*command, "-q").code) == ("", "", 0), command
        hosts["web3"].registry.unset(RULES, "corp-rdp")
        said = cli("drift", "--quiet")
        assert (said.code, said.err) == (2, "")
        assert "corp-rdp" in said.out
        assert "1 of 3 hosts drifted; all were reached; 1 difference;" in said.out
        assert "web1" not in said.out
        assert len(cli("drift", "-q", "--output", "json").out) > len(said.out)
        assert '"web1"' in cli("drift", "-q", "--output", "json").out


def test_quiet_tells_mistakes_and_no_warnings(cli: Cli) -> None:
    cli.write({"hosts.yml": "all: {hosts: {web1: {ansible_psrp_cert_validation: ignore}}}\n"})
    assert "warning: " in cli("validate").err
    assert cli("validate", "-q").err == ""
    assert '"severity":"warning"' in cli("validate", "-q", "--output", "json").out
    cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, protocl: tcp}\n"})
    assert "error: " in cli("validate", "-q").err


def test_quiet_says_who_is_not_reached(cli: Cli) -> None:
    cli.write({"hosts.yml": DOWN})
    for command in ("drift", "ping"):
        said = cli(command, "-q")
        assert said.code == 5
        assert "web1" in said.out
        assert "connection refused" in said.out


def test_what_was_asked_for_is_shown_all_the_same(cli: Cli) -> None:
    with fleet(cli, 1):
        assert "web1" in cli("show", "-q").out
        assert "web1" in cli("doctor", "web1", "-q").out
        assert "web1" in cli("plan", "--list-hosts", "-q").out


# --------------------------------------------------------------------------------------------------- a log

def test_a_log(cli: Cli) -> None:
    with fleet(cli, 2):
        assert "DEBUG" not in cli("apply", "--yes", "--log", "ringfence.log").err
        assert cli("drift", "-q", "--log", "ringfence.log").err == ""
        verbose = cli("drift", "-vv").err
    log = cli.folder / "ringfence.log"
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not LINE.match(line)] == []
    assert sum(", run 20" in line for line in lines) == 2
    assert any("web1: changed" in line for line in lines)
    assert any("web1: in_sync" in line for line in lines)
    of_hosts = [{re.sub(r"[\d.]+ s", "0 s", line.split(None, 2)[2]) for line in said if " connection" in line}
                for said in (verbose.splitlines(), lines)]
    assert len(of_hosts[0]) == 4
    assert of_hosts[0] <= of_hosts[1]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600 or os.name != "posix"


def test_very_verbose_says_more_than_verbose_in_a_good_run(cli: Cli) -> None:
    with fleet(cli, 1):
        once, twice = cli("plan", "-v").err, cli("plan", "-vv").err
    assert "DEBUG" not in once
    assert re.search(r"DEBUG +web1: connection 1 answered in \d+\.\d\d s: .*Facts\.Read", twice)
    assert re.search(r"DEBUG +ringfence \S+: plan, run 20", twice)


def test_secrets_are_masked_in_the_log(cli: Cli) -> None:
    with fleet(cli, 2):
        text = (cli.folder / "hosts.yml").read_text(encoding="utf-8")
        (password,) = set(re.findall(r"ansible_password: (\S+)", text))
        assert cli("apply", "--yes", "--log", "l", "-e", f"unused={password}").code == 0
        cli.write({"hosts.yml": text.replace(password, f"{password}-wrong")})
        assert cli("plan", "--log", "l").code == 5
    log = (cli.folder / "l").read_text(encoding="utf-8")
    assert "web1: changed" in log
    assert "web1: unreachable" in log
    assert password not in log


@pytest.mark.parametrize("said", ["--log", "RINGFENCE_LOG", "ringfence.yml"])
def test_a_log_that_cannot_be_opened(said: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 1) as hosts:
        before = hosts["web1"].registry.generation
        if said == "RINGFENCE_LOG":
            monkeypatch.setenv(said, "no/such/folder/x.log")
        if said == "ringfence.yml":
            with (cli.folder / said).open("a", encoding="utf-8") as file:
                file.write("log: no/such/folder/x.log\n")
        found = cli("apply", "--yes", *(["--log", "no/such/folder/x.log"] if said == "--log" else []))
        assert found.code == 1
        assert "no/such/folder/x.log: error: the log cannot be opened: No such file or directory" in found.err
        assert hosts["web1"].registry.generation == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is of Linux")
def test_a_log_that_takes_no_more_stops_nothing(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        before = hosts["web1"].registry.generation
        said = cli("apply", "--yes", "-q", "--log", "/dev/full")
        assert said.code == 0
        assert said.err == "error: the log /dev/full took no more: No space left on device\n"
        assert hosts["web1"].registry.generation > before


def test_a_log_of_the_project_lies_beside_its_file(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"ringfence.yml": SMALL["ringfence.yml"] + "log: run.log\n", "deep/x": ""})
    inside = Cli(cli.folder / "deep", cli.capsys)
    assert inside("validate").code == 0
    assert (cli.folder / "run.log").exists()
    (cli.folder / "run.log").unlink()
    assert cli("validate", "--untrusted").code == 0
    assert not (cli.folder / "run.log").exists()


# --------------------------------------------------------------------------------------------------- colours

@pytest.mark.parametrize(("variables", "flags", "coloured"), [
    ({}, [], False), ({"FORCE_COLOR": "1"}, [], True), ({"FORCE_COLOR": "0"}, [], True), ({"FORCE_COLOR": ""}, [], False),
    ({"CLICOLOR_FORCE": "1"}, [], True), ({"CLICOLOR_FORCE": "0"}, [], False), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
    ({"FORCE_COLOR": "1", "NO_COLOR": ""}, [], True), ({"FORCE_COLOR": "1", "TERM": "dumb"}, [], True),
    ({"FORCE_COLOR": "1"}, ["--no-color"], False), ({"FORCE_COLOR": "1", "RINGFENCE_NO_COLOR": "1"}, [], False),
])
def test_colours(variables: dict[str, str], flags: list[str], coloured: bool, cli: Cli) -> None:
    cli.write({"hosts.yml": DOWN})
    done = subprocess.run([sys.executable, "-m", "ringfence.cli", "plan", *flags], cwd=cli.folder, env=environment(**variables),
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5, done.stderr
    assert ("\x1b[" in done.stdout) == coloured
