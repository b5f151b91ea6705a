"""What a policy makes of a flow, and what decided it."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

from ringfence.model.state import Id
from ringfence.policy.matcher import Match

FlowAction = Literal["allow", "block", "unknown"]
REASONS = {  # what decides: its row, and how it is told
    "firewall_off": "the firewall is off in the profile",
    "interface_disabled": "the firewall of the profile is off on the interface",
    "loopback": "it does not leave the host",
    "service_restricted": "Windows restricts the service",
    "ipsec_required": "clear traffic is dropped where IPsec is required",
    "shields_up": "every inbound allow rule is ignored in the profile, and the default action holds",
    "bypass": "a rule that overrides block rules allows it",
    "block_rule": "a rule blocks it",
    "allow_rule": "a rule allows it",
    "default_action": "no rule matches, and the default action of the profile holds",
    "undecided": "what decides it is not known",
}
OWN_PERMITS = ("Windows itself admits the key exchange of its own account (IKE/AuthIP exemptions), and no document says how that "
               "goes together with what blocks it here")
WHICH_INTERFACE = "which interface it uses: on some the firewall of the profile is off"
AT_ONE_END = "whether it is key exchange, which is never secured: it has a port of that at one end alone"


@dataclass(frozen=True, slots=True)
class Doubt:
    """What would have to be known. id: of the object that it is about; None for what is of the host or a profile."""

    text: str
    id: Id | None = None


@dataclass(frozen=True)
class FlowVerdict:
    """What becomes of a flow.

    action: unknown where it depends on something that nobody here knows, the `doubts` · reason: a row of REASONS · by: the
    objects that decide; none where no rule does · other_matches: objects that match too, without deciding · profile,
    interface: where it was judged; empty where it is not known · otherwise: of what is unknown because rules may match,
    what becomes of it where none of these does · setting: what of the host decides, with its store · looked_at: see `basis`.
    """

    action: FlowAction
    reason: str
    by: tuple[Id, ...] = ()
    other_matches: tuple[Id, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    profile: str = ""
    interface: str = ""
    setting: str = ""
    otherwise: FlowAction | Literal[""] = ""
    looked_at: tuple[object, ...] = ()

    @cached_property
    def basis(self) -> frozenset[object]:
        """All that was looked at: as long as that is the same, so is what happens."""
        return frozenset(self.looked_at)


@dataclass(frozen=True, slots=True)
class Matches:
    """The rules that match a flow, by what they do with it."""

    restricted: tuple[Match, ...] = ()  # of service hardening
    secured: tuple[Match, ...] = ()
    exempt: tuple[Match, ...] = ()
    bypass: tuple[Match, ...] = ()
    block: tuple[Match, ...] = ()
    allow: tuple[Match, ...] = ()

    def certain(self) -> "Matches":
        """Those of which there is no doubt."""
        return Matches(*(tuple(m for m in getattr(self, f.name) if not m.doubts) for f in fields(self)))

    def all(self) -> tuple[Match, ...]:
        """Each of them."""
        return (*self.restricted, *self.secured, *self.exempt, *self.bypass, *self.block, *self.allow)
