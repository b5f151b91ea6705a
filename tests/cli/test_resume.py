"""Going on with a run: it goes as it was told to, on the hosts that are left, and what it cannot know it says."""

import dataclasses
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, get_type_hints

import pytest
from cli_lab import RULES, SMALL_PROJECT, Cli, Output, fleet, journals, start, stuck, undisturbed
from documents import hosts_in

from ringfence.cli.command import OPTION_GROUPS
from ringfence.cli.commands import apply as command
from ringfence.cli.console import Console
from ringfence.cli.resume import RESUMED, ResumedRun, how_to_resume
from ringfence.diagnostics import InputError
from ringfence.lab import Machine
from ringfence.run.past_runs import LAST

RULE = "firewall_rule: {{name: {name}, protocol: tcp, local_port: {port}, remote_address: 10.0.0.0/8}}\n"
KEPT = {  # an option that holds on: what a run is told, and what the resume may say instead
    "prune": ("--prune=never", "--prune=report"), "max_changes": ("--max-changes=7", "--max-changes=8"),
    "revert_after": ("--revert-after=9m", "--revert-after=never"), "serial": ("--serial=10%", "--serial=2"),
    "order": ("--order=sorted", "--order=shuffle"), "apart": ("--apart=all by rack", "--apart=all"),
    "max_fail_percentage": ("--max-fail-percentage=0", "--max-fail-percentage=2.5"), "pause": ("--pause=0s", "--pause=2m"),
    "verify": ("--verify=connect=443", "--verify=blocked=3389"), "window": ("--window=22:00-04:00", "--window=00:00-24:00"),
    "forks": ("--forks=1", "--forks=3"), "unreachable": ("--unreachable=warn", "--unreachable=ignore"),
    "user": ("--user=one", "--user=two"), "max_age": ("--max-age=1h", "--max-age=2h"),
    "any_errors_fatal": ("--any-errors-fatal", ""),
    "same_commit": ("--same-commit", "")}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return undisturbed(tmp_path, capsys, monkeypatch, SMALL_PROJECT)


@pytest.fixture
def three(cli: Cli) -> Iterator[dict[str, Machine]]:
    with fleet(cli, 3) as hosts:
        declare(cli)
        yield hosts


def declare(cli: Cli, play: str = "", file: str = "site.yml", name: str = "corp-web", port: str = "443") -> None:
    cli.write({file: f"- hosts: all\n{play}  tasks:\n    - {RULE.format(name=name, port=port)}"})


def there(hosts: dict[str, Machine], name: str = "corp-web") -> list[str]:
    return [host for host, machine in hosts.items() if machine.registry.get(RULES, name)]


def broken_off(cli: Cli, hosts: dict[str, Machine], *arguments: str) -> None:
    """A run that came no further than the first host, which could not be written then."""
    hosts["web1"].faults.read_only = True
    said = cli("apply", "--yes", "--serial", "1", *arguments)
    assert (said.code, there(hosts)) == (6, []), said
    hosts["web1"].faults.read_only = False


def statuses(said: Output) -> dict[str, str]:
    return {name: host["status"] for name, host in hosts_in(said.out).items()}


# -- what holds on

