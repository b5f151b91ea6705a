"""A rule that ends by itself, through the program and real servers: declared, applied, ended by the host, and in sync again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli
from documents import hosts_in

from ringfence.lab import Machine, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.types.moments import in_short

PROJECT = {"name": "corp-firewall", "id": "0" * 32}


@pytest.fixture
def web1() -> Machine:
    return machine("web1")


@pytest.fixture(params=["psrp", "ssh"])
def cli(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], web1: Machine) -> Iterator[Cli]:
    with SimulatedFleet([web1], transport=request.param) as lab:
        found = Cli(tmp_path, capsys)
        said = {"inventory": "hosts.yml", "playbooks": ["site.yml"], "project": PROJECT}
        found.write({"hosts.yml": lab.inventory(), "ringfence.yml": json.dumps(said)})
        yield found


def moment(hours: float) -> str:
    return f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def play(expires: str, more: str = "", name: str = "bg") -> dict[str, str]:
    rule = f"firewall_rule: {{name: {name}, protocol: tcp, local_port: 8443, remote_address: 10.0.0.1}}"
    return {"site.yml": f"- hosts: all\n  tasks:\n    - {rule}\n      expires: {expires}\n      ticket: CHG0031337\n{more}"}


def drift(cli: Cli, code: int) -> dict[str, Any]:
    """The changes that drift tells of, by the name of their objects."""
    said = cli("drift", "--output", "json")
    assert said.code == code, said
    document = json.loads(said.out)
    hosts_in(said.out, "report")  # it fits its schema
    return {one["id"]["name"]: one for one in document["result"]["definitions"].values()}


def test_a_night_and_the_morning_after(cli: Cli, web1: Machine) -> None:
    cli.write(play(moment(4), "      expires_on_host: true\n"))
    applied = cli("apply", "--yes")
    assert applied.code == 0, applied
    assert "CHG0031337, by the host itself" in applied.out
    assert drift(cli, 0) == {}
    web1.clock.advance(4 * 3600 + 60)
    assert web1.registry.get(RULES, "bg") is None
    assert drift(cli, 2)["bg"]["action"] == "create"  # here it is four hours earlier
    cli.write(play(moment(-0.1), "      expires_on_host: true\n"))  # and now it is not
    assert drift(cli, 0) == {}
    assert cli("apply", "--yes").code == 0
    told = json.loads(cli("ledger", "show", "--output", "json").out)["result"]["hosts"][0]["ledger"]["entries"]
    assert told == []


def test_without_the_host_the_next_apply_ends_it(cli: Cli, web1: Machine) -> None:
    cli.write(play(moment(4)))
    cli("apply", "--yes")
    over = moment(-0.1)
    cli.write(play(over))
    change = drift(cli, 2)["bg"]
    assert (change["action"], change["source"]["expires"], change["source"]["ticket"]) == ("remove", over, "CHG0031337")
    assert change["why"].startswith("expired 2")
    assert "UNEXPECTED firewall_rule bg" in cli("drift").out
    assert cli("apply", "--yes").code == 0
    assert web1.registry.get(RULES, "bg") is None
    back = cli("rollback", "--yes")  # it is let in again, and nobody's clock runs
    assert (back.code, web1.registry.get(RULES, "bg") is None) == (0, False), back
    assert f"warning: firewall_rule bg comes back, whose task ended it ({in_short(over)}, CHG0031337)" in back.out + back.err
    assert "Nothing ends it before the next apply" in back.out + back.err
    shown = cli("runs", "show", "last").out
    assert f"\nwarning: firewall_rule bg comes back, whose task ended it ({in_short(over)}, CHG0031337) (web1)\n" in shown
    assert "bg" in drift(cli, 2)


def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    cli.write({"hosts.yml": "all: {hosts: {web1: {ansible_connection: local}}}\n", "ringfence.yml": "inventory: hosts.yml\n"})
    for written, words in {
        "2026-12-01T18:00:00": "firewall_rule: expires: '2026-12-01T18:00:00' does not say of which time zone",
        "2026-13-01": "firewall_rule: expires: '2026-13-01' is no moment that there is",
        "2026-12-01T18:00:00+25:00": "firewall_rule: expires: ", "[]": "firewall_rule: expires: ",
        '"{{ nowhere }}"': 'the variable "nowhere" is not defined',
    }.items():
        cli.write(play(written))
        said = cli("validate", "site.yml")
        assert said.code == 1, written
        assert f"site.yml:4: error: {words}" in said.err + said.out
    for written in (moment(1), "2099-12-01", "2099-12-01T18:00:00+01:00", '"{{ \'2099-12-01\' }}"'):
        cli.write(play(written))
        assert cli("validate", "site.yml").code == 0, written
    cli.write(play("2020-01-01"))
    said = cli("validate", "site.yml")
    assert said.code == 0
    assert "site.yml:4: warning: firewall_rule: it expired 2020-01-01T23:59:59Z (CHG0031337)" in said.err + said.out
