"""firewall_profile: values of profile keys, which are told one by one; private is stored under two names."""

from typing import Any

import pytest
from core import GUID, KINDS, PROFILE, declare, declared, task
from hosts import LabHost

from ringfence.lab import POLICY
from ringfence.model.declaration import present
from ringfence.model.resource import Resource
from ringfence.types.base import KeptPiece
from ringfence.windows.read import read


def stored(store: str, *rows: Any) -> dict[str, Resource]:
    return read({store: [[key, [[name, kind, data] for name, kind, data in values]] for key, values in rows]}, KINDS).by_kind(
        "firewall_profile", store)


def said(profile: Resource) -> dict[str, Any]:
    return {n: v for n, v in profile.values().items() if v != PROFILE.defaults[n]}


# (key below the profile's, value, type, data) -> property, value: every row of reference grammar, section 8
ROWS = [
    ("", "EnableFirewall", "DWord", 1, "enabled", True), ("", "EnableFirewall", "DWord", 0, "enabled", False),
    ("", "DefaultInboundAction", "DWord", 0, "default_inbound_action", "allow"),
    ("", "DefaultInboundAction", "DWord", 1, "default_inbound_action", "block"),
    ("", "DefaultOutboundAction", "DWord", 0, "default_outbound_action", "allow"),
    ("", "DefaultOutboundAction", "DWord", 1, "default_outbound_action", "block"),
    ("", "DoNotAllowExceptions", "DWord", 1, "allow_inbound_rules", False),
    ("", "DoNotAllowExceptions", "DWord", 0, "allow_inbound_rules", True),
    ("", "AllowLocalPolicyMerge", "DWord", 0, "allow_local_firewall_rules", False),
    ("", "AllowLocalIPsecPolicyMerge", "DWord", 1, "allow_local_ipsec_rules", True),
    ("\\AuthorizedApplications", "AllowUserPrefMerge", "DWord", 1, "allow_user_apps", True),
    ("\\GloballyOpenPorts", "AllowUserPrefMerge", "DWord", 0, "allow_user_ports", False),
    ("", "DisableUnicastResponsesToMulticastBroadcast", "DWord", 1, "allow_unicast_response_to_multicast", False),
    ("", "DisableNotifications", "DWord", 1, "notify_on_listen", False),
    ("", "DisableNotifications", "DWord", 0, "notify_on_listen", True),
    ("", "DisableStealthModeIPsecSecuredPacketExemption", "DWord", 1, "enable_stealth_mode_for_ipsec", True),
    ("", "DisabledInterfaces", "String", f"{GUID.lower()},{{22222222-2222-3333-4444-555555555555}}", "disabled_interface_aliases",
     (GUID, "{22222222-2222-3333-4444-555555555555}")),
    ("", "DisabledInterfaces", "String", f" {GUID} , {{22222222-2222-3333-4444-555555555555}},", "disabled_interface_aliases",
     (GUID, "{22222222-2222-3333-4444-555555555555}")),
    ("", "DisabledInterfaces", "String", "", "disabled_interface_aliases", ()),
    ("\\Logging", "LogFilePath", "String", "%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log", "log_file_name",
     "%SystemRoot%\\System32\\LogFiles\\Firewall\\pfirewall.log"),
    ("\\Logging", "LogFileSize", "DWord", 4096, "log_max_size_kilobytes", 4096),
    ("\\Logging", "LogDroppedPackets", "DWord", 1, "log_blocked", True),
    ("\\Logging", "LogSuccessfulConnections", "DWord", 0, "log_allowed", False),
    ("\\Logging", "LogIgnoredRules", "DWord", 1, "log_ignored", True),
]


@pytest.mark.parametrize(("path", "name", "type", "data", "property", "value"), ROWS, ids=[f"{r[1]}={r[3]}"[:50] for r in ROWS])
def test_every_value(path: str, name: str, type: str, data: Any, property: str, value: Any) -> None:
    for key, profile in (("DomainProfile", "domain"), ("StandardProfile", "private"), ("PublicProfile", "public")):
        found = stored("local", (key + path, [(name, type, data)]))
        assert said(found[profile]) == ({property: value} if value != () else {})
        assert all(said(other) == {} for n, other in found.items() if n != profile)
    assert getattr(stored("local", ("domainPROFILE" + path.upper(), [(name.upper(), type, data)]))["domain"], property) == value


def test_every_property_is_read_from_somewhere() -> None:
    assert {row[4] for row in ROWS} == set(PROFILE.properties)


def test_a_value_nobody_understands_is_shown_as_it_is() -> None:
    found = stored("local", ("DomainProfile", [("EnableFirewall", "DWord", 7), ("DisabledInterfaces", "DWord", 5)]))
    assert said(found["domain"]) == {"enabled": "EnableFirewall=7", "disabled_interface_aliases": "DisabledInterfaces=5 (DWord)"}


def test_every_profile_is_there_on_every_machine_but_not_in_every_policy() -> None:
    assert sorted(stored("local")) == ["domain", "private", "public"]
    assert stored("group_policy") == {}
    assert sorted(stored("group_policy", ("DomainProfile\\Logging", [("LogFileSize", "DWord", 1)]))) == ["domain"]


