"""JSON Schemas of what ringfence writes for programs. They are open: readers ignore members that they do not know, since later
minors add some. (Tests close them.)"""

import dataclasses
import typing
from typing import Any

from ringfence.diagnostics import Severity
from ringfence.doctor.checks import CHECKS
from ringfence.doctor.examination import Level
from ringfence.errors import FAILURES, ExitCode
from ringfence.formats.events import EVENTS
from ringfence.formats.plan_file import MACHINE_PARTS, OPTIONS, TARGET_PARTS
from ringfence.model.ledger import HEADER_VALUES, How
from ringfence.model.state import Action
from ringfence.plan.obstacles import OBSTACLES, ObstacleLevel
from ringfence.policy.flow_verdict import REASONS, FlowAction
from ringfence.policy.place import ALL_PROFILES
from ringfence.report import Status
from ringfence.transports.way_in import WayIn
from ringfence.windows.origin import ORIGINS
from ringfence.windows.policy_events import Deed

Schema = dict[str, Any]
STRING: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "integer", "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": STRING}
MOMENT: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339, in UTC."}
SAID_VALUES: Schema = {"type": "object", "description": "Values of properties, in their canonical form. A secret shows only that "
                       "it is there."}
PLACE: dict[str, Schema] = {"file": TEXT_OR_NULL, "line": {"type": ["integer", "null"], "minimum": 1}}
IDENTITY: dict[str, Schema] = {"store": STRING, "kind": STRING, "name": STRING}


def every() -> dict[str, tuple[str, Schema]]:
    """{name of the file: (title, schema)} of the documents and events."""
    host = _host()
    return {
        "document": ("What every command writes with --output json", _document({"type": ["object", "null"]})),
        "report": ("What plan, apply, drift and compare-defaults write of hosts with --output json", _run(
            host, plan={"type": "object", "description": "How the plan file was made that is shown."},
            waves={"type": "array", "items": _wave(), "description": "Of apply, where there are several."},
            stopped={**STRING, "description": "Why no further host was begun."})),
        "events": ("A line of --output jsonl, and of a journal", _events(host)),
        **{name: (title, _run(seen)) for name, (title, seen) in _seen_by_commands().items()},
        "lists": ("What --list-hosts, --list-tasks and --list-tags write with --output json", _document(_lists())),
        "plan": ("A plan file, as ringfence plan -o writes it", _plan()),
    }


def _seen_by_commands() -> dict[str, tuple[str, Schema]]:
    """{name: (title, the object of a host)} of the commands that look."""
    return {
        "show": ("A host's policy, as ringfence show writes it", _seen(**_policy())),
        "ledger": ("What projects own on hosts, as ringfence ledger show writes it", _seen(ledger=_ledger())),
        "examination": ("What ringfence ping and doctor saw of hosts", _seen(**_examination())),
        "status": ("What is in force on hosts, as ringfence status writes it", _seen(**_status())),
        "evaluation": ("Whether a connection passes, as ringfence evaluate writes it", _seen(**_evaluation())),
    }


def _object(properties: dict[str, Schema], *optional: str, **more: Any) -> Schema:
    """An object that has all these members but the `optional` ones, and perhaps others."""
    return {"type": "object", "required": [name for name in properties if name not in optional], "properties": properties, **more}


def _nullable(schema: Schema) -> Schema:
    return {**schema, "type": ["object", "null"]}


def _array(of: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}}


def _head() -> dict[str, Schema]:
    dirty: Schema = {"type": ["boolean", "null"], "description": "Whether something in the project is not as committed."}
    commit: Schema = {**TEXT_OR_NULL, "description": "That of git."}
    id: Schema = {**TEXT_OR_NULL, "description": "What its ledgers are known by (`project` in ringfence.yml)."}
    project = _nullable(_object({"name": TEXT_OR_NULL, "id": id, "commit": commit, "dirty": dirty}, "id"))
    return {"format_version": {**STRING, "pattern": r"^1\.\d+$"},
            "ringfence": {**STRING, "description": "The version that wrote it."},
            "command": {**STRING, "description": "validate, plan, apply, drift …"},
            "run_id": {**STRING, "pattern": r"^\d{8}T\d{6}Z-[0-9a-f]{6}$"}, "started": MOMENT, "project": project}


