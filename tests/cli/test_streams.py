"""Standard streams that are closed or full: one line, an exit code, and what was begun is ended."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_lab import Cli, environment, fleet, written

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is of Linux")
PROJECT = {"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n",
           "hosts.yml": "all: {hosts: {web1: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}}}\n",
           "site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, state: absent}\n"}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.write(PROJECT)
    return made


def shell(cli: Cli, words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(f"exec {sys.executable} -m ringfence.cli {words}", shell=True, cwd=cli.folder, env=environment(),
                          capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("words", "code", "said"), [
    ("validate >&-", 0, ""), ("validate 2>&-", 0, ""), ("validate >&- 2>&- <&-", 0, ""), ("plan >&-", 5, ""),
    ("plan <&-", 5, ""), ("apply <&-", 1, "there is nobody to ask"), ("plan 2> /dev/full", 5, ""),
    ("--version | true", 0, ""), ("--version >&-", 0, ""), ("--help >&-", 0, ""),
    ("--version > /dev/full", 1, "error: standard output: No space left on device"),
    ("--help > /dev/full", 1, "error: standard output: No space left on device"),
    ("validate > /dev/full", 1, "error: standard output took no more: No space left on device. validate went on to its end"),
    ("plan > /dev/full", 5, "error: standard output took no more: No space left on device. plan went on to its end"),
    ("plan --output json > /dev/full", 5, "error: standard output took no more"),
    ("doc > /dev/full", 1, "error: standard output took no more"),
])
def test_closed_and_full_streams(cli: Cli, words: str, code: int, said: str) -> None:
    done = shell(cli, words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "itself failed" not in done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) < 6


def test_a_full_disk_stops_no_host(cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        before = written(hosts)
        done = shell(cli, "apply --yes > /dev/full")
        assert done.returncode == 1  # all is made, and nobody was told
        assert "standard output took no more: No space left on device. apply went on to its end" in done.stderr
        assert all(now > then for now, then in zip(written(hosts), before, strict=True))
        assert json.loads(cli("plan", "--output", "json").out)["summary"]["changes"] == 0


def test_a_full_disk_hides_no_drift(cli: Cli) -> None:
    with fleet(cli, 2):
        for words in ("show web1 --output json", "ping", "status", "ledger show web1", "render web1"):
            assert shell(cli, f"{words} > /dev/full").returncode == 1, words
        for words in ("drift > /dev/full", "drift --output json > /dev/full", "drift --output jsonl > /dev/full"):
            done = shell(cli, words)
            assert (done.returncode, "standard output took no more" in done.stderr) == (2, True), words
