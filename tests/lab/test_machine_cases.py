"""The cases of tests/cases/lab_*.yml on a simulated host of their own each: registry strings, trees and values, or refusals."""

import pytest
from batches import batch_of
from lab_cases import EQUAL, READ, LabCase, Verdict, lab_cases, prerequisites
from lab_machine import ADMIN, host

from ringfence.lab import SimulatedHost


@pytest.mark.parametrize("case", list(lab_cases()), ids=lambda case: f"{case.file}: {case.title}")
def test_case(case: LabCase) -> None:
    on = host(os=case.said.get("os", "server2022"))
    simulated = SimulatedHost(on)
    if case.file == "lab_ipsec_rules":
        made = batch_of(*(call for _, _, call in prerequisites()), stop_on_error=True)
        assert all(a.error is None for a in made.decode(simulated.run(made.encode(), ADMIN).encode()).answers.values())
    on.schema = case.said.get("schema", on.schema)
    batch = batch_of(*case.calls("x"), READ)
    *answers, read = batch.decode(simulated.run(batch.encode(), ADMIN).encode()).answers.values()
    verdict = case.judge("x", answers, read.value)
    assert verdict == Verdict(EQUAL, verdict.expected, verdict.got)
