"""Which value of a setting is in force where several stores have one: the merge law of [MS-FASP] 3.1.3, 2.2.38 and 2.2.42.

    one store has a value    that one
    both                     Group Policy's, but for switches that are on wherever one store has them on (`wins`)
    none                     what Windows does by itself (`unset`)
    `policy_only`            the local store is never asked

No document says for the firewall how the values of device management (MDM) and of Group Policy go together ("Policy CSP -
ControlPolicyConflict" speaks of the Policy CSP alone): where MDM has another value, which one holds is not known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.model.resource import Property
from ringfence.model.state import GROUP_POLICY, LOCAL, MDM, Id, State

STORE_TITLES = {LOCAL: "the host's own policy", GROUP_POLICY: "Group Policy", MDM: "device management (MDM)"}


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """value: what holds; None where Windows' own is not known · store: whose it is, empty for Windows' own · doubt: why another
    value may hold instead, empty where none can."""

    value: Any
    store: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class SettingsInForce:
    """The settings of every store of a host. unread: {(store, kind): why} of what could not be seen."""

    state: State
    unread: Mapping[tuple[str, str], str]

    def setting(self, kind: str, name: str, p: Property) -> SettingInForce:
        """The value of one property of a setting that is in force."""
        found = {store: value for store in STORE_TITLES if (r := self.state.get(Id(store, kind, name))) is not None
                 and (value := getattr(r, p.name)) != p.absent}
        if p.wins is not None and (store := next((s for s, value in found.items() if value == p.wins), None)):
            return SettingInForce(p.wins, store)
        if GROUP_POLICY in found:
            value, store = found[GROUP_POLICY], GROUP_POLICY
        elif LOCAL in found and not p.policy_only:
            value, store = found[LOCAL], LOCAL
        else:
            value, store = p.unset, ""
        if MDM in found and found[MDM] != value:
            return SettingInForce(value, store, f"{STORE_TITLES[MDM]} has another value, and no document says which holds")
        asked = [s for s in STORE_TITLES if s != LOCAL or not (p.policy_only or store == GROUP_POLICY)]
        return SettingInForce(value, store, self.unread_stores(kind, asked))

    def unread_stores(self, kind: str, stores: Iterable[str] = STORE_TITLES) -> str:
        """Those of `stores` whose settings of a kind could not be read, and why; nothing where all could be."""
        holes = ((s, why) for s in stores if (why := self.unread.get((s, kind))))
        return "; ".join(f"{STORE_TITLES[s]} could not be read: {why}" for s, why in holes)
