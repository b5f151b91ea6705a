"""What an object does with traffic, in one neutral form: policy questions are asked of filters and know no kinds."""

from dataclasses import dataclass
from typing import Literal

Effect = Literal["allow", "block", "secure", "exempt"]


@dataclass(frozen=True, slots=True)
class Filter:
    """The traffic that an object concerns and what becomes of it. An empty tuple means any.

    effect: firewall rules allow or block; connection security rules secure, or exempt from that · requires: of what is
    secured, whether clear traffic is dropped · inbound: it is for connections from outside alone · profiles: those in which it
    applies · tunnel: secured between gateways.
    """

    effect: Effect
    requires: bool = False
    enabled: bool = True
    inbound: bool = False
    profiles: tuple[str, ...] = ()
    local_address: tuple[str, ...] = ()
    remote_address: tuple[str, ...] = ()
    tunnel: bool = False

    @property
    def closes(self) -> bool:
        """Whether traffic that passed without it may be stopped by it, or by it being disabled."""
        return self.effect == "block" or self.requires or not self.enabled

    @property
    def overrides(self) -> bool:
        """Whether it stands above others of its sort: a block above allows, an exemption above what requires."""
        return self.effect == "block" or (self.effect in ("secure", "exempt") and not self.requires)