def test_every_option_has_its_row() -> None:
    names = set()
    for name, hint in get_type_hints(command.apply).items():
        group = OPTION_GROUPS.get(hint)
        names |= {f.name for f in dataclasses.fields(group)} if group else {name}
    assert RESUMED.keys() == names - {"return"}
    assert KEPT.keys() == {name for name, how in RESUMED.items() if how == "kept"}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_holds_until_a_flag_says_otherwise(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Console, ResumedRun]] = []

    def look(console: Console, again: ResumedRun) -> NoReturn:
        seen.append((console, again))
        raise InputError([])

    monkeypatch.setattr(command, "_ready", look)
    before, instead = KEPT[name]
    run: Any = SimpleNamespace(folder=cli.folder, extra_vars=())

    def recorded(number: int) -> Any:
        """What the last call said, in a record of its own."""
        console, again = seen[-1]
        options = how_to_resume(console.settings, again, again.flags, run, None, "")
        begin = {"event": "run_begin", "format_version": "1.0", "hosts": ["web1"], "options": options}
        cli.write({f".ringfence/runs/20260101T00000{number}Z-000000.jsonl": json.dumps(begin) + "\n"})
        return again.flags.value(name)

    cli("apply")
    silent = recorded(0)
    monkeypatch.setenv(f"RINGFENCE_{name.upper()}", instead.partition("=")[2] or "0")  # no flag, and it was there before, too
    cli("apply", before)
    said = recorded(1)
    assert said != silent
    for number in (2, 3):  # as often as one likes
        cli("apply", "--resume", LAST)
        assert recorded(number) == said, number
    if instead:
        cli("apply", "--resume", LAST, instead)
        assert recorded(4) not in (said, silent)


def test_what_a_guard_refused_stays_refused(cli: Cli, three: dict[str, Machine]) -> None:
    cli.write({"site.yml": "- hosts: all\n  tasks:\n" + "".join(
        f"    - {RULE.format(name=f'r{n}', port=n + 1)}" for n in range(3))})
    assert cli("apply", "--yes", "--max-changes", "2").code == 4
    said = cli("apply", "--resume", "last", "--yes", "--output", "json")
    assert (said.code, statuses(said), there(three, "r1")) == (4, dict.fromkeys(three, "refused"), [])
    assert cli("apply", "--resume", "last", "--yes", "--max-changes", "3").code == 0
    assert there(three, "r1") == list(three)


def test_waves_are_those_that_a_flag_wants(cli: Cli, three: dict[str, Machine]) -> None:
    def waves() -> list[list[str]]:
        events = map(json.loads, journals(cli)[-1].read_text(encoding="ascii").splitlines())
        return next((event["waves"] for event in events if event["event"] == "rollout"), [])

    broken_off(cli, three, "--serial", "2")
    three["web1"].faults.read_only = True
    assert cli("apply", "--resume", "last", "--yes", "--order", "reverse_sorted", "--serial", "1").code == 6
    assert waves() == [["web3"], ["web1"], ["pc2"]]
    three["web1"].faults.read_only = False
    assert cli("apply", "--resume", "last", "--yes").code == 0
    assert waves() == [["web1"], ["pc2"]]  # of the run before, as it was told to


def test_variables_have_to_be_given_again(cli: Cli, three: dict[str, Machine]) -> None:
    declare(cli, port="'{{ port | default(443) }}'")
    broken_off(cli, three, "-e", "port=9504")
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (1, [])
    assert "was made with -e port=…" in said.err
    assert cli("apply", "--resume", "last", "--yes", "-e", "port=9504").code == 0
    assert all("LPort=9504|" in str(host.registry.get(RULES, "corp-web")) for host in three.values())


def test_a_record_alone_has_no_other_program_read_inventories(cli: Cli) -> None:
    begin = {"event": "run_begin", "format_version": "1.0", "hosts": ["web1"],
             "options": {"playbooks": [], "settings": {"engine": "ansible"}}}
    cli.write({".ringfence/runs/20260101T000000Z-000000.jsonl": json.dumps(begin) + "\n"})
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, "was made with --engine ansible, which a record alone may not" in said.err) == (1, True)
    begin["options"] = {"playbooks": [], "settings": {"max_changes": [5]}}
    cli.write({".ringfence/runs/20260101T000000Z-000000.jsonl": json.dumps(begin) + "\n"})
    assert "is damaged: max_changes is no list" in cli("apply", "--resume", "last", "--yes").err
    begin["options"] = {"playbooks": [], "tags": [","]}  # which is not every task
    cli.write({".ringfence/runs/20260101T000000Z-000000.jsonl": json.dumps(begin) + "\n"})
    assert "is damaged: tags: it is empty: ',' names no tag" in cli("apply", "--resume", "last", "--yes").err


