"""Each condition of a filter by itself: whether it holds, does not, or what would have to be known."""

from dataclasses import replace
from typing import Any

import pytest
from flow_cases import NETWORKS

from ringfence.model.filter import Filter
from ringfence.policy.flow import ICMPV4, SYSTEM, TCP, UDP, Flow, number_of
from ringfence.policy.matcher import matcher_of
from ringfence.policy.place import HostNetwork, Place
from ringfence.types.base import KeptPiece

HOST = HostNetwork(NETWORKS)
PLACE = Place(HOST, "domain", NETWORKS.interfaces[0])
SEVERAL = Place(HOST, "domain", replace(NETWORKS.interfaces[0], addresses=("10.1.0.10/24", "10.1.0.20/24", "fd00::1/64")))
NOWHERE = Place(HostNetwork(), "domain")
USER, SYSTEM_SID, USERS, EVERYONE = "S-1-5-21-1-2-3-1105", "S-1-5-18", "S-1-5-32-545", "S-1-1-0"
APP, FAMILY = "S-1-15-2-420739641-2001062030-1440834947-2308414563-2154978249-3702219706-1908485299", "Contoso.App_8wekyb3d8bbwe"
YES, NO = "yes", "no"


def said(filter: dict[str, Any], flow: dict[str, Any], place: Place = PLACE) -> str:
    usual: dict[str, Any] = {"direction": "inbound", "protocol": TCP, "local_port": 443, "remote_address": number_of("10.1.0.7"),
                             "program": SYSTEM, "service": "", "user": SYSTEM_SID}
    given = {name: number_of(v) if name.endswith("address") and v is not None else v for name, v in flow.items()}
    found = matcher_of(Filter("allow", **filter)).match(Flow(**{**usual, **given}), place)
    return NO if found is None else " · ".join(found) or YES


LOCAL_PORT = "the flow's local port"


@pytest.mark.parametrize(("ports", "result"), [
    (("49152-65535",), YES), (("1-65535",), YES), (("1-100", "49152-65535"), YES), (("49152-50000", "50001-65535"), YES),
    (("1-49151",), NO), (("80",), NO), (("80", "1-49151"), NO), (("49153-65535",), LOCAL_PORT), (("49152-65534",), LOCAL_PORT),
    (("1-49152",), LOCAL_PORT), (("65535",), LOCAL_PORT), (("80", "49152-50000", "60000-65535"), LOCAL_PORT),
    (("RPC",), LOCAL_PORT)])
def test_a_port_that_windows_gives_away(ports: tuple[str, ...], result: str) -> None:
    """One of 49152 to 65535 ("Service overview and network port requirements for Windows")."""
    given = {"direction": "outbound", "local_port": None, "remote_port": 53, "dynamic": True}
    assert said({"local_port": ports}, given) == result
    assert said({"local_port": ports}, {**given, "dynamic": False}) == LOCAL_PORT
    assert said({"remote_port": ports}, {**given, "remote_port": None}) == "the flow's remote port"  # the other side's is any


@pytest.mark.parametrize(("filter", "result"), [
    ({"protocol": "tcp"}, YES), ({"protocol": "6"}, YES), ({"protocol": "udp"}, NO), ({"protocol": "47"}, NO),
    ({"protocol": "any"}, YES),
    ({"local_port": ("400-500",)}, YES), ({"local_port": ("80", "443-444")}, YES), ({"local_port": ("400-443", "500")}, YES),
    ({"local_port": ("400-442", "444")}, NO), ({"local_port": ("443",)}, YES), ({"remote_port": ("443",)}, NO),
    ({"remote_port": ("50000-50010",)}, YES)])
def test_protocols_and_ports(filter: dict[str, Any], result: str) -> None:
    assert said(filter, {"remote_port": 50_005}) == result


