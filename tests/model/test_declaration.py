"""What is declared for a host: what each object should be, given what was found; and when two declarations say the same."""

from typing import Any

import pytest
from core import PROFILE, RULE, at, declare, declared, rule, task

from ringfence.diagnostics import Where
from ringfence.model.declaration import Absent, AsShipped, Declarations, digest_of_declarations, state_after
from ringfence.model.resource import Resource
from ringfence.model.state import Id, State

WEB = Id("local", "firewall_rule", "web")
HEAD = "v2.31|Action=Allow|Active=TRUE|Dir=In|"
SECURED = {"inbound_security": "require", "outbound_security": "request"}


def becomes(found: Resource | None, properties: dict[str, Any], kind: str = "firewall_rule", **treatment: Any) -> Resource:
    """What an object should be by a task, that was found so."""
    (one,) = declared(task(kind, properties, treatment=treatment)).values()
    after = one.applied_to(found)
    assert after is not None
    assert found is None or state_after({one.id: one}, State({one.id: found})) == {one.id: after}
    return after


def test_what_is_not_there_is_made_as_declared() -> None:
    assert becomes(None, {"name": "Web", "protocol": "tcp"}) == rule("Web", protocol="tcp")


def test_a_rule_is_declared_as_a_whole() -> None:
    found = rule("Web", protocol="udp", local_port=53, description="by hand")
    assert becomes(found, {"name": "Web", "protocol": "tcp"}) == rule("Web", protocol="tcp")


def test_of_what_is_managed_in_part_the_rest_stays() -> None:
    found = rule("Web", protocol="tcp", local_port=80, description="by hand", enabled=False)
    after = becomes(found, {"name": "web", "enabled": True, "protocol": "tcp"}, omitted="keep")
    assert after == rule("Web", protocol="tcp", local_port=80, description="by hand", enabled=True)
    assert after.name == "Web"
    assert becomes(found, {"name": "web", "enabled": False, "protocol": "tcp"}, omitted="keep") is found
    domain = PROFILE.create("domain", {"enabled": False, "log_blocked": True})
    assert becomes(domain, {"profiles": "domain", "enabled": True}, "firewall_profile") == domain.replace(enabled=True)
    assert becomes(domain, {"profiles": "domain", "enabled": False}, "firewall_profile") is domain


@pytest.mark.parametrize("name", ["Web", "web"])
@pytest.mark.parametrize("piece", ["PFN=Contoso.App_8wekyb3d8bbwe", "Future=1", "Protocol=6|LPort=Other"])
def test_what_no_cmdlet_can_write_stays(piece: str, name: str) -> None:
    found = RULE.read_string("Web", f"{HEAD}{piece}|Name=Web|Desc=by hand|")
    after = becomes(found, {"name": name, "display_name": "Web", "protocol": "tcp" if "Protocol" in piece else "any"})
    assert after == found.replace(description=None)
    assert after.name == "Web"


def test_a_name_is_spelled_as_windows_has_it() -> None:
    after = becomes(rule("Web", protocol="udp", display_name="Web"), {"name": "WEB", "protocol": "tcp", "display_name": "Web"})
    assert (after.name, after) == ("Web", rule("Web", protocol="tcp", display_name="Web"))


def test_an_object_is_named_as_somebody_spelled_it() -> None:
    (absent,) = declared(task("firewall_rule", {"name": "Web", "state": "absent"})).values()
    assert str(absent) == "firewall_rule Web"
    assert str(Absent(WEB)) == str(AsShipped(WEB)) == "firewall_rule web"
    assert str(AsShipped(WEB, name="WEB")) == "firewall_rule WEB"
    assert absent.applied_to(rule("web")) is None
    found = rule("web")
    assert AsShipped(WEB).applied_to(found) is found
    assert AsShipped(WEB).applied_to(None) is None


def test_a_set_that_is_not_there_and_one_that_is_wrong_are_told_where_both_are_declared() -> None:
    sets = (at(1, "ipsec_phase1_auth_set", name="key", proposal={"machine": True, "pre_shared_key": "{{ k }}"}),
            at(5, "ipsec_phase2_auth_set", name="users", proposal={"user": True, "kerberos": True}))
    (problem,) = [p for p in declare(*sets, at(9, "ipsec_rule", name="r", **SECURED, phase1_auth_set="key",
                                            phase2_auth_set="users"))[1] if "0x00200004" in p.summary]
    assert problem.where == Where("play.yml", 14)
    assert problem.detail.endswith(" (ipsec_phase1_auth_set key at play.yml:1, ipsec_phase2_auth_set users at play.yml:5)")
    (warning,) = declare(at(1, "ipsec_rule", name="r", **SECURED, user="S-1-5-21-1-2-3-1105", phase2_auth_set="none"))[1]
    assert "play.yml" not in warning.detail
    assert not warning.detail.endswith(")")


# ---- the digest

def said(**more: Any) -> Declarations:
    return declared(task("firewall_rule", {"name": "web", "protocol": "tcp", **more}), task("firewall_rule", {"name": "x"}))


def test_the_same_is_said_in_other_words_and_at_other_places() -> None:
    same = declared(at(7, "firewall_rule", name="x"), at(9, "firewall_rule", enabled=True, protocol="TCP", name="web"))
    digest = digest_of_declarations(same)
    assert [*same] != [*said(enabled=True)]
    assert digest == digest_of_declarations(said(enabled=True))
    assert len(digest) == 32


def test_what_shall_not_be_there_is_known_by_its_name() -> None:
    assert len({digest_of_declarations({id: Absent(id)}) for id in (WEB, WEB._replace(name="x"), WEB._replace(kind="x"))}) == 3
    assert digest_of_declarations({WEB: Absent(WEB)}) != digest_of_declarations({WEB: AsShipped(WEB)})


@pytest.mark.parametrize("other", [
    said(protocol="udp"), said(description="x"), said(enabled=True),  # mentioned, though it is the default
    declared(task("firewall_rule", {"name": "web2", "protocol": "tcp"}), task("firewall_rule", {"name": "x"})),
    declared(task("firewall_rule", {"name": "web", "protocol": "tcp"})),
    declared(task("firewall_rule", {"name": "web", "protocol": "tcp"}, treatment={"omitted": "keep"}),
             task("firewall_rule", {"name": "x"})),
    declared(task("firewall_rule", {"name": "web", "state": "absent"}), task("firewall_rule", {"name": "x"}))],
    ids=["value", "more", "mentioned", "name", "fewer", "treatment", "absent"])
def test_what_is_said_otherwise_has_another_digest(other: Declarations) -> None:
    assert digest_of_declarations(other) != digest_of_declarations(said())
