"""Warns of a rule that is to let in some and restricts nothing, because another one on the host lets in everybody: allow rules
add up ([MS-FASP] 2.2.34; "Windows Firewall rules"). Windows ships such rules, for Remote Desktop and WinRM among others."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Present, present
from ringfence.model.once import filter_of, once
from ringfence.model.resource import Resource
from ringfence.plan.plan import Plan

_NARROWED = ("package", "package_family_name", "local_user", "remote_user", "remote_machine", "interface_alias", "interface_type",
             "local_address", "remote_port", "unknown_tokens")
_Ports = tuple[int, int] | str  # the first and the last, or a keyword
_FEW = 1_000  # open rules that are remembered together: Windows ships some dozens, and a fleet has the same ones on every host
_REMEMBERED = 5_000  # declared rules of which it is remembered what is open beside them
_SHOWN = 3  # open rules that are named
_LOOKED_AT = 100  # open rules for one port, for one program, or for many ports, of which each is compared with what is declared
_ADVICE = "Allow rules add up. Declare those too, narrower or with `enabled: false`; `ringfence show` has them as they are"


def warn_of_open_rules(plan: Plan) -> Plan:
    """The plan with a warning for each rule beside which another one lets in the same from anywhere."""
    narrowed = [d for d in present(plan.declarations.values()) if _lets_in_some(d.resource)]
    if not narrowed:
        return plan
    rules = tuple([r for r in plan.after.values() if r.__dict__.get("enabled") is True and _is_open(r)])
    everybody = _known_rules(rules) if len(rules) <= _FEW else _OpenRules(rules)
    return plan.with_diagnostics(*(_warning(one, names) for one in narrowed if (names := everybody.names_beside(one.resource))))


class _OpenRules:
    """Rules that let everybody in: by the single ports that they are for, by the program; `others` are for more, or neither, and
    are kept by protocol."""

    def __init__(self, rules: Iterable[Any]) -> None:
        self.by_port, self.by_program = defaultdict[_Ports, list[Any]](list), defaultdict[str, list[Any]](list)
        self.others = defaultdict[str, list[Any]](list)
        for rule in rules:
            ports = _ports_of(rule)
            if ports and all(map(_is_single, ports)):
                homes = [self.by_port[port] for port in ports]
            elif not ports and rule.program:
                homes = [self.by_program[rule.program]]
            else:  # what is for a service alone says nothing of ports
                homes = [self.others[rule.protocol]] if ports or not rule.service else []
            for home in homes:
                if len(home) < _LOOKED_AT:
                    home.append(rule)
        self.numbers = sorted(port for port in self.by_port if not isinstance(port, str))
        self._known: dict[int, tuple[Resource, list[str]]] = {}  # what was asked before, by identity

    def names_beside(self, declared: Resource) -> list[str]:
        """The names of those that let in some of what a declared rule lets in. Remembered, since hosts share both."""
        known = self._known.get(id(declared))
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[id(declared)] = declared, self._compared(declared)  # kept, so that its identity stays its own
        return known[1]

    def _compared(self, declared: Any) -> list[str]:
        near = [*self.others.get(declared.protocol, ()), *self.others.get("any", ())]
        for port in _ports_of(declared):
            if isinstance(port, str) or _is_single(port):
                near += self.by_port.get(port, ())
            else:
                low, high = port
                for one in self.numbers[bisect_left(self.numbers, (low, low)):bisect_right(self.numbers, (high, high))]:
                    near += self.by_port[one]
        if declared.program:
            near += self.by_program.get(declared.program, ())
        return sorted({other.name for other in near if _covers(other, declared)})


@lru_cache(8)
def _known_rules(rules: tuple[Resource, ...]) -> _OpenRules:
    return _OpenRules(rules)


def _warning(declared: Present, names: Sequence[str]) -> Diagnostic:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return Diagnostic(declared.location("remote_address"), f"{declared} does not restrict what it is for: "
                      f"{', '.join(names[:_SHOWN])}{more} on the host let that in from anywhere", _ADVICE, "warning")


def _lets_in(resource: Resource) -> bool:
    filter = filter_of(resource)
    return filter is not None and filter.inbound and filter.enabled and filter.effect == "allow"


@once
def _lets_in_some(resource: Resource) -> bool:
    """Whether a rule is to let in some."""
    return bool(resource.__dict__.get("remote_address")) and _lets_in(resource)


@once
def _is_open(resource: Resource) -> bool:
    """Whether a rule lets everybody in."""
    values: dict[str, Any] = resource.__dict__
    return (values.get("enabled") is True and not values.get("remote_address") and _lets_in(resource)
            and values.get("authentication") == "not_required" and not any(values.get(name) for name in _NARROWED))


def _covers(other: Any, declared: Any) -> bool:
    """Whether some of what a declared rule lets in is let in by another one too, whoever it is from."""
    return (other.protocol in (declared.protocol, "any") and bool(set(other.profiles) & set(declared.profiles))
            and _same_listener(other, declared)
            and (not other.icmp_type or (bool(declared.icmp_type) and set(declared.icmp_type) <= set(other.icmp_type)))
            and (not declared.program or other.program in (None, declared.program)))


def _same_listener(other: Any, declared: Any) -> bool:
    """Whether they have a port in common; a rule without ports is for all that listen, or for its program or service alone."""
    if held := _ports_of(other):
        return any(_meet(one, port) for port in _ports_of(declared) for one in held)
    return not (other.program or other.service) or (other.program is not None and other.program == declared.program)


@once
def _ports_of(rule: Resource) -> tuple[_Ports, ...]:
    """Its local ports; none for any."""
    return tuple(map(_parsed, rule.__dict__["local_port"]))


def _parsed(port: str) -> _Ports:
    low, _, high = port.partition("-")
    return (int(low), int(high or low)) if low.isdecimal() and (high or low).isdecimal() else port


def _is_single(port: _Ports) -> bool:
    return isinstance(port, str) or port[0] == port[1]


def _meet(held: _Ports, port: _Ports) -> bool:
    """Whether two of them have something in common."""
    if isinstance(held, str) or isinstance(port, str):
        return held == port
    return held[0] <= port[1] and port[0] <= held[1]
