"""The way in once the network of a host counts as another one: what a change takes away there is refused, and what was never
there is told."""

from typing import Any

import pytest
from core import GUID
from guarded_hosts import LETS_IN, RUN, host, refusal, tasks_of
from hosts import LabHost

from ringfence.diagnostics import Diagnostic
from ringfence.lab import NetworkAdapter, machine
from ringfence.report import HostResult

ISO = ("v2.31|Action=SecureServer|Active=TRUE|{}Name=iso|Auth1Set={{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}}|"
       "Crypto2Set={{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}}|")
WAY = LETS_IN + "LPort=5985|App=System|Name=way|"
IN_DOMAIN = WAY.replace("LPort", "Profile=Domain|LPort")
OTHER_KEYS = [{"ipsec_phase1_auth_set": {"name": "default", "proposal": [
    {"machine": True, "cert": True, "authority": "C=US, O=Contoso, CN=Root"}]}}]


def blocks(port: int, **more: Any) -> list[dict[str, Any]]:
    return [{"firewall_rule": {"name": "b", "action": "block", "protocol": "tcp", "local_port": port, **more}}]


def with_rules(rules: dict[str, str | None], **more: dict[str, Any]) -> LabHost:
    return host({"registry": {"FirewallRules": {"WINRM-HTTP-In-TCP": None, "WINRM-HTTP-In-TCP-PUBLIC": None, **rules}, **more}})


def told(result: HostResult) -> list[Diagnostic]:
    return [d for d in result.diagnostics if "the way that ringfence comes" in d.summary]


def test_what_never_let_it_in_there_is_told_once_and_of_no_change() -> None:
    """Also where one comes that would stop it there, if anything had not stopped it already."""
    for change in (blocks(3389), blocks(5985, profile="public", remote_address="any")):
        result = with_rules({"way": IN_DOMAIN}).plan(*tasks_of(change))
        (warning,) = told(result)
        assert (result.error, warning.severity, warning.detail) == (None, "warning", "Declare what lets it pass there too.")
        assert warning.summary.endswith("once the network counts as public")


def test_a_way_in_that_nothing_known_explains_is_told_of_other_networks_alone() -> None:
    result = with_rules({}).plan(*tasks_of(blocks(3389)))
    assert [d.summary.rpartition(" ")[2] for d in told(result)] == ["public"]


def test_what_was_not_known_there_and_still_is_not_is_no_news() -> None:
    unknown = WAY.replace("LPort", "Profile=Public|Future=1|LPort").replace("way", "public")
    result = with_rules({"way": IN_DOMAIN, "public": unknown}).plan(*tasks_of(blocks(3389)))
    assert (result.error, told(result)) == (None, [])
    (warning,) = told(with_rules({"way": IN_DOMAIN, "public": unknown}).plan(*tasks_of(
        blocks(5985, profile="public", remote_address="Intranet"))))  # for another reason than before
    assert (warning.severity, "is not known" in warning.summary) == ("warning", True)


@pytest.mark.parametrize(("way", "held"), [(WAY, True), (IN_DOMAIN, False)])
def test_what_ipsec_secures_there_alone(way: str, held: bool) -> None:
    """In the domain it comes in clear: other keys end what both sides agreed on in public, if it came in there at all."""
    on = with_rules({"way": way}, ConSecRules={"iso": ISO.format("Profile=Public|")})
    found = refusal(on.plan(*tasks_of(OTHER_KEYS)))
    assert ("may not come through" in found, "once the network counts as public" in found) == (held, held), found


@pytest.mark.parametrize(("profile", "other"), [("public", "private"), ("private", "public")])
def test_the_network_of_a_host_without_a_domain_is_private_or_public(profile: Any, other: str) -> None:
    network = NetworkAdapter("Ethernet", GUID, addresses=("10.99.0.10/24",), profile=profile, gateways=("10.99.0.254",))
    rules = {name: WAY.replace("LPort", f"Profile={name.title()}|LPort") for name in ("domain", "private", "public")}
    for closed in ("domain", "private", "public"):
        on = LabHost(rules, on=machine("SRV1", interfaces=(network,)), owns=False, policy=RUN)
        found = refusal(on.plan(*tasks_of(blocks(5985, profile=closed, remote_address="any"))))
        assert bool(found) == (closed != "domain")
        assert (f"once the network counts as {other}" in found) == (closed == other), found
