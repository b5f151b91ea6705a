"""Every host of a run counts in it, also those that were looked at before somebody was asked, or when a plan was made: what may
fail, the exit code, and the record are the same however the run was agreed to."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli, fleet, on_terminal
from documents import document_in

from ringfence.lab import Machine

RULE = "firewall_rule: {name: corp-web, protocol: tcp, local_port: 443, remote_address: 10.0.0.0/8}"
Go = Callable[..., tuple[int, str]]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def away(*names: str) -> str:
    """An inventory of hosts that nobody reaches."""
    return "all: {hosts: {" + ", ".join(f"{n}: {{ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh, "
                                        "ansible_user: x, ansible_password: x}" for n in names) + "}}\n"


@pytest.fixture
def three(cli: Cli) -> Iterator[dict[str, Machine]]:
    """Three hosts that are there, and two that are not."""
    with fleet(cli, 3) as hosts:
        settings = (cli.folder / "ringfence.yml").read_text(encoding="utf-8")
        cli.write({"more.yml": away("gone1", "gone2"),
                   "ringfence.yml": settings.replace("hosts.yml", "[hosts.yml, more.yml]")})
        yield hosts


def declare(cli: Cli, play: str) -> None:
    cli.write({"site.yml": f"- hosts: all\n{play}  tasks:\n    - {RULE}\n"})


def done(hosts: dict[str, Machine]) -> list[str]:
    return [name for name, host in hosts.items() if host.registry.get(RULES, "corp-web")]


def with_yes(cli: Cli) -> tuple[int, str]:
    said = cli("apply", "--yes")
    return said.code, said.out + said.err


def asked(cli: Cli) -> tuple[int, str]:
    return on_terminal(cli, "y\n", "apply")


def by_plan(cli: Cli) -> tuple[int, str]:
    assert cli("plan", "-o", "site.plan.json").code == 5
    said = cli("apply", "site.plan.json", "--yes")
    return said.code, said.out + said.err


def by_plan_and_asked(cli: Cli) -> tuple[int, str]:
    assert cli("plan", "-o", "site.plan.json").code == 5
    return on_terminal(cli, "y\n", "apply", "site.plan.json")


WAYS = pytest.mark.parametrize("way", [with_yes, asked, by_plan, by_plan_and_asked])


def recorded(cli: Cli) -> dict[str, Any]:
    told = document_in(cli("runs", "show", "last", "--output", "json").out)["result"]
    return {"exit_code": told["run"]["exit_code"], **{h["host"]: h["status"] for h in told["hosts"]}}


@WAYS
@pytest.mark.parametrize(("play", "why"), [
    ("  serial: [1, 50%]\n  max_fail_percentage: 20\n", "2 of 5 hosts failed, and max_fail_percentage is 20"),
    ("  any_errors_fatal: true\n", "2 of 5 hosts failed, and none may (any_errors_fatal)"),
    ("  any_errors_fatal: true\n  max_fail_percentage: 90\n", "2 of 5 hosts failed, and none may (any_errors_fatal)")])
def test_hosts_that_are_away_count(way: Go, play: str, why: str, cli: Cli, three: dict[str, Machine]) -> None:
    declare(cli, play)
    code, said = way(cli)
    assert (code, done(three)) == (5, []), said
    assert why in said
    assert recorded(cli) == {"exit_code": 5, **dict.fromkeys(three, "not_begun"),
                             **dict.fromkeys(["gone1", "gone2"], "unreachable")}


@WAYS
def test_the_record_has_every_host_and_the_exit_code_of_the_run(way: Go, cli: Cli, three: dict[str, Machine]) -> None:
    declare(cli, "")
    assert cli("apply", "--yes", "-l", "web1").code == 0
    code, said = way(cli)
    assert (code, done(three)) == (5, list(three)), said
    assert recorded(cli) == {"exit_code": 5, "web1": "in_sync", "pc2": "changed", "web3": "changed",
                             "gone1": "unreachable", "gone2": "unreachable"}
    again = cli("apply", "--resume", "last", "--yes", "--list-hosts")
    assert (again.code, "is done" in again.err) == (0, False), again.err


def test_one_that_no_play_names_any_more_counts_too(cli: Cli) -> None:
    """It was planned under some policy: nobody knows of which."""
    with fleet(cli, 3) as hosts:
        declare(cli, "  any_errors_fatal: true\n")
        assert cli("plan", "-o", "site.plan.json").code == 0
        cli.write({"site.yml": f"- hosts: all,!pc2\n  any_errors_fatal: true\n  tasks:\n    - {RULE}\n"})
        said = cli("apply", "site.plan.json", "--yes")
        assert (said.code, done(hosts)) == (3, []), said
        assert "1 of 3 hosts failed, and none may (any_errors_fatal)" in said.err
