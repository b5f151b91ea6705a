"""Streams that are closed, full or read by nobody: a message and an exit code, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_lab import SMALL_PROJECT, environment

PROGRAM = f"{sys.executable} -m ringfence.cli"


@pytest.mark.parametrize(("command", "code", "said"), [
    ("validate >&-", 0, ""),
    ("validate 2>&-", 0, "valid: 1 declaration for 1 host\n"),
    ("apply --yes >&-", 1, "error: "),
    ("apply <&-", 1, "there is nobody to ask"),
    ("--help >/dev/full", 1, "error: No space left on device\n"),
    ("--version >/dev/full", 1, "error: No space left on device\n"),
    ("validate >/dev/full", 1, "error: No space left on device\n"),
    ("--version | true", 0, ""),
])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_stream_that_does_not_work(command: str, code: int, said: str, tmp_path: Path) -> None:
    for name, text in {**SMALL_PROJECT, "hosts.yml": "all: {hosts: {web1: {ansible_psrp_auth: basic}}}\n"}.items():
        (tmp_path / name).write_text(text)
    if "apply --yes" not in command:
        (tmp_path / "hosts.yml").write_text("all: {hosts: {web1: }}\n")
    done = subprocess.run(["sh", "-c", f"{PROGRAM} {command}"], cwd=tmp_path, env=environment(), capture_output=True, text=True,
                          timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert said in done.stdout + done.stderr
    assert done.returncode == code
    assert said or not done.stderr
