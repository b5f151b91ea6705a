"""What a host was told in secret does not come back: not in messages, not in values, not by standard error."""

import base64
import html
import json
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import ssh_hosts
from core import KINDS, rule, task
from faulty import Server, Ssh
from hosts import LabHost

from ringfence.batch import CHANGED_MEANWHILE, UNKNOWN_VERB, Answer, Batch, Failure, Reply
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.doctor.examination import Examination, Verdict
from ringfence.errors import GuardRefused, HostError, RingfenceError, Unreachable
from ringfence.formats.data import Definitions, definitions_text, host_text
from ringfence.model.facts import Facts
from ringfence.model.state import Change, Id
from ringfence.plan.obstacles import Affected, Obstacle, Reason
from ringfence.report import ExaminedResult, HostResult
from ringfence.run.host import plan_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.masking import Masking, secrets_of
from ringfence.secret import MASK, Secret
from ringfence.transports import transport_for
from ringfence.transports.resolve import settings_for
from ringfence.transports.way_in import WayIn
from ringfence.types.base import CanonicalText
from ringfence.views import diagnostics_text
from ringfence.views.change_text import ChangeOptions, change_lines
from ringfence.views.grouped_results import GroupedResults
from ringfence.windows.attribution import Attribution
from ringfence.windows.policy_events import PolicyEvent
from ringfence.windows.undo_calls import BUSY_ID

KEY = 'S3cret "PSK" <987>'
SET = task("ipsec_phase1_auth_set", {"name": "s", "proposal": [{"machine": True, "pre_shared_key": Secret(KEY)}]})
SPELLINGS = [KEY, json.dumps(KEY)[1:-1], html.escape(KEY), base64.b64encode(KEY.encode()).decode(),
             base64.b64encode(KEY.encode("utf-16-le")).decode().rstrip("=")]


@pytest.mark.parametrize("said", SPELLINGS)
def test_a_message_of_the_host(said: str) -> None:
    masking = Masking([Secret(KEY)])
    assert masking.text(f"got {said}!") == f"got {MASK}!"
    assert masking.error(Unreachable("tls", f"got {said}")).detail == f"got {MASK}"
    assert masked(masking, Failure("x", f"got {said}!", said)) == Failure("x", f"got {MASK}!", MASK)


def masked(masking: Masking, failure: Failure) -> Failure | None:
    return masking.reply(Reply({1: Answer(error=failure)})).answers[1].error


@pytest.mark.parametrize(("id", "kept"), [
    (UNKNOWN_VERB, UNKNOWN_VERB), (CHANGED_MEANWHILE, CHANGED_MEANWHILE), (BUSY_ID, BUSY_ID),
    ("CommandNotFoundException", f"CommandNotFound{MASK}"), ("CouldNotAutoloadMatchingModule", "CouldNotAutoloadMatchingModule"),
    ("ringfence.verbena", f"ringfence.{MASK}"), ("ringfence.ledger", "ringfence.ledger"), ("verbena", MASK),
    ("got verbena,Get-NetFirewallRule", f"got {MASK},Get-NetFirewallRule"), ("Windows System Error 5", "Windows System Error 5"),
])
def test_an_error_id_that_a_run_decides_by_stays(id: str, kept: str) -> None:
    """Whatever the password of the account is a word of, or begins with."""
    masking = Masking(map(Secret, ("ringfence", "verbena", "changed", "busy", "Command", "Exception", "CouldNot")))
    assert masked(masking, Failure("x", id, "m")) == Failure("x", kept, "m")
    assert Failure("x", kept, "m").is_lack == Failure("x", id, "m").is_lack


def test_a_message_that_was_cut_in_the_middle_of_one() -> None:
    secret = "correct horse"
    for n in range(len(secret) + 1):
        cut = secret[:n]
        assert Masking([Secret(secret)]).text(f"he said: {cut}") == f"he said: {cut if n < 4 else MASK}"
        assert Masking([Secret(secret)]).text(cut) == (cut if n < 4 else MASK)


