"""Questions about connections, asked of one host: what more it is asked for."""

from dataclasses import replace

import pytest
from core import at, declared
from hosts import LabHost

from ringfence.errors import GuardRefused
from ringfence.lab import RESTRICTED
from ringfence.policy.flow import SYSTEM, Flow, number_of
from ringfence.report import EvaluatedResult, HostResult
from ringfence.run.evaluated import AskedPolicy, Question, evaluate_host

KEYWORD = "{0A1B2C3D-0000-1111-2222-333344445555}"
NOUN = "NetFirewallDynamicKeywordAddress"


@pytest.mark.parametrize(("of", "connections"), [("live", 2), ("planned", 2)])
@pytest.mark.parametrize(("far", "action"), [("10.9.0.1", "allow"), ("10.8.0.1", "block")])
def test_the_addresses_of_dynamic_keywords(of: AskedPolicy, connections: int, far: str, action: str) -> None:
    on = LabHost({"k": f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|RADynKey={KEYWORD}|Name=k|"})
    on.machine.later_objects[NOUN].append({"Id": KEYWORD, "Keyword": "ours", "Addresses": "10.9.0.0/16", "AutoResolve": False})
    flow = Flow("inbound", 6, remote_address=number_of(far), local_port=443, remote_port=50_000, program=SYSTEM, service="")
    found = evaluate_host(on.job({}), on.context(), Question(flow, of))
    assert isinstance(found, EvaluatedResult)
    assert found.verdict
    assert (found.verdict.action, found.connections) == (action, connections)


def test_a_host_without_any_is_not_asked() -> None:
    on = LabHost({"k": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|Name=k|"})
    flow = Flow("inbound", 6, remote_address=number_of("10.9.0.1"), local_port=443, program=SYSTEM, service="")
    found = evaluate_host(on.job({}), on.context(), Question(flow))
    assert (found.error, found.connections) == (None, 1)
    assert not any(NOUN in str(call) for batch in on.batches for call in batch.calls.values())


@pytest.mark.parametrize(("profile", "action"), [("", "allow"), ("domain", "allow"), ("public", "block")])
def test_where_nobody_names_a_profile_it_is_that_of_the_network(profile: str, action: str) -> None:
    on = LabHost({"k": "v2.31|Action=Allow|Active=TRUE|Dir=In|Profile=Domain|Protocol=6|LPort=443|Name=k|"})
    on.machine.interfaces = on.machine.interfaces[:1]
    flow = Flow("inbound", 6, remote_address=number_of("10.9.0.1"), local_port=443, program=SYSTEM, service="")
    found = evaluate_host(on.job({}), on.context(), Question(flow, profile=profile))
    assert isinstance(found, EvaluatedResult)
    assert found.verdict
    assert found.verdict.action == action


ASKED = Flow("inbound", 6, remote_address=number_of("10.9.0.1"), remote_port=50_000, local_port=443, program=SYSTEM,
             service="httpd")
OPENS = at(1, name="k", protocol="tcp", local_port=443)


def verdict(found: HostResult) -> str:
    assert isinstance(found, EvaluatedResult)
    assert found.verdict
    return found.verdict.action


@pytest.mark.parametrize("of", ["live", "planned"])
def test_what_windows_keeps_its_services_from_is_kept_in_mind(of: AskedPolicy) -> None:
    """Beside what is there, and beside what is going to be."""
    on = LabHost({})
    assert on.apply(OPENS).status == "changed"
    for restricted, action in ((False, "allow"), (True, "block")):
        if restricted:
            on.machine.registry.set(rf"{RESTRICTED}\Static\System", "httpd-1",
                                    "v2.0|Action=Block|Active=TRUE|Dir=In|App=System|Svc=httpd|Name=no|")
        assert verdict(evaluate_host(on.job(declared(OPENS)), on.context(), Question(ASKED, of))) == action


def test_what_may_not_be_written_is_not_going_to_be_there() -> None:
    on = LabHost({})
    refused = Question(ASKED, "planned")
    assert verdict(evaluate_host(on.job(declared(OPENS)), on.context(), refused)) == "allow"
    on.policy = replace(on.policy, max_changes=1)
    more = declared(OPENS, at(5, name="more", protocol="tcp", local_port=444))
    found = evaluate_host(on.job(more), on.context(), refused)
    assert isinstance(found.error, GuardRefused)
    assert "2 changes are more than max_changes, 1" in str(found.error)
    assert not isinstance(found, EvaluatedResult)


def test_what_is_declared_may_be_made_at_the_hosts_turn() -> None:
    on = LabHost({})
    context = replace(on.context(), declare=lambda host, facts: (declared(OPENS) if host == "srv1" else {}, []))
    found = evaluate_host(replace(on.job({}), declarations=None), context, Question(ASKED, "declared"))
    assert isinstance(found, EvaluatedResult)
    assert {id.name: str(found.places[id]) for id in found.objects} == {"k": "play.yml:1"}
    assert (found.connections, on.batches) == (0, [])