def test_a_record_of_a_version_before_does_not_say_enough(cli: Cli) -> None:
    begin = {"event": "run_begin", "format_version": "1.0", "hosts": ["web1"],
             "options": {"playbooks": ["site.yml"], "rollout": {"window": ["03:00-04:00"]}}}
    cli.write({".ringfence/runs/20260101T000000Z-000000.jsonl": json.dumps(begin) + "\n"})
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, "is of a version before, and does not say all of how it was to go" in said.err) == (1, True)


def test_settings_of_ansible_stay_left_alone(cli: Cli, three: dict[str, Machine]) -> None:
    """They have counted before a record is read."""
    broken_off(cli, three, "--ignore-ansible-cfg")
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, "Give --ignore-ansible-cfg again" in said.err) == (1, True)
    assert cli("apply", "--resume", "last", "--yes", "--ignore-ansible-cfg").code == 0


def test_a_fact_that_those_who_are_done_had_keeps_nobody_back(cli: Cli, three: dict[str, Machine]) -> None:
    three["web1"].environment["RACK"] = "1"
    three["pc2"].faults.read_only = True
    again = ("--serial", "1", "--apart", "all by ansible_facts.environment.RACK")
    assert cli("apply", "--yes", *again).code == 6
    assert there(three) == ["web1"]
    three["pc2"].faults.read_only = False
    assert cli("apply", "--resume", "last", "--yes").code == 0
    three["web3"].registry.unset(RULES, "corp-web")
    assert cli("apply", "--yes", *again).code == 0  # web1 is in sync, and was looked at


def test_a_host_that_is_gone_is_no_failure_of_those_that_are_left(cli: Cli, three: dict[str, Machine]) -> None:
    broken_off(cli, three, "--any-errors-fatal")
    cli.write({"site.yml": (cli.folder / "site.yml").read_text().replace("hosts: all", "hosts: all,!pc2")})
    said = cli("apply", "--resume", "last", "--yes", "--output", "json")
    assert (said.code, statuses(said)["pc2"], there(three)) == (3, "stale", ["web1", "web3"])


def test_a_canary_that_never_was_done_has_another_in_its_place(cli: Cli, three: dict[str, Machine]) -> None:
    """Recorded waves begin with it: without, the next one would be all the rest."""
    broken_off(cli, three, "--serial", "100%")  # of [1, 100%]
    three["web1"].faults.unplugged = True
    three["pc2"].faults.read_only = True
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (6, []), said
    assert "1 host (pc2)" in said.err


# -- of which plan

def test_another_plan_file_under_its_name_is_refused(cli: Cli, three: dict[str, Machine]) -> None:
    declare(cli, "  serial: 1\n")
    declare(cli, file="other.yml", name="other-rule")
    assert cli("plan", "-o", "x.plan.json").code == 0
    own = (cli.folder / "x.plan.json").read_text(encoding="utf-8")
    three["web1"].faults.read_only = True
    assert cli("apply", "x.plan.json", "--yes").code == 6
    three["web1"].faults.read_only = False
    assert cli("plan", "other.yml", "-o", "x.plan.json").code == 0
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three), there(three, "other-rule")) == (3, [], [])
    assert "x.plan.json is not the plan that the run " in said.err
    cli.write({"x.plan.json": own})
    assert cli("apply", "--resume", "last", "--yes").code == 0
    assert there(three) == list(three)


def test_the_part_of_a_plan_that_a_run_was_about(cli: Cli, three: dict[str, Machine]) -> None:
    assert cli("plan", "-o", "x.plan.json").code == 0
    three["web1"].faults.read_only = True
    assert cli("apply", "x.plan.json", "--yes", "-l", "web1,pc2", "--serial", "1").code == 6
    three["web1"].faults.read_only = False
    cli.write({"site.yml": f"- hosts: all,!web3\n  tasks:\n    - {RULE.format(name='corp-web', port=443)}"})
    said = cli("apply", "--resume", "last", "--yes", "--output", "json")
    assert (said.code, statuses(said)) == (0, {"web1": "changed", "pc2": "changed"})


