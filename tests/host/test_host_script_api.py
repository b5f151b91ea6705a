"""What the host script uses of PowerShell, .NET and Windows is on a list with versions, of which docs are made."""

import hashlib
import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from core import cases
from host_script import HERE, PARTS, needs_pwsh, pwsh

from ringfence import kinds
from ringfence.batch.scripts import (
    COMPARE_KEYS,
    SCRIPTS,
    WRITING_VERBS,
    digests,
    part_text,
    script_for,
    script_named,
    verbs_of,
)
from ringfence.lab.host_script.allow_list import allowed_parameters
from ringfence.lab.netsecurity.parameter_binding import cmdlets
from ringfence.windows.calls import writing_cmdlets

WRITER_PARTS = SCRIPTS["writer"]
API = cases("host_script_api")
DOC = (HERE.parent / "docs" / "reference" / "host-script.md").read_text("utf-8")
REFUSED = {"All", "AsJob", "CimSession", "Confirm", "DisplayGroup", "GPOSession", "InputObject", "NewGPOSession", "PassThru",
           "PolicyStore", "NewPolicyStore", "ThrottleLimit", "TracePolicyStore", "WhatIf"}
# Windows PowerShell 5.1 stands on these; what came later would fail there.
KNOWN = {*(f"Windows PowerShell {v}.0" for v in (1, 2, 3, 4, 5)), "Windows PowerShell 5.1", "Windows 2000", "Windows XP",
         "Windows Vista", "Windows Server 2012", "Windows Server 2016", "PowerShell 7, where that runs",
         *(f".NET Framework {v}" for v in ("1.1", "2.0", "3.0", "3.5", "4.0", "4.5", "4.6"))}


