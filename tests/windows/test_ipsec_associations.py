"""Security associations: read in every form in which hosts tell them, and tied to the rules that asked for them."""

from dataclasses import replace
from typing import Any

import pytest
from core import declared, resources, task
from hosts import LabHost

from ringfence.batch import Batch
from ringfence.errors import Unreachable
from ringfence.lab import POLICY
from ringfence.model.state import State, id_of
from ringfence.report import StatusResult
from ringfence.run.names import names_on_host
from ringfence.run.status import status_of
from ringfence.views import status_view as view
from ringfence.windows.associations import Association, associations

MAIN = {"Name": "7", "KeyModule": 2, "LocalEndpoint": "10.0.0.1", "RemoteEndpoint": "10.0.0.2", "LocalFirstId": "a.corp",
        "RemoteFirstId": "b.corp", "AuthenticationMethod": 2, "CipherAlgorithm": 65003, "HashAlgorithm": 65002, "GroupId": 20,
        "LifetimeSeconds": 28800}
QUICK = {"MmSaId": 7, "LocalEndpoint": "10.0.0.1", "RemoteEndpoint": "10.0.0.2", "IpProtocol": 6, "LocalPort": 0,
         "RemotePort": 443, "EncapsulationMode": 2, "FirstTransformType": 2, "FirstIntegrityAlgorithm": 65001,
         "FirstCipherAlgorithm": 65003, "SecondTransformType": 1, "SecondIntegrityAlgorithm": 65001, "SecondCipherAlgorithm": 0,
         "LifetimeSeconds": 3600, "LifetimeKilobytes": 100000, "TransportLayerFilterName": "Isolation"}


def one(main: dict[str, Any], quick: dict[str, Any]) -> Association:
    (found,) = associations({"main_mode": [{**MAIN, **main}], "quick_mode": [{**QUICK, **quick}]}, State())
    return found


def test_numbers_are_read() -> None:
    found = one({}, {})
    assert (found.remote, found.remote_id, found.authentication) == ("10.0.0.2", "b.corp", "computer Kerberos")
    assert (found.key_module, found.suite, found.seconds) == ("AuthIP", "DH20-AES256-SHA384", 28800)
    (quick,) = found.quick
    assert (quick.suite, quick.protocol, quick.remote_port) == ("ESP:SHA256-AES256+AH:SHA256", "tcp", 443)
    assert (quick.mode, quick.seconds, quick.kilobytes) == ("transport", 3600, 100000)


def test_words_are_read() -> None:
    found = one({"KeyModule": "IkeV2", "AuthenticationMethod": "MachineCert", "CipherAlgorithm": "AES256",
                 "HashAlgorithm": "SHA1", "GroupId": "DH14"},
                {"EncapsulationMode": "Tunnel", "FirstTransformType": "ESP", "FirstIntegrityAlgorithm": "AESGMAC256",
                 "FirstCipherAlgorithm": "AESGCM256", "SecondTransformType": "None"})
    assert (found.key_module, found.authentication, found.suite) == ("IkeV2", "MachineCert", "DH14-AES256-SHA1")
    assert (found.quick[0].mode, found.quick[0].suite) == ("tunnel", "ESP:AESGMAC256-AESGCM256")


@pytest.mark.parametrize("said", [None, 7, [], {}, {"main_mode": 3, "quick_mode": [1, None]}, {"main_mode": [{}]}])
def test_nothing_that_a_host_says_breaks_it(said: Any) -> None:
    assert isinstance(associations(said, State()), tuple)


def test_a_quick_mode_association_without_its_main_mode_is_shown_too() -> None:
    found = associations({"main_mode": [], "quick_mode": [QUICK]}, State())
    assert [(a.remote, len(a.quick)) for a in found] == [("10.0.0.2", 1)]


@pytest.mark.parametrize("id", [None, ""])
def test_a_quick_mode_association_that_names_no_main_mode_is_of_its_peer(id: str | None) -> None:
    assert len(one({}, {"MmSaId": id}).quick) == 1
    others = associations({"main_mode": [MAIN], "quick_mode": [{**QUICK, "MmSaId": id, "RemoteEndpoint": "10.0.0.3"}]}, State())
    assert [(a.remote, len(a.quick)) for a in others] == [("10.0.0.2", 0), ("10.0.0.3", 1)]


