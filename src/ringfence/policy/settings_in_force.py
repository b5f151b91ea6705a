"""Which value of a setting is in force where several stores have one: the merge law of [MS-FASP] 3.1.3, 2.2.38 and 2.2.42.

    one store has a value    that one
    both                     Group Policy's, but for switches that are on wherever one store has them on (`wins`)
    none                     what Windows does by itself (`unset`)
    `policy_only`            the local store is never asked

No document says for the firewall how the values of device management (MDM) and of Group Policy go together ("Policy CSP -
ControlPolicyConflict" speaks of the Policy CSP alone): where MDM has another value, which one holds is not known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ringfence.model.resource import Kind, Property
from ringfence.model.state import GROUP_POLICY, LOCAL, MDM, Id, State
from ringfence.types.base import KeptPiece

FIREWALL_PROFILE, FIREWALL_SETTING = "firewall_profile", "firewall_setting"
_OTHER = {"block": "allow"}
_EACH = ("domain", "private", "public", "all")  # every host has these
STORE_TITLES = {LOCAL: "the host's own policy", GROUP_POLICY: "Group Policy", MDM: "device management (MDM)"}


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """value: what holds; None where Windows' own is not known · store: whose it is, empty for Windows' own · doubt: why another
    value may hold instead, empty where none can · least: the value with which least passes, None where that is not known."""

    value: Any
    store: str = ""
    doubt: str = ""
    least: Any = None

    @property
    def strict(self) -> Any:
        """The value that holds; of those that may hold, the one with which least passes."""
        return self.least if self.doubt or self.value is None else self.value

    @property
    def lenient(self) -> Any:
        """The same the other way round, of switches and actions."""
        return self.strict if not self.doubt else not self.least if isinstance(self.least, bool) else _OTHER[self.least]


@dataclass(frozen=True)
class SettingsInForce:
    """The settings of every store of a host. unread: {(store, kind): why} of what could not be seen · awaited: {(kind, name,
    property): why} of what the local store may yet get another value for."""

    state: State
    unread: Mapping[tuple[str, str], str]
    awaited: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    _known: dict[tuple[str, str], SettingInForce] = field(default_factory=dict, compare=False)
    _several: dict[tuple[str, ...], Mapping[str, SettingInForce]] = field(default_factory=dict, compare=False)

    @cached_property
    def _kinds(self) -> dict[str, Kind]:
        ids = (Id(store, kind, name) for store in STORE_TITLES for kind in (FIREWALL_PROFILE, FIREWALL_SETTING) for name in _EACH)
        return {r.kind.name: r.kind for id in ids if (r := self.state.get(id)) is not None}

    def profile(self, profile: str, property: str) -> SettingInForce:
        """The value of a property of a profile that is in force."""
        return self._of(FIREWALL_PROFILE, profile, property)

    def of_profile(self, profile: str, properties: tuple[str, ...]) -> Mapping[str, SettingInForce]:
        """The values of some properties of a profile that are in force."""
        key = (profile, *properties)
        if (known := self._several.get(key)) is None:
            known = self._several[key] = {name: self.profile(profile, name) for name in properties}
        return known

    def merged_by(self, property: str) -> str:
        """What does not count of the local store where a switch of profiles is off, in words."""
        there = self._kinds.get(FIREWALL_PROFILE)
        return there.properties[property].merges if there else "rules"

    def host(self, property: str) -> SettingInForce:
        """The value of a property that the host has once (firewall_setting)."""
        return self._of(FIREWALL_SETTING, "all", property)

    def _of(self, kind: str, name: str, property: str) -> SettingInForce:
        key = (name, property)
        if (known := self._known.get(key)) is None:
            there = self._kinds.get(kind)  # where none is known they could not be read
            doubt = self.unread_stores(kind) or self.awaited.get((kind, name, property)) or f"no {kind} is known"
            known = SettingInForce(None, doubt=doubt) if there is None else (
                self.setting(kind, name, there.properties[property]))
            self._known[key] = known
        return known

    def setting(self, kind: str, name: str, p: Property) -> SettingInForce:
        """The value of one property of a setting that is in force."""
        found = {store: value for store in STORE_TITLES if (r := self.state.get(Id(store, kind, name))) is not None
                 and (value := getattr(r, p.name)) != p.absent}
        if p.wins is not None and (store := next((s for s, value in found.items() if value == p.wins), None)):
            return SettingInForce(p.wins, store, least=p.least)
        if GROUP_POLICY in found:
            value, store = found[GROUP_POLICY], GROUP_POLICY
        elif LOCAL in found and not p.policy_only:
            value, store = found[LOCAL], LOCAL
        else:
            value, store = p.unset, ""
        if MDM in found and found[MDM] != value:
            doubt = f"{STORE_TITLES[MDM]} has another value, and no document says which holds"
            return SettingInForce(value, store, doubt, p.least)
        asked = [s for s in STORE_TITLES if s != LOCAL or not (p.policy_only or (store == GROUP_POLICY and p.wins is None))]
        others = found.values() if p.wins is not None else ()
        strange = next((str(v) for v in (value, *others) if isinstance(v, KeptPiece)), "")
        awaited = self.awaited.get((kind, name, p.name), "") if LOCAL in asked else ""
        doubt = f"nobody here knows what {strange} means" if strange else self.unread_stores(kind, asked) or awaited
        return SettingInForce(value, store, doubt, p.least)

    def unread_stores(self, kind: str, stores: Iterable[str] = STORE_TITLES) -> str:
        """Those of `stores` whose settings of a kind could not be read, and why; nothing where all could be."""
        if not self.unread:
            return ""
        holes = ((s, why) for s in stores if (why := self.unread.get((s, kind))))
        return "; ".join(f"{STORE_TITLES[s]} could not be read: {why}" for s, why in holes)
