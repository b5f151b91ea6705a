"""What CONTRIBUTING.md and RELEASING.md tell to call is there, and everything that make can do is told."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)[0].split())
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "RELEASING.md")}


def test_every_target_has_a_rule_and_is_told() -> None:
    assert set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE)) >= TARGETS
    told = set(re.findall(r"`make ([\w-]+)", PAGES["CONTRIBUTING.md"]))
    assert told == TARGETS - {"install", "demo", "clean"}  # those are for users, README.md has them


@pytest.mark.parametrize("name", PAGES)
def test_what_is_called_is_there(name: str) -> None:
    text = PAGES[name]
    assert set(re.findall(r"\bmake ([\w-]+)", "\n".join(re.findall(r"`[^`]*`|```.*?```", text, re.DOTALL)))) <= TARGETS
    modules = re.findall(r"python -m (tests[\w.]+)", text)
    assert [m for m in modules if not any((ROOT / m.replace(".", "/")).with_suffix(s).exists() for s in ("", ".py"))] == []
    paths = {p for p in re.findall(r"\b((?:tests|src|docs|\.github)/[\w./-]+)", text) if not p.endswith(("_", "…"))}
    assert [p for p in sorted(paths) if not (ROOT / p).exists()] == []


def test_every_part_of_the_bench_is_found_by_a_python_of_its_own() -> None:
    """As `make bench` has it: what pytest puts on the path is not there."""
    code = "import importlib, tests.bench.__main__ as b\nfor name in b.PARTS: importlib.import_module('tests.bench.' + name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
                          env={"PATH": "", "PYTHONPATH": str(ROOT / "src")})
    assert done.returncode == 0, done.stderr
