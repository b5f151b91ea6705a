"""What of a host's policy no kind manages: restrictions of services and apps, legacy keys, values beside."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from core import KINDS
from registry_files import hive, pol

from ringfence.model.state import Id, State
from ringfence.windows.origin import origin_of
from ringfence.windows.whole_policy import MAX_VALUES, UnmanagedValue, read_restricted, unmanaged_values

FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))


def restricted(*strings: tuple[str, str, str]) -> State:
    return read_restricted({"restricted": [[key, [[name, "String", text]]] for key, name, text in strings]}, KINDS)


@pytest.mark.parametrize(("key", "text", "store", "enabled", "origin"), [
    (r"Static\System", r"V2.0|Action=Block|Dir=Out|App=%SystemRoot%\system32\svchost.exe|Svc=x|Name=Block x|",
     "static_service", True, "windows"),
    (r"static\system", "V2.0|Action=Block|Active=FALSE|Dir=Out|Svc=x|Name=n|", "static_service", False, "windows"),
    (r"Configurable\System", "v2.10|Action=Block|Dir=in|Svc=agent|Name=n|", "configurable_service", True, "other"),
    (r"Configurable\System", "v2.22|Action=Block|Active=TRUE|Dir=In|Name=n|AppPkgId=S-1-15-2-1-2-3-4-5-6-7|",
     "configurable_service", True, "package"),
    (r"AppIso\FirewallRules", "v2.33|Action=Allow|Active=FALSE|Dir=Out|Name=n|PFN=Contoso.App_8wekyb3d8bbwe|",
     "app_isolation", False, "package"),
])
def test_a_restriction(key: str, text: str, store: str, enabled: bool, origin: str) -> None:
    """Without `Active=` it is in force, unlike rules elsewhere."""
    (found,) = restricted((key, "R", text)).items()
    assert found[0] == Id(store, "firewall_rule", "r")
    assert getattr(found[1], "enabled", None) is enabled
    assert found[1].kind.write_string(found[1]) == text  # what it says is what it said
    assert origin_of(*found, State()).name == origin


@pytest.mark.parametrize("answer", [None, {}, {"restricted": 5},
                                    {"restricted": [[r"Static\System", [["r", "DWord", 5]]], 7, [[]]]}])
def test_whatever_a_host_says(answer: Any) -> None:
    assert dict(read_restricted(answer, KINDS)) == {}
    assert unmanaged_values(answer, KINDS) == ()


def test_what_no_kind_has() -> None:
    policy = {
        "local": [["", [["PolicyVersion", "DWord", 543], ["IPSecExempt", "DWord", 9]]],
                  ["DomainProfile", [["EnableFirewall", "DWord", 1], ["DisableStealthMode", "DWord", 1]]],
                  [r"DomainProfile\Logging", [["LogFileSize", "DWord", 4096]]], ["FirewallRules", [["r", "String", "v2.31|"]]],
                  [r"Phase1AuthenticationSets\{1}\0000", [["Method", "String", "x"]]],
                  [r"DynamicKeywords\Addresses\AutoResolve", [["{1}", "String", "x" * 900]]]],
        "group_policy": [[r"StandardProfile\Services\RemoteDesktop", [["Enabled", "DWord", 1]]]]}
    found = unmanaged_values(policy, KINDS)
    named = {(v.store, v.key, v.name) for v in found}
    assert {("local", "", "PolicyVersion"), ("local", "DomainProfile", "DisableStealthMode"),
            ("local", r"DynamicKeywords\Addresses\AutoResolve", "{1}")} <= named
    assert not named & {("local", "DomainProfile", "EnableFirewall"), ("local", r"DomainProfile\Logging", "LogFileSize"),
                        ("local", "FirewallRules", "r"), ("local", r"Phase1AuthenticationSets\{1}\0000", "Method")}
    legacy = UnmanagedValue("group_policy", r"StandardProfile\Services\RemoteDesktop", "Enabled", "1")
    assert legacy in found
    assert legacy.legacy == "Remote Desktop"
    assert max(len(v.data) for v in found) == 500


@pytest.mark.parametrize(("below", "about"), [
    (r"Services\RemoteDesktop", "Remote Desktop"), (r"services\fileandprint", "file and printer sharing"),
    ("RemoteAdminSettings", "remote administration"), ("IcmpSettings", "ICMP"), (r"AuthorizedApplications\List", "programs"),
    (r"GloballyOpenPorts\List", "ports"), ("Logging", ""), (r"Services\RemoteDesktop\More", "")])
def test_what_a_policy_of_windows_xp_is_about(below: str, about: str) -> None:
    assert UnmanagedValue("group_policy", rf"DomainProfile\{below}", "x", "1").legacy == about


def test_a_restriction_without_a_name_is_none_and_the_id_of_a_default_set_is_read() -> None:
    assert dict(restricted((r"Static\System", "", "V2.0|Action=Block|Dir=Out|Svc=x|Name=n|"))) == {}
    rows = [["Phase1AuthenticationSets", [["{7E7F1A2B-0000-0000-0000-000000000001}", "String", "{0A}"]]]]
    assert unmanaged_values({"group_policy": rows}, KINDS) == ()


def test_what_stands_where_it_is_not_read() -> None:
    """Values that are no rules among the rules, keys below theirs, and a second key of one profile that does not count."""
    policy: dict[str, Any] = {
        "local": [["FirewallRules", [["r", "String", "v2.31|"], ["n", "DWord", 5], ["b", "Binary", "AAE="],
                                     ["", "String", "v2.31|"]]],
                  [r"FirewallRules\Below", [["r", "String", "v2.31|"]]], ["ConSecRules", [["m", "MultiString", ["v2.31|"]]]],
                  ["StandardProfile", [["EnableFirewall", "DWord", 1]]], ["PrivateProfile", [["EnableFirewall", "DWord", 0]]]],
        "group_policy": [["PrivateProfile", [["EnableFirewall", "DWord", 1]]],
                         ["StandardProfile", [["EnableFirewall", "DWord", 0]]],
                         [r"StandardProfile\Logging", [["LogFileSize", "DWord", 1]]]],
        "mdm": [["PrivateProfile", [["EnableFirewall", "DWord", 0]]]]}
    found = {(v.store, v.key, v.name, v.data) for v in unmanaged_values(policy, KINDS)}
    assert found == {
        ("local", "FirewallRules", "n", "5"), ("local", "FirewallRules", "b", "AAE="), ("local", "FirewallRules", "", "v2.31|"),
        ("local", r"FirewallRules\Below", "r", "v2.31|"), ("local", "ConSecRules", "m", "['v2.31|']"),
        ("local", "PrivateProfile", "EnableFirewall", "0"), ("group_policy", "StandardProfile", "EnableFirewall", "0"),
        ("group_policy", r"StandardProfile\Logging", "LogFileSize", "1")}


def test_a_host_cannot_fill_the_page() -> None:
    rows = [["Odd", [[f"v{n}", "DWord", n] for n in range(5 * MAX_VALUES)]]]
    assert len(unmanaged_values({"local": rows, "mdm": rows}, KINDS)) == 2 * MAX_VALUES


@pytest.mark.parametrize("path", sorted(FOLDER.glob("hives/*.xz")), ids=lambda p: p.name)
def test_a_real_machine(path: Path) -> None:
    rows = hive(path)
    below = [[key.partition("\\")[2], values] for key, values in rows if key.lower().startswith("restrictedservices\\")]
    found = read_restricted({"restricted": below}, KINDS)
    stores = Counter(id.store for id in found)
    assert stores["static_service"] > 100
    assert stores["configurable_service"] > 100
    assert all(getattr(r, "enabled", False) for id, r in found.items() if id.store == "static_service")
    local = [row for row in rows if not row[0].lower().startswith("restrictedservices")]
    assert {v.key for v in unmanaged_values({"local": local}, KINDS)} <= {""}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("gpo/**/*registry.pol")), ids=lambda p: p.parent.parent.name)
def test_real_policies_have_nothing_that_is_left_unsaid(path: Path) -> None:
    """Every value of firewall policy is read by a kind, or listed."""
    rows = pol(path)
    listed = {(v.key, v.name) for v in unmanaged_values({"group_policy": rows}, KINDS)}
    for key, values in rows:
        for name, _, _ in values:
            below = key.rpartition("\\")[2].lower()
            assert (key, name) in listed or below.endswith(("profile", "logging", "rules")), (key, name)
