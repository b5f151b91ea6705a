"""IPsec rules in their three forms: as declared, as the registry holds them, as a cmdlet is told."""

from typing import Any

import pytest
from core import KINDS, afresh, cases, declare, declared, resources, task
from hypothesis import given
from hypothesis import strategies as st

from ringfence.lab.netsecurity.parameter_binding import cmdlets
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id
from ringfence.windows.calls import cmdlet_calls

CASES = [{"kind": "ipsec_rule", **case} for case in cases("ipsec_rules")]
APART = {"Name", "IPsecRuleName", "PolicyStore", "GPOSession", "Default", "TunnelType"}
IPSEC, MAIN_MODE = KINDS["ipsec_rule"], KINDS["ipsec_main_mode_rule"]


def as_declared(case: dict[str, Any]) -> Resource:
    (only,) = resources(declared(task(case["kind"], {"name": "r", **case["say"]})))
    return only


def messages(before: Resource | None, after: Resource) -> dict[str, Any]:
    (call,) = cmdlet_calls([Change(Id("local", after.kind.name, "r"), before, after)], {}).values()
    return dict(call.args["parameters"])


@pytest.mark.parametrize("case", CASES)
def test_a_string_reads_as_the_declaration_says(case: dict[str, Any]) -> None:
    found = KINDS[case["kind"]].read_string("r", case["string"])
    assert found.unknown_tokens == ()
    assert found == as_declared(case)


@pytest.mark.parametrize("case", CASES)
def test_it_is_written_so_that_it_reads_again(case: dict[str, Any]) -> None:
    kind, resource = KINDS[case["kind"]], as_declared(case)
    written = kind.write_string(resource)
    assert kind.read_string("r", written) == resource
    if "written" in case:
        assert written == case["written"]


@pytest.mark.parametrize("case", CASES)
def test_the_cmdlet_is_told_what_is_not_its_default(case: dict[str, Any]) -> None:
    said = messages(None, as_declared(case))
    assert said.pop("Name") == "r"
    assert said.pop("DisplayName") == case["say"]["display_name"]
    assert said == case["told"]


@pytest.mark.parametrize("end", ["LTunnel4=2001:db8::1", "LTunnel6_2=10.0.0.1", "RTunEndpts4=fe80::1", "RTunnel6=10.0.0.1"])
def test_an_end_of_a_tunnel_is_of_the_family_of_its_token(end: str) -> None:
    found = IPSEC.read_string("r", f"v2.31|Action=Secure|Active=TRUE|{end}|")
    assert (found.local_tunnel_endpoint, found.remote_tunnel_endpoint) == ((), ())  # type: ignore[attr-defined]
    assert found.unknown_tokens == (end,)


def test_unknown_tokens_are_kept() -> None:
    found = IPSEC.read_string("r", "v2.40|Action=Secure|Active=TRUE|Name=x|Future=1|SecurityRealmEnabled=TRUE|")
    assert sorted(found.unknown_tokens) == ["Future=1", "SecurityRealmEnabled=TRUE"]
    assert "Future=1" in afresh(found)


@pytest.mark.parametrize("string", [
    "v2.31|Active=TRUE|Name=x|", "v2.31|Action=Everything|Active=TRUE|", "v2.31|Action=Secure|KeyMod=IkeV9|Active=TRUE|",
    "v2.31|Action=Secure|Active=TRUE|LTunnel4=here|", "v2.31|Action=Secure|Active=TRUE|FwdLifetime=61|",
    "v2.31|Action=Boundary|SecureInClearOut=TRUE|Active=TRUE|", "v2.31|Action=Secure|EP2_4=Nowhere|Active=TRUE|"])
def test_what_nobody_understands_is_neither_lost_nor_taken_for_something_else(string: str) -> None:
    found = IPSEC.read_string("r", string)
    written = afresh(found)
    for piece in string.split("|")[1:]:
        assert piece in written.split("|")
    plain = IPSEC.read_string("r", "v2.31|Action=Secure|Active=TRUE|")
    assert found != plain


PIECES = ["Action=Secure", "Action=x", "Active=TRUE", "KeyMod=IkeV2", "KeyMod=", "Auth1Set=", "Auth1Set=a", "RTunnel4=1.1.1.1",
          "RTunnel4_2=::1", "EP1_4=10.0.0.1", "Protocol=tcp", "Protocol=6", "FwdLifetime=x", "ByPassTunnel=TRUE", "IF={0}",
          "Platform=2:6", "What=ever", "nonsense", ""]


