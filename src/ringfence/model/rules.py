"""What rules of several kinds have in common: names, addresses, ports, profiles, interfaces; each as word and codec.

Tokens and keywords are those of [MS-GPFAS] 2.2.2, spellings of values those of the NetSecurity cmdlets.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ringfence.codecs.tokens import Platform, TokenSet, TruthTable
from ringfence.diagnostics import Finding
from ringfence.model.phrase import Phrase
from ringfence.model.resource import Resource, prop
from ringfence.types import sddl
from ringfence.types.addresses import address_interval, has_host_mask, interval_text
from ringfence.types.base import KeptPiece, PropertyType, as_text, case_insensitive, list_of, quoted
from ringfence.types.enums import TRUE_FALSE, flags_of, with_hints
from ringfence.types.foreign_words import VALUES
from ringfence.types.network import address, platforms, port, port_interval, subnet
from ringfence.types.network_sets import address_set, port_set
from ringfence.types.text import PATH_TEXT, guid, text


def both(four: str, six: str, **words: str) -> dict[str, str]:
    """A keyword for both families, and for one: how Windows writes LocalSubnet, LocalSubnet4, LocalSubnet6."""
    return {k + n: f for k, w in words.items()
            for n, f in (("", f"{four}={w}|{six}={w}"), ("4", f"{four}={w}"), ("6", f"{six}={w}"))}


def masked(value: str) -> str:
    """An address as Windows stores it: IPv4 subnets with a dotted mask (real data; [MS-GPFAS] 4.2)."""
    return ipaddress.IPv4Network(value).with_netmask if "/" in value and ":" not in value else value


def addresses(four: str, six: str, later: tuple[str, str] | None = None, *, keywords: bool = True) -> TokenSet:
    """The codec of a list of addresses under tokens such as RA4 and RA6, its newer keywords under RA42 and RA62."""
    known: dict[str, str] = {}
    if keywords:
        known |= both(four, six, LocalSubnet="LocalSubnet", DNS="DNS", DHCP="DHCP", WINS="WINS",
                      DefaultGateway="DefaultGateway")
    if later:
        known |= both(*later, Intranet="IntrAnet", Internet="IntErnet", PlayToDevice="Ply2Renders",
                      IntranetRemoteAccess="RmtIntrAnet", CaptivePortal="CaptivePortal")
    tokens = "|".join((four, six, *(later or ())))
    of_family = (four.lower(), six.lower())

    def stored(token: str, data: str) -> bool:
        """Whether an address is of the token's family, and no subnet by a host mask ([MS-GPFAS] 2.2.2.9 to 2.2.2.12)."""
        return token.lower() == of_family[":" in data] and not has_host_mask(data)

    return TokenSet(tokens, address, lambda v: six if ":" in v else four, known, masked, canonical=address_set,
                    member=address_interval, stored=stored)


def _of_families(word: PropertyType) -> PropertyType:
    """Keywords of one family beside those of both: LocalSubnet4 and LocalSubnet6 are LocalSubnet."""

    def parse(value: Any) -> tuple[str, ...]:
        found = set(word.parse(value))
        for keyword in {v[:-1] for v in found if v[0].isupper() and v[-1] in "46"}:
            if keyword in found or {keyword + "4", keyword + "6"} <= found:
                found = found - {keyword + "4", keyword + "6"} | {keyword}
        return address_set(found)

    return replace(word, parse=parse)


def ports(token: str, *others: str, keywords: dict[str, str] | None = None, also: dict[str, str] | None = None,
          canonical: Callable[[Iterable[Any]], tuple[str, ...]] = port_set) -> TokenSet:
    """The codec of a list of ports: single ones under `token`, ranges and newer keywords under `token`2_10 …"""
    ranges = f"{token}2_10"
    return TokenSet("|".join((token, ranges, *others)), port, lambda v: ranges if "-" in v else token, keywords, read_only=also,
                    canonical=canonical, member=port_interval, commas=True)


def protocol_words(protocol: str) -> str:
    """How a protocol stands in the line that tells what a rule does."""
    return "{} protocol" if protocol == "any" else "protocol {}" if protocol.isdecimal() else "{}"


ENDPOINT1 = addresses("EP1_4", "EP1_6")
ENDPOINT2 = addresses("EP2_4", "EP2_6")


