"""The workflow is calls of this repository, in an order in which they can run; its PowerShell is that of Windows."""

import re
from pathlib import Path

import pytest
import yaml
from host_script import PWSH, needs_pwsh, pwsh

from ringfence.batch import jea

from . import __main__ as program
from . import dry
from .dry import SETUP, STEP, WORKFLOW, steps

SCRIPTS = sorted((Path(__file__).parent / "setup").glob("*.ps1"))


def test_each_step_is_one_call_of_a_script_of_the_repository() -> None:
    for line in steps():
        assert line.startswith(("python -m pip install ", STEP, SETUP)), line
        assert "\n" not in line
    used = {line.removeprefix(SETUP).split()[0] for line in steps() if line.startswith(SETUP)}
    dot_sourced, started = {"ways.ps1"}, {"shown.ps1"}
    assert used | dot_sourced | started == {script.name for script in SCRIPTS}


def test_every_kind_of_step_runs_and_every_way_is_made_before_it_is_used() -> None:
    made: set[str] = set()
    called = set()
    for line in steps():
        if line.startswith(SETUP):
            script, *arguments = line.removeprefix(SETUP).split()
            text = (Path(__file__).parent / "setup" / script).read_text("utf-8")
            made |= {
                name.replace("$Shell", (arguments or [""])[0]) for name in re.findall(r"Write-Way ['\"]([\w$-]+)['\"]", text)
            }
            made |= set(re.findall(r"^    '([\w-]+)' = @\{ module", text, re.MULTILINE))
        elif line.startswith(STEP):
            step, *ways = line.removeprefix(STEP).split()
            called.add(step)
            assert set(ways) <= made, line
    assert called == {*program.OVER_A_WAY, "transcripts", "verdicts"}


def test_a_failed_step_hides_no_other() -> None:
    [job] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"].values()
    lines = [step.get("run", step.get("uses", "")) for step in job["steps"] if "if" not in step]
    assert [line.partition("@")[0].partition(" --")[0] for line in lines] == [
        "actions/checkout", "actions/setup-python", "python -m pip install", "python -m pip install",
        f"{SETUP}registry.ps1 before", f"{SETUP}transcription.ps1"]  # fmt: skip
    assert steps()[-1] == f"{STEP}verdicts"


def test_the_scripts_name_what_is_exported() -> None:
    text = (Path(__file__).parent / "setup" / "jea.ps1").read_text("utf-8")
    assert jea.PLACEHOLDER in text
    for endpoint in jea.ENDPOINTS:
        assert f"module = '{endpoint.module}'; role = '{endpoint.role}'; name = '{endpoint.name}'" in text


def test_the_dry_run_plays_the_steps_and_names_those_of_windows(capfd: pytest.CaptureFixture[str]) -> None:
    assert dry.main(["--only", "timings psrp-http", "language"]) == 0
    said = capfd.readouterr().out
    assert re.findall(r"^\+ (.*)", said, re.MULTILINE) == [f"{STEP}timings psrp-http", f"{STEP}language constrained"]
    assert said.count("  ended with 0 after ") == 2
    assert "| Policy.Read | " in said
    assert set(re.findall(r"^only on Windows: (.*)", said, re.MULTILINE)) == {
        line.split()[0] for line in steps() if line.startswith(SETUP)
    }


def test_without_a_powershell_some_steps_are_left_out(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert dry.main(["--only", "local", "audit", "language"]) == 0
    said = capfd.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("+")] == [f"+ {STEP}language constrained"]
    assert f"only with a pwsh on the PATH (jea-audit): {STEP}audit jea-audit" in said


def test_a_step_that_fails_fails_the_dry_run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry, "steps", lambda: [f"{STEP}language psrp-http"])
    assert dry.main([]) == 1
    assert "language-mode-is-told: REFUTED" in capfd.readouterr().out


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_ascii(script: Path) -> None:
    """Windows PowerShell reads files without a byte order mark in the code page of the machine."""
    assert script.read_text("utf-8").isascii()


@needs_pwsh
def test_windows_powershell_5_1_understands_them(tmp_path: Path) -> None:
    """`-Check51` is an option of some test builds only: another PowerShell has nothing to say here."""
    assert PWSH
    (tmp_path / "new.ps1").write_text("$x = $a ?? 1\n")
    if b"??" not in pwsh("-Check51", str(tmp_path / "new.ps1")).stdout:
        pytest.skip("this pwsh has no -Check51")
    checked = pwsh("-Check51", *map(str, SCRIPTS))
    assert (checked.returncode, checked.stdout) == (0, b"")


def test_a_way_that_no_step_has_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RINGFENCE_JOB", str(tmp_path))
    assert program.main(["replay", "psrp-http"]) == 1
    assert capsys.readouterr().out == "replay could not go on: psrp-http: no step has made this way\n"
    assert program.main(["verdicts"]) == 1  # nothing is refuted: nobody has looked
    said = capsys.readouterr().out
    assert "| converges | NOT REACHED |" in said
    assert "converges: no step has noted anything of it" in said
