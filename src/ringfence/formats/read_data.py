"""What data.py makes of results, read again: changes, obstacles and errors as values. Raises ValueError and KeyError for what is
none of these; what a later minor version adds is passed over."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Severity, Where
from ringfence.errors import FAILURES, GuardRefused, HostError, RingfenceError, Unreachable
from ringfence.model.plain import plain_data, resource_from_data
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import Action, Change, Id, TaskLabel
from ringfence.plan.obstacles import Affected, Obstacle, ObstacleLevel, Reason
from ringfence.report import Status


def mapping_in(value: Any, what: str) -> dict[str, Any]:
    """A value that has to be a mapping."""
    if not isinstance(value, dict):
        raise ValueError(f"{what} is a mapping")
    return value


def list_in(data: Mapping[str, Any], name: str) -> list[Any]:
    """A member that has to be a list."""
    if not isinstance(value := data[name], list):
        raise ValueError(f"{name} is a list")
    return value


def text_in(data: Mapping[str, Any], name: str) -> str:
    """A member that has to be a text."""
    if not isinstance(value := data[name], str):
        raise ValueError(f"{name} is a text")
    return value


def texts_in(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A member that has to be a list of texts."""
    found = data[name]
    if not (isinstance(found, list) and all(isinstance(v, str) and "\0" not in v for v in found)):
        raise ValueError(f"{name} is a list of texts")
    return tuple(found)


def number_in(data: Mapping[str, Any], name: str) -> int:
    """A member that has to be a number and no less than 0."""
    if not (type(value := data[name]) is int and 0 <= value < 2**53):
        raise ValueError(f"{name} is a number")
    return value


def one_of(data: Mapping[str, Any], name: str, words: Any) -> Any:
    """A member that has to be one of the words of a Literal."""
    if (value := text_in(data, name)) not in get_args(words):
        raise ValueError(f"{name} is one of {', '.join(get_args(words))}")
    return value


def _text(data: Mapping[str, Any], name: str) -> str:
    """A member that is a text or null."""
    return "" if data[name] is None else text_in(data, name)


def place_from_data(data: Mapping[str, Any]) -> Where:
    """The place that `place_data` tells."""
    return Where(_text(data, "file"), 0 if data["line"] is None else number_in(data, "line"))


def diagnostic_from_data(data: Any) -> Diagnostic:
    """What `diagnostic_data` tells."""
    told = mapping_in(data, "a diagnostic")
    return Diagnostic(
        place_from_data(told),
        text_in(told, "summary"),
        text_in(told, "detail"),
        one_of(told, "severity", Severity),
        _text(told, "host"),
    )


def change_from_data(data: Any, kinds: Mapping[str, Kind]) -> Change:
    """The change that `change_text` tells. Of kinds that are not known nothing can be said."""
    told = mapping_in(data, "a change")
    known_by = mapping_in(told["id"], "the id of a change")
    kind, name, action = kinds.get(text_in(known_by, "kind")), text_in(known_by, "name"), one_of(told, "action", Action)
    if kind is None:
        raise ValueError(f"the kind {known_by['kind'][:100]} is not known here")
    before = None if told["before"] is None else resource_from_data(kind, name, mapping_in(told["before"], "before"))
    after = (
        None
        if told["after"] is None
        else resource_from_data(kind, _text(told, "new_name") or name, mapping_in(told["after"], "after"))
    )
    if before is None and after is None:
        raise ValueError("a change has a before or an after")
    if before is not None and after is not None:
        after = _with_same_secrets(before, after, texts_in(told, "changed"))
    source = mapping_in(told["source"], "the source of a change")
    label = _label(source)
    id = Id(text_in(known_by, "store"), kind.name, name.lower())
    found = Change(id, before, after, place_from_data(source), None, text_in(told, "why"), _text(told, "owner"), label,
                   _remembered(told.get("ledger")))
    if action != found.action:
        if action in ("create", "update", "remove"):
            raise ValueError(f"a change to {action} is not what its before and after say")
        found = replace(found, as_action=action)
    return found


def _remembered(said: Any) -> str | None:
    """What a ledger said of an object; None where it is not told: earlier versions did not."""
    if not isinstance(said, dict):
        return None
    return json.dumps(said, separators=(",", ":")) if said else ""


def _label(source: Mapping[str, Any]) -> TaskLabel:
    """The label that `label_data` tells; earlier versions told neither when a task expires nor its ticket."""
    later = {"expires": None, "ticket": None, **source}
    return TaskLabel(_text(source, "play"), _text(source, "task"), texts_in(source, "tags"), _text(later, "expires"),
                     _text(later, "ticket"), source.get("expires_on_host") is True)


def _with_same_secrets(before: Resource, after: Resource, changed: tuple[str, ...]) -> Resource:
    """`after`, whose secrets are those of `before` where they are told to be the same: they show nothing to compare."""
    same = {
        name: value
        for name, value in before.values().items()
        if name not in changed and getattr(after, name) != value and plain_data(getattr(after, name)) == plain_data(value)
    }
    return after.replace(**same) if same else after


def obstacle_from_data(data: Any) -> Obstacle:
    """The obstacle that `obstacle_data` tells."""
    told = mapping_in(data, "an obstacle")
    objects = [mapping_in(one, "an object") for one in list_in(told, "objects")]
    affected = tuple(
        Affected(Id(text_in(o, "store"), text_in(o, "kind"), text_in(o, "name").lower()), o["name"], place_from_data(o))
        for o in objects
    )
    reason = Reason(text_in(told, "obstacle"), text_in(told, "reason"), text_in(told, "advice"))
    return Obstacle(one_of(told, "level", ObstacleLevel), reason, texts_in(told, "profiles"), affected)


def error_from_data(data: Any, status: Status) -> RingfenceError | None:
    """The error that `error_data` tells, of a host with this status."""
    if data is None:
        return None
    told = mapping_in(data, "an error")
    kind, message = _text(told, "kind"), text_in(told, "message")
    if kind not in FAILURES:
        return GuardRefused(message) if status == "refused" else InputError([Diagnostic(NOWHERE, message)])
    detail = message.removeprefix(FAILURES[kind][0]).removeprefix(": ")
    return (Unreachable if status == "unreachable" else HostError)(kind, detail)
