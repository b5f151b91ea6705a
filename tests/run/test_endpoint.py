"""What answers on a host: endpoints that are older, newer, of another hand, or that cannot read what everything rests on."""

from dataclasses import replace
from typing import Any

import pytest
from core import KINDS, at, declared, task
from hosts import LabHost

from ringfence import batch
from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.batch.scripts import digests
from ringfence.errors import HostError
from ringfence.project.declare import DeclarationBuilder
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.secret import Secret
from ringfence.transports.connection_settings import PsrpSettings
from ringfence.windows import endpoint

RULE = at(1, name="r", protocol="tcp", local_port=80)
KEYED = task("ipsec_phase1_auth_set", {"name": "s", "proposal": [{"machine": True, "pre_shared_key": Secret("some key")}]})


def failure(result: HostResult) -> str:
    assert isinstance(result.error, HostError)
    assert result.error.kind == "endpoint"
    assert "ringfence jea export" in str(result.error)
    return str(result.error)


@pytest.mark.parametrize(("minor", "there", "understood"), [
    (0, "2.0", True), (0, "2.7", True), (2, "2.0", True), (3, "2.0", False), (3, "2.1", True), (3, "2.12", True),
    (0, None, False), (0, "3.0", False), (0, "1.9", False), (0, "2", False), (0, "x2.0", False), (0, 2.0, True),
    (0, ["2.0"], False), (0, "2.99999999999", False)])
def test_endpoints_two_minors_back_are_understood(monkeypatch: pytest.MonkeyPatch, minor: int, there: Any,
                                                  understood: bool) -> None:
    monkeypatch.setattr(endpoint, "OLDEST_MINOR", max(0, minor - 2))
    result = LabHost({}, wire=there).plan(RULE)
    if understood:
        assert [c.action for c in result.changes] == ["create"]
    else:
        assert "version of the wire" in failure(result).replace(f"version {there or 'unknown'} of", "version of")


def test_a_minor_is_what_the_host_script_says() -> None:
    assert f"{batch.WIRE_VERSION}.{batch.WIRE_MINOR}" == "2.2"
    assert batch.OLDEST_MINOR == 0


@pytest.mark.parametrize(("facts", "what"), [
    ({"os": {}}, "the version of Windows"), ({"os": None}, "the version of Windows"),
    ({"os": {"build": "20348"}}, "the version of Windows"),
    ({"elevated": None}, "whether the session is elevated"), ({"language_mode": None}, "its language mode"),
    ({"services": {}}, "the service mpssvc, the service BFE"),
    ({"services": {"mpssvc": None, "BFE": "running"}}, "the service mpssvc"),
    ({"services": []}, "the service mpssvc, the service BFE")])
def test_without_what_no_host_leaves_out_nothing_is_planned(facts: dict[str, Any], what: str) -> None:
    host = LabHost({}, **facts, unread=[{"fact": "os", "why": "WMI is broken"}])
    said = failure(host.apply(RULE))
    assert f"it could not read {what} (os: WMI is broken)" in said
    assert "()" not in failure(LabHost({}, **facts).plan(RULE))  # a host that says no reason
    assert host.cmdlets == []


@pytest.mark.parametrize("verbs", [None, 5, "Net.Call", {"Net.Call": 1}])
def test_verbs_of_another_shape_are_none_that_are_known(verbs: Any) -> None:
    """Then it is one for auditors, which may lack what compares keys; a plan is made all the same."""
    facts = LabHost({}, verbs=verbs).read().facts
    assert (endpoint.endpoint_of(facts).verbs, endpoint.endpoint_of(facts).writes) == (frozenset(), False)


@pytest.mark.parametrize("id", ["CommandNotFoundException", "CouldNotAutoloadMatchingModule", "ringfence.verb"])
@pytest.mark.parametrize("label", ["facts", "policy", "accounts", "Interfaces.Read"])
def test_a_session_that_lacks_a_reading_command_is_the_endpoints_fault(label: str, id: str) -> None:
    host = LabHost({})
    run = host.run

    def lacks(told: Batch) -> Reply:
        host.before = lambda told: None
        lack = Answer(error=Failure("ObjectNotFound", id, "The term 'Get-CimInstance' is not recognized"))
        return Reply({**run(told).answers, label: lack})

    host.before = lacks
    assert "Get-CimInstance" in failure(host.plan(at(1, name="r", local_user="CORP\\a", interface_alias="Ethernet")))


