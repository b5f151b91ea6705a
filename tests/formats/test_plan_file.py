"""Plan files: what was reviewed is what is read again, and what is none ends in one line."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from chance import by_chance
from core import KINDS, RULE, cases, declared, rule, task
from documents import validator
from hosts import LabHost
from hypothesis import given
from rule_strategies import rules

from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.errors import GuardRefused, HostError, Unreachable
from ringfence.formats.data import Definitions, change_text
from ringfence.formats.plan_file import PlanEncoder, PlanFile, PlanHead, decode
from ringfence.formats.read_data import change_from_data
from ringfence.model.declaration import digest_of_declarations
from ringfence.model.plain import plain_data
from ringfence.model.resource import Resource
from ringfence.model.state import Change, TaskLabel, id_of
from ringfence.plan.obstacles import Affected, Obstacle, Reason
from ringfence.report import HostResult, ProjectState
from ringfence.secret import MASK, Secret, StoredSecret
from ringfence.transports.way_in import WayIn
from ringfence.types.base import CaseInsensitive

SALT = b"0123456789abcdef"
HEAD = PlanHead(
    made_at=datetime(2026, 11, 27, 8, 30, tzinfo=UTC), run_id="20261127T083000Z-3f9a1c", ringfence="1.0.0", user="eve",
    machine="ops1",
    project=ProjectState("corp-firewall", "4fb05af2c7140a2c4fb05af2c7140a2c4fb05af2", False, "0123456789abcdef"),
    options={"playbooks": ("site.yml",), "inventory": ("inventory", "web1,web2"), "limit": ("web", "!pc2"), "tags": ("rdp",),
             "skip_tags": (), "prune": ("created",)},
    extra_vars=("corp",), vault_ids=("default",), files={"site.yml": "ab" * 32}, salt=SALT)
TARGET = WayIn("psrp", "10.0.0.1", 5986, "admin", endpoint="ringfence.operators")
COMPAT = Path(__file__).parents[1] / "compat"


def change(before: Resource | None, after: Resource | None, **more: Any) -> Change:
    return Change(id_of(after or before), before, after, **more)  # type: ignore[arg-type]


CREATE = change(None, rule("Ä", program="C:\\ü.exe", local_port=[80, 443], protocol="tcp", local_user="S-1-5-21-1-2-3-1104"),
                where=Where("site.yml", 7), label=TaskLabel("web", "Open the port", ("rdp",)))
RESULTS = [
    HostResult("web1", (CREATE, change(rule("b"), rule("b", enabled=False), why="of Windows", owner="windows")), declared=3,
               undeclared=9, machine="GUID-1|web1|corp", declarations="cd" * 16,
               names={"S-1-5-21-1-2-3-1104": "CORP\\Somebody"},
               diagnostics=(Diagnostic(Where("site.yml", 7), "wide", "narrow it", "warning", "web1"),)),
    HostResult("web2", (CREATE,), obstacles=(Obstacle("not_in_force", Reason("merge_off", "off", "on"), ("domain",),
                                                      (Affected(CREATE.id, "Ä", Where("site.yml", 7)),)),)),
    HostResult("web3", machine="|web3|"),
    HostResult("gone", error=Unreachable("dns", "no such name")),
    HostResult("kept", (CREATE,), error=GuardRefused("30 % of what the project owns")),
    HostResult("bad", (CREATE,), diagnostics=(Diagnostic(NOWHERE, "wrong"),)),
    HostResult("off", error=HostError("language_mode")),
]


def encoded(results: list[HostResult], head: PlanHead = HEAD) -> str:
    encoder = PlanEncoder(head.salt)
    for result in results:
        encoder.add(result, TARGET)
    return "".join(encoder.text(head))


def test_files_stand_in_the_order_of_their_names() -> None:
    """Whatever was read first: equal plans are equal files."""
    one, other = (dict.fromkeys(names, "ab" * 32) for names in (("a.yml", "b.yml"), ("b.yml", "a.yml")))
    assert encoded([], replace(HEAD, files=one)) == encoded([], replace(HEAD, files=other))


def read(text: str) -> PlanFile:
    return decode(text, "site.plan.json", KINDS)


def test_a_plan_survives_its_file() -> None:
    text = encoded(RESULTS)
    plan = read(text)
    assert plan.head == HEAD
    assert list(plan.hosts) == ["bad", "gone", "kept", "off", "web1", "web2", "web3"]
    assert [h for h, one in plan.hosts.items() if one.is_planned] == ["web1", "web2", "web3"]
    assert {h: one.result.status for h, one in plan.hosts.items()} == {r.host: r.status for r in RESULTS}
    for made in RESULTS:
        found = plan.hosts[made.host].result
        assert found.changes == (made.changes if plan.hosts[made.host].is_planned else ())
        assert (str(found.error), found.machine.strip("|"), found.names) == (str(made.error), made.machine.strip("|"), made.names)
        for name in ("diagnostics", "declared", "undeclared", "declarations"):
            assert getattr(found, name) == getattr(made, name)
    assert plan.hosts["web2"].result.obstacles == RESULTS[1].obstacles
    assert plan.hosts["web1"].target == TARGET
    encoder = PlanEncoder(SALT)
    for one in plan.hosts.values():
        encoder.add(one.result, one.target)
    assert "".join(encoder.text(plan.head)) == text
    assert text.isascii()


def test_it_fits_its_schema_and_says_each_change_once() -> None:
    document = json.loads(encoded(RESULTS))
    validator("plan").validate(document)
    assert len(document["definitions"]) == 2
    with pytest.raises(jsonschema.ValidationError):
        validator("plan").validate({**document, "hosts": {}})


def test_what_a_later_version_adds_is_passed_over() -> None:
    document = json.loads(encoded(RESULTS))
    document |= {"format_version": "1.7", "more": [1]}
    document["hosts"][4]["more"] = document["definitions"].copy()
    plan = read(json.dumps(document))
    assert [(h, one.result.status, one.result.changes) for h, one in plan.hosts.items()] == [
        (h, one.result.status, one.result.changes) for h, one in read(encoded(RESULTS)).hosts.items()]


def members(value: Any, place: str = "") -> set[str]:
    """Each member in a document, with its type; those of lists and tables together."""
    if isinstance(value, list):
        return set().union(*(members(v, f"{place}[]") for v in value))
    if not isinstance(value, dict):
        return {f"{place} {type(value).__name__}"}
    table = place in TABLES
    return set().union(*(members(v, f"{place}.{'*' if table else k}") for k, v in value.items()))


TABLES = (".files", ".definitions", ".obstacles", ".hosts[].secrets", ".hosts[].names")


def test_the_plans_of_every_release_are_read_and_their_members_stay() -> None:
    for folder in sorted(COMPAT.glob("1.*")):
        text = (folder / "site.plan.json").read_text(encoding="ascii")
        plan = read(text)
        assert (plan.head, sorted(plan.hosts)) == (HEAD, sorted(r.host for r in RESULTS))
        assert {h: one.result.status for h, one in plan.hosts.items()} == {r.host: r.status for r in RESULTS}
        untold = {None} if "ledger" not in text else {""}  # the first releases did not say what the ledger says
        assert {c.ledger for c in plan.hosts["web1"].result.changes} == untold
        assert tuple(replace(c, ledger="") for c in plan.hosts["web1"].result.changes) == RESULTS[0].changes
        assert plan.hosts["web2"].result.obstacles == RESULTS[1].obstacles
        assert members(json.loads(text)) <= members(json.loads(encoded(RESULTS)))


# -- changes as data and back


@by_chance(60)
@given(rules(), rules())
def test_changes_come_back_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    one, two = rule(**first), rule(**second)
    for made in (change(None, one), change(one, two), change(two, None)):
        said = json.loads(change_text(made))
        assert change_from_data(said, KINDS) == made
        assert (said == json.loads(change_text(change(None, one)))) == (made == change(None, one))


EXAMPLES = [
    task("firewall_profile", {"profiles": "any", "enabled": True, "log_file_name": "C:\\a.log"}),
    task("firewall_setting", {"exemptions": ["icmp", "dhcp"]}),
    task("ipsec_quick_mode_crypto_set", {"name": "q", "proposal": [{"encapsulation": "esp", "encryption": "aes256",
                                                                      "esp_hash": "sha1"}]}),
    task("ipsec_phase1_auth_set", {"name": "k", "proposal": [{"machine": True, "pre_shared_key": Secret("x" * 20)}]}),
    task("ipsec_rule", {"name": "iso", "inbound_security": "require", "outbound_security": "request",
                        "remote_address": "10.0.0.0/8", "phase1_auth_set": "k"}),
]


def test_changes_of_other_kinds_come_back_equal() -> None:
    changes = LabHost().plan(*EXAMPLES).changes
    assert {c.id.kind for c in changes} == {t.kind for t in EXAMPLES}
    for made in changes:
        found = change_from_data(json.loads(change_text(made)), KINDS)
        assert change_text(found) == change_text(made)


def test_what_nobody_understood_comes_back() -> None:
    made = change(RULE.read_string("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Future=1|LPort2_20=DHCP|Protocol=17|"), None)
    found = change_from_data(json.loads(change_text(made)), KINDS)
    assert found.before is not None
    assert found.before.unknown_tokens == ("Future=1",)
    assert change_text(found) == change_text(made)


def test_secrets_come_back_as_such_and_show_no_difference() -> None:
    (made,) = LabHost().plan(EXAMPLES[3]).changes
    assert made.after is not None
    renamed = change(made.after, made.after.replace(display_name="other"))
    found = change_from_data(json.loads(change_text(renamed)), KINDS)
    assert list(found.properties()) == ["display_name"]
    (key,) = [m.pre_shared_key for m in found.after.proposal]  # type: ignore[union-attr]
    assert isinstance(key, StoredSecret)


def test_a_secret_never_reaches_it() -> None:
    said = json.dumps(plain_data({"key": Secret("sesame"), "in": (Secret("sesame"), CaseInsensitive("C:\\A"))}))
    assert "sesame" not in said
    assert said.count(MASK) == 2
    text = encoded([HostResult("a", LabHost().plan(EXAMPLES[3]).changes)])
    assert "x" * 20 not in text
    assert '"secrets":{"' in text


def test_names_are_of_what_is_called_otherwise_alone() -> None:
    """Else whoever writes a plan decides how its values read."""
    names = {"S-1-5-21-1-2-3-1104": "CORP\\Somebody", "tcp": "udp", "allow": "block", "443": "22"}
    plan = read(encoded([HostResult("web1", (CREATE,), names=names)]))
    assert plan.hosts["web1"].result.names == {"S-1-5-21-1-2-3-1104": "CORP\\Somebody"}


# -- what is none


def put(text: str, at: str, value: Any) -> str:
    """The plan with another value at a place; § is the key of its first change."""
    document = json.loads(text)
    key = Definitions().refer(CREATE)
    *way, last = at.split(".")
    place = document
    for step in way:
        place = place[int(step) if step.isdecimal() else key if step == "§" else step]
    place[last] = [key if v == "§" else v for v in value] if isinstance(value, list) else value
    return json.dumps(document)


@pytest.mark.parametrize("case", cases("hostile_plans"), ids=lambda c: c["name"])
def test_what_is_no_plan_is_told_in_a_line(case: dict[str, Any]) -> None:
    right = encoded(RESULTS[:2])
    text = case["text"] * case.get("repeat", 1) if "text" in case else put(right, case["at"], case["put"])
    with pytest.raises(InputError) as caught:
        read(text)
    (problem,) = caught.value.diagnostics
    assert problem.where == Where("site.plan.json")
    assert case["says"] in problem.summary
    assert "\n" not in problem.summary
    assert case.get("way_out", "make it with `ringfence plan -o FILE`") in problem.detail


def test_declared_things_have_a_digest() -> None:
    tcp, udp = (task("firewall_rule", {"name": "a", "protocol": protocol}) for protocol in ("tcp", "udp"))
    gone = task("firewall_rule", {"name": "b", "state": "absent"})
    first, same, other = (digest_of_declarations(declared(*tasks)) for tasks in ((tcp, gone), (gone, tcp), (udp, gone)))
    assert first == same != other
    orders = ({"name": "a", "protocol": "tcp", "local_port": 443}, {"name": "a", "local_port": 443, "protocol": "tcp"})
    assert len({digest_of_declarations(declared(task("firewall_rule", said))) for said in orders}) == 1


def test_digests_of_secrets_are_those_that_plans_of_earlier_versions_hold() -> None:
    """Else each of them would be stale."""
    assert Secret("hunter2").slow_digest(bytes(16)) == "scrypt:e0fa5a3610d37e741281ac07fbec8e0c"
