"""The values of one task in their canonical form: what it is about, and what it says of that. Mistakes go to `mistakes`."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ringfence.diagnostics import MAX_PROBLEMS, Finding, suggest
from ringfence.documents.yaml import Map
from ringfence.model.resource import Kind
from ringfence.project.secrets_in_tasks import in_clear, shown_secret
from ringfence.project.treatment import TaskMistakes
from ringfence.secret import contains_secret, opened
from ringfence.types import foreign_words
from ringfence.types.base import SECRET, as_text, fold, quoted

MAX_ALLOWED = 150  # characters of what is allowed, beside a mistake
STATES = ("present", "absent", "default")


def names_of(mistakes: TaskMistakes) -> tuple[str, ...]:
    """The names of the resources that the task is about."""
    kind, task = mistakes.kind, mistakes.task
    if kind.key not in task.properties and len(kind.storage.fixed_names) == 1:  # every host has one, and no other
        return kind.storage.fixed_names
    if kind.key not in task.properties:
        shown = task.properties.get("display_name")
        looked_up = f"; `ringfence show HOST --name {quoted(shown)}` tells who has a display name" if shown else ""
        mistakes.add(Finding(kind.key, f"{kind.key} is missing", f"it says which one is meant{looked_up}"))
        return ()
    value = task.properties[kind.key]
    if contains_secret(value):
        mistakes.add(shown_secret(kind.key, value))
        return ()
    try:
        found = kind.name_type.parse(value) if kind.name_type else as_text(value)
    except ValueError as error:
        mistakes.add(Finding(kind.key, f"{kind.key}: {error}"))
        return ()
    if found == ():  # any, all: each that there is
        return kind.storage.fixed_names
    return (found,) if isinstance(found, str) else tuple(found)


def state_of(mistakes: TaskMistakes) -> str:
    """What the task wants of its resources: one of STATES."""
    state = mistakes.task.properties.get("state", "present")
    if contains_secret(state):
        mistakes.add(shown_secret("state", state))
        return "present"
    if state not in STATES:
        known = foreign_words.VALUES["state"].get(fold(str(state)), "")
        mistakes.add(Finding("state", f"state: {quoted(state)} is neither present nor absent nor default", known))
    return str(state) if state in STATES else "present"


def values_of(mistakes: TaskMistakes) -> dict[str, Any]:
    """The canonical values of the properties that are right."""
    kind, task, found = mistakes.kind, mistakes.task, {}
    disguised = task.raw.disguised if isinstance(task.raw, Map) else ()
    for name, value in task.raw.items():
        if name in disguised:
            mistakes.add(Finding(name, f"{name}: YAML reads what is written here as {quoted(value)}",
                                 "write it in quotes if it is meant as it stands (names keep their zeros), or as a plain number"))
            continue
        if name in (kind.key, "state"):
            continue
        if len(mistakes.found) > MAX_PROBLEMS:  # more than is told
            break
        p = kind.properties.get(name)
        if p is None:
            mistakes.add(_unknown_property(kind, name, value))
        elif name in task.properties:
            told = task.properties[name]
            if contains_secret(told) and p.type is not SECRET and not p.proposal:
                mistakes.add(shown_secret(name, told))
                continue
            try:
                found[name] = p.parse(opened(told) if p.proposal else told)
            except ValueError as error:
                allowed = (f"allowed: {p.type.name}" if len(p.type.name) <= MAX_ALLOWED else
                           f"see `ringfence doc {kind.name} {p.name}`")
                written = "; ".join(dict.fromkeys(_templates(task.raw[name])))
                mistakes.add(Finding(name, f"{name}: {error}", allowed + (f"; the value came from {written}" if written else "")))
            for secret in in_clear(p, task.raw.get(name)) if p.type is SECRET or p.proposal else ():
                mistakes.add(Finding(name, f"{secret} stands in clear text in the play", "take it from a vaulted value (!vault) "
                                     "or from the environment: \"{{ lookup('env', 'NAME') }}\"", "warning"))
    return found


def _unknown_property(kind: Kind, name: Any, value: Any) -> Finding:
    """`name` may be anything that is a key in YAML."""
    foreign = foreign_words.property_of(kind.name, str(name))
    alike = suggest(name, (kind.key, "state", *kind.properties), "; ") if isinstance(name, str) else ""
    hint = f"; {foreign}" if foreign else alike
    comma = f"if it belongs to the value before it, inside of {{ }} write [a, {name}]; " if value is None else ""
    return Finding(name, f"unknown property {quoted(name)}{hint}", f"{comma}see `ringfence doc {kind.name}`")


def _templates(raw: Any) -> Iterator[str]:
    """The templates in what is written, as a message shows them."""
    if isinstance(raw, str):
        yield from [quoted(raw)] if "{{" in raw else []
    elif isinstance(raw, Mapping | list | tuple):
        for one in islice(raw.values() if isinstance(raw, Mapping) else raw, 5):
            yield from _templates(one)