def _document(result: Schema, **definitions: Schema) -> Schema:
    members = {**_head(), "result": result, "diagnostics": _array("diagnostic"), "summary": _summary(),
               "error": {"$ref": "#/$defs/error"}, "exit_code": {"enum": [int(code) for code in ExitCode]}, "ended": MOMENT}
    return _object(members, **{"$defs": {**_shared(), **definitions}})


def _run(host: Schema, **more: Schema) -> Schema:
    """The document of a command that works on hosts. Where it ended before the first, its result is null. more: what else
    its result may have."""
    definitions: Schema = {"type": "object", "additionalProperties": {"$ref": "#/$defs/change"},
                           "description": "Each distinct change once."}
    result = _nullable(_object({
        "hosts": _array("host"), "definitions": definitions, "signal": {"enum": ["SIGINT", "SIGTERM", "SIGHUP", None]},
        "not_begun": {**TEXTS, "description": "Hosts to which nothing was written, for the run ended before: by a signal, or by "
                      "what is wrong on another host."},
        **more}, *more))
    return _document(result, host=host)


def _lists() -> Schema:
    """What is only listed: hosts, or the plays with their tasks."""
    task = _object({**PLACE, "name": TEXT_OR_NULL, "kind": STRING, "tags": TEXTS})
    play = _object({**PLACE, "name": TEXT_OR_NULL, "patterns": TEXTS, "hosts": TEXTS, "tasks": {"type": "array", "items": task}})
    return {"anyOf": [_object({"hosts": TEXTS}), _object({"plays": {"type": "array", "items": play}}), {"type": "null"}]}


def _wave() -> Schema:
    """One wave of a run that goes in waves."""
    verified: Schema = {"type": ["boolean", "null"], "description": "Whether what is looked at after it holds."}
    return _object({"number": NUMBER, "of": NUMBER, "hosts": TEXTS,
                    "statuses": {"type": "object", "additionalProperties": NUMBER, "description": "Its hosts by status."},
                    "seconds": SECONDS, "verified": verified, "ended": FLAG,
                    "stopped": {**TEXT_OR_NULL, "description": "Why the run ended with it."}})


def _summary() -> Schema:
    hosts: Schema = {"type": "object", "additionalProperties": NUMBER, "description": "Hosts by status."}
    counts = dict.fromkeys(("declared", "undeclared", "changes", "made"), NUMBER)
    return _object({"hosts": hosts, **counts, "seconds": SECONDS})


def _plan() -> Schema:
    """How it was made, and what it does to each host."""
    host = _object({
        **{name: schema for name, schema in _host_head().items() if name not in ("connections", "seconds")},
        "obstacles": {**TEXTS, "description": "Which of the obstacles."},
        "machine": _object(dict.fromkeys(MACHINE_PARTS, STRING), description="Which machine answered, as far as it said so."),
        "target": _object({**dict.fromkeys(TARGET_PARTS, STRING), "port": NUMBER}, description="How it was reached."),
        "declared": NUMBER, "undeclared": NUMBER,
        "declarations": {**STRING, "description": "A digest of what is declared for it."},
        "changes": {**TEXTS, "description": "Which of the definitions, in the order in which they are made. Empty where the "
                    "host was not reached, is refused or invalid, or failed."},
        "secrets": {"type": "object", "additionalProperties": TEXTS, "description": "By definition: digests of the secrets in "
                    "it. vault: of the ciphertext; scrypt: of the text, with the salt of the file."},
        "names": {"type": "object", "additionalProperties": STRING, "description": "What people call what is stored."}})
    head = {name: schema for name, schema in _head().items() if name in ("format_version", "ringfence", "run_id")}
    hashes: Schema = {"type": "object", "additionalProperties": STRING, "description": "SHA-256 of the playbooks, inventories "
                      "and files of variables that were read."}
    names: Schema = {**TEXTS, "description": "Names alone, never a value."}
    return _object({
        **head, "made": MOMENT, "made_by": _object({"user": TEXT_OR_NULL, "machine": TEXT_OR_NULL}),
        "project": _object({**_head()["project"]["properties"], "id": TEXT_OR_NULL}),
        "options": _object(dict.fromkeys(OPTIONS, TEXTS), description="How it was made; paths are those in the project."),
        "extra_vars": names, "vault_ids": names, "files": hashes, "salt": STRING, "hosts": _array("host"),
        "definitions": {"type": "object", "additionalProperties": {"$ref": "#/$defs/change"}},
        "obstacles": {"type": "object", "additionalProperties": {"$ref": "#/$defs/obstacle"}},
    }, **{"$defs": {**_shared(), "host": host}})


