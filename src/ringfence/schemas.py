"""JSON Schemas of everything that people and programs write or read, made from the tables of the kinds. Pure.

They are for editors and for other programs. They describe the advised spelling, so they are a little stricter than
ringfence itself, which also takes `TCP`, `LocalSubnet4` or `"yes"` where one word is meant.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from ringfence.diagnostics import Severity
from ringfence.doctor.checks import CHECKS
from ringfence.doctor.examination import Level
from ringfence.errors import FAILURES
from ringfence.model.ledger import HEADER_VALUES, PRUNE_MODES, How
from ringfence.model.plain import plain_data
from ringfence.model.resource import Kind, Property
from ringfence.model.state import Action
from ringfence.plan.file import OPTIONS, PLAN_FORMAT
from ringfence.plan.obstacles import ALL_PROFILES, OBSTACLES, ObstacleLevel
from ringfence.report import Status
from ringfence.transports.way_in import WayIn
from ringfence.windows.origin import ORIGINS

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEMPLATE: Schema = {"type": "string", "pattern": "\\{\\{|\\{%"}
STRING: Schema = {"type": "string"}
NAMES: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "integer"]}}]}
EXPRESSION: Schema = {"anyOf": [{"type": ["string", "boolean"]}, {"type": "array", "items": {"type": ["string", "boolean"]}}]}
VARIABLE_MAP: Schema = {"type": ["object", "null"], "description": "Variables: names and values."}


def every(kinds: Mapping[str, Kind]) -> dict[str, Schema]:
    """All schemas by the names of their files."""
    found = {kind.name: _headed(f"The kind {kind.name}", kind_schema(kind)) for kind in kinds.values()}
    found |= {"playbook": playbook(kinds), "inventory": inventory(), "plan": plan_file(), "report": report(),
              "show": live_policy(), "examination": examination(), "ledger": ledger()}
    return {f"{name}.schema.json": schema for name, schema in sorted(found.items())}


def _headed(title: str, schema: Schema) -> Schema:
    return {"$schema": DRAFT, "title": title, **schema}


def _closed(properties: Schema, *required: str, **more: Any) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties, **more}


STATE = "Whether it is there; default: as Windows ships it on that host."


def kind_schema(kind: Kind) -> Schema:
    """The properties of one kind as a task has them."""
    key = kind.name_type.schema if kind.name_type else STRING
    properties: Schema = {kind.key: _templated({**key, "description": "Which one is meant."})}
    if kind.storage.removable:
        properties["state"] = {"enum": ["present", "absent", "default"], "default": "present", "description": STATE}
    else:
        properties["state"] = {"enum": ["present", "default"], "default": "present", "description": STATE}
    properties |= {p.name: _property(p, kind) for p in kind.properties.values()}
    named = [kind.key] if len(kind.storage.fixed_names) != 1 else []
    schema = _closed(properties, *named, description=kind.doc)
    if needed := [p.name for p in kind.properties.values() if p.required]:
        schema |= {"if": {"not": {"properties": {"state": {"enum": ["absent", "default"]}}, "required": ["state"]}},
                   "then": {"required": needed}}
    return schema


def _property(p: Property, kind: Kind) -> Schema:
    described: Schema = {**(_parts(p.proposal.kind) if p.proposal else p.type.schema), "description": p.doc}
    if kind.whole and not p.required and p.default is not None:
        described["default"] = plain_data(p.default)
    return _templated(described)


def _parts(kind: Kind) -> Schema:
    """An ordered list of parts, or one of them."""
    table = kind.properties.values()
    one = _closed({p.name: _property(p, kind) for p in table}, *(p.name for p in table if p.required))
    return {"anyOf": [{"type": "array", "minItems": 1, "items": {"anyOf": [one, TEMPLATE]}}, one]}


def _templated(schema: Schema) -> Schema:
    """What a value may be, or a template that gives it."""
    outside: Schema = {k: schema[k] for k in ("description", "default") if k in schema}
    inside = {k: v for k, v in schema.items() if k not in outside}
    return {"anyOf": [inside, TEMPLATE], **outside} if inside != STRING else {**inside, **outside}


def playbook(kinds: Mapping[str, Kind]) -> Schema:
    """A playbook: a list of plays and imports of playbooks."""
    shared: Schema = {"name": {**STRING, "description": "What it is for."}, "vars": VARIABLE_MAP,
                      "tags": {**NAMES, "description": "Words for --tags and --skip-tags."}}
    when: Schema = {"when": {**EXPRESSION, "description": "Only where this expression is true; a list means all of them."}}
    tasks: Schema = {"type": ["array", "null"], "items": {"$ref": "#/$defs/task"}}
    loops: Schema = {"loop": {"type": ["array", "string"], "description": "The task is declared once for each item."},
                     "with_items": {"type": ["array", "string"], "description": "As loop; lists in it are flattened."},
                     "loop_control": _closed({"loop_var": STRING, "index_var": STRING, "label": STRING})}
    treatment: Schema = {
        "omitted": {"enum": ["default", "keep"],
                    "description": "What is not mentioned has Windows' default, or what the host has."},
        "adopt": {"type": ["boolean", "string"],
                  "description": "An object that is not the project's may be taken over as declared."},
        "renamed_from": {**STRING, "description": "The name that the object had."}}
    resources: Schema = {name: {"$ref": f"#/$defs/kinds/{name}"} for name in sorted(kinds)}
    play = _closed({**shared, "hosts": {**NAMES, "description": "A pattern of hosts and groups: web:!staging."},
                    "vars_files": {"anyOf": [STRING, {"type": "array", "items": NAMES}],
                                   "description": "Files of variables; of a list inside, the first that exists."},
                    "prune": {"enum": list(PRUNE_MODES), "description": "What becomes of what the project had there and declares "
                              "no more."},
                    "gather_facts": {"type": "boolean", "description": "Taken for Ansible's sake; facts are always read."},
                    "tasks": tasks}, "hosts", description="What a group of hosts has.")
    imported = _closed({**shared, **when, "import_playbook": {**STRING, "description": "The path of another playbook."}},
                       "import_playbook")
    task = _closed({**shared, **when, **loops, **treatment, **resources}, oneOf=[{"required": [name]} for name in resources])
    block = _closed({**shared, **when, "block": tasks}, "block", description="Tasks that share tags, vars and conditions.")
    tasks_from = _closed({**shared, **when, "import_tasks": {**STRING, "description": "The path of a list of tasks."}},
                         "import_tasks")
    return _headed("A playbook of ringfence", {
        "type": "array", "items": {"if": {"required": ["import_playbook"]}, "then": imported, "else": play},
        "$defs": {"task": {"type": "object", "if": {"required": ["block"]}, "then": block, "else": {
            "if": {"required": ["import_tasks"]}, "then": tasks_from, "else": task}},
            "kinds": {name: kind_schema(kinds[name]) for name in sorted(kinds)}}})


def inventory() -> Schema:
    """An inventory in Ansible's YAML form."""
    hosts: Schema = {"anyOf": [{"type": ["string", "null"]}, {"type": "object", "additionalProperties": {
        "type": ["object", "null"], "description": "Variables of the host; ansible_host, ansible_connection …"}}]}
    group = {"type": ["object", "null"], "additionalProperties": False, "properties": {
        "hosts": {**hosts, "description": "Names, or ranges such as web[01:20], with their variables."},
        "vars": {**VARIABLE_MAP, "description": "Variables of every host in the group."},
        "children": {"type": ["object", "null"], "additionalProperties": {"$ref": "#/$defs/group"},
                     "description": "Groups inside of the group."}}}
    return _headed("An inventory, as Ansible has it", {
        "type": "object", "additionalProperties": {"$ref": "#/$defs/group"}, "$defs": {"group": group}})


