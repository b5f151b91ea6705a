"""What a host says of itself (`Facts.Read` and what is asked beside it), in types. What it did not or could not say is None or
empty."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatch
from functools import cached_property
from itertools import islice
from typing import Any

MAX_PRODUCTS = 100  # other firewalls of one host that are looked at
MAX_PRODUCT_NAME = 200  # characters of the name of one
MAX_INTERFACES = 4096  # interfaces of one host that are looked at: each is compared with each alias that is declared
_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)", re.ASCII)
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(?![\d])", re.ASCII)
_LARGEST_BUILD = 10**9
_MORE = ("interfaces", "management", "service_names", "controllers", "account", "sid")  # what verbs beside Facts.Read tell
_AUTHORITY = re.compile(r"(S-1-5-21-\d+-\d+-\d+)-\d+", re.ASCII | re.I)  # that of a domain or of a machine, in one of its SIDs
_LISTS = ("addresses", "dns_servers", "gateways")  # of an interface
MAX_TEXTS, MAX_TEXT = 256, 100  # addresses of one interface that are looked at, and characters of each
MAX_KEYWORDS, MAX_KEYWORD = 4096, 100_000  # dynamic keyword addresses that are looked at, and characters of the list of each
MAX_CONTROLLERS = 5  # controllers of its domain of one host that are looked at
MAX_SERVICES = 4096  # services of one host whose names are looked at


@dataclass(frozen=True)
class NetworkInterface:
    """A network interface: its alias, its GUID ({…} in capitals), and the profile of its network; None where it is not known.

    type: wired, wireless, remote_access or other · up: whether it works · addresses: its own, each `address/length` ·
    dns_servers, gateways: addresses.
    """

    alias: str
    guid: str
    profile: str | None = None
    type: str = ""
    up: bool = True
    addresses: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """The facts of one host. `raw` is all that it answered, as templates see it in `ansible_facts`; `services` are the states of
    those that the firewall needs, `service_names` the display names of all, where the host was asked for them."""

    computer: str = ""
    build: int = 0
    elevated: bool | None = None
    interfaces: tuple[NetworkInterface, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict)
    service_names: Mapping[str, str] = field(default_factory=dict)
    legacy_ipsec_policy: str | None = None
    dynamic_keywords: Mapping[str, str | None] | None = None  # see parse_keywords; None where the host did not tell
    unread: tuple[tuple[str, str], ...] = ()  # what could not be read, and why
    raw: Mapping[str, Any] = field(default_factory=dict)

    def guids(self, alias: str) -> tuple[str, ...]:
        """The GUIDs of the interfaces that an alias with wildcards (* ?) means."""
        folded = alias.casefold()
        return tuple(i.guid for i in self.interfaces if i.alias.casefold() == folded or fnmatch(i.alias.casefold(), folded))

    def has_service(self, name: str) -> bool:
        """Whether a service of the host has a name, as far as it told of them."""
        return not self.service_names or name.casefold() in self._services

    @cached_property
    def _services(self) -> frozenset[str]:
        return frozenset(map(str.casefold, self.service_names))

    @property
    def local_time(self) -> datetime | None:
        """What the clock of the host says, where it told that and how far it is from UTC."""
        offset = _OFFSET.fullmatch(str(self.raw.get("utc_offset") or ""))
        try:
            now = datetime.fromisoformat(str(self.raw.get("time")))
        except ValueError:
            return None
        if offset is None or now.tzinfo is None:
            return None
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        try:
            return now.astimezone(timezone(-away if offset[1] == "-" else away))
        except OverflowError:  # no such moment there: a clock in year 1, or 9999
            return None

    @property
    def controllers(self) -> tuple[str, ...]:
        """The addresses of the controllers of its domain that the host has reached, where it was asked for them."""
        return _texts(self.raw.get("controllers"))[:MAX_CONTROLLERS]

    def is_of_domain(self, sid: str) -> bool:
        """Whether it is certain that a SID is of another authority than the machine's own. Which that is tells the account of the
        session, whose name begins with the machine's where it is of the machine. On a domain controller both are one."""
        account, mine, its = self.raw.get("account"), _authority(self.raw.get("sid")), _authority(sid)
        if not (isinstance(account, str) and self.computer and mine and its) or (
                _dict(self.raw.get("os")).get("product") in (None, "domain_controller")):
            return False
        return (mine == its) != (account.partition("\\")[0].casefold() == self.computer.casefold())

    @property
    def tells_interfaces(self) -> bool:
        """Whether the host was asked for its interfaces: without that none is known here."""
        return "interfaces" in self.raw

    @property
    def version(self) -> tuple[int, int] | None:
        """The version of Windows as platforms are written: (10, 0)."""
        said = _dict(self.raw.get("os")).get("version")
        found = _VERSION.match(said) if isinstance(said, str) else None
        return (int(found[1]), int(found[2])) if found else None

    @cached_property
    def environment(self) -> dict[str, str]:
        """{variable in lower case: value} of the variables that paths of policies have."""
        return {str(k).lower(): v for k, v in _dict(self.raw.get("environment")).items() if isinstance(v, str)}

    @property
    def aliases(self) -> dict[str, str]:
        """{GUID: alias} of the interfaces that the host named."""
        return {i.guid: i.alias for i in self.interfaces}


