"""`ping` and `doctor` at endpoints of JEA: what they say of one, and that the commands then do what was said."""

import re
from pathlib import Path
from typing import Any

import pytest
from cli_lab import SETTINGS, Cli, Output, fleet
from core import cases
from documents import hosts_in
from host_script import PWSH, needs_pwsh
from lab_servers import OPERATOR

from ringfence.batch import jea
from ringfence.batch.scripts import WRITING_VERBS
from ringfence.lab.session import RegisteredEndpoint
from ringfence.lab.winrm.winrm_settings import WinRMSettings

THROUGH = ("-e", "ringfence_endpoint=jea")


def endpoint(case: dict[str, Any]) -> RegisteredEndpoint:
    without = {verb for said in case.get("without", ()) for verb in (
        (v for v in WRITING_VERBS if v.startswith("Undo.")) if said == "Undo" else (said,))}
    return RegisteredEndpoint(jea.AUDITOR if case.get("auditor") else jea.OPERATOR, frozenset(without),
                              tuple(case.get("groups", ())))


def settings(lines: list[str]) -> str:
    text = re.sub("project:.*\n", "", SETTINGS) if "no project" in lines else SETTINGS
    return text + "".join(f"{line}\n" for line in lines if line != "no project")


def said(ping: Output) -> list[str]:
    """Its notes and obstacles, without the advice."""
    return [line.strip() for line in ping.out.splitlines() if line.startswith(("  note: ", "  obstacle: "))]


@pytest.mark.parametrize("case", cases("endpoints"), ids=lambda case: str(case["name"]))
def test_what_is_said_of_an_endpoint_is_so(case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    winrm = WinRMSettings(endpoints={"jea": endpoint(case)}, not_administrators=frozenset({"Administrator"}))
    with fleet(cli, 1, transport="psrp", winrm=winrm):
        cli.write({"ringfence.yml": settings(case.get("settings", []))})
        ping = cli("ping", *THROUGH)
        account = r"WinRM Virtual Users\WinRM VA_1_web1_Administrator"
        assert (ping.code, said(ping)) == (case["ping"], [line.replace("{account}", account) for line in case["says"]])
        assert all(part in ping.out for part in case.get("advice", ()))
        doctor = cli("doctor", "web1", "--output", "json", *THROUGH)
        assert doctor.code == case["ping"]
        checks = hosts_in(doctor.out, "examination")["web1"]["checks"]
        assert [one["level"] for one in checks if one["check"] == "tasks"] == [case["tasks"]]
        assert not any("log on as" in one["advice"] for one in checks)
        for command in ("status", "show"):
            assert (cli(command, "web1", *THROUGH).code == 6) == (command in case.get("fails", ())), command
        assert cli("drift", *THROUGH).code == 2
        applied = cli("apply", "--yes", *THROUGH)
        assert applied.code == case["apply"], applied.out


@needs_pwsh
def test_a_script_of_no_release_is_told_as_a_plan_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    cli = Cli(tmp_path, capsys)
    text = jea.OPERATOR.module_text()
    monkeypatch.setattr(jea.JeaEndpoint, "module_text", lambda self: text.replace("$wire, $own =", "$mine = 1; $wire, $own =", 1))
    with fleet(cli, 1, transport="psrp", pwsh=PWSH, winrm=WinRMSettings(endpoints={"jea": OPERATOR})):
        told = ("the script of the endpoint is of no release of ringfence\n    Where nobody here made it, export the endpoint "
                "anew (`ringfence jea export`)\n")
        ping = cli("ping", *THROUGH)
        assert (ping.code, f"  note: {told}" in ping.out) == (0, True), ping.out
        assert f"warning: {told}" in cli("plan", *THROUGH).out
        assert "of no release" not in cli("ping").out
