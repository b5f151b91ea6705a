"""Helpers for the tests of the simulated machine: calls through the wire, as the engine makes them."""

from collections.abc import Mapping
from typing import Any

from batches import batch_of
from lab_cases import may_be_called, says

from ringfence.batch import Answer, Call, Failure, cmdlet_call
from ringfence.lab import Machine, NetworkAdapter, Session, SimulatedHost, machine
from ringfence.lab.host_script.changes import Changes
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError

ETHERNET = NetworkAdapter("Ethernet", "{11111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24", "fe80::10/64"),
                          profile="private", dns_servers=("10.99.0.53",), gateways=("10.99.0.254",))
ADMIN = Session("psrp", "Administrator", True, "10.99.0.1", 50000, "10.99.0.10", 5985)


def host(**how: Any) -> Machine:
    """A machine with one interface, Ethernet, of a known GUID."""
    return machine("lab1", **{"interfaces": (ETHERNET,), **how})


def ask(on: Machine | SimulatedHost, *calls: Call, stop: bool = False, session: Session = ADMIN) -> tuple[Answer, ...]:
    """The answers of one batch."""
    batch = batch_of(*calls, stop_on_error=stop)
    simulated = on if isinstance(on, SimulatedHost) else SimulatedHost(on)
    return tuple(batch.decode(simulated.run(batch.encode(), session).encode()).answers.values())


def do(on: Machine, cmdlet: str, parameters: Mapping[str, Any]) -> Answer:
    """The answer to one cmdlet, which the host script may refuse to call so."""
    if may_be_called(call := cmdlet_call(cmdlet, parameters)):
        return ask(on, call)[0]
    try:
        return Answer(Changes(on).run(cmdlet, parameters, ADMIN))  # type: ignore[func-returns-value]
    except CmdletError as error:
        return Answer(error=Failure(error.category, error.id, error.message, error.code))


def done(on: Machine, cmdlet: str, **parameters: Any) -> None:
    """A cmdlet that has to succeed."""
    answer = do(on, cmdlet, parameters)
    assert answer.error is None, answer.error


def refused(answer: Answer, expected: int | str) -> None:
    """Whether the answer is this refusal: a native code, the text of a FW_RULE_STATUS, or the beginning of an error id."""
    assert answer.error is not None, "was accepted"
    if isinstance(expected, int):
        assert says(expected, answer.error), answer.error
    else:
        assert answer.error.id.startswith(expected), answer.error