@pytest.mark.parametrize(("secrets", "said", "masked"), [
    (("horse", "correct horse"), "a correct horse, a horse", f"a {MASK}, a {MASK}"),  # of two that begin alike, the whole one
    (('Gr\u00fc\u00dfe "x"',), r'Gr\u00fc\u00dfe \"x\"!', f"{MASK}!"),
    (('Gr\u00fc\u00dfe "x"',), 'Gr\u00fc\u00dfe \\"x\\"!', f"{MASK}!"),
    (("Word",), "WORD, word, Word", f"WORD, word, {MASK}"),  # a short one may be a word in other letters
    (("Correct-Hors",), "CORRECT-HORS, correct-hors", f"{MASK}, {MASK}"),
    (("first line\n  a line of 21 letters.  \na line of 20 letters\n      one with spaces      ",),
     "first line, a line of 21 letters., a line of 20 letters, one with spaces",
     f"first line, {MASK}, a line of 20 letters, one with spaces")])
def test_how_a_secret_may_stand_in_a_text(secrets: tuple[str, ...], said: str, masked: str) -> None:
    assert Masking(map(Secret, secrets)).text(said) == masked


@pytest.mark.parametrize("secret", ["four", "of twelve letters"])
def test_what_a_host_failed_with_is_told_without_the_shortest_secret(secret: str) -> None:
    """And of the events that say who changed it nothing is kept but what is shown."""
    event = PolicyEvent(2097, datetime(2026, 1, 1, tzinfo=UTC), fields={"RuleName": f"a {secret}"})
    told = {Id("local", "firewall_rule", name): Attribution(one) for name, one in (("r", event), ("s", None))}
    result = Masking([Secret(secret)]).result(HostResult("h", error=HostError("endpoint", f"said {secret}"), changed_by=told))
    assert isinstance(result.error, HostError)
    assert result.error.detail == f"said {MASK}"
    assert result.changed_by
    assert [one.event and (one.event.id, one.event.fields) for one in result.changed_by.values()] == [(2097, {}), None]


def test_short_secrets_may_be_words() -> None:
    """A rule is shown as it is, whatever the password of the account; messages are masked."""
    masking = Masking([Secret("Firewall"), Secret("abc")])
    shown = Change(Id("local", "firewall_rule", "r"), rule("r", description="Windows Firewall"), None)
    for one in (masking, Masking([Secret("abc")]), Masking()):
        assert one.changes([shown]) == (shown,)
    assert masking.text("Windows Firewall abc") == f"Windows {MASK} abc"
    masking = Masking([Secret("four"), Secret("twelve chars")])
    assert masking.text("four, twelve chars") == f"{MASK}, {MASK}"
    shown = Change(Id("local", "firewall_rule", "r"), rule("r", description="four, twelve chars"), None)
    [masked] = masking.changes([shown])
    assert masked.before == rule("r", description=f"four, {MASK}")


def test_each_side_of_a_change_is_shown_without_secrets() -> None:
    masking, id = Masking([Secret(KEY)]), Id("local", "firewall_rule", "r")
    clear, told, masked = rule("r"), rule("r", description=f"see {KEY}"), rule("r", description=f"see {MASK}")
    for before, after in ((clear, told), (told, clear), (told, told), (None, told), (told, None)):
        (shown,) = masking.changes([Change(id, before, after)])
        assert (shown.before, shown.after) == tuple(masked if one is told else one for one in (before, after))


def test_everything_of_a_result_is_without_secrets() -> None:
    """Whatever it is made of; what the project says itself stays, and what nothing is in is the same object."""
    masking, id = Masking([Secret(KEY)]), Id("local", "firewall_rule", f"r {KEY.lower()}")
    seen = Examination(WayIn("ssh", user=KEY), Facts(raw={"os": {"caption": [f"x {KEY}", None, 7]}}))
    errors: list[RingfenceError] = [HostError("endpoint", KEY), GuardRefused(KEY), InputError([Diagnostic(NOWHERE, KEY)])]
    for error in errors:
        result = ExaminedResult("srv1", error=error, seen=seen, written=frozenset({id}), names={KEY: KEY}, way_in=WayIn("ssh"),
                                verdicts=(Verdict("c", "ok", KEY.upper()),), diagnostics=(Diagnostic(NOWHERE, KEY, KEY),),
                                changes=(Change(id, rule(KEY), None, why=KEY, where=Where(KEY)),), facts={KEY: (KEY,)})
        masked = masking.result(result)
        assert isinstance(masked, ExaminedResult)
        assert type(masked.error) is type(error)
        assert MASK in str(masked.error)
        [change], [name] = masked.changes, masked.written
        assert (name, change.id, change.why) == (Id("local", "firewall_rule", f"r {MASK}"), name, MASK)
        assert (change.resource.name, change.where) == (MASK, Where(KEY))
        assert masked.seen
        assert masked.seen.facts.raw == {"os": {"caption": [f"x {MASK}", None, 7]}}
        assert (masked.verdicts[0].found, masked.diagnostics[0].summary, masked.diagnostics[0].detail) == (MASK, MASK, MASK)
        assert (masked.names, masked.facts, masked.seen.way_in.user) == ({MASK: MASK}, {MASK: (MASK,)}, KEY)
        assert KEY.lower() not in str(masked.error).lower()
        assert masking.result(masked).changes is masked.changes


