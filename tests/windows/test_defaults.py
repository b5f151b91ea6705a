"""What Windows ships, as a host tells of it: rules that it names only stand in its policy; whatever it says, nothing breaks."""

from typing import Any

import pytest
from chance import by_chance
from core import KINDS, RULE
from hosts import LabHost
from hypothesis import given
from hypothesis import strategies as st

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.lab import POLICY, Machine, machine
from ringfence.lab.registry.hive import SYSTEM_DEFAULTS
from ringfence.model.state import LOCAL, Id, State, diff
from ringfence.windows.defaults import Defaults, compare, parse_defaults
from ringfence.windows.origin import origin_of
from ringfence.windows.read import read

SHIPPED = SYSTEM_DEFAULTS + r"\FirewallRules"
STRING = "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=@a.dll,-1|"
DHCP = Id(LOCAL, "firewall_rule", "corenet-dhcp-in")


@pytest.mark.parametrize("on", [machine("a"), machine("b", "windows11")], ids=lambda m: m.name)
def test_an_untouched_host_is_as_shipped(on: Machine) -> None:
    found = LabHost(on=on).read()
    shipped = found.defaults.state
    assert len(shipped.by_kind("firewall_rule")) > 290
    assert diff(shipped, found.state, shipped) == ()
    assert set(shipped.by_kind("firewall_profile")) == {"domain", "private", "public"}
    assert found.defaults.language == "en-US"


def test_what_differs_is_known_whole() -> None:
    host = LabHost(on=machine("a"))
    text = host.rules["CoreNet-DHCP-In"]
    host.put("CoreNet-DHCP-In", text.replace("Active=TRUE", "Active=FALSE"))
    host.machine.registry.unset(SHIPPED.replace("Defaults", "Parameters"), "WINRM-HTTP-In-TCP")
    found = host.read()
    changed, gone = diff(found.defaults.state, found.state, found.defaults.state)
    assert (changed.id, changed.properties()) == (DHCP, {"enabled": (True, False)})
    assert (gone.id.name, gone.action) == ("winrm-http-in-tcp", "remove")


def test_the_shipped_policy_may_be_gone() -> None:
    host = LabHost(on=machine("a"))
    host.machine.registry.delete(SYSTEM_DEFAULTS)
    found = host.read().defaults
    assert (found, found.state) == (Defaults(language="en-US"), State())


def test_an_older_endpoint_cannot_tell() -> None:
    host = LabHost(on=machine("a"))

    def older(batch: Batch) -> Reply:
        host.before = lambda batch: None
        reply = dict(host.run(batch).answers)
        return Reply({**reply, "defaults": Answer(error=Failure("InvalidArgument", "ringfence.verb", "no verb is named x"))})

    host.before = older
    found = host.read()
    assert found.defaults == Defaults(unread=(("what Windows ships", "no verb is named x"),))
    assert found.defaults.state == State()
    assert found.state.by_kind("firewall_rule")


@pytest.mark.parametrize("policy", [None, [], "x", {}, {"local": None}, {"local": "x"}, {"local": [5, None]}])
def test_rules_that_the_host_named_and_did_not_tell_are_not_known(policy: Any) -> None:
    told = parse_defaults({"rows": [["FirewallRules", [["whole", "String", STRING]]]], "same": ["r"]}, policy, KINDS)
    assert told.state.by_kind("firewall_rule").keys() == {"whole"}
    assert (told.language, STRING in repr(told)) == ("", False)


def test_names_have_no_letter_case() -> None:
    policy = {"local": [["FIREWALLRULES", [["R", "String", STRING]]]]}
    told = parse_defaults({"rows": [["firewallRules", []]], "same": ["r"]}, policy, KINDS)
    assert told.state.by_kind("firewall_rule").keys() == {"r"}


MEMBERS = st.sampled_from(["rows", "same", "language", "unread", "local"])
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_leaves=8, extend=lambda inner:
                    st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4))


@by_chance(100)
@given(JSON, JSON)
def test_whatever_a_host_says(answer: Any, policy: Any) -> None:
    assert isinstance(parse_defaults(answer, policy, KINDS), Defaults)
    rows = [[1], [], ["FirewallRules"], [["FirewallRules"], 2], ["FirewallRules", [["r", "String", STRING], answer]]]
    told = parse_defaults({"rows": [answer], "same": ["r", answer, 1]}, {"local": [*rows, policy]}, KINDS)
    assert told.state.by_kind("firewall_rule").keys() == {"r"}


def test_what_is_compared_is_what_windows_ships_and_what_may_be_made_beside_it() -> None:
    """Not what a policy of a domain brings, and no part of Windows that its own table does not have; in order of their names."""
    shipped = read({"local": [["FirewallRules", [[n, "String", STRING] for n in ("gone", "same", "other")]]]}, {"r": RULE})
    rows = [[n, "String", STRING] for n in ("same", "zzz", "added")] + [["other", "String", STRING.replace("TRUE", "FALSE")]]
    found = read({"local": [["FirewallRules", rows], ["DomainProfile", [["EnableFirewall", "DWord", 0]]]],
                  "group_policy": [["FirewallRules", [["brought", "String", STRING]]]]}, KINDS)
    assert [(c.id.name, c.action) for c in compare(shipped, found)] == [
        ("added", "create"), ("gone", "remove"), ("other", "update"), ("zzz", "create")]


def test_a_setting_that_is_stored_as_it_is_unstored_is_not_changed() -> None:
    """Windows writes LogDroppedPackets = 0 into its local policy where its own table has no such value."""
    host = LabHost(on=machine("a"))
    host.machine.registry.set(POLICY + r"\DomainProfile\Logging", "LogDroppedPackets", 0)
    host.machine.registry.set(POLICY + r"\PublicProfile\Logging", "LogDroppedPackets", 1)
    found = host.read()
    changed = [c for c in compare(found.defaults.state, found.state) if c.id.kind == "firewall_profile"]
    assert [(c.id.name, c.properties()) for c in changed] == [("public", {"log_blocked": (False, True)})]
    origins = {id.name: origin_of(id, r, found.defaults.state).name for id, r in found.state.items()
               if id.kind == "firewall_profile"}
    assert origins == {"domain": "windows", "private": "windows", "public": "windows_changed"}
