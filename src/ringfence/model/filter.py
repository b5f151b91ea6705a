"""What an object does with traffic, in one neutral form: policy questions are asked of filters and know no kinds."""

import re
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, Protocol

from ringfence.types.base import KeptPiece

Effect = Literal["allow", "block", "secure", "exempt"]
Direction = Literal["inbound", "outbound"]
DYNAMIC_KEYWORD = "radynkey="  # RADynKey={…}: the token of a dynamic keyword address, in lower case


_SKIP = re.compile(r"skipver=([0-9]{1,3})\.([0-9]{1,3})", re.I)
_KNOWN_TO_ALL = (2, 20)  # the policy version of the first Windows that has the cmdlets, and so of every host at least


def is_condition(token: str) -> bool:
    """Whether an unknown token may keep a connection from being matched. What it says of others is defined: `PCross` is about
    answers to what went out ([MS-FASP] 2.2.35), `SkipVer` about versions of Windows that leave the rule out ([MS-GPFAS]
    2.2.2.19)."""
    skipped = _SKIP.fullmatch(token)
    return not (token.lower() in ("pcross=true", "pcross=false") or (
        skipped and (int(skipped[1]), int(skipped[2])) < _KNOWN_TO_ALL))


class _HasValues(Protocol):
    kind: ClassVar[Any]
    unknown_tokens: tuple[str, ...]

    @property
    def source(self) -> Any: ...

    @property
    def unheeded(self) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class Filter:
    """The traffic that an object concerns and what becomes of it. An empty tuple, and None, mean any.

    effect: firewall rules allow or block; connection security rules secure, or exempt from that · requires_inbound,
    requires_outbound: of what is secured, whether clear traffic that way is dropped · tunnel: secured between gateways ·
    lists_profiles: LocalSubnet is among its addresses and each profile is listed: no document says whether that is as any ·
    merged_by: the properties of profiles by which local ones of its sort do not count where one is off; empty: they always do.
    The others have the names, the meanings and the canonical values of a firewall rule's properties; direction: empty for both.
    unknown_tokens: conditions that nobody here understands; pieces of that sort may also stand in the lists (KeptPiece): among
    remote addresses a dynamic keyword, whose addresses are beside those of the list ([MS-FASP] 2.2.37). Of a value that is not
    understood, such as `Protocol=weird`, the filter has the widest, and the piece among the unknown tokens: whether it matches is
    not known then. invalid: why Windows refuses such an object where somebody sets it, and what it does with one that is stored
    nobody says. other_effects: what an object may do as well, where nobody understands what it does.
    """

    effect: Effect
    requires_inbound: bool = False
    requires_outbound: bool = False
    tunnel: bool = False
    merged_by: tuple[str, ...] = ()
    enabled: bool = True
    direction: Direction | Literal[""] = ""
    profile: tuple[str, ...] = ()
    lists_profiles: bool = False
    protocol: str = "any"
    local_port: tuple[str, ...] = ()
    remote_port: tuple[str, ...] = ()
    icmp_type: tuple[str, ...] = ()
    local_address: tuple[str, ...] = ()
    remote_address: tuple[str, ...] = ()
    program: str | None = None
    service: str | None = None
    package: str | None = None
    package_family_name: str | None = None
    interface_alias: tuple[str, ...] = ()
    interface_type: tuple[str, ...] = ()
    local_user: str | None = None
    owner: str | None = None
    remote_user: str | None = None
    remote_machine: str | None = None
    authentication: str = "not_required"
    encryption: str = "not_required"
    override_block_rules: bool = False
    edge_traversal_policy: str = "block"
    dynamic_target: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    unknown_tokens: tuple[str, ...] = ()
    invalid: str = ""
    other_effects: tuple[Effect, ...] = ()

    @classmethod
    def of(cls, resource: _HasValues, effect: Effect, **others: Any) -> "Filter":
        """The filter that a resource is, with the values of its properties of these names."""
        held = resource.__dict__
        values = {n: held[n] for n in _names_of(type(resource))}
        tokens = tuple(filter(is_condition, resource.unknown_tokens)) if resource.unknown_tokens else ()
        if doubtful := [n for n, value in values.items() if value is None and _WIDEST[n] is not None]:
            tokens = tokens or tuple(doubtful)  # its pieces are there, unless it was never read from a string
            values |= {n: _WIDEST[n] for n in doubtful}
        for name in _ONE_OF:
            if strange := [member for member in values.get(name, ()) if isinstance(member, KeptPiece)]:
                values[name], tokens = (), (*tokens, *strange)
        by = (*filter(None, (resource.kind.merged_by,)), *others.pop("merged_by", ()))
        of_profile = any(a.startswith("LocalSubnet") for a in values.get("remote_address", ()))  # nothing else differs by it
        source = resource.source if of_profile and not values.get("profile") else None
        listed = source is not None and "|profile=" in str(source.stored).lower()
        made = cls(effect, lists_profiles=listed, merged_by=by, **values, unknown_tokens=tokens, **others)
        made = made._with_keywords() if tokens else made
        return replace(made, **{name: _WIDEST[name] for name in unheeded}) if (unheeded := resource.unheeded) else made

    def _with_keywords(self) -> "Filter":
        keywords = tuple(KeptPiece(t) for t in self.unknown_tokens if t.lower().startswith(DYNAMIC_KEYWORD))
        left = tuple(t for t in self.unknown_tokens if not t.lower().startswith(DYNAMIC_KEYWORD))
        return replace(self, remote_address=(*self.remote_address, *keywords), unknown_tokens=left) if keywords else self

    @property
    def inbound(self) -> bool:
        """Whether it is for connections from outside alone."""
        return self.direction == "inbound"

    @property
    def requires(self) -> bool:
        """Of what is secured, whether clear traffic is dropped one way or the other."""
        return self.requires_inbound or self.requires_outbound

    @property
    def closes(self) -> bool:
        """Whether traffic that passed without it may be stopped by it, or by it being disabled."""
        return self.may("block") or self.requires or not self.enabled

    def may(self, *effects: Effect) -> bool:
        """Whether one of these is what it does, as far as that is known."""
        return self.effect in effects or not set(effects).isdisjoint(self.other_effects)

    @property
    def readings(self) -> "tuple[Filter, ...]":
        """The filter once for each thing that it may do."""
        return (self, *(replace(self, effect=effect, other_effects=()) for effect in self.other_effects))

    @property
    def overrides(self) -> bool:
        """Whether it stands above others of its sort: a block above allows, an exemption above what requires."""
        return self.effect == "block" or (self.effect in ("secure", "exempt") and not self.requires)


_MADE = ("effect", "lists_profiles", "merged_by", "unknown_tokens", "invalid", "other_effects")  # no properties of that name
_NAMES = tuple(f.name for f in fields(Filter) if f.name not in _MADE)
_WIDEST: dict[str, Any] = {f.name: f.default for f in fields(Filter)}  # what holds for all there is, and for both directions
_ONE_OF = ("profile", "interface_type", "interface_alias")  # lists of which a flow has one member, which may be an unknown one


@lru_cache(64)
def _names_of(cls: type[_HasValues]) -> tuple[str, ...]:
    """The properties of a kind that a filter has too."""
    return tuple(name for name in _NAMES if name in cls.kind.properties)
