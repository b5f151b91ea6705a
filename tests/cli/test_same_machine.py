"""One machine under two names of an inventory: nothing is written to it, and so nothing of it is taken for left over."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_lab import RULES, SETTINGS, Cli, fleet, on_terminal
from documents import hosts_in

from ringfence.lab import Machine


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def hosts(cli: Cli) -> Iterator[dict[str, Machine]]:
    """web1, which is also called alias, and pc2; what is declared for each has its name."""
    with fleet(cli, 2) as found:
        text = (cli.folder / "hosts.yml").read_text(encoding="utf-8")
        listed = yaml.safe_load(text)
        variables = next(group["hosts"]["web1"] for group in walk(listed) if "web1" in (group.get("hosts") or {}))
        listed["all"].setdefault("hosts", {})["alias"] = variables
        cli.write({"hosts.yml": json.dumps(listed), "ringfence.yml": f"{SETTINGS}prune: created\n", "site.yml": (
            "- hosts: all\n  tasks:\n    - firewall_rule: {name: \"r-{{ inventory_hostname }}\", protocol: tcp, local_port: 81, "
            "remote_address: 10.0.0.1}\n")})
        yield found


def walk(groups: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in groups.values():
        if isinstance(one, dict):
            yield one
            yield from walk(one.get("children") or {})


def ours(host: Machine) -> list[str]:
    key = host.registry.key(RULES)
    assert key is not None
    return sorted(value.name for value in key.values.values() if value.name.startswith("r-"))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_nothing_is_written_by_either_name(processes: str, cli: Cli, hosts: dict[str, Machine]) -> None:
    assert cli("apply", "--yes", "-l", "web1,pc2").code == 0
    before = ours(hosts["web1"])
    said = cli("apply", "--yes", "--output", "json", "--processes", processes)
    told = hosts_in(said.out)
    assert (said.code, ours(hosts["web1"]), ours(hosts["pc2"])) == (4, before, ["r-pc2"]) == (4, ["r-web1"], ["r-pc2"])
    assert told["pc2"]["status"] == "in_sync"
    refused = {name: one["error"]["message"] for name, one in told.items() if one["status"] == "refused"}
    assert refused
    assert all(f"it is the same machine as {({'alias', 'web1'} - {name}).pop()} (" in why for name, why in refused.items())


def test_nothing_is_written_to_one_that_nobody_has_written_yet(cli: Cli, hosts: dict[str, Machine]) -> None:
    said = cli("apply", "--yes", "--output", "json")
    assert (said.code, ours(hosts["web1"]), ours(hosts["pc2"])) == (4, [], ["r-pc2"])
    assert {n: h["status"] for n, h in hosts_in(said.out).items()} == {"web1": "refused", "alias": "refused", "pc2": "changed"}


def test_who_is_asked_is_asked_of_neither(cli: Cli, hosts: dict[str, Machine]) -> None:
    code, shown = on_terminal(cli, "y\n", "apply")
    assert (code, ours(hosts["web1"]), ours(hosts["pc2"])) == (4, [], ["r-pc2"]), shown
    assert "on pc2?" in shown


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_look_tells_it(command: str, cli: Cli, hosts: dict[str, Machine]) -> None:
    said = cli(command, "--output", "json")
    statuses = {n: h["status"] for n, h in hosts_in(said.out).items()}
    assert (said.code, sorted(statuses[n] for n in ("web1", "alias"))) == (4, ["differs", "refused"])


def test_by_a_plan_file_one_name_alone_is_written(cli: Cli, hosts: dict[str, Machine]) -> None:
    """Somebody saw that the other one is refused."""
    assert cli("plan", "-o", "site.plan.json").code == 4
    said = cli("apply", "site.plan.json", "--yes")
    assert (said.code, len(ours(hosts["web1"])), ours(hosts["pc2"])) == (4, 1, ["r-pc2"]), said
