"""Resources as plain data, as plan files and ledgers have them, and back: nothing is lost; what nobody says is no resource."""

import json
from typing import Any

import pytest
from core import KINDS, RULE, cases, rule
from rule_string_checks import KINDS_OF_KEYS

from ringfence.model.plain import digest_of, plain_data, resource_as_data, resource_from_data, task_data
from ringfence.model.resource import Resource
from ringfence.secret import MASK, Secret, StoredSecret
from ringfence.windows.read import read

SET = KINDS["ipsec_phase1_auth_set"]
STRANGE = [(key, string) for key, strings in cases("strange_rules").items() for string in strings]
KERBEROS = {"machine": True, "kerberos": True}


def back(resource: Resource) -> Resource:
    return resource_from_data(resource.kind, resource.name, json.loads(json.dumps(resource_as_data(resource))))


@pytest.mark.parametrize(("key", "string"), STRANGE)
def test_what_a_host_has_comes_back(key: str, string: str) -> None:
    found = KINDS_OF_KEYS[key.lower()].read_string("r", string)
    assert back(found) == found
    assert [type(v) for v in back(found).values().values()] == [type(v) for v in found.values().values()]


def test_settings_come_back_understood_or_not() -> None:
    values = [["EnableFirewall", "DWord", 7], ["DefaultInboundAction", "DWord", 1], ["DisableNotifications", "String", "x"]]
    found = read({"local": [["PublicProfile", values]]}, KINDS).by_kind("firewall_profile")["public"]
    again = back(found)
    assert again == found
    assert [type(v) for v in again.values().values()] == [type(v) for v in found.values().values()]
    for data in ({"enabled": "EnableFirewall"}, {"enabled": "Other=7"}, {"enabled": 7}, {"enabled": {"a": 1}},
                 {"enabled": [True]}, {"log_file_name": 7}):
        with pytest.raises(ValueError, match=r"."):
            resource_from_data(found.kind, "public", data)


def test_sets_come_back_with_their_proposals() -> None:
    proposal = SET.proposals[0].proposal
    assert proposal is not None
    members = proposal.kind.create("", KERBEROS), proposal.kind.create("", {"machine": True}, ("Odd=1",))
    said = SET.create("s", {"proposal": members})
    assert back(said) == said
    assert resource_as_data(said) == {"display_name": "s", "proposal": [KERBEROS, {"machine": True, "unknown_tokens": ["Odd=1"]}]}


def test_of_a_secret_is_told_that_it_is_there() -> None:
    proposal = SET.proposals[0].proposal
    assert proposal is not None
    said = SET.create("s", {"proposal": (proposal.kind.create("", {"machine": True, "pre_shared_key": Secret("a key")}),)})
    assert resource_as_data(said) == {"display_name": "s", "proposal": [{"machine": True, "pre_shared_key": MASK}]}
    (one,) = back(said).values()["proposal"]
    assert isinstance(one.pre_shared_key, StoredSecret)
    assert back(rule(description=MASK)) == rule(description=MASK)  # no other text is taken for one


@pytest.mark.parametrize("data", [
    {"colour": "red"}, *({"unknown_tokens": tokens} for tokens in ("Odd=1", [7], ["Odd=1", 7], {"a": 1}, None, 7)),
    {"protocol": "TCP"}, {"protocol": ["tcp"]}, {"protocol": {"a": 1}}, {"local_port": {"80": 1}}, {"local_port": [["80"]]},
    {"local_port": ["81", "80"], "protocol": "tcp"}, {"enabled": "yes"}, {"remote_address": ["LocalSubnet", {"a": 1}]}], ids=str)
def test_what_no_host_says_is_no_rule(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        resource_from_data(RULE, "r", data)


@pytest.mark.parametrize("proposal", [
    [7], [KERBEROS, 7], "x", 7, {"machine": True}, [{"machine": True, "colour": "red"}],
    [{"machine": True, "pre_shared_key": "a key"}], [{"machine": True, "pre_shared_key": 7}]], ids=str)
def test_what_no_host_says_is_no_proposal(proposal: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        resource_from_data(SET, "s", {"proposal": proposal})


def test_as_a_task_has_it() -> None:
    """What has to be said is there though it is the default, nothing by its word, and what an exemption does not name is not."""
    kind = KINDS["ipsec_rule"]
    exempt = kind.create("r", {"inbound_security": "none", "outbound_security": "none"})
    assert task_data(exempt) == {"display_name": "r", "inbound_security": "none", "outbound_security": "none"}
    secured = kind.create("r", {"inbound_security": "require", "outbound_security": "request", "phase1_auth_set": "corp"})
    assert task_data(secured) == {"display_name": "r", "inbound_security": "require", "outbound_security": "request",
                                  "phase1_auth_set": "corp"}
    assert task_data(rule(protocol="tcp", local_port=80)) == {"display_name": "r", "protocol": "tcp", "local_port": ["80"]}
    odd = RULE.read_string("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=weird|Future=1|")
    assert task_data(odd) == {"display_name": "r", "protocol": None, "unknown_tokens": ["Protocol=weird", "Future=1"]}
    setting = KINDS["firewall_setting"].create("all", {"exemptions": ()})
    assert task_data(setting) == {"exemptions": "none"}
    proposal = SET.proposals[0].proposal
    assert proposal is not None
    assert task_data(SET.create("s", {"proposal": (proposal.kind.create("", KERBEROS),)}))["proposal"] == [KERBEROS]


def test_a_digest_is_the_same_in_every_version() -> None:
    """Ledgers of hosts have it: of another one every object would be one that somebody changed."""
    web = rule("web", protocol="tcp", local_port=[443, 80], program=r"C:\A.exe", enabled=False)
    assert digest_of(web) == "085af1c9be2b41f469461b010ad17561"
    other = rule("other", display_name="web", enabled=False, program=r"c:\a.EXE", local_port=[80, 443], protocol="tcp")
    assert digest_of(other) == digest_of(web)


def test_texts_are_plain() -> None:
    found = plain_data(RULE.read_string("r", "v2.31|Action=Allow|Dir=In|Active=TRUE|App=C:\\A.exe|LPort2_24=mDNS|Protocol=17|"))
    assert {type(v) for v in (found["program"], *found["local_port"])} == {str}
    assert found["program"] == "C:\\A.exe"