def _change(**more: Schema) -> Schema:
    values: Schema = {"type": ["object", "null"], "description": "Every property that is not Windows' default; null: not there. "
                      "A secret shows only that it is there."}
    why: Schema = {**STRING, "description": "Whose it is, and why it is managed as it is."}
    return _closed({"action": {"enum": list(typing.get_args(Action))}, "store": STRING, "kind": STRING, "name": STRING,
                    "before": values, "after": values, "why": why, **more}, "action", "store", "kind", "name", "before", "after")


def plan_file() -> Schema:
    """A plan file, as `ringfence plan -o` writes it."""
    texts: Schema = {"type": "array", "items": STRING}
    options = _closed(dict.fromkeys(OPTIONS, texts), *OPTIONS, description="How the plan was made.")
    return _headed("A plan file of ringfence", _closed(
        {"ringfence": {**STRING, "description": "The version that wrote it."}, "format": {"const": PLAN_FORMAT},
         "created": {**STRING, "description": "When, in UTC."}, "options": options,
         "hosts": {"type": "object", "additionalProperties": {"type": "array", "items": {"$ref": "#/$defs/change"}}}},
        "ringfence", "format", "options", "hosts", **{"$defs": {"change": _change()}}))


def report() -> Schema:
    """What --output json writes of validate, plan, apply, drift and compare-defaults."""
    number: Schema = {"type": "integer", "minimum": 0}
    seconds: Schema = {"type": "number", "minimum": 0}
    found: Schema = {"type": "array", "items": {"$ref": "#/$defs/diagnostic"}}
    changes: Schema = {"type": "array", "items": {"$ref": "#/$defs/change"}}
    diagnostic = _closed({"severity": {"enum": list(typing.get_args(Severity))}, "file": {"type": ["string", "null"]},
                          "line": {"type": ["integer", "null"], "minimum": 1}, "summary": STRING, "detail": STRING,
                          "host": {"type": ["string", "null"]}},
                         "severity", "file", "line", "summary", "detail", "host")
    error: Schema = {"type": ["object", "null"], **{k: v for k, v in _closed(
        {"kind": {"enum": [*sorted(FAILURES), None]}, "message": STRING, "advice": STRING, "exit_code": number},
        "kind", "message", "advice", "exit_code").items() if k != "type"}}
    host = _closed(
        {
            "host": STRING,
            "status": {"enum": list(typing.get_args(Status))},
            "declared": {**number, "description": "Resources that the project declares for the host."},
            "changes": {**changes, "description": "What differed, in the order in which it is made."},
            "written": {
                "type": "array",
                "items": {"$ref": "#/$defs/id"},
                "description": "Those of the changes that were written.",
            },
            "remaining": {**changes, "description": "What still differed at the proof."},
            "error": {"$ref": "#/$defs/error"},
            "diagnostics": found,
            "obstacles": {"type": "array", "items": {"$ref": "#/$defs/obstacle"}},
            "shipped": {**number, "description": "compare-defaults: objects that ship with Windows there."},
            "connections": {**number, "description": "Connections that were opened."},
            "seconds": seconds,
        },
        "host",
        "status",
        "declared",
        "changes",
        "written",
        "remaining",
        "error",
        "diagnostics",
        "obstacles",
        "connections",
        "seconds",
    )
    summary = _closed({"hosts": {"type": "object", "additionalProperties": number, "description": "Hosts by status."},
                       "changes": number, "written": number, "seconds": seconds}, "hosts", "changes", "written", "seconds")
    return _headed("A report of ringfence", _closed(
        {"ringfence": STRING, "format": {"const": 1}, "command": {**STRING, "description": "validate, plan, apply, drift …"},
         "diagnostics": found, "hosts": {"type": "array", "items": {"$ref": "#/$defs/host"}}, "summary": summary,
         "error": {"$ref": "#/$defs/error"}, "exit_code": {"enum": [0, 1, 2, 3, 4, 5, 6]}},
        "ringfence", "format", "command", "diagnostics", "hosts", "summary", "error", "exit_code",
        **{"$defs": {"id": _closed({"store": STRING, "kind": STRING, "name": STRING}, "store", "kind", "name"),
                     "change": _change(origin=_origin()), "diagnostic": diagnostic, "error": error, "host": host,
                     "obstacle": _obstacle()}}))


