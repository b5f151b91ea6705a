"""Security associations as a host tells of them (SA.Read), typed and tied to the rules that asked for them. Pure.

Hosts say enumerations as words or as numbers (MSFT_NetMainModeSA, MSFT_NetQuickModeSA); both are read. What is not
understood is shown as it came.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.model.filter import Filter
from ringfence.model.once import filter_of
from ringfence.model.resource import Resource
from ringfence.model.state import LOCAL, Id, State
from ringfence.windows.stored_names import display_name

CIPHER_NAMES = {0: "none", 2: "DES", 6: "3DES", 65001: "AES128", 65002: "AES192", 65003: "AES256", 65004: "AESGCM128",
           65005: "AESGCM192", 65006: "AESGCM256"}
HASH_NAMES = {0: "none", 2: "MD5", 3: "SHA1", 65001: "SHA256", 65002: "SHA384", 65003: "AESGMAC128", 65004: "AESGMAC192",
          65005: "AESGMAC256"}
GROUP_NAMES = {0: "none", 1: "DH1", 2: "DH2", 14: "DH14", 19: "DH19", 20: "DH20", 24: "DH24", 65535: "SameAsMainMode"}
METHOD_NAMES = {1: "anonymous", 2: "computer Kerberos", 3: "pre-shared key", 4: "computer NTLM", 5: "computer certificate",
           6: "user Kerberos", 7: "user certificate", 8: "user NTLM"}  # FW_AUTH_METHOD, [MS-FASP] 2.2.60
KEY_MODULE_NAMES = {1: "IKEv1", 2: "AuthIP", 3: "IKEv2", 4: "IKEv2"}
TRANSFORM_NAMES = {0: "", 1: "AH", 2: "ESP", 3: "ESP", 4: "no encapsulation", 5: "ESP"}  # 3 ESP cipher, 5 ESP hash and cipher
MAX_ASSOCIATIONS = 5000  # security associations of one host, in each mode
_PER_PEER = 100  # quick modes that do not say to which main mode they belong
_MAX_COMPARISONS = 1_000_000  # comparisons of rules with associations that no filter names
PROTOCOL_NAMES = {0: "any", 1: "icmpv4", 6: "tcp", 17: "udp", 58: "icmpv6"}


@dataclass(frozen=True)
class QuickMode:
    """What protects the data between two addresses. `kilobytes` and `seconds`: how much and how long it may be used."""

    local: str
    remote: str
    protocol: str
    local_port: int
    remote_port: int
    mode: str
    suite: str
    seconds: int
    kilobytes: int
    filter: str  # the name of the filter, which is that of the rule


@dataclass(frozen=True)
class Association:
    """One peer: the main mode association, and the quick mode ones that it made."""

    local: str
    remote: str
    local_id: str
    remote_id: str
    authentication: str
    key_module: str
    suite: str
    seconds: int
    quick: tuple[QuickMode, ...] = ()
    rules: tuple[str, ...] = ()  # the rules that asked for it, by name
    display_names: tuple[str, ...] = ()  # of these rules, as they are stored


class _RulesOfHost:
    """The connection security rules of a host, looked up for many associations."""

    def __init__(self, state: State) -> None:
        rules = [(id, r, f) for id, r in state.items() if (f := filter_of(r)) and f.effect in ("secure", "exempt")]
        self.display_names = {_shown(id, r): display_name(r) for id, r, _ in rules}
        self.named = defaultdict[str, set[str]](set)
        for id, rule, _ in rules:
            for name in (rule.name, rule.values()["display_name"]):
                self.named[str(name).casefold()].add(_shown(id, rule))
        self.filters = [(_shown(id, r), f) for id, r, f in rules if f.enabled and not f.tunnel and f.effect == "secure"]
        self.known: dict[tuple[str, str], tuple[str, ...]] = {}  # by the two ends: many associations have the same
        self.comparisons = 0

    def behind(self, local: str, remote: str, quick: Iterable[QuickMode]) -> tuple[str, ...]:
        """The rules behind an association: those that its filters are named after, else every one that covers both ends."""
        named = {shown for q in quick if q.filter for shown in self.named.get(q.filter.casefold(), ())}
        return tuple(sorted(named)) or self._covering(local, remote)

    def titles(self, names: Iterable[str]) -> tuple[str, ...]:
        """What rules are called that `behind` named."""
        return tuple(self.display_names[name] for name in names)

    def _covering(self, local: str, remote: str) -> tuple[str, ...]:
        if (local, remote) not in self.known:
            self.comparisons += len(self.filters)
            if self.comparisons > _MAX_COMPARISONS:
                return ()
            self.known[local, remote] = tuple(sorted(shown for shown, f in self.filters if _covers(f, local, remote)))
        return self.known[local, remote]


def associations(answer: Any, state: State) -> tuple[Association, ...]:
    """The associations in the value of an SA.Read, by peer, each with the rules of the host that asked for it.

    Of a host that tells of more than MAX_ASSOCIATIONS of a sort the first ones.
    """
    document = answer if isinstance(answer, Mapping) else {}
    rules = _RulesOfHost(state)
    quick, by_main, by_remote = [], defaultdict[str, list[QuickMode]](list), defaultdict[str, list[QuickMode]](list)
    for row in _rows(document.get("quick_mode")):
        quick.append(_quick(row))
        id = _text(row, "MmSaId")
        (by_main[id] if id else by_remote[_text(row, "RemoteEndpoint")]).append(quick[-1])
    found, seen = [], set[QuickMode]()
    for row in _rows(document.get("main_mode")):
        # an id is given back once; without one every exchange of that peer may be meant
        own = (*by_main.pop(_text(row, "Name"), ()), *by_remote.get(_text(row, "RemoteEndpoint"), ())[:_PER_PEER])
        seen.update(own)
        found.append(_main(row, own, rules))
    found += [Association(q.local, q.remote, "", "", "", "", "", 0, (q,), asked, rules.titles(asked))
              for q in quick if q not in seen for asked in [rules.behind(q.local, q.remote, (q,))]]
    return tuple(sorted(found, key=lambda a: (a.remote, a.local, a.suite)))


def _rows(rows: Any) -> list[Mapping[str, Any]]:
    return [row for row in rows[:MAX_ASSOCIATIONS] if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _number(row: Mapping[str, Any], name: str) -> int:
    value = _text(row, name)
    return int(value) if _is_number(value) else 0


def _word(row: Mapping[str, Any], name: str, words: Mapping[int, str]) -> str:
    """An enumeration: a number by `words`, a word as it is."""
    value = _text(row, name)
    return words.get(int(value), value) if _is_number(value) else value


def _is_number(value: str) -> bool:
    return len(value) < 20 and value.isdecimal()


def _main(row: Mapping[str, Any], quick: tuple[QuickMode, ...], rules: _RulesOfHost) -> Association:
    suite = "-".join(filter(None, (_word(row, "GroupId", GROUP_NAMES), _word(row, "CipherAlgorithm", CIPHER_NAMES),
                                   _word(row, "HashAlgorithm", HASH_NAMES))))
    local, remote = _text(row, "LocalEndpoint"), _text(row, "RemoteEndpoint")
    asked = rules.behind(local, remote, quick)
    return Association(local, remote, _text(row, "LocalFirstId"), _text(row, "RemoteFirstId"),
                       _word(row, "AuthenticationMethod", METHOD_NAMES), _word(row, "KeyModule", KEY_MODULE_NAMES), suite,
                       _number(row, "LifetimeSeconds"), quick, asked, rules.titles(asked))


def _quick(row: Mapping[str, Any]) -> QuickMode:
    transforms = [_transform(row, which) for which in ("First", "Second")]
    mode = {1: "tunnel", 2: "transport"}.get(_number(row, "EncapsulationMode"), _text(row, "EncapsulationMode").lower())
    return QuickMode(_text(row, "LocalEndpoint"), _text(row, "RemoteEndpoint"), _word(row, "IpProtocol", PROTOCOL_NAMES) or "any",
                     _number(row, "LocalPort"), _number(row, "RemotePort"), mode, "+".join(filter(None, transforms)),
                     _number(row, "LifetimeSeconds"), _number(row, "LifetimeKilobytes"), _text(row, "TransportLayerFilterName"))


def _transform(row: Mapping[str, Any], which: str) -> str:
    """ESP:SHA256-AES256, AH:SHA1 …; nothing where there is no such transform."""
    protocol = _word(row, f"{which}TransformType", TRANSFORM_NAMES)
    if not protocol or protocol.lower() == "none":
        return ""
    parts = (_word(row, f"{which}IntegrityAlgorithm", HASH_NAMES), _word(row, f"{which}CipherAlgorithm", CIPHER_NAMES))
    return f"{protocol}:{'-'.join(p for p in parts if p and p.lower() != 'none') or 'none'}"


def _shown(id: Id, rule: Resource) -> str:
    return rule.name if id.store == LOCAL else f"{rule.name} ({id.store})"


def _covers(filter: Filter, local: str, remote: str) -> bool:
    return _within(filter.local_address, local) and _within(filter.remote_address, remote)


def _within(members: tuple[str, ...], text: str) -> bool:
    """Whether an address may be meant: any, a member that holds it, or a keyword, which only the host resolves."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return not members or any(_holds(m, address) for m in members)


def _holds(member: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    first, dash, last = member.partition("-")
    try:
        if dash:
            low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
            return low.version == address.version and int(low) <= int(address) <= int(high)
        return address in ipaddress.ip_network(member)
    except ValueError:
        return True