@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_no_string_breaks_the_reader(pieces: list[str]) -> None:
    for kind in (IPSEC, MAIN_MODE):
        found = kind.read_string("r", "|".join(["v2.31", *pieces, ""]))
        assert kind.read_string("r", afresh(found)) == found


@pytest.mark.parametrize(("action", "does"), [  # [MS-FASP] 2.2.52
    ("Action=DoNotSecure", ("exempt", False, False)), ("Action=Boundary", ("secure", False, False)),
    ("Action=SecureServer", ("secure", True, False)), ("Action=Secure", ("secure", True, True)),
    ("Action=Secure|SecureInClearOut=TRUE", ("secure", True, False)), ("Action=Odd", ("secure", True, True)),
    ("", ("secure", True, True))])
@pytest.mark.parametrize("tunnel", [False, True])
def test_what_a_rule_does_with_traffic(action: str, does: tuple[str, bool, bool], tunnel: bool) -> None:
    """An action that nobody understands may drop what comes in clear, and may let it pass."""
    judged = IPSEC.read_string("r", f"v2.31|{action}|Active=TRUE|Name=r|{'RTunnel4_2=192.0.2.1|' * tunnel}").as_filter()
    assert judged is not None
    assert (judged.effect, judged.requires_inbound, judged.requires_outbound) == does
    assert judged.tunnel is tunnel
    assert judged.other_effects == (() if "cure" in action or "Boundary" in action else ("exempt",))


def test_no_list_of_an_ipsec_rule_is_longer_than_windows_keeps() -> None:
    many = [f"10.{i // 128}.{i % 128 * 2}.1" for i in range(1001)]
    asked = {"inbound_security": "request", "outbound_security": "request"}
    for kind, said in (("ipsec_rule", asked), ("ipsec_main_mode_rule", {})):
        assert declare(task(kind, {"name": "r", **said, "remote_address": many[1:]}))[1] == []
        (problem,) = declare(task(kind, {"name": "r", **said, "remote_address": many}))[1]
        assert "1001 members" in problem.summary


def test_an_exemption_says_no_sets() -> None:
    secured = as_declared({"kind": "ipsec_rule", "say": {"inbound_security": "require", "outbound_security": "request",
                                                      "phase1_auth_set": "a"}})
    exempt = as_declared({"kind": "ipsec_rule", "say": {"inbound_security": "none", "outbound_security": "none"}})
    assert messages(secured, exempt) == {"Name": "r", "InboundSecurity": "None", "OutboundSecurity": "None"}
    assert messages(exempt, secured) == {
        "Name": "r", "InboundSecurity": "Require", "OutboundSecurity": "Request", "Phase1AuthSet": "a",
        "Phase2AuthSet": "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE4}", "QuickModeCryptoSet": "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}"}


def test_an_exemption_that_secures_from_now_on_has_the_sets_that_a_rule_without_names_has() -> None:
    """The default ones, and no second authentication ([MS-FASP] 2.2.55): as the string would be read."""
    exempt = IPSEC.read_string("r", "v2.31|Action=DoNotSecure|Active=TRUE|Name=r|")
    secured = IPSEC.read_string("r", "v2.31|Action=Secure|Active=TRUE|Name=r|")
    assert exempt.replace(inbound_security="require", outbound_security="require") == secured
    assert secured.replace(inbound_security="none", outbound_security="none") == exempt
    assert [secured.values()[p.name] for p in IPSEC.references] == ["default", "default", "none"]


def test_back_to_the_default_set_is_said_by_its_id() -> None:
    own = as_declared({"kind": "ipsec_rule", "say": {"inbound_security": "require", "outbound_security": "request",
                                                  "quick_mode_crypto_set": "qm"}})
    plain = as_declared({"kind": "ipsec_rule", "say": {"inbound_security": "require", "outbound_security": "request"}})
    assert messages(own, plain) == {"Name": "r", "QuickModeCryptoSet": "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}"}


def test_the_tables_know_every_parameter_of_the_cmdlets() -> None:
    """By the list that the lab has of Microsoft's pages. TunnelType apart: nobody knows how the registry holds it."""
    for kind in KINDS.values():
        if kind.noun.startswith("NetIPsec"):
            for table, cmdlet in [
                (kind, f"New-{kind.noun}"),
                *((p.proposal.kind, p.proposal.kind.name) for p in kind.proposals if p.proposal),
            ]:
                there = set(cmdlets()[cmdlet.lower()]["parameters"]) - APART
                assert {p.parameter for p in table.properties.values()} == there, cmdlet
