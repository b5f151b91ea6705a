"""confirm and rollback: what a run made stays, or the host is as it was before it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_lab import RULES, SETTINGS, Cli, fleet, journals, on_terminal
from documents import hosts_in

from ringfence.errors import HostError
from ringfence.lab import Machine
from ringfence.model.undo import kept_undo, undo_state
from ringfence.run.writing import Writing

STORIES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "rolled_back.yml").read_text(encoding="utf-8"))
RULE = "    - firewall_rule: {name: corp-web, protocol: tcp, remote_address: 10.0.0.0/8, local_port: "


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def declare(cli: Cli, port: int, more: str = "") -> None:
    cli.write({"site.yml": f"- hosts: all\n  tasks:\n{RULE}{port}}}\n{more}"})


def ports(hosts: dict[str, Machine]) -> list[str | None]:
    """The port that the rule has on each host."""
    texts = [host.registry.get(RULES, "corp-web") for host in hosts.values()]
    return [str(t).partition("LPort=")[2].partition("|")[0] if t else None for t in texts]


def last_run(cli: Cli) -> str:
    runs: list[dict[str, Any]] = json.loads(cli("runs", "--output", "json").out)["result"]["runs"]
    return str(runs[0]["run_id"])


def ledger_entry(host: Machine, name: str) -> dict[str, Any]:
    [text] = [value.data for path, key in host.registry.tree(r"SOFTWARE\ringfence") for value in key.values.values()
              if value.name == name]
    found: dict[str, Any] = json.loads(str(text))
    return found


def test_a_host_goes_back_to_before_its_last_run_or_an_earlier_one(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        declare(cli, 81)
        assert cli("apply", "--yes").code == 0
        first, made = last_run(cli), ledger_entry(hosts["web1"], "firewall_rule|local|corp-web")["hash"]
        declare(cli, 82, "    - firewall_rule: {name: more, protocol: udp, local_port: 53, remote_address: 10.0.0.0/8}\n")
        assert cli("apply", "--yes").code == 0
        assert "there is nobody to ask" in cli("rollback").err
        second = last_run(cli)
        one = cli("rollback", "web1", "--yes")
        assert (one.code, ports(hosts)) == (0, ["81", "82"]), one.out
        assert "as before run" in one.out
        assert hosts["web1"].registry.get(RULES, "more") is None
        entry = ledger_entry(hosts["web1"], "firewall_rule|local|corp-web")
        assert entry["run"] == last_run(cli) != second
        assert entry["hash"] == made  # that of what is there now: by it one sees later whether somebody else changed it
        assert cli("rollback", "--to", first, "--yes").code == 0
        assert ports(hosts) == [None, None]
        assert cli("rollback", "--to", "2020", "--yes").code == 1
        declare(cli, 81)
        assert cli("apply", "--yes").code == 0
        assert cli("drift").code == 0


def test_somebody_is_asked_though_a_host_is_not_reached(cli: Cli) -> None:
    """It goes on with the others, as apply does; the exit code and the record tell of the one."""
    with fleet(cli, 3) as hosts:
        declare(cli, 81)
        assert cli("apply", "--yes").code == 0
        hosts["pc2"].faults.unplugged = True
        code, shown = on_terminal(cli, "n\n", "rollback")
        assert (code, ports(hosts)) == (1, ["81"] * 3), shown
        assert "Do that (2 objects on 2 hosts: web1, web3)?" in shown
        code, shown = on_terminal(cli, "y\n", "rollback")
        assert (code, ports(hosts)) == (5, [None, "81", None]), shown
        of = json.loads(cli("runs", "show", "last", "--output", "json").out)["result"]["hosts"]
        assert {one["host"]: one["status"] for one in of} == {"web1": "changed", "pc2": "unreachable", "web3": "changed"}
        for host in hosts.values():
            host.faults.unplugged = True
        code, shown = on_terminal(cli, "", "rollback")
        assert (code, "Do that" in shown) == (5, False)


@pytest.mark.parametrize("command", ["confirm", "rollback"])
def test_a_run_that_never_came_back(command: str, cli: Cli) -> None:
    """The host says so at every look; somebody decides before it does by itself."""
    with fleet(cli, 1) as hosts:
        declare(cli, 81)
        assert cli("apply", "--yes").code == 0
        declare(cli, 82)
        leave_armed(cli)
        seen = cli("plan")
        assert "armed its undo here" in seen.out + seen.err
        said = cli("drift", "-q")
        assert (said.code, "armed its undo here" in said.out, "web1  in sync" in said.out) == (0, True, True), said
        said = cli(command, "web1", "--yes")
        assert said.code == 0, said.out
        assert ports(hosts) == ["82" if command == "confirm" else "81"]
        assert ("stays" if command == "confirm" else "imported the policy that it had before") in said.out
        assert "no undo waits here" in cli("confirm", "web1", "--yes").out
        before = ports(hosts)
        hosts["web1"].clock.advance(7200)
        assert ports(hosts) == before


def test_an_undo_whose_task_is_still_there_has_not_ended(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 1) as hosts:
        declare(cli, 81)
        assert cli("apply", "--yes").code == 0
        declare(cli, 82)
        leave_armed(cli)
        monkeypatch.setattr("ringfence.run.rollback.undo_state",
                            lambda value: replace(undo_state(value), task="20261127T120000Z-aaaaaa"))
        said = cli("rollback", "--yes")
        assert (said.code, ports(hosts)) == (6, ["81"])
        assert "has not come to its end: " in said.out + said.err


@pytest.mark.parametrize("seen", [{"step": "firing"}, {"step": "again"}, {"state": "firing"}], ids=str)
def test_what_has_begun_to_be_undone_is_not_confirmed(seen: dict[str, str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of the two tells it first hangs on how far the host's task is."""
    with fleet(cli, 1) as hosts:
        declare(cli, 81)
        assert cli("apply", "--yes").code == 0
        declare(cli, 82)
        leave_armed(cli)
        monkeypatch.setattr("ringfence.run.host_session.kept_undo", lambda answer: replace(kept_undo(answer), **seen))
        said = cli("confirm", "web1", "--yes")
        assert (said.code, ports(hosts)) == (4, ["82"])
        assert "the host has begun to undo run 2" in said.out + said.err


