"""Which store's value of a setting holds, and what is in doubt where a store could not be read."""

import pytest
from core import KINDS

from ringfence.model.state import GROUP_POLICY, LOCAL, MDM, Id, State
from ringfence.policy.settings_in_force import SettingsInForce

PROFILE = KINDS["firewall_profile"]


@pytest.mark.parametrize(("stores", "property", "unread", "holds"), [
    ({LOCAL: False}, "enabled", "", (False, LOCAL, "")),
    ({LOCAL: False}, "enabled", GROUP_POLICY, (False, LOCAL, "Group Policy could not be read: no")),
    ({LOCAL: False, GROUP_POLICY: True}, "enabled", LOCAL, (True, GROUP_POLICY, "")),  # it holds, whatever is local
    ({LOCAL: False, GROUP_POLICY: True}, "enabled", MDM, (True, GROUP_POLICY, "device management (MDM) could not be read: no")),
    ({LOCAL: False}, "allow_local_firewall_rules", LOCAL, (True, "", "")),  # policies alone can say it
    ({LOCAL: False}, "allow_local_firewall_rules", GROUP_POLICY, (True, "", "Group Policy could not be read: no")),
])
def test_what_could_not_be_read_counts_where_it_might_hold(stores: dict[str, bool], property: str, unread: str,
                                                           holds: tuple[bool, str, str]) -> None:
    state = State({Id(store, PROFILE.name, "domain"): PROFILE.create("domain", {property: on}) for store, on in stores.items()})
    found = SettingsInForce(state, {(unread, PROFILE.name): "no"} if unread else {}).profile("domain", property)
    assert (found.value, found.store, found.doubt) == holds
