"""Which tests run which line of the engine, and how long each takes: what a mutant is tried with.

As a plugin of pytest it writes that down with coverage (REACH in the environment: the file), or runs the tests of a list alone,
in its order (ONLY: the file), and tells which one failed (FAILED: the file).
"""

import contextlib
import hashlib
import itertools
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest

FEW = 3  # files
MADE_OF_TABLES = "tests/cli/test_generated.py"
IMPORT = ""  # the context of lines that run when their module is imported


@dataclass(frozen=True)
class Reach:
    """lines: of each file, the tests that run each line · seconds: of each test that passes; others could notice nothing."""

    lines: dict[str, dict[int, frozenset[str]]]
    seconds: dict[str, float]

    def batches(self, file: str, lines: tuple[int, int], rooms: tuple[str, ...], limit: float) -> Iterator[list[str]]:
        """Tests for a fault in some lines of a file: the quickest that run these, of few files (most faults end there), then the
        others, then those of the rooms (folders of tests), both of many files in turn: tests of one file look at much the same.
        Each batch is for at most about `limit` seconds.

        Before all others come those that are named after the file: they may run it in other processes, which nobody has seen. So
        may what compares documents with the tables that they are made of."""
        own = {test for test in self.seconds if _file_of(test).endswith(f"/test_{Path(file).stem}.py") or (
            file.startswith("modules/") and _file_of(test) == MADE_OF_TABLES)}
        running = [*self._quickest_first(own, rooms), *self._quickest_first(self._that_run(file, lines) - own, rooms)]
        files = list(dict.fromkeys(map(_file_of, running)))[:FEW]
        given = set[str]()
        for tests in ([test for test in running if _file_of(test) in files], _in_turn(running),
                      _in_turn(self._quickest_first({test for test in self.seconds if test.startswith(rooms)}, ()))):
            batch, used = list[str](), 0.0
            for test in tests:
                if test in given:
                    continue
                used += self.seconds[test]
                if used > limit and batch:
                    break
                batch.append(test)
            given.update(batch)
            yield batch

    def _that_run(self, file: str, lines: tuple[int, int]) -> set[str]:
        """The tests of some lines; of those of an import, or that none runs in its own process, those of the file."""
        of_file = self.lines.get(file, {})
        found = set[str]().union(*(of_file.get(line, ()) for line in range(lines[0], lines[1] + 1)))
        return (found or set[str]().union(*of_file.values())) & self.seconds.keys()

    def _quickest_first(self, tests: set[str], rooms: tuple[str, ...]) -> list[str]:
        return sorted(tests, key=lambda test: (not test.startswith(rooms), self.seconds[test], test))


def _in_turn(tests: Iterable[str]) -> list[str]:
    """The first of each file, then the second of each, and so on."""
    place = defaultdict[str, Iterator[int]](itertools.count)
    return sorted(tests, key=lambda test: next(place[_file_of(test)]))


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def read(file: Path) -> Reach:
    held = json.loads(file.read_text(encoding="utf-8"))
    return Reach({source: {int(line): frozenset(tests) for line, tests in of.items()}
                  for source, of in _lines_of(held).items()}, held["seconds"])


def changed(file: Path, root: Path, tests: Iterable[Path]) -> list[str]:
    """Those of some files of tests that are not as they were when it was written down what they run, or new, or gone."""
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["files"]
    now = {path.relative_to(root).as_posix(): path for path in tests}
    return [*(name for name, path in now.items() if known.get(name) != digest(path)), *sorted(known.keys() - now.keys())]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def renew(file: Path, again: Path, names: Container[str]) -> None:
    """Put into a file what was measured again: of the tests of some files, which it does not know any more."""
    held, fresh = (json.loads(path.read_text(encoding="utf-8")) for path in (file, again))
    lines = {source: {line: {test for test in tests if _file_of(test) not in names} for line, tests in of.items()}
             for source, of in _lines_of(held).items()}
    for source, of in _lines_of(fresh).items():
        for line, tests in of.items():
            lines.setdefault(source, {}).setdefault(line, set()).update(tests)
    seconds = {test: took for test, took in held["seconds"].items() if _file_of(test) not in names}
    files = {name: known for name, known in held["files"].items() if name not in names}
    _write(file, {**seconds, **fresh["seconds"]}, lines, {**files, **fresh["files"]})