def leave_armed(cli: Cli) -> None:
    """A run that writes what is declared, and is never heard of again."""
    def gone(self: Writing) -> None:
        raise RuntimeError("the controller is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writing, "_proven_or_undone", gone)
        assert cli("apply", "--yes").code == 6


def test_an_undo_that_waits_is_no_end_of_the_way_to_an_earlier_run(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        for port in (81, 82):
            declare(cli, port)
            assert cli("apply", "--yes").code == 0
        (_, first) = (run["run_id"] for run in json.loads(cli("runs", "--output", "json").out)["result"]["runs"])
        declare(cli, 83)
        leave_armed(cli)
        said = cli("rollback", "--to", first, "--yes")
        assert (said.code, ports(hosts)) == (0, [None]), said
        assert "it imported the policy that it had before" in said.out
        assert "1 changed" in said.out


def test_of_a_host_whose_undo_was_seen_to_nothing_else_is_said(cli: Cli) -> None:
    """It is not in sync, which nobody has looked at."""
    with fleet(cli, 1) as hosts:
        declare(cli, 81)
        for command, port in (("confirm", "81"), ("rollback", None)):
            leave_armed(cli)
            said = cli(command, "--yes")
            assert (said.code, "in sync" in said.out, "1 reachable" in said.out, ports(hosts)) == (0, False, True, [port]), said
            declare(cli, 82)
            hosts["web1"].registry.unset(RULES, "corp-web")
        assert "in sync" not in cli("confirm", "--yes").out


def test_what_no_record_holds_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was there before is in no journal: it cannot be brought back from one."""
    keys = "- hosts: all\n  tasks:\n    - ipsec_phase1_auth_set: {{name: corp, proposal: {{machine: true, "
    keys += "pre_shared_key: \"{{{{ lookup('env', 'CORP_KEY') }}}}\"}}}}\n"
    with fleet(cli, 1) as hosts:
        for key in ("first-key", "other-key"):
            monkeypatch.setenv("CORP_KEY", key)
            cli.write({"site.yml": keys.format() + f"{RULE}{81 if key == 'first-key' else 82}}}\n"})
            assert cli("apply", "--yes").code == 0
        said = cli("rollback", "--yes")
        assert "ipsec_phase1_auth_set corp: it had a secret, which no record holds: say again what it was" in said.out, said
        assert (said.code, ports(hosts)) == (6, ["81"])
        assert "not everything could be taken back: changes that stay: 1, see the warnings" in said.out
        assert "-key" not in said.out + said.err
        again = cli("rollback", "--yes", "--to", "last")
        assert again.code == 0, again  # the last run was the rollback, which wrote no key


def declare_rules(cli: Cli, rules: list[dict[str, Any]]) -> None:
    """A play of these rules; renamed_from stands beside the kind."""
    tasks = [{"firewall_rule": {n: v for n, v in rule.items() if n != "renamed_from"},
              **({"renamed_from": rule["renamed_from"]} if "renamed_from" in rule else {})} for rule in rules]
    cli.write({"site.yml": json.dumps([{"hosts": "all", "tasks": tasks}])})


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story["what"]))
def test_a_host_is_as_it_was_by_all_names(story: dict[str, Any], cli: Cli) -> None:
    """What is there, and what the ledger says of it, is what was there before."""
    with fleet(cli, 1) as hosts:
        if "before" in story:
            cli.write({"ringfence.yml": SETTINGS.partition("project:")[0]})
            declare_rules(cli, story["before"])
            assert cli("apply", "--yes").code == 0
            cli.write({"ringfence.yml": SETTINGS})
        began = len(journals(cli))
        for rules in story["applies"]:
            declare_rules(cli, rules)
            done = cli("apply", "--yes")
            assert done.code == 0, done
        for path in journals(cli) if story.get("earlier") else ():
            path.write_text(re.sub(r'"ledger":\{[^{}]*\},', "", path.read_text(encoding="utf-8")), encoding="utf-8")
        to = ["--to", journals(cli)[began + story["to"]].stem] if "to" in story else []
        done = cli("rollback", "web1", "--yes", *to)
        assert done.code == 0, done
        key = hosts["web1"].registry.key(RULES)
        assert key is not None
        there = {value.name: int(str(value.data).partition("LPort=")[2].partition("|")[0]) for value in key.values.values()
                 if value.name.startswith("r-")}
        owned = hosts_in(cli("ledger", "show", "web1", "--output", "json").out, "ledger")["web1"]["ledger"]["entries"]
        assert (there, {e["name"]: e["how"] for e in owned}) == (story["rules"], story["ledger"]), done
        assert all(e["owned"] for e in owned)


def test_a_rollback_is_rolled_back(cli: Cli) -> None:
    """It is a run as any other: its record tells whose the objects were."""
    first, second = ([{"name": name, "protocol": "tcp", "local_port": 9001, "remote_address": "10.0.0.0/8",
                       **({"renamed_from": "r-old"} if name == "r-new" else {})}] for name in ("r-old", "r-new"))
    with fleet(cli, 1) as hosts:
        for rules in (first, second):
            declare_rules(cli, rules)
            assert cli("apply", "--yes").code == 0
        for _ in range(2):
            assert cli("rollback", "--yes").code == 0
        assert (hosts["web1"].registry.get(RULES, "r-old"), ledger_entry(hosts["web1"], "firewall_rule|local|r-new")["how"]) == (
            None, "created")
        assert cli("drift").code == 0


def test_what_was_renamed_and_removed_is_left_on_no_host(cli: Cli) -> None:
    """Neither name is there any more: a host that no play names then has nothing of the project."""
    rule = {"name": "r-old", "protocol": "tcp", "local_port": 9001, "remote_address": "10.0.0.0/8"}
    with fleet(cli, 2):
        for rules in ([rule], [{**rule, "name": "r-new", "renamed_from": "r-old"}], [{"name": "r-new", "state": "absent"}]):
            declare_rules(cli, rules)
            assert cli("apply", "--yes").code == 0
        cli.write({"site.yml": (cli.folder / "site.yml").read_text(encoding="utf-8").replace('"all"', '"web1"')})
        said = cli("drift")
        assert (said.code, "ABANDONED" in said.out) == (0, False), said


@pytest.mark.parametrize(("name", "value"), [
    ("local_port", ["20261128T021318Z-6ac53f"]), ("remote_address", [1.5]), ("protocol", "local"), ("enabled", "yes"),
    ("local_port", 80), ("icmp_type", ["x"]), ("direction", ["inbound"])])
def test_a_damaged_record_is_told_with_its_place(name: str, value: Any, cli: Cli) -> None:
    """What no host has said is nothing that a host goes back to, and the rest is."""
    with fleet(cli, 1) as hosts:
        for port in (81, 82):
            more = f"{{name: more, protocol: udp, local_port: {port}, remote_address: 10.0.0.1}}"
            declare(cli, port, f"    - firewall_rule: {more}\n")
            assert cli("apply", "--yes").code == 0
        run = last_run(cli)
        path = cli.folder / ".ringfence" / "runs" / f"{run}.jsonl"
        events = [json.loads(line) for line in path.read_text().splitlines()]
        at = next(n for n, event in enumerate(events) if event["event"] == "definitions")
        damaged = next(d for d in events[at]["definitions"].values() if d["id"]["name"] == "corp-web")
        damaged["before"][name] = value
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        said = cli("rollback", "--to", run, "--yes")
        assert "ringfence itself failed" not in said.out + said.err
        assert f"the record of run {run} is damaged ({path.relative_to(cli.folder)}, line {at + 1}, definition " in said.out
        assert f"{name} has a value that no host says" in said.out
        assert said.code == 6
        assert ports(hosts) == ["82"]
        assert "LPort=81|" in str(hosts["web1"].registry.get(RULES, "more"))


def test_a_name_that_was_masked_is_not_taken_for_one(cli: Cli) -> None:
    """What a rename made of a rule is not known to the record: the old one would come back beside it."""
    rule = {"name": "r-old", "protocol": "tcp", "local_port": 9001, "remote_address": "10.0.0.0/8"}
    with fleet(cli, 1) as hosts:
        for rules in ([rule], [{**rule, "name": "r Ringfence-lab-1", "renamed_from": "r-old"}]):
            declare_rules(cli, rules)
            assert cli("apply", "--yes").code == 0
        said = cli("rollback", "--yes")
        assert "it had a secret, which no record holds: say again what it was" in said.out, said
        assert said.code == 6, said
        [host] = hosts.values()
        assert host.registry.get(RULES, "r-old") is None
        assert host.registry.get(RULES, "r Ringfence-lab-1") is not None


def test_a_value_that_was_masked_is_not_written_back(cli: Cli) -> None:
    """The host had the password of the connection in it: no record has."""
    rule = "- hosts: all\n  tasks:\n    - firewall_rule: {name: corp, protocol: tcp, local_port: 22, description: ours}\n"
    with fleet(cli, 1) as hosts:
        cli.write({"site.yml": rule})
        assert cli("apply", "--yes").code == 0
        [host] = hosts.values()
        text = str(host.registry.get(RULES, "corp"))
        host.registry.set(RULES, "corp", text.replace("Desc=ours", "Desc=Ringfence-lab-1"))
        assert cli("apply", "--yes").code == 0
        said = cli("rollback", "--yes")
        assert "firewall_rule corp: it had a secret, which no record holds: say again what it was" in said.out, said
        assert str(host.registry.get(RULES, "corp")) == text


MINE = {"name": "r-mine", "protocol": "tcp", "local_port": 9001, "remote_address": "10.0.0.0/8"}
THEIRS = {**MINE, "name": "r-theirs", "local_port": 9002}


def by_somebody_else(cli: Cli, *rules: dict[str, Any]) -> None:
    """Rules that are nobody's."""
    cli.write({"ringfence.yml": SETTINGS.partition("project:")[0]})
    declare_rules(cli, list(rules))
    assert cli("apply", "--yes").code == 0
    cli.write({"ringfence.yml": SETTINGS})


def adopts(cli: Cli) -> None:
    declare_rules(cli, [MINE, THEIRS])
    assert cli("apply", "--yes").code == 0


def says_until_when(cli: Cli) -> None:
    cli.write({"site.yml": json.dumps([{"hosts": "all", "tasks": [{"firewall_rule": MINE, "expires": "2199-01-01"}]}])})
    assert cli("apply", "--yes").code == 0


def writes_elsewhere(cli: Cli) -> None:
    declare_rules(cli, [{**MINE, "local_port": 9009}])
    assert cli("apply", "--yes", "--run-dir", str(cli.folder.parent / f"{cli.folder.name}-other")).code == 0


def clock_was_put_right(cli: Cli) -> None:
    """The run before this one began, by the clock that it had, after this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringfence.cli.console.new_run_id", lambda: "20200101T000000Z-aaaaaa")
        declare_rules(cli, [{**MINE, "local_port": 9009}])
        assert cli("apply", "--yes").code == 0


def is_undone(cli: Cli) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writing, "_prove", lambda self: replace(self.result, error=HostError("not_converged", "as if")))
        declare_rules(cli, [{**MINE, "local_port": 9009}])
        assert cli("apply", "--yes").code == 6


def is_retired(cli: Cli) -> None:
    assert cli("ledger", "release", "web1", "--name", "*", "--yes").code == 0
    assert cli("retire", "web1", "--yes").code == 0


NOTHING_OF_IT = "nothing of it is there to be taken back: it changed no object, or is undone. `--to "


@pytest.mark.parametrize(("last", "why", "to_the_one_before"), [
    (adopts, NOTHING_OF_IT, 0), (says_until_when, NOTHING_OF_IT, 0), (is_undone, NOTHING_OF_IT, 0),
    (is_retired, NOTHING_OF_IT, 0),
    (writes_elsewhere, "no record here tells. Roll it back where its record is (another controller, --run-dir); `--to ", 6),
    (clock_was_put_right, "a clock was wrong, or the host was put back since", 4)])
def test_no_other_run_is_taken_back_than_the_last(last: Any, why: str, to_the_one_before: int, cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        by_somebody_else(cli, THEIRS)
        declare_rules(cli, [MINE])
        assert cli("apply", "--yes").code == 0
        before = last_run(cli)
        last(cli)
        said, there = cli("rollback", "web1", "--yes"), str(hosts["web1"].registry.get(RULES, "r-mine"))
        assert (said.code, "LPort=900" in there) == (4, True), said
        assert why in " ".join(said.out.split()), said
        assert "`--to" not in why or before in said.out
        done = cli("rollback", "web1", "--yes", "--to", before)
        assert done.code == to_the_one_before, done
        assert (hosts["web1"].registry.get(RULES, "r-mine") is None) == (done.code != 4)
        assert done.code != 6 or "what it made stays" in done.out


def test_a_run_that_removed_what_was_nobodys_is_the_last_one(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        by_somebody_else(cli, THEIRS)
        declare_rules(cli, [MINE])
        assert cli("apply", "--yes").code == 0
        declare_rules(cli, [MINE, {"name": "r-theirs", "state": "absent"}])
        assert cli("apply", "--yes").code == 0
        assert cli("rollback", "web1", "--yes").code == 0
        assert [hosts["web1"].registry.get(RULES, name) is not None for name in ("r-mine", "r-theirs")] == [True, True]
