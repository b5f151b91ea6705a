"""Reading what ringfence writes for programs, as a careful reader would."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema

from ringfence.formats import document_schemas
from ringfence.report import RunInfo

RUN = RunInfo("20261126T115712Z-3f9a1c", "plan", datetime(2026, 11, 26, 11, 57, 12, tzinfo=UTC))


def document_in(text: str, schema: str = "document") -> dict[str, Any]:
    """A document, checked against its schema, of which nothing may be missing and to which nothing may be added."""
    found = json.loads(text)
    validator(schema).validate(found)
    assert isinstance(found, dict)
    return found


def hosts_in(text: str, schema: str = "report") -> dict[str, dict[str, Any]]:
    """The hosts of a document by their names; their changes stand as wholes."""
    result = document_in(text, schema)["result"]
    return {h["host"]: whole(h, result["definitions"]) for h in result["hosts"]}


def host_in(text: str, schema: str = "report") -> dict[str, Any]:
    """The one host of a document."""
    (found,) = hosts_in(text, schema).values()
    return found


def whole(host: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A host's object with its changes in place of references to them."""
    told = {key: [{**definitions[c["definition"]], **c} for c in host[key]] for key in ("changes", "remaining") if key in host}
    return host | told


def names(changes: list[dict[str, Any]]) -> list[str]:
    """The names of what changes."""
    return [c["id"]["name"] for c in changes]


def validator(name: str) -> jsonschema.Draft202012Validator:
    """What checks documents or lines of a kind, with closed objects."""
    _, schema = document_schemas.every()[name]
    return jsonschema.Draft202012Validator(closed(schema), format_checker=jsonschema.FormatChecker())


def closed(schema: Any) -> Any:
    """A schema in which objects have the members that it names, and no others."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema and "required" in schema else inner