@pytest.mark.parametrize(("word", "flow", "result"), [
    ("RPCEPMap", {"local_port": 135}, YES), ("RPCEPMap", {"local_port": 136}, NO),
    ("RPCEPMap", {"local_port": 135, "protocol": UDP}, NO),
    ("IPHTTPSIn", {}, YES), ("IPHTTPSIn", {"local_port": 444}, NO), ("RPC", {"local_port": 1023, "program": "x"}, NO),
    ("RPC", {"local_port": 1024, "program": "x"}, "whether 1024 is a port of RPC"), ("RPC", {"local_port": 1024}, NO),
    ("RPC", {"local_port": 1024, "program": "x", "protocol": UDP}, NO), ("mDNS", {"local_port": 5353}, NO),
    ("mDNS", {"local_port": 80, "protocol": UDP}, "whether 80 is a port of mDNS"),
    (KeptPiece("LPort2_24=New"), {}, "whether 443 is a port of LPort2_24=New")])
def test_ports_by_word(word: str, flow: dict[str, Any], result: str) -> None:
    assert said({"local_port": (word,)}, flow) == result
    assert said({"local_port": (word, "7")}, {**flow, "local_port": 7}) == YES


def test_https_of_the_other_side() -> None:
    flow = {"direction": "outbound", "local_port": None}
    assert [said({"remote_port": ("IPHTTPSOut",)}, {**flow, "remote_port": p}) for p in (442, 443, 444)] == [NO, YES, NO]


@pytest.mark.parametrize(("types", "kind", "code", "result"), [
    (("8",), None, None, "the flow's ICMP type"), (("3:4",), 3, 4, YES), (("3:4",), 3, 5, NO), (("3:4", "3"), 3, 5, YES),
    (("3:4",), 3, None, "the flow's ICMP code"), (("3:4",), 8, None, NO), (("8",), 8, None, YES), (("8:0", "3"), 3, None, YES)])
def test_icmp(types: tuple[str, ...], kind: int | None, code: int | None, result: str) -> None:
    flow = {"protocol": ICMPV4, "local_port": None, "icmp_type": kind, "icmp_code": code}
    assert said({"icmp_type": types}, flow) == result


@pytest.mark.parametrize(("listed", "address", "result"), [
    (("LocalSubnet",), "fe80::7", YES), (("LocalSubnet4",), "fe80::7", NO), (("LocalSubnet6",), "fe80::7", YES),
    (("10.0.0.0/8",), None, "the flow's remote address"), (("10.1.0.7-10.1.0.9",), "10.1.0.9", YES),
    (("10.1.0.7-10.1.0.9",), "10.1.0.10", NO), (("10.1.0.7",), "10.1.0.6", NO),
    (("Intranet", "RmtIntranet"), "10.1.0.7", "what Intranet, RmtIntranet stands for there"),
    (("Intranet", "DNS"), "10.1.0.53", YES), (("Intranet", "DNS"), "10.1.0.7", "what Intranet stands for there"),
    ((KeptPiece("RA42=Future"),), "10.1.0.7", "what RA42=Future stands for there"),
    ((KeptPiece("RA42=Future"), "10.1.0.0/24"), "10.1.0.7", YES)])
def test_addresses_of_the_other_side(listed: tuple[str, ...], address: str | None, result: str) -> None:
    assert said({"remote_address": listed}, {"remote_address": address}) == result


WHICH_OWN = "which of the host's addresses it is for"


@pytest.mark.parametrize(("listed", "here", "there", "result"), [
    (("10.1.0.10",), "10.1.0.10", "10.1.0.7", YES), (("10.1.0.10",), "10.1.0.11", "10.1.0.7", NO),
    (("10.1.0.10",), None, "10.1.0.7", WHICH_OWN), (("10.1.0.0/24",), None, "10.1.0.7", YES),
    (("10.9.0.0/16",), None, "10.1.0.7", NO),
    (("fd00::1",), None, "fd00::7", YES), (("fd00::1",), None, "10.1.0.7", NO), (("10.1.0.0/24",), None, "fd00::7", NO),
    (("10.1.0.0/24",), None, None, WHICH_OWN), (("10.0.0.0/8", "fd00::/16"), None, None, YES),
    ((KeptPiece("LA4=Future"),), "10.1.0.10", "10.1.0.7", "what LA4=Future stands for there"),
    ((KeptPiece("LA4=Future"),), None, "10.1.0.7", "what LA4=Future stands for there"),
    ((KeptPiece("LA4=Future"), "10.1.0.0/24"), None, "10.1.0.7", YES)])
