"""A host whose ledger is not known, by every command: what only looks says what there is, what writes is refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cli_lab import RULES, SETTINGS, Cli, fleet, written
from documents import hosts_in, names
from lab_servers import OPERATOR

from ringfence.lab import Machine
from ringfence.lab.winrm.winrm_settings import WinRMSettings

OLDER = replace(OPERATOR, without=frozenset({"Ledger.Read", "Ledger.Write"}))
LOOKS = {"plan": 0, "drift": 0, "apply --yes": 0, "apply --check": 0, "plan --detailed-exitcode": 0}
DIFFERS = {"plan": 4, "drift": 2, "apply --yes": 4, "apply --check": 4, "plan --detailed-exitcode": 4}
TOLD = ("warning: the ledger could not be read: {why}\n    What the project owns here is not known: nothing is removed or taken "
        "over, and `apply` changes nothing\n")


@pytest.fixture(params=["denied", "older endpoint"])
def host(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str],
         ) -> Iterator[tuple[Cli, Machine, str]]:
    """One as it is declared, whose ledger is not known from now on; and why."""
    cli = Cli(tmp_path, capsys)
    endpoints = WinRMSettings(endpoints={"ringfence": OPERATOR, "older": OLDER})
    with fleet(cli, 1, transport="psrp", winrm=endpoints) as hosts:
        on = hosts["web1"]
        assert cli("apply", "--yes").code == 0
        if request.param == "denied":
            on.faults.denied_keys = (r"SOFTWARE\ringfence",)
            yield cli, on, "Requested registry access is not allowed."
        else:
            inventory = (cli.folder / "hosts.yml").read_text()
            cli.write({"hosts.yml": inventory.replace("ansible_port:", "ringfence_endpoint: older\n      ansible_port:")})
            yield cli, on, "the endpoint keeps none: export it anew (`ringfence jea export`)"


def test_what_is_as_declared_is_in_sync(host: tuple[Cli, Machine, str]) -> None:
    """That nobody knows whose it is makes no difference of it, and nothing to adopt."""
    cli, on, why = host
    before = written({"web1": on})
    for command, code in LOOKS.items():
        said = cli(*command.split())
        assert (said.code, "web1  in sync" in said.out, TOLD.format(why=why) in said.out) == (code, True, True), said.out
    assert written({"web1": on}) == before


def test_what_differs_is_told_and_not_written(host: tuple[Cli, Machine, str]) -> None:
    cli, on, why = host
    changed = str(on.registry.get(RULES, "corp-rdp")).replace("LPort=3389|", "LPort=3390|App=C:\\x.exe|")
    on.registry.set(RULES, "corp-rdp", changed)
    before = written({"web1": on})
    for command, code in DIFFERS.items():
        said = cli(*command.split(), "--output", "json")
        page = hosts_in(said.out)["web1"]
        assert (said.code, page["status"]) == (code, "differs" if command == "drift" else "refused"), command
        assert names(page["changes"]) == ["corp-rdp"]
        assert any(why in d["summary"] for d in page["diagnostics"])
    said = cli("drift")
    assert "web1  drifted\n" in said.out
    assert TOLD.format(why=why) in said.out
    assert f"warning: `apply` would be refused: whose objects are whose is not known: {why}" in said.out
    assert "1 of 1 host drifted; all were reached; 1 difference; " in said.out
    assert "web1  refused, 0 of 1 change written" in cli("plan").out
    assert written({"web1": on}) == before


def test_a_plan_file_says_that_nothing_is_going_to_be_done(host: tuple[Cli, Machine, str]) -> None:
    cli, on, why = host
    on.registry.unset(RULES, "corp-rdp")
    said = cli("plan", "-o", "site.plan.json")
    assert (said.code, "nothing is going to be done on web1" in said.err) == (4, True)
    assert f"whose objects are whose is not known: {why}" in cli("show", "site.plan.json").out
    assert cli("apply", "--yes", "site.plan.json").code == 4
    assert on.registry.get(RULES, "corp-rdp") is None


def test_other_limits_of_writing_are_none_of_looking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    with fleet(cli, 1):
        cli.write({"ringfence.yml": SETTINGS + "max_changes: 2\n"})
        assert cli("plan").code == 4
        said = cli("drift")
        assert (said.code, "web1  drifted\n" in said.out) == (2, True)
        assert ("warning: `apply` would be refused: 4 changes are more than max_changes, 2\n    Look whether they are meant, and "
                "raise --max-changes\n") in said.out