def check_addresses(name: str, values: Sequence[str]) -> Iterable[Finding]:
    """No end of a secured connection is a multicast, broadcast, loopback or unspecified address ([MS-FASP] 2.2.21).

    A range or subnet is refused where all of it is such: "everything but 10.0.0.0/8" begins at 0.0.0.0.
    """
    for value in values:
        if value[0].isdigit() or ":" in value:
            first, _, last = value.partition("-")
            if all(map(_not_unicast, (first, last or first))) and (not last or first not in ("0.0.0.0", "::")):
                code = "0x0010004A" if ":" in value else "0x0010004C"
                yield Finding(
                    name,
                    f"{value}: unspecified, multicast, broadcast and loopback addresses cannot be secured [{code}]",
                    "name unicast addresses",
                )


def check_lengths(rule: Resource) -> Iterable[Finding]:
    """How long lists may be: 1,000 subnets, as many ranges, of each family, 1,000 ports ([MS-FASP] 2.2.5 to 2.2.13)."""
    for name, members in rule.values().items():
        if members.__class__ is not tuple or len(members) <= MAX_MEMBERS:
            continue
        if not isinstance((p := rule.kind.properties[name]).codec, TokenSet):
            continue
        lists = Counter((":" in m, "-" in m and p.filter_object == "address") for m in members)
        if (most := max(lists.values())) > MAX_MEMBERS:
            yield Finding(p.name, f"{most} members are more than Windows keeps in one list of a rule, {MAX_MEMBERS} "
                          "[MS-FASP 2.2.5]", "put them into several rules, or say them as larger subnets and ranges")


def check_reach(rule: Resource) -> Iterable[Finding]:
    """Conditions that nothing meets, on whichever host: Windows takes them."""
    families = _FAMILY_OF.get(getattr(rule, "protocol", ""), _BOTH_FAMILIES)
    for name in ("local_address", "remote_address"):
        listed = () if name in rule.unheeded else getattr(rule, name)
        if mapped := [a for a in listed if not isinstance(a, KeptPiece) and _is_mapped(a)]:
            as_ipv4 = interval_text(*(n & 0xFFFF_FFFF for n in address_interval(mapped[0])[:2]))
            yield Finding(name, f"{mapped[0]} matches nothing: it is IPv4 in the form of IPv6, which programs see and no packet "
                          "has (RFC 4291, 2.5.5.2)", f"say {as_ipv4}", "warning")
        if families and not (families := families & _families(listed)):
            yield Finding(name, "matches nothing: protocol, local_address and remote_address have neither IPv4 nor IPv6 in "
                          "common", "name addresses of one family, which the protocol is of too", "warning")
    for name in ("local_user", "remote_user", "remote_machine", "user", "machine"):
        if (listed := getattr(rule, name, None)) and sddl.admits_nobody(listed):
            yield Finding(name, f"matches nothing: {name} admits nobody, and who is not listed is denied ([MS-DTYP] 2.5.3.2)",
                          "allow somebody, before everybody is denied", "warning")


def _families(listed: Sequence[str]) -> frozenset[str]:
    """The families of some addresses; what is a keyword, or not understood, is of both where it does not say."""
    if not listed or any(isinstance(a, KeptPiece) for a in listed):
        return _BOTH_FAMILIES
    found = ("6" if ":" in a else "4" if "." in a else a[-1] if a[-1] in _BOTH_FAMILIES else "" for a in listed)
    families = frozenset(found)
    return _BOTH_FAMILIES if "" in families else families


def _is_mapped(text: str) -> bool:
    if ":" not in text:
        return False
    first, last, _ = address_interval(text)
    return first >= _MAPPED[0] and last <= _MAPPED[1]


def _not_unicast(text: str) -> bool:
    """Whether an address is such, or the first one of a subnet."""
    net = ipaddress.ip_network(text)
    first = net.network_address
    if first.is_multicast or first.is_loopback or str(first) == "255.255.255.255":
        return True
    return first.is_unspecified and net.prefixlen == net.max_prefixlen


_BOTH_FAMILIES = frozenset("46")
_FAMILY_OF = {"icmpv4": frozenset("4"), "icmpv6": frozenset("6")}
_MAPPED = address_interval("::ffff:0:0/96")
MAX_MEMBERS = 1000  # members of one list of a rule, as Windows keeps no more


def reject(value: str) -> str:
    raise ValueError(value)


_ADDRESSES = "addresses, ranges a-b, subnets a/length"
LOCAL_ADDRESS = list_of(subnet, name=_ADDRESSES, sample=["10.1.4.10"], canonical=address_set)
_SOME_ADDRESSES = ("10.1.4.0/28", "LocalSubnet")
REMOTE_ADDRESS = _of_families(list_of(subnet, *addresses("", "", ("", "")).keywords, name=_ADDRESSES, sample=_SOME_ADDRESSES,
                                      canonical=address_set))
