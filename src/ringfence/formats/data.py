"""Results as plain JSON values. Members are never removed and never get another type within one major version."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import HostError, RingfenceError
from ringfence.model.plain import plain_data, resource_as_data
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id
from ringfence.plan.obstacles import Obstacle
from ringfence.report import HostResult
from ringfence.types.base import remembered

FORMAT_VERSION = "1.0"
"""Of documents, events and journals: the minor grows when members are added, the major when one changes."""


def encode(value: Any) -> str:
    """Plain values as JSON on one line, in ASCII: it survives every encoding and no terminal obeys it."""
    return json.dumps(value, separators=(",", ":"))


def place_data(where: Where) -> dict[str, Any]:
    """A place; null where there is none."""
    return {"file": where.file or None, "line": where.line or None}


def diagnostic_data(problem: Diagnostic) -> dict[str, Any]:
    """A mistake or warning."""
    return {"severity": problem.severity, **place_data(problem.where), "summary": problem.summary, "detail": problem.detail,
            "host": problem.host or None}


def error_data(problem: RingfenceError | None) -> dict[str, Any] | None:
    """An error; `kind` is a row of errors.FAILURES, or null."""
    if problem is None:
        return None
    kind, message, advice = ((problem.kind, problem.reason, problem.advice) if isinstance(problem, HostError)
                             else (None, str(problem), ""))
    return {"kind": kind, "message": message, "advice": advice, "exit_code": problem.exit_code}


def obstacle_data(one: Obstacle) -> dict[str, Any]:
    """What keeps objects out of force; `obstacle` is a row of plan.obstacles.OBSTACLES."""
    objects = [{"store": a.id.store, "kind": a.id.kind, "name": a.name, **place_data(a.where)} for a in one.objects]
    return {"level": one.level, "obstacle": one.reason.obstacle, "profiles": list(one.profiles), "reason": one.reason.text,
            "advice": one.reason.advice, "objects": objects}


def id_data(id: Id, resource: Resource) -> dict[str, str]:
    """What an object is known by, its name in the letters that somebody wrote."""
    return {"store": id.store, "kind": id.kind, "name": resource.name}


def change_data(change: Change) -> dict[str, Any]:
    """One change, whole. `before` and `after` have what is not Windows' default, `defaults` the rest; a secret shows only that
    it is there."""
    before, after = resource_as_data(change.before), resource_as_data(change.after)
    known = change.resource.kind.defaults
    silent = [name for name in known if any(side is not None and name not in side for side in (before, after))]
    label = change.label
    source = {**place_data(change.where), "play": label.play or None, "task": label.task or None, "tags": list(label.tags)}
    name = change.before.name if change.before is not None else change.resource.name
    return {"id": {"store": change.id.store, "kind": change.id.kind, "name": name}, "action": change.action, "before": before,
            "after": after, "changed": list(change.properties()), "defaults": {name: plain_data(known[name]) for name in silent},
            "new_name": change.resource.name if change.action == "rename" else None, "owner": change.owner or None,
            "why": change.why, "source": source}


def _size(change: Change) -> int:
    values = [v for r in (change.before, change.after) if r is not None for v in r.values().values()]
    return sum(len(v) if isinstance(v, str) else 50 * len(v) for v in values if isinstance(v, str | tuple))


@remembered(4096, 4000, _size)  # a fleet repeats itself
def definition(change: Change) -> tuple[str, str]:
    """A change as JSON, and what it is referred to by: equal changes have the same, in every run."""
    text = encode(change_data(change))
    return hashlib.sha256(text.encode()).hexdigest()[:16], text


class Definitions:
    """The distinct changes that were referred to so far."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._new: dict[str, str] = {}

    def refer(self, change: Change) -> str:
        """What a change is referred to by."""
        key, text = definition(change)
        if key not in self._known:
            self._known.add(key)
            self._new[key] = text
        return key

    def new(self) -> dict[str, str]:
        """Those, as JSON, that nobody has asked for yet."""
        new, self._new = self._new, {}
        return new


def definitions_text(found: dict[str, str]) -> str:
    """Definitions as a JSON object."""
    return "{" + ",".join(f'"{key}":{text}' for key, text in found.items()) + "}"


def host_data(result: HostResult, definitions: Definitions) -> dict[str, Any]:
    """What became of one host; its changes refer to definitions."""

    def changes(found: Iterable[Change]) -> list[dict[str, Any]]:
        return [{"definition": definitions.refer(c), "planned": c.id in planned, "made": c.id in result.written,
                 "proven": c.id in result.proven} for c in found]

    planned = {c.id for c in result.changes}
    return {**host_head(result), "declared": result.declared, "undeclared": result.undeclared,
            "changes": changes(result.changes), "remaining": changes(result.remaining),
            "obstacles": [obstacle_data(o) for o in result.obstacles], "way_back": list(result.way_back)}


def host_head(result: HostResult) -> dict[str, Any]:
    """What every host says, whatever the command."""
    return {"host": result.host, "status": result.status, "error": error_data(result.error),
            "diagnostics": [diagnostic_data(d) for d in result.diagnostics], "connections": result.connections,
            "seconds": result.seconds}