def _shared() -> dict[str, Schema]:
    diagnostic = _object({"severity": {"enum": list(typing.get_args(Severity))}, **PLACE, "summary": STRING, "detail": STRING,
                          "host": TEXT_OR_NULL})
    error = _nullable(_object({"kind": {"enum": [*sorted(FAILURES), None]}, "message": STRING, "advice": STRING,
                               "exit_code": NUMBER}))
    return {"diagnostic": diagnostic, "error": error, "change": _change(), "reference": _reference(), "obstacle": _obstacle()}


_LIFE: dict[str, Schema] = {
    "expires": {**MOMENT, "type": ["string", "null"], "description": "From when on the task declares its object absent."},
    "expires_on_host": {**FLAG, "description": "Whether the host then removes it by itself."},
    "ticket": {**TEXT_OR_NULL, "description": "What the task was asked for by."}}


def _change() -> Schema:
    source = _object({**PLACE, "play": TEXT_OR_NULL, "task": TEXT_OR_NULL, "tags": TEXTS, **_LIFE}, *_LIFE,
                     description="The task that asks for it.")
    return _object({
        "id": _object(IDENTITY), "action": {"enum": list(typing.get_args(Action))},
        "before": {**_nullable(SAID_VALUES), "description": "What is not Windows' default; null: it is not there."},
        "after": {**_nullable(SAID_VALUES), "description": "The same, as it will be."},
        "changed": {**TEXTS, "description": "The properties that differ."},
        "defaults": {**SAID_VALUES, "description": "Windows' defaults, of what before or after does not mention."},
        "new_name": {**TEXT_OR_NULL, "description": "Of a rename."},
        "owner": {"enum": [*ORIGINS, None], "description": "Whose it is before the change; null: it is not there, or not known."},
        "ledger": {"type": ["object", "null"], "description": "What the project's ledger says of it before the change: how the "
                   "project came to it, what was found first; empty: nothing, null: that is not known."},
        "why": {**STRING, "description": "Why it is managed as it is."}, "source": source}, "ledger")


def _reference() -> Schema:
    return _object({"definition": {**STRING, "pattern": "^[0-9a-f]{16}$", "description": "Which of the definitions."},
                    "planned": FLAG, "made": {**FLAG, "description": "The host has answered that it is made."},
                    "proven": {**FLAG, "description": "A second read over a new connection has found it."},
                    "origin": _origin()}, "origin")


def _host() -> Schema:
    return _object({
        **_host_head(), "declared": {**NUMBER, "description": "Resources that the project declares for the host."},
        "undeclared": {**NUMBER, "description": "Removable objects of the local store that nobody declares."},
        "changes": {**_array("reference"), "description": "What differed, in the order in which it is made."},
        "remaining": {**_array("reference"), "description": "What still differed at the proof."},
        "obstacles": _array("obstacle"),
        "way_back": {**TEXTS, "description": "Of a lost host: commands for its console that undo what was written."},
        "gone": {"type": "array", "items": _orphan(), "description": "What the project has there and declares no more."},
        "changed_by": {"type": "array", "items": _attribution(), "description": "drift --who: who made each object differ."},
        "shipped": {**NUMBER, "description": "compare-defaults: objects that ship with Windows there."}},
        "shipped", "gone", "changed_by")


def _orphan() -> Schema:
    return _object({"store": STRING, "kind": STRING, "name": STRING, "how": {"enum": list(typing.get_args(How))},
                    "run": {**STRING, "description": "The run by which the project came to it."},
                    "why": {**STRING, "description": "Why it stays."},
                    **{name: _LIFE[name] for name in ("expires", "ticket")},
                    "found": {**SAID_VALUES, "description": "What it is, as far as that is not Windows' default."}},
                   "expires", "ticket")


