"""What happens to a project over months, through the program and real servers: tasks, playbooks, hosts and names that move.

One fleet for all; each story is a project of its own there, with rules of its own.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli, Output
from documents import hosts_in

from ringfence.cli.commands.lab import groups, machines
from ringfence.lab import POLICY, Machine
from ringfence.lab.enforcement.inbound_connection import admits
from ringfence.lab.registry.hive import StoredKey
from ringfence.lab.simulated_fleet import SimulatedFleet

LEDGERS = r"SOFTWARE\ringfence"
DEFAULTS = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy\FirewallRules"


@dataclass
class Lab:
    """The fleet's hosts by name, and its inventory."""

    hosts: dict[str, Machine]
    inventory: str


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    found = machines(3)
    with SimulatedFleet(found, transport="ssh", groups=groups(found)) as up:
        yield Lab({host.name: host for host in found}, up.inventory())


@dataclass
class Story:
    """A project of its own id in a folder of its own; its rules begin with its name."""

    name: str
    cli: Cli
    lab: Lab

    @property
    def id(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]

    def settings(self, playbooks: str = "site.yml", **more: Any) -> None:
        said = {"inventory": "hosts.yml", "playbooks": playbooks.split(), "project": {"name": self.name, "id": self.id}, **more}
        self.cli.write({"ringfence.yml": json.dumps(said), "hosts.yml": self.lab.inventory})

    def play(self, *tasks: str, file: str = "site.yml", hosts: str = "web1") -> None:
        lines = "".join(f"    - {task}\n" for task in tasks)
        self.cli.write({file: f"- hosts: {hosts}\n  tasks:\n{lines}" if tasks else "[]\n"})

    def rule(self, name: str, port: int = 8443, **more: str) -> str:
        said = {"name": f"{self.name}-{name}", "protocol": "tcp", "local_port": port, "remote_address": "10.0.0.0/8", **more}
        return f"firewall_rule: {json.dumps(said)}"

    def done(self, *arguments: str, code: int = 0) -> Output:
        said = self.cli(*arguments)
        assert said.code == code, said
        return said

    def told(self, *arguments: str, code: int = 0) -> list[Any]:
        """The hosts of the JSON document of a command, which has to fit its schema."""
        schema = "ledger" if arguments[:2] == ("ledger", "show") else "report"
        return [*hosts_in(self.done(*arguments, "--output", "json", code=code).out, schema).values()]

    def changes(self, *arguments: str, code: int = 0) -> list[str]:
        found = [c for host in self.told(*arguments, code=code) for c in host["changes"]]
        return [f"{c['action']} {(c['new_name'] or c['id']['name']).removeprefix(self.name + '-')}" for c in found]

    def rules(self, host: str = "web1") -> set[str]:
        key = self.lab.hosts[host].registry.key(RULES)
        assert key is not None
        return {v.name.removeprefix(f"{self.name}-") for v in key.values.values() if v.name.startswith(f"{self.name}-")}

    def key(self, host: str = "web1") -> StoredKey | None:
        return self.lab.hosts[host].registry.key(rf"{LEDGERS}\{self.id}")

    def entries(self, host: str = "web1") -> dict[str, str]:
        """{name: how} of what the ledger says, as the program shows it."""
        (shown,) = self.told("ledger", "show", host)
        return {e["name"].removeprefix(f"{self.name}-"): e["how"] for e in shown["ledger"]["entries"]}


@pytest.fixture
def story(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], lab: Lab) -> Story:
    made = Story(f"s{hashlib.sha256(request.node.name.encode()).hexdigest()[:6]}", Cli(tmp_path, capsys), lab)
    made.settings()
    return made


def at_every_write(machine: Machine, look: Callable[[], bool], patch: pytest.MonkeyPatch) -> list[bool]:
    """What `look` sees after each write to a machine's registry from now on."""
    seen: list[bool] = []

    def looking(write: Callable[..., Any]) -> Callable[..., Any]:
        def then(*arguments: Any) -> Any:
            result = write(*arguments)
            seen.append(look())
            return result
        return then

    for verb in ("set", "unset", "delete"):
        patch.setattr(machine.registry, verb, looking(getattr(machine.registry, verb)))
    return seen


