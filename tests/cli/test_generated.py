"""What is generated and committed is current: `make generate` would change nothing."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_lab import environment

from ringfence.cli import generate
from ringfence.cli.commands import demo

ROOT = Path(__file__).parents[2]


def test_everything_is_current() -> None:
    files = generate.generated(ROOT)
    old = [name for name, text in files.items() if (ROOT / name).read_text(encoding="utf-8") != text]
    folders = ("schemas", "docs/reference/kinds", "man")
    there = {str(p.relative_to(ROOT)) for folder in folders for p in (ROOT / folder).rglob("*.*")}
    assert (old, there - set(files)) == ([], set()), "run `make generate`"


@pytest.mark.docs
def test_pictures_are_of_what_the_demo_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")  # as some surroundings have it
    made = generate.pictures()
    assert sorted(made) == ["docs/images/drift.svg", "docs/images/plan.svg"]
    for name, svg in made.items():
        assert (ROOT / name).read_text(encoding="utf-8") == svg, f"{name} is old: run `make generate`"
        assert any("playbooks/site.yml:15" in text for text in ElementTree.fromstring(svg).itertext())
        assert re.findall(r"https?:[^\"]*", svg) == ["http://www.w3.org/2000/svg"]  # nothing is loaded from elsewhere


@pytest.mark.docs
def test_the_demo_says_what_the_transcript_says(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "ringfence.cli", "demo"], cwd=tmp_path, env=environment(), text=True,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if not re.match(r"\[\d/[15]\] ", line)] == []  # of apply, a line a host
    assert demo.normalised(done.stdout) == (ROOT / generate.DEMO).read_text(encoding="utf-8"), "run `make generate`"
    assert re.findall(r"\(exit code (\d)\)", done.stdout) == ["0", "0", "0", "0", "2", "0", "0", "4", "6", "0"]
    assert list(tmp_path.iterdir()) == []
