"""A flow in words, as people say it in ringfence.yml and on the command line: one table, with the values of firewall rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.policy.flow import Flow, number_of
from ringfence.types import sddl
from ringfence.types.base import as_text, quoted
from ringfence.types.enums import choice
from ringfence.types.network import PROTOCOLS, icmp_type, port_interval, protocol
from ringfence.types.packages import PACKAGE_FAMILY

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 300}


@dataclass(frozen=True, slots=True)
class FlowWord:
    """One thing that may be said of a flow. values: the fields of the flow that it means; raises ValueError · words: what people
    mostly say."""

    meaning: str
    values: Callable[[Any], Mapping[str, Any]]
    schema: Mapping[str, Any]
    metavar: str = "TEXT"
    words: tuple[str, ...] = ()


def _field(name: str, parse: Callable[[Any], Any]) -> Callable[[Any], Mapping[str, Any]]:
    return lambda value: {name: parse(value)}


def _port(value: Any) -> int:
    text = as_text(value)
    try:
        first, last, _ = port_interval(text)
    except ValueError:
        first, last = 0, 1
    if first != last:
        raise ValueError(f"{quoted(text)} is not one port: a flow has one of 1 to 65535")
    return first


def _address(value: Any) -> int:
    text = as_text(value)
    try:
        return number_of(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not one IP address") from None


def _protocol(value: Any) -> int:
    found = protocol(value)
    if found == "any":
        raise ValueError("a flow has one protocol: tcp, udp, icmpv4, icmpv6 or a number")
    return int(PROTOCOLS.get(found, found))


def _icmp(value: Any) -> Mapping[str, Any]:
    kind, _, code = icmp_type(as_text(value)).partition(":")
    return {"icmp_type": int(kind), "icmp_code": int(code) if code else None}


def _account(value: Any) -> str:
    found = sddl.account(as_text(value))
    if found.startswith("<"):
        raise ValueError(f"{quoted(as_text(value))} is no SID: whose account a name is only a host knows")
    return found


def _family(value: Any) -> str:
    return str(PACKAGE_FAMILY.parse(value) or "")


_DIRECTIONS, _SECURITIES = ("inbound", "outbound"), ("clear", "authenticated", "encrypted")
_PORT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": 65535}
FLOW_WORDS: Mapping[str, FlowWord] = {
    "direction": FlowWord("Which way the connection is made: inbound or outbound.",
                          _field("direction", choice(*_DIRECTIONS).parse), {"enum": list(_DIRECTIONS)}, "WAY", _DIRECTIONS),
    "protocol": FlowWord("tcp, udp, icmpv4, icmpv6, or the number of an IP protocol.", _field("protocol", _protocol),
                         {"type": ["string", "integer"]}, "PROTOCOL", tuple(PROTOCOLS)),
    "local_port": FlowWord("The port of the host itself.", _field("local_port", _port), _PORT_SCHEMA, "PORT"),
    "remote_port": FlowWord("The port of the other side.", _field("remote_port", _port), _PORT_SCHEMA, "PORT"),
    "icmp_type": FlowWord("The ICMP type, or type:code.", _icmp, {"type": ["string", "integer"]}, "TYPE"),
    "local_address": FlowWord("The address of the host itself.", _field("local_address", _address), _TEXT, "ADDRESS"),
    "remote_address": FlowWord("The address of the other side.", _field("remote_address", _address), _TEXT, "ADDRESS"),
    "program": FlowWord("The path of the program on the host, or System.", _field("program", as_text), _TEXT, "PROGRAM"),
    "service": FlowWord("The short name of the service on the host; none where it is no service.",
                        _field("service", lambda v: "" if as_text(v).casefold() == "none" else as_text(v)), _TEXT, "NAME"),
    "package": FlowWord("The SID of the app container that the program runs in. Left out: in none.",
                        _field("package", sddl.parse_package), _TEXT, "SID"),
    "package_family": FlowWord("The family of the package that the program is of, where it runs in no app container. Left out: "
                               "that of its folder in WindowsApps, else none.", _field("package_family", _family), _TEXT, "NAME"),
    "user": FlowWord("The SID of the account that the program runs as.", _field("user", _account), _TEXT, "SID"),
    "security": FlowWord("What IPsec makes of it: clear, authenticated or encrypted. Left out: clear.",
                         _field("security", choice(*_SECURITIES).parse), {"enum": list(_SECURITIES)}, "WORD", _SECURITIES),
}


def flow_of(words: Mapping[str, Any]) -> Flow:
    """The flow that words mean; what is not said is not known. Raises ValueError with everything that is wrong, a line each."""
    values: dict[str, Any] = {}
    wrong = [f"unknown word {quoted(word)}" for word in words if word not in FLOW_WORDS]
    wrong += [f"{name} has to be said" for name in ("direction", "protocol") if words.get(name) is None]
    for name, value in words.items():
        if name in FLOW_WORDS and value is not None:
            try:
                values |= FLOW_WORDS[name].values(value)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
    if not wrong:
        wrong += _together(values)
    if wrong:
        raise ValueError("\n".join(wrong))
    return Flow(**values)


def _together(values: Mapping[str, Any]) -> list[str]:
    has_ports, is_icmp = values["protocol"] in (6, 17), values["protocol"] in (1, 58)
    wrong = [f"{name}: ports go with tcp and udp" for name in ("local_port", "remote_port") if name in values and not has_ports]
    if "icmp_type" in values and not is_icmp:
        wrong.append("icmp_type goes with icmpv4 and icmpv6")
    ends = [values[name] for name in ("local_address", "remote_address") if name in values]
    if len({end >> 128 for end in ends}) > 1:
        wrong.append("local_address and remote_address are of two families")
    return wrong


