"""Warns of a rule that is to let in some and restricts nothing, because something else on the host lets in everybody: allow rules
add up ([MS-FASP] 2.2.34; "Windows Firewall rules"), and what no rule is for, a profile may let in by default (2.2.38). Windows
ships such rules, for Remote Desktop and WinRM among others. What a block rule stops for everybody is let in by none of them."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Present, present
from ringfence.model.filter import Filter
from ringfence.model.narrowing import narrowed_in_who, not_everybody
from ringfence.model.once import filter_of, once
from ringfence.model.resource import Resource
from ringfence.plan.plan import Plan
from ringfence.policy.flow_conditions import USUAL, VARIABLE
from ringfence.policy.meeting import types_meet
from ringfence.policy.place import ALL_PROFILES
from ringfence.policy.settings_in_force import FIREWALL_PROFILE

_NARROWED = ("package", "package_family_name", "local_user", "remote_user", "remote_machine", "interface_alias", "interface_type",
             "local_address", "remote_port", "dynamic_target", "owner", "unknown_tokens")
_DEFAULT = "default_inbound_action"
_Ports = tuple[int, int] | str  # the first and the last, or a keyword
_FEW = 1_000  # open rules that are remembered together: Windows ships some dozens, and a fleet has the same ones on every host
_REMEMBERED = 5_000  # declared rules of which it is remembered what is open beside them
_SHOWN = 3  # open rules that are named
_LOOKED_AT = 100  # open rules for one port, for one program, or for many ports, of which each is compared with what is declared
_ADVICE = "Allow rules add up. Declare those too, narrower or with `enabled: false`; `ringfence show` has them as they are"
_OF_DEFAULTS = f"; firewall_profile, `{_DEFAULT}: block`, keeps out what no rule lets in"


def warn_of_open_rules(plan: Plan) -> Plan:
    """The plan with a warning for each rule beside which something else lets in the same from anywhere."""
    narrowed = [d for d in present(plan.declarations.values()) if _narrowed_by(d.resource)]
    if not narrowed:
        return plan
    rules = tuple([r for r in plan.after.values() if r.__dict__.get("enabled") is True and _is_open(r)])
    beside = _Beside(plan, _known_rules(rules) if len(rules) <= _FEW else _OpenRules(rules))
    return plan.with_diagnostics(*(_warning(one, names) for one in narrowed if (names := beside.names(one.resource))))


class _Beside:
    """What lets everybody in on one host: rules, and profiles by default."""

    def __init__(self, plan: Plan, rules: "_OpenRules") -> None:
        self.rules, self.blocks = rules, plan.blocks
        actions = ((p, plan.blocks.settings.profile(p, _DEFAULT)) for p in ALL_PROFILES)
        self.profiles = [p for p, action in actions if action.value == "allow" and not action.doubt]

    def names(self, declared: Any) -> list[str]:
        """What lets in some of what a declared rule lets in, whoever it is from."""
        found = self.rules.rules_beside(declared)
        open_by_default = [p for p in self.profiles if p in declared.profiles]
        if not found and not open_by_default:
            return []
        blocked = self._blocked(_for_everybody(declared))
        names = sorted({other.name for other in found if set(other.profiles) & set(declared.profiles) - blocked
                        - self._blocked(filter_of(other))})
        return names + [f"{_DEFAULT} of {FIREWALL_PROFILE} {p}" for p in open_by_default if p not in blocked]

    def _blocked(self, filter: Filter | None) -> set[str]:
        """The profiles in which block rules leave nothing of a rule."""
        return {p for profiles in self.blocks.above(filter).values() for p in profiles}


class _OpenRules:
    """Rules that let everybody in: by the single ports that they are for, by the program or service; `others` are for more, or
    neither, and are kept by protocol."""

    def __init__(self, rules: Iterable[Any]) -> None:
        self.by_port, self.by_listener = defaultdict[_Ports, list[Any]](list), defaultdict[str, list[Any]](list)
        self.others = defaultdict[str, list[Any]](list)
        for rule in rules:
            for home in self._homes(rule):
                if len(home) < _LOOKED_AT:
                    home.append(rule)
        self.numbers = sorted(port for port in self.by_port if not isinstance(port, str))
        self._known: dict[int, tuple[Resource, list[Any]]] = {}  # what was asked before, by identity

    def _homes(self, rule: Any) -> Iterator[list[Any]]:
        ports, listener = _ports_of(rule), _listener(rule)
        if listener:
            yield self.by_listener[listener]
        if ports and all(map(_is_single, ports)):
            yield from (self.by_port[port] for port in ports)
        elif ports or not listener:  # what is for a program or service alone says nothing of ports
            yield self.others[rule.protocol]

    def rules_beside(self, declared: Resource) -> list[Any]:
        """Those that let in some of what a declared rule lets in. Remembered, since hosts share both."""
        known = self._known.get(id(declared))
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[id(declared)] = declared, self._compared(declared)  # kept, so that its identity stays its own
        return known[1]

    def _compared(self, declared: Any) -> list[Any]:
        near = [*self.others.get(declared.protocol, ()), *self.others.get("any", ())]
        for port in _ports_of(declared):
            if isinstance(port, str) or _is_single(port):
                near += self.by_port.get(port, ())
            else:
                low, high = port
                for one in self.numbers[bisect_left(self.numbers, (low, low)):bisect_right(self.numbers, (high, high))]:
                    near += self.by_port[one]
        for listener in _listeners(declared):
            near += self.by_listener.get(listener, ())
        return list({id(other): other for other in near if _covers(other, declared)}.values())


@lru_cache(8)
def _known_rules(rules: tuple[Resource, ...]) -> _OpenRules:
    return _OpenRules(rules)


def _warning(declared: Present, names: Sequence[str]) -> Diagnostic:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    by_default = any(name.startswith(_DEFAULT) for name in names)
    return Diagnostic(declared.location(_narrowed_by(declared.resource)), f"{declared} does not restrict what it is for: "
                      f"{', '.join(names[:_SHOWN])}{more} on the host let that in from anywhere",
                      f"{_ADVICE}{_OF_DEFAULTS if by_default else ''}", "warning")


def _lets_in(resource: Resource) -> bool:
    filter = filter_of(resource)
    return filter is not None and filter.inbound and filter.enabled and filter.effect == "allow"


@once
def _narrowed_by(resource: Resource) -> str:
    """The property by which a rule is to let in some; empty for one that is not."""
    if not _lets_in(resource):
        return ""
    secured = resource.__dict__.get("authentication", "not_required") != "not_required"
    return next(narrowed_in_who(resource), "authentication" if secured else "")


@once
def _is_open(resource: Resource) -> bool:
    """Whether a rule lets everybody in."""
    filter = filter_of(resource)
    return (filter is not None and resource.__dict__.get("enabled") is True and _lets_in(resource)
            and not (filter.remote_address and not_everybody(filter.remote_address))
            and filter.authentication == "not_required" and not any(getattr(filter, name) for name in _NARROWED))


@once
def _for_everybody(declared: Resource) -> Filter | None:
    """What a rule is for, whoever comes."""
    filter = filter_of(declared)
    return filter and replace(filter, remote_address=(), remote_user=None, remote_machine=None, authentication="not_required",
                              encryption="not_required", override_block_rules=False)


def _covers(other: Any, declared: Any) -> bool:
    """Whether some of what a declared rule lets in is let in by another one too, whoever it is from."""
    named = _listener(other) in _listeners(declared)
    return ((other.protocol in (declared.protocol, "any") or (named and declared.protocol == "any"))
            and bool(set(other.profiles) & set(declared.profiles))
            and _same_ports(other, declared, named)
            and types_meet(declared.icmp_type, other.icmp_type)
            and (not declared.program or _program(other) in ("", _program(declared)))
            and (not declared.service or other.service in (None, "*", declared.service)))


def _same_ports(other: Any, declared: Any, named: bool) -> bool:
    """Whether they have a port in common; a rule without ports is for all that listen, or for its program or service alone."""
    held, asked = _ports_of(other), _ports_of(declared)
    if held and asked:
        return any(_meet(one, port) for port in asked for one in held)
    return named or not (held or _listener(other))


@once
def _listener(rule: Resource) -> str:
    """The service that a rule names, or its program; empty for neither."""
    return _service(rule) or _program(rule)


@once
def _listeners(rule: Resource) -> tuple[str, ...]:
    """The same of both."""
    return tuple(filter(None, (_service(rule), _program(rule))))


def _service(rule: Resource) -> str:
    name = str(rule.__dict__.get("service") or "").casefold()
    return name if name != "*" else ""


@once
def _program(rule: Resource) -> str:
    """The path of its program where Windows stands where it usually does; empty for any."""
    path = str(rule.__dict__.get("program") or "")
    return VARIABLE.sub(lambda m: USUAL.get(m[1].lower(), m[0]), path).lower()


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