def test_addresses_of_the_host(listed: tuple[str, ...], here: str | None, there: str | None, result: str) -> None:
    """Where it is not said, each that the interface has of the family of the other side may be it."""
    asked = {"local_address": here, "remote_address": there}
    assert said({"local_address": listed}, asked, SEVERAL) == result
    assert said({"local_address": listed}, asked, NOWHERE) == (result if here else WHICH_OWN)


def told_of(**facts: Any) -> Place:
    return Place(HostNetwork(replace(NETWORKS, **facts)), "domain", NETWORKS.interfaces[0])


@pytest.mark.parametrize(("value", "program", "result"), [
    (r"C:\A.exe", r"c:\a.EXE", YES), (r"C:\A.exe", r"c:\b.exe", NO), (r"C:\A.exe", None, r"whether its program is C:\A.exe"),
    (r"%WinDir%\a.exe", r"D:\Win\A.exe", YES), (r"%SystemRoot%\a.exe", r"%windir%\a.exe", YES),
    (r"%SystemRoot%\a.exe", r"C:\Windows\a.exe", NO),
    (r"%ProgramData%\a.exe", r"C:\ProgramData\a.exe", YES),
    (r"%Contoso%\a.exe", r"C:\a.exe", "which folder a variable means there"),
    (r"%Contoso%\a.exe", r"%CONTOSO%\A.exe", YES)])
def test_programs(value: str, program: str | None, result: str) -> None:
    """Names of files are the same in any spelling; what is in a variable the host says."""
    place = told_of(raw={**NETWORKS.raw, "environment": {"systemroot": r"d:\win"}})
    assert said({"program": value}, {"program": program}, place) == result


@pytest.mark.parametrize(("value", "service", "result"), [
    ("W3SVC", "w3svc", YES), ("w3svc", "W3SVC", YES), ("w3svc", "", NO), ("w3svc", "dnscache", NO),
    ("w3svc", None, "whether its service is w3svc"),
    ("*", "w3svc", YES),
    ("*", "", NO), ("*", None, "whether its program is a service")])
def test_services(value: str, service: str | None, result: str) -> None:
    assert said({"service": value}, {"service": service}) == result


@pytest.mark.parametrize(("value", "package", "result"), [
    (APP, APP.lower(), YES), (APP.lower(), APP, YES), (APP, "", NO), (APP, f"{APP}-1", NO),
    (APP, None, "whether its program is an app"),
    ("s-1-15-2-1", APP, YES), ("S-1-15-2-1", "", NO)])
def test_app_containers(value: str, package: str | None, result: str) -> None:
    assert said({"package": value}, {"package": package}) == result


IN_FOLDER = r"C:\Program Files\WindowsApps\Contoso.App_1.2.3.0_x64__8wekyb3d8bbwe\bin\app.exe"
OF_WHICH = f"whether its program is of the app {FAMILY}"


@pytest.mark.parametrize(("flow", "result"), [
    ({"package": APP.lower()}, YES), ({"package": f"{APP}-1", "package_family": FAMILY}, NO),
    ({"package": None, "program": IN_FOLDER}, OF_WHICH),
    ({"package_family": None, "program": IN_FOLDER}, OF_WHICH), ({"package_family": FAMILY.upper(), "program": None}, OF_WHICH),
    ({"package_family": FAMILY.upper(), "program": r"C:\a.exe"}, YES),
    ({"package_family": "Contoso.B_1", "program": IN_FOLDER}, NO),
    ({"program": IN_FOLDER.upper()}, YES), ({"program": IN_FOLDER.replace("8wek", "9wek")}, NO),
    ({"program": IN_FOLDER.replace("Contoso.App", "Contoso.B")}, NO),
    ({"program": IN_FOLDER.replace("WindowsApps", "Apps")}, NO)])
def test_package_families(flow: dict[str, Any], result: str) -> None:
    assert said({"package_family_name": FAMILY}, flow) == result


