"""A rollback, and a retirement, of what is no firewall rule: sets and what names them, kinds that only a cmdlet tells of, what is
managed by mention; and of a rename. Records and ledgers are real ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from core import KINDS, task
from hosts import LEDGER, PROJECT, LabHost
from recorded import Work, recorded_run

from ringfence.batch import Answer, Batch, Reply
from ringfence.lab import POLICY
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.state import Id, TaskLabel
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.run.hosts_before import hosts_before
from ringfence.run.owned_objects import retire
from ringfence.run.past_runs import past_runs
from ringfence.run.rollback import rollback
from ringfence.secret import Secret
from ringfence.types.moments import moment_text

OTHER = ProjectIdentity("other", "aa" * 16)
PUBLIC = POLICY + r"\PublicProfile"
KERBEROS: list[dict[str, Any]] = [{"machine": True, "kerberos": True}]


class Recorded:
    """A host of the lab, the runs of which are recorded."""

    def __init__(self, folder: Path) -> None:
        self.host, self.folder, self.runs = LabHost({}, owns=False), folder, 0

    def run(self, work: Work, *tasks: RenderedTask,
            project: ProjectIdentity | None = PROJECT) -> HostResult:
        self.runs += 1
        self.host.machine.clock.advance(60)
        now = moment_text(self.host.machine.clock.wall())
        self.host.policy = replace(self.host.policy, project=project, prune="created", began=now,
                                   run_id=f"20261126T1157{self.runs:02}Z-000000")
        declared, problems = DeclarationBuilder(KINDS, began=now).declarations(tasks)
        assert not [p for p in problems if p.severity == "error"], problems
        return recorded_run(self.host, self.folder, work, declared)

    def apply(self, *tasks: RenderedTask, project: ProjectIdentity | None = PROJECT) -> HostResult:
        return self.run(apply_host, *tasks, project=project)

    def rollback(self, project: ProjectIdentity | None = PROJECT) -> HostResult:
        before = hosts_before(past_runs(self.folder), KINDS)
        return self.run(lambda job, context: rollback(job, context, True, before), project=project)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def authentication(name: str, key: str = "") -> RenderedTask:
    proposal = [{"machine": True, "pre_shared_key": Secret(key)}] if key else KERBEROS
    return task("ipsec_phase1_auth_set", {"name": name, "proposal": proposal})


def secures(name: str, by: str) -> RenderedTask:
    return task("ipsec_rule", {"name": name, "inbound_security": "request", "outbound_security": "request",
                               "remote_address": "10.7.0.0/16", "phase1_auth_set": by})


def absent(kind: str, name: str) -> RenderedTask:
    return task(kind, {"name": name, "state": "absent"})


def warnings(result: HostResult) -> str:
    return "\n".join(d.summary for d in result.diagnostics if d.severity == "warning")


WEB = task("firewall_rule", {"name": "web", "protocol": "tcp", "local_port": 443, "remote_address": "10.0.0.1"})


def test_what_cannot_come_back_for_a_key_is_not_named_and_the_rest_comes_back(recorded: Recorded) -> None:
    recorded.apply(authentication("s", "a key"), secures("iso", "s"), WEB)
    recorded.apply(absent("ipsec_rule", "iso"), absent("ipsec_phase1_auth_set", "s"), absent("firewall_rule", "web"))
    result = recorded.rollback()
    assert "not everything could be taken back" in str(result.error)
    assert [str(c) for c in result.changes] == ["firewall_rule web"]
    assert "ipsec_rule iso stays as it is: it names ipsec_phase1_auth_set s, which is not there" in warnings(result)
    assert list(recorded.host.rules) == ["web"]


def test_a_set_that_is_named_stays_with_the_rule_that_cannot_go_back(recorded: Recorded) -> None:
    recorded.apply(authentication("s", "a key"), secures("iso", "s"))
    recorded.apply(authentication("k"), secures("iso", "k"), WEB)
    result = recorded.rollback()
    assert [str(c) for c in result.changes] == ["firewall_rule web"]
    assert "ipsec_phase1_auth_set k stays as it is: ipsec_rule iso names it" in warnings(result)
    for kind, name in (("ipsec_phase1_auth_set", "k"), ("ipsec_rule", "iso")):
        assert recorded.host.entry(name, kind)["how"] == "created"


def test_a_set_that_another_project_names_stays(recorded: Recorded) -> None:
    recorded.apply(authentication("s"), WEB)
    recorded.apply(secures("theirs", "s"), project=OTHER)
    recorded.runs += 1
    journals = sorted((recorded.folder / ".ringfence" / "runs").glob("*.jsonl"))
    journals[-1].unlink()  # that of the other project is elsewhere
    result = recorded.rollback()
    assert [str(c) for c in result.changes] == ["firewall_rule web"]
    assert "ipsec_phase1_auth_set s stays as it is: ipsec_rule theirs names it" in warnings(result)


def test_a_set_goes_and_comes_with_the_rule_that_names_it(recorded: Recorded) -> None:
    recorded.apply(authentication("s"), secures("iso", "s"))
    recorded.apply(absent("ipsec_rule", "iso"), absent("ipsec_phase1_auth_set", "s"))
    for actions in (["create", "create"], ["remove", "remove"]):
        result = recorded.rollback()  # of the last run; the second time that is the first rollback
        assert (result.error, [c.action for c in result.changes]) == (None, actions)


def test_a_set_that_is_named_is_changed_back(recorded: Recorded) -> None:
    recorded.apply(authentication("s"), secures("iso", "s"))
    other = task("ipsec_phase1_auth_set", {"name": "s", "proposal": [{"machine": True, "ntlm": True}]})
    recorded.apply(other, secures("iso", "s"))
    result = recorded.rollback()
    assert (result.error, [str(c) for c in result.changes]) == (None, ["ipsec_phase1_auth_set s"])


def test_what_names_nothing_that_is_there_any_more_stays_and_the_rest_comes_back(recorded: Recorded) -> None:
    """Somebody has deleted the set: Windows would take no change of the rule, and the run would end with that."""
    recorded.apply(authentication("s"), secures("iso", "s"))
    wider = secures("iso", "s")
    wider = replace(wider, properties={**wider.properties, "remote_address": "10.0.0.0/8"})
    recorded.apply(authentication("s"), wider, WEB)
    recorded.host.machine.registry.delete(POLICY + r"\Phase1AuthenticationSets\s")
    result = recorded.rollback()
    assert "not everything could be taken back" in str(result.error)
    assert [str(c) for c in result.changes] == ["firewall_rule web"]
    assert "ipsec_rule iso stays as it is: it names ipsec_phase1_auth_set s, which is not there" in warnings(result)
    assert "web" not in recorded.host.rules


def test_the_default_set_goes_though_a_rule_names_it(recorded: Recorded) -> None:
    """Windows falls back to its own."""
    recorded.apply(secures("iso", "default"))
    assert [c.action for c in recorded.apply(authentication("default"), secures("iso", "default")).changes] == ["create"]
    result = recorded.rollback()
    assert (result.error, [f"{c.action} {c.id.name}" for c in result.changes]) == (None, ["remove default"])


GATEWAY = {"name": "gw", "public_interface_aliases": ["Ethernet"], "private_interface_aliases": ["Ethernet 2"]}


def gateway(entries: int) -> RenderedTask:
    return task("ipsec_dosp_setting", {**GATEWAY, "max_state_entries": entries})


@pytest.mark.parametrize(("then", "back"), [((75000,), None), ((75000, 5000), 75000), ((75000, None), 75000)])
def test_what_only_a_cmdlet_tells_of_is_taken_back(then: tuple[int | None, ...], back: int | None, recorded: Recorded) -> None:
    for entries in then:
        done = recorded.apply(absent("ipsec_dosp_setting", "gw") if entries is None else gateway(entries))
        assert done.status == "changed"
    result = recorded.rollback()
    assert (result.status, len(result.proven)) == ("changed", 1), result
    result = recorded.apply(absent("ipsec_dosp_setting", "gw") if back is None else gateway(back))
    assert (result.status, result.changes) == ("in_sync", ())
    assert bool(recorded.host.entry("gw", "ipsec_dosp_setting")) is (back is not None)


def test_what_only_a_cmdlet_tells_of_goes_with_a_retirement(recorded: Recorded) -> None:
    recorded.apply(gateway(75000))
    result = recorded.run(lambda job, context: retire(job, context, True))
    assert [f"{c.action} {c}" for c in result.changes] == ["remove ipsec_dosp_setting gw"]
    assert recorded.host.machine.registry.key(LEDGER) is None
    assert [c.action for c in recorded.apply(gateway(75000)).changes] == ["create"]


def test_the_removal_of_what_only_a_cmdlet_tells_of_is_looked_at(recorded: Recorded) -> None:
    recorded.apply(gateway(75000))

    def does_nothing(batch: Batch) -> Reply | None:
        lost = {label for label, call in batch.calls.items() if "Remove-NetIPsecDosp" in str(call.args.get("cmdlet"))}
        rest = {label: call for label, call in batch.calls.items() if label not in lost}
        return Reply({**recorded.host.simulated_reply(replace(batch, calls=rest)).answers, **dict.fromkeys(lost, Answer())}) if (
            lost) else None

    recorded.host.before = does_nothing
    result = recorded.apply(WEB)
    assert "ipsec_dosp_setting gw" in str(result.error)
    assert Id("local", "ipsec_dosp_setting", "gw") not in result.proven


def test_of_a_profile_comes_back_what_the_run_changed(recorded: Recorded) -> None:
    registry = recorded.host.machine.registry
    registry.set(PUBLIC, "EnableFirewall", 0)
    recorded.apply(task("firewall_profile", {"profiles": ["public"], "log_blocked": True, "default_inbound_action": "block"}))
    registry.set(PUBLIC, "EnableFirewall", 1)  # by an administrator, since
    (change,) = recorded.rollback().changes
    assert set(change.properties()) == {"log_blocked", "default_inbound_action"}
    assert registry.get(PUBLIC, "EnableFirewall") == 1


def test_of_what_is_mentioned_comes_back_what_the_run_changed(recorded: Recorded) -> None:
    start = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=8080|"
    recorded.host.put("theirs", f"{start}Name=theirs|")
    said = task("firewall_rule", {"name": "theirs", "display_name": "their service"}, treatment={"omitted": "keep"})
    recorded.apply(said)
    recorded.host.put("theirs", f"{start}RA4=10.1.0.0/255.255.0.0|Name=their service|")
    assert [c.why.count("OPENS") for c in recorded.rollback().changes] == [0]
    assert recorded.host.rules["theirs"] == f"{start}RA4=10.1.0.0/255.255.0.0|Name=theirs|"


def test_what_opens_by_a_rollback_says_so(recorded: Recorded) -> None:
    recorded.host.put("theirs", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=8080|Name=theirs|")
    narrow = {"name": "theirs", "remote_address": "10.1.0.0/16"}
    block = {"name": "no", "action": "block", "protocol": "tcp", "local_port": 23, "remote_address": "any"}
    recorded.apply(task("firewall_rule", narrow, treatment={"omitted": "keep"}), task("firewall_rule", block), WEB)
    told = {c.resource.name: c.why.partition("; ")[2] for c in recorded.rollback().changes}
    assert told == {"theirs": "OPENS: more passes by its remote_address",
                    "no": "OPENS: it closes traffic that will pass without it", "web": ""}


def test_a_rename_that_is_taken_back_tells_that_the_host_ends_nothing(recorded: Recorded) -> None:
    ends = moment_text(recorded.host.machine.clock.wall().replace(microsecond=0) + timedelta(hours=1))

    def named(name: str, **more: str) -> RenderedTask:
        said = {"name": name, "protocol": "tcp", "local_port": 8443, "remote_address": "203.0.113.7"}
        return task("firewall_rule", said, treatment={"expires": ends, "expires_on_host": True, **more})

    recorded.apply(named("a"))
    recorded.apply(named("b", renamed_from="a"))
    result = recorded.rollback()
    assert (list(recorded.host.rules), recorded.host.machine.tasks.tasks()) == (["a"], [])
    assert "firewall_rule a comes back without the task by which the host was to end it" in warnings(result)
    assert [c.action for c in recorded.apply(named("a")).changes] == ["update"]  # it sees that, and mends it


def test_what_was_found_first_is_known_of_a_run_that_never_came_to_its_end(recorded: Recorded) -> None:
    recorded.apply(task("firewall_profile", {"profiles": ["public"], "log_blocked": True}))
    recorded.host.before = lambda batch: (_ for _ in ()).throw(RuntimeError("killed")) if any(
        call.verb == "Undo.Confirm" for call in batch.calls.values()) else None
    recorded.apply(task("firewall_profile", {"profiles": ["public"], "log_blocked": True, "log_max_size_kilobytes": 20000}))
    recorded.host.before = lambda batch: None
    assert set(recorded.host.entry("public", "firewall_profile")["first"]) == {"log_blocked", "log_max_size_kilobytes"}


def web(port: int) -> RenderedTask:
    return task("firewall_rule", {**WEB.properties, "local_port": port})


def test_what_somebody_else_has_put_back_is_no_change(recorded: Recorded) -> None:
    """The ledger says again what it said of it: it stays the project's, or is the project's once more, or not any more."""
    host = recorded.host
    recorded.apply(web(443))
    first = host.rules["web"]
    recorded.apply(web(444))
    host.put("web", first)
    result = recorded.rollback()
    assert (result.error, result.changes, host.rules["web"], host.entry("web")["how"]) == (None, (), first, "created")
    recorded.apply(absent("firewall_rule", "web"))
    assert host.entry("web") == {}
    host.put("web", first)
    result = recorded.rollback()
    assert (result.error, result.changes, host.entry("web")["how"]) == (None, (), "created")
    assert recorded.apply(web(443)).changes == ()
    recorded.apply(web(443), task("firewall_rule", {**WEB.properties, "name": "more"}))
    host.remove("more")
    result = recorded.rollback()
    assert (result.error, result.changes, host.entry("more"), list(host.rules)) == (None, (), {}, ["web"])


def test_what_the_ledger_says_after_a_rollback(recorded: Recorded) -> None:
    """What the run made is the project's no more; what was nobody's is nobody's again, and the last run is the rollback."""
    host = recorded.host
    recorded.apply(web(443))
    theirs = host.rules["web"]
    assert recorded.rollback().error is None
    assert (host.rules, host.entry("web"), host.machine.registry.get(LEDGER, "Run")) == ({}, {}, host.policy.run_id)
    host.put("web", theirs)
    recorded.apply(absent("firewall_rule", "web"))
    assert recorded.rollback().error is None
    assert (host.rules, host.entry("web"), host.machine.registry.get(LEDGER, "Run")) == (
        {"web": theirs}, {}, host.policy.run_id)