ENDPOINT_ADDRESS = _of_families(list_of(subnet, *addresses("", "").keywords, name=_ADDRESSES, sample=_SOME_ADDRESSES,
                                        canonical=address_set))
"""The far end of what IPsec secures: without the newer keywords."""
PROFILES = TokenSet("Profile", reject, str, {p: f"Profile={p.title()}" for p in ("domain", "private", "public")})
PROFILE = with_hints(flags_of("Domain", "Private", "Public", whole=True), VALUES["profile"])
INTERFACE = TokenSet("IF", guid, lambda v: "IF")
INTERFACE_TYPES = TokenSet("IFType", reject, str, {"wired": "IFType=Lan", "wireless": "IFType=Wireless",
                                                       "remote_access": "IFType=RemoteAccess"})
INTERFACE_TYPE = with_hints(flags_of("Wired", "Wireless", "RemoteAccess"), VALUES["interface_type"])
PLATFORM = Platform()
PLATFORMS = platforms()
PATH = case_insensitive(PATH_TEXT)
TEXT = text(9999, lines=True)


_NOT_IN_NAMES = re.compile(r"[|*?\[\]`\0-\x1f]")


def _name(value: Any) -> str:
    name = as_text(value)
    if not 1 <= len(name) <= 511:
        raise ValueError(f"a name has 1 to 511 characters, not {len(name)}")
    if bad := sorted(set(_NOT_IN_NAMES.findall(name))):
        pattern = "; cmdlets take it for a pattern, so a rule that has it gets another name first (Rename-NetFirewallRule)"
        raise ValueError(f"{quoted(name)}: {quoted(bad[0])} is not allowed in a name{pattern * (bad[0] in '*?[]`')}")
    return name


NAME = PropertyType("name", _name, {"type": ["string", "integer"], "minLength": 1, "maxLength": 511},
                    sample="corp-rdp")
"""The name of an object that ringfence owns ([MS-FASP] 2.2.37); wildcards (a backtick escapes one) would mean other
objects too."""


def _display_name(value: Any) -> Any:
    found = TEXT.parse(value)
    if found and found.casefold() == "all":
        raise ValueError("Windows allows no rule with the display name All")
    return found


DISPLAY_NAME = PropertyType("text", _display_name, TEXT.schema, lambda v: v or "", sample="Asked for by the help desk")


class Rule(Resource):
    """What every kind of rule has: how it is shown, whether and where it takes effect."""

    display_name: str | None = prop("The name that people see; the same as `name` where omitted. Windows' own rules "
                                    "have `@dll,-id`, a text of a file in each language.", DISPLAY_NAME, "Name",
                                    set_parameter="NewDisplayName", role="text", example="Owned by the network team")
    description: str | None = prop("What the rule is for.", TEXT, "Desc", role="text")
    group: str | None = prop("The group that the rule is shown in: a text, or `@dll,-id` as Windows' own rules have it.",
                             TEXT, "EmbedCtxt", role="text")
    enabled: bool = prop("Whether the rule takes effect.", TRUE_FALSE, TruthTable({True: "Active=TRUE", False: "Active=FALSE"}),
                         default=True, absent=False, role="decision",
                         phrase=Phrase(lambda rule: "" if rule.enabled else "DISABLED", place=-1))
    profile: tuple[str, ...] = prop("The profiles in which the rule applies.", PROFILE, PROFILES, default=(),
                                    example=["domain"],
                                    phrase=Phrase(lambda rule: ", profile {}" if rule.profile else ", {} profile", place=8))
    platform: tuple[str, ...] = prop("Windows versions that the rule is for: `6.1` that one, `10.0+` that and later.",
                                     PLATFORMS, PLATFORM, default=())

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles in which the rule applies, each by its name; where one is not understood, all in which it may."""
        known = self.profile and not any(isinstance(p, KeptPiece) for p in self.profile)
        return self.profile if known else ("domain", "private", "public")

    idle_platform: ClassVar[tuple[str, ...]] = ()  # the platform that means nothing

    def normalise(self, values: dict[str, Any]) -> None:
        if values["platform"] == self.idle_platform:
            values["platform"] = ()
        if values["profile"] == ("domain", "private", "public"):  # all three mean what none means: any
            values["profile"] = ()
        if values["display_name"] is None:
            values["display_name"] = values["name"]
