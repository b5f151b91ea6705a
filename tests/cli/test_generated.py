"""What is generated and committed is current: `make generate` would change nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_lab import environment

from ringfence.cli import generate
from ringfence.cli.commands import demo

ROOT = Path(__file__).parents[2]
FILES = generate.generated(ROOT)


@pytest.mark.parametrize("name", sorted(FILES))
def test_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name], f"{name} is old: run `make generate`"


def test_nothing_old_is_left() -> None:
    folders = ("schemas", "docs/reference/kinds", "man")
    there = {str(p.relative_to(ROOT)) for folder in folders for p in (ROOT / folder).rglob("*.*")}
    assert there - set(FILES) == set()


def test_the_demo_says_what_the_transcript_says(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "ringfence.cli", "demo"], cwd=tmp_path, env=environment(), text=True,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if not re.match(r"\[\d/5\] ", line)] == []  # of apply, a line a host
    assert demo.normalised(done.stdout) == (ROOT / generate.DEMO).read_text(encoding="utf-8"), "run `make generate`"
    assert re.findall(r"\(exit code (\d)\)", done.stdout) == ["0", "0", "0", "0", "2", "0", "0"]
    assert list(tmp_path.iterdir()) == []