def _obstacle() -> Schema:
    """What keeps objects out of force."""
    place = {"file": {"type": ["string", "null"]}, "line": {"type": ["integer", "null"], "minimum": 1}}
    one = _closed({"store": STRING, "kind": STRING, "name": STRING, **place}, "store", "kind", "name", *place)
    parts: Schema = {
        "level": {"enum": list(typing.get_args(ObstacleLevel)), "description": "not_in_force: in no profile that is active, or "
                  "not in one that the task names. unknown: what decides could not be read. note: worth knowing."},
        "obstacle": {"enum": list(OBSTACLES)}, "profiles": {"type": "array", "items": {"enum": list(ALL_PROFILES)}},
        "reason": STRING, "advice": STRING, "objects": {"type": "array", "items": one}}
    return _closed(parts, *parts, description="What keeps what is declared out of force.")


def live_policy() -> Schema:
    """What --output json writes of show: a report whose hosts have objects in place of changes."""
    number: Schema = {"type": "integer", "minimum": 0}
    nothing_or_text: Schema = {"type": ["string", "null"]}
    value = _closed({"store": STRING, "key": STRING, "name": STRING, "data": STRING, "legacy": nothing_or_text},
                    "store", "key", "name", "data", "legacy")
    one = _closed(
        {"store": STRING, "kind": STRING, "name": STRING, "origin": _origin(),
         "title": {**nothing_or_text, "description": "The display name, as the host shows it."},
         "values": {"type": "object", "description": "Every property that is not Windows' default."}},
        "store", "kind", "name", "title", "origin", "values")
    counted = _closed({"store": STRING, "kind": STRING, "origin": {"enum": list(ORIGINS)}, "objects": number},
                      "store", "kind", "origin", "objects")
    network = _closed({"interface": STRING, "category": nothing_or_text}, "interface", "category")
    made = report()
    host = made["$defs"]["host"]["properties"]
    shared = {name: host[name] for name in ("host", "status", "error", "diagnostics", "connections", "seconds")}
    own: Schema = {
        "build": number, "objects": {"type": "array", "items": one}, "counts": {"type": "array", "items": counted},
        "networks": {"type": "array", "items": network}, "registry_values": {"type": "array", "items": value},
        "told_by_cmdlets": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}}}
    made["$defs"]["host"] = _closed({**shared, **own}, *shared, description="Where the host could be read, with its policy.")
    return {**made, "title": "A host's policy, as ringfence show writes it"}


