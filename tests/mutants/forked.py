"""Mutants of functions, put into one process that has collected the tests: a child a mutant, in which the code of a function is
another. What that takes is what its tests take.

A plugin of pytest: FORKED in the environment names the file with what to try, and TOLD the one to which outcomes are written.
"""

import gc
import importlib
import json
import os
import resource
import signal
import sys
import time
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

SECONDS = 60  # of processor time above that of the tests: more is a hang
WAITS = 1800  # seconds after which what waits hangs
ALONE = "alone"  # no outcome yet: it needs a process of its own, for what it changes runs at import, or ended the child
IN_FUNCTION = 0x02  # CO_NEWLOCALS: not a module, nor a class
FAILED, HUNG = 1, (-signal.SIGXCPU, -signal.SIGKILL)

Code = types.CodeType


def codes(before: Code, after: Code) -> Iterator[tuple[Code, Code]]:
    """The code of each function of a module, before and after; what a function defines goes with it where that is not the same.
    Raises ValueError where a module or a class defines other functions."""
    yield before, after
    inner = [[const for const in code.co_consts if isinstance(const, Code)] for code in (before, after)]
    was, now = ([(code.co_qualname, code.co_freevars) for code in of] for of in inner)
    if was != now:
        if before.co_flags & IN_FUNCTION:
            return
        raise ValueError("other functions")
    for one, other in zip(*inner, strict=True):
        yield from codes(one, other)


def changes(source: str, mutated: str, path: str) -> list[tuple[Code, Code]]:
    """What has to be exchanged for a mutant. Raises ValueError for what runs when the module is imported."""
    found = [(old, new) for old, new in codes(compile(source, path, "exec"), compile(mutated, path, "exec")) if old != new]
    functions = [(old, new) for old, new in found if old.co_flags & IN_FUNCTION]
    bodies = [(old, new) for old, new in found if not old.co_flags & IN_FUNCTION]
    same = all(without_inner(old) == without_inner(new) for old, new in bodies)
    if not functions or not same:
        raise ValueError("at import")
    return functions


def without_inner(code: Code) -> tuple[Any, ...]:
    """What a module or class does itself."""
    return code.co_code, tuple(c for c in code.co_consts if not isinstance(c, Code)), code.co_names


def exchange(found: list[tuple[Code, Code]]) -> int:
    """Give every function that has such code the other. How many there were."""
    by_place = {(old.co_filename, old.co_qualname, old.co_firstlineno): (old, new) for old, new in found}
    done = 0
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType):
            code = thing.__code__
            pair = by_place.get((code.co_filename, code.co_qualname, code.co_firstlineno))
            if pair and pair[0].co_code == code.co_code:
                thing.__code__ = pair[1]
                done += 1
    return done


@dataclass
class Trial:
    """A mutant under way. file, source, mutated: its module, without and with the fault · tests: what is left to run."""

    number: int
    file: str
    source: str
    mutated: str
    tests: list[str]
    seconds: float
    confirms: str = ""  # the test that failed, which is run without the fault
    begun: float = field(default_factory=time.monotonic)


class Forked:
    def __init__(self, tasks: list[dict[str, Any]], told: Path, jobs: int, session: pytest.Session) -> None:
        self._items = {item.nodeid: item for item in session.items}
        self._waiting = [Trial(**task) for task in tasks]
        self._told, self._jobs, self._running = told, jobs, dict[int, tuple[Trial, Path]]()

    def run(self) -> None:
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._jobs:
                self._start(self._waiting.pop(0))
            if not self._running:
                break  # none of the last ones needed a child
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                self._ended(pid, os.waitstatus_to_exitcode(status))
                continue
            for child, (trial, _) in self._running.items():
                if time.monotonic() - trial.begun > WAITS:
                    os.kill(child, signal.SIGKILL)
            time.sleep(0.02)

    def _start(self, trial: Trial) -> None:
        found = list[tuple[Code, Code]]()
        if not trial.confirms:
            path = str(Path(trial.file).absolute())
            try:
                found = changes(trial.source, trial.mutated, path)
            except (ValueError, SyntaxError):
                return self._say(trial, ALONE)
        said = self._told.with_name(f"{self._told.name}.{trial.number}")
        trial.begun = time.monotonic()
        pid = os.fork()
        if not pid:
            try:
                self._child(trial, found, said)
            finally:
                os._exit(70)
        self._running[pid] = trial, said
        return None

    def _child(self, trial: Trial, found: list[tuple[Code, Code]], said: Path) -> None:
        limit = SECONDS + int(5 * trial.seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        if found and not exchange(found):
            os._exit(71)
        items = [self._items[test] for test in ([trial.confirms] if trial.confirms else trial.tests) if test in self._items]
        for i, item in enumerate(items):
            nextitem = items[i + 1] if i + 1 < len(items) else None
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=nextitem)):
                said.write_text(item.nodeid, encoding="utf-8")
                os._exit(FAILED)
        os._exit(0)

    def _ended(self, pid: int, code: int) -> None:
        trial, said = self._running.pop(pid)
        by = said.read_text(encoding="utf-8") if said.exists() else ""
        said.unlink(missing_ok=True)
        if trial.confirms:
            if code == 0:
                return self._say(trial, trial.confirms)
            trial.tests.remove(trial.confirms)  # it fails without the fault too
            trial.confirms = ""
            self._waiting.insert(0, trial)
        elif code == FAILED and by:
            trial.confirms = by
            self._waiting.insert(0, trial)
        else:
            self._say(trial, "" if code == 0 else "a hang" if code in HUNG else ALONE)
        return None

    def _say(self, trial: Trial, by: str) -> None:
        with self._told.open("a", encoding="utf-8") as file:
            file.write(json.dumps([trial.number, by]) + "\n")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if "FORKED" not in os.environ:
        return None
    if session.testsfailed:
        sys.exit("the tests cannot be collected")
    tasks = json.loads(Path(os.environ["FORKED"]).read_text(encoding="utf-8"))
    for file in sorted({task["file"] for task in tasks if task["file"].startswith("src/") and "__main__" not in task["file"]}):
        importlib.import_module(".".join(Path(file).with_suffix("").parts[1:]).removesuffix(".__init__"))
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    Forked(tasks, Path(os.environ["TOLD"]), int(os.environ["JOBS"]), session).run()
    return True