@dataclass(frozen=True)
class HostConditions:
    """What decides on a host, beside its policy, whether that is in force; None and empty where it was not asked or not told.

    active_profiles: those of the networks that it is in now · products: other firewalls that are registered with Windows, with
    what they have taken over (NET_FW_RULE_CATEGORY) · unread: what could not be read, and why.
    """

    active_profiles: frozenset[str] | None = None
    products: tuple[tuple[str, frozenset[int]], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


NETWORK_CATEGORIES = {0: "public", 1: "private", 2: "domain"}  # MSFT_NetConnectionProfile.NetworkCategory


def parse_conditions(answer: Any) -> HostConditions:
    """Conditions from the value of a Conditions.Read. Lenient. A host that tells of no network is in public ones: Windows takes a
    network for that until it is identified ([MS-FASP] note 13)."""
    told = _dict(answer)
    holes = unread(answer)
    networks_missed = any(what == "networks" for what, _ in holes)
    networks = _list(told.get("networks"))
    active = frozenset(NETWORK_CATEGORIES[n] for n in networks if n.__class__ is int and n in NETWORK_CATEGORIES)
    return HostConditions(
        None if networks_missed or "networks" not in told else active or frozenset({"public"}),
        tuple((str(one.get("name"))[:MAX_PRODUCT_NAME], frozenset(c for c in _list(one.get("categories")) if c.__class__ is int))
              for one in map(_dict, _list(told.get("products"))[:MAX_PRODUCTS])),
        holes)


def parse_facts(answer: Any) -> Facts:
    """Facts from the value of a Facts.Read. Lenient: a member of a wrong type counts as not said."""
    raw = _dict(answer)
    os, services = _dict(raw.get("os")), _dict(raw.get("services"))
    elevated, build, legacy = raw.get("elevated"), os.get("build"), raw.get("legacy_ipsec_policy")
    return Facts(computer=str(raw.get("computer") or ""),
                 build=build if build.__class__ is int and 0 < build < _LARGEST_BUILD else 0,
                 elevated=elevated if isinstance(elevated, bool) else None, interfaces=parse_interfaces(raw),
                 services={k: v.lower() for k, v in services.items() if isinstance(v, str)},
                 legacy_ipsec_policy=str(legacy) if legacy else None,
                 unread=unread(answer), raw=raw)


def with_network(facts: Facts, *answers: Any) -> Facts:
    """Facts with the values of verbs added to them that tell of more: Interfaces.Read, Management.Read, Services.Read and
    Domain.Read."""
    if not answers:
        return facts
    raw = {**facts.raw, "unread": [one for said in (facts.raw, *answers) for one in _unread_rows(said)]}
    for said in map(_dict, answers):
        raw.update({name: said[name] for name in _MORE if name in said})
    names = islice(_dict(raw.get("service_names")).items(), MAX_SERVICES)
    return replace(facts, interfaces=parse_interfaces(raw), raw=raw,
                   service_names={k: v for k, v in names if isinstance(v, str)},
                   unread=(*facts.unread, *(one for said in answers for one in unread(said))))


def parse_keywords(answer: Any) -> Mapping[str, str | None] | None:
    """{GUID in lower case: its addresses, with commas between} of the dynamic keyword addresses in the value of a Net.Get of
    Get-NetFirewallDynamicKeywordAddress; None for one that stands for a name, which others than the firewall resolve again and
    again ("Firewall dynamic keywords", AutoResolve). Lenient; None as a whole where nothing was told."""
    if not isinstance(answer, list):
        return None
    told = [one for one in map(_dict, answer[:MAX_KEYWORDS]) if isinstance(one.get("Id"), str)]
    return {one["Id"].lower(): str(one.get("Addresses") or "")[:MAX_KEYWORD] if one.get("AutoResolve") is False else None
            for one in told}


def parse_interfaces(answer: Any) -> tuple[NetworkInterface, ...]:
    """The interfaces in the value of an Interfaces.Read: those that have an alias and a GUID."""
    listed = _dict(answer).get("interfaces")
    return tuple(NetworkInterface(str(i["alias"]), str(i["guid"]).upper(), _profile(i.get("profile")), str(i.get("type") or ""),
                                  i.get("status") != "down", *(_texts(i.get(name)) for name in _LISTS))
                 for i in map(_dict, listed[:MAX_INTERFACES] if isinstance(listed, list) else ())
                 if i.get("alias") and i.get("guid"))


def _profile(said: Any) -> str | None:
    return said if said in NETWORK_CATEGORIES.values() else None


def _authority(sid: Any) -> str:
    found = _AUTHORITY.fullmatch(sid) if isinstance(sid, str) else None
    return found[1].upper() if found else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one[:MAX_TEXT] for one in _list(value)[:MAX_TEXTS] if isinstance(one, str))


def unread(answer: Any) -> tuple[tuple[str, str], ...]:
    """What the value of a verb that reads says that it could not read, and why."""
    return tuple((str(one.get("fact")), str(one.get("why"))) for one in _unread_rows(answer))


def _unread_rows(answer: Any) -> list[dict[str, Any]]:
    told = _dict(answer).get("unread")
    return [_dict(one) for one in told] if isinstance(told, list) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
