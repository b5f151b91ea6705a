"""What cmdlets that read the system show of a simulated host, with the properties that the host script uses."""

from collections.abc import Callable, Mapping
from typing import Any

from psrpcore import types

from ringfence.lab.host_script.surrounding_facts import services, session_configurations
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.session import Session

Objects = list[dict[str, Any]]

_INTERFACE_TYPES = {"wired": 6, "wireless": 71, "remote_access": 23, "other": 24}
_CATEGORIES = {"domain": "DomainAuthenticated", "private": "Private", "public": "Public"}
_PRODUCTS = {"workstation": 1, "domain_controller": 2, "server": 3}


class WindowsObjects:
    """The objects of one machine, by the CIM class or the noun of the cmdlet that shows them."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._by_name: Mapping[str, Callable[[Session], Objects]] = {
            "Win32_ComputerSystem": self._computer_system, "Win32_OperatingSystem": self._operating_system,
            "Service": self._services, "Win32_Service": lambda session: list(services(machine)),
            "NetAdapter": self._adapters, "NetIPAddress": self._addresses, "NetConnectionProfile": self._connection_profiles,
            "DnsClientServerAddress": self._dns_servers, "NetRoute": self._routes, "NetTCPConnection": self._connections,
            "FirewallProduct": self._firewall_products, "Win32_DeviceGuard": self._device_guard,
            "WSManConfig": lambda session: [machine.surroundings.winrm],
            "WSManListener": lambda session: list(machine.surroundings.listeners),
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
        return [{"Name": name, "Status": status.capitalize()} for name, status in self.machine.services.items()]

    def _firewall_products(self, session: Session) -> Objects:
        """Windows Security Center is no part of servers: there is no such namespace (0x8004100e, WBEM_E_INVALID_NAMESPACE)."""
        products = self.machine.surroundings.firewall_products
        if products is None:
            raise CmdletError("MetadataError", "HRESULT 0x8004100e", "Invalid namespace ")
        return [{"displayName": name} for name in products]

    def _device_guard(self, session: Session) -> Objects:
        return [{"UsermodeCodeIntegrityPolicyEnforcementStatus": types.PSUInt(self.machine.surroundings.app_control)}]

    def _adapters(self, session: Session) -> Objects:
        return [{"Name": i.alias, "InterfaceGuid": i.guid, "InterfaceIndex": i.index, "Hidden": i.type == "remote_access",
                 "InterfaceType": _INTERFACE_TYPES[i.type], "Status": "Up" if i.status == "up" else "Disconnected"}
                for i in self.machine.interfaces]

    def _addresses(self, session: Session) -> Objects:
        return [_address(i.index, address) for i in self.machine.interfaces for address in i.addresses]

    def _connection_profiles(self, session: Session) -> Objects:
        return [{"InterfaceIndex": i.index, "NetworkCategory": _CATEGORIES[i.profile]}
                for i in self.machine.interfaces if i.profile]

    def _dns_servers(self, session: Session) -> Objects:
        return [{"InterfaceIndex": i.index, "ServerAddresses": list(i.dns_servers)} for i in self.machine.interfaces]

    def _routes(self, session: Session) -> Objects:
        return [{"InterfaceIndex": i.index, "NextHop": gateway, "DestinationPrefix": "::/0" if ":" in gateway else "0.0.0.0/0"}
                for i in self.machine.interfaces for gateway in i.gateways]

    def _connections(self, session: Session) -> Objects:
        """The one connection that matters: the session's own."""
        return [{"State": "Established", "LocalAddress": session.local_address, "LocalPort": session.local_port,
                 "RemoteAddress": session.remote_address, "RemotePort": session.remote_port}]


def _address(index: int, address: str) -> dict[str, Any]:
    """Link-local addresses carry the interface, as Get-NetIPAddress shows them."""
    ip, _, length = address.partition("/")
    scope = f"%{index}" if ip.lower().startswith("fe80:") else ""
    return {"InterfaceIndex": index, "IPAddress": ip + scope, "PrefixLength": int(length)}