ON, OFF = [("EnableFirewall", "DWord", 1)], [("EnableFirewall", "DWord", 0)]


def test_group_policy_keeps_private_under_its_own_name() -> None:
    """There StandardProfile is Windows XP's, which counts where neither newer key is ([MS-GPFAS] 2.2.3)."""
    both = stored("group_policy", ("PrivateProfile", ON), ("StandardProfile", OFF))
    assert {n: said(p) for n, p in both.items()} == {"private": {"enabled": True}}
    old = stored("group_policy", ("StandardProfile", OFF), ("DomainProfile", ON))
    assert {n: said(p)["enabled"] for n, p in old.items()} == {"domain": True, "private": False, "public": False}
    mixed = stored("group_policy", ("StandardProfile", OFF), ("PublicProfile", ON))
    assert {n: said(p) for n, p in mixed.items()} == {"public": {"enabled": True}}


@pytest.mark.parametrize(("path", "name", "type", "data", "property"), [
    ("", "DefaultInboundAction", "DWord", 0, "default_inbound_action"),
    ("", "DefaultOutboundAction", "DWord", 1, "default_outbound_action"),
    ("", "AllowLocalPolicyMerge", "DWord", 0, "allow_local_firewall_rules"),
    ("", "AllowLocalIPsecPolicyMerge", "DWord", 0, "allow_local_ipsec_rules"),
    ("", "DisabledInterfaces", "String", GUID, "disabled_interface_aliases"),
    ("\\Logging", "LogIgnoredRules", "DWord", 1, "log_ignored")])
def test_what_must_not_be_in_the_profile_of_windows_xp(path: str, name: str, type: str, data: Any, property: str) -> None:
    """[MS-GPFAS] 2.2.3: of these StandardProfile has none; what Windows does with one that is there no document says."""
    found = stored("group_policy", ("StandardProfile" + path, [(name, type, data)]))
    assert {n: said(p) for n, p in found.items()} == {
        profile: {property: f"{name}={data} (StandardProfile)"} for profile in ("private", "public")}
    assert all(isinstance(p.values()[property], KeptPiece) for p in found.values())
    assert said(stored("group_policy", ("PrivateProfile" + path, [(name, type, data)]))["private"]) != {}
    local = stored("local", ("StandardProfile" + path, [(name, type, data)]))["private"]
    assert not isinstance(local.values()[property], KeptPiece)


def test_the_local_store_keeps_private_as_standard() -> None:
    assert said(stored("local", ("StandardProfile", ON), ("PrivateProfile", OFF))["private"]) == {"enabled": True}
    assert said(stored("local", ("PrivateProfile", OFF))["private"]) == {"enabled": False}


def test_only_what_is_mentioned_is_managed() -> None:
    host = LabHost()
    registry, key = host.machine.registry, POLICY + r"\DomainProfile"
    registry.set(key, "EnableFirewall", 0)
    registry.set(key, "DisableNotifications", 1)
    policy = task("firewall_profile", {"profiles": "domain", "enabled": True})
    assert host.plan(policy).changes[0].properties() == {"enabled": (False, True)}
    assert host.apply(policy).status == "changed"
    assert (registry.get(key, "EnableFirewall"), registry.get(key, "DisableNotifications")) == (1, 1)
    assert host.apply(policy).status == "in_sync"


def test_two_tasks_may_each_say_a_part() -> None:
    desired = declared(task("firewall_profile", {"profiles": "any", "enabled": True}),
                   task("firewall_profile", {"profiles": ["public", "domain"], "log_blocked": True}))
    assert {d.id.name: d.values for d in present(desired.values())} == {
        "domain": {"enabled": True, "log_blocked": True}, "private": {"enabled": True},
        "public": {"enabled": True, "log_blocked": True}}


def test_a_profile_cannot_be_absent() -> None:
    desired, problems = declare(task("firewall_profile", {"profiles": "domain", "state": "absent"}))
    assert not desired
    assert "part of Windows" in problems[0].summary


@pytest.mark.parametrize("profiles", [[], "", None])
def test_no_profile_is_not_every_profile(profiles: Any) -> None:
    """A variable that turned out empty must not reach all of them."""
    desired, problems = declare(task("firewall_profile", {"profiles": profiles, "enabled": False}))
    assert not desired
    assert "is empty" in problems[0].summary


def test_disabled_interfaces_are_bound_to_the_host() -> None:
    host = LabHost()
    assert host.apply(task("firewall_profile", {"profiles": "public", "disabled_interface_aliases": "ethernet*"})).error is None
    stored = str(host.machine.registry.get(POLICY + r"\PublicProfile", "DisabledInterfaces"))
    assert set(stored.split(",")) == {GUID, "{22222222-2222-3333-4444-555555555555}"}


@pytest.mark.parametrize("name", ["allow_local_firewall_rules", "allow_local_ipsec_rules", "allow_user_ports"])
def test_what_group_policy_alone_can_switch_off_is_a_warning(name: str) -> None:
    """[MS-FASP] 2.2.38: the host's own value is written, shown, and never asked for."""
    (warning,) = declare(task("firewall_profile", {"profiles": "public", name: False}))[1]
    assert (warning.severity, name in str(warning)) == ("warning", True)
    assert declare(task("firewall_profile", {"profiles": "public", name: True}))[1] == []
