"""Tasks -> what is declared: every mistake at once, each with its place and a way out."""

import time
from pathlib import Path
from typing import Any

import pytest
from core import KINDS, at, declare, declared, resources, task

from ringfence.diagnostics import Diagnostic, Where
from ringfence.documents.vault import encrypt
from ringfence.model.declaration import Present
from ringfence.model.state import Id
from ringfence.project import declare as declarations
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.run.prepare import RunOptions, prepare
from ringfence.secret import Secret


def line(n: int) -> Where:
    return Where("play.yml", n)


def texts(problems: list[Diagnostic]) -> list[str]:
    return [str(p) for p in problems]


def test_every_mistake_of_every_task_at_once_with_its_place() -> None:
    desired, problems = declare(
        at(1, name="a", protocol="tpc", local_port=[80, "x"], remote_adress="10.0.0.1", enabled="maybe"),
        at(10, name="b", action="deny", profile="domian"),
        at(20, "firewall_profile", profiles="domain", log_max_size_kilobytes=0),
        at(30, direction="inbound"),
        at(40, name="fine", protocol="tcp", local_port=22))
    assert [id.name for id in desired] == ["fine"]
    assert [p.where.line for p in problems] == [3, 4, 5, 6, 12, 13, 22, 30]
    assert all(p.severity == "error" for p in problems)
    told = texts(problems)
    assert "did you mean tcp" in told[0]
    assert "'x' is not a port" in told[1]
    assert "unknown property 'remote_adress'; did you mean remote_address?" in told[2]
    assert "ringfence doc firewall_rule" in told[2]
    assert "neither true nor false" in told[3]
    assert "is not one of allow, block" in told[4]
    assert "did you mean domain" in told[5]
    assert "0 is not in 1-32767" in told[6]
    assert "name is missing" in told[7]


def test_combinations_are_checked_when_every_value_is_right() -> None:
    _, problems = declare(at(1, name="r", local_port=80, remote_user="S-1-5-11", direction="outbound"))
    assert [(p.where.line, p.summary.partition("[")[2][:10]) for p in problems] == [(3, "0x001000A1"), (4, "0x001000C0"),
                                                                                    (4, "0x001000C1")]
    assert all(p.detail for p in problems)


@pytest.mark.parametrize(("key", "meant"),
                         [("remote_addres", "remote_address"), ("Local_Port", "local_port"), ("nam", "name"), ("stat", "state"),
                                            ("programm", "program"), ("display-name", "display_name")])
def test_unknown_keys_name_the_nearest(key: str, meant: str) -> None:
    _, problems = declare(task("firewall_rule", {"name": "r", key: "x"}))
    assert f"unknown property '{key}'; did you mean {meant}?" in problems[0].summary


def test_a_key_that_is_nothing_like_ours_is_still_an_error() -> None:
    _, (problem,) = declare(at(1, name="r", zebra=1))
    assert problem.summary == "firewall_rule: unknown property 'zebra'"


def test_a_comma_inside_braces_is_told() -> None:
    """{profile: Domain,Private} is a profile, and a key `Private` without a value."""
    _, (problem,) = declare(task("firewall_rule", {"name": "r", "profile": "Domain", "Private": None}))
    assert "inside of { } write [a, Private]" in problem.detail


@pytest.mark.parametrize("key", [1, None, True, "name|"])
def test_odd_keys(key: Any) -> None:
    _, problems = declare(task("firewall_rule", {"name": "r", key: "x"}))
    assert "unknown property" in problems[0].summary


# ---- absence

def test_absent_with_properties() -> None:
    desired, problems = declare(at(1, name="r", state="absent", protocol="tcp", local_port=80))
    assert not desired
    assert [(p.where.line, p.summary) for p in problems] == [
        (4, "firewall_rule: protocol has no meaning where state is absent"),
        (5, "firewall_rule: local_port has no meaning where state is absent")]


@pytest.mark.parametrize("state", ["gone", None, True, ["absent"], 0])
def test_state_is_present_or_absent(state: Any) -> None:
    desired, problems = declare(at(1, name="r", state=state))
    assert not desired
    assert "is neither present nor absent" in problems[0].summary
    assert problems[0].where == line(3)


def test_present_may_be_said() -> None:
    assert declared(at(1, name="r", state="present")) != {}


# ---- two declarations of one thing

def test_two_tasks_that_declare_one_rule_differently_name_both_places() -> None:
    desired, problems = declare(at(1, name="RDP", display_name="N", protocol="tcp", local_port=3389),
                                at(10, name="rdp", display_name="N", protocol="tcp", local_port=3390))
    (problem,) = problems
    assert problem.where == line(14)
    assert problem.summary == "firewall_rule rdp is declared twice and differently: local_port"
    assert "play.yml:5" in problem.detail
    assert len(desired) == 1


def test_a_difference_by_omission_stands_at_the_task() -> None:
    _, (problem,) = declare(at(1, name="r", enabled=False), at(10, name="r"))
    assert problem.where == line(10)
    assert "play.yml:3" in problem.detail