def test_a_rule_as_it_was_read_is_looked_through_in_whatever_letters() -> None:
    """In its text, which is quicker than in each of its values, and in its name."""
    masking = Masking([Secret("Correct-Horse")])
    coded = base64.b64encode(b"Correct-Horse").decode()
    for name, text in (("correct-horse", "x"), ("r", "CORRECT-HORSE"), ("r", "a Correct-Horse b"), ("r", coded)):
        host = LabHost({name: f"v2.31|Action=Allow|Active=TRUE|Dir=In|Name={text}|"})
        [found] = host.read().state.by_kind("firewall_rule").values()
        [change] = masking.changes([Change(Id("local", "firewall_rule", "r"), found, None)])
        shown = f"{change.resource.name} {change.resource.values()}"
        assert ("horse" in shown.lower(), coded.rstrip("=") in shown) == (False, False)
    [clean] = LabHost({"r": "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=horse|"}).read().state.by_kind("firewall_rule").values()
    [same] = masking.changes([Change(Id("local", "firewall_rule", "r"), clean, None)])
    assert same.before is clean


def test_a_text_with_a_spelling_of_its_own_is_masked_in_both() -> None:
    """Accounts and descriptors compare by their canonical form, and are written as somebody spelled them."""
    masking, id = Masking([Secret("Correct-Horse")]), Id("local", "firewall_rule", "r")
    for canonical, spelling in (("a Correct-Horse", "b"), ("a", "b correct-horse"), ("a correct-horse", "CORRECT-HORSE")):
        made = KINDS["firewall_rule"].create("r", {"owner": CanonicalText(canonical, spelling)})
        [change] = masking.changes([Change(id, made, None)])
        owner = change.resource.values()["owner"]
        assert isinstance(owner, CanonicalText)
        assert "horse" not in f"{owner} {owner.spelling}".lower()


def test_what_was_made_of_a_rule_as_it_was_read_is_looked_through_as_it_is() -> None:
    """Not by the text that it was read from; and of that also what nobody understands."""
    masking, id = Masking([Secret("Correct-Horse")]), Id("local", "firewall_rule", "r")
    host = LabHost({"r": "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=r|"})
    [found] = host.read().state.by_kind("firewall_rule").values()
    [change] = masking.changes([Change(id, found, found.replace(description="a Correct-Horse"))])
    assert change.after == found.replace(description=f"a {MASK}")
    host.put("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=r|Future=Correct-Horse|")
    [found] = host.read().state.by_kind("firewall_rule").values()
    [change] = masking.changes([Change(id, found, None)])
    assert change.resource.unknown_tokens == (f"Future={MASK}",)


def test_a_set_of_many_keys_is_looked_through_too() -> None:
    host = LabHost()
    assert host.apply(task("ipsec_phase1_auth_set", {"name": "s", "display_name": "a Correct-Horse", "proposal": [
        {"machine": True, "kerberos": True}]})).status == "changed"
    found = host.read().state.by_kind("ipsec_phase1_auth_set")["s"]
    [change] = Masking([Secret("Correct-Horse")]).changes([Change(Id("local", "ipsec_phase1_auth_set", "s"), found, None)])
    assert change.resource.values()["display_name"] == f"a {MASK}"


def test_one_of_many_words_is_enough_and_the_host_keeps_its_name() -> None:
    masking = Masking([Secret("correct-horse")])
    for names in ({"a": "b", "c": "a correct-horse"}, {"a": "b", "a correct-horse": "c"}, {"a correct-horse": "c"},
                  MappingProxyType({"a": "b", "c": "a correct-horse"})):
        told = Diagnostic(NOWHERE, "x", host="correct-horse")
        result = masking.result(HostResult("correct-horse", names=names, diagnostics=(told,)))
        assert result.names == {one.replace("correct-horse", MASK): name.replace("correct-horse", MASK)
                                for one, name in names.items()}
        assert (result.host, result.diagnostics[0].host) == ("correct-horse", "correct-horse")