def test_what_is_in_the_name_of_no_project_is_taken_back_too(recorded: Recorded) -> None:
    recorded.apply(web(443), project=None)
    result = recorded.rollback(project=None)
    assert (result.error, recorded.host.rules, len(result.proven)) == (None, {}, 1)


@pytest.mark.parametrize("how", ["unread", "of a later version"])
def test_a_ledger_that_is_not_understood_is_not_written(how: str, recorded: Recorded) -> None:
    """What was made is taken back all the same, as the records tell it."""
    host = recorded.host
    recorded.apply(web(443))
    known, written = host.entry("web"), len(host.verbs("Ledger.Write"))

    def unread(batch: Batch) -> Reply | None:
        if "ledger" not in batch.calls:
            return None
        told = {"unread": [{"fact": "ledger", "why": "it is broken"}], "rows": []}
        return Reply({**host.simulated_reply(batch).answers, "ledger": Answer(told)})

    if how == "unread":
        host.before = unread
    else:
        host.machine.registry.set(LEDGER, "Format", "2")
    result = recorded.rollback()
    assert (result.error, host.rules) == (None, {})
    assert (host.entry("web"), len(host.verbs("Ledger.Write"))) == (known, written)


def taken_over(host: LabHost, name: str) -> None:
    """Another project has it in its ledger now, and this one not any more."""
    host.machine.registry.unset(LEDGER, f"firewall_rule|local|{name}")
    host.take_over([Id("local", "firewall_rule", name)], project=OTHER)


