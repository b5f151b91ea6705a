"""Whose an object is, by the cases in cases/origins.yml; and of everything that real machines hold."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from core import KINDS, PROFILE, RULE, cases
from hosts import LabHost
from hypothesis import given
from hypothesis import strategies as st
from registry_files import SHIPPED, hive

from ringfence.lab import machine
from ringfence.model.ledger import Entry, Ledger
from ringfence.model.state import LOCAL, Id, State
from ringfence.windows.defaults import parse_defaults
from ringfence.windows.origin import ORIGINS, Origin, origin_of
from ringfence.windows.read import read


@pytest.mark.parametrize("case", cases("origins"), ids=lambda c: f"{c['origin']}-{c['rule'][-40:]}")
def test_case(case: dict[str, Any]) -> None:
    name = case.get("name", "r")
    id = Id(case.get("store", LOCAL), "firewall_rule", name.lower())
    shipped = {id._replace(store=LOCAL): RULE.read_string(name, case["shipped"])} if "shipped" in case else {}
    ledger = Ledger(entries={id: Entry(case["ours"], hash="1")} if "ours" in case else {},
                    foreign={id: case["theirs"]} if "theirs" in case else {})
    found = origin_of(id, RULE.read_string(name, case["rule"]), State(shipped), ledger)
    assert found == Origin(case["origin"], case.get("of", ""))


def test_the_cases_know_every_origin() -> None:
    assert {case["origin"] for case in cases("origins")} == set(ORIGINS)


def test_profiles_are_parts_of_windows() -> None:
    shipped, changed = PROFILE.create("domain", {"enabled": True}), PROFILE.create("domain", {"enabled": False})
    id = Id(LOCAL, "firewall_profile", "domain")
    assert [origin_of(id, changed, State(s)).name for s in ({}, {id: shipped}, {id: changed})] == [
        "windows", "windows_changed", "windows"]
    assert origin_of(id._replace(store="group_policy"), changed, State()).name == "group_policy"


@pytest.mark.parametrize(("said", "origin"), [
    ("luown=S-1-5-21-1-2-3-1001|", Origin("user", "S-1-5-21-1-2-3-1001")),
    ("PFN=Contoso.App_1|", Origin("package", "contoso.app_1")),
    ("LUOwner=x|", Origin("other"))])
def test_what_a_kind_has_no_property_for_tells_it_too(said: str, origin: Origin) -> None:
    """A connection security rule of an app or of a user: Windows takes such tokens in any rule string."""
    kind = KINDS["ipsec_rule"]
    found = kind.read_string("r", f"v2.31|Action=Secure|Active=TRUE|Name=n|Future=of something else|{said}")
    assert any(token in said for token in found.unknown_tokens)
    assert origin_of(Id(LOCAL, kind.name, "r"), found, State()) == origin


def test_an_untouched_host() -> None:
    for on in (machine("a"), machine("b", "windows11")):
        found = LabHost(on=on).read()
        origins = {id: origin_of(id, r, found.defaults.state) for id, r in found.state.items()}
        assert {o.name for o in origins.values()} == {"windows", "package", "other"}
        assert {id.name for id, o in origins.items() if o.name == "other"} == {"openssh-server-in-tcp", "winrm-https-in-tcp"}
        assert all(o.is_windows for id, o in origins.items() if id.kind == "firewall_profile")


FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("hives/*.xz")), ids=lambda p: p.name)
def test_a_real_machine_with_its_table_of_what_ships(path: Path) -> None:
    """A whole SYSTEM hive has both keys: what is in the one and what is not tell each other apart without a text."""
    policy, shipped = {"local": hive(path)}, [row for row in hive(path, SHIPPED) if row[0].lower() == "firewallrules"]
    same = [name for row in shipped for name, _, _ in row[1]]
    defaults = parse_defaults({"rows": [["FirewallRules", []]], "same": same}, policy, KINDS).state
    whole = parse_defaults({"rows": shipped}, {}, KINDS).state
    assert len(defaults) == len(same) > 300
    assert {id: r for id, r in defaults.items() if r != whole[id]} == {}
    state = read(policy, KINDS)
    found = Counter(origin_of(id, r, whole).name for id, r in state.items() if id.kind == "firewall_rule")
    assert found["windows"] == len(same)
    assert found["windows_changed"] == found["vendor"] == 0
    assert {"windows_feature", "package"} <= set(found)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("hives/*.wfw")), ids=lambda p: p.name)
def test_real_machines_without_the_table(path: Path) -> None:
    """Nearly all that a machine has is of Windows or of packages by its texts alone; what is not, others made."""
    state = read({"local": hive(path)}, KINDS)
    found = Counter(origin_of(id, r, State()).name for id, r in state.items() if id.kind == "firewall_rule")
    assert found["windows_feature"] + found["package"] > 0.8 * sum(found.values()), found


@given(st.text(max_size=30), st.sampled_from(["Name", "EmbedCtxt", "Desc", "PFN", "AppPkgId", "LUOwn"]),
       st.sampled_from(sorted(KINDS)))
def test_whatever_a_text_says(text: str, token: str, kind: str) -> None:
    rule = RULE.read_string("r", f"v2.31|Action=Allow|{token}=@{text}|")
    assert origin_of(Id(LOCAL, kind, "r"), rule, State()).name in ORIGINS