def _lines_of(held: Mapping[str, Any]) -> dict[str, dict[str, set[str]]]:
    """{source: {line: tests that run it}}."""
    names = held["tests"]
    return {source: {line: {names[i] for i in tests} for line, tests in of.items()} for source, of in held["lines"].items()}


def nothing(file: Path) -> None:
    """Write down that no test runs anything."""
    _write(file, {}, {}, {})


def _write(file: Path, seconds: Mapping[str, float], lines: Mapping[str, Mapping[Any, Iterable[str]]],
           files: Mapping[str, str]) -> None:
    """Tests stand in lines by their number: there are many."""
    names = sorted(seconds)
    number = {name: i for i, name in enumerate(names)}
    numbered = {source: {line: found for line, tests in of.items() if (found := sorted(number[t] for t in tests if t in number))}
                for source, of in sorted(lines.items())}
    file.write_text(json.dumps({"tests": names, "seconds": seconds, "files": files, "lines": numbered}), encoding="utf-8")


class _Recorder:
    """Remembers, of each test, the lines it runs and its time."""

    def __init__(self, file: Path) -> None:
        self._file, self._seconds, self._failed = file, defaultdict[str, float](float), set[str]()
        self._root, self._looked_into = Path.cwd(), set[str]()  # files, of which perhaps no test is run
        self._coverage = coverage.Coverage(data_file=None, config_file=False,
                                           include=[f"{self._root}/src/ringfence/*", f"{self._root}/modules/*"])
        self._coverage.start()
        self._children = tempfile.TemporaryDirectory()
        os.environ.update(CHILDREN=self._children.name, ROOT=str(self._root))

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self._looked_into.add(_file_of(item.nodeid))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        os.environ["OF_TEST"] = item.nodeid
        try:
            return (yield)
        finally:
            self._coverage.switch_context(IMPORT)
            del os.environ["OF_TEST"]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if report.outcome != "passed":
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        seconds = {test: round(took, 4) for test, took in self._seconds.items() if test not in self._failed}
        lines = {str(Path(file).relative_to(self._root)): {line: set(of) for line, of in data.contexts_by_lineno(file).items()}
                 for file in data.measured_files()}
        for told in Path(self._children.name).glob("*.json"):  # see children/sitecustomize.py
            with contextlib.suppress(ValueError):  # cut short: killed
                child = json.loads(told.read_text(encoding="utf-8"))
                for source, numbers in child["lines"].items():
                    for line in numbers:
                        lines.setdefault(source, {}).setdefault(line, set()).add(child["test"])
        self._children.cleanup()
        _write(self._file, seconds, lines, {name: digest(self._root / name) for name in sorted(self._looked_into)})


class _Selection:
    """The tests of a list, in its order; says which one failed."""

    def __init__(self, names: list[str], failed: Path) -> None:
        self._place, self._told = {name: i for i, name in enumerate(names)}, failed

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self._place), key=lambda item: self._place[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._told.write_text(report.nodeid, encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    if only := os.environ.get("ONLY"):
        config.pluginmanager.register(_Selection(json.loads(Path(only).read_text(encoding="utf-8")), Path(os.environ["FAILED"])))


# before anything of the engine is imported
_RECORDER = _Recorder(Path(os.environ["REACH"])) if "REACH" in os.environ else None


def pytest_sessionstart(session: pytest.Session) -> None:
    if _RECORDER:
        session.config.pluginmanager.register(_RECORDER)
