"""House rules that a program can check: no import circle, no name twice, no name that was given up, data that travels."""

import ast
import pickle
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from core import KINDS, at, declared
from hosts import LabHost

from ringfence.errors import FAILURES, GuardRefused, HostError, RingfenceError, StalePlan, Unreachable
from ringfence.model.resource import Kind
from ringfence.model.storage import RuleStrings
from ringfence.report import HostResult
from ringfence.run.host_job import HostJob
from ringfence.secret import Secret, secrets_travel
from ringfence.transports.connection_settings import LocalSettings

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ringfence"
FILES = sorted([*SOURCE.rglob("*.py"), *(ROOT / "modules").glob("*.py")])


def module_name(file: Path) -> str:
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts if SOURCE in file.parents else ("ringfence", "kinds", file.stem)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    return {module_name(file): ast.parse(file.read_text(encoding="utf-8")) for file in FILES}


def imported(module: str, tree: ast.AST) -> Iterator[str]:
    """The modules of ours that a module imports anywhere, for type checking too, and not those above it in its path."""
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [
            f"{node.module}.{a.name}" for a in node.names] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            found = name if name in modules() else name.rpartition(".")[0]
            if found in modules() and found != module:
                yield found


def test_no_import_circle() -> None:
    """Over all modules at once; graphlib raises CycleError with the circle."""
    TopologicalSorter({module: set(imported(module, tree)) for module, tree in modules().items()}).prepare()


def definitions(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a module or class gives others: classes, functions, parameters, fields, constants."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node.name
            yield from definitions(node.body)
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            yield from (t.id for t in targets if isinstance(t, ast.Name))


def constants(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        yield from (t.id for t in targets if isinstance(t, ast.Name) and t.id.isupper() and not t.id.startswith("_"))


# every kind has a table of tokens, every command examples and help, several modules a log and a type variable
PER_ROOM = {"ORDER", "SECURITY", "EXAMPLES", "HELP", "LOG", "T"}


def twice(names: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    places = defaultdict(list)
    for name, place in names:
        places[name].append(place)
    return {name: where for name, where in places.items() if len(where) > 1}


def test_no_module_class_or_constant_has_the_name_of_another() -> None:
    """Commands are named as users call them. The lab is read beside the engine, and shares facts of Windows with it by name."""
    files = [f for f in FILES if f.stem not in ("__init__", "__main__") and "commands" not in f.parts]
    assert twice((f.stem, module_name(f)) for f in files) == {}
    assert twice((c.name, m) for m, tree in modules().items() for c in tree.body
                 if isinstance(c, ast.ClassDef) and not c.name.startswith("_")) == {}
    engine = {m: tree for m, tree in modules().items() if not m.startswith("ringfence.lab")}
    assert twice((c, m) for m, tree in engine.items() for c in constants(tree) if c not in PER_ROOM) == {}


# names that said too little, said something else in this field, or stood for several things
GIVEN_UP = """
    worst Refused nearest Hidden Word binds unbound said truth squeeze many subset nothing_said by_version no_names
    Caseless Pieces Rows idle Each also Spelled spell Encoded meanings home Strings Keys Sets Asked Inside settle agree
    refers part key_word residue trips made told Want over Desired disagreements identify facts_of net loss
    tree_of read_asked renamed by_default asked_by strangers conflicts look Trips Later each Job _unfit Request kinds_of
    Declarer MOST Step Task spend refill counted narrow Marker reach waiting article beside understand Link
    Paint visible Outcomes HELD wrong Keep Fleet _somebody _agree _gone KNOWN keywords_only GATE WHAT Gate Directory
"""


def test_no_name_that_was_given_up_comes_back() -> None:
    given_up = set(GIVEN_UP.split())
    back = {(module, name) for module, tree in modules().items() for name in definitions(tree.body) if name in given_up}
    assert back == set()
    assert [m for m in modules() if m.rpartition(".")[2] in given_up | {"words", "converge", "conditions", "desired"}] == []


# proposals are kinds too: those of the sets that hold them
WITH_PROPOSALS = {k.name: k for kind in KINDS.values() for k in (kind, *(p.proposal.kind for p in kind.proposals if p.proposal))}
ORDERED = [k for k in WITH_PROPOSALS.values() if getattr(k.storage, "order", "")]


@pytest.mark.parametrize("kind", ORDERED, ids=lambda k: k.name)
def test_every_token_has_its_place_in_the_order(kind: Kind) -> None:
    tokens = {t for p in kind.properties.values() for t in getattr(p.codec, "tokens", ())}
    assert tokens
    assert tokens - set(kind.storage.order.split()) == set()


def test_every_kind_of_rule_strings_and_proposals_is_ordered() -> None:
    assert len(ORDERED) >= 5
    assert [k for k in WITH_PROPOSALS.values() if isinstance(k.storage, RuleStrings) and k not in ORDERED] == []


def test_jobs_and_their_kinds_travel_to_another_process() -> None:
    port = at(1, name="r", local_port=80, protocol="tcp")
    declarations = declared(port, at(5, "firewall_profile", profiles="any", enabled=True))
    job = HostJob("srv1", LocalSettings(), declarations, len(declarations))
    assert pickle.loads(pickle.dumps(job)) == job
    for kind in KINDS.values():
        assert pickle.loads(pickle.dumps(kind)) is kind


def test_results_travel_to_another_process() -> None:
    results = [LabHost().plan(at(1, name="r")), LabHost().apply(at(1, name="r"))]
    assert [r.status for r in results] == ["differs", "changed"]
    for result in results:
        assert pickle.loads(pickle.dumps(result)) == result


ERRORS = [RingfenceError("wrong"), StalePlan("moved"), GuardRefused("no"),
          *(kind(name, "why") for name in FAILURES for kind in (HostError, Unreachable))]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: f"{type(e).__name__}-{e}")
def test_errors_travel_to_another_process(error: RingfenceError) -> None:
    back = pickle.loads(pickle.dumps(HostResult("srv1", error=error))).error
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


def test_secrets_travel_only_where_it_is_said() -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        pickle.dumps(Secret("s"))
    with secrets_travel():
        assert pickle.loads(pickle.dumps(Secret("s"))) == Secret("s")
    with pytest.raises(TypeError, match="cannot be stored"):
        pickle.dumps(Secret("s"))
