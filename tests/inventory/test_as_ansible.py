"""Inventories mean what Ansible says that they mean: its answers are kept (tests/oracle), and each difference with its reason."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_answers import VERSIONS, answers, asked
from core import cases
from inventories import WITH_PATTERNS, by_chance, inventories, of_inventories, patterns_by_chance, sources, write

from ringfence.diagnostics import InputError, Problems
from ringfence.documents.trust import Trust
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.vault import Vault
from ringfence.inventory import patterns, readers
from ringfence.inventory.inventory import Inventory
from ringfence.inventory.listing import listing, plain
from ringfence.secret import Secret

CASES = {case["name"]: case for case in inventories()}
DIFFERENCES = {row["name"]: row for row in cases("ansible/differences")["listings"]}
PATTERNS_THAT_DIFFER = [row["pattern"] for row in cases("ansible/differences")["patterns"]]
ANSWERS = {version: answers(version, "answers") for version in VERSIONS}


def read(case: Mapping[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Inventory, Problems]:
    """The inventory of a case, as a user names it who is in its folder."""
    write(folder, case)
    monkeypatch.chdir(folder)
    problems = Problems()
    vault = Vault([("default", Secret(case["vault"]))] if "vault" in case else ())
    trust = Trust(named=tuple(map(os.path.realpath, sources(case))), programs=(str(folder.resolve()),))
    return readers.load(sources(case), VariableFiles(vault, problems, trust), case.get("enabled", ())), problems


def ours(case: Mapping[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    """The listing of a case, or None, and what is told."""
    problems = Problems()
    try:
        inventory, problems = read(case, folder, monkeypatch)
        problems.check()
        hosts = list(inventory)
        if "limit" in case:
            left = patterns.limit(inventory, case["limit"], problems)
            hosts = [host for host in hosts if left is None or host in left]
        beside = Path(case.get("beside", "."))
        found = listing(inventory, lambda host: inventory.get(host, beside).variables, lambda _, value: plain(value), hosts)
        problems.check()
        return json.loads(json.dumps(found)), "\n".join(map(str, problems.all))
    except InputError as error:
        return None, "\n".join(f"{d.where}: {d.severity}: {d.summary}\n    {d.detail}" for d in error.diagnostics)


def ansible_program(folder: Path, exported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `ansible-inventory` on the PATH that says what the real one said."""
    program = folder / "bin" / "ansible-inventory"
    program.parent.mkdir()
    (folder / "bin" / "answer.json").write_text(json.dumps(exported), encoding="utf-8")
    program.write_text("#!/bin/sh\ncat \"${0%/*}/answer.json\"\n" if exported else "#!/bin/sh\necho cannot >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


def different(version: str, name: str) -> bool:
    """Whether something is known to differ from what a version says."""
    return name in DIFFERENCES and version in DIFFERENCES[name].get("versions", VERSIONS)


@pytest.mark.parametrize("name", CASES)
def test_a_listing_is_ansibles(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    (tmp_path / "files").mkdir()
    if case.get("plugin"):
        ansible_program(tmp_path, ANSWERS[VERSIONS[-1]][f"{name}, exported"], monkeypatch)
    found, told = ours(case, tmp_path / "files", monkeypatch)
    assert (found is None) == ("mistake" in case), told
    assert case.get("mistake", "") in told
    theirs = {version: said[name] for version, said in ANSWERS.items()}
    assert {v: found == said for v, said in theirs.items()} == {v: not different(v, name) for v in theirs}, (found, theirs)


def test_every_difference_is_of_a_case() -> None:
    assert DIFFERENCES.keys() <= CASES.keys()


def test_the_answers_are_to_these_questions() -> None:
    """Else `make oracle` has to ask again."""
    assert asked("answers") == dict.fromkeys(VERSIONS, of_inventories())


@pytest.fixture(scope="module")
def selected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, bool]]:
    """Of each version and pattern whether it means the same hosts."""
    found = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for number in range(WITH_PATTERNS):
            inventory, problems = read(by_chance(number), tmp_path_factory.mktemp("patterns"), monkeypatch)
            problems.check()
            for position, pattern in enumerate(patterns_by_chance(number)):
                problems = Problems()
                hosts = patterns.select(inventory, pattern, problems)
                found += [(version, pattern, _same(hosts, problems, said[f"patterns {number}"][position]))
                          for version, said in ANSWERS.items()]
    return found


def _same(found: list[str], problems: Problems, theirs: list[Any] | None) -> bool:
    """Whether it is Ansible's answer. Of an order that is by chance there, the hosts are; a name that nobody has is a mistake
    here and a warning there."""
    errors = [d for d in problems.all if d.severity == "error" and not d.summary.startswith("no host or group matches")]
    if theirs is None or errors:
        return theirs is None and bool(errors)
    return sorted(found) == theirs[1:] if theirs[:1] == [None] else found == theirs


def test_patterns_mean_the_same_hosts(selected: list[tuple[str, str, bool]]) -> None:
    known = re.compile("|".join(PATTERNS_THAT_DIFFER))
    assert [(version, pattern) for version, pattern, same in selected if not same and not known.search(pattern)] == []


@pytest.mark.parametrize("form", PATTERNS_THAT_DIFFER)
def test_patterns_that_are_known_to_differ_do(form: str, selected: list[tuple[str, str, bool]]) -> None:
    others = re.compile("|".join(other for other in PATTERNS_THAT_DIFFER if other != form))
    assert not all(same for _, pattern, same in selected if re.search(form, pattern) and not others.search(pattern))