@cache
def parsed(text: str) -> dict[str, Any]:
    """What PowerShell's parser finds in a text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.ps1"
        file.write_text(text, "utf-8")
        ran = pwsh("-File", str(HERE / "pwsh" / "api.ps1"), str(file))
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def used() -> dict[str, Any]:
    return parsed(script_named("writer"))


def test_every_file_is_a_part_of_the_writer() -> None:
    assert {file.stem for file in PARTS.iterdir()} == set(WRITER_PARTS) == set(API["parts"])
    assert set(WRITER_PARTS) - set(SCRIPTS["key-auditor"]) == {
        "cmdlets", "expected", "changes", "ledger_write", "undo_task", "undo", "expiry_write"}
    for name, with_keys in (("resolver", "key-reader"), ("auditor", "key-auditor")):
        assert set(SCRIPTS[with_keys]) - set(SCRIPTS[name]) == {"keys"}
    assert set(SCRIPTS["resolver"]) - set(SCRIPTS["reader"]) == {"network", "accounts"}
    assert all(part_text(name).count("\n") < 120 for name in WRITER_PARTS)


@needs_pwsh
@pytest.mark.parametrize("name", WRITER_PARTS)
def test_a_part_uses_what_its_row_allows(name: str) -> None:
    """Of other parts it may call the functions that the row names, of PowerShell and Windows the commands."""
    found, row = parsed(part_text(name)), API["parts"][name]
    for what in ("verbs", "commands", "types", "members"):
        assert set(found[what]) == set((row[what] or "").split()), what


@needs_pwsh
def test_no_function_is_defined_twice() -> None:
    functions = [f for name in WRITER_PARTS for f in parsed(part_text(name))["functions"]]
    assert len(functions) == len(set(functions))


@needs_pwsh
def test_the_reader_names_no_command_that_writes() -> None:
    reader = script_named("key-auditor")
    assert set(parsed(reader)["verbs"]) == set(used()["verbs"]) - WRITING_VERBS
    assert set(parsed(script_named("auditor"))["verbs"]) == set(parsed(reader)["verbs"]) - {COMPARE_KEYS}
    called = re.findall(r"\b(?:New|Set|Remove|Rename|Copy|Enable|Disable|Add|Clear|Invoke|Start|Stop|Register)-\w+", reader)
    assert set(called) == {"New-Object", "Set-StrictMode", "Add-Type", "Add-Unread", "Invoke-Verb", "Stop-Call"}


@needs_pwsh
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_verbs_of_a_script_are_those_that_it_defines(name: str) -> None:
    assert sorted(verbs_of(name)) == parsed(script_named(name))["verbs"]


@pytest.mark.parametrize(("verbs", "name"), [
    ((), "reader"), (("Facts.Read", "Policy.Read", "Defaults.Read"), "reader"), (("No.Verb",), "reader"),
    (("Account.Resolve",), "resolver"), (("Facts.Read", "Interfaces.Read", "Management.Read"), "resolver"),
    (("Facts.Read", "Key.Compare"), "key-reader"), (("Texts.Read",), "auditor"), (("SA.Read", "Enforcement.Read"), "auditor"),
    (("Key.Compare", "Enforcement.Read"), "key-auditor"), (("Facts.Read", "Net.Call"), "writer"), (("SA.Delete",), "writer")])
def test_a_batch_is_carried_by_the_smallest_script_that_can(verbs: tuple[str, ...], name: str) -> None:
    assert script_for(verbs) == script_named(name)


@needs_pwsh
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_travels_is_what_the_parts_say(name: str) -> None:
    """Comments and indentation are gone; PowerShell reads the same words as in the parts put together."""
    parts = "\n".join(part_text(part) for part in SCRIPTS[name])
    assert parsed(script_named(name))["tokens"] == parsed(parts)["tokens"]
    assert digests()[name] == hashlib.sha256(script_named(name).encode()).hexdigest()


@needs_pwsh
def test_every_command_and_parameter_is_on_the_list() -> None:
    listed = {name: sorted(row["parameters"]) for name, row in API["commands"].items()}
    assert {name: sorted(parameters) for name, parameters in used()["commands"].items()} == listed


@needs_pwsh
def test_every_type_and_member_is_on_the_list() -> None:
    assert set(used()["types"]) == set(API["types"])
    assert set(used()["members"]) == set(API["members"])


def test_every_version_is_one_that_5_1_stands_on() -> None:
    versions = [row["since"] for row in (*API["commands"].values(), *API["members"].values())] + list(API["types"].values())
    versions += [v for row in API["commands"].values() for v in row["parameters"].values()]
    assert set(versions) <= KNOWN


def listed() -> dict[str, set[str]]:
    """The allow-list as PowerShell reads it: the parameters of each cmdlet."""
    return {cmdlet: set(parameters.split()) for cmdlet, parameters in used()["lists"]["cmdlets"].items()}


@needs_pwsh
def test_the_allow_list_is_what_the_engine_emits() -> None:
    assert listed() == {cmdlet: set(parameters) for cmdlet, parameters in writing_cmdlets(kinds.load().values()).items()}


@needs_pwsh
def test_the_allow_list_is_that_of_the_lab() -> None:
    """The lab's list stems from Microsoft's reference on its own account: what is missing here would be refused on hosts."""
    lab = {c["name"]: allowed_parameters(c["name"]) for c in cmdlets().values()}
    assert {cmdlet: {p.lower() for p in parameters} for cmdlet, parameters in listed().items()} == {
        cmdlet: parameters for cmdlet, parameters in lab.items() if parameters}


@needs_pwsh
def test_nothing_that_is_refused_always_is_on_the_allow_list() -> None:
    everything = {p for parameters in listed().values() for p in parameters}
    assert everything & REFUSED == set()
    lower = {r.lower() for r in REFUSED}
    # PowerShell binds unique beginnings of names too
    assert not [p for p in everything for r in lower if r.startswith(p.lower())]


def test_the_docs_name_every_cmdlet_of_the_allow_list() -> None:
    emitted = writing_cmdlets(kinds.load().values())
    assert [cmdlet for cmdlet in emitted if f"`{cmdlet.partition('-')[2]}`" not in DOC] == []
    assert all(f"`{name}.ps1`" in DOC for name in WRITER_PARTS)


@needs_pwsh
@pytest.mark.parametrize("name", ["prober", "reader"])
def test_an_older_powershell_can_at_least_say_that_it_is_one(name: str) -> None:
    """The one that comes with Windows Server 2012, which has the cmdlets of NetSecurity first: `ping` is to say what is wrong."""
    text = script_named(name)
    newer = {"Windows PowerShell 4.0", "Windows PowerShell 5.0", "Windows Server 2016", ".NET Framework 4.6"}
    since = {**API["types"], **{use: row["since"] for use, row in (*API["members"].items(), *API["commands"].items())}}
    found = parsed(text)
    assert [use for what in ("types", "members", "commands") for use in found[what] if since[use] in newer] == []
    assert "::new(" not in text