# -- from where

def test_from_any_folder_of_the_project(cli: Cli, three: dict[str, Machine]) -> None:
    for folder, files in {"playbooks": ["q.yml"], "plans": ["x.plan.json"]}.items():
        (cli.folder / folder).mkdir()
        inside = Cli(cli.folder / folder, cli.capsys)
        declare(inside, file="q.yml", name=folder)
        inside.write({"some": "web1\npc2\n"})
        if folder == "plans":
            assert inside("plan", "q.yml", "-o", "x.plan.json").code == 0
        three["web1"].faults.read_only = True
        assert inside("apply", *files, "--yes", "--serial", "1", "-l", "@some").code == 6
        three["web1"].faults.read_only = False
        said = cli("apply", "--resume", "last", "--yes")
        assert (said.code, there(three, folder)) == (0, ["web1", "pc2"]), said.err


def test_what_lies_outside_of_the_project_is_found_too(cli: Cli, three: dict[str, Machine], tmp_path_factory: Any) -> None:
    outside = Cli(tmp_path_factory.mktemp("outside"), cli.capsys)
    declare(outside, file="q.yml")
    broken_off(cli, three, os.path.relpath(outside.folder / "q.yml", cli.folder))
    (cli.folder / "deep").mkdir()
    said = Cli(cli.folder / "deep", cli.capsys)("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (0, list(three)), said.err


# -- on which hosts

def only(cli: Cli, hosts: str) -> None:
    cli.write({"site.yml": f"- hosts: {hosts}\n  tasks:\n    - {RULE.format(name='corp-web', port=443)}"})


def test_a_host_that_is_gone_is_told(cli: Cli, three: dict[str, Machine]) -> None:
    broken_off(cli, three)
    only(cli, "all,!web3")
    said = cli("apply", "--resume", "last", "--yes", "--output", "json")
    assert (said.code, statuses(said)) == (3, {"web1": "changed", "pc2": "changed", "web3": "stale"})
    assert "the inventory and playbooks do not name it any more" in said.out


def test_where_all_are_gone_it_is_no_run(cli: Cli, three: dict[str, Machine]) -> None:
    assert cli("apply", "--yes", "-l", "pc2").code == 0
    broken_off(cli, {name: three[name] for name in ("web1", "web3")})
    only(cli, "pc2")
    before = journals(cli)
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, journals(cli)) == (1, before)
    assert "is in the inventory and the playbooks any more: 2 hosts: web1, web3" in said.err
    said = cli("apply", "--resume", "last", "--yes", "--allow-empty", "--output", "json")
    assert (said.code, statuses(said)) == (3, {"web1": "stale", "web3": "stale"})


def test_the_last_run_is_the_last_apply(cli: Cli, three: dict[str, Machine]) -> None:
    broken_off(cli, three)
    assert cli("confirm", "--yes").code == 0
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (0, list(three)), said.err
    assert cli("rollback", "--yes").code == 0
    assert "is done: no host is left" in cli("apply", "--resume", "last", "--yes").err
    rolled_back = journals(cli)[-1].stem
    assert f"the run {rolled_back} was no apply" in cli("apply", "--resume", rolled_back, "--yes").err


# -- what a wave owes before the next one

CLOSED = "connect=127.0.0.1:1"
CANARY = "  serial: [1, 100%]\n"


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"connect=127.0.0.1:{server.getsockname()[1]}"


def told(cli: Cli, run: int = -1) -> list[dict[str, Any]]:
    """The events of a run; half a line is none."""
    found = journals(cli)
    lines = found[run].read_text(encoding="ascii").splitlines(keepends=True) if found else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def killed_after(cli: Cli, event: str, *arguments: str, also: Callable[[], bool] = lambda: True) -> None:
    """A run that is killed once it has told this, and something else is so."""
    before = journals(cli)
    with start(cli, "apply", "--yes", *arguments) as process:
        until = time.monotonic() + 30
        while journals(cli) == before or not any(one["event"] == event for one in told(cli)) or not also():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)
        time.sleep(0.2)  # what comes after it has begun
        process.kill()
        process.wait()