@pytest.mark.parametrize(("digest", "told"), [
    (None, False), ("0" * 64, True), (5, False), *((known, False) for known in digests().values())])
def test_a_script_of_no_release_is_told_and_used(digest: Any, told: bool) -> None:
    result = LabHost({}, script_sha256=digest).plan(RULE)
    assert [c.action for c in result.changes] == ["create"]
    assert [(d.severity, d.host) for d in result.diagnostics if "of no release" in d.summary] == [("warning", "srv1")] * told


@pytest.mark.parametrize(("verbs", "fails"), [(["Facts.Read", "Policy.Read"], False), (["Facts.Read", "Net.Call"], True)])
def test_an_operators_endpoint_without_a_verb_has_to_be_exported_anew(verbs: list[str], fails: bool) -> None:
    """An auditors' one is meant to be without it."""
    host = LabHost({}, verbs=verbs)
    run = host.run

    def older(told: Batch) -> Reply:
        host.before = lambda told: None
        answers = dict(run(told).answers)
        host.before = older
        lack = Answer(error=Failure("InvalidArgument", "ringfence.verb", "no verb is named 'Key.Compare'"))
        return Reply({**answers, **({"keys": lack} if "keys" in answers else {})})

    host.before = older
    if fails:
        assert "it does not compare pre-shared keys" in failure(host.plan(KEYED))
    else:
        assert host.plan(KEYED).error is None


ALL = ["Facts.Read", "Policy.Read", "Net.Call", "Undo.Arm", "Expiry.Write"]


@pytest.mark.parametrize(("verbs", "revert_after", "ends", "told"), [
    (ALL, 300, True, ""), (ALL, 300, False, ""),
    ([v for v in ALL if v != "Undo.Arm"], 300, False, "the endpoint knows no undo. Export it anew"),
    ([v for v in ALL if v != "Undo.Arm"], 0, True, ""),
    ([v for v in ALL if v != "Expiry.Write"], 0, True, "the endpoint cannot have the host end rules by itself. Export it anew"),
    ([v for v in ALL if v != "Expiry.Write"], 300, False, ""),
    (ALL[:2], 0, False, "the endpoint only reads")])
@pytest.mark.parametrize("endpoint", ["ringfence", None])
def test_what_an_endpoint_cannot_do_is_refused_before_anything_is_written(
        endpoint: str | None, verbs: list[str], revert_after: int, ends: bool, told: str) -> None:
    """Without one the script travels along, and has what it needs, whatever that which reads says of itself."""
    host = LabHost({}, verbs=verbs)
    host.policy = replace(host.policy, revert_after=revert_after)
    life = {"expires": "2199-01-01T00:00:00Z", "expires_on_host": True} if ends else {}
    rule = task("firewall_rule", {"name": "r", "protocol": "tcp", "local_port": 80, "remote_address": "10.0.0.1"}, treatment=life)
    said, _ = DeclarationBuilder(KINDS, began="2026-11-27T12:00:00Z").declarations([rule])
    job = replace(host.job(said), settings=PsrpSettings(host="srv1", endpoint=endpoint))
    result = apply_host(job, host.context())
    if told and endpoint:
        assert (result.status in ("refused", "failed"), told in str(result.error), host.rules) == (True, True, {}), result.error
        assert not [batch for batch in host.batches if batch.stop_on_error]
    else:
        assert (result.error, list(host.rules), len(result.proven)) == (None, ["r"], 1)


@pytest.mark.parametrize(("endpoint", "told"), [("ringfence", ""), (None, "not elevated")])
def test_what_the_account_of_an_endpoint_may_do_its_session_configuration_says(endpoint: str | None, told: str) -> None:
    host = LabHost({}, verbs=ALL, elevated=False)
    job = replace(host.job(declared(RULE)), settings=PsrpSettings(host="srv1", endpoint=endpoint))
    result = apply_host(job, host.context())
    assert (told in str(result.error), bool(result.error), list(host.rules)) == (True, bool(told), [] if told else ["r"])
