"""The playbooks for IPsec are valid, apply to the lab over real connections, and then find nothing to do."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from documents import hosts_in

from ringfence.cli.app import run
from ringfence.cli.commands.lab import groups, machines
from ringfence.lab.simulated_fleet import SimulatedFleet

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks" / "ipsec").glob("*.yml"))
KEY = "kT7-not-in-any-play"


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Path]:
    """A lab of the example fleet, and the inventory that leads to it."""
    hosts = machines(5)
    with SimulatedFleet(hosts, transport="mixed", groups=groups(hosts)) as lab:
        (tmp_path / "lab.yml").write_text(lab.inventory(), encoding="utf-8")
        yield tmp_path / "lab.yml"


def ringfence(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    with contextlib.chdir(ROOT):
        code = run([*arguments, "--output", "json"])
    said = capsys.readouterr()
    assert KEY not in said.out + said.err
    return code, hosts_in(said.out, "status" if arguments[0] == "status" else "report")


def test_there_is_one_for_every_design() -> None:
    names = {p.stem for p in PLAYBOOKS}
    assert {"domain-isolation", "server-isolation", "boundary-zone", "encryption-zone", "certificate-isolation",
            "ikev2-end-to-end", "exemption-list", "site-to-site-tunnel", "microsoft-examples", "suite-b"} <= names


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda p: p.stem)
def test_editors_take_it(playbook: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "playbook.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(playbook.read_text(encoding="utf-8")))


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda p: p.stem)
def test_applied_once_and_then_in_sync(playbook: Path, inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANCH_TUNNEL_KEY", KEY)
    where = ["-i", "inventory", "-i", os.fspath(inventory), os.fspath(playbook)]
    record = ["--run-dir", os.fspath(tmp_path)]
    code, report = ringfence(capsys, "apply", "--yes", *record, *where)
    assert code == 0, json.dumps(report)[:3000]
    assert {h["status"] for h in report.values()} <= {"changed", "in_sync"}
    assert all(h["declared"] for h in report.values())
    code, report = ringfence(capsys, "plan", "--detailed-exitcode", *where)
    assert code == 0, json.dumps(report)[:3000]
    assert {h["status"] for h in report.values()} == {"in_sync"}


def test_status_shows_the_peers_of_an_isolated_host(inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook = os.fspath(ROOT / "playbooks" / "ipsec" / "ikev2-end-to-end.yml")
    where = ["-i", "inventory", "-i", os.fspath(inventory)]
    assert ringfence(capsys, "apply", "--yes", "--run-dir", os.fspath(tmp_path), *where, playbook)[0] == 0
    code, said = ringfence(capsys, "status", *where, "web5")
    assert code == 0
    (host,) = said.values()
    assert host["host"] == "web5"
    peers = {a["remote"]: a for a in host["associations"]}
    assert "ikev2" in peers["10.9.0.5"]["rules"]
    assert peers["10.9.0.5"]["quick"][0]["suite"] == "ESP:AESGMAC256-AESGCM256"
