"""Texts of files, read by a real PowerShell from files that the lab writes; damaged ones have no strings and break nothing."""

import base64
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from batches import batch_of
from core import cases
from host_script import Warm, decode, needs_pwsh

from ringfence.batch import Call
from ringfence.lab.machine.string_resources import portable_executable

pytestmark = needs_pwsh
HERE = "$env:SystemRoot = $env:systemroot = $env:windir = 'C:\\Windows'\n"  # elsewhere such names have a letter case
DLL = "C:\\x.dll"


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    host = Warm(tmp_path_factory.mktemp("script"), writes=False)
    yield host
    host.close()


def told(warm: Warm, files: Mapping[str, bytes], *texts: str) -> Any:
    """What the host makes of texts, when it has these files."""
    held = json.dumps({path: base64.b64encode(content).decode() for path, content in files.items()}).replace("'", "''")
    setup = HERE + f"(ConvertFrom-Json '{held}').PSObject.Properties | ForEach-Object {{ $Host1.Files[$_.Name] = $_.Value }}"
    batch = batch_of(Call("Texts.Read", {"texts": list(texts)}))
    ran = warm.run(batch, setup)
    assert ran.noise == []
    return decode(batch, ran.reply)["replies"][0]["value"]


@pytest.mark.parametrize("case", cases("texts"), ids=lambda c: c["text"] or "nothing")
def test_case(warm: Warm, case: dict[str, Any]) -> None:
    files = {path: portable_executable(strings) for path, strings in case["files"].items()}
    assert told(warm, files, case["text"]) == {case["text"]: case["shown"]}


def test_texts_that_differ_by_letter_case_are_told_apart(warm: Warm) -> None:
    files = {DLL: portable_executable({1: "one"})}
    assert told(warm, files, "@C:\\x.dll,-1", "@c:\\X.dll,-1", "@C:\\x.dll,-2") == {
        "@C:\\x.dll,-1": "one", "@c:\\X.dll,-1": "one", "@C:\\x.dll,-2": None}


def test_damaged_files_have_no_strings(warm: Warm) -> None:
    whole, chance = portable_executable({n: f"text {n}" for n in range(40)}), random.Random(5)
    damaged = [b"", b"MZ", b"\0" * 4096, whole[:64], whole[:700], whole[:-60]]
    for _ in range(40):
        content = bytearray(whole)
        for _ in range(3):
            content[chance.randrange(60, len(content))] = chance.choice([0, 1, 0x7F, 0xFF])
        damaged.append(bytes(content))
    files = {f"C:\\{n}.dll": content for n, content in enumerate(damaged)}
    found = told(warm, {**files, DLL: whole}, *(f"@C:\\{n}.dll,-39" for n in range(len(damaged))), "@C:\\x.dll,-39")
    assert found["@C:\\x.dll,-39"] == "text 39"
    assert len(found) == len(damaged) + 1
    assert [found[f"@C:\\{n}.dll,-39"] for n in range(6)] == [None] * 6