def _origin() -> Schema:
    """Whose an object is."""
    return _closed({"name": {"enum": list(ORIGINS)}, "of": {"type": ["string", "null"], "description": "Which package, owner or "
                    "file of a vendor."}}, "name", "of", description="compare-defaults: whose the object is.")


def ledger() -> Schema:
    """What --output json writes of ledger show: a report whose hosts have what their ledgers say in place of changes."""
    texts: Schema = {"type": "array", "items": STRING}
    whose = {"store": STRING, "kind": STRING, "name": STRING}
    told: dict[str, Schema] = {
        "how": {"enum": list(typing.get_args(How)), "description": "How the project came to it."},
        "run": {**STRING, "description": "The run that last wrote it."},
        "hash": {**STRING, "description": "The digest of the object as the project last wrote it; empty where it never did."},
        "pending": {**STRING, "description": "The digest of what a run began to write, and did not tell the end of."},
        "first": {"type": "object", "description": "The values found before the project, by property; never a secret."},
        "playbooks": {**texts, "description": "The files that declared it."},
        "there": {"type": "boolean", "description": "Whether the host has such an object."},
        "owned": {"type": "boolean", "description": "Whether the object counts as the project's."}}
    entry = {**whose, **told}
    other = {**whose, "project": {**STRING, "description": "The name of the project that owns it, and its id."}}
    said = {"header": _closed(dict.fromkeys(HEADER_VALUES, STRING), description="What the ledger says of itself."),
            "inherited_from": {"type": ["string", "null"], "description": "The machine whose image this one was made from."},
            "entries": {"type": "array", "items": _closed(entry, *entry)},
            "of_other_projects": {"type": "array", "items": _closed(other, *other)}}
    made = report()
    host = made["$defs"]["host"]["properties"]
    shared = {name: host[name] for name in ("host", "status", "error", "diagnostics", "connections", "seconds")}
    made["$defs"]["host"] = _closed({**shared, "ledger": _closed(said, *said)}, *shared,
                                    description="Where the ledger could be read, with what it says.")
    return {**made, "title": "What projects own on hosts, as ringfence ledger show writes it"}


def examination() -> Schema:
    """What --output json writes of ping and doctor: a report whose hosts hold what was seen of them."""
    told: Schema = {"type": ["object", "null"], "description": "As the host said it; null where it was not reached."}
    parts: Schema = {"check": {"enum": [c.name for c in CHECKS]}, "level": {"enum": list(typing.get_args(Level))},
                     "found": STRING, "advice": STRING, "kind": {"enum": [*sorted(FAILURES), ""]}}
    check = _closed(parts, *parts)
    way = _closed({f.name: {"type": "integer" if f.name == "port" else "string"} for f in dataclasses.fields(WayIn)},
                  *(f.name for f in dataclasses.fields(WayIn)))
    seen = {"way_in": way, "facts": told, "session": told, "surroundings": told, "conditions": told,
            "checks": {"type": "array", "items": check}}
    frame = report()
    same = {name: frame["$defs"]["host"]["properties"][name] for name in ("host", "status", "error", "connections", "seconds")}
    host = _closed({**same, **seen}, *same, *seen)
    return {**frame, "title": "What ringfence saw of hosts", "$defs": {**frame["$defs"], "host": host}}
