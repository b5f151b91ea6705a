"""The workflow of a release is the steps that run here too, with rights where they are needed."""

from typing import Any

import yaml

from . import dry, steps
from .__main__ import main

JOBS: dict[str, Any] = yaml.safe_load(dry.WORKFLOW.read_text("utf-8"))["jobs"]
OURS = [line for line in dry.lines() if dry.STEP in line]


def test_every_step_is_a_step_of_the_program() -> None:
    named = [line.partition(dry.STEP)[2].split() for line in OURS]
    assert named == [["agree", '"$GITHUB_REF_NAME"'], ["build"], ["install"], ["bill"], ["test"]]
    assert all(hasattr(steps, name) for name, *_ in named)


def test_other_lines_are_short_enough_to_be_read() -> None:
    assert [line.split()[0] for line in dry.lines() if line not in OURS] == ["make", "gh"]
    assert [line for line in dry.lines() if "\n" in line] == []


def test_who_publishes_runs_nothing_of_the_repository() -> None:
    rights = {name: job.get("permissions", {}) for name, job in JOBS.items()}
    assert rights == {"build": {"contents": "read", "id-token": "write", "attestations": "write"},
                      "pypi": {"id-token": "write"}, "github": {"contents": "write"}}
    for step in (*JOBS["pypi"]["steps"], *JOBS["github"]["steps"]):
        assert "checkout" not in step.get("uses", "")
        assert dry.STEP not in step.get("run", "")
    assert (JOBS["pypi"]["needs"], JOBS["pypi"]["environment"], JOBS["github"]["needs"]) == ("build", "pypi", "pypi")


def test_what_disagrees_is_told(capsys: Any) -> None:
    assert main(["agree", "v0.0.1"]) == 1
    assert capsys.readouterr().err == f"the tag is v0.0.1, the package's version {steps.version()}\n"
