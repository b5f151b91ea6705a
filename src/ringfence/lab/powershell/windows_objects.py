"""What a simulated host shows of itself by CIM classes, services and WSMan shells: what the host script looks at.

Numbers are those of the classes: ifType and ifOperStatus of the IANA in MSFT_NetAdapter, NetworkCategory (public 0, private 1,
domain 2) of MSFT_NetConnectionProfile, State (listen 2, established 5) of MSFT_NetTCPConnection.
"""

from collections.abc import Callable, Mapping
from typing import Any

from psrpcore import types

from ringfence.lab.host_script.condition_facts import registered_products
from ringfence.lab.host_script.surrounding_facts import services, session_configurations
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.session import Session

Objects = list[dict[str, Any]]

_INTERFACE_TYPES = {"wired": 6, "wireless": 71, "remote_access": 23, "other": 24}
_CATEGORIES = {"public": 0, "private": 1, "domain": 2}
_UP, _DOWN, _LISTEN, _ESTABLISHED = 1, 2, 2, 5
_SSHD_PROCESS = 2024
_ELSEWHERE = "10.99.250.250"  # where another client is connected from
_PRODUCTS = {"workstation": 1, "domain_controller": 2, "server": 3}


class WindowsObjects:
    """The objects of one machine, by CIM namespace and class, or by what else they are."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._by_name: Mapping[str, Callable[[Session], Objects]] = {
            "root/cimv2/Win32_ComputerSystem": self._computer_system, "root/cimv2/Win32_OperatingSystem": self._operating_system,
            "root/StandardCimv2/MSFT_NetAdapter": self._adapters, "root/StandardCimv2/MSFT_NetIPAddress": self._addresses,
            "root/StandardCimv2/MSFT_NetConnectionProfile": self._connection_profiles,
            "root/StandardCimv2/MSFT_DNSClientServerAddress": self._dns_servers,
            "root/StandardCimv2/MSFT_NetRoute": self._routes, "root/StandardCimv2/MSFT_NetTCPConnection": self._connections,
            "root/cimv2/Win32_Service": lambda session: [
                {**s, "ProcessId": _SSHD_PROCESS if s["Name"] == "sshd" else 0} for s in services(machine)],
            "root/cimv2/Win32_Process": self._processes,
            "root/Microsoft/Windows/DeviceGuard/Win32_DeviceGuard": self._device_guard,
            "firewall products": lambda session: registered_products(machine),
            "service": self._services, "wsman/shell": self._shells,
            "wsman/winrm/config": lambda session: [machine.surroundings.winrm],
            "wsman/winrm/config/listener": lambda session: list(machine.surroundings.listeners),
            "PSSessionConfiguration": lambda session: session_configurations(machine)}

    def show(self, name: str, session: Session) -> Objects:
        """The objects of a name, as a session sees them. Raises CmdletError."""
        if name not in self._by_name:
            raise CmdletError("InvalidArgument", "lab.show", f"the simulated host has no {name}")
        return self._by_name[name](session)

    def _computer_system(self, session: Session) -> Objects:
        return [{"PartOfDomain": self.machine.domain is not None, "Domain": self.machine.domain or "WORKGROUP",
                 "Name": self.machine.name}]

    def _operating_system(self, session: Session) -> Objects:
        system = self.machine.system
        return [{"Caption": system.caption, "Version": f"10.0.{system.build}", "BuildNumber": str(system.build),
                 "ProductType": types.PSUInt(_PRODUCTS[system.product])}]

    def _services(self, session: Session) -> Objects:
        return [{"Name": name, "Status": status.capitalize()} for name, status in self.machine.services.items()
                if name not in self.machine.faults.denied_services]

    def _device_guard(self, session: Session) -> Objects:
        return [{"UsermodeCodeIntegrityPolicyEnforcementStatus": types.PSUInt(self.machine.surroundings.app_control)}]

    def _adapters(self, session: Session) -> Objects:
        return [{"Name": i.alias, "InterfaceGuid": i.guid, "InterfaceIndex": i.index, "Hidden": i.type == "remote_access",
                 "InterfaceType": _INTERFACE_TYPES[i.type], "InterfaceOperationalStatus": _UP if i.status == "up" else _DOWN}
                for i in self.machine.interfaces]

    def _addresses(self, session: Session) -> Objects:
        return [_address(i.index, address) for i in self.machine.interfaces for address in i.addresses]

    def _connection_profiles(self, session: Session) -> Objects:
        return [{"InterfaceIndex": i.index, "NetworkCategory": _CATEGORIES[i.profile]}
                for i in self.machine.interfaces if i.profile]

    def _dns_servers(self, session: Session) -> Objects:
        return [{"InterfaceIndex": i.index, "ServerAddresses": list(i.dns_servers)} for i in self.machine.interfaces]

    def _routes(self, session: Session) -> Objects:
        """Of each interface the way to its own network, and those to all others."""
        near = [{"InterfaceIndex": i.index, "NextHop": "::" if network.version == 6 else "0.0.0.0",
                 "DestinationPrefix": str(network)} for i in self.machine.interfaces for network in i.networks()]
        far = [{"InterfaceIndex": i.index, "NextHop": gateway, "DestinationPrefix": "::/0" if ":" in gateway else "0.0.0.0/0"}
               for i in self.machine.interfaces for gateway in i.gateways]
        return near + far

    def _connections(self, session: Session) -> Objects:
        """The session's own, another client of the same service, one of another service, and who listens to SSH."""
        own = {"State": _ESTABLISHED, "LocalAddress": session.local_address, "LocalPort": session.local_port,
               "RemoteAddress": session.remote_address, "RemotePort": session.remote_port}
        listener = {"State": _LISTEN, "LocalAddress": "::", "LocalPort": 22, "RemoteAddress": "::", "RemotePort": 0,
                    "OwningProcess": _SSHD_PROCESS}
        return [listener, own,
                {**own, "RemoteAddress": _ELSEWHERE, "RemotePort": 50999}, {**own, "LocalPort": 445, "RemotePort": 50998}]

    def _processes(self, session: Session) -> Objects:
        return [{"ProcessId": _SSHD_PROCESS, "ExecutablePath": self.machine.sshd_program}]

    def _shells(self, session: Session) -> Objects:
        """WSMan shells: the one of the session, whose process only the process itself knows, and one of another client."""
        return [{"ProcessId": "4711", "ClientIP": _ELSEWHERE}, {"ProcessId": "own", "ClientIP": session.remote_address}]


def _address(index: int, address: str) -> dict[str, Any]:
    """Link-local addresses carry the interface, as MSFT_NetIPAddress shows them."""
    ip, _, length = address.partition("/")
    scope = f"%{index}" if ip.lower().startswith("fe80:") else ""
    return {"InterfaceIndex": index, "IPAddress": ip + scope, "PrefixLength": int(length)}
