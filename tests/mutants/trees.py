"""Copies of the repository in which a mutant meets the tests."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from . import reach
from .forked import ALONE
from .mutate import Mutant

ROOT = Path(__file__).parents[2]
LIMIT = 20.0  # seconds of tests, as they took when it was measured what they run
LONG = 240.0  # for what nothing has noticed in that time
SLOWER = 5  # times as much processor time is a hang, and noticed
WAITS = 1800  # seconds after which what waits for something hangs, however many others work here
# Tests of the text of the source and of the documentation, of the tests themselves, and of what takes minutes, as what needs a
# PowerShell or a browser does. The others stay in their rooms.
LEFT_OUT = ("tests/bench", "tests/docs_site", "tests/mutants", "tests/oracle", "tests/release", "tests/soak", "tests/windows_job",
            "tests/test_*.py")
# rooms of the engine in which a fault opens a host or loses it: what a host means, what is done to it, and with what it is known
OPENS_OR_LOSES = ("modules/", *(f"src/ringfence/{name}" for name in (
    "batch/", "codecs/", "model/", "plan/", "policy/", "rollout/", "run/", "secret.py", "transports/known_hosts.py", "types/",
    "windows/")))
# rooms of the engine: the folders of tests that ought to notice a fault in it
ROOMS = {
    "batch": "batch host", "cli": "cli", "codecs": "codecs kinds windows", "diagnostics": "project cli",
    "doctor": "cli/test_doctor.py", "documents": "documents project cli", "errors": "transports run cli",
    "files": "documents cli", "formats": "formats cli",
    "inventory": "inventory", "kinds": "kinds", "model": "model kinds plan", "modules": "kinds windows plan views",
    "plan": "plan run histories/test_histories.py",
    "policy": "policy plan run/test_evaluated.py cli/test_evaluate_command.py cli/test_evaluate_declared.py",
    "project": "project cli/test_vaulted_projects.py", "regex": "templates inventory", "report": "run views",
    "rollout": "rollout cli", "run": "run plan rollout histories/test_histories.py cli",
    "schemas": "cli",
    "secret": "documents project kinds run", "templates": "templates project", "transports": "transports",
    "types": "types kinds", "views": "views cli", "windows": "windows kinds run"}


def sources() -> list[str]:
    """Every module of the engine and every kind. The lab examines them and has no examiner but Windows."""
    found = [*ROOT.glob("src/ringfence/**/*.py"), *ROOT.glob("modules/*.py")]
    return sorted(name for file in found if not (name := file.relative_to(ROOT).as_posix()).startswith("src/ringfence/lab/"))


def opens_or_loses() -> list[str]:
    """Those of them in which a fault opens a host or loses it."""
    return [name for name in sources() if name.startswith(OPENS_OR_LOSES)]


def measured_files() -> list[Path]:
    """The files of tests that a mutant may meet."""
    files = set((ROOT / "tests").rglob("test_*.py"))
    return sorted(files.difference(*(ROOT.glob(f"{name}/**/*.py" if "*" not in name else name) for name in LEFT_OUT)))


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
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                                capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)

    def pytest(self, *arguments: str, seconds: int | None = None, **environment: str) -> int:
        """Run tests; `seconds`: after how much processor time they are ended."""
        def limited() -> None:
            if seconds is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))

        path = os.pathsep.join(str(self.folder / name) for name in ("src", "tests/mutants/children"))
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.reach", *arguments],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": path, **environment}, preexec_fn=limited,
            timeout=None if seconds is None else WAITS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode

    def measured(self, file: Path, *tests: str) -> None:
        """Write which tests run which line: all of them, or those of some files. Raises RuntimeError where not all could be
        run."""
        code = self.pytest(*(f"--ignore-glob={self.folder / name}" for name in LEFT_OUT), "-m", "not browser and not powershell",
                           *(tests or ["tests"]), REACH=str(file))
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
            file.unlink(missing_ok=True)
            raise RuntimeError(f"pytest ended with {code}: `pytest --collect-only tests` may say why")

    def meets(self, file: str, mutant: Mutant, known: reach.Reach) -> Outcome:
        """Try a mutant of a module: with the tests that run its line, and those of its room."""
        original = (self.folder / file).read_text(encoding="utf-8")
        for tests in known.batches(file, mutant.lines, rooms(file), LONG):
            while tests:
                rewrite(self.folder / file, mutant.put_into(original))
                try:
                    by = self._tried(tests, known)
                finally:
                    rewrite(self.folder / file, original)
                if by in tests and self._tried([by], known):
                    tests.remove(by)  # it fails without the fault too: nothing is known of that
                elif by:
                    return Outcome(by)
                else:
                    break
        return Outcome("")

    def _tried(self, tests: list[str], known: reach.Reach) -> str:
        """The test that failed, or a word; "" for none."""
        only, failed = self.folder / "only.json", self.folder / "failed.txt"
        only.write_text(json.dumps(tests), encoding="utf-8")
        failed.unlink(missing_ok=True)
        files = sorted({test.partition("::")[0] for test in tests})
        seconds = 60 + round(SLOWER * sum(known.seconds[test] for test in tests))
        try:
            code = self.pytest("-x", *files, ONLY=str(only), FAILED=str(failed), seconds=seconds)
        except subprocess.TimeoutExpired:
            return "a hang"
        if failed.exists():
            return failed.read_text(encoding="utf-8")
        quiet, hung = (0, pytest.ExitCode.NO_TESTS_COLLECTED), (-signal.SIGXCPU, -signal.SIGKILL)
        return "" if code in quiet else "a hang" if code in hung else "an import"


def try_forked(chosen: list[tuple[str, Mutant]], jobs: int, known: reach.Reach) -> Iterator[tuple[int, str]]:
    """What forked.py tells of mutants, (number, outcome) each, as it comes. Ended before its time, it goes on with those that
    are left; where it comes no further, each of them needs a process of its own."""
    left = dict[int, dict[str, Any]]()
    for number, (file, mutant) in enumerate(chosen):
        source = (ROOT / file).read_text(encoding="utf-8")
        tests = [test for batch in known.batches(file, mutant.lines, rooms(file), LIMIT) for test in batch]
        left[number] = {"number": number, "file": file, "tests": tests, "seconds": sum(known.seconds[test] for test in tests),
                        "source": source, "mutated": mutant.put_into(source)}
    before = len(left) + 1
    while 0 < len(left) < before:
        before = len(left)
        for number, by in _told(list(left.values()), jobs):
            del left[number]
            yield number, by
    yield from ((number, ALONE) for number in left)


def _told(tasks: list[dict[str, Any]], jobs: int) -> Iterator[tuple[int, str]]:
    """What one process of forked.py tells until it ends."""
    with tempfile.TemporaryDirectory() as folder:
        given, told, said = Path(folder, "tasks.json"), Path(folder, "told.jsonl"), Path(folder, "said.txt")
        given.write_text(json.dumps(tasks), encoding="utf-8")
        told.touch()
        files = sorted({test.partition("::")[0] for task in tasks for test in task["tests"]})
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "FORKED": str(given), "TOLD": str(told), "JOBS": str(jobs)}
        # nothing is captured but by tests themselves: children would share the file into which pytest captures
        with (said.open("wb") as output, subprocess.Popen(
                [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-p", "tests.mutants.forked", *files],
                cwd=ROOT, env=environment, stdout=output, stderr=output) as process, told.open(encoding="utf-8") as lines):
            over = None
            while over is None:
                over = process.poll()
                for line in lines:
                    number, by = json.loads(line)
                    yield number, by
                time.sleep(0.1)
        if over:
            print(f"pytest ended with {over}:\n{said.read_text(encoding='utf-8', errors='replace')[-2000:]}", flush=True)


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
