"""Plan files: what was reviewed is what is applied. JSON, sorted, without secrets, with a format version."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringfence import __version__
from ringfence.errors import Diagnostic, InputError, Where
from ringfence.resource import Resource
from ringfence.secret import Secret
from ringfence.state import Change

FORMAT = 1


@dataclass(frozen=True)
class PlanFile:
    """A reviewed plan. `options`: how it was made (playbooks, inventory, limit, tags …); `hosts`: {name: changes}."""

    options: Mapping[str, Any]
    hosts: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    created: str = ""

    def encode(self) -> str:
        """The file's text."""
        said = {"ringfence": __version__, "format": FORMAT, "created": self.created, "options": dict(self.options),
                "hosts": {name: list(self.hosts[name]) for name in sorted(self.hosts)}}
        return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def decode(text: str, file: str) -> PlanFile:
    """A plan from a file's text. Raises InputError."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise ValueError(f"its format is {said['format']}, this version of ringfence reads {FORMAT}")
        hosts = {str(h): [dict(c) for c in changes] for h, changes in said["hosts"].items()}
        return PlanFile(dict(said["options"]), hosts, str(said.get("created", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = f"no {error} in it" if isinstance(error, KeyError) else str(error)
        raise InputError([Diagnostic(Where(file), f"not a plan file: {problem}",
                                     "make it with `ringfence plan -o FILE`")]) from None


def changes_as_data(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Changes as plain JSON values, equal for equal changes; a secret shows only that it is there."""
    return [{"action": c.action, "store": c.id.store, "kind": c.id.kind, "name": c.resource.name,
             "before": resource_as_data(c.before), "after": resource_as_data(c.after)} for c in changes]


def resource_as_data(resource: Resource | None) -> dict[str, Any] | None:
    """A resource's values that are not Windows' defaults, as plain JSON values."""
    if resource is None:
        return None
    values = {**resource.values(), "extra": resource.extra}
    default = {**resource.kind.defaults, "extra": ()}
    return {name: plain_data(value) for name, value in values.items() if value != default[name]}


def plain_data(value: Any) -> Any:
    """A canonical value as JSON has it."""
    if isinstance(value, Secret):
        return "********"
    if isinstance(value, tuple):
        return [plain_data(v) for v in value]
    if isinstance(value, Resource):
        return resource_as_data(value)
    if isinstance(value, Mapping):
        return {str(k): plain_data(v) for k, v in value.items()}
    return str(value) if isinstance(value, str) else value
