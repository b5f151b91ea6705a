"""Which store's value of a setting holds, and what is in doubt where a store could not be read."""

from typing import Any

import pytest
from core import KINDS

from ringfence.model.state import GROUP_POLICY, LOCAL, MDM, Id, State
from ringfence.policy.settings_in_force import SettingsInForce
from ringfence.types.base import KeptPiece

PROFILE = KINDS["firewall_profile"]
MDM_SAYS = "device management (MDM) has another value, and no document says which holds"
STRANGE = KeptPiece("Action=7")


def state_of(property: str, stores: dict[str, Any]) -> State:
    return State({Id(store, PROFILE.name, "domain"): PROFILE.create("domain", {property: on}) for store, on in stores.items()})


@pytest.mark.parametrize(("stores", "property", "unread", "holds"), [
    ({LOCAL: False}, "enabled", "", (False, LOCAL, "")),
    ({LOCAL: "not_configured"}, "enabled", "", (True, "", "")),
    ({LOCAL: True, GROUP_POLICY: False}, "enabled", "", (False, GROUP_POLICY, "")),
    ({LOCAL: False}, "enabled", GROUP_POLICY, (False, LOCAL, "Group Policy could not be read: no")),
    ({LOCAL: False, GROUP_POLICY: True}, "enabled", LOCAL, (True, GROUP_POLICY, "")),  # it holds, whatever is local
    ({LOCAL: False, GROUP_POLICY: True}, "enabled", MDM, (True, GROUP_POLICY, "device management (MDM) could not be read: no")),
    ({LOCAL: False}, "allow_local_firewall_rules", LOCAL, (True, "", "")),  # policies alone can say it
    ({LOCAL: False}, "allow_local_firewall_rules", GROUP_POLICY, (True, "", "Group Policy could not be read: no")),
    ({LOCAL: False, MDM: False}, "enabled", "", (False, LOCAL, "")),
    ({LOCAL: True, MDM: False}, "enabled", "", (True, LOCAL, MDM_SAYS)),
    ({MDM: False}, "enabled", "", (True, "", MDM_SAYS)),
    ({MDM: True}, "enabled", "", (True, "", "")),
    ({LOCAL: False, GROUP_POLICY: True}, "allow_inbound_rules", "", (False, LOCAL, "")),  # shields that are up anywhere are up
    ({LOCAL: True, MDM: False}, "allow_inbound_rules", "", (False, MDM, "")),
    ({LOCAL: False}, "allow_inbound_rules", GROUP_POLICY, (False, LOCAL, "")),
    ({GROUP_POLICY: True}, "allow_inbound_rules", "", (True, GROUP_POLICY, "")),
    ({GROUP_POLICY: True}, "allow_inbound_rules", LOCAL, (True, GROUP_POLICY, "the host's own policy could not be read: no")),
    ({LOCAL: STRANGE}, "default_inbound_action", "", (STRANGE, LOCAL, "nobody here knows what Action=7 means")),
    ({LOCAL: STRANGE, GROUP_POLICY: "block"}, "default_inbound_action", "", ("block", GROUP_POLICY, "")),
    ({LOCAL: STRANGE, GROUP_POLICY: True}, "allow_inbound_rules", "",
     (True, GROUP_POLICY, "nobody here knows what Action=7 means")),
    ({LOCAL: STRANGE}, "allow_local_firewall_rules", "", (True, "", ""))])
def test_what_could_not_be_read_counts_where_it_might_hold(stores: dict[str, Any], property: str, unread: str,
                                                           holds: tuple[object, str, str]) -> None:
    holes = {(unread, PROFILE.name): "no"} if unread else {}
    found = SettingsInForce(state_of(property, stores), holes).profile("domain", property)
    assert (found.value, found.store, found.doubt) == holds


@pytest.mark.parametrize(("property", "local", "mdm", "strict", "lenient"), [
    ("enabled", False, True, True, False), ("enabled", True, True, True, True), ("enabled", False, False, False, False),
    ("default_inbound_action", "allow", "block", "block", "allow"),
    ("default_inbound_action", "block", "allow", "block", "allow"),
    ("default_outbound_action", "allow", "allow", "allow", "allow"),
    ("default_outbound_action", "block", "block", "block", "block")])
def test_what_lets_least_pass_and_what_lets_most(property: str, local: Any, mdm: Any, strict: Any, lenient: Any) -> None:
    found = SettingsInForce(state_of(property, {LOCAL: local, MDM: mdm}), {}).profile("domain", property)
    assert (found.strict, found.lenient) == (strict, lenient)


def test_where_no_store_has_it_nothing_is_known() -> None:
    script = {(PROFILE.name, "domain", "enabled"): "a script"}
    two = {(LOCAL, PROFILE.name): "no", (MDM, PROFILE.name): "nor that", (LOCAL, "x"): "else"}
    of_two = "the host's own policy could not be read: no; device management (MDM) could not be read: nor that"
    for unread, awaited, doubt in (({}, {}, "no firewall_profile is known"), ({}, script, "a script"), (two, script, of_two)):
        found = SettingsInForce(State({}), unread, awaited).profile("domain", "enabled")
        assert (found.value, found.store, found.doubt, found.strict) == (None, "", doubt, None)
    assert SettingsInForce(State({}), {}).merged_by("allow_local_ipsec_rules") == "rules"


@pytest.mark.parametrize(("stores", "property", "doubt"), [
    ({LOCAL: False}, "enabled", "a script"), ({GROUP_POLICY: False}, "enabled", ""),
    ({LOCAL: True}, "allow_local_firewall_rules", ""),
    ({GROUP_POLICY: True}, "allow_inbound_rules", "a script"), ({LOCAL: True}, "log_blocked", "")])
def test_what_the_local_store_may_yet_get(stores: dict[str, Any], property: str, doubt: str) -> None:
    """It counts where the local store is asked, of the profile and the property that are named."""
    names = ("enabled", "allow_local_firewall_rules", "allow_inbound_rules")
    awaited = {(PROFILE.name, "domain", name): "a script" for name in names}
    settings = SettingsInForce(state_of(property, stores), {}, {**awaited, (PROFILE.name, "public", "log_blocked"): "another"})
    assert settings.profile("domain", property).doubt == doubt


def test_what_does_not_count_where_a_switch_is_off() -> None:
    settings = SettingsInForce(state_of("enabled", {GROUP_POLICY: True}), {})
    assert settings.merged_by("allow_local_ipsec_rules") != settings.merged_by("allow_local_firewall_rules") != ""


def test_each_profile_has_its_own() -> None:
    settings = SettingsInForce(State({Id(LOCAL, PROFILE.name, name): PROFILE.create(name, {"enabled": name == "public"})
                                      for name in ("domain", "public")}), {})
    asked = settings.of_profile("domain", ("enabled", "default_inbound_action"))
    assert {name: s.value for name, s in asked.items()} == {"enabled": False, "default_inbound_action": "block"}
    assert settings.of_profile("public", ("enabled",))["enabled"].value is True
