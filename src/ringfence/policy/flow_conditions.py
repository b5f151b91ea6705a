"""The conditions of a filter, each compiled from its value once: whether it holds for a flow, does not, or why nobody knows.

A condition is never taken for met because it is not understood: what is unknown stays so, up to the verdict.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ringfence.model.facts import Facts
from ringfence.model.filter import DYNAMIC_KEYWORD, Filter
from ringfence.policy.accounts import is_member
from ringfence.policy.flow import SYSTEM, TCP, UDP, Flow
from ringfence.policy.place import Place, own_addresses, within
from ringfence.types.base import KeptPiece
from ringfence.types.network import PROTOCOLS
from ringfence.types.network_sets import interval, merged
from ringfence.types.packages import package_sid

Outcome = bool | str
"""True, False, or in words what is not known."""
Condition = Callable[[Flow, Place], Outcome]


def protocol_number(protocol: str) -> int | None:
    """The number of a protocol as filters have it; None for any."""
    return None if protocol == "any" else int(PROTOCOLS.get(protocol, protocol))


def _protocol(value: str) -> Condition:
    number = protocol_number(value)
    return lambda flow, place: flow.protocol == number  # a filter for any has no such condition


# -- ports and ICMP types

# what is known of the ports behind keywords: RPC's end point mapper is at 135, as the filters of real machines say; IP-HTTPS is
# HTTPS. The others are those that programs say they use ([MS-FASP] 2.2.14): RPC's are never well-known ones
_FIXED_PORTS = {"RPCEPMap": (TCP, 135), "IPHTTPSIn": (TCP, 443), "IPHTTPSOut": (TCP, 443)}
_WELL_KNOWN = 1024
_DYNAMIC = (49152, 65535)  # unless somebody has set others ("Service overview and network port requirements for Windows")
_PROTOCOL_OF = {"RPC": TCP, "Teredo": UDP, "PlayToDiscovery": UDP, "mDNS": UDP}


def _ports(name: str, own: bool) -> Callable[[Collection[str]], Condition]:
    def compiled(value: Collection[str]) -> Condition:
        words = [w for w in value if isinstance(w, KeptPiece) or not w[0].isdecimal()]
        ranges = merged((int(a), int(b or a), "") for a, _, b in (p.partition("-") for p in value if p not in words))
        starts = [r[0] for r in ranges]

        def condition(flow: Flow, place: Place) -> Outcome:
            port = flow.local_port if own else flow.remote_port
            if port is None:
                among = _among_dynamic(ranges) if own and flow.dynamic and not words else None
                return f"the flow's {name}" if among is None else among
            at = bisect_right(starts, port) - 1
            if at >= 0 and port <= ranges[at][1]:
                return True
            return _by_keyword(words, flow, port)

        return condition

    return compiled


def _among_dynamic(ranges: Sequence[tuple[int, int, str]]) -> bool | None:
    """Whether every dynamic port is in one of these ranges, which do not touch each other; None for some of them."""
    first, last = _DYNAMIC
    near = [r for r in ranges if r[1] >= first]
    return bool(near) if not near or (near[0][0] <= first and near[0][1] >= last) else None


def _by_keyword(words: Collection[str], flow: Flow, port: int) -> Outcome:
    doubts = []
    for word in words:
        if word in _FIXED_PORTS:
            if (flow.protocol, port) == _FIXED_PORTS[word]:
                return True
        elif _PROTOCOL_OF.get(word, flow.protocol) == flow.protocol and not (
                word == "RPC" and (port < _WELL_KNOWN or flow.program == SYSTEM)):
            doubts.append(str(word))
    return f"whether {port} is a port of {', '.join(doubts)}" if doubts else False


def _icmp(value: Collection[str]) -> Condition:
    pairs = [(int(kind), int(code) if code else None) for kind, _, code in (t.partition(":") for t in value)]

    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.icmp_type is None:
            return "the flow's ICMP type"
        codes = [code for kind, code in pairs if kind == flow.icmp_type]
        if None in codes or flow.icmp_code in codes:
            return bool(codes)
        return "the flow's ICMP code" if codes and flow.icmp_code is None else False

    return condition


# -- addresses

class _Addresses:
    """A list of addresses: numbers, keywords, and pieces that nobody understands."""

    def __init__(self, value: Collection[str]) -> None:
        self.words = [a for a in value if isinstance(a, KeptPiece) or (":" not in a and "." not in a)]
        self.ranges = merged(interval(a) for a in value if a not in self.words)
        self.starts = [r[0] for r in self.ranges]

    def holds(self, address: int) -> bool:
        at = bisect_right(self.starts, address) - 1
        return at >= 0 and address <= self.ranges[at][1]

    def by_keyword(self, address: int, place: Place, everywhere: bool = False) -> Outcome:
        if not self.words:
            return False
        doubts = []
        for word in self.words:
            outcome = _is_of(word, address, place, everywhere)
            if outcome is True:
                return True
            if outcome is not False:
                doubts.append(outcome)
        return f"what {', '.join(doubts)} stands for there" if doubts else False


def _is_of(word: str, address: int, place: Place, everywhere: bool) -> Outcome:
    """Whether an address is one that a keyword means, `LocalSubnet4` of one family; in words what is not known."""
    if isinstance(word, KeptPiece):
        if not word.lower().startswith(DYNAMIC_KEYWORD):
            return str(word)
        named = place.dynamic_keyword(word[len(DYNAMIC_KEYWORD):])
        return f"{word} ({named})" if isinstance(named, str) else within(address, named)
    if word[-1] in "46" and (word[-1] == "6") != bool(address >> 128):
        return False
    keyword = word.rstrip("46")
    if keyword == "Internet":
        known = place.is_internet(address)
    else:
        known = None if (ranges := place.stands_for(keyword, everywhere)) is None else within(address, ranges)
    return word if known is None else known


def _remote_address(value: Collection[str], everywhere: Sequence[bool] = (False,)) -> Condition:
    """everywhere: whether LocalSubnet is that of the computer; both where nobody knows."""
    addresses = _Addresses(value)

    def condition(flow: Flow, place: Place) -> Outcome:
        address = flow.remote_address
        if address is None:
            return "the flow's remote address"
        found = {addresses.holds(address) or addresses.by_keyword(address, place, one) for one in everywhere}
        return found.pop() if len(found) == 1 else "whether LocalSubnet is that of one profile in a rule that lists all of them"

    return condition


def _local_address(value: Collection[str]) -> Condition:
    addresses = _Addresses(value)

    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.local_address is not None:
            return addresses.holds(flow.local_address) or addresses.by_keyword(flow.local_address, place)
        family = None if flow.remote_address is None else flow.remote_address >> 128
        own = [first for first, _ in own_addresses(place.interface) if family in (None, first >> 128)] if place.interface else []
        found = {addresses.holds(a) or addresses.by_keyword(a, place) for a in own}
        return found.pop() if len(found) == 1 else "which of the host's addresses it is for"

    return condition


# -- who and where

VARIABLE = re.compile("%([^%]+)%")
USUAL = {"systemroot": r"c:\windows", "windir": r"c:\windows", "systemdrive": "c:", "programfiles": r"c:\program files",
         "programfiles(x86)": r"c:\program files (x86)", "programdata": r"c:\programdata"}  # where a host does not tell its own


def _program(value: str) -> Condition:
    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.program is None:
            return f"whether its program is {value}"
        environment = place.host.facts.environment
        mine, its = (_expanded(path, tuple(environment.items())) for path in (flow.program, value))
        return "which folder a variable means there" if "%" in its and mine != its else mine == its

    return condition


@lru_cache(8192)
def _expanded(path: str, environment: tuple[tuple[str, str], ...]) -> str:
    """A path as Windows compares it: variables in place, in lower case."""
    known = {**USUAL, **dict(environment)}
    known["windir"] = known["systemroot"]
    return VARIABLE.sub(lambda m: known.get(m[1].lower(), m[0]), str(path)).lower()


def _service(value: str) -> Condition:
    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.service is None:
            return "whether its program is a service" if value == "*" else f"whether its service is {value}"
        return flow.service != "" if value == "*" else flow.service.casefold() == value.casefold()

    return condition


_EVERY_PACKAGE = "S-1-15-2-1"  # ALL APPLICATION PACKAGES, [MS-DTYP] 2.4.2.4


def _package(value: str) -> Condition:
    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.package is None:
            return "whether its program is an app"
        return flow.package != "" and value.upper() in (_EVERY_PACKAGE, flow.package.upper())

    return condition


_PACKAGED = "\\windowsapps\\"  # where packages are installed, each in a folder of its full name ("Package identity")


def _package_family(value: str) -> Condition:
    """The name of its package is in the token of a program outside of containers too, and is what filters of real hosts ask for
    (WIN://SYSAPPID)."""
    container = package_sid(value)

    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.package:
            return flow.package.upper() == container
        if flow.package is None or flow.package_family is None or flow.program is None:
            return f"whether its program is of the app {value}"
        return (flow.package_family or _family_of(flow.program)).lower() == value.lower()

    return condition


def _family_of(program: str) -> str:
    """The family of the package that a program is installed with: Name_Version_Architecture_Resource_Publisher."""
    folder = program.lower().partition(_PACKAGED)[2].partition("\\")[0]
    return f"{folder.partition('_')[0]}_{folder.rpartition('_')[2]}"


def _owner(value: str) -> Condition:
    def condition(flow: Flow, place: Place) -> Outcome:
        return f"whether its program runs for {value}" if flow.user is None else flow.user.upper() == value.upper()

    return condition


_ENTRY = re.compile(r"\(\s*(X?[AD])\s*;([^;]*);[^;]*;[^;]*;[^;]*;\s*([^;()]+)\s*(;?)", re.I)
_CONTAINERS = "S-1-15-"  # SIDs of app containers and of their capabilities


def admits(descriptor: str, user: str | None, facts: Facts = Facts()) -> Outcome:  # noqa: B008
    """Whether a list of accounts of a host admits an account, as far as it is known which groups that is in ([MS-DTYP]
    2.5.3.2)."""
    doubts = list[tuple[str, bool]]()  # entries of which it is not known whether they hold, and whether they admit
    decided = False  # where no entry holds
    for kind, flags, trustee, more in _ENTRY.findall(descriptor):
        if "IO" in flags.upper() or trustee.upper().startswith(_CONTAINERS):
            continue
        is_in, allows = is_member(user, trustee, facts.is_of_domain(trustee)), kind.upper().endswith("A")
        if is_in is False:
            continue
        if kind[0] in "Xx" or more:
            doubts.append(("a condition holds for it", allows))
        elif is_in is None:
            doubts.append((f"its account is {trustee}, or in that", allows))
        else:
            decided = allows
            break
    if all(allows == decided for _, allows in doubts):
        return decided
    return f"whether {' or '.join(text for text, _ in doubts)}"


def _local_user(value: str) -> Condition:
    return lambda flow, place: admits(value, flow.user, place.host.facts)


def contained(value: str) -> Condition:
    """Whether a list of accounts admits an app container too: an entry has to be for that as well ("AppContainer Isolation").
    Windows adds one to rules of apps (530 conditions of real hosts); of other rules no filter is known."""
    admitted = {t.upper() for kind, _, t, more in _ENTRY.findall(value) if kind.upper() == "A" and not more}

    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.package == "" or _EVERY_PACKAGE in admitted or (flow.package or "").upper() in admitted:
            return True
        return "whether a list of accounts admits a program in an app container"

    return condition


def _remote_account(what: str) -> Callable[[str], Condition]:
    def compiled(value: str) -> Condition:
        def condition(flow: Flow, place: Place) -> Outcome:
            if flow.security == "clear":
                return False
            found = admits(value, None)
            return found if found is True else f"whether the {what} of the other side is listed"

        return condition

    return compiled


def _interface(value: Collection[str]) -> Condition:
    guids = {str(g).upper() for g in value}

    def condition(flow: Flow, place: Place) -> Outcome:
        return "which interface it uses" if place.interface is None else place.interface.guid.upper() in guids

    return condition


def _interface_type(value: Collection[str]) -> Condition:
    def condition(flow: Flow, place: Place) -> Outcome:
        known = place.interface is not None and place.interface.type
        return known in value if known else "of which type its interface is"

    return condition


# -- IPsec, and what else there is

def _authentication(value: str) -> Condition:
    return lambda flow, place: "whether IPsec secures it" if flow.security is None else flow.security != "clear"


def _encryption(value: str) -> Condition:
    def condition(flow: Flow, place: Place) -> Outcome:
        if flow.security == "authenticated" and value == "dynamic":  # negotiated then, or dropped ([MS-FASP] 2.2.35)
            return "whether encryption can be negotiated"
        return "whether IPsec encrypts it" if flow.security is None else flow.security == "encrypted"

    return condition


def _platform(value: Collection[str]) -> Condition:
    def condition(flow: Flow, place: Place) -> Outcome:
        here = place.host.facts.version
        return "which version of Windows the host has" if here is None else any(is_platform(v, here) for v in value)

    return condition


def is_platform(text: str, here: tuple[int, int]) -> bool:
    """Whether this version is one that a platform means: `6.1` that one, `10.0+` that and later."""
    major, _, minor = text.removesuffix("+").partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return True  # nobody knows what it means
    there = (int(major), int(minor))
    return here >= there if text.endswith("+") else here == there


def _target(value: Collection[str]) -> Condition:
    return lambda flow, place: f"whether it is of {', '.join(value)}"


_DEFINED = {"nnm": "whether the network is among those of {}", "securityrealmid": "what the security realm of {} asks of it",
            "skipver": "whether Windows leaves out a rule with {}"}  # [MS-GPFAS] 2.2.2.19; how networks are written nobody says


def _unknown(value: Collection[str]) -> Condition:
    defined = [_DEFINED[name].format(t) for t in value if (name := t.partition("=")[0].lower()) in _DEFINED]
    others = [str(t) for t in value if t.partition("=")[0].lower() not in _DEFINED]
    text = "; ".join([*([f"what {', '.join(others)} means"] if others else []), *defined])
    return lambda flow, place: text


def _invalid(value: str) -> Condition:
    return lambda flow, place: f"whether Windows enforces what it refuses ({value})"


CONDITIONS: Mapping[str, Callable[[Any], Condition]] = {  # by the field of a filter; the cheapest first
    "protocol": _protocol, "local_port": _ports("local port", True), "remote_port": _ports("remote port", False),
    "icmp_type": _icmp, "remote_address": _remote_address, "local_address": _local_address,
    "authentication": _authentication, "encryption": _encryption, "platform": _platform,
    "interface_alias": _interface, "interface_type": _interface_type, "package": _package,
    "package_family_name": _package_family, "service": _service, "program": _program, "owner": _owner,
    "local_user": _local_user, "remote_user": _remote_account("user"), "remote_machine": _remote_account("computer"),
    "dynamic_target": _target, "unknown_tokens": _unknown, "invalid": _invalid}


def condition_of(filter: Filter, name: str) -> Condition:
    """The condition of a filter in one of its fields."""
    value = getattr(filter, name)
    if name != "remote_address":
        return CONDITIONS[name](value)
    return _remote_address(value, (False, True) if filter.lists_profiles else (not filter.profile,))
