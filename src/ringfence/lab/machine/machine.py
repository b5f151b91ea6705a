"""One simulated Windows host as data: its identity, network adapters, accounts, services and registry.

What it does with them is decided elsewhere: cmdlets in netsecurity/, its policy in enforcement/, its answers in
host_script/; `SimulatedHost` brings these together.
"""

import ipaddress
import re
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from ringfence.lab.machine import builtin_policy, string_resources
from ringfence.lab.machine.account_names import AccountNames
from ringfence.lab.machine.clock import Appointment, MachineClock
from ringfence.lab.machine.event_logs import SimulatedEventLogs
from ringfence.lab.machine.machine_files import MachineFiles
from ringfence.lab.machine.scheduled_tasks import TaskScheduler
from ringfence.lab.machine.surroundings import Surroundings
from ringfence.lab.registry.hive import SimulatedRegistry

_WSL = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"  # Microsoft, "Hyper-V firewall": the creator of WSL's machines
_KEYWORDS: tuple[str, list[dict[str, Any]]] = ("NetFirewallDynamicKeywordAddress", [])
# whether a workstation (Windows 11 from 22H2) -> nouns of NetSecurity that came later, with their objects
_LATER_OBJECTS: dict[bool, list[tuple[str, list[dict[str, Any]]]]] = {
    False: [_KEYWORDS],  # from Server 2022 on
    True: [_KEYWORDS, ("NetFirewallHyperVVMCreator", [{"VMCreatorId": _WSL, "FriendlyName": "WSL"}]),
           ("NetFirewallHyperVVMSetting", [{"Name": _WSL, "Enabled": "NotConfigured", "DefaultInboundAction": "NotConfigured",
                                            "DefaultOutboundAction": "NotConfigured", "LoopbackEnabled": "NotConfigured",
                                            "AllowHostPolicyMerge": "NotConfigured"}]),
           ("NetFirewallHyperVProfile", []), ("NetFirewallHyperVRule", [])]}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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


