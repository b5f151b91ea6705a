"""One simulated Windows host: its identity, interfaces, accounts, services and registry, and what its servers ask of it.

The lab examines the engine: everything here is decided from Microsoft's documents, by code of its own.
"""

import ipaddress
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ringfence.lab import builtin, executor, firewall
from ringfence.lab.directory import Directory
from ringfence.lab.failures import Dropped, native
from ringfence.lab.host import Session
from ringfence.lab.netsecurity_store import matcher, wild
from ringfence.lab.registry import Registry

__all__ = ["SYSTEMS", "Dropped", "Faults", "Interface", "Machine", "Session", "System", "machine"]


@dataclass(frozen=True, slots=True)
class System:
    """A release of Windows: what Facts.Read says of it and the schema version of its firewall policy."""

    caption: str
    build: int
    edition: str
    product: Literal["server", "workstation", "domain_controller"]
    schema: str
    powershell: str


SYSTEMS = {
    "server2022": System("Microsoft Windows Server 2022 Standard", 20348, "ServerStandard", "server", "2.31",
                         "5.1.20348.1"),
    "windows11": System("Microsoft Windows 11 Enterprise", 26100, "Enterprise", "workstation", "2.33", "5.1.26100.1"),
}


@dataclass(frozen=True, slots=True)
class Interface:
    """A network adapter. `addresses` are `address/length`; `profile` is domain, private, public or None (not known)."""

    alias: str
    guid: str
    index: int = 4
    type: Literal["wired", "wireless", "remote_access", "other"] = "wired"
    status: Literal["up", "down"] = "up"
    addresses: tuple[str, ...] = ()
    profile: Literal["domain", "private", "public"] | None = "private"
    dns_servers: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()

    def networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """The subnets this interface is in."""
        return [ipaddress.ip_interface(a).network for a in self.addresses]


@dataclass(slots=True)
class Faults:
    """What is wrong with a host on purpose.

    `fail_at`: the connection breaks before call N (from 0) of a batch that has so many. `read_only`: every write is
    denied. `language_mode`: of the PowerShell session.
    """

    fail_at: int | None = None
    read_only: bool = False
    language_mode: str = "FullLanguage"


@dataclass(slots=True)
class Counters:
    """How many batches and calls a machine has executed."""

    batches: int = 0
    calls: int = 0


class Machine:
    """A host that lives in memory. Its methods may be called from several threads."""

    def __init__(self, name: str, system: System, *, accounts: Mapping[str, str], domain: str | None = None,
                 interfaces: tuple[Interface, ...] = (), controller_address: str = "10.99.0.1") -> None:
        self.name, self.system, self.schema, self.domain = name, system, system.schema, domain
        self.accounts = dict(accounts)
        self.interfaces = interfaces
        self.controller_address = controller_address
        self.services = {"mpssvc": "running", "BFE": "running", "IKEEXT": "running", "PolicyAgent": "running"}
        self.environment = {"SystemRoot": r"C:\Windows", "ProgramFiles": r"C:\Program Files",
                            "ProgramFiles(x86)": r"C:\Program Files (x86)", "ProgramData": r"C:\ProgramData",
                            "SystemDrive": "C:"}
        self.directory = Directory(name, accounts, domain)
        self.registry = Registry()
        self.dosp: dict[str, dict[str, Any]] = {}
        self.faults, self.counters = Faults(), Counters()
        self.lock = threading.RLock()
        self.deleted_associations: set[tuple[str, str]] = set()
        self._deleted_at = 0
        self.registry.set(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "EditionID", system.edition)
        self._texts = builtin.install(self.registry, system.product, system.schema)
        self._executor = executor.Executor(self)

    def run(self, batch: str, session: Session) -> str:
        """Executes one batch line as the host script does and returns the framed reply. Raises Dropped."""
        return self._executor.run(batch, session)

    def admits(self, port: int, remote_address: str) -> bool:
        """Whether this host's firewall lets a new TCP connection in, on 5985, 5986 (WinRM) or 22 (sshd)."""
        with self.lock:
            return firewall.admits(self, port, remote_address)

    @property
    def address(self) -> str:
        """The address at which the controller reaches this host; loopback where it has none."""
        towards = firewall.interface_towards(self, ipaddress.ip_address(self.controller_address))
        return towards.addresses[0].partition("/")[0] if towards and towards.addresses else "127.0.0.1"

    def aliases(self, patterns: list[str]) -> list[str]:
        """Interface GUIDs for aliases, which may hold wildcards; [] for Any. Raises for an alias that nothing has."""
        if [p.lower() for p in patterns] == ["any"]:
            return []
        found: list[str] = []
        for pattern in patterns:
            some = [i.guid for i in self.interfaces if matcher(pattern)(i.alias)]
            if not some and not wild(pattern):
                raise native(1168, f"No interface has the alias {pattern}.")
            found += some
        return list(dict.fromkeys(found))

    def forget_deleted(self) -> None:
        """Associations that were deleted are negotiated anew once the policy has changed."""
        if self._deleted_at != self.registry.generation:
            self._deleted_at = self.registry.generation
            self.deleted_associations.clear()

    def text(self, resource: str) -> str:
        """The text behind an `@file.dll,-id` resource, where this machine knows it; else the resource itself."""
        return self._texts.get(resource.lower(), resource)


def machine(name: str, os: Literal["server2022", "windows11"] = "server2022", *, address: str = "10.99.0.10/24",
            accounts: Mapping[str, str] | None = None, domain: str | None = None,
            interfaces: tuple[Interface, ...] | None = None, schema: str | None = None,
            controller_address: str = "10.99.0.1") -> Machine:
    """A host as it is after its installation, with WinRM and sshd set up.

    `address` is that of its one interface, Ethernet, unless `interfaces` are given; `schema` replaces the schema version
    of the release (for hosts older than the two that are described).
    """
    system = SYSTEMS[os]
    if interfaces is None:
        gateway = str(next(ipaddress.ip_interface(address).network.hosts()))
        guid = "{" + str(uuid.uuid5(uuid.NAMESPACE_DNS, name)).upper() + "}"
        interfaces = (Interface("Ethernet", guid, addresses=(address, "fe80::1:10/64"),
                                profile="domain" if domain else "private", dns_servers=(gateway,), gateways=(gateway,)),)
    return Machine(name, replace(system, schema=schema or system.schema), domain=domain, interfaces=interfaces,
                   accounts={"Administrator": "Ringfence-lab-1"} if accounts is None else accounts,
                   controller_address=controller_address)
