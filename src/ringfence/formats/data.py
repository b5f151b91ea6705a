"""Results as plain JSON values. Members are never removed and never get another type within one major version."""

import hashlib
import json
from collections import deque
from collections.abc import Hashable, Iterable
from functools import cache
from itertools import repeat
from operator import is_
from typing import TYPE_CHECKING, Any, cast

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import HostError, RingfenceError
from ringfence.model.plain import plain_data, resource_as_data
from ringfence.model.state import Change, Id, TaskLabel

if TYPE_CHECKING:  # of results, which not all that writes JSON has
    from ringfence.plan.obstacles import Obstacle
    from ringfence.plan.plan import Orphan
    from ringfence.report import HostResult
    from ringfence.windows.attribution import Attribution

FORMAT_VERSION = "1.0"
"""Of documents, events and journals: the minor grows when members are added, the major when one changes."""

MAX_KNOWN = 8_000_000  # characters of changes whose references are remembered
_VARIANTS = 4  # of an object, that are remembered
_LONG = 10_000  # characters of a change that is not

_HOSTS = 32  # hosts whose changes are asked for again: those that are worked on
_SAID = {(made, proven): f'"planned":true,"made":{str(made).lower()},"proven":{str(proven).lower()}'
         for made in (False, True) for proven in (False, True)}
_FLAG = ("false", "true")
_encoder = json.JSONEncoder(separators=(",", ":"))  # making one takes longer than most values


def encode(value: Any) -> str:
    """Plain values as JSON on one line, in ASCII: it survives every encoding and no terminal obeys it."""
    return _encoder.encode(value)


def place_data(where: Where) -> dict[str, Any]:
    """A place; null where there is none."""
    return {"file": where.file or None, "line": where.line or None}


def label_data(label: TaskLabel) -> dict[str, Any]:
    """What a task is known by, beside its place."""
    return {"play": label.play or None, "task": label.task or None, "tags": label.tags, "expires": label.expires or None,
            "expires_on_host": label.expires_on_host, "ticket": label.ticket or None}


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


def obstacle_data(one: "Obstacle") -> dict[str, Any]:
    """What keeps objects out of force; `obstacle` is a row of plan.obstacles.OBSTACLES."""
    objects = [{"store": a.id.store, "kind": a.id.kind, "name": a.name, **place_data(a.where)} for a in one.objects]
    return {"level": one.level, "obstacle": one.reason.obstacle, "profiles": list(one.profiles), "reason": one.reason.text,
            "advice": one.reason.advice, "objects": objects}


def orphan_data(one: "Orphan") -> dict[str, Any]:
    """What the project has on a host and declares no more."""
    return {"store": one.id.store, "kind": one.id.kind, "name": one.resource.name, "how": one.how, "run": one.run,
            "why": one.why, "expires": one.expires or None, "ticket": one.ticket or None,
            "found": resource_as_data(one.resource)}


@cache
def _defaults(sort: Any) -> dict[str, str]:
    """{property: a member of a JSON object with its default} of a class of resources."""
    return {name: f"{encode(name)}:{encode(plain_data(value))}" for name, value in sort.kind.defaults.items()}


def change_text(change: Change) -> str:
    """One change as JSON, whole. `before` and `after` have what is not Windows' default, `defaults` the rest; a secret shows only
    that it is there."""
    before, after = resource_as_data(change.before), resource_as_data(change.after)
    label, resource, where = change.label, change.resource, change.where
    name = change.before.name if change.before is not None else resource.name
    said = [side for side in (before, after) if side is not None]
    told_twice = said[0].keys() & said[-1].keys()
    silent = ",".join([text for name, text in _defaults(cast(Hashable, type(resource))).items() if name not in told_twice])
    changed = [*said[0]] if len(said) == 1 else [*change.properties()]
    told = {"id": {"store": change.id.store, "kind": change.id.kind, "name": name}, "action": change.action, "before": before,
            "after": after, "changed": changed, "new_name": resource.name if change.action == "rename" else None,
            "owner": change.owner or None, "ledger": None if change.ledger is None else json.loads(change.ledger or "{}"),
            "why": change.why,
            "source": {**place_data(where), **label_data(label)}}
    return f'{encode(told)[:-1]},"defaults":{{{silent}}}}}'


