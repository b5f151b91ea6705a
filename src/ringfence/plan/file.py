"""Plan files: what was reviewed is what is applied. JSON, sorted, without secrets, with a format version."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringfence import __version__
from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.model.ledger import PRUNE_MODES
from ringfence.model.plain import resource_as_data
from ringfence.model.state import Change

PLAN_FORMAT = 1
OPTIONS = ("playbooks", "inventory", "limit", "tags", "skip_tags", "prune")  # how a plan was made: lists of texts
Reviewed = Sequence[Mapping[str, Any]]
"""The changes of one host as a plan file has them: what was agreed to."""


@dataclass(frozen=True)
class PlanFile:
    """A reviewed plan. `options`: how it was made, by OPTIONS; `hosts`: {name: changes}."""

    options: Mapping[str, Sequence[str]]
    hosts: Mapping[str, Reviewed] = field(default_factory=dict)
    created: str = ""

    def encode(self) -> str:
        """The file's text."""
        document = {"ringfence": __version__, "format": PLAN_FORMAT, "created": self.created, "options": dict(self.options),
                    "hosts": {name: list(self.hosts[name]) for name in sorted(self.hosts)}}
        return json.dumps(document, indent=1) + "\n"


def decode(text: str, file: str) -> PlanFile:
    """A plan from a file's text. Raises InputError."""
    try:
        document = _mapping("a plan", json.loads(text))
        if document["format"] != PLAN_FORMAT:
            raise ValueError(f"its format is {document['format']}, this version of ringfence reads {PLAN_FORMAT}")
        hosts = {str(h): _changes(changes) for h, changes in _mapping("hosts", document["hosts"]).items()}
        return PlanFile(decode_options(_mapping("options", document["options"])), hosts, str(document.get("created", "")))
    except (ValueError, KeyError, RecursionError) as error:
        problem = f"no {error} in it" if isinstance(error, KeyError) else str(error)
        raise InputError([Diagnostic(Where(file), f"not a plan file: {problem}",
                                     "make it with `ringfence plan -o FILE`")]) from None


def decode_options(told: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """How a plan was made. Raises ValueError, KeyError."""
    options: dict[str, Sequence[str]] = {
        name: _texts(name, told[name] if name != "prune" else told.get(name, [])) for name in OPTIONS}
    if set(options["prune"]) - set(PRUNE_MODES):
        raise ValueError(f"prune is one of {', '.join(PRUNE_MODES)}")
    return options


def _mapping(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is a mapping")
    return value


def _changes(changes: Any) -> list[dict[str, Any]]:
    if not isinstance(changes, list):
        raise ValueError("the changes of a host are a list")
    for change in changes:
        for name in ("action", "kind", "name"):
            if not isinstance(_mapping("a change", change)[name], str):
                raise ValueError(f"the {name} of a change is a text")
    return changes


def _texts(name: str, values: Any) -> list[str]:
    if not (isinstance(values, list) and all(isinstance(v, str) and "\0" not in v for v in values)):
        raise ValueError(f"{name} is a list of texts")
    return values


def stale(reviewed: Reviewed, changes: Sequence[Change]) -> str:
    """Why changes are not those that were agreed to, or nothing."""
    now, then = ({json.dumps(c, sort_keys=True): c for c in some} for some in (changes_as_data(changes), reviewed))
    new, gone = [now[c] for c in now if c not in then], [then[c] for c in then if c not in now]
    if not new and not gone:
        return ""
    named = {(c["kind"], c["name"]) for c in new}
    reasons = [f"it would now {c['action']} {c['kind']} {c['name']}" for c in new[:3]]
    reasons += [f"it was to {c['action']} {c['kind']} {c['name']}" for c in gone[:3] if (c["kind"], c["name"]) not in named]
    return f"the host or the project changed since the plan was made: {'; '.join(reasons)}. Make a new plan"


def changes_as_data(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Changes as plain JSON values, equal for equal changes; a secret shows only that it is there."""
    return [{"action": c.action, "store": c.id.store, "kind": c.id.kind, "name": c.resource.name,
             "before": resource_as_data(c.before), "after": resource_as_data(c.after), **({"why": c.why} if c.why else {})}
            for c in changes]
