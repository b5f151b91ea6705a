"""Whether a simulated host reaches the controllers of its domain: they are there, and its own policy lets it connect to them."""

from ringfence.lab.enforcement.flow_decision import decides
from ringfence.lab.enforcement.simulated_flow import TCP, SimulatedFlow
from ringfence.lab.machine.machine import Machine

_LDAP = 389
_MOST = 5  # addresses that are tried


def reached_controllers(machine: Machine, domain: str) -> list[str]:
    """The addresses of a domain that answer, of the first few that its name has. Raises LookupError for another domain."""
    if machine.domain is None or domain.lower() != machine.domain.lower():
        raise LookupError("No such host is known.")
    if machine.faults.unplugged:
        return []
    return [address for address in machine.domain_controllers[:_MOST]
            if decides(machine, SimulatedFlow("out", TCP, address, remote_port=_LDAP)) is not False]
