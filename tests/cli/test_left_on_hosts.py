"""What runs left on hosts, as their records tell it: what was undone, released or retired is not there, or not the project's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cli_lab import RULES, SETTINGS, Cli, fleet
from documents import hosts_in

from ringfence.errors import HostError
from ringfence.lab import Machine
from ringfence.run.writing import Writing

Deed = Callable[[Cli, Machine], None]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def declare(cli: Cli, *names: str, hosts: str = "all") -> None:
    rules = "".join(f"    - firewall_rule: {{name: {name}, protocol: tcp, local_port: 81, remote_address: 10.0.0.1}}\n"
                    for name in names)
    cli.write({"site.yml": f"- hosts: {hosts}\n  tasks:\n{rules or '    []'}"})


def run(cli: Cli, *command: str, code: int = 0) -> None:
    said = cli(*command, "--yes")
    assert said.code == code, said


def makes(cli: Cli, host: Machine) -> None:
    declare(cli, "a")
    run(cli, "apply")


def makes_more_and_is_undone(cli: Cli, host: Machine) -> None:
    declare(cli, "a", "b")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writing, "_prove", lambda self: replace(self.result, error=HostError("not_converged", "as if")))
        run(cli, "apply", code=6)


def retires(cli: Cli, host: Machine) -> None:
    run(cli, "retire", "web1")


def releases(cli: Cli, host: Machine) -> None:
    run(cli, "ledger", "release", "web1", "--name", "*")


def goes_by_hand(cli: Cli, host: Machine) -> None:
    host.registry.unset(RULES, "a")


def another_project_makes(cli: Cli, host: Machine) -> None:
    """Its records are in the same folder, as where RINGFENCE_RUN_DIR says which."""
    cli.write({"ringfence.yml": SETTINGS.replace("0123456789abcdef", "fedcba9876543210")})
    declare(cli, "a", hosts="web1")
    run(cli, "apply")
    cli.write({"ringfence.yml": SETTINGS})


def test_what_another_project_did_is_not_taken_back(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        another_project_makes(cli, hosts["web1"])
        theirs = cli("runs", "--output", "json").out
        assert '"runs":[]' in theirs.replace(" ", ""), theirs
        assert "there is no run last" in cli("apply", "--resume", "last").err
        said = cli("rollback", "--yes")
        assert "no record tells of a run that wrote to it" in said.out + said.err, said
        assert hosts["web1"].registry.get(RULES, "a") is not None


@pytest.mark.parametrize(("deeds", "left"), [
    ([makes], True), ([makes, retires], False), ([makes, releases], False), ([makes, retires, makes], True),
    ([makes_more_and_is_undone], False), ([makes, makes_more_and_is_undone, retires], False),
    ([makes, goes_by_hand, retires], False), ([another_project_makes], False)])
def test_a_host_is_abandoned_as_long_as_something_is_left_there(deeds: list[Deed], left: bool, cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        for deed in deeds:
            deed(cli, hosts["web1"])
        declare(cli, "a", hosts="pc2")
        run(cli, "apply")
        assert ("ABANDONED" in cli("drift").out) is left


@pytest.mark.parametrize(("deeds", "how"), [
    ([makes], "created"), ([makes, releases], "adopted"), ([makes_more_and_is_undone], "adopted"),
    ([makes, retires], "adopted"), ([another_project_makes], "adopted")])
def test_what_is_not_the_projects_any_more_is_not_called_created(deeds: list[Deed], how: str, cli: Cli) -> None:
    """Somebody else has made it since, or keeps it: a later run would remove it as its own."""
    with fleet(cli, 1) as hosts:
        for deed in deeds:
            deed(cli, hosts["web1"])
        theirs = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=81|RA4=10.0.0.1|Name=a|"
        if hosts["web1"].registry.get(RULES, "a") is None:
            hosts["web1"].registry.set(RULES, "a", theirs)
        hosts["web1"].registry.delete(r"SOFTWARE\ringfence")
        declare(cli, "a")
        run(cli, "ledger", "rebuild", "web1", "--from-journal")
        shown = hosts_in(cli("ledger", "show", "web1", "--output", "json").out, "ledger")["web1"]["ledger"]["entries"]
        assert [(e["name"], e["how"]) for e in shown] == [("a", how)]