@pytest.mark.parametrize(("allow", "block", "said"), [
    ({"remote_address": "10.99.0.0/16"}, {"local_port": [80, 443]}, "lets nothing through"),
    ({"remote_address": "10.99.0.0/16"}, {"local_port": 443, "profile": "domain"}, ""),  # let in, but not there
    ({"remote_address": "10.99.0.0/16"}, {"local_port": 443, "remote_address": "10.98.0.0/15"}, "lets nothing through"),
    ({"remote_address": "10.99.0.0/16"}, {"local_port": 443, "remote_address": "10.99.1.0/24"}, ""),
    ({"remote_address": "10.99.0.0/16", "profile": "public"}, {"local_port": 443, "profile": "domain"}, ""),
    ({"enabled": False}, {"local_port": 443}, ""), ({}, {"local_port": 443, "enabled": False}, ""),
    ({}, {"remote_port": 443, "direction": "outbound"}, ""), ({}, {"local_port": 443, "local_user": "S-1-5-32-545"}, ""),
    ({"authentication": "required", "remote_machine": "S-1-5-21-1-2-3-4", "override_block_rules": True}, {"local_port": 443}, ""),
])
def test_an_allow_below_a_block_of_all_of_it_is_told(allow: dict[str, Any], block: dict[str, Any], said: str) -> None:
    tasks = [at(3, name="web", protocol="tcp", local_port=443, **allow),
             at(9, name="no", action="block", protocol="tcp", **block)]
    _, problems = declare(*tasks, words=True)
    assert [(p.where.line, p.severity) for p in problems] == [(3, "warning")] * bool(said)
    for problem in problems:
        assert problem.summary == f"firewall_rule web {said}: firewall_rule no at play.yml:9 blocks all of it"
    builder = DeclarationBuilder(KINDS, lambda id: id.name == "no")  # of what Windows ships only what is mentioned is known
    assert builder.declarations(tasks)[1] == []


def test_what_is_said_twice_is_blocked_once() -> None:
    """What two tasks say of a rule is one rule, of which each may say a word more."""
    said = {"protocol": "tcp", "local_port": 443}
    tasks = [at(3, name="web", **said, remote_address="10.0.0.0/8"),
             at(5, name="web", **said, remote_address="10.0.0.0/8", enabled=True),
             at(7, name="no", action="block", **said), at(9, name="no", action="block", **said, enabled=True)]
    _, [problem] = declare(*tasks, words=True)
    assert problem.summary == "firewall_rule web lets nothing through: firewall_rule no at play.yml:7 blocks all of it"


def test_the_same_twice_is_fine() -> None:
    desired = declared(at(1, name="r", remote_address=["10.0.0.0/8", "dns"]),
                   at(9, name="r", remote_address="DNS, 10.1.2.3/255.0.0.0"))
    assert list(desired) == [Id("local", "firewall_rule", "r")]


def test_what_either_of_two_tasks_mentions_is_mentioned() -> None:
    """Of an object that is managed by mention it counts, even where it says what silence says too."""
    for tasks in ((at(1, name="r"), at(9, name="r", enabled=True)), (at(1, name="r", enabled=True), at(9, name="r"))):
        (only,) = declared(*tasks).values()
        assert isinstance(only, Present)
        assert (only.values, only.location("enabled").line) == ({"enabled": True}, 11 if "enabled" in tasks[1].properties else 3)


def test_present_and_absent_is_a_conflict() -> None:
    for tasks in ((at(1, name="r"), at(10, name="r", state="absent")), (at(1, name="r", state="absent"), at(10, name="r"))):
        _, (problem,) = declare(*tasks)
        assert "declared twice and differently: state" in problem.summary
        assert problem.where.line in (10, 12)
        assert "play.yml:" in problem.detail
    assert not declare(at(1, name="r", state="absent"), at(10, name="R", state="absent"))[1]


def test_settings_merge_and_conflict_by_property() -> None:
    desired, problems = declare(at(1, "firewall_profile", profiles="domain", enabled=True, log_blocked=True),
                                at(10, "firewall_profile", profiles=["domain", "public"], log_blocked=False, log_allowed=True))
    (problem,) = problems
    assert problem.summary == "firewall_profile domain is declared twice and differently: log_blocked"
    assert (problem.where, "play.yml:4" in problem.detail) == (line(12), True)
    public = desired[Id("local", "firewall_profile", "public")]
    assert isinstance(public, Present)
    assert public.values == {"log_blocked": False, "log_allowed": True}


# ---- secrets

def test_a_secret_where_values_are_shown_is_refused_and_not_shown() -> None:
    _, problems = declare(at(1, name="r", description=Secret("sesame"), local_port=Secret("sesame"), program=[Secret("sesame")]))
    assert len(problems) == 3
    assert "sesame" not in "\n".join(texts(problems))
    assert problems[0].where == line(3)


def test_a_secret_name_is_refused() -> None:
    _, (problem,) = declare(at(1, name=Secret("sesame")))
    assert "sesame" not in str(problem)
    assert "secret" in problem.summary


# ---- work is per distinct value

