"""The host script, run by a real PowerShell on a stand-in host, against the cases in cases/host_script.yml."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from host_script import Warm, decode, needs_pwsh

from ringfence.batch import Batch, Call, net
from ringfence.errors import HostError
from ringfence.lab.host import Session
from ringfence.lab.machine import machine
from ringfence.secret import Secret

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "host_script.yml").read_text("utf-8"))
ROOT = r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"

pytestmark = needs_pwsh


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    host = Warm()
    yield host
    host.close()


def batch_of(case: dict[str, Any]) -> Batch:
    return Batch(tuple(Call(verb, args) for verb, args in case["calls"]), case.get("stop", False))


def compare(case: dict[str, Any], said: list[dict[str, Any]]) -> None:
    assert len(said) == len(case["replies"])
    for expected, reply in zip(case["replies"], said, strict=True):
        if "error" in expected:
            assert reply["ok"] is False, reply
            assert set(reply) == {"ok", "error"}
            assert set(reply["error"]) == {"category", "id", "message", "code"}
            assert {k: reply["error"][k] for k in expected["error"]} == expected["error"], reply
            continue
        assert reply["ok"] is True, reply
        if "value" in expected:
            assert reply["value"] == expected["value"]
        else:
            assert {k: reply["value"][k] for k in expected["has"]} == expected["has"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_case(warm: Warm, case: dict[str, Any]) -> None:
    batch = batch_of(case)
    remove = f"\n$Host1.Cleanup = '{case['cleanup']}'" if "cleanup" in case else ""
    ran = warm.run(batch, case.get("setup", "") + remove)
    assert ran.noise == []
    compare(case, decode(batch, ran.reply)["replies"])
    if "bound" in case:
        assert ran.bound == case["bound"]


@pytest.mark.parametrize("case", [c for c in CASES if c.get("lab")], ids=lambda c: c["name"])
def test_a_simulated_host_answers_the_same(warm: Warm, case: dict[str, Any]) -> None:
    batch = batch_of(case)
    said = machine("HOST1").run(batch.encode(), Session("psrp", "Administrator", True, "10.99.0.1", 50000, "10.99.0.10", 5985))
    compare(case, decode(batch, said)["replies"])
