"""JSON Schemas of everything that people and programs write or read, made from the tables of the kinds. Pure.

They are for editors and for other programs. They describe the advised spelling, so they are a little stricter than
ringfence itself, which also takes `TCP`, `LocalSubnet4` or `"yes"` where one word is meant.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.formats import document_schemas
from ringfence.formats.document_schemas import STRING, Schema
from ringfence.model.plain import plain_data
from ringfence.model.resource import Kind, Property
from ringfence.rollout.rollout_policy import ROLLOUT_KEYS
from ringfence.run_settings import PROJECT_KEYS, SETTINGS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEMPLATE: Schema = {"type": "string", "pattern": "\\{\\{|\\{%"}
NAMES: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "integer"]}}]}
EXPRESSION: Schema = {"anyOf": [{"type": ["string", "boolean"]}, {"type": "array", "items": {"type": ["string", "boolean"]}}]}
VARIABLE_MAP: Schema = {"type": ["object", "null"], "description": "Variables: names and values."}


def every(kinds: Mapping[str, Kind]) -> dict[str, Schema]:
    """All schemas by the names of their files."""
    found = {kind.name: _headed(f"The kind {kind.name}", kind_schema(kind)) for kind in kinds.values()}
    found |= {"playbook": playbook(kinds), "inventory": inventory(), "settings": settings()}
    found |= {name: _headed(title, schema) for name, (title, schema) in document_schemas.every().items()}
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
    properties |= {p.name: property_schema(p, kind) for p in kind.properties.values()}
    named = [kind.key] if len(kind.storage.fixed_names) != 1 else []
    schema = _closed(properties, *named, description=kind.doc)
    if needed := [p.name for p in kind.properties.values() if p.required]:
        schema |= {"if": {"not": {"properties": {"state": {"enum": ["absent", "default"]}}, "required": ["state"]}},
                   "then": {"required": needed}}
    return schema


def property_schema(p: Property, kind: Kind) -> Schema:
    """One property as a task, or a proposal, has it."""
    described: Schema = {**(_parts(p.proposal.kind) if p.proposal else p.type.schema), "description": p.doc}
    if kind.whole and not p.required and p.default is not None:
        described["default"] = plain_data(p.default)
    return _templated(described)


def _parts(kind: Kind) -> Schema:
    """An ordered list of parts, or one of them."""
    table = kind.properties.values()
    one = _closed({p.name: property_schema(p, kind) for p in table}, *(p.name for p in table if p.required))
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
                     "loop_control": _closed({"loop_var": STRING, "index_var": STRING, "label": STRING,
                                              "extended": {"type": "boolean"}, "extended_allitems": {"type": "boolean"}})}
    treatment: Schema = {
        "omitted": {"enum": ["default", "keep"],
                    "description": "What is not mentioned has Windows' default, or what the host has."},
        "adopt": {"type": ["boolean", "string"],
                  "description": "An object that is not the project's may be taken over as declared."},
        "renamed_from": {**STRING, "description": "The name that the object had."},
        "expires": {**STRING, "description": "From this moment on the object is declared absent: RFC 3339 with Z or an offset, "
                    "or a date for the end of that day in UTC."},
        "expires_on_host": {"type": ["boolean", "string"], "description": "The host then removes the rule by itself, too."},
        "ticket": {"type": ["string", "integer"], "description": "What it was asked for by; shown wherever the object is."}}
    resources: Schema = {name: {"$ref": f"#/$defs/kinds/{name}"} for name in sorted(kinds)}
    play = _closed({**shared, "hosts": {**NAMES, "description": "A pattern of hosts and groups: web:!staging."},
                    "vars_files": {"anyOf": [STRING, {"type": "array", "items": NAMES}],
                                   "description": "Files of variables; of a list inside, the first that exists."},
                    "roles": {"type": ["array", "null"], "items": {"type": ["string", "object"]},
                              "description": "Roles that declare a state, each by its name, or with `role`, vars, tags, when."},
                    **{key: {**SETTINGS[key].schema, "description": SETTINGS[key].meaning} for key in
                       ("prune", "revert_after", *ROLLOUT_KEYS, "window")},
                    "gather_facts": {"type": "boolean", "description": "Taken for Ansible's sake; facts are always read."},
                    "tasks": tasks}, "hosts", description="What a group of hosts has.")
    imported = _closed({**shared, **when, "import_playbook": {**STRING, "description": "The path of another playbook."}},
                       "import_playbook")
    own: Schema = {**loops, **treatment, **resources}
    block: Schema = {"block": {**tasks, "description": "Tasks that share tags, vars and conditions."}}
    tasks_from: Schema = {"import_tasks": {**STRING, "description": "The path of a list of tasks."}}
    tasks_from["import_role"] = {"type": ["string", "object"], "description": "A role that declares a state."}
    more: Schema = {"include_vars": {"type": ["string", "object"], "description": "A file of variables, for the tasks after it."},
                    "assert": {"type": "object", "required": ["that"], "description": "What has to be so of the variables."}}
    words = [*resources, *block, *tasks_from, *more]
    one: list[Schema] = [{"required": [word]} for word in words]
    # nothing has a property of that name: editors show it as what is missing, and offer the words themselves
    missing: Schema = {"required": [f"one of {', '.join(words)}"]}
    allowed: Schema = {**shared, **when, **own, **block, **tasks_from, **more}
    task = _closed(allowed, description="A resource that hosts have; or tasks.", allOf=[
        {"if": {"anyOf": one}, "then": {"oneOf": one}, "else": missing},
        {"if": {"anyOf": [{"required": [word]} for word in (*block, *tasks_from)]},
         "then": {"propertyNames": {"enum": [*shared, *when, *block, *tasks_from]}}}])
    return _headed("A playbook of ringfence", {
        "type": "array", "items": {"if": {"required": ["import_playbook"]}, "then": imported, "else": play},
        "$defs": {"task": task, "kinds": {name: kind_schema(kinds[name]) for name in sorted(kinds)}}})


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


def settings() -> Schema:
    """A ringfence.yml."""
    keys: Schema = {name: {**key.schema, "description": key.meaning} for name, key in PROJECT_KEYS.items()}
    for row in SETTINGS.values():
        if row.from_project:
            default = f" Default: {row.shown_default}." if row.shown_default else ""
            keys[row.name] = {**row.schema, "description": f"{row.meaning}{default}"}
    return _headed("A ringfence.yml", {**_closed(keys), "type": ["object", "null"]})