def test_a_playbook_gets_another_name(story: Story) -> None:
    story.play(story.rule("web"))
    assert story.changes("apply", "--yes") == ["create web"]
    (story.cli.folder / "site.yml").rename(story.cli.folder / "edge.yml")
    story.settings("edge.yml", prune="created")
    assert story.changes("apply", "--yes") == []
    assert (story.rules(), story.entries()) == ({"web"}, {"web": "created"})
    story.play(file="edge.yml")
    assert story.changes("apply", "--yes", "--allow-empty") == []  # the host is in no play: it is not even looked at
    story.play(story.rule("other"), file="edge.yml")
    assert story.changes("apply", "--yes") == ["create other", "remove web"]
    assert story.rules() == {"other"}


def test_a_task_moves_to_another_playbook_and_its_traffic_passes_at_every_moment(
        story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.settings("a.yml b.yml", prune="created")
    story.play(story.rule("web", 8443), story.rule("gone", 8444), file="a.yml")
    story.play(story.rule("db", 1433), file="b.yml")
    machine = story.lab.hosts["web1"]
    assert story.changes("apply", "--yes") == ["create db", "create gone", "create web"]
    assert admits(machine, 8443, "10.1.2.3")
    story.play(story.rule("more", 8445), file="a.yml")
    story.play(story.rule("db", 1434), story.rule("web", 8443, description="moved here"), file="b.yml")
    web = at_every_write(machine, lambda: admits(machine, 8443, "10.1.2.3"), monkeypatch)
    gone = at_every_write(machine, lambda: admits(machine, 8444, "10.1.2.3"), monkeypatch)
    assert sorted(story.changes("apply", "--yes")) == ["create more", "remove gone", "update db", "update web"]
    assert len(web) > 5
    assert (set(web), set(gone)) == ({True}, {True, False})
    assert story.rules() == {"db", "more", "web"}


def test_a_run_of_one_playbook_takes_nothing_of_another(story: Story) -> None:
    story.settings("a.yml b.yml", prune="created")
    story.play(story.rule("web"), file="a.yml")
    story.play(story.rule("db", 1433), file="b.yml")
    story.done("apply", "--yes")
    assert story.changes("apply", "--yes", "a.yml") == []
    story.play(file="b.yml")
    assert story.changes("apply", "--yes", "a.yml") == []
    assert story.rules() == {"db", "web"}
    assert story.changes("plan", "--detailed-exitcode", code=2) == ["remove db"]


def test_a_host_leaves_its_group_and_is_retired(story: Story) -> None:
    story.play(story.rule("web"), story.rule("block", 8446, action="block"), hosts="web1:web3")
    theirs = f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=81|RA4=10.0.0.0/255.0.0.0|Name={story.name}-theirs|"
    story.lab.hosts["web3"].registry.set(RULES, f"{story.name}-theirs", theirs)
    story.play(story.rule("web"), story.rule("block", 8446, action="block"), story.rule("theirs", 81), hosts="web3")
    assert story.changes("apply", "--yes") == ["adopt theirs", "create web", "create block"]
    story.play(story.rule("web"), hosts="web1")
    story.settings(prune="all")
    assert story.changes("apply", "--yes") == ["create web"]  # of web1: the other host is in no play any more
    assert story.rules("web3") == {"web", "block", "theirs"}
    drift = story.done("drift")
    assert "ABANDONED: runs of this project left objects there" in drift.out
    assert "\n  web3\n" in drift.out
    assert "the host any more" not in story.done("drift", "--limit", "web1").err  # who looks at one host does not ask for others
    assert "there is nobody to ask" in story.done("retire", "web3", code=1).err
    assert story.rules("web3") == {"web", "block", "theirs"}
    retired = story.told("retire", "web3", "--yes")
    (host,) = retired
    assert sorted(f"{c['action']} {c['id']['name'].removeprefix(story.name + '-')}" for c in host["changes"]) == [
        "release theirs", "remove block", "remove web"]
    assert [c["why"] for c in host["changes"] if "OPENS" in c["why"]] != []
    assert (story.rules("web3"), story.key("web3")) == ({"theirs"}, None)
    assert "ABANDONED" not in story.done("drift").out
    assert "web3" in story.done("ledger", "show", "web3").out
    assert story.entries("web3") == {}
    assert story.rules("web1") == {"web"}
    name = f"firewall_rule {story.name}-web"
    assert re.search(rf"& adopt {name} .*\n +in the ledger as created", story.done("ledger", "rebuild", "web1", "--yes").out)
    shown = story.done("ledger", "show", "web1").out
    assert re.search(rf"{story.name}: 1 object, final, by run .*\n  created +{name} +run 2", shown)
    assert re.search(rf"- {name}  allow inbound .*\n +created by run 2", story.done("retire", "web1", "--yes").out)
    assert (story.rules("web1"), story.key("web1")) == (set(), None)
    assert "the project owns nothing here" in story.done("ledger", "show", "web1").out
    assert "1 in sync" in story.done("retire", "web1", "--yes").out


def test_what_nobody_declares_any_more_is_gone(story: Story) -> None:
    """Drift says it as it is found, in words and in data, whatever becomes of it."""
    story.settings(prune="report")
    story.play(story.rule("web"), story.rule("old", 81))
    story.done("apply", "--yes")
    story.play(story.rule("web"))
    said = story.done("drift")
    assert re.search(rf"  GONE       firewall_rule {story.name}-old  allow inbound tcp 81 from 10.0.0.0/8, any profile\n"
                     r"      created by run \S+; nobody declares it any more\n", said.out)
    assert "0 of 1 host drifted; all were reached; 1 GONE; " in said.out
    (host,) = story.told("drift")
    (gone,) = host["gone"]
    assert (gone["kind"], gone["name"], gone["how"], gone["why"]) == (
        "firewall_rule", f"{story.name}-old", "created", "prune: report")
    assert gone["found"]["local_port"] == ["81"]
    story.settings(prune="created")
    assert re.search(rf"  GONE       firewall_rule {story.name}-old  allow", story.done("drift", code=2).out)
    assert story.told("drift", code=2)[0]["gone"] == []  # it is a change then
    story.done("apply", "--yes")
    assert "GONE" not in story.done("drift").out


def test_what_a_run_was_not_asked_stays(story: Story) -> None:
    """--tags, --skip-tags, --limit, and a task that only a tag runs."""
    story.settings(prune="created")
    tasks = [story.rule("web"), f"{{{story.rule('rdp', 3389)}, tags: [rdp]}}",
             f"{{{story.rule('glass', 22)}, tags: [never, glass]}}"]
    story.play(*tasks, hosts="web1:web3")
    story.done("apply", "--yes", "--tags", "all,glass")
    assert story.rules() == story.rules("web3") == {"web", "rdp", "glass"}
    assert story.changes("apply", "--yes", "--tags", "rdp") == []
    assert story.changes("apply", "--yes", "--skip-tags", "rdp") == []
    assert story.changes("apply", "--yes") == []  # never is a choice that could be made
    assert story.rules() == {"web", "rdp", "glass"}
    story.play(*tasks[:2], hosts="web1:web3")
    assert story.changes("apply", "--yes", "--tags", "rdp") == []
    assert story.changes("apply", "--yes", "--limit", "web1") == ["remove glass"]
    assert (story.rules("web1"), story.rules("web3")) == ({"web", "rdp"}, {"web", "rdp", "glass"})


def test_other_values_take_nothing_before_they_are_settled(story: Story) -> None:
    story.settings(prune="created")
    story.play(f"{{{story.rule('test', 81)}, when: env == 'test'}}", story.rule("web"))
    story.done("apply", "--yes", "-e", "env=test")
    said = story.told("apply", "--yes", "-e", "env=prod")
    (host,) = said
    assert host["changes"] == []
    assert [d for d in host["diagnostics"] if "the last full run had other values of -e" in d["detail"]] != []
    assert story.rules() == {"web", "test"}
    assert story.changes("apply", "--yes", "-e", "env=prod") == ["remove test"]


def test_nor_do_other_values_of_the_environment(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run from another shell, or by cron, is the same project elsewhere."""
    story.settings(prune="created")
    rule = json.dumps({"name": story.name + "-{{ item }}", "protocol": "tcp", "local_port": 81, "remote_address": "10.0.0.0/8"})
    story.play(f"{{firewall_rule: {rule}, loop: \"{{{{ lookup('env', 'SITES') | split(',') }}}}\"}}")
    monkeypatch.setenv("SITES", "zurich,basel")
    story.done("apply", "--yes")
    assert story.rules() == {"zurich", "basel"}
    monkeypatch.setenv("SITES", "zurich")
    said = story.done("apply", "--yes")
    assert "or of the environment" in said.out + said.err
    assert story.rules() == {"zurich", "basel"}
    assert story.changes("apply", "--yes") == ["remove basel"]


def test_plays_say_what_becomes_of_what_goes(story: Story) -> None:
    """A play goes before ringfence.yml and the command line before a play; plays that share a host have to agree."""
    def plays(*said: str, more: str = "") -> None:
        story.cli.write({"site.yml": "".join(
            f"- {{hosts: {hosts}, {prune}tasks: [{{{story.rule(hosts, port)}}}{more}]}}\n"
            for port, (hosts, prune) in enumerate((one.split(" ", 1) for one in said), 8443))})

    story.settings(prune="all")
    plays("web1 ", "web3 ", more=f", {{{story.rule('old', 81)}}}")
    story.done("apply", "--yes")
    plays("web1 prune: never, ", "web3 prune: created, ")
    assert story.changes("plan", "--prune", "created", "--detailed-exitcode", code=2) == ["remove old", "remove old"]
    assert story.changes("apply", "--yes") == ["remove old"]
    assert (story.rules("web1"), story.rules("web3")) == ({"web1", "old"}, {"web3"})
    plays("web1 prune: never, ", "web1:web3 prune: created, ", "all ")
    wrong = story.done("validate", code=1)
    assert "site.yml:2: error: prune is created here and never at site.yml:1, in two plays for one host (host web1)" in wrong.err
    plays("web1 prune: created, ", "web1:web3 ")  # a play that does not say it agrees with every other one
    assert story.changes("apply", "--yes", "--limit", "web1") == ["create web1:web3", "remove old"]


def test_without_a_project_a_run_says_that_nothing_is_owned(story: Story) -> None:
    story.play(story.rule("web"))
    assert "has no `project`" not in story.done("plan").err
    story.cli.write({"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
    assert "note: ringfence.yml has no `project`: nothing is owned in its name\n" in story.done("plan").err
    told = json.loads(story.done("plan", "--prune", "created", "--output", "json").out)["diagnostics"]
    assert [(d["severity"], "and prune removes nothing" in d["summary"]) for d in told] == [("warning", True)]
    assert story.done("validate").err == ""


def test_two_projects_on_one_host(story: Story, tmp_path: Path) -> None:
    story.play(story.rule("web"))
    story.done("apply", "--yes")
    folder = tmp_path / "other"
    folder.mkdir()
    other = Story("second" + story.name, Cli(folder, story.cli.capsys), story.lab)
    other.settings(prune="all")
    other.play(story.rule("web", 9999))
    refused = other.done("apply", "--yes", code=4)
    assert "give --from" in other.done("ledger", "move", "web1", code=1).err
    assert "give --name; --name '*' means all" in other.done("ledger", "release", "web1", code=1).err
    assert f"belongs to the project {story.name} ({story.id})" in refused.out + refused.err
    assert "an administrator, or an installer" not in refused.out + refused.err
    assert refused.out.count("not the project's") == 0  # it is said once whose it is
    other.play(other.rule("own"))
    assert other.changes("apply", "--yes") == ["create own"]
    assert (story.rules(), story.entries()) == ({"web"}, {"web": "created"})
    shown = other.told("ledger", "show", "web1")[0]["ledger"]
    assert {o["name"]: o["project"] for o in shown["of_other_projects"]}[f"{story.name}-web"] == f"{story.name} ({story.id})"
    assert f"of another  firewall_rule {story.name}-web" in other.done("ledger", "show", "web1").out
    moved = other.told("ledger", "move", "web1", "--from", story.name, "--yes")
    assert [(c["action"], c["id"]["name"]) for c in moved[0]["changes"]] == [("adopt", f"{story.name}-web")]
    assert (story.entries(), other.key() is not None) == ({}, True)
    other.play(other.rule("own"), story.rule("web", 9999))
    assert other.changes("apply", "--yes") == [f"update {story.name}-web"]
    for nobody in ("nobody", "undo"):  # the key of the undo stands beside those of projects
        refused = other.done("ledger", "move", "web1", "--from", nobody, "--yes", code=4)
        assert f"no project on this host is called {nobody}. There: " in refused.out
        assert f"{story.name} ({story.id})" in refused.out
        assert "undo)" not in refused.out
        assert other.id not in refused.out


@pytest.mark.parametrize(("of_task", "chosen"), [
    ({"loop": "{{ ansible_play_hosts }}"}, ["--limit", "web1"]),
    ({"loop": "{{ peers }}", "vars": {"peers": "{{ play_hosts | sort }}"}}, ["--limit", "web1"]),
    ({"loop": ["web1", "pc2"], "when": "ansible_limit is undefined or item == 'web1'"}, ["--limit", "web1"]),
    ({"loop": ["web1", "pc2"], "when": "item == 'web1' or lookup('vars', 'item') and 'all' in ansible_run_tags"}, None)])
def test_nothing_is_removed_for_a_choice_decides_what_is_declared(of_task: dict[str, Any], chosen: list[str] | None,
                                                                  story: Story) -> None:
    """A rule for each host of the play, of which --limit leaves one; and one that only a run without tags asks for."""
    story.settings(prune="created")
    rule = {"name": story.name + "-{{ item }}", "protocol": "tcp", "local_port": 7000, "remote_address": "10.0.0.0/8"}
    play = {"hosts": "web1:pc2", "tags": ["t"], "tasks": [{"firewall_rule": rule, **of_task}]}
    story.cli.write({"site.yml": json.dumps([play])})
    story.done("apply", "--yes")
    assert story.rules() == {"web1", "pc2"}
    if chosen is None:  # and now it is as if the run that made it had had other tags
        of_task["when"] = of_task["when"].replace("'all' in", "'t' in")
        story.cli.write({"site.yml": json.dumps([play])})
    story.done("apply", "--yes", *chosen or ())
    assert story.rules() == {"web1", "pc2"}
    told = "site.yml:1: warning: ansible_run_tags may decide what is declared here"
    assert (told in story.done("plan").err) is (chosen is None)
    assert story.changes("plan") == []
    play["tasks"] = [{"firewall_rule": {**rule, "name": story.name + "-web1"}}]
    story.cli.write({"site.yml": json.dumps([play])})
    assert story.changes("apply", "--yes", "--limit", "pc2") == ["remove pc2"]  # what else goes, goes


def test_what_another_project_has_taken_over_is_not_taken_back(story: Story, tmp_path: Path) -> None:
    for port in (8443, 8444):
        story.play(story.rule("web", port), *[story.rule("more", 82)] * (port == 8444))
        story.done("apply", "--yes")
    folder = tmp_path / "other"
    folder.mkdir()
    other = Story("third" + story.name, Cli(folder, story.cli.capsys), story.lab)
    other.settings()
    other.play(story.rule("web", 8444))
    other.done("ledger", "move", "web1", "--from", story.name, "--name", f"{story.name}-web", "--yes")
    said = story.done("rollback", "web1", "--yes", code=6)
    assert f"firewall_rule {story.name}-web belongs to the project {other.name} ({other.id}) by now: it stays as it is" in (
        " ".join((said.out + said.err).split()))
    rule = str(story.lab.hosts["web1"].registry.get(RULES, f"{story.name}-web"))
    assert ("LPort=8444|" in rule, story.rules(), story.entries()) == (True, {"web"}, {})
    assert "in sync" in other.done("drift").out


def test_a_ledger_that_is_made_anew_keeps_what_it_knows(story: Story) -> None:
    """What nothing declares any more too, and nothing of Windows' own."""
    shipped = "FPS-ICMP4-ERQ-In"
    story.settings(prune="report")
    story.play(story.rule("web"), story.rule("left", 81))
    story.done("apply", "--yes")
    story.play(story.rule("web"), f"firewall_rule: {{name: {shipped}, state: default}}")
    story.done("apply", "--yes")
    story.done("ledger", "rebuild", "web1", "--yes")
    assert story.entries() == {"web": "created", "left": "created"}
    story.play(story.rule("web"), f"firewall_rule: {{name: {shipped}, enabled: false}}")
    story.done("plan")


def test_what_goes_back_to_what_ships_is_nobodys(story: Story) -> None:
    """The ledger has forgotten that it was taken over."""
    name = "RemoteDesktop-UserMode-In-TCP"
    story.settings()
    said = f"name: {name}, enabled: true, remote_address: 10.0.0.0/8, protocol: tcp, local_port: 3389"
    story.play(f"{{firewall_rule: {{{said}}}, adopt: true}}")
    story.done("apply", "--yes", "--force", "lockout")
    assert story.entries() == {name.lower(): "adopted"}
    story.play(f"firewall_rule: {{name: {name}, state: default}}")
    assert story.changes("apply", "--yes", "--force", "lockout") == [f"update {name}"]
    assert story.entries() == {}


def test_objects_are_released_and_a_damaged_ledger_is_made_anew(story: Story) -> None:
    story.settings(prune="created")
    story.play(story.rule("web"), story.rule("old", 81))
    story.done("apply", "--yes")
    assert re.search(rf" release firewall_rule {story.name}-web  allow inbound .*\n +released by hand",
                     story.done("ledger", "release", "web1", "--name", f"{story.name}-w*", "--yes").out)
    assert story.entries() == {"old": "created"}
    story.play(story.rule("old", 81))
    assert story.changes("apply", "--yes") == []
    assert story.rules() == {"web", "old"}
    registry = story.lab.hosts["web1"].registry
    registry.set(rf"{LEDGERS}\{story.id}", f"firewall_rule|local|{story.name}-old", "{broken")
    shown = story.told("ledger", "show", "web1")[0]
    assert [d["summary"] for d in shown["diagnostics"]] != []
    assert "not understood" in story.done("ledger", "show", "web1").out
    rebuilt = story.told("ledger", "rebuild", "web1", "--yes")[0]
    assert [(c["action"], c["why"]) for c in rebuilt["changes"]] == [("adopt", "in the ledger as adopted")]
    assert story.entries() == {"old": "adopted"}
    assert story.told("ledger", "show", "web1")[0]["diagnostics"] == []


def test_a_clone_a_snapshot_and_a_feature_update(story: Story) -> None:
    story.settings(prune="created")
    story.play(story.rule("web"), story.rule("old", 81))
    story.done("apply", "--yes")
    machine = story.lab.hosts["web1"]
    registry, key = machine.registry, story.key()
    assert key is not None
    ledger = {v.name: str(v.data) for v in key.values.values()}
    policy = {name: str(registry.get(RULES, f"{story.name}-{name}")) for name in story.rules()}
    story.play(story.rule("web", 8447), story.rule("new", 82))
    assert story.changes("apply", "--yes") == ["create new", "update web", "remove old"]

    registry.delete(rf"{LEDGERS}\{story.id}")  # the machine is put back to what it was
    for name, text in ledger.items():
        registry.set(rf"{LEDGERS}\{story.id}", name, text)
    registry.unset(RULES, f"{story.name}-new")
    for name, text in policy.items():
        registry.set(RULES, f"{story.name}-{name}", text)
    assert story.changes("apply", "--yes") == ["create new", "update web", "remove old"]
    assert story.rules() == {"web", "new"}

    story.play(story.rule("web", 8447))
    guid = registry.get(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid")
    registry.set(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", "aaaaaaaa-0000-0000-0000-000000000000")
    cloned = story.told("apply", "--yes")[0]
    assert cloned["changes"] == []
    assert [d["summary"] for d in cloned["diagnostics"] if "this machine was made from an image of" in d["summary"]] != []
    assert story.told("ledger", "show", "web1")[0]["ledger"]["inherited_from"] == "web1"
    assert ", made on web1" in story.done("ledger", "show", "web1").out
    assert story.rules() == {"web", "new"}
    assert story.changes("apply", "--yes", "--accept-inherited") == ["remove new"]
    assert story.told("ledger", "show", "web1")[0]["ledger"]["inherited_from"] is None
    registry.set(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", guid)
    story.done("apply", "--yes", "--accept-inherited")

    system, machine.system = machine.system, replace(machine.system, build=machine.system.build + 1)
    try:
        story.play(story.rule("web", 8448))
        updated = story.told("plan")[0]
        assert f"build {system.build}, now {system.build + 1}" in "\n".join(d["summary"] for d in updated["diagnostics"])
        assert story.changes("apply", "--yes") == ["update web"]
    finally:
        machine.system = system


def test_a_rule_is_renamed_by_hand_and_gets_its_name_back(story: Story) -> None:
    story.play(story.rule("web", display_name="Web"))
    story.done("apply", "--yes")
    registry = story.lab.hosts["web1"].registry
    registry.set(RULES, f"{story.name}-theirs", str(registry.get(RULES, f"{story.name}-web")))
    registry.unset(RULES, f"{story.name}-web")
    planned = story.done("plan").out
    assert f"firewall_rule {story.name}-web was renamed by hand: it is {story.name}-theirs now" in planned
    story.play(f"{{{story.rule('web', display_name='Web')}, renamed_from: {story.name}-theirs}}")
    assert story.changes("apply", "--yes") == ["rename web"]
    assert (story.rules(), story.entries()) == ({"web"}, {"web": "created"})
    assert story.changes("apply", "--yes") == []


def test_commands_of_the_ledger_that_cannot_be_meant(story: Story) -> None:
    story.play(story.rule("web"))
    story.done("apply", "--yes")
    assert "warning: the project owns nothing of the name misspelt or gone on this host" in story.done(
        "ledger", "release", "web1", "--name", "misspelt", "--name", "gone", "--yes").out
    for own in (story.name, story.id):
        assert f"{own} is this project: what it owns is its own already" in story.done(
            "ledger", "move", "web1", "--from", own, "--yes", code=4).out
    assert story.entries() == {"web": "created"}
    assert "no host or group matches" in story.done("retire", "nobody", "--yes", code=1).err


def test_a_ledger_made_anew_keeps_what_it_knows(story: Story) -> None:
    """Of what somebody changed, of what is mentioned, of parts of Windows; and an invalid task is no reason to forget."""
    tasks = [story.rule("web"), story.rule("db", 1433), "firewall_rule: {name: WINRM-HTTP-In-TCP, remote_address: 10.0.0.0/8}",
             "firewall_profile: {profiles: domain, log_blocked: true}"]
    story.play(*tasks)
    story.done("apply", "--yes")
    registry = story.lab.hosts["web1"].registry
    known = story.entries()
    registry.set(RULES, f"{story.name}-web", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|Name=x|")
    registry.set(rf"{LEDGERS}\{story.id}", f"firewall_rule|local|{story.name}-db", "{broken")
    story.play(*tasks, "firewall_rule: {name: WINRM-HTTP-In-TCP-PUBLIC, icmp_type: 8}")
    assert "ICMP types go with" in story.done("ledger", "rebuild", "web1", "--yes", code=1).out
    assert story.entries() == {name: how for name, how in known.items() if name != "db"}
    story.play(*tasks)
    story.done("ledger", "rebuild", "web1", "--yes")
    assert story.entries() == known | {"db": "adopted"}
    (shown,) = story.told("ledger", "show", "web1")
    first = {e["name"]: e["first"] for e in shown["ledger"]["entries"]}
    assert (first["domain"], first["winrm-http-in-tcp"]) == ({"log_blocked": "not_configured"}, {"remote_address": []})
    assert story.changes("apply", "--yes") == ["update web"]  # it is still the project's
    registry.set(RULES, "WINRM-HTTP-In-TCP", str(registry.get(DEFAULTS, "WINRM-HTTP-In-TCP")))
    registry.unset(rf"{POLICY}\DomainProfile\Logging", "LogDroppedPackets")
