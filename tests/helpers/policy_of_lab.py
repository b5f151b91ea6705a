"""A lab host's policy as the engine sees it, to ask it about flows."""

from core import KINDS
from lab_machine import ask

from ringfence.batch import Call
from ringfence.lab import Machine
from ringfence.model.facts import Facts, HostConditions, parse_conditions, parse_facts, with_network
from ringfence.model.state import State
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import SYSTEM, Flow, number_of
from ringfence.policy.place import HostNetwork
from ringfence.windows.read import policy_call, read
from ringfence.windows.whole_policy import RESTRICTED, read_restricted

SSHD = r"C:\Windows\System32\OpenSSH\sshd.exe"


def found_on(machine: Machine) -> tuple[State, Facts, HostConditions]:
    """What a host says of its policy and of itself."""
    facts, policy, restricted, interfaces, conditions = (answer.value for answer in ask(
        machine, Call("Facts.Read"), policy_call(KINDS), Call("Policy.Read", {"stores": [RESTRICTED]}), Call("Interfaces.Read"),
        Call("Conditions.Read")))
    state = read(policy, KINDS)
    return (State({**state, **read_restricted(restricted, KINDS)}), with_network(parse_facts(facts), interfaces),
            parse_conditions(conditions))


def policy_of(machine: Machine) -> Policy:
    """All policy of a lab host."""
    state, facts, conditions = found_on(machine)
    return Policy.of(state, HostNetwork.of(facts, conditions), products=[p for p, taken in conditions.products if 2 in taken])


def management_flow(port: int, remote: str) -> Flow:
    """A controller that comes to a port of the lab: WinRM is the kernel's, and sshd a service."""
    who: tuple[str, str] = (SSHD, "sshd") if port == 22 else (SYSTEM, "")
    return Flow("inbound", 6, remote_address=number_of(remote.partition("%")[0]), local_port=port, remote_port=50_000,
                user="S-1-5-18", program=who[0], service=who[1])
