"""What a project owns on a host, put right by hand: released, taken over, retired, and made anew."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest
from core import KINDS, at, task
from hosts import LEDGER, PROJECT, LabHost

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.errors import HostError
from ringfence.lab import POLICY
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.state import Id
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult, LedgerResult
from ringfence.run.owned_objects import rebuild, release, retire, show_ledger, take_over
from ringfence.windows.shipped_rules import is_shipped

OTHER, THIRD = ProjectIdentity("Other", "a" * 32), ProjectIdentity("other", "b" * 32)
ALLOW = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={}|RA4=10.0.0.0/255.0.0.0|Name={}|"
BLOCK = ALLOW.replace("Allow", "Block")
SHIPPED = "FPS-ICMP4-ERQ-In"


def id_of(name: str, kind: str = "firewall_rule") -> Id:
    return Id("local", kind, name.lower())


def host_with(*names: str, text: str = ALLOW, windows: bool = False) -> LabHost:
    """A host that has these rules; nobody owns one yet."""
    host = LabHost(None if windows else {}, owns=False)
    for port, name in enumerate(names, 81):
        host.put(name, text.format(port, name))
    return host


def owned(host: LabHost, project: ProjectIdentity = PROJECT) -> dict[str, str]:
    """{name: how} of what the ledger of a project has."""
    key = host.machine.registry.key(rf"SOFTWARE\ringfence\{project.id}")
    texts = {value.name: str(value.data) for value in key.values.values()} if key else {}
    return {name.rpartition("|")[2]: json.loads(text)["how"] for name, text in texts.items() if "|" in name}


def changes(result: HostResult) -> list[str]:
    return [f"{c.action} {c.id.name}" for c in result.changes]


def told(result: HostResult, severity: str = "warning") -> list[str]:
    return [d.summary for d in result.diagnostics if d.severity == severity and d.host == "srv1"]


# -- shown

def test_what_is_owned_is_shown_with_what_is_there_of_it() -> None:
    """What an interrupted run never came to make is not owned, and what nobody understands is told."""
    host = host_with("mine", "theirs")
    host.take_over([id_of("mine"), id_of("gone")])
    host.take_over([id_of("never")], hash="", pending="1" * 32)
    host.take_over([id_of("theirs"), id_of("lost")], project=OTHER)
    host.machine.registry.set(LEDGER, "firewall_rule|local|odd", "{}")
    result = show_ledger(host.job({}), host.context())
    assert isinstance(result, LedgerResult)
    assert {id.name for id in result.ledger.entries} == {"mine", "gone", "never"}
    assert ({id.name for id in result.there}, {id.name for id in result.owned}) == ({"mine", "theirs"}, {"mine", "gone"})
    assert [one.startswith("not understood: firewall_rule odd") for one in told(result)] == [True]
    assert (result.error, result.changes, host.verbs("Defaults.Read")) == (None, (), [])


UNREADABLE = {"unread": [{"fact": "ledger", "why": "it is broken"}], "rows": []}


def test_nothing_is_done_with_a_ledger_that_could_not_be_read() -> None:
    host = host_with("mine")
    host.take_over([id_of("mine")])

    def unread(batch: Batch) -> Reply | None:
        if "ledger" not in batch.calls:
            return None
        return Reply({**host.simulated_reply(batch).answers, "ledger": Answer(UNREADABLE)})

    host.before = unread
    job, context = host.job({}), host.context()
    for result in (show_ledger(job, context), release(job, context, [], True), retire(job, context, True),
                   take_over(job, context, "Other", [], True)):
        assert (result.status, "the ledger could not be read: it is broken" in str(result.error)) == ("refused", True)
    assert (owned(host), list(host.rules)) == ({"mine": "created"}, ["mine"])


def test_a_ledger_of_a_later_version_is_not_written() -> None:
    host = host_with("mine")
    host.take_over([id_of("mine")])
    host.machine.registry.set(LEDGER, "Format", "2")
    assert changes(release(host.job({}), host.context(), [], False)) == ["release mine"]
    result = release(host.job({}), host.context(), [], True)
    assert (result.status, "of a later version of ringfence" in str(result.error), owned(host)) == (
        "refused", True, {"mine": "created"})


# -- released

@pytest.mark.parametrize(("patterns", "chosen"), [
    ([], ["corp-a", "corp-b", "web"]), (["CORP-*"], ["corp-a", "corp-b"]), (["web", "corp-?"], ["corp-a", "corp-b", "web"]),
    (["WEB"], ["web"])])
@pytest.mark.parametrize("write", [True, False])
def test_what_is_released_stays_as_it_is(write: bool, patterns: list[str], chosen: list[str]) -> None:
    host = host_with("corp-a", "corp-b", "web")
    host.take_over(map(id_of, ("corp-a", "corp-b", "web")))
    before = host.rules
    result = release(host.job({}), host.context(), patterns, write)
    assert (result.error, sorted(changes(result)), host.rules) == (None, [f"release {name}" for name in chosen], before)
    left = {"corp-a", "corp-b", "web"} - (set(chosen) if write else set())
    assert set(owned(host)) == left
    assert len(result.written) == len(result.proven) == (len(chosen) if write else 0)
    assert (told(result), host.verbs("Defaults.Read")) == ([], [])


def test_what_is_not_there_any_more_is_released_too() -> None:
    host = host_with()
    host.take_over([id_of("gone")])
    result = release(host.job({}), host.context(), ["gone"], True)
    assert (result.error, changes(result), owned(host), told(result)) == (None, [], {}, [])


def test_a_name_that_is_nobodys_is_told() -> None:
    host = host_with("mine", "theirs")
    host.take_over([id_of("mine")])
    host.take_over([id_of("theirs")], project=OTHER)
    job, context = host.job({}), host.context()
    theirs = take_over(job, context, "Other", ["x"], True)
    assert told(theirs) == ["the project Other owns nothing of the name x on this host"]
    assert host.verbs("Ledger.Write") == []
    assert told(release(job, context, ["x*", "y"], True)) == ["the project owns nothing of the name x* or y on this host"]
    assert (owned(host), owned(host, OTHER)) == ({"mine": "created"}, {"theirs": "created"})
    host = host_with("nobodys")
    assert told(release(host.job({}), host.context(), [], True)) == ["the project owns nothing on this host"]


# -- retired

WAY_IN = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5985|RA4=10.99.0.1/255.255.255.255|Name=way-in|"


@pytest.mark.parametrize("forced", [False, True])
def test_a_host_is_not_retired_of_the_way_by_which_it_is_reached(forced: bool) -> None:
    host = host_with("made")
    host.put("way-in", WAY_IN)
    host.take_over([id_of("made"), id_of("way-in")])
    host.machine.registry.set(LEDGER, "Generation", "3")
    host.policy = replace(host.policy, forced=frozenset({"lockout"} if forced else ()))
    result = retire(host.job({}), host.context(), True)
    assert (result.status, list(host.rules)) == (("changed", []) if forced else ("refused", ["made", "way-in"])), result.error
    assert owned(host) == ({} if forced else {"made": "created", "way-in": "created"})

def test_a_host_that_is_managed_no_more_keeps_what_the_project_did_not_make() -> None:
    host = host_with("made", "blocks", "adopted", "mentioned", "both", windows=True)
    host.put("blocks", BLOCK.format(82, "blocks"))
    host.take_over([id_of(name) for name in ("made", "blocks", "both", SHIPPED, "gone")])
    host.take_over([id_of("adopted")], "adopted")
    host.take_over([id_of("mentioned")], "mentioned")
    host.take_over([id_of("both")], project=OTHER)
    host.machine.registry.set(LEDGER, "Generation", "3")
    before = set(host.rules)
    planned = retire(host.job({}), host.context(), False)
    assert set(host.rules) == before
    result = retire(host.job({}), host.context(), True)
    for one in (planned, result):
        assert {c.id.name: c.action for c in one.changes} == {
            "made": "remove", "blocks": "remove", "adopted": "release", "mentioned": "release", "both": "release",
            SHIPPED.lower(): "release"}
        why = {c.id.name: c.why for c in one.changes}
        assert why["both"] == f"it belongs to the project Other ({OTHER.id}) too: it stays as it is"
        assert "Windows ships it by now: it stays as it is" in why[SHIPPED.lower()]
        assert why["adopted"].startswith("adopted by run 2026")
        assert "ships" not in why["adopted"]
        assert ("OPENS" in why["blocks"], "OPENS" in why["made"]) == (True, False)
    assert result.error is None
    assert before - set(host.rules) == {"made", "blocks"}
    assert (host.machine.registry.key(LEDGER), owned(host, OTHER)) == (None, {"both": "created"})


KERBEROS: list[dict[str, Any]] = [{"machine": True, "kerberos": True}]


def test_a_set_that_somebody_still_names_stays() -> None:
    """But for the default one, to which Windows has its own to fall back."""
    host = LabHost({}, owns=False)
    sets = [task("ipsec_phase1_auth_set", {"name": name, "proposal": KERBEROS}) for name in ("s", "default", "free")]
    assert host.apply(*sets).error is None
    rules = [task("ipsec_rule", {"name": f"by-{name}", "inbound_security": "request", "outbound_security": "request",
                                 "remote_address": f"10.{n}.0.0/16", "phase1_auth_set": name})
             for n, name in enumerate(("s", "default"))]
    host.policy = replace(host.policy, project=OTHER)
    assert host.apply(*rules).error is None
    host.policy = replace(host.policy, project=PROJECT)
    assert host.apply(*sets, task("ipsec_phase1_auth_set", {"name": "k", "proposal": KERBEROS}),
                      task("ipsec_rule", {"name": "adopted", "inbound_security": "request", "outbound_security": "request",
                                          "remote_address": "10.9.0.0/16", "phase1_auth_set": "k"})).error is None
    host.take_over([id_of("adopted", "ipsec_rule")], "adopted")
    result = retire(host.job({}), host.context(), True)
    assert {c.id.name: c.action for c in result.changes} == {
        "s": "release", "default": "remove", "free": "remove", "k": "release", "adopted": "release"}
    for name, by in (("s", "by-s"), ("k", "adopted")):
        assert [c.why for c in result.changes if c.id.name == name] == [f"ipsec_rule {by} still names it: it stays as it is"]
    assert (result.error, host.machine.registry.key(LEDGER)) == (None, None)


def test_a_host_without_a_ledger_has_none_to_write() -> None:
    host = host_with("theirs")
    result = retire(host.job({}), host.context(), True)
    assert (result.status, result.changes, host.verbs("Ledger.Write")) == ("in_sync", (), [])


# -- taken over

@pytest.mark.parametrize("said", ["Other", "OTHER", OTHER.id, OTHER.id.upper()])
@pytest.mark.parametrize("write", [True, False])
def test_what_was_anothers_becomes_this_projects_as_it_was_the_others(write: bool, said: str) -> None:
    host = host_with("a", "b")
    host.take_over([id_of("a")], "adopted", OTHER)
    host.take_over([id_of("b"), id_of("gone")], project=OTHER)
    result = take_over(host.job({}), host.context(), said, [], write)
    assert (result.error, sorted(changes(result))) == (None, ["adopt a", "adopt b"])
    assert {c.why for c in result.changes} == {f"of the project {said}"}
    theirs = {"a": "adopted", "b": "created", "gone": "created"}
    assert (owned(host), owned(host, OTHER)) == ((theirs, {}) if write else ({}, theirs))
    assert (told(result), host.verbs("Defaults.Read")) == ([], [])


def test_what_is_not_named_stays_the_others() -> None:
    host = host_with("a", "b")
    host.take_over([id_of("a"), id_of("b")], project=OTHER)
    assert changes(take_over(host.job({}), host.context(), "Other", ["A"], True)) == ["adopt a"]
    assert (owned(host), owned(host, OTHER)) == ({"a": "created"}, {"b": "created"})


@pytest.mark.parametrize(("said", "why"), [
    (PROJECT.name, "is this project: what it owns is its own already"), (PROJECT.id, "is this project"),
    ("nobody", "no project on this host is called nobody. There: "),
    ("other", f"several projects on this host are called other. There: Other ({OTHER.id}), other ({THIRD.id})"),
    ("undo", "no project on this host is called undo")])
def test_whose_objects_cannot_be_taken_over(said: str, why: str) -> None:
    host = host_with("a")
    host.take_over([id_of("a")])
    for one in (OTHER, THIRD):
        host.take_over([id_of("b")], project=one)
    host.machine.registry.set(r"SOFTWARE\ringfence\undo", "Run", "x")
    result = take_over(host.job({}), host.context(), said, [], True)
    assert (result.status, why in str(result.error)) == ("refused", True), result.error
    assert said == PROJECT.id or PROJECT.id not in str(result.error)
    assert "undo)" not in str(result.error)


def test_what_is_no_ledger_is_in_nobodys_way() -> None:
    host = host_with("a")
    host.take_over([id_of("a")], project=OTHER)

    def odd(batch: Batch) -> Reply | None:
        if "ledger" not in batch.calls:
            return None
        answers = host.simulated_reply(batch).answers
        rows = [*answers["ledger"].value["rows"], 5, [1, 2, 3], [OTHER.id], ["c" * 32, 5], [7, []]]
        return Reply({**answers, "ledger": Answer({**answers["ledger"].value, "rows": rows})})

    host.before = odd
    result = take_over(host.job({}), host.context(), "Other", [], True)
    assert (result.error, owned(host)) == (None, {"a": "created"})


def test_where_there_is_no_other_project_none_is_named() -> None:
    host = host_with("a")
    host.take_over([id_of("a")])
    result = take_over(host.job({}), host.context(), "nobody", [], True)
    assert str(result.error).endswith("There: none")


def test_what_the_other_could_not_give_up_is_told() -> None:
    host = host_with("a")
    host.take_over([id_of("a")], project=OTHER)

    def refuses(batch: Batch) -> Reply | None:
        theirs = [label for label, call in batch.calls.items() if call.args.get("project") == OTHER.id]
        return Reply({label: Answer(error=Failure("x", "x", "no")) for label in theirs}) if theirs else None

    host.before = refuses
    result = take_over(host.job({}), host.context(), "Other", [], True)
    assert isinstance(result.error, HostError)
    assert (result.error.kind, result.error.detail, owned(host)) == ("ledger", "of Other: no", {"a": "created"})


def test_the_other_gives_up_nothing_where_this_project_could_not_take_it() -> None:
    host = host_with("a")
    host.take_over([id_of("a")], project=OTHER)

    def refuses(batch: Batch) -> Reply | None:
        ours = [label for label, call in batch.calls.items() if call.args.get("project") == PROJECT.id]
        return Reply({label: Answer(error=Failure("x", "x", "no")) for label in ours}) if ours else None

    host.before = refuses
    result = take_over(host.job({}), host.context(), "Other", [], True)
    assert isinstance(result.error, HostError)
    assert (result.error.kind, owned(host), owned(host, OTHER)) == ("ledger", {}, {"a": "created"})


# -- made anew

def made_anew(host: LabHost, *tasks: RenderedTask, write: bool = True, created: Mapping[str, Collection[Id]] = {}) -> HostResult:
    found, problems = DeclarationBuilder(KINDS, is_shipped).declarations(tasks)
    assert not [p for p in problems if p.severity == "error"], problems
    context = replace(host.context(), possible=lambda host, facts: frozenset[Id]())
    return rebuild(host.job(found), context, write, created)


def rule(name: str, port: int, **more: Any) -> RenderedTask:
    return at(1, name=name, protocol="tcp", local_port=port, remote_address="10.0.0.0/8", display_name=name, **more)


def test_a_ledger_is_made_anew_of_what_is_there() -> None:
    """What is as declared was adopted, unless the project is known to have made it; what it said before, it says again."""
    host = host_with("as-declared", "made", "differs", "known", "left", "theirs", "by-mention", "drifted", windows=True)
    host.take_over([id_of("known"), id_of("left"), id_of("gone"), id_of("drifted")], first={"x": 1}, pending="1" * 32)
    host.take_over([id_of("theirs")], project=OTHER)
    host.machine.registry.set(LEDGER, "Generation", "7")
    mention = replace(rule("by-mention", 87), treatment={"omitted": "keep"})
    tasks = (rule("as-declared", 81), rule("made", 82), rule("differs", 9999), rule("known", 84), rule("theirs", 86), mention,
             at(9, "firewall_profile", profiles="public", enabled=True),
             at(1, name=SHIPPED, enabled=False), rule("not-there", 99), rule("drifted", 99))
    before = owned(host)
    known = {"srv1": [id_of("made")], "srv2": [id_of("as-declared")]}
    planned = made_anew(host, *tasks, write=False, created=known)
    assert owned(host) == before
    result = made_anew(host, *tasks, created=known)
    expected = {"as-declared": "adopted", "made": "created", "drifted": "created", "known": "created", "left": "created"}
    for one in (planned, result):
        assert {c.id.name: (c.action, c.why) for c in one.changes} == {
            name: ("adopt", f"in the ledger as {how}") for name, how in expected.items()}
    assert (result.error, owned(host), owned(host, OTHER)) == (None, expected, {"theirs": "created"})
    assert host.entry("known")["hash"] != "0" * 32  # that of what is there now, which is as declared
    for name in ("left", "drifted"):  # of these it is what the project had written
        assert (host.entry(name)["hash"], host.entry(name)["first"]) == ("0" * 32, {"x": 1})
    assert ("pending" in host.entry("known"), [c.id.name for c in result.changes]) == (False, sorted(expected))


def test_nothing_is_made_anew_where_a_task_is_wrong() -> None:
    host = host_with("a")
    host.take_over([id_of("a")])
    result = made_anew(host, rule("a", 81), at(5, name="b", interface_alias="Wi-Fi", remote_address="10.0.0.1"))
    assert (result.status, owned(host), host.verbs("Ledger.Write")) == ("invalid", {"a": "created"}, [])


def test_nothing_is_made_anew_of_what_could_not_be_read() -> None:
    host = host_with("a")
    host.take_over([id_of("a")])
    host.machine.registry.set(POLICY + r"\ConSecRules", "x", "v2.31|")
    host.machine.faults.denied_keys = (POLICY + r"\ConSecRules",)
    isolation = task("ipsec_rule", {"name": "i", "inbound_security": "request", "outbound_security": "request",
                                    "remote_address": "10.9.0.0/16"})
    result = made_anew(host, rule("a", 81), isolation)
    assert isinstance(result.error, HostError)
    assert (result.status, host.verbs("Ledger.Write")) == ("failed", [])


def test_what_a_guard_refuses_to_change_is_looked_at_all_the_same() -> None:
    """The rule would be somebody else's, opened: nothing of it is changed here."""
    host = host_with("a", "theirs")
    result = made_anew(host, rule("a", 81), rule("theirs", 9999))
    assert (result.error, owned(host), len(host.verbs("Ledger.Write"))) == (None, {"a": "adopted"}, 1)


def test_a_ledger_that_cannot_be_taken_away_stays() -> None:
    host = host_with("a")
    host.take_over([id_of("a")])
    host.machine.registry.set(LEDGER, "Generation", "7")

    def refuses(batch: Batch) -> Reply | None:
        labels = [label for label, call in batch.calls.items() if call.args.get("delete")]
        return Reply({label: Answer(error=Failure("x", "x", "no")) for label in labels}) if labels else None

    host.before = refuses
    result = made_anew(host, rule("a", 81))
    assert isinstance(result.error, HostError)
    assert (result.error.kind, result.error.detail, owned(host)) == ("ledger", "no", {"a": "created"})


def test_declared_objects_have_their_places() -> None:
    host = host_with("a", "left")
    host.take_over([id_of("left")])
    where = {c.id.name: c.where.file for c in made_anew(host, rule("a", 81), write=False).changes}
    assert where == {"a": "play.yml", "left": ""}
