"""Security associations: read in every form in which hosts tell them, and tied to the rules that asked for them."""

from dataclasses import replace
from typing import Any

import pytest
from core import KINDS, declared, resources, task
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


def test_each_main_mode_association_has_the_exchanges_that_name_it() -> None:
    """Two of one peer: what one made is not the other's."""
    found = associations({"main_mode": [{**MAIN, "Name": "8", "GroupId": 14}, MAIN],
                          "quick_mode": [QUICK, {**QUICK, "MmSaId": 8, "RemotePort": 80}]}, State())
    assert [(a.suite[:4], [q.remote_port for q in a.quick]) for a in found] == [("DH14", [80]), ("DH20", [443])]


def test_peers_stand_in_their_order() -> None:
    rows = [{**MAIN, "Name": name, "RemoteEndpoint": remote} for name, remote in (("1", "10.0.0.9"), ("2", "10.0.0.3"))]
    assert [a.remote for a in associations({"main_mode": rows}, State())] == ["10.0.0.3", "10.0.0.9"]


@pytest.mark.parametrize("said", [None, "", "many", "9" * 30])
def test_what_is_no_number_is_none(said: Any) -> None:
    """And is a word where a word may stand: it is shown as it came."""
    found = one({"LifetimeSeconds": said, "GroupId": said}, {"LifetimeKilobytes": said, "LocalPort": said})
    assert [found.seconds, found.quick[0].kilobytes, found.quick[0].local_port] == [0, 0, 0]
    assert found.suite == "-".join(filter(None, (said, "AES256", "SHA384")))
    (alone,) = associations({"quick_mode": [QUICK]}, State())
    assert (alone.seconds, alone.suite, alone.authentication) == (0, "", "")


@pytest.mark.parametrize(("said", "protocol", "mode", "suite"), [
    ({"EncapsulationMode": 1, "IpProtocol": None}, "any", "tunnel", "ESP:SHA256-AES256+AH:SHA256"),
    ({"IpProtocol": 0, "FirstIntegrityAlgorithm": "None", "FirstCipherAlgorithm": None}, "any", "transport",
     "ESP:none+AH:SHA256"),
    ({"FirstIntegrityAlgorithm": None}, "tcp", "transport", "ESP:AES256+AH:SHA256"),
    ({"IpProtocol": 1, "FirstTransformType": 0}, "icmpv4", "transport", "AH:SHA256"),
    ({"IpProtocol": 17, "FirstTransformType": 4, "SecondTransformType": None}, "udp", "transport",
     "no encapsulation:SHA256-AES256"),
    ({"IpProtocol": 58, "FirstTransformType": 3, "SecondTransformType": 5, "SecondCipherAlgorithm": 65001}, "icmpv6", "transport",
     "ESP:SHA256-AES256+ESP:SHA256-AES128")])
def test_what_protects_the_data(said: dict[str, Any], protocol: str, mode: str, suite: str) -> None:
    (quick,) = one({}, said).quick
    assert (quick.protocol, quick.mode, quick.suite) == (protocol, mode, suite)


NUMBERS: list[tuple[str, int, str]] = [
    *(("CipherAlgorithm", number, name) for number, name in (
        (0, "none"), (2, "DES"), (6, "3DES"), (65001, "AES128"), (65002, "AES192"), (65003, "AES256"), (65004, "AESGCM128"),
        (65005, "AESGCM192"), (65006, "AESGCM256"))),
    *(("HashAlgorithm", number, name) for number, name in (
        (0, "none"), (2, "MD5"), (3, "SHA1"), (65001, "SHA256"), (65002, "SHA384"), (65003, "AESGMAC128"), (65004, "AESGMAC192"),
        (65005, "AESGMAC256"))),
    *(("GroupId", number, name) for number, name in (
        (0, "none"), (1, "DH1"), (2, "DH2"), (14, "DH14"), (19, "DH19"), (20, "DH20"), (24, "DH24"), (65535, "SameAsMainMode"))),
    *(("AuthenticationMethod", number, name) for number, name in enumerate((
        "anonymous", "computer Kerberos", "pre-shared key", "computer NTLM", "computer certificate", "user Kerberos",
        "user certificate", "user NTLM"), 1)),
    *(("KeyModule", number, name) for number, name in enumerate(("IKEv1", "AuthIP", "IKEv2", "IKEv2"), 1))]


