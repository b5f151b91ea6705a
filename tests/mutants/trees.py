"""Copies of the repository in which a mutant meets the tests."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from . import reach
from .mutate import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("src", "modules", "tests", "schemas", "docs", "playbooks", "inventory")
LIMIT = 15.0  # seconds of tests, as they took when nothing was wrong
SLOWER = 5  # times as long is a hang, and noticed
# Tests of the text of the source, of the tests themselves, and of what takes minutes. The others stay in their rooms.
LEFT_OUT = ("tests/bench", "tests/mutants", "tests/soak", "tests/windows_job", "tests/test_*.py")
# rooms of the engine: the folders of tests that ought to notice a fault in it
ROOMS = {
    "batch": "batch host", "cli": "cli", "codecs": "codecs kinds windows", "diagnostics": "project cli",
    "doctor": "cli/test_doctor.py", "documents": "documents project cli", "errors": "transports run cli",
    "files": "documents cli",
    "inventory": "inventory", "kinds": "kinds", "model": "model kinds plan", "modules": "kinds windows plan", "plan": "plan run",
    "project": "project", "regex": "templates inventory", "report": "run views", "run": "run cli", "schemas": "cli",
    "secret": "documents project kinds run", "templates": "templates project", "transports": "transports",
    "types": "types kinds", "views": "views cli", "windows": "windows kinds run"}


def sources() -> list[str]:
    """Every module of the engine and every kind. The lab examines them and has no examiner but Windows."""
    found = [*ROOT.glob("src/ringfence/**/*.py"), *ROOT.glob("modules/*.py")]
    return sorted(name for file in found if not (name := file.relative_to(ROOT).as_posix()).startswith("src/ringfence/lab/"))


def rooms(file: str) -> tuple[str, ...]:
    """The tests of the room of a module, as beginnings of their names."""
    parts = Path(file).with_suffix("").parts
    room = parts[0] if parts[0] == "modules" else parts[2]
    return tuple(f"tests/{name}" for name in ROOMS.get(room, "cli").split())


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant. by: the test that failed, "" where none did, or a word for what else happened."""

    by: str


class Tree:
    """One copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / file, folder)

    def pytest(self, *arguments: str, timeout: float | None = None, **environment: str) -> int:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.reach", *arguments],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": str(self.folder / "src"), **environment}, timeout=timeout,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode

    def measured(self, file: Path) -> None:
        """Write which tests run which line."""
        self.pytest(*(f"--ignore-glob={self.folder / name}" for name in LEFT_OUT), "tests", REACH=str(file))

    def meets(self, file: str, mutant: Mutant, known: reach.Reach) -> Outcome:
        """Try a mutant of a module: with the tests that run its line, then with those of its room."""
        original = (self.folder / file).read_text(encoding="utf-8")
        first = known.tests(file, mutant.lines, rooms(file), LIMIT)
        of_room = [test for test in known.seconds if test.startswith(rooms(file)) and test not in set(first)]
        then = sorted(of_room, key=lambda test: known.seconds[test])
        rewrite(self.folder / file, mutant.put_into(original))
        try:
            for tests in (first, _within(then, known, LIMIT)):
                if tests and (by := self._tried(tests, sum(known.seconds[test] for test in tests))):
                    return Outcome(by)
            return Outcome("")
        finally:
            rewrite(self.folder / file, original)

    def _tried(self, tests: list[str], seconds: float) -> str:
        only, failed = self.folder / "only.json", self.folder / "failed.txt"
        only.write_text(json.dumps(tests), encoding="utf-8")
        failed.unlink(missing_ok=True)
        files = sorted({test.partition("::")[0] for test in tests})
        try:
            code = self.pytest("-x", *files, ONLY=str(only), FAILED=str(failed), timeout=60 + SLOWER * seconds)
        except subprocess.TimeoutExpired:
            return "a hang"
        return (failed.read_text(encoding="utf-8") if failed.exists() else "an import") if code else ""


def _within(tests: list[str], known: reach.Reach, limit: float) -> list[str]:
    used, taken = 0.0, list[str]()
    for test in tests:
        used += known.seconds[test]
        if used > limit:
            break
        taken.append(test)
    return taken


@contextmanager
def trees(number: int) -> Iterator["SimpleQueue[Tree]"]:
    """Copies, one a job."""
    free = SimpleQueue[Tree]()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for i in range(number):
            free.put(Tree(Path(folder, str(i))))
        yield free


def rewrite(file: Path, text: str) -> None:
    """Write a file whose time differs from before by seconds: compiled files are taken for it by nothing else."""
    later = int(file.stat().st_mtime) + 2
    file.write_text(text, encoding="utf-8")
    os.utime(file, (later, later))
