"""Whether a simulated host's own firewall lets a management connection in: a flow in clear to the program that listens."""

import ipaddress

from ringfence.lab.enforcement.flow_decision import decides
from ringfence.lab.enforcement.simulated_flow import TCP, SimulatedFlow, address
from ringfence.lab.machine.machine import Machine

SSHD = r"%SystemRoot%\system32\OpenSSH\sshd.exe"
EPHEMERAL = 50000  # a client's own port lies here (RFC 6335, 6)


def admits(machine: Machine, port: int, remote_address: str) -> bool:
    """Whether a new inbound TCP connection from `remote_address` reaches the listener on `port`. A rule of which that cannot be
    told does not match; what no document decides keeps the connection out."""
    return decides(machine, management_flow(machine, port, remote_address), unmatched=False) is True


def management_flow(machine: Machine, port: int, remote_address: str) -> SimulatedFlow:
    """The connection to a listener on `port`, WinRM's or sshd's, over the adapter that is towards the address."""
    remote = address(remote_address)
    adapter = machine.adapter_towards(remote)
    own = [ipaddress.ip_interface(a) for a in (adapter.addresses if adapter else ())]
    same = [a for a in own if a.version == remote.version]
    near = [a for a in same if remote in a.network] or same
    program, service = (SSHD, "sshd") if port == 22 else ("System", "")
    own_address = str(near[0].ip) if near else None
    return SimulatedFlow("in", TCP, str(remote), own_address, port, EPHEMERAL, program=program, service=service)