@pytest.mark.parametrize(("renamed", "theirs"), [(False, "web"), (True, "new"), (True, "web")])
def test_what_another_project_has_by_now_stays_by_whatever_name(renamed: bool, theirs: str, recorded: Recorded) -> None:
    host = recorded.host
    recorded.apply(web(443))
    more = task("firewall_rule", {**WEB.properties, "name": "more"})
    said = {**WEB.properties, "name": "new" if renamed else "web", "local_port": 444}
    recorded.apply(task("firewall_rule", said, treatment={"renamed_from": "web"} if renamed else {}), more)
    host.put(theirs, host.rules[said["name"]])
    taken_over(host, theirs)
    before = host.rules[theirs]
    result = recorded.rollback()
    assert "not everything could be taken back" in str(result.error)
    assert f"belongs to the project other ({OTHER.id}) by now: it stays as it is" in warnings(result)
    assert (host.rules[theirs], "more" in host.rules) == (before, False)
    assert ("firewall_rule new stays under that name: it was web before" in warnings(result)) == (renamed and theirs == "web")
    assert ("new" in host.rules) == renamed  # it would be gone under both names


def test_what_is_the_projects_as_a_whole_comes_back_as_a_whole(recorded: Recorded) -> None:
    """Whatever somebody else has made of it since."""
    host = recorded.host
    recorded.apply(web(443))
    first, made = host.rules["web"], host.entry("web")
    recorded.apply(web(444))
    host.put("web", first.replace("LPort=443|", "LPort=444|").replace("RA4=10.0.0.1|", "RA4=10.9.9.9|"))
    assert recorded.rollback().error is None
    assert (host.rules["web"], host.entry("web")) == (first, {**made, "run": host.policy.run_id})