def verdicts(cli: Cli) -> list[tuple[list[str], bool | None]]:
    """The waves of the last run that ended, and whether what was looked at held."""
    return [(one["wave"]["hosts"], one["wave"]["verified"]) for one in told(cli) if one["event"] == "wave_end"]


def test_a_canary_whose_check_was_killed_is_looked_at_before_another_host_is_written(
        cli: Cli, three: dict[str, Machine], listening: str) -> None:
    declare(cli, CANARY)
    killed_after(cli, "host_end", "--verify", CLOSED)
    assert there(three) == ["web1"]
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (6, ["web1"]), said.err
    assert "wave 1 of 2: 1 done before, not verified" in said.err
    assert verdicts(cli) == [(["web1"], False)]
    said = cli("apply", "--resume", "last", "--yes", "--verify", listening)
    assert (said.code, there(three)) == (0, list(three)), said.err
    assert verdicts(cli) == [(["web1"], True), (["pc2", "web3"], True)]


def test_a_check_that_fails_costs_no_host_however_often_one_goes_on(cli: Cli, three: dict[str, Machine], listening: str) -> None:
    assert cli("apply", "--yes", "--serial", "1", "--verify", CLOSED).code == 6
    for again in ([], [], ["--serial", "2"]):
        said = cli("apply", "--resume", "last", "--yes", *again)
        assert (said.code, there(three)) == (6, ["web1"]), said.err
        assert "connection" in said.err.lower()
        assert "not begun: pc2 web3" in said.err
    assert cli("apply", "--resume", "last", "--yes", "--verify", listening).code == 0
    assert verdicts(cli) == [(["web1"], True), (["pc2", "web3"], True)]


@pytest.mark.parametrize("files", [[], ["x.plan.json"]])
def test_a_canary_that_was_rolled_back_is_written_again(files: list[str], cli: Cli, three: dict[str, Machine],
                                                        listening: str) -> None:
    declare(cli, CANARY)
    assert cli("plan", "-o", "x.plan.json").code == 0
    assert cli("apply", *files, "--yes", "--verify", CLOSED).code == 6
    assert cli("rollback", "web1", "--yes").code == 0
    assert there(three) == []
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (6, ["web1"]), said.err
    said = cli("apply", "--resume", "last", "--yes", "--verify", listening, "--output", "json")
    assert (said.code, there(three)) == (0, list(three)), said.err
    assert cli("drift").code == 0


def test_what_a_run_before_the_last_one_did_counts_too(cli: Cli, three: dict[str, Machine]) -> None:
    """That it was taken back, as well."""
    three["pc2"].faults.read_only = True
    assert cli("apply", "--yes", "--serial", "1").code == 6
    assert cli("apply", "--resume", "last", "--yes").code == 6
    assert (there(three), cli("rollback", "web1", "--yes").code) == (["web1"], 0)
    three["pc2"].faults.read_only = False
    said = cli("apply", "--resume", "last", "--yes", "--output", "json")
    assert (said.code, statuses(said)) == (0, dict.fromkeys(three, "changed")), said.err


def test_a_pause_is_held(cli: Cli, three: dict[str, Machine]) -> None:
    declare(cli, CANARY)
    killed_after(cli, "wave_end", "--pause", "1h")
    assert there(three) == ["web1"]
    before = three["web1"].clock.now()
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (0, list(three)), said.err
    assert 3600 <= three["web1"].clock.now() - before < 3700
    assert "wave 1 of 2: 1 done before, " in said.err
    assert "about" not in said.err  # of what takes no time nothing is known
    assert "wave 1  █   1 host: 1 done before\nwave 2  ██  2 hosts: 2 changed\n" in cli("runs", "show", "last").out


