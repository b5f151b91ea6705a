"""The cases of tests/cases/lab_*.yml on a simulated host of their own each: registry strings, trees and values, or refusals."""

import pytest
from batches import batch_of
from lab_cases import EQUAL, READ, LabCase, Verdict, lab_cases, prerequisites
from lab_machine import ADMIN, ask, do, host

from ringfence.lab import SimulatedHost


@pytest.mark.parametrize("case", list(lab_cases()), ids=lambda case: f"{case.file}: {case.title}")
def test_case(case: LabCase) -> None:
    on = host(os=case.said.get("os", "server2022"))
    simulated = SimulatedHost(on)
    if case.file == "lab_ipsec_rules":
        made = batch_of(*(call for _, _, call in prerequisites()), stop_on_error=True)
        assert all(a.error is None for a in made.decode(simulated.run(made.encode(), ADMIN).encode()).answers.values())
    on.schema = case.said.get("schema", on.schema)
    calls = case.calls("x")
    by_list = str(case.said.get("refused", "")).startswith("ringfence.")
    answers = ask(simulated, *calls) if by_list else [do(on, call.args["cmdlet"], call.args["parameters"]) for call in calls]
    batch = batch_of(READ)
    (read,) = batch.decode(simulated.run(batch.encode(), ADMIN).encode()).answers.values()
    verdict = case.judge("x", answers, read.value)
    assert verdict == Verdict(EQUAL, verdict.expected, verdict.got)