def ends_in(hours: float, name: str = "bg", **said: Any) -> RenderedTask:
    """A rule that the host ends by itself, so many hours after a noon."""
    at = moment_text(datetime(2198, 11, 26, 12, tzinfo=UTC) + timedelta(hours=hours))
    return task("firewall_rule", {**WEB.properties, "name": name, **said}, treatment={
        "expires": at, "expires_on_host": True, "ticket": "CHG1"})


def test_a_rule_that_comes_back_keeps_the_task_that_it_has_still(recorded: Recorded) -> None:
    """One with another moment goes: what it would end is not that rule any more. Where none is left, that is told."""
    host = recorded.host
    other = ends_in(3, "other")
    recorded.apply(ends_in(1), other)
    recorded.apply(ends_in(1, local_port=444), other)
    result = recorded.rollback()
    assert (result.error, len(host.machine.tasks.tasks()), "comes back" in warnings(result)) == (None, 2, False)
    assert (host.entry("bg")["expires_on_host"], host.entry("bg")["ticket"]) == (True, "CHG1")
    assert [c.label for c in result.changes] == [TaskLabel(expires="2198-11-26T13:00:00Z", ticket="CHG1", expires_on_host=True)]
    recorded.apply(ends_in(2, local_port=445), other)
    result = recorded.rollback()
    assert (result.error, len(host.machine.tasks.tasks())) == (None, 1)
    assert "firewall_rule bg comes back without the task by which the host was to end it (" in warnings(result)
    assert host.entry("bg")["expires"].startswith("2198-11-26T13")