class Definitions:
    """The distinct changes that were referred to so far. Equal changes are referred to by the same, in every run."""

    def __init__(self) -> None:
        self._written: set[str] = set()
        self._new: dict[str, str] = {}
        self._known: dict[Id, deque[tuple[Change, str]]] = {}  # a fleet repeats itself, in a few variants of each object
        self._of_hosts: dict[str, tuple[tuple[Change, ...], list[str]]] = {}
        self._size = 0  # characters of what is known, which hold about as much memory as the changes themselves

    def refer(self, change: Change) -> str:
        """What a change is referred to by."""
        variants = self._known.setdefault(change.id, deque(maxlen=_VARIANTS))
        for known, key in variants:
            if known == change:
                return key
        text = change_text(change)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        if key not in self._written:
            self._written.add(key)
            self._new[key] = text
        if len(text) < _LONG:
            if self._size > MAX_KNOWN:
                self._known, self._size = {change.id: variants}, 0
            variants.appendleft((change, key))
            self._size += len(text)
        return key

    def refer_all(self, host: str, changes: tuple[Change, ...]) -> list[str]:
        """What the changes of a host are referred to by; the same ones are asked for several times while it is worked on."""
        before, keys = self._of_hosts.get(host, ((), []))
        if len(before) != len(changes) or not all(map(is_, before, changes)):
            keys = [self.refer(c) for c in changes]
            if len(self._of_hosts) >= _HOSTS:
                del self._of_hosts[next(iter(self._of_hosts))]
            self._of_hosts[host] = changes, keys
        return keys

    def new(self) -> dict[str, str]:
        """Those, as JSON, that nobody has asked for yet."""
        new, self._new = self._new, {}
        return new


def definitions_text(found: dict[str, str]) -> str:
    """Definitions as a JSON object."""
    return "{" + ",".join(f'"{key}":{text}' for key, text in found.items()) + "}"


def host_data(result: "HostResult") -> dict[str, Any]:
    """What became of one host, but for its changes."""
    data = {**host_head(result), "declared": result.declared, "undeclared": result.undeclared,
            "obstacles": [obstacle_data(o) for o in result.obstacles], "way_back": result.way_back,
            "gone": [orphan_data(o) for o in result.orphans]}
    if result.changed_by is not None:
        names = {c.id: (c.before or c.resource).name for c in result.changes}
        data["changed_by"] = [attribution_data(id, names.get(id, id.name), one) for id, one in result.changed_by.items()]
    return data


def attribution_data(id: Id, name: str, one: "Attribution") -> dict[str, Any]:
    """Who changed an object, as far as events tell."""
    event = one.event and {"id": one.event.id, "time": f"{one.event.time:%Y-%m-%dT%H:%M:%SZ}", "deed": one.deed,
                           "user": one.event.user or None, "account": one.event.account or None,
                           "program": one.event.program or None, "like_ringfence": one.like_ringfence}
    return {"store": id.store, "kind": id.kind, "name": name, "event": event, "earlier": one.earlier, "last_run": one.run or None,
            "unknown": one.unknown or None}


def host_text(result: "HostResult", definitions: Definitions) -> str:
    """What became of one host as JSON; its changes refer to definitions."""
    changes, planned = ",".join(references(result, definitions)), {c.id for c in result.changes} if result.remaining else ()
    remaining = ",".join([f'{{"definition":"{definitions.refer(c)}","planned":{_FLAG[c.id in planned]},"made":'
                          f'{_FLAG[c.id in result.written]},"proven":false}}' for c in result.remaining])
    return f'{encode(host_data(result))[:-1]},"changes":[{changes}],"remaining":[{remaining}]}}'


def references(result: "HostResult", definitions: Definitions) -> list[str]:
    """What a document says of each change of a host, as JSON. (Texts, for there are many of them.)"""
    keys = definitions.refer_all(result.host, result.changes)
    return [f'{{"definition":"{key}",{said}}}' for key, said in zip(keys, _became(result), strict=False)]


def _became(result: "HostResult") -> Iterable[str]:
    """What became of each change; mostly the same of all."""
    made, proven = result.written, result.proven
    if not made or (len(made) == len(result.changes) and proven in (frozenset(), made)):
        return repeat(_SAID[bool(made), bool(proven)])
    return (_SAID[c.id in made, c.id in proven] for c in result.changes)


def host_head(result: "HostResult") -> dict[str, Any]:
    """What every host says, whatever the command."""
    return {"host": result.host, "status": result.status, "error": error_data(result.error),
            "diagnostics": [diagnostic_data(d) for d in result.diagnostics], "connections": result.connections,
            "seconds": result.seconds}
