"""Changes -> calls of NetSecurity cmdlets. Values go as data, never into script text. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.batch import Call, cmdlet_call
from ringfence.errors import GuardRefused
from ringfence.model.kept import kept_members
from ringfence.model.resource import Kind, Property, Resource
from ringfence.model.state import Change, Id
from ringfence.model.storage import DEFAULT
from ringfence.model.understood import is_understood
from ringfence.types.base import KeptPiece
from ringfence.windows.expected import Expected


def cmdlet_calls(changes: Iterable[Change], aliases: Mapping[str, str], expected: Mapping[Id, Expected] = {}) -> dict[Id, Call]:
    """The call that makes each change, in their order.

    aliases: {GUID: alias} of the host's interfaces · expected: what each change expects to find, see expected.py.
    """
    return {change.id: cmdlet_call(*_cmdlet(change, aliases), expected.get(change.id)) for change in changes}


def _cmdlet(change: Change, aliases: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    kind, name = change.resource.kind, change.resource.name
    if change.action == "rename" and change.before is not None:
        return f"Rename-{kind.noun}", {**kind.storage.find_parameters(change.before.name), "NewName": name}
    if change.before is None and change.after is not None:
        return f"New-{kind.noun}", {**kind.storage.new_parameters(name), **_new(change.after, aliases)}
    if change.after is None:
        return f"Remove-{kind.noun}", kind.storage.find_parameters(name)
    assert change.before is not None
    found_as = kind.storage.find_parameters(change.before.name)
    return f"Set-{kind.noun}", {**found_as, **_set(change.before, change.after, aliases)}


def writing_cmdlets(kinds: Iterable[Kind]) -> dict[str, tuple[str, ...]]:
    """Every cmdlet that changes of these kinds come to, with every parameter that it may get: hosts run no other."""
    found: dict[str, set[str]] = {}
    for kind in kinds:
        table = [p for p in kind.properties.values() if p.parameter]
        found_by = kind.storage.find_parameters(next(iter(kind.storage.fixed_names), DEFAULT))
        found[f"Set-{kind.noun}"] = {*found_by, *(p.set_parameter for p in table)}
        if kind.storage.removable:
            named = {*kind.storage.new_parameters("x"), *kind.storage.new_parameters(DEFAULT)}
            found[f"New-{kind.noun}"] = {*named, *(p.parameter for p in table)}
            found[f"Remove-{kind.noun}"] = {*found_by}
        if kind.storage.renamable:
            found[f"Rename-{kind.noun}"] = {*found_by, "NewName"}
        for proposal in (p.proposal.kind for p in kind.proposals if p.proposal):
            found[proposal.name] = {p.parameter for p in proposal.properties.values()}
    return {cmdlet: tuple(sorted(found[cmdlet])) for cmdlet in sorted(found)}


def _new(after: Resource, aliases: Mapping[str, str]) -> dict[str, Any]:
    """Every value that is not the cmdlet's own default, and what it has no default for."""
    return {p.parameter: to_parameter(p, getattr(after, p.name), aliases) for p in _sayable(after)
            if p.required or p.required_when or getattr(after, p.name) != p.default}


def _set(before: Resource, after: Resource, aliases: Mapping[str, str]) -> dict[str, Any]:
    """Every value that differs; with it those of the same filter object, which Windows replaces as one."""
    table = after.kind.properties.values()
    differ = {p.name for p in table if getattr(before, p.name) != getattr(after, p.name)}
    objects = {p.filter_object for p in table if p.name in differ and p.filter_object}
    chosen = [p for p in _sayable(after) if p.name in differ or (
        p.filter_object in objects and (p.required_when or getattr(after, p.name) != p.default))]
    return {p.set_parameter: to_parameter(p, getattr(after, p.name), aliases) for p in chosen}


def _sayable(after: Resource) -> list[Property]:
    """What a cmdlet may be told of it."""
    return [p for p in after.kind.properties.values() if p.parameter and not _names_nothing(p, after)
            and (not isinstance(p.required_when, tuple) or getattr(after, p.required_when[0]) == p.required_when[1])]


def _names_nothing(p: Property, after: Resource) -> bool:
    """A rule that names no set (an exemption) says none: Windows refuses a name there and clears those it had."""
    return bool(p.references) and getattr(after, p.name) is None


def names_interfaces(resource: Resource) -> bool:
    """Whether a value of it is an interface, which a cmdlet takes by alias."""
    return any(getattr(resource, p.name) for p in resource.kind.properties.values() if p.type.resolved_by_host == "interface")


def to_parameter(p: Property, value: Any, aliases: Mapping[str, str]) -> Any:
    """A value as the parameter takes it; interfaces go by alias. Raises GuardRefused for what no cmdlet can write."""
    if kept := kept_members(p, value):
        raise GuardRefused(f"no cmdlet can write {', '.join(kept)} ({p.name}): nothing is written instead of it")
    if isinstance(value, KeptPiece) or not is_understood(p, value):
        raise GuardRefused(f"no cmdlet can write {value or 'what the host had there'} ({p.name}): nothing is "
                           "written instead of it")
    if p.type.resolved_by_host == "interface":
        value = tuple(aliases.get(guid, guid) for guid in value)
    if (said := p.type.to_parameter(value)) is None:
        raise GuardRefused(f"no cmdlet takes {p.name} away again: nothing is written instead of it. Say what it should be")
    return said