def test_a_flag_says_that_there_is_no_pause(cli: Cli, three: dict[str, Machine]) -> None:
    killed_after(cli, "wave_end", "--serial", "1", "--pause", "1h")
    before = three["web1"].clock.now()
    assert cli("apply", "--resume", "last", "--yes", "--pause", "0s").code == 0
    assert three["web1"].clock.now() - before < 60


def test_after_the_last_wave_there_is_no_pause(cli: Cli, three: dict[str, Machine]) -> None:
    three["web1"].faults.read_only = True
    assert cli("apply", "--yes", "--serial", "2", "--pause", "1h").code == 6
    assert there(three) == ["pc2", "web3"]
    three["web1"].faults.read_only = False
    before = three["web1"].clock.now()
    assert cli("apply", "--resume", "last", "--yes").code == 0
    assert three["web1"].clock.now() - before < 60


def test_a_wave_that_was_killed_is_looked_at_as_a_whole(cli: Cli, three: dict[str, Machine],
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    program = cli.folder / "smoke.sh"
    program.write_text("#!/bin/sh\necho $RINGFENCE_WAVE $RINGFENCE_WAVE_HOSTS >> seen\n", encoding="utf-8")
    program.chmod(0o700)
    more = ("--verify", "command=./smoke.sh")
    _, free = stuck(monkeypatch, "pc2", three)
    killed_after(cli, "host_end", "--serial", "2", "-f", "1", *more)
    free.set()
    for host in three.values():  # what was being written undoes itself
        host.clock.advance(1200)
    assert not (cli.folder / "seen").exists()
    said = cli("apply", "--resume", "last", "--yes", *more)
    assert (said.code, there(three)) == (0, list(three)), said.err
    assert (cli.folder / "seen").read_text().splitlines() == ["1 web1,pc2", "2 web3"]


def test_a_canary_that_is_gone_and_was_not_looked_at_has_another_in_its_place(cli: Cli, three: dict[str, Machine]) -> None:
    declare(cli, CANARY)
    assert cli("apply", "--yes", "--verify", CLOSED).code == 6
    only(cli, "all,!web1")
    cli.write({"site.yml": (cli.folder / "site.yml").read_text().replace("  tasks:", CANARY + "  tasks:")})
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (6, ["web1", "pc2"]), said.err


def test_a_canary_that_was_written_when_the_run_was_killed_is_looked_at(cli: Cli, three: dict[str, Machine],
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as declared by now: nothing is to be written there any more, and the check is to come."""
    declare(cli, CANARY)
    called, free = stuck(monkeypatch, "web1", three)
    killed_after(cli, "host_begin", "--revert-after", "never", "--verify", CLOSED, also=called.is_set)
    free.set()
    assert there(three) == ["web1"]
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (6, ["web1"]), said.err
    assert verdicts(cli) == [(["web1"], False)]


def test_after_a_check_that_failed_nobody_of_its_wave_is_written_either(cli: Cli, three: dict[str, Machine],
                                                                        listening: str) -> None:
    three["web1"].faults.read_only = True
    assert cli("apply", "--yes", "--serial", "2", "--verify", CLOSED).code == 6
    three["web1"].faults.read_only = False
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three)) == (6, ["pc2"]), said.err
    assert cli("apply", "--resume", "last", "--yes", "--verify", listening).code == 0
    assert verdicts(cli) == [(["pc2"], True), (["web1"], True), (["web3"], True)]


def test_a_resumed_run_that_began_nothing_leaves_what_was_owed(cli: Cli, three: dict[str, Machine]) -> None:
    declare(cli, CANARY)
    for again in ([], ["--resume", "last"]):
        assert cli("apply", "--yes", "--verify", CLOSED, *again).code == 6
    last = journals(cli)[-1]
    last.write_text(last.read_text(encoding="ascii").splitlines(keepends=True)[0], encoding="ascii")
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, there(three), verdicts(cli)) == (6, ["web1"], [(["web1"], False)]), said.err
