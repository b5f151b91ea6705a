"""Some histories of what runs choose of a project. HISTORIES, FIRST in the environment: so many, from that number on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_lab import Cli

from ringfence.cli.commands.lab import groups, machines
from ringfence.lab import Machine
from ringfence.lab.simulated_fleet import SimulatedFleet

from .choices import FILES, Choices, drawn

FIRST, SOME = int(os.environ.get("FIRST", "0")), int(os.environ.get("HISTORIES", "8"))


@pytest.fixture(scope="module")
def fleet() -> Iterator[tuple[dict[str, Machine], str]]:
    found = machines(3)
    with SimulatedFleet(found, transport="ssh", groups=groups(found)) as up:
        yield {host.name: host for host in found}, up.inventory()


@pytest.mark.parametrize("number", range(FIRST, FIRST + SOME))
def test_what_a_run_chooses_is_there_and_what_any_would_declare_stays(
        number: int, fleet: tuple[dict[str, Machine], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hosts, inventory = fleet
    cli = Cli(tmp_path, capsys)
    cli.write({"hosts.yml": inventory, "ringfence.yml": json.dumps({
        "inventory": "hosts.yml", "playbooks": FILES, "project": {"name": f"c{number}", "id": f"{number:032x}"}})})
    project = Choices(cli, hosts, f"c{number}")
    for at, (tasks, run) in enumerate(drawn(number)):
        wrong = project.wrong(tasks, run)
        assert not wrong, f"run {at}, {run}, of {tasks}: {wrong}"
