"""IPsec on the lab: what is declared is what is there, whatever it is; sets and rules in an order that Windows takes."""

from core import declare
from hypothesis import HealthCheck, assume, given, settings
from ipsec_lab import Lab, Policy, policies, said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(policies())
def test_any_valid_policy_applied_and_read_back_equals_itself(policy: Policy) -> None:
    tasks = said(policy)
    assume(not [p for p in declare(*tasks)[1] if p.severity == "error"])
    lab = Lab()
    result = lab.apply(*tasks)
    assert result.error is None, result.error
    again = lab.plan(*tasks)
    assert again.error is None
    assert again.changes == ()
