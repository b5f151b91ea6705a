"""A set keeps the keys that it was read from: what does not change of it is written as it stood, to the letter."""

import pickle
from typing import Any

import pytest
from chance import by_chance
from core import KINDS, cases
from hypothesis import given
from hypothesis import strategies as st
from ipsec_lab import SET

from ringfence.model.resource import Resource
from ringfence.secret import Secret
from ringfence.windows.read import read
from ringfence.windows.set_writer import write

CASES: list[dict[str, Any]] = cases("rewritten_sets")
Keys = dict[str, dict[str, Any]]
SECRET = "a key that is told nowhere"


def rows(keys: Keys) -> list[list[Any]]:
    return [[path, [[name, *(value if isinstance(value, list) else ["String", value])] for name, value in values.items()]]
            for path, values in keys.items()]


def only_set(stored: list[list[Any]]) -> Resource:
    (found,) = read({"local": stored}, {name: kind for name, kind in KINDS.items() if name.endswith("_set")}).values()
    return found


def changed(found: Resource, change: dict[str, Any]) -> Resource:
    return found.replace(**{p: found.kind.properties[p].type.parse(v) for p, v in change.items()})


@pytest.mark.parametrize("case", CASES, ids=[f"{c['kind']}-{i}" for i, c in enumerate(CASES)])
def test_only_what_changed_is_said_anew(case: dict[str, Any]) -> None:
    found = only_set(rows(case["found"]))
    assert found.kind.name == case["kind"]
    wanted = changed(found, case["change"])
    assert write(wanted, found) == rows(case["written"])
    assert write(found) == [[path, [v for v in values if v[0] != "SHKey"]] for path, values in rows(case["found"])]
    again = only_set(rows(case["written"]))
    if "SHKey" not in str(case["found"]):
        assert again == wanted


@pytest.mark.parametrize("case", CASES, ids=[f"{c['kind']}-{i}" for i, c in enumerate(CASES)])
def test_a_set_that_was_declared_keeps_what_it_says_as_well(case: dict[str, Any]) -> None:
    """The declared set was read from nothing: what the host's set says of the same values stands as it stood."""
    found = only_set(rows(case["found"]))
    wanted = changed(found, case["change"])
    declared = found.kind.create(found.name, wanted.values(), wanted.unknown_tokens)
    assert declared.source is None
    assert write(declared, found) == rows(case["written"])


@pytest.mark.parametrize("kind", SET)
@by_chance(60)
@given(st.data())
def test_every_set_is_written_back_as_it_was_read(kind: str, data: st.DataObject) -> None:
    """In any order and case, with what nobody knows and what is written twice over."""
    said = [data.draw(SET[kind]) for _ in range(2)]
    first, second = (changed(KINDS[kind].create("S", {}), one) for one in said)
    stored = write(first)
    for row in stored:
        row[1] = data.draw(st.permutations([*row[1], *([["Future", "DWord", 7]] if data.draw(st.booleans()) else [])]))
    found = only_set(stored)
    assert write(found) == stored
    assert write(found.replace()) == stored
    assert write(pickle.loads(pickle.dumps(found))) == stored
    assert without_keys(only_set(write(second, found))) == without_keys(second)


def without_keys(resource: Resource) -> Resource:
    proposals = tuple(p.replace(pre_shared_key=None) if "pre_shared_key" in p.values() else p
                      for p in resource.values()["proposal"])
    return resource.replace(proposal=proposals)


def test_a_key_that_a_file_tells_is_not_kept_beside_the_values() -> None:
    stored = rows({r"Phase1AuthenticationSets\S": {"Name": "N"},
                   r"Phase1AuthenticationSets\S\0000": {"Method": "MachineSHKey", "SHKey": SECRET}})
    found = only_set(stored)
    (proposal,) = found.values()["proposal"]
    assert proposal.pre_shared_key == Secret(SECRET)
    assert SECRET not in str(proposal.source.stored) + str(found.source) + str(write(found))