IN_USERS = f"its account is {USERS}, or in that"


@pytest.mark.parametrize(("entries", "user", "result"), [
    (f"(A;;CC;;;{EVERYONE})", None, YES), (f"(a;;cc;;;{EVERYONE})", USER, YES), (f"(D;;CC;;;{EVERYONE})", USER, NO),
    ("", USER, NO),
    (f"(A;IO;CC;;;{EVERYONE})", USER, NO), (f"(A;io;CC;;;{EVERYONE})", USER, NO), (f"(A;;CC;;;{SYSTEM_SID})", USER, NO),
    ("(A;;CC;;;s-1-15-2-1)", USER, NO), (f"(D;;CC;;;{USER})(A;;CC;;;{EVERYONE})", USER, NO),
    (f"(A;;CC;;;{USER})(D;;CC;;;{EVERYONE})", USER, YES), (f"(A;;CC;;;{USERS})", USER, f"whether {IN_USERS}"),
    (f"(XA;;CC;;;{EVERYONE};(x))", USER, "whether a condition holds for it"),
    (f"(xa;;CC;;;{EVERYONE})", USER, "whether a condition holds for it"),
    (f"(A;;CC;;;{EVERYONE};(x))", USER, "whether a condition holds for it"), (f"(XA;;CC;;;{SYSTEM_SID};(x))", USER, NO),
    (f"(XA;;CC;;;{EVERYONE};(x))(A;;CC;;;{EVERYONE})", USER, YES), (f"(XD;;CC;;;{EVERYONE};(x))", USER, NO),
    (f"(XD;;CC;;;{EVERYONE};(x))(A;;CC;;;{EVERYONE})", USER, "whether a condition holds for it"),
    (f"(XA;;CC;;;{EVERYONE};(x))(A;;CC;;;{USERS})", USER, f"whether a condition holds for it or {IN_USERS}")])
def test_lists_of_accounts(entries: str, user: str | None, result: str) -> None:
    """The first entry that is for an account decides ([MS-DTYP] 2.5.3.2)."""
    assert said({"local_user": f"D:{entries}"}, {"user": user}) == result


CONTAINED = "whether a list of accounts admits a program in an app container"


@pytest.mark.parametrize(("entries", "package", "result"), [
    ("", "", YES), ("", APP, CONTAINED), ("", None, CONTAINED), (f"(A;;CC;;;{APP.lower()})", APP.lower(), YES),
    (f"(a;;CC;;;{APP})", APP, YES), (f"(D;;CC;;;{APP})", APP, CONTAINED), (f"(A;;CC;;;{APP};(x))", APP, CONTAINED),
    (f"(A;;CC;;;{APP})", f"{APP}-1", CONTAINED), ("(A;;CC;;;S-1-15-2-1)", APP, YES), ("(A;;CC;;;S-1-15-2-1)", None, YES),
    (f"(A;;CC;;;{APP})", None, CONTAINED)])
def test_whether_a_list_of_accounts_is_for_a_container(entries: str, package: str | None, result: str) -> None:
    listed = {"local_user": f"D:(A;;CC;;;{EVERYONE}){entries}"}
    assert said(listed, {"package": package}) == result
    if package:  # of rules for apps Windows adds an entry for these itself
        assert said({**listed, "package": package}, {"package": package}) == YES
    if package == APP:
        assert said({**listed, "package_family_name": FAMILY}, {"package": package}) == YES


@pytest.mark.parametrize(("who", "security", "result"), [
    (EVERYONE, "clear", NO), (EVERYONE, "authenticated", YES), (USER, "clear", NO),
    (USER, "encrypted", "whether the {} of the other side is listed")])
@pytest.mark.parametrize(("field", "name"), [("remote_user", "user"), ("remote_machine", "computer")])
def test_who_the_other_side_is(field: str, name: str, who: str, security: str, result: str) -> None:
    """IPsec tells it: of clear traffic nobody knows, and nobody is listed."""
    assert said({field: f"D:(A;;CC;;;{who})"}, {"security": security}) == result.format(name)