@lru_cache(maxsize=4096)
def _network(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The subnet of `address/length`."""
    return ipaddress.ip_interface(address).network


@dataclass(frozen=True, slots=True)
class NetworkAdapter:
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
        """The subnets this adapter is in."""
        return [_network(text) for text in self.addresses]


@dataclass(slots=True)
class Faults:
    """What is wrong with a host on purpose.

    `fail_at`: the connection breaks before call N (from 0) of a batch that has so many. `read_only`: every write is
    denied. `language_mode`: of the PowerShell session. `denied_keys`: paths of registry keys that the account may not open.
    `unplugged`: nobody reaches it: no cable. `denied_programs`: names of programs that App Control lets nobody start.
    `unreadable_rules`: {name: why} of rules that the ActiveStore cannot show. `denied_services`: those that the account may not
    open: Get-Service says that there is none of that name.

    Of `netsh advfirewall`: `netsh_seconds` that an export or an import takes · `import_fails`, `export_fails`: so many of them
    fail · `import_dies_at`: the next import ends after this part of its changes (0 to 1) · `export_overwrites` a file that is
    there · `netsh_as_service`: it is the service that opens files, and not the caller.
    `services_down_at_boot`: seconds after a boot until mpssvc runs · `lazy_disk`: seconds in which the content of a file is lost
    with the power, unless it was flushed · `tasks_queued`: seconds for which a task that is to start is only queued ·
    `hive_stays_open`: a hive that was loaded does not unload.

    `before_call`, `after_call`: are called before and after call N (from 0) of a batch, with N and its verb; where a real
    PowerShell runs the batch, with what that asks the machine to write. They may raise session.Dropped (the connection is gone,
    and the batch with it), CarriesOn (the batch runs on without it), PowerLost, or a CmdletError, which is then the answer.
    `before_write`: is called with the name of a cmdlet that is about to write, behind all that was checked before.
    """

    fail_at: int | None = None
    read_only: bool = False
    language_mode: str = "FullLanguage"
    denied_keys: tuple[str, ...] = ()
    unplugged: bool = False
    denied_programs: tuple[str, ...] = ()
    unreadable_rules: Mapping[str, str] = field(default_factory=dict)
    denied_services: tuple[str, ...] = ()
    netsh_seconds: float = 0.0
    import_fails: int = 0
    export_fails: int = 0
    import_dies_at: float | None = None
    export_overwrites: bool = False
    netsh_as_service: bool = False
    services_down_at_boot: float = 0.0
    lazy_disk: float = 0.0
    tasks_queued: float = 0.0
    hive_stays_open: bool = False
    before_call: Callable[[int, str], None] | None = None
    after_call: Callable[[int, str], None] | None = None
    before_write: Callable[[str], None] | None = None


@dataclass(slots=True)
class Costs:
    """Seconds that a cmdlet of NetSecurity needs to go through all objects of its noun: for itself, and for each object.

    By name, by group and without anything it goes through all: its query is WQL's LIKE over every instance
    (PowerShell/PowerShell, cimQuery.cs). With an object it does not. Measured by others: 1,091 rules in 48 to 69 seconds
    (NathanNeurotic/PS2-Servers#83); most servers are some ten times as quick. Nothing costs anything unless it is set.
    """

    enumeration: float = 0.0
    per_object: float = 0.0


@dataclass(slots=True)
class Counters:
    """How many batches and calls a machine has executed; how often ledgers were written, or deleted; how often cmdlets went
    through all objects of a (noun, store)."""

    batches: int = 0
    calls: int = 0
    ledger_writes: int = 0
    enumerations: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class RanProgram:
    """A program that a scheduled task has run to its end: what it said, and its exit code."""

    command: str
    arguments: str
    output: str
    code: int


@dataclass(slots=True)
class DeletedAssociations:
    """Security associations that were deleted, as (mode, name), until the registry has another `generation`."""

    names: set[tuple[str, str]] = field(default_factory=set)
    generation: int = 0


class Machine:
    """A host that lives in memory. Whoever reads or changes it from several threads holds its `lock`."""

    def __init__(self, name: str, system: System, *, accounts: Mapping[str, str], domain: str | None = None,
                 interfaces: tuple[NetworkAdapter, ...] = (), controller_address: str = "10.99.0.1",
                 language: str = "en") -> None:
        self.name, self.system, self.schema, self.domain = name, system, system.schema, domain
        later = _LATER_OBJECTS[system.product == "workstation"]
        self.later_objects = {noun: [dict(o) for o in objects] for noun, objects in later}
        self.language = "en-US"  # of the texts that its resources give
        self.accounts = dict(accounts)
        self.interfaces = interfaces
        self.controller_address = controller_address
        self.services = {"mpssvc": "running", "BFE": "running", "IKEEXT": "running", "PolicyAgent": "running",
                         "WinRM": "running", "sshd": "running", "Schedule": "running"}
        self.environment = {"SystemRoot": r"C:\Windows", "ProgramFiles": r"C:\Program Files",
                            "ProgramFiles(x86)": r"C:\Program Files (x86)", "ProgramData": r"C:\ProgramData",
                            "SystemDrive": "C:"}
        self.account_names = AccountNames(name, accounts, domain, language)
        self.registry = SimulatedRegistry()
        self.dosp: dict[str, dict[str, Any]] = {}
        self.faults, self.counters, self.costs, self.surroundings = Faults(), Counters(), Costs(), Surroundings()
        self.lock = threading.RLock()
        self.clock = MachineClock(self.lock)
        self.files = MachineFiles(self.clock.now)
        self.tasks = TaskScheduler(self.clock, lambda: self.is_on and self.services.get("Schedule") == "running",
                                   lambda: self.faults.tasks_queued)
        self.ran: deque[RanProgram] = deque(maxlen=200)  # the last programs of tasks
        self.is_on, self.boots = True, 1
        self.when_power_goes: list[Callable[[], object]] = []  # what is told at that moment: servers, that cut their connections
        self._starting: list[Appointment] = []
        self.deleted_associations = DeletedAssociations()
        self.event_logs = SimulatedEventLogs()
        self.after_calls: list[Callable[[str], None]] = []  # told what was called, after each cmdlet that may have written
        self.registry.set(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "EditionID", system.edition)
        self.registry.set(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", str(uuid.uuid5(uuid.NAMESPACE_DNS, name)))
        for key in (r"Control\Session Manager", *(rf"Services\{service}" for service in self.services)):
            self.registry.create(rf"SYSTEM\CurrentControlSet\{key}")
        self._texts = builtin_policy.install(self.registry, system.product, system.schema)

    @property
    def address(self) -> str:
        """The address at which the controller reaches this host; loopback where it has none."""
        adapter = self.adapter_towards(ipaddress.ip_address(self.controller_address))
        return adapter.addresses[0].partition("/")[0] if adapter and adapter.addresses else "127.0.0.1"

    def adapter_towards(self, remote: Address) -> NetworkAdapter | None:
        """The adapter whose subnet holds the address, else the first one with a gateway, else the first that is up."""
        up = [i for i in self.interfaces if i.status == "up"]
        near = [i for i in up if any(remote in n for n in i.networks() if n.version == remote.version)]
        return next(iter(near + [i for i in up if i.gateways] + up), None)

    def firewall_runs(self) -> bool:
        """Whether the services that every firewall cmdlet and every filter depend on run."""
        return all(self.services.get(service) == "running" for service in ("mpssvc", "BFE"))

    @property
    def domain_controllers(self) -> tuple[str, ...]:
        """The addresses of the controllers of the domain, as its name resolves to them."""
        if (told := self.surroundings.domain_controllers) is not None:
            return told
        return tuple(server for i in self.interfaces if i.profile == "domain" for server in i.dns_servers)

    @property
    def sshd_program(self) -> str:
        """Where OpenSSH is that comes with Windows."""
        return self.environment["SystemRoot"] + r"\System32\OpenSSH\sshd.exe"

    def power_off(self, *, shut_down: bool = False) -> None:
        """The host goes off at once: what runs ends where it is, connections end, delays of tasks are lost. shut_down: Windows
        itself turns it off, and writes first what is not on the disk yet."""
        with self.lock:
            self.is_on = False
            self.tasks.shut_down()
            self.files.lose(0.0 if shut_down else self.faults.lazy_disk)
            for one in self._starting:
                one.cancel()
            self.deleted_associations.names.clear()
            for tell in self.when_power_goes:
                tell()

    def power_on(self) -> None:
        """The host starts: its services come up, and the triggers of its boot count from here."""
        with self.lock:
            self.is_on, self.boots = True, self.boots + 1
            self.clock.booted()
            self.services.update(dict.fromkeys(self.services, "running"))
            if seconds := self.faults.services_down_at_boot:
                self.services["mpssvc"] = "stopped"
                self._starting = [self.clock.call_in(seconds, lambda: self.services.update(mpssvc="running"))]
            self.tasks.boot()

    def went_through(self, noun: str, objects: int, store: str = "") -> None:
        """A cmdlet went through all objects of a noun, which takes as long as `costs` say."""
        self.counters.enumerations[noun, store] += 1
        if seconds := self.costs.enumeration + objects * self.costs.per_object:
            time.sleep(seconds)

    def called(self, what: str) -> None:
        """A cmdlet that writes has run, or has failed: whoever watches looks at what is there now."""
        for look in self.after_calls:
            look(what)

    def expanded(self, path: str) -> str:
        """A path in which variables of the environment stand for what they hold; those that are not there stay."""
        if "%" not in path:
            return path
        known = {name.lower(): value for name, value in self.environment.items()}
        return re.sub("%([^%]+)%", lambda found: known.get(found[1].lower(), found[0]), path)

    def text(self, resource: str) -> str:
        """The text behind an `@file.dll,-id` resource, where this machine knows it; else the resource itself."""
        return self._texts.get(resource.lower(), resource)

    def add_text(self, resource: str, text: str) -> None:
        """Makes the text behind an `@file.dll,-id` resource known, as an installer does that brings the file."""
        self._texts[resource.lower()] = text

    def file(self, path: str) -> bytes | None:
        """The content of a file, or of one of string resources in this machine's language: `…\\en-US\\file.dll.mui`."""
        there = self.files.find(path)
        if there is not None and isinstance(there.content, bytes):
            return there.content
        return string_resources.file(path, self._texts, self.language, self.environment)


def machine(name: str, os: Literal["server2022", "windows11"] = "server2022", *, address: str = "10.99.0.10/24",
            accounts: Mapping[str, str] | None = None, domain: str | None = None,
            interfaces: tuple[NetworkAdapter, ...] | None = None, schema: str | None = None,
            controller_address: str = "10.99.0.1", language: Literal["en", "de"] = "en") -> Machine:
    """A host as it is after its installation, with WinRM and sshd set up.

    `address` is that of its one interface, Ethernet, unless `interfaces` are given; `schema` replaces the schema version
    of the release (for hosts older than the two that are described); `language` is that of its well-known accounts.
    """
    system = SYSTEMS[os]
    if interfaces is None:
        gateway = str(next(ipaddress.ip_interface(address).network.hosts()))
        guid = "{" + str(uuid.uuid5(uuid.NAMESPACE_DNS, name)).upper() + "}"
        interfaces = (NetworkAdapter("Ethernet", guid, addresses=(address, "fe80::1:10/64"),
                                     profile="domain" if domain else "private", dns_servers=(gateway,), gateways=(gateway,)),)
    return Machine(name, replace(system, schema=schema or system.schema), domain=domain, interfaces=interfaces,
                   accounts={"Administrator": "Ringfence-lab-1"} if accounts is None else accounts,
                   controller_address=controller_address, language=language)
