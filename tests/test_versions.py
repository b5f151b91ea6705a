"""docs/compatibility.md says what is tested and what is believed: its versions are those of the files that decide."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from ringfence.lab.machine.machine import SYSTEMS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8").partition("## What it works with")[2]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines()
        if line.startswith("| ") and not line.startswith("| what")]
WORDS = {"tested", "lab", "written", "believed"}


def versions(what: str, known: str) -> list[str]:
    """The versions of the rows of something that is known in one way."""
    return [version for name, version, how, _ in ROWS if name == what and how == known]


def workflow(name: str, job: str) -> dict[str, list[str]]:
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    matrix: dict[str, list[str]] = yaml.safe_load(text)["jobs"][job]["strategy"]["matrix"]
    return matrix


def test_every_row_says_how_it_is_known() -> None:
    assert len(ROWS) > 12
    assert [row for row in ROWS if len(row) != 4 or row[2].split(",")[0] not in WORDS or not row[3]] == []


def test_pythons() -> None:
    classified = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r"Python :: 3\.", c)]
    [tested], [written] = versions("Python", "tested"), versions("Python", "written")
    assert PROJECT["requires-python"] == f">={tested}"
    assert [tested, *written.split(", ")] == classified == workflow("ci.yml", "linux")["python"]


@pytest.mark.parametrize("name", ["pypsrp", "pyspnego", "paramiko"])
def test_libraries(name: str) -> None:
    [floor] = [needed.partition(">=")[2] for needed in PROJECT["dependencies"] if needed.startswith(f"{name}>=")]
    assert versions(name, "tested") == [f"{floor} or later"]


def test_windows() -> None:
    [simulated] = [row for row in ROWS if row[1].startswith("builds ")]
    assert simulated[1] == "builds " + ", ".join(str(system.build) for system in SYSTEMS.values())
    assert all(any(name in system.caption for system in SYSTEMS.values()) for name in simulated[0].split(", "))
    images = workflow("windows.yml", "windows")["os"]
    [written] = [row for row in ROWS if "`windows-" in row[1]]
    assert re.findall("`([^`]*)`", written[1]) == images
    assert written[0] == ", ".join(f"Windows Server {image.partition('-')[2]}" for image in images)


def test_what_the_scripts_use_is_as_old_as_the_page_says() -> None:
    api = yaml.safe_load((ROOT / "tests" / "cases" / "host_script_api.yml").read_text(encoding="utf-8"))
    since = [row["since"] for row in (*api["commands"].values(), *api["members"].values())]
    years = {int(year) for text in since for year in re.findall(r"Windows Server (\d+)", text)}
    assert f"since Windows Server {max(years)} at the latest" in PAGE


def test_the_files_that_are_named_are_there() -> None:
    named = {name for name in re.findall(r"`([\w./-]+)`", PAGE) if "/" in name or name.endswith((".txt", ".toml"))}
    assert {"tests/host", "requirements-dev.txt"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
