"""Faults are put in at one place, and meet the tests that could notice them."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import forked, reach, trees
from .forked import ALONE
from .mutate import mutants
from .reach import Reach
from .trees import ROOT, Tree

SOURCE = '''\
LIMIT = 3  # ä: positions are counted in bytes


def wide(rule: "Rule", names: list[str], strict: bool = False) -> str:
    if not rule.ports and strict:  # why
        raise ValueError(f"{rule.name or 'it'} is {'too' if strict else ''} wide")
    return ", ".join(sorted(name.lower() for name in names if name))
'''
LINES = SOURCE.splitlines()


def test_a_fault_is_one_change_and_comments_stay() -> None:
    made = [(mutant, mutant.put_into(SOURCE)) for mutant in mutants(SOURCE)]
    for mutant, text in made:
        ast.parse(text)
        now = text.splitlines()
        assert len(now) == len(LINES)
        (changed,) = (number for number, (old, new) in enumerate(zip(LINES, now, strict=True), 1) if old != new)
        assert mutant.lines[0] <= changed <= mutant.lines[1]
        assert [line.partition("#")[2] for line in now] == [line.partition("#")[2] for line in LINES]
    texts = {text.splitlines()[mutant.lines[0] - 1].strip() for mutant, text in made}
    assert texts >= {
        "LIMIT = (4)  # ä: positions are counted in bytes",
        "if True:  # why",
        "if (rule.ports) and strict:  # why",
        "if (strict):  # why",
        "pass",
        'return ", ".join(((name.lower() for name in names if name)))',
        'return ", ".join(sorted((name) for name in names if name))',
    }


def test_what_nobody_could_notice_is_left_alone() -> None:
    """How much a message shows, and one more than a bound; that a bound does not hold is a fault."""
    source = "MAX_A, _MAX_B = 3, 2**20\nSIZE = 5\nbad = len(text) > MAX_A\nraise ValueError(f'{text[:80]!r}')\n"
    assert [(m.before, m.after) for m in mutants(source)] == [
        ("5", "6"), ("len(text) > MAX_A", "len(text) <= MAX_A"), ("raise ValueError(f'{text[:80]!r}')", "pass")]


def test_the_quickest_tests_of_the_line_come_first_and_then_those_of_the_room() -> None:
    known = Reach(
        {"a.py": {1: frozenset({"far/t.py::slow", "near/t.py::one"}), 2: frozenset({"far/t.py::two"})}},
        {"far/t.py::slow": 9.0, "near/t.py::one": 2.0, "far/t.py::two": 1.0, "near/u.py::room": 3.0, "far/u.py::other": 0.1},
    )
    assert list(known.batches("a.py", (1, 1), ("near",), 5.0)) == [["near/t.py::one"], ["far/t.py::slow"], ["near/u.py::room"]]
    assert next(known.batches("a.py", (1, 2), ("near",), 5.0)) == ["near/t.py::one", "far/t.py::two"]
    assert next(known.batches("a.py", (7, 7), (), 50.0)) == ["far/t.py::two", "near/t.py::one", "far/t.py::slow"]


def test_tests_of_many_files_take_turns() -> None:
    """The first batch is of few files; the second begins with one of each of the others."""
    names = [f"room/{file}.py::{n}" for file in "abcde" for n in (1, 2)]
    known = Reach({"a.py": {1: frozenset(names)}}, {name: i + 1.0 for i, name in enumerate(names)})
    few, others, _ = known.batches("a.py", (1, 1), ("room",), 21.0)
    assert few == ["room/a.py::1", "room/a.py::2", "room/b.py::1", "room/b.py::2", "room/c.py::1", "room/c.py::2"]
    assert others == ["room/d.py::1", "room/e.py::1"]  # of the others too the first come first


def test_the_modules_that_open_or_lose_a_host_are_there() -> None:
    found = trees.opens_or_loses()
    assert [name for name in trees.OPENS_OR_LOSES if not any(file.startswith(name) for file in found)] == []


def test_tests_that_are_named_after_a_file_come_before_all_others() -> None:
    generated = f"{reach.MADE_OF_TABLES}::one"
    known = Reach({file: {1: frozenset({"far/t.py::one"})} for file in ("run/a.py", "modules/a.py")},
                  {"far/t.py::one": 1.0, "near/test_a.py::own": 2.0, generated: 3.0})
    for line in 1, 7:
        assert next(known.batches("run/a.py", (line, line), (), 50.0)) == ["near/test_a.py::own", "far/t.py::one"]
    assert next(known.batches("modules/a.py", (1, 1), (), 50.0)) == ["near/test_a.py::own", generated, "far/t.py::one"]


def test_tests_that_have_changed_are_measured_again(tmp_path: Path) -> None:
    def written(name: str, of: dict[str, Any]) -> Path:
        (tmp_path / name).write_text(json.dumps(of), encoding="utf-8")
        return tmp_path / name

    tests = [tmp_path / name for name in ("t.py", "u.py", "new.py")]
    for path in tests:
        path.write_text("", encoding="utf-8")
    held = written("held.json", {"tests": ["t.py::a", "u.py::b"], "seconds": {"t.py::a": 1.0, "u.py::b": 2.0},
                                 "files": {"t.py": "old", "u.py": reach.digest(tests[1])},
                                 "lines": {"a.py": {"1": [0, 1], "2": [0]}}})
    changed = reach.changed(held, tmp_path, tests)
    assert changed == ["t.py", "new.py"]
    again = written("again.json", {"tests": ["new.py::d", "t.py::c"], "seconds": {"new.py::d": 0.5, "t.py::c": 0.1},
                                   "files": {name: reach.digest(tmp_path / name) for name in changed},
                                   "lines": {"a.py": {"1": [1]}, "b.py": {"7": [0]}}})
    reach.renew(held, again, changed)
    assert reach.changed(held, tmp_path, tests) == []
    assert reach.read(held) == Reach({"a.py": {1: frozenset({"u.py::b", "t.py::c"})}, "b.py": {7: frozenset({"new.py::d"})}},
                                     {"u.py::b": 2.0, "new.py::d": 0.5, "t.py::c": 0.1})
    tests[2].unlink()  # what is gone is known no more, though nothing is left to be measured
    assert reach.changed(held, tmp_path, tests[:2]) == ["new.py"]
    reach.nothing(again)
    reach.renew(held, again, ["new.py"])
    assert reach.changed(held, tmp_path, tests[:2]) == []
    assert reach.read(held).seconds == {"u.py::b": 2.0, "t.py::c": 0.1}


@pytest.mark.parametrize("end", ["", "import os; os._exit(0)", "import multiprocessing as m; p = m.get_context('fork').Process("
                                 "target=lambda: Secret('x').reveal()); p.start(); p.join(); import os; os._exit(0)"])
def test_what_a_process_runs_that_a_test_has_begun_is_written_down(end: str, tmp_path: Path) -> None:
    path = os.pathsep.join(str(ROOT / folder) for folder in ("src", "tests/mutants/children"))
    subprocess.run([sys.executable, "-c", f"from ringfence.secret import Secret; {end}"], cwd=tmp_path, check=True, timeout=60,
                   env={**os.environ, "PYTHONPATH": path, "CHILDREN": str(tmp_path), "OF_TEST": "t.py::a", "ROOT": str(ROOT)})
    found = [json.loads(told.read_text(encoding="utf-8")) for told in tmp_path.glob("*.json")]
    assert [one["test"] for one in found] == ["t.py::a"] * (2 if "fork" in end else 1)
    assert all(len(one["lines"]["src/ringfence/secret.py"]) > 20 for one in found)


def test_a_function_is_exchanged_with_all_that_it_defines() -> None:
    """A comprehension that needs a variable of the function no more is another function than before."""
    source = "def chosen(names, known):\n    return [name for name in names if name in known]\n"
    space: dict[str, Any] = {}
    exec(compile(source, "chosen.py", "exec"), space)
    assert space["chosen"](["a", "b"], ["b"]) == ["b"]
    assert forked.exchange(forked.changes(source, source.replace(" if name in known", ""), "chosen.py")) == 1
    assert space["chosen"](["a", "b"], ["b"]) == ["a", "b"]
    with pytest.raises(ValueError, match="at import"):
        forked.changes("SIZE = 5\n", "SIZE = 6\n", "chosen.py")


def test_an_end_before_its_time_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is tried again, as long as that comes further; and then each on its own."""
    begun: list[list[int]] = []

    def ends_soon(tasks: list[dict[str, Any]], jobs: int) -> Iterator[tuple[int, str]]:
        begun.append([task["number"] for task in tasks])
        if len(tasks) > 2:
            yield tasks[0]["number"], "a test"

    monkeypatch.setattr(trees, "_told", ends_soon)
    file = "src/ringfence/secret.py"
    chosen = [(file, mutant) for mutant in [*mutants((ROOT / file).read_text(encoding="utf-8"))][:4]]
    assert list(trees.try_forked(chosen, 1, Reach({}, {}))) == [(0, "a test"), (1, "a test"), (2, ALONE), (3, ALONE)]
    assert begun == [[0, 1, 2, 3], [1, 2, 3], [2, 3]]


def test_a_tree_is_what_git_has(tmp_path: Path) -> None:
    """Whatever a test reads while it is collected is there."""
    folder = Tree(tmp_path / "tree").folder
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there >= {"CONTRIBUTING.md", ".github/workflows/ci.yml", "Makefile", "src/ringfence/secret.py", "tests/conftest.py"}
    assert not any(name.startswith((".venv", ".git/")) for name in there)
