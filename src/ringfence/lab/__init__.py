"""The lab: simulated Windows hosts that real clients talk to. It examines the engine and shares nothing of it.

    from ringfence.lab import SimulatedHost, machine
    web1 = machine("web1", os="server2022", domain="corp.example", accounts={"admin": "…"})
    web1.registry.set(POLICY + r"\\FirewallRules", "mine", "v2.31|Action=Allow|…|")       # tampering
    reply = SimulatedHost(web1).run(batch_line, session)
    SimulatedHost(web1).decides(SimulatedFlow("in", 6, "10.0.0.7", local_port=443))    # would it pass?

Its rooms, the lower ones first; none imports one that follows:

    registry      the tree of keys and values, and rule strings
    machine       what a host is: data only
    netsecurity   the cmdlets: from bound parameters to the registry, and what Windows refuses
    command_prompt            cmd.exe, and the programs that it finds
    enforcement   what the policy means: rules in force, flows that pass, security associations
    host_script   batches of calls in, framed replies out
    powershell, winrm, ssh    a real PowerShell, and the servers that stand in front of a host
    simulated_fleet           many hosts on ports of this machine, and the inventory that leads to them

Beside them stand what several share: session (who calls), listeners (ports and connections), certificates, command_shell
(command lines, as sshd and WinRS run them) and simulated_host, which makes a machine answer.
"""

from ringfence.lab.enforcement.simulated_flow import SimulatedFlow
from ringfence.lab.machine.machine import SYSTEMS, Faults, Machine, NetworkAdapter, machine
from ringfence.lab.registry.hive import GROUP_POLICY, MDM, POLICY, RESTRICTED
from ringfence.lab.session import CarriesOn, Dropped, PowerLost, Session
from ringfence.lab.simulated_host import SimulatedHost

__all__ = ["GROUP_POLICY", "MDM", "POLICY", "RESTRICTED", "SYSTEMS", "CarriesOn", "Dropped", "Faults", "Machine",
           "NetworkAdapter", "PowerLost", "Session", "SimulatedFlow", "SimulatedHost", "machine"]
