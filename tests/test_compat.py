"""What earlier releases wrote is read by this one: programs and records live longer than a release."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cli_lab import Cli

from ringfence.formats import document_schemas
from ringfence.formats.data import FORMAT_VERSION
from ringfence.model.ledger import ProjectIdentity, parse_ledger

COMPAT = Path(__file__).parent / "compat"
VERSIONS = sorted(path.name for path in COMPAT.iterdir() if path.name[0].isdigit())
SCHEMAS = {"plan": "report", "apply": "report", "drift": "report", "ledger_show": "ledger", "show": "show", "status": "status",
           "ping": "examination", "validate": "document", "runs": "document"}


def read(version: str, name: str) -> str:
    return (COMPAT / version / name).read_text(encoding="ascii")


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(document_schemas.every()[name][1])


def test_this_version_is_there() -> None:
    assert FORMAT_VERSION in VERSIONS, "python -m tests.compat"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", SCHEMAS)
def test_documents_fit_the_schema_of_today(version: str, name: str) -> None:
    found = json.loads(read(version, f"{name}.json"))
    validator(SCHEMAS[name]).validate(found)
    assert found["format_version"] == version


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["events", "journal"])
def test_events_fit_the_schema_of_today(version: str, name: str) -> None:
    events = [json.loads(line) for line in read(version, f"{name}.jsonl").splitlines()]
    for event in events:
        validator("events").validate(event)
    assert (events[0]["event"], events[-1]["event"]) == ("run_begin", "run_end")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_journal_is_told_and_gone_on_with(version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli, lines = Cli(tmp_path, capsys), read(version, "journal.jsonl").splitlines(keepends=True)
    run_id = json.loads(lines[0])["run_id"]
    cli.write({"ringfence.yml": "inventory: hosts.yml\n", "hosts.yml": "all: {hosts: {web1: }}\n", "site.yml": "[]\n",
               f".ringfence/runs/{run_id}.jsonl": "".join(lines)})
    said = json.loads(cli("runs", "show", run_id, "--output", "json").out)["result"]
    assert (said["run"]["state"], said["run"]["statuses"], said["run"]["damaged"]) == ("ended", {"changed": 2}, 0)
    for host in said["hosts"]:
        actions = [said["definitions"][c["definition"]]["action"] for c in host["data"]["changes"]]
        assert set(actions) <= {"create", "update", "remove"}
        assert all(c["planned"] and c["made"] and c["proven"] for c in host["data"]["changes"])
    ends = [i for i, line in enumerate(lines) if json.loads(line)["event"] == "host_end"]
    cli.write({f".ringfence/runs/{run_id}.jsonl": "".join(lines[:ends[0] + 1])})
    cut = json.loads(cli("runs", "show", run_id, "--output", "json").out)["result"]
    assert (cut["run"]["state"], sorted(cut["run"]["statuses"])) == ("killed", ["changed", "unknown"])
    left: Any = cli("apply", "--resume", run_id, "--yes", "--list-hosts")
    assert "is done" not in left.err


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ledger_says_what_it_said(version: str) -> None:
    values = json.loads(read(version, "ledger.json"))
    rows = [["0123456789abcdef", [[name, "String", text] for name, text in values.items()]]]
    ledger = parse_ledger({"rows": rows, "machine": "", "sddl": ""}, ProjectIdentity("compat", "0123456789abcdef"))
    assert (ledger.unread, ledger.problems) == ("", ())
    profiles = dict.fromkeys(("domain", "private", "public"), ("firewall_profile", "mentioned"))
    assert {id.name: (id.kind, entry.how) for id, entry in ledger.entries.items()} == {
        "corp-rdp": ("firewall_rule", "created"), **profiles}
