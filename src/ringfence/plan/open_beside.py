"""Warns of a rule that is to let in some and restricts nothing, because another one on the host lets in everybody: allow rules
add up ([MS-FASP] 2.2.34; "Windows Firewall rules"). Windows ships such rules, for Remote Desktop and WinRM among others."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Present, present
from ringfence.model.once import filter_of, once
from ringfence.model.resource import Resource
from ringfence.plan.plan import Plan

_NARROWED = ("package", "package_family_name", "local_user", "remote_user", "remote_machine", "interface_alias", "interface_type",
             "local_address", "remote_port", "unknown_tokens")
_SHOWN = 3  # open rules that are named
_LOOKED_AT = 100  # open rules for one port, for one program, or for many ports, of which each is compared with what is declared
_ADVICE = "Allow rules add up. Declare those too, narrower or with `enabled: false`; `ringfence show` has them as they are"


def warn_of_open_rules(plan: Plan) -> Plan:
    """The plan with a warning for each rule beside which another one lets in the same from anywhere."""
    narrowed = [d for d in present(plan.declarations.values()) if _lets_in_some(d.resource)]
    if not narrowed:
        return plan
    everybody = _OpenRules(r for r in plan.after.values() if r.__dict__.get("enabled") is True and _is_open(r))
    return plan.with_diagnostics(*(w for one in narrowed for w in _warning(one, everybody)))


class _OpenRules:
    """Rules that let everybody in: by the single ports that they are for, by the program; `others` are for more, or neither."""

    def __init__(self, rules: Iterable[Any]) -> None:
        self.by_port, self.by_program = defaultdict[int | str, list[Any]](list), defaultdict[str, list[Any]](list)
        self.others: list[Any] = []
        for rule in rules:
            if rule.local_port and not any("-" in port for port in rule.local_port):
                homes = [self.by_port[_number(port)] for port in rule.local_port]
            elif not rule.local_port and rule.program:
                homes = [self.by_program[rule.program]]
            else:  # what is for a service alone says nothing of ports
                homes = [self.others] if rule.local_port or not rule.service else []
            for home in homes:
                if len(home) < _LOOKED_AT:
                    home.append(rule)
        self.numbers = sorted(port for port in self.by_port if isinstance(port, int))

    def near(self, declared: Any) -> Iterator[Any]:
        """Those that may let in some of what a declared rule lets in."""
        for port in declared.local_port:
            low, dash, high = port.partition("-")
            if not dash:
                yield from self.by_port.get(_number(port), ())
            elif low.isdecimal() and high.isdecimal():
                for number in self.numbers[bisect_left(self.numbers, int(low)):bisect_right(self.numbers, int(high))]:
                    yield from self.by_port[number]
        yield from self.by_program.get(declared.program, ())
        yield from self.others


def _number(port: str) -> int | str:
    """A port as a number; a keyword as it stands."""
    return int(port) if port.isdecimal() else port


def _warning(declared: Present, everybody: _OpenRules) -> Iterator[Diagnostic]:
    names = sorted({other.name for other in everybody.near(declared.resource) if _covers(other, declared.resource)})
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield Diagnostic(declared.location("remote_address"), f"{declared} does not restrict what it is for: "
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
    if other.local_port:
        return any(_meet(held, port) for port in declared.local_port for held in other.local_port)
    return not (other.program or other.service) or (other.program is not None and other.program == declared.program)


def _meet(held: str, port: str) -> bool:
    """Whether two ports, ranges or keywords have something in common."""
    (low, _, high), (first, _, last) = held.partition("-"), port.partition("-")
    if not all(n.isdecimal() for n in (low, high or low, first, last or first)):
        return held == port
    return int(low) <= int(last or first) and int(first) <= int(high or low)