@pytest.mark.parametrize("then", [False, True])
def test_a_rule_that_only_the_next_apply_ended_has_no_task_again(then: bool, recorded: Recorded) -> None:
    """The run gave it one, for the same moment, or did not."""
    host, before = recorded.host, ends_in(1)
    recorded.apply(replace(before, treatment={**before.treatment, "expires_on_host": False}))
    after = ends_in(1, local_port=444)
    recorded.apply(replace(after, treatment={**after.treatment, "expires_on_host": then}))
    assert len(host.machine.tasks.tasks()) == then
    result = recorded.rollback()
    assert (result.error, host.machine.tasks.tasks()) == (None, [])
    assert [c.label for c in result.changes] == [TaskLabel(expires="2198-11-26T13:00:00Z", ticket="CHG1")]
    gone = [d.severity for d in result.diagnostics if "the host is not to remove it by itself any more (now" in d.summary]
    assert (gone, "comes back without" in warnings(result)) == (["note"] * then, False)


def test_of_a_rule_that_goes_nothing_is_told_of_its_task(recorded: Recorded) -> None:
    recorded.apply(ends_in(1))
    result = recorded.rollback()
    assert (result.error, [c.action for c in result.changes], recorded.host.machine.tasks.tasks()) == (None, ["remove"], [])
    assert not [d.summary for d in result.diagnostics if "by itself" in d.summary or "comes back" in d.summary]


def test_a_task_that_somebody_switched_off_ends_nothing(recorded: Recorded) -> None:
    tasks = recorded.host.machine.tasks
    recorded.apply(ends_in(1))
    recorded.apply(ends_in(1, local_port=444))
    (one,) = tasks.tasks()
    tasks.enable(one.path, False)
    result = recorded.rollback()
    assert (result.error, tasks.tasks()) == (None, [])
    assert "firewall_rule bg comes back without the task by which the host was to end it (" in warnings(result)