def test_a_task_is_declared_once_for_a_fleet() -> None:
    declarer, task = DeclarationBuilder(KINDS, lambda id: True), at(1, name="r", protocol="tcp", local_port=80)
    one, _ = declarer.declarations([task])
    two, _ = declarer.declarations([task])
    three, _ = declarer.declarations([at(1, name="r", protocol="tcp", local_port=80)])
    key = Id("local", "firewall_rule", "r")
    assert one[key] is two[key] is three[key]


def test_equal_text_of_other_types_is_not_the_same_value() -> None:
    declarer = DeclarationBuilder(KINDS, lambda id: True)
    _, wrong = declarer.declarations([at(1, name="r", description=True)])
    right, _ = declarer.declarations([at(1, name="r", description="True")])
    assert wrong
    assert right


def test_a_fleet_of_a_hundred_with_three_hundred_rules_takes_no_time() -> None:
    declarer = DeclarationBuilder(KINDS, lambda id: True)
    tasks = [at(10 * i, name=f"rule-{i}", protocol="tcp", local_port=1 + i, remote_address=["10.0.0.0/8"]) for i in range(300)]
    declarer.declarations(tasks)
    start = time.process_time()
    for _ in range(100):
        declarer.declarations(tasks)
    assert time.process_time() - start < 2


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet in which nothing repeats itself must not fill the memory; what came first stays known."""
    monkeypatch.setattr(declarations, "MAX_REMEMBERED", 10)
    declarer, first = DeclarationBuilder(KINDS, lambda id: True), [at(1, name=f"r{i}") for i in range(10)]
    known, _ = declarer.declarations(first)
    assert not declarer.has_room
    declarer.declarations([at(1, name=f"s{i}") for i in range(50)])
    again, problems = declarer.declarations([at(1, name=f"r{i}") for i in range(10)])
    assert problems == []
    assert all(again[id] is known[id] for id in known)


def test_every_task_knows_its_place() -> None:
    (found,) = declared(at(5, name="r", protocol="tcp")).values()
    assert (found.where, found.locations["protocol"]) == (line(5), line(7))


def test_each_host_has_its_own_key(tmp_path: Path) -> None:
    """One task for all hosts, a vaulted secret of each host in it: what is remembered by value must not mix them up."""
    (tmp_path / "password").write_text("vault password")
    keys = {"a": "key-of-a", "b": "key-of-b", "c": "key-of-a"}
    for host, key in keys.items():
        lines = encrypt(key, Secret("vault password")).splitlines()
        (tmp_path / "host_vars").mkdir(exist_ok=True)
        (tmp_path / "host_vars" / f"{host}.yml").write_text("key: !vault |\n" + "".join(f"  {line}\n" for line in lines))
    (tmp_path / "hosts.yml").write_text("all: {hosts: {a: , b: , c: }}\n")
    (tmp_path / "site.yml").write_text(
        "- hosts: all\n  vars: {ansible_connection: local}\n  tasks:\n    - ipsec_phase1_auth_set:\n"
        "        {name: s, proposal: [{machine: true, pre_shared_key: '{{ key }}'}]}\n")
    run = prepare(RunOptions(tmp_path, [str(tmp_path / "site.yml")], [str(tmp_path / "hosts.yml")],
                             vault=[str(tmp_path / "password")]))
    found = {}
    for job in run.jobs:
        (only,) = resources(job.declarations or {})
        found[job.host] = only.values()["proposal"][0].values()["pre_shared_key"].reveal()
    assert found == keys


def test_a_display_name_in_place_of_a_name_says_where_names_are_found() -> None:
    _, problems = declare(at(1, display_name="Foo Server", state="absent"))
    assert "`ringfence show HOST --name 'Foo Server'` tells who has a display name" in "\n".join(p.detail for p in problems)
    _, (pattern,) = declare(at(1, name="Old rule*", state="absent"))
    assert "cmdlets take it for a pattern" in pattern.summary


def test_what_is_not_to_be_there_keeps_its_spelling() -> None:
    for state in ("absent", "default"):
        (only,) = declared(at(1, name="Foo Server", state=state)).values()
        assert str(only) == "firewall_rule Foo Server"


def renamed(line: int, name: str, old: str) -> RenderedTask:
    said = {"name": name, "protocol": "tcp", "local_port": 80, "remote_address": "10.0.0.1"}
    return task("firewall_rule", said, Where("play.yml", line), treatment={"renamed_from": old})


@pytest.mark.parametrize(("tasks", "said", "line"), [
    ([renamed(1, "a", "old"), renamed(5, "b", "OLD")], "firewall_rule b: firewall_rule old gets two names", 5),
    ([renamed(1, "a", "old"), at(5, name="Old")], "firewall_rule a: firewall_rule old is renamed and stays", 1),
    ([renamed(1, "a", "A")], "renamed_from is the name that it has", 1),
    ([renamed(1, "a", "old"), at(5, name="old", state="absent")], "", 0), ([renamed(1, "a", "x"), renamed(5, "b", "y")], "", 0)])
def test_an_object_gets_one_name(tasks: list[RenderedTask], said: str, line: int) -> None:
    _, problems = declare(*tasks)
    assert [(said in p.summary, p.where.line) for p in problems] == ([(True, line)] if said else [])