def _attribution() -> Schema:
    deed: Schema = {"enum": list(typing.get_args(Deed)),
                    "description": "What it tells: of the object, of all of its kind (removed_all), of the whole policy (reset)."}
    like: Schema = {**FLAG, "description": "Whether it was done by the account and program that ringfence writes with there."}
    event = _nullable(_object(
        {"id": NUMBER, "time": {**MOMENT, "description": "By the clock of the host."}, "deed": deed,
         "user": {**TEXT_OR_NULL, "description": "The SID."},
         "account": {**TEXT_OR_NULL, "description": "What the host calls it."}, "program": TEXT_OR_NULL, "like_ringfence": like},
        description="The newest that concerns the object, since the project last wrote it where that is known."))
    return _object({**IDENTITY, "event": event, "earlier": {**NUMBER, "description": "How many more events concern it."},
                    "last_run": {**TEXT_OR_NULL, "description": "The run of the project that last wrote it."},
                    "unknown": {**TEXT_OR_NULL, "description": "What cannot be known, and why."}})


def _host_head() -> dict[str, Schema]:
    return {"host": STRING, "status": {"enum": list(typing.get_args(Status))}, "error": {"$ref": "#/$defs/error"},
            "diagnostics": _array("diagnostic"), "connections": {**NUMBER, "description": "Connections that were opened."},
            "seconds": SECONDS}


def _seen(**own: Schema) -> Schema:
    """A host of a command that looks: what it has seen is there where the host was reached."""
    return _object({**_host_head(), **own}, *own)


def _obstacle() -> Schema:
    level: Schema = {"enum": list(typing.get_args(ObstacleLevel)), "description": "not_in_force: in no profile that is active, "
                     "or not in one that the task names. unknown: what decides could not be read. note: worth knowing."}
    return _object({"level": level, "obstacle": {"enum": list(OBSTACLES)},
                    "profiles": {"type": "array", "items": {"enum": list(ALL_PROFILES)}}, "reason": STRING, "advice": STRING,
                    "objects": {"type": "array", "items": _object({**IDENTITY, **PLACE})}},
                   description="What keeps what is declared out of force.")


def _origin() -> Schema:
    return _object({"name": {"enum": list(ORIGINS)}, "of": {**TEXT_OR_NULL, "description": "Which package, owner or file of a "
                    "vendor."}}, description="Whose the object is.")


def _policy() -> dict[str, Schema]:
    value = _object({"store": STRING, "key": STRING, "name": STRING, "data": STRING, "legacy": TEXT_OR_NULL})
    one = _object({**IDENTITY, "title": {**TEXT_OR_NULL, "description": "The display name, as the host shows it."},
                   "origin": _origin(), "values": {**SAID_VALUES, "description": f"{SAID_VALUES['description']} As a task has "
                   "them: what is Windows' default is left out, unless a task has to say it. What is not understood is null, and "
                   "its pieces are unknown_tokens."}})
    counted = _object({"store": STRING, "kind": STRING, "origin": {"enum": list(ORIGINS)}, "objects": NUMBER})
    network = _object({"interface": STRING, "category": TEXT_OR_NULL})
    rows: Schema = {"type": "array", "items": {"type": "object"}}
    return {"build": NUMBER, "objects": {"type": "array", "items": one}, "counts": {"type": "array", "items": counted},
            "networks": {"type": "array", "items": network}, "registry_values": {"type": "array", "items": value},
            "told_by_cmdlets": {"type": "object", "additionalProperties": rows}}


def _evaluation() -> dict[str, Schema]:
    one = _object({**IDENTITY, **PLACE, "values": {**SAID_VALUES, "type": ["object", "null"]}})
    objects: Schema = {"type": "array", "items": one}
    return {"verdict": {"enum": list(typing.get_args(FlowAction))}, "reason": {"enum": list(REASONS)},
            "expected": {**TEXT_OR_NULL, "description": "What --expect says."},
            "by": {**objects, "description": "What decides, where objects do."},
            "setting": {**TEXT_OR_NULL, "description": "The setting that decides, with its store."},
            "matches_too": {**objects, "description": "What matches without deciding."},
            "not_known": {"type": "array", "items": _object({"what": STRING, "object": _nullable(one)})},
            "otherwise": {**TEXT_OR_NULL, "description": "Of what is not known: the verdict where none of them matches."},
            "profile": TEXT_OR_NULL, "interface": TEXT_OR_NULL}


