"""How a run goes on a host: the command line goes before its plays, these before ringfence.yml, whatever the setting is."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringfence.diagnostics import MAX_PROBLEMS, NOWHERE, Diagnostic, InputError
from ringfence.project.playbook_keys import RUN_KEYS
from ringfence.rollout.maintenance_window import parse_window
from ringfence.rollout.rollout_policy import ROLLOUT_KEYS
from ringfence.rollout.wave_checks import parse_check
from ringfence.rollout.waves import parse_apart, parse_wave_size
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.host_problems import ProblemsOfHosts
from ringfence.run.of_hosts import program_path
from ringfence.run.prepare import Prepared, prepare
from ringfence.run.run_options import RunOptions

# what ringfence.yml, a play and the command line say, each with what comes of it
SAID: dict[str, list[tuple[Any, Any]]] = {
    "prune": [(one, one) for one in ("all", "restore", "never")],
    "revert_after": [("1m", 60), ("2m", 120), ("3m", 180)],
    "window": [(one, (parse_window(one),)) for one in ("01:00-02:00", "02:00-03:00", "Sat 03:00-04:00")],
    "serial": [(one, (parse_wave_size(one),)) for one in (1, 2, "30%")],
    "order": [(one, one) for one in ("sorted", "reverse_sorted", "shuffle")],
    "max_fail_percentage": [(one, one) for one in (10, 20, 30)],
    "any_errors_fatal": [(True, True)] * 3,
    "pause": [("1m", 60), ("2m", 120), ("ask", "ask")],
    "apart": [(one, (parse_apart(one),)) for one in ("all by a", "all by b", "all by c")],
    "verify": [([{"connect": port}], (parse_check({"connect": port}),)) for port in (1, 2, 3)]}
BY_DEFAULT = {"prune": "created", "revert_after": 300, "window": (), "serial": (), "order": "inventory",
              "max_fail_percentage": None, "any_errors_fatal": False, "pause": 0, "apart": (), "verify": ()}


def comes_to(key: str, job: HostJob, context: RunContext) -> Any:
    """What a setting is on a host."""
    if key in ROLLOUT_KEYS:
        return getattr(job.rollout, key)
    if key == "window":
        return job.windows
    of_job = getattr(job, key)
    return getattr(context.policy, key) if of_job is None else of_job


def run_of(folder: Path, settings: dict[str, Any], play: dict[str, Any], **line: Any) -> Prepared:
    tasks = [{"firewall_rule": {"name": "a", "state": "absent"}}]
    project = {"name": "test", "id": "0123456789abcdef"}
    files = {"hosts.yml": {"all": {"hosts": {"web1": {"ansible_connection": "local", "a": 1, "b": 2, "c": 3}}}},
             "site.yml": [{"hosts": "all", "tasks": tasks, **play}, {"hosts": "all", "tasks": tasks}],
             "ringfence.yml": {"inventory": "hosts.yml", "playbooks": ["site.yml"], "project": project, **settings}}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return prepare(RunOptions(folder, **line))


def on_the_line(key: str) -> dict[str, Any]:
    said, means = SAID[key][2]
    if key in ROLLOUT_KEYS:
        return {"rollout": {key: list(means) if isinstance(means, tuple) else means}}
    return {key: means if key == "window" else said}


@pytest.mark.parametrize("key", SAID)
def test_who_goes_before_whom(key: str, tmp_path: Path) -> None:
    (of_file, _), (of_play, _), _ = SAID[key]
    found = []
    for settings, play, line in (({}, {}, {}), ({key: of_file}, {}, {}), ({key: of_file}, {key: of_play}, {}),
                                 ({}, {key: of_play}, {}), ({key: of_file}, {key: of_play}, on_the_line(key))):
        run = run_of(tmp_path, settings, play, **line)
        found.append(comes_to(key, run.jobs[0], run.context))
    file, play, line = (means for _, means in SAID[key])
    assert found == [BY_DEFAULT[key], file, play, play, line]


def test_each_setting_is_looked_at() -> None:
    assert set(SAID) == set(BY_DEFAULT) == set(RUN_KEYS)


def test_a_program_of_a_check_is_looked_for_where_its_name_says(tmp_path: Path) -> None:
    assert program_path("sh", tmp_path) == shutil.which("sh")
    assert program_path("no-such-program", tmp_path) == "no-such-program"
    assert program_path("checks/sh", tmp_path) == str(tmp_path / "checks" / "sh")


def test_how_many_more_hosts_have_a_mistake() -> None:
    """Those that are told of no host are not counted, nor is one host twice."""
    found, wrong = ProblemsOfHosts(), Diagnostic(NOWHERE, "wrong")
    found.extend(replace(wrong, host=host) for host in ("a", "", "b", "b", "", "c"))
    assert [d.host for d in found.all] == ["a and 2 more"]


def test_what_is_wrong_with_one_host_is_told_with_it() -> None:
    found = ProblemsOfHosts()
    found.extend([Diagnostic(NOWHERE, "wrong", host="a"), Diagnostic(NOWHERE, "hm", severity="warning")])
    assert [(d.summary, d.host) for d in found.all] == [("wrong", "a"), ("hm", "")]
    assert {(d.summary, d.host) for d in found.known} == {("wrong", ""), ("hm", "")}


def test_no_more_hosts_are_looked_at_once_more_is_wrong_than_is_told_at_once() -> None:
    """A mistake of many hosts is one, and a warning is none."""
    found = ProblemsOfHosts()
    mistakes = [Diagnostic(NOWHERE, f"wrong {n}") for n in range(MAX_PROBLEMS)]
    for host in "ab":
        found.extend(replace(one, host=host) for one in mistakes)
    found.extend(Diagnostic(NOWHERE, f"hm {n}", severity="warning") for n in range(MAX_PROBLEMS))
    with pytest.raises(InputError) as raised:
        found.extend([Diagnostic(NOWHERE, "one more", host="c")])
    told = raised.value.diagnostics
    assert [d.host for d in told[:2]] == ["a and 1 more"] * 2
    assert len(told) > MAX_PROBLEMS
