"""What a run may remove depends on whether it sees all that the project declares, and on what it was given."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hosts import PROJECT

from ringfence.model.ledger import ProjectIdentity
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.settings import ProjectSettings
from ringfence.run.policy_from_options import run_policy
from ringfence.run.run_options import RunOptions


def policy(folder: Path, playbooks: list[str] | None = None, settings: dict[str, Any] | None = None, **options: Any) -> RunPolicy:
    found = ProjectSettings(folder, inventory=("hosts.yml",), playbooks=(str(folder / "a.yml"), str(folder / "b.yml")),
                            project=PROJECT, **settings or {})
    named = [str(folder / name) for name in playbooks or ("a.yml", "b.yml")]
    return run_policy(RunOptions(folder, **options), found, named)


@pytest.mark.parametrize(("run", "why"), [
    ({}, ""), ({"playbooks": ["b.yml", "a.yml"]}, ""), ({"limit": ["web1"]}, ""), ({"extra_vars": ["a=1"]}, ""),
    ({"tags": ["rdp"]}, "--tags or --skip-tags chose"), ({"skip_tags": ["rdp"]}, "--tags or --skip-tags chose"),
    ({"playbooks": ["a.yml"]}, "not all playbooks of ringfence.yml are read"),
    ({"playbooks": ["a.yml", "b.yml", "c.yml"]}, "not all playbooks of ringfence.yml are read")])
def test_what_makes_a_run_partial(run: dict[str, Any], why: str, tmp_path: Path) -> None:
    assert policy(tmp_path, **run).partial == why


def test_what_runs_are_given(tmp_path: Path) -> None:
    values = tmp_path / "values.yml"
    values.write_text("env: test\n", encoding="utf-8")
    given: list[dict[str, Any]] = [
        {}, {"inventory": ["other.yml"]}, {"inventory": ["web1,"]}, {"extra_vars": ["env=test"]}, {"extra_vars": ["env=prod"]},
        {"extra_vars": ["env=test", "size=1"]}, {"extra_vars": [f"@{values}"]}]
    inputs = [policy(tmp_path, **one).inputs for one in given]
    assert len({*inputs}) == len(given)
    assert inputs == [policy(tmp_path, **one).inputs for one in given]
    assert policy(tmp_path, tags=["rdp"], limit=["web1"]).inputs == inputs[0]
    values.write_text("env: prod\n", encoding="utf-8")
    assert policy(tmp_path, extra_vars=[f"@{values}"]).inputs not in inputs


def test_the_command_line_wins(tmp_path: Path) -> None:
    said = {"prune": "all", "max_changes": 5, "inherit": True, "guard": "strict", "protected_flows": ("a flow",)}
    of_file, of_line = policy(tmp_path, settings=said), policy(tmp_path, settings=said, prune="never", max_changes=7)
    assert (of_file.prune, of_file.max_changes, of_file.accepts_inherited) == ("all", 5, True)
    assert (of_line.prune, of_line.max_changes) == ("never", 7)
    assert (of_line.guard, [*map(str, of_line.protected_flows)]) == ("strict", ["a flow"])
    assert (policy(tmp_path).prune, policy(tmp_path).max_changes, policy(tmp_path).accepts_inherited) == ("created", 0, False)
    assert policy(tmp_path, accept_inherited=True).accepts_inherited
    assert (policy(tmp_path).project, policy(tmp_path, run_id="mine").run_id) == (PROJECT, "mine")
    assert [set(policy(tmp_path, force=forced).forced) for forced in ([], ["percent"])] == [set(), {"percent"}]
    assert policy(tmp_path).playbooks == ("a.yml", "b.yml")
    assert policy(tmp_path).run_id != policy(tmp_path).run_id
    assert policy(tmp_path, began=datetime(2026, 11, 27, 12, 30, tzinfo=UTC)).began == "2026-11-27T12:30:00Z"


def test_how_long_an_undo_waits(tmp_path: Path) -> None:
    said = {"revert_after": "2m"}
    assert [policy(tmp_path).revert_after, policy(tmp_path, settings=said).revert_after,
            policy(tmp_path, settings=said, revert_after="never").revert_after] == [300, 120, 0]


def test_without_a_project_nothing_is_owned(tmp_path: Path) -> None:
    found = replace(ProjectSettings(tmp_path), project=None)
    made = run_policy(RunOptions(tmp_path, extra_vars=["a=1"]), found, [], {"HOME": "/"})
    assert (made.project, made.prune, made.inputs, made.partial) == (None, "report", "", "")
    assert run_policy(RunOptions(tmp_path), replace(found, prune="created"), []).prune == "created"


def test_what_tasks_read_of_the_environment_is_given_too(tmp_path: Path) -> None:
    """In whatever order they read it; a variable that is not there is none that is empty."""
    found = ProjectSettings(tmp_path, inventory=("hosts.yml",), project=PROJECT)

    def inputs(environment: dict[str, str | None], project: ProjectIdentity = PROJECT, **options: Any) -> str:
        return run_policy(RunOptions(tmp_path, **options), replace(found, project=project), [], environment).inputs

    given = [inputs({}), inputs({"A": "1"}), inputs({"A": "2"}), inputs({"A": None}), inputs({"A": ""}),
             inputs({"A": "1"}, extra_vars=["A=1"]), inputs({}, extra_vars=["A=1"]), inputs({"A": "1", "B": "2"})]
    assert len({*given}) == len(given)
    assert inputs({"B": "2", "A": "1"}) == given[-1]
    assert inputs({"A": "1"}, replace(PROJECT, id="b" * 32)) != given[1]  # who has seen one project knows none of another


def test_the_folder_in_which_one_stands_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the way by which a file is named, or a link that leads to the project."""
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project")
    given = list[tuple[str, str]]()
    for folder, inventory in (("project", "hosts.yml"), (".", "project/hosts.yml"), (".", str(tmp_path / "link" / "hosts.yml"))):
        monkeypatch.chdir(tmp_path / folder)
        made = policy(tmp_path / "project", inventory=[inventory])
        linked = policy(tmp_path / "link", inventory=[inventory])
        given += [(one.inputs, one.partial) for one in (made, linked)]
    assert {partial for _, partial in given} == {""}
    assert len({*given}) == 1