@pytest.mark.parametrize(("rule", "asked"), [
    ({"display_name": "Isolation"}, True),
    ({"name": "isolation", "remote_address": "192.0.2.0/24"}, True),  # a filter is named after its rule
    ({"remote_address": "10.0.0.0/24", "display_name": "x"}, True),
    ({"remote_address": "10.0.0.1-10.0.0.9", "display_name": "x"}, True),
    ({"remote_address": "local_subnet", "display_name": "x"}, True),  # only the host knows: it may be meant
    ({"remote_address": "2001:db8::/64", "display_name": "x"}, False),
    ({"local_address": "10.0.0.7", "display_name": "x"}, False),
    ({"enabled": False, "display_name": "x"}, False),
    ({"inbound_security": "none", "outbound_security": "none", "display_name": "x"}, False)])
def test_the_rules_that_asked_for_it(rule: dict[str, Any], asked: bool) -> None:
    properties = {"name": "r", "inbound_security": "require", "outbound_security": "request", **rule}
    desired = declared(task("ipsec_rule", properties))
    state = State({id_of(r): r for r in resources(desired)})
    (found,) = associations({"main_mode": [MAIN], "quick_mode": [QUICK]}, state)
    assert found.rules == ((properties["name"],) if asked else ())


def test_the_lab_has_some_and_they_are_shown_with_their_rule() -> None:
    lab = LabHost()
    assert lab.apply(task("ipsec_quick_mode_crypto_set", {"name": "strong", "proposal": [
        {"encapsulation": "esp", "esp_hash": "aesgmac256", "encryption": "aesgcm256"}]}),
        task("ipsec_rule", {"name": "iso", "inbound_security": "require", "outbound_security": "request",
                            "quick_mode_crypto_set": "strong", "remote_address": "10.99.0.77"})).error is None
    found = lab.status()
    assert found.error is None
    assert isinstance(found, StatusResult)
    assert found.stopped == ()
    (peer,) = found.associations
    assert (peer.remote, peer.rules, peer.quick[0].suite) == ("10.99.0.77", ("iso",), "ESP:AESGMAC256-AESGCM256")
    shown = view.text(found)
    assert "10.99.0.77 ← 10.99.0.10" in shown
    assert "computer Kerberos" in shown
    assert "60 min / 100,000 KB" in shown
    assert "asked by" in shown
    assert view.status_data(found)["associations"][0]["rules"] == ("iso",)


def test_rules_are_shown_by_what_people_call_them() -> None:
    """A rule of Windows or of a vendor has its name in a file of the host."""
    lab = LabHost()
    string = "v2.31|Action=Secure|Active=TRUE|EP2_4=10.99.0.{}|Name={}|Auth1Set={{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}}|"
    titles = {"plain": "plain", "b": "Secure the peers", "c": "@FirewallAPI.dll,-28752"}
    for number, (name, title) in enumerate(titles.items(), 7):
        lab.machine.registry.set(POLICY + r"\ConSecRules", name, string.format(number, title))
    found = status_of(lab.job({}), replace(lab.context(), names=names_on_host))
    assert isinstance(found, StatusResult)
    assert [peer.rules for peer in found.associations] == [("plain",), ("b",), ("c",)]
    asked = [line.split("asked by")[1].strip() for line in view.text(found).splitlines() if "asked by" in line]
    assert asked == ["plain", "b (Secure the peers)", "c (Remote Desktop)"]
    assert [a["display_names"] for a in view.status_data(found)["associations"]] == [
        ("plain",), ("Secure the peers",), ("@FirewallAPI.dll,-28752",)]


def test_a_service_that_does_not_run_is_said() -> None:
    lab = LabHost()
    lab.machine.services["IKEEXT"] = "stopped"
    found = lab.status()
    assert isinstance(found, StatusResult)
    assert (found.associations, found.stopped) == ((), ("IKEEXT",))
    assert "IKEEXT does not run" in view.text(found)


def test_another_product_that_has_taken_over_is_said() -> None:
    lab = LabHost()
    lab.machine.surroundings.taken_over["Other Firewall"] = (2,)
    assert lab.apply(task("firewall_rule", {"name": "r", "protocol": "tcp", "local_port": 443})).changes
    found = lab.status()
    assert isinstance(found, StatusResult)
    assert any("Other Firewall" in one.reason.text for one in found.obstacles)


def test_a_host_that_is_down_is_a_result() -> None:
    lab = LabHost()

    def refused(batch: Batch) -> None:
        raise Unreachable("connection_refused")

    lab.before = refused
    assert lab.status().status == "unreachable"


def test_what_a_host_says_never_commands_the_terminal() -> None:
    evil = one({"RemoteFirstId": "x\x1b[2J", "AuthenticationMethod": "\x1b]0;"}, {"TransportLayerFilterName": "\x1b"})
    assert "\x1b" not in view.text(StatusResult("srv1", associations=(evil,)))
