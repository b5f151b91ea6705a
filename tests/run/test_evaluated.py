"""Questions about connections, asked of one host: what more it is asked for."""

import pytest
from hosts import LabHost

from ringfence.policy.flow import SYSTEM, Flow, number_of
from ringfence.report import EvaluatedResult
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