def _ledger() -> Schema:
    entry = _object({
        **IDENTITY, "how": {"enum": list(typing.get_args(How)), "description": "How the project came to it."},
        "run": {**STRING, "description": "The run that last wrote it."},
        "hash": {**STRING, "description": "The digest of the object as the project last wrote it; empty where it never did."},
        "pending": {**STRING, "description": "The digest of what a run began to write, and did not tell the end of."},
        "first": {"type": "object", "description": "The values found before the project, by property; never a secret."},
        "playbooks": {**TEXTS, "description": "The files that declared it."},
        **_LIFE,
        "there": {**FLAG, "description": "Whether the host has such an object."},
        "owned": {**FLAG, "description": "Whether the object counts as the project's."}}, *_LIFE)
    other = _object({**IDENTITY, "project": {**STRING, "description": "The name of the project that owns it, and its id."}})
    header = {"type": "object", "properties": dict.fromkeys(HEADER_VALUES, STRING), "description": "What it says of itself."}
    image: Schema = {**TEXT_OR_NULL, "description": "The machine whose image this one was made from."}
    return _object({"header": header, "inherited_from": image, "entries": {"type": "array", "items": entry},
                    "of_other_projects": {"type": "array", "items": other}})


def _examination() -> dict[str, Schema]:
    told: Schema = {"type": ["object", "null"], "description": "As the host said it; null where it was not reached."}
    check = _object({"check": {"enum": [c.name for c in CHECKS]}, "level": {"enum": list(typing.get_args(Level))},
                     "found": STRING, "advice": STRING, "kind": {"enum": [*sorted(FAILURES), ""]}})
    way = _object({f.name: {"type": "integer" if f.name == "port" else "string"} for f in dataclasses.fields(WayIn)})
    return {"way_in": way, "facts": told, "session": told, "surroundings": told, "conditions": told,
            "checks": {"type": "array", "items": check}}


def _status() -> dict[str, Schema]:
    return {"stopped_services": {**TEXTS, "description": "Services that associations need, and that do not run."},
            "associations": {"type": "array", "items": {"type": "object"}}, "obstacles": _array("obstacle")}


def _events(host: Schema) -> Schema:
    """The members of each event; a line is one of them."""
    names: Schema = {"anyOf": [TEXTS, {"type": "null"}]}
    seen = {name: schema for name, (_, schema) in _seen_by_commands().items()}
    of_host = {"time": MOMENT, "host": {"$ref": "#/$defs/host"}}
    ended: Schema = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("host", *seen)],
                     "description": "As the documents of the command have it."}
    members: dict[str, dict[str, Schema]] = {
        "run_begin": {**_head(), "hosts": names, "diagnostics": _array("diagnostic"), "options": {"type": ["object", "null"]}},
        "definitions": {"definitions": {"type": "object", "additionalProperties": {"$ref": "#/$defs/change"}}},
        **dict.fromkeys(("host_begin", "host_written"), of_host),
        "host_end": {"time": MOMENT, "host": ended},
        "result": {"time": MOMENT, "result": {"type": "object", "description": "That of the document of the command."}},
        "rollout": {"time": MOMENT, "waves": {"type": "array", "items": TEXTS}},
        "wave_begin": {"time": MOMENT, "wave": _object({"number": NUMBER, "of": NUMBER, "hosts": TEXTS})},
        "wave_end": {"time": MOMENT, "wave": _wave()},
        "signal": {"time": MOMENT, "signal": STRING, "in_flight": TEXTS, "not_begun": TEXTS},
        "run_end": {"time": MOMENT, "summary": _summary(), "exit_code": {"enum": [int(code) for code in ExitCode]},
                    "signal": TEXT_OR_NULL, "not_begun": TEXTS, "stopped": TEXT_OR_NULL, "error": {"$ref": "#/$defs/error"}}}
    later = ("stopped", "error")  # members that records of earlier versions do not have
    return {"oneOf": [_object({"event": {"const": event}, **members[event]}, *later) for event in EVENTS],
            "$defs": {**_shared(), "host": host, **seen}}
