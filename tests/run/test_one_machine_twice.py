"""One machine under two names of an inventory is refused under both, as soon as it is known."""

from ringfence.errors import GuardRefused, HostError
from ringfence.report import HostResult
from ringfence.run.same_machine import SameMachine


def result(host: str, machine: str, error: HostError | None = None) -> HostResult:
    return HostResult(host, machine=machine, waits=True, error=error)


def test_the_second_name_is_refused_and_the_first_one_too() -> None:
    machines = SameMachine()
    first = result("a", "1234|srv1|corp")
    assert machines.judged(first) == machines.judged(first) == first  # it may be looked at twice
    assert machines.refused == {}
    second = machines.judged(result("b", "1234|srv1|corp"))
    assert isinstance(second.error, GuardRefused)
    assert (second.waits, "the same machine as a (srv1)" in str(second.error)) == (False, True)
    assert "the same machine as b (srv1)" in str(machines.refused["a"])
    third = machines.judged(result("c", "1234|srv1|corp"))
    assert "the same machine as a (srv1)" in str(third.error)
    assert [(host, "as b" in str(error)) for host, error in machines.refused.items()] == [("a", True)]


def test_what_went_wrong_on_a_host_itself_is_told_of_it() -> None:
    machines, wrong = SameMachine(), HostError("script", "no")
    machines.judged(result("a", "1234|srv1|"))
    assert machines.judged(result("b", "1234|srv1|", wrong)).error is wrong
    assert "as b" in str(machines.refused["a"])


def test_a_clone_is_another_machine_and_a_name_alone_says_too_little() -> None:
    machines = SameMachine()
    for host, machine in (("a", "1234|srv1|"), ("b", "1234|srv2|"), ("c", "|srv3|"), ("d", "|srv3|"), ("e", "")):
        one = result(host, machine)
        assert machines.judged(one) == one
    assert machines.refused == {}
