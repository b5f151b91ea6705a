"""Whatever a result is made of, without texts that are not to be seen: the same objects, as far as nothing is in them."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.errors import HostError, RingfenceError
from ringfence.model.resource import Resource
from ringfence.model.state import TaskLabel
from ringfence.plan.obstacles import Affected
from ringfence.policy.flow import Flow
from ringfence.report import HostResult
from ringfence.transports.way_in import WayIn
from ringfence.types.base import CanonicalText

_AS_THEY_ARE = frozenset({int, float, bool, type(None), Where, TaskLabel, Flow, WayIn})  # in these no host has a say
_OF_OURS: dict[type, frozenset[str]] = {
    HostResult: frozenset({"host", "declared", "connections", "seconds"}), Diagnostic: frozenset({"host"})}


class MaskedValues:
    """text: what takes them out of a value · is_in: whether one is in a text, in whatever letters · of_error: takes them out of
    what a host failed with."""

    def __init__(self, text: Callable[[str], str], is_in: Callable[[str], bool],
                 of_error: Callable[[HostError], HostError]) -> None:
        self._text, self._is_in, self._of_error = text, is_in, of_error
        self._asked: dict[type, tuple[str, ...]] = {}  # of each class of objects, what hosts have a say in

    def of(self, value: Any) -> Any:
        """A value without them; the same object where none is in it."""
        kind = type(value)
        if kind in _AS_THEY_ARE or (kind is Affected and value.where != NOWHERE):  # what is declared: a host repeats its name
            return value
        if isinstance(value, CanonicalText):
            masked, spelling = self._text(str(value)), self._text(value.spelling)
            return value if (masked, spelling) == (str(value), value.spelling) else CanonicalText(masked, spelling)
        if isinstance(value, str):
            masked = self._text(value)
            return value if masked == value else kind(masked)
        if isinstance(value, Resource):
            return self._resource(value)
        if isinstance(value, tuple | list | set | frozenset):
            members = [self.of(one) for one in value]
            if all(map(_is, members, value)):
                return value
            return value._make(members) if hasattr(value, "_make") else kind(members)
        if isinstance(value, Mapping):
            pairs = [(self.of(key), self.of(member)) for key, member in value.items()]
            same = all(key is old and member is value[old] for (key, member), old in zip(pairs, value, strict=True))
            return value if same else dict(pairs)
        if isinstance(value, RingfenceError):
            return self._error(value)
        return self._members(value) if is_dataclass(value) else value

    def _members(self, value: Any) -> Any:
        found, kind = {}, type(value)
        if kind not in self._asked:
            self._asked[kind] = _said_by_hosts(kind)
        for name in self._asked[kind]:
            if (masked := self.of(member := getattr(value, name))) is not member:
                found[name] = masked
        return replace(value, **found) if found else value

    def _resource(self, value: Resource) -> Resource:
        source = value.source
        if source and isinstance(source.stored, str) and source.values is value.__dict__ and not (
                self._is_in(source.stored) or self._is_in(value.name)):
            return value  # all of it was read of one text, as most of what hosts have: that is looked through at once
        name, unknown = self._text(value.name), self.of(value.unknown_tokens)
        old = value.values()
        values = {key: self.of(member) for key, member in old.items()}
        same = name == value.name and unknown is value.unknown_tokens and all(map(_is, values.values(), old.values()))
        return value if same else value.kind.create(name, values, unknown)

    def _error(self, error: RingfenceError) -> RingfenceError:
        if isinstance(error, HostError):
            return self._of_error(error)
        if isinstance(error, InputError):
            problems = self.of(error.diagnostics)
            return error if problems is error.diagnostics else InputError(problems)
        masked = self._text(str(error))
        return error if masked == str(error) else type(error)(masked)


def _is(one: object, other: object) -> bool:
    return one is other


def _said_by_hosts(kind: type) -> tuple[str, ...]:
    """The members of such objects in which a host may have a say."""
    ours = frozenset[str]().union(*(names for of, names in _OF_OURS.items() if issubclass(kind, of)))
    return tuple(f.name for f in fields(kind) if f.name not in ours)
