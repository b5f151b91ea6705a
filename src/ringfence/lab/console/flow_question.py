"""Test-Flow: whether a flow would pass, asked as a cmdlet is typed. Windows has none; its words are those of firewall rules."""

from collections.abc import Callable
from typing import Any

from ringfence.lab.console.command_line import NotUnderstood, TypedCommand
from ringfence.lab.enforcement.flow_decision import decides
from ringfence.lab.enforcement.simulated_flow import SimulatedFlow
from ringfence.lab.machine.machine import Machine

EXAMPLE = "Test-Flow -Direction Inbound -Protocol TCP -RemoteAddress 10.0.0.1 -LocalPort 443"
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmpv4": 1, "icmpv6": 58}
_DIRECTIONS = {"inbound": "in", "outbound": "out"}
_SECURITY = ("clear", "authenticated", "encrypted")
_ANSWERS = {True: "it passes\n", False: "it is blocked\n", None: (
    "it is not decided: a rule may match that asks for what was not said (-Program, -User …) or for what the lab does not know, "
    "the ports of RPC for example\n")}


def answer(machine: Machine, command: TypedCommand) -> str:
    """What becomes of the flow that is asked about. Raises NotUnderstood."""
    known = {name.lower(): name for name in _PARAMETERS}
    strange = [repr(v) for v in command.values] + [f"-{name}" for name in command.parameters if name.lower() not in known]
    if strange:
        raise NotUnderstood(f"{strange[0]}: Test-Flow takes {', '.join(f'-{name}' for name in _PARAMETERS)}")
    said: dict[str, Any] = {"direction": "in", "protocol": 6}
    for name, value in command.parameters.items():
        field, meaning = _PARAMETERS[known[name.lower()]]
        try:
            said[field] = meaning(machine, value)
        except NotUnderstood:
            raise
        except (ValueError, KeyError):
            raise NotUnderstood(f"Test-Flow -{known[name.lower()]} {value} is not understood: {EXAMPLE}") from None
    if "remote_address" not in said:
        raise NotUnderstood(f"Test-Flow needs -RemoteAddress: {EXAMPLE}")
    try:
        return _ANSWERS[decides(machine, SimulatedFlow(**said))]
    except ValueError as error:
        raise NotUnderstood(f"Test-Flow: {error}") from None


def _number(most: int) -> Callable[[Machine, Any], int]:
    def meaning(machine: Machine, value: Any) -> int:
        if not 0 <= int(value) <= most:
            raise ValueError(value)
        return int(value)

    return meaning


def _protocol(machine: Machine, value: Any) -> int:
    return _PROTOCOLS[str(value).lower()] if str(value).lower() in _PROTOCOLS else _number(255)(machine, value)


def _icmp(machine: Machine, value: Any) -> tuple[int, int]:
    """`8` or `3:4`; without a code it is 0."""
    kind, _, code = str(value).partition(":")
    return _number(255)(machine, kind), _number(255)(machine, code or 0)


def _security(machine: Machine, value: Any) -> str:
    if str(value).lower() not in _SECURITY:
        raise ValueError(value)
    return str(value).lower()


def _adapter(machine: Machine, value: Any) -> str:
    for adapter in machine.interfaces:
        if adapter.alias.lower() == str(value).lower():
            return adapter.guid
    raise NotUnderstood(f"{machine.name} has no adapter {value}: {', '.join(a.alias for a in machine.interfaces)}")


def _token(machine: Machine, value: Any) -> tuple[str, ...]:
    """SIDs, or names of accounts that the machine knows."""
    given = [str(one) for one in (value if isinstance(value, list) else [value])]
    return tuple(one if one.startswith("S-1-") else machine.account_names.resolve(one)["sid"] for one in given)


def _text(machine: Machine, value: Any) -> str:
    return str(value)


_PARAMETERS: dict[str, tuple[str, Callable[[Machine, Any], Any]]] = {
    "Direction": ("direction", lambda machine, value: _DIRECTIONS[str(value).lower()]), "Protocol": ("protocol", _protocol),
    "RemoteAddress": ("remote_address", _text), "RemotePort": ("remote_port", _number(65535)),
    "LocalAddress": ("local_address", _text), "LocalPort": ("local_port", _number(65535)), "IcmpType": ("icmp", _icmp),
    "InterfaceAlias": ("interface", _adapter), "Program": ("program", _text), "Service": ("service", _text),
    "Package": ("package", _text), "User": ("user", _token), "Security": ("security", _security),
    "RemoteMachine": ("remote_machine", _token), "RemoteUser": ("remote_user", _token)}
