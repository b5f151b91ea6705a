"""The lab: simulated Windows hosts that real clients talk to. It examines the engine and shares nothing of it.

    from ringfence.lab import machine
    host = machine("web1", os="server2022", domain="corp.example", accounts={"admin": "…"})
    host.registry.set(POLICY + r"\\FirewallRules", "mine", "v2.31|Action=Allow|…|")       # tampering
"""

from ringfence.lab.machine import SYSTEMS, Dropped, Faults, Interface, Machine, Session, machine
from ringfence.lab.registry import GROUP_POLICY, MDM, POLICY, RESTRICTED

__all__ = ["GROUP_POLICY", "MDM", "POLICY", "RESTRICTED", "SYSTEMS", "Dropped", "Faults", "Interface", "Machine", "Session",
           "machine"]