@pytest.mark.parametrize(("what", "number", "name"), NUMBERS)
def test_what_the_numbers_of_windows_mean(what: str, number: int, name: str) -> None:
    """Those of the enumerations of MSFT_NetMainModeSA: a wrong one would call a weak algorithm a strong one."""
    found = one({"CipherAlgorithm": "c", "HashAlgorithm": "h", "GroupId": "g", what: number}, {})
    suite = {"CipherAlgorithm": f"g-{name}-h", "HashAlgorithm": f"g-c-{name}", "GroupId": f"{name}-c-h"}
    assert found.suite == suite.get(what, "g-c-h")
    assert {"AuthenticationMethod": found.authentication, "KeyModule": found.key_module}.get(what, name) == name


def test_rules_of_group_policy_are_told_as_such_and_in_order() -> None:
    for values, filter in (({"display_name": "ISOLATION", "remote_address": ("192.0.2.0/24",)}, "Isolation"), ({}, "")):
        rules = [KINDS["ipsec_rule"].create(name, {"inbound_security": "require", **values}) for name in "ba"]
        state = State({id_of(r, store): r for r in rules for store in ("local", "group_policy")})
        (found,) = associations({"main_mode": [MAIN], "quick_mode": [{**QUICK, "TransportLayerFilterName": filter}]}, state)
        assert found.rules == ("a", "a (group_policy)", "b", "b (group_policy)")


@pytest.mark.parametrize("remote", ["10.0.0.2", "nonsense"])
def test_a_rule_without_a_name_to_show_is_not_that_of_a_filter_without_one(remote: str) -> None:
    """Nor is a rule for all addresses one for what is no address."""
    rule = KINDS["ipsec_rule"].create("r", {"display_name": "", "inbound_security": "require", "remote_address": (
        ("192.0.2.0/24",) if remote == "10.0.0.2" else ())})
    (found,) = associations({"main_mode": [{**MAIN, "RemoteEndpoint": remote}], "quick_mode": [
        {**QUICK, "RemoteEndpoint": remote, "TransportLayerFilterName": None}]}, State({id_of(rule): rule}))
    assert found.rules == ()


def test_of_more_associations_and_rules_than_any_host_has_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [KINDS["ipsec_rule"].create(name, {"inbound_security": "require"}) for name in "ab"]
    state = State({id_of(r): r for r in rules})
    for bound, named in ((2, ("a", "b")), (1, ())):
        monkeypatch.setattr("ringfence.windows.associations._MAX_COMPARISONS", bound)
        (found,) = associations({"main_mode": [MAIN]}, state)
        assert found.rules == named


def test_a_firewall_rule_of_that_name_has_asked_for_nothing() -> None:
    (allows,) = resources(declared(task("firewall_rule", {"name": "Isolation", "protocol": "tcp", "local_port": 1})))
    (found,) = associations({"main_mode": [MAIN], "quick_mode": [QUICK]}, State({id_of(allows): allows}))
    assert found.rules == ()


@pytest.mark.parametrize(("rule", "asked"), [
    ({"display_name": "Isolation"}, True),
    ({"name": "isolation", "remote_address": "192.0.2.0/24"}, True),  # a filter is named after its rule
    ({"remote_address": "10.0.0.0/24", "display_name": "x"}, True),
    ({"remote_address": "10.0.0.1-10.0.0.9", "display_name": "x"}, True),
    ({"remote_address": "local_subnet", "display_name": "x"}, True),  # only the host knows: it may be meant
    ({"remote_address": "2001:db8::/64", "display_name": "x"}, False),
    ({"local_address": "10.0.0.7", "display_name": "x"}, False),
    ({"local_address": ["10.0.0.7", "10.0.0.1"], "display_name": "x"}, True),
    ({"remote_address": "10.0.0.3-10.0.0.9", "display_name": "x"}, False),
    ({"remote_address": "::a00:1-::a00:9", "display_name": "x"}, False),  # the same numbers in the other family
    # its peers are its ends
    ({"mode": "tunnel", "outbound_security": "require", "remote_tunnel_endpoint": "10.0.0.2", "display_name": "x"}, False),
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