@pytest.mark.parametrize(("filter", "results"), [
    ({"authentication": "required"}, [NO, YES, YES, "whether IPsec secures it"]),
    ({"encryption": "required"}, [NO, NO, YES, "whether IPsec encrypts it"]),
    ({"encryption": "dynamic"}, [NO, "whether encryption can be negotiated", YES, "whether IPsec encrypts it"])])
def test_what_ipsec_makes_of_it(filter: dict[str, Any], results: list[str]) -> None:
    assert [said(filter, {"security": s}) for s in ("clear", "authenticated", "encrypted", None)] == results


@pytest.mark.parametrize(("filter", "here", "nowhere"), [
    ({"interface_alias": (NETWORKS.interfaces[0].guid.lower(),)}, YES, "which interface it uses"),
    ({"interface_alias": (NETWORKS.interfaces[1].guid,)}, NO, "which interface it uses"),
    ({"interface_type": ("wireless", "wired")}, YES, "of which type its interface is"),
    ({"interface_type": ("wireless",)}, NO, "of which type its interface is"),
    ({"owner": SYSTEM_SID.lower()}, YES, YES), ({"owner": USER}, NO, NO),
    ({"dynamic_target": ("UPnP", "Cast")}, "whether it is of UPnP, Cast", "whether it is of UPnP, Cast"),
    ({"invalid": "it says too little"}, *["whether Windows enforces what it refuses (it says too little)"] * 2),
    ({"unknown_tokens": ("Future=1", "New=2")}, *["what Future=1, New=2 means"] * 2),
    ({"unknown_tokens": ("NNM=corp",)}, *["whether the network is among those of NNM=corp"] * 2),
    ({"unknown_tokens": ("F=1", "SkipVer=2.30")}, *["what F=1 means; whether Windows leaves out a rule with SkipVer=2.30"] * 2)])
def test_what_else_there_is(filter: dict[str, Any], here: str, nowhere: str) -> None:
    assert [said(filter, {}), said(filter, {}, NOWHERE)] == [here, nowhere]


def test_an_interface_in_any_spelling() -> None:
    for mine, its in (("{AB-1}", "{ab-1}"), ("{ab-1}", "{AB-1}")):
        assert said({"interface_alias": (its,)}, {}, Place(HOST, "domain", replace(NETWORKS.interfaces[0], guid=mine))) == YES


def test_of_an_account_that_nobody_knows() -> None:
    assert said({"owner": USER}, {"user": None}) == f"whether its program runs for {USER}"
    assert said({"owner": USER}, {"user": USER.lower()}) == YES


@pytest.mark.parametrize(("platforms", "results"), [
    (("6.1",), [YES, NO, NO]), (("6.2+",), [NO, YES, YES]), (("10.0",), [NO, NO, YES]), (("10.0+",), [NO, NO, YES]),
    (("6.1", "10.0"), [YES, NO, YES]), (("10.1+",), [NO, NO, NO]), (("ten",), [YES] * 3), (("6.x",), [YES] * 3),
    (("x.1+",), [YES] * 3)])
def test_versions_of_windows(platforms: tuple[str, ...], results: list[str]) -> None:
    """What nobody understands keeps no rule from counting."""
    places = [told_of(raw={**NETWORKS.raw, "os": {"version": f"{version}.1"}}) for version in ("6.1", "6.3", "10.0")]
    assert [said({"platform": platforms}, {}, place) for place in places] == results
    assert said({"platform": platforms}, {}, NOWHERE) == "which version of Windows the host has"


def test_a_direction_a_profile_and_edges() -> None:
    assert [said({"direction": d}, {}) for d in ("inbound", "outbound", "")] == [YES, NO, YES]
    assert [said({"profile": p}, {}) for p in (("domain", "public"), ("public",), ())] == [YES, NO, YES]
    of_app = "whether its program asks for what comes through edge devices"
    for edge, results in ((False, [YES] * 3), (True, [NO, YES, of_app])):
        assert [said({"edge_traversal_policy": p}, {"edge": edge}) for p in ("block", "allow", "defer_to_app")] == results