def test_an_object_that_is_not_in_force() -> None:
    """The name of one that is declared is the project's own word; any other name is the host's."""
    masking, id = Masking([Secret("Correct-Horse")]), Id("local", "firewall_rule", "a correct-horse")
    declared, found = (Affected(id, "a Correct-Horse", where) for where in (Where("site.yml", 3), NOWHERE))
    reason = Reason("merge_off", "said Correct-Horse", "")
    [shown] = masking.result(HostResult("h", obstacles=(Obstacle("not_in_force", reason, (), (declared, found)),))).obstacles
    assert shown.objects[0] == declared
    assert "horse" not in f"{shown.objects[1]} {shown.objects[1].id} {shown.reason}".lower()


def test_what_is_read_is_compared_as_it_is() -> None:
    """A text of the policy that happens to be a key as well: it is what was declared, and no difference."""
    host, named = LabHost(), task("firewall_rule", {"name": "r", "description": f"see {KEY}", "remote_address": "10.0.0.1"})
    assert host.apply(SET, named).status == "changed"
    assert host.apply(SET, named).status == "in_sync"


def test_secrets_of_a_connection() -> None:
    settings = settings_for("h", {"ansible_connection": "psrp", "ansible_user": "u", "ansible_password": Secret("one two"),
                                  "ansible_psrp_proxy": "http://me:thr%20ee@proxy:3128"})
    assert sorted(s.reveal() for s in secrets_of(settings)) == ["one two", "thr ee", "thr%20ee"]


def shown(result: Any) -> str:
    definitions = Definitions()
    failure = diagnostics_text.failure(result.error) if result.error else ""
    grouped = GroupedResults(ChangeOptions())
    text = grouped.add(result) + grouped.flush() + "".join(map(change_lines, (*result.changes, *result.remaining)))
    return text + failure + host_text(result, definitions) + definitions_text(definitions.new())


@pytest.mark.parametrize("said", [KEY, SPELLINGS[3]])
def test_a_host_that_repeats_a_pre_shared_key(said: str) -> None:
    host = LabHost()

    def repeats(batch: Batch) -> Reply | None:
        if not batch.stop_on_error:
            return None
        (pending, _), (label, call) = list(batch.calls.items())[:2]
        failure = Failure("InvalidArgument", "x", f"got {said} of {call.args['cmdlet']}")
        return Reply({pending: Answer(), label: Answer(error=failure)})

    host.before = repeats
    result = host.apply(SET)
    assert isinstance(result.error, HostError)
    assert f"got {MASK} of New-NetIPsec" in result.error.detail
    assert said not in shown(result)


def test_a_host_that_puts_a_pre_shared_key_into_a_rule() -> None:
    host = LabHost({"r": f"v2.31|Action=Allow|Active=TRUE|Dir=In|Name=r|Desc={KEY}|"})
    result = host.plan(SET, task("firewall_rule", {"name": "r", "description": "mine", "remote_address": "10.0.0.1"}))
    assert MASK in shown(result)
    assert KEY not in shown(result)


def test_a_host_that_prints_the_password(tmp_path: Path) -> None:
    """Over SSH: on standard error, and in what the host script says when it cannot run."""
    def act(channel: Any, command: str) -> int:
        channel.sendall_stderr(b"login: secret geheim is not allowed")
        return 1

    with Server(Ssh(act, ssh_hosts.HOST_KEY)) as server:
        settings = settings_for("h", ssh_hosts.variables(tmp_path, server.port))
        context = RunContext(KINDS, lambda host, facts: ({}, []), lambda job: transport_for(job.settings))
        result = plan_host(HostJob("h", settings, {}), context)
    assert isinstance(result.error, HostError)
    assert f"login: {MASK} geheim is not allowed" in result.error.detail


def test_what_is_logged_of_a_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    host = LabHost({})

    def breaks(batch: Batch) -> Reply | None:
        if "Net.Call" in {call.verb for call in batch.calls.values()}:
            raise ValueError(f"of {KEY}")
        return None

    host.before = breaks
    with caplog.at_level("DEBUG"):
        result = host.apply(SET)
    assert KEY not in str(result.error)
    assert f"ValueError: of {MASK}" in caplog.text
    assert KEY not in caplog.text
    assert "in breaks" in caplog.text  # where it was is told
