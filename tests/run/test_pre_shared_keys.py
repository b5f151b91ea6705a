"""Whether a host has the declared pre-shared key: it is asked, once a set and batch, and tells nothing but that."""

import gzip
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from core import declare, task
from hosts import LEDGER, LabHost

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.batch.scripts import script, script_named
from ringfence.lab import POLICY
from ringfence.model.facts import Facts
from ringfence.project.render import RenderedTask
from ringfence.secret import MASK, Secret

KEY = "correct horse battery staple"
PATH = rf"{POLICY}\Phase1AuthenticationSets"


def keyed(key: str = KEY, name: str = "s") -> RenderedTask:
    return task("ipsec_phase1_auth_set", {"name": name, "proposal": [{"machine": True, "pre_shared_key": Secret(key)}]})


@pytest.mark.parametrize("name", ["s", "default"])
def test_a_key_that_is_there_is_in_sync_in_one_connection(name: str) -> None:
    lab = LabHost()
    assert lab.apply(keyed(name=name)).status == "changed"
    seen = len(lab.batches)
    assert lab.apply(keyed(name=name)).status == "in_sync"
    assert len(lab.batches) == seen + 1


def test_a_key_that_somebody_changed_is_seen_and_put_right() -> None:
    lab = LabHost()
    lab.apply(keyed())
    lab.machine.registry.set(rf"{PATH}\s\0000", "SHKey", KEY + "x")
    (change,) = lab.plan(keyed()).changes
    assert list(change.properties()) == ["proposal"]
    assert lab.apply(keyed()).status == "changed"
    assert lab.machine.registry.get(rf"{PATH}\s\0000", "SHKey") == KEY


def test_each_set_is_compared_with_its_own_key() -> None:
    lab = LabHost()
    lab.apply(keyed(name="a"), keyed("another key", name="b"), keyed("a third", name="c"))
    assert lab.plan(keyed(name="a"), keyed("another key", name="b"), keyed("a third", name="c")).changes == ()
    swapped = lab.plan(keyed("another key", name="a"), keyed(name="b"), keyed("a third", name="c"))
    assert [c.id.name for c in swapped.changes] == ["a", "b"]


def test_nothing_made_of_a_stored_key_is_answered() -> None:
    lab = LabHost()
    lab.apply(keyed())
    lab.machine.registry.set(rf"{PATH}\s\0000", "SHKey", "what the host has")
    lab.plan(keyed())
    told = gzip.decompress(b64decode(lab.outputs[-2].removeprefix("<<ringfence:").removesuffix(">>"))).decode()
    assert '["SHKey","Secret",null]' in told
    assert Secret("what the host has").fingerprint(lab.batches[-2].hmac_key) not in told
    assert lab.batches[-2].script == script_named("key-reader")


def test_a_host_without_a_declared_key_is_asked_nothing() -> None:
    lab = LabHost()
    lab.apply(keyed())
    lab.plan(task("ipsec_phase1_auth_set", {"name": "t", "proposal": [{"machine": True, "kerberos": True}]}))
    assert {call.verb for call in lab.batches[-1].calls.values()} == {
        "Facts.Read", "Policy.Read", "Conditions.Read", "Defaults.Read", "Ledger.Read"}
    assert lab.batches[-1].script == script()


def test_a_key_that_facts_decide_is_asked_in_a_second_batch() -> None:
    lab = LabHost()
    lab.apply(keyed())

    def by_facts(facts: Facts) -> Any:
        return declare(keyed(KEY if facts.build else "not known yet"))

    before = len(lab.batches)
    assert lab.plan(declare=by_facts).changes == ()
    assert len(lab.batches) == before + 2


def test_a_key_that_facts_change_is_asked_anew() -> None:
    lab = LabHost()
    lab.apply(keyed())
    before = len(lab.batches)
    assert lab.plan(keyed("without facts"), declare=lambda facts: declare(keyed())).changes == ()
    assert len(lab.batches) == before + 2
    before = len(lab.batches)
    assert lab.plan(keyed(), declare=lambda facts: declare(keyed())).changes == ()
    assert len(lab.batches) == before + 1


def without_comparison(lab: LabHost) -> None:
    """Make the host one that is reached at an endpoint for auditors."""
    run = lab.run

    def answer(batch: Batch) -> Reply | None:
        if "keys" not in batch.calls:
            return None
        lab.before = lambda batch: None
        answers = dict(run(Batch({label: call for label, call in batch.calls.items() if label != "keys"})).answers)
        lab.before = answer
        return Reply({**answers, "keys": Answer(error=Failure("InvalidArgument", "ringfence.verb", "no such verb"))})

    lab.before = answer
    lab.facts = {"verbs": ["Facts.Read", "Policy.Read"]}


def test_an_endpoint_that_compares_no_keys_is_told_of_and_is_no_difference() -> None:
    lab = LabHost()
    lab.apply(keyed("what the host has"))
    without_comparison(lab)
    result = lab.plan(keyed())
    assert (result.changes, result.status) == ((), "in_sync")
    assert [(d.severity, d.summary) for d in result.diagnostics] == [
        ("warning", "the pre-shared key of ipsec_phase1_auth_set s could not be read: the endpoint does not compare keys, "
                    "which the one for operators does")]
    assert [c.action for c in lab.plan(keyed(name="new")).changes] == ["create"]


@pytest.mark.parametrize("said", [None, "equal", {"equal": "equal"}, ["EQUAL"], []])
def test_a_host_that_answers_in_another_form_has_not_said_that_the_key_is_there(said: Any) -> None:
    """Then it is written once more, and no key that somebody else chose passes for the declared one."""
    lab = LabHost()
    lab.apply(keyed("what an administrator chose"))
    run = lab.run

    def answer(batch: Batch) -> Reply:
        lab.before = lambda batch: None
        return Reply({**run(batch).answers, "keys": Answer(said)})

    lab.before = answer
    assert [c.action for c in lab.plan(keyed()).changes] == ["update"]


@pytest.mark.parametrize("stored", [KEY, "what an administrator chose"])
def test_a_key_that_is_adopted_with_its_set_comes_into_no_ledger(stored: str) -> None:
    lab = LabHost(owns=False)
    lab.apply(keyed())
    lab.machine.registry.delete(LEDGER)  # then it is nobody's
    lab.machine.registry.set(rf"{PATH}\s\0000", "SHKey", stored)
    asked = keyed()
    assert [c.action for c in lab.apply(replace(asked, treatment={"adopt": True})).changes] == ["adopt"]
    entry = lab.entry("s", kind="ipsec_phase1_auth_set")
    assert (entry["how"], list(entry["first"])) == ("adopted", ["display_name"])
    ledger = lab.machine.registry.key(LEDGER)
    assert ledger is not None
    told = "".join(str(value.data) for value in ledger.values.values())
    assert not [word for word in (KEY, stored, MASK) if word in told]
