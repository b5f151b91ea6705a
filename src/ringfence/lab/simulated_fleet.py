"""Starting a fleet of simulated hosts, and the inventory that leads to them."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from ringfence.lab.certificates import Authority, CertificateFiles
from ringfence.lab.listeners import Acceptor
from ringfence.lab.machine.machine import Machine
from ringfence.lab.powershell.engine import RealPowerShell, write_modules
from ringfence.lab.session import ServedHost
from ringfence.lab.simulated_host import SimulatedHost
from ringfence.lab.ssh.sshd import SshServer, SshServerSettings
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings

TransportName = Literal["psrp", "ssh", "mixed", "local"]
AuthMethod = Literal["basic", "ntlm", "negotiate", "certificate"]
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RunningHost:
    """A host that can be reached: its server (none where it is local) and the inventory variables that lead to it."""

    host: ServedHost
    server: WinRMServer | SshServer | RealPowerShell
    variables: Mapping[str, Any]


@dataclass(slots=True)
class SimulatedFleet:
    """Simulated hosts on free ports of 127.0.0.1, from entering to leaving the context.

    `hosts`: machines, or anything else that servers can serve; the first account of a host is the one in the inventory.
    `transport` "mixed" alternates PSRP and SSH. `auth` and `https` are for PSRP ("certificate" needs https). `by_key`:
    SSH logs on with a key instead of the password. `groups`: name → host names, for the inventory. `pwsh`: the executable
    of a real PowerShell that runs the host script on every host, JEA endpoints included; the hosts have to be machines.
    `first_port`: of the first host, the others have those that follow; 0: free ones.
    `transport` "local" needs it: the inventory then names a program of each host's own as `ringfence_powershell`.
    """

    hosts: Sequence[Machine | ServedHost]
    transport: TransportName = "psrp"
    auth: AuthMethod = "ntlm"
    https: bool = False
    by_key: bool = False
    winrm: WinRMSettings = field(default_factory=WinRMSettings)
    ssh: SshServerSettings = field(default_factory=SshServerSettings)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pwsh: str | None = None
    first_port: int = 0
    running: dict[str, RunningHost] = field(default_factory=dict, init=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False)

    def __enter__(self) -> "SimulatedFleet":
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringfence-lab-")))
            acceptor = stack.enter_context(Acceptor())
            authority = Authority(directory) if self.https or self.auth == "certificate" else None
            shims = write_modules(directory) if self.pwsh else None
            for number, item in enumerate(self.hosts):
                host = SimulatedHost(item) if isinstance(item, Machine) else item
                powershell = self._powershell(acceptor, host, shims)
                if powershell is not None:
                    stack.callback(powershell.close)
                port = self.first_port + number if self.first_port else 0
                over_ssh = self.transport == "ssh" or (self.transport == "mixed" and number % 2 == 1)
                if self.transport == "local":
                    running = _local(host, powershell, directory)
                else:
                    running = (self._ssh(acceptor, host, powershell, directory, port) if over_ssh else
                               self._psrp(acceptor, host, powershell, authority, port))
                stack.callback(running.server.close)
                if isinstance(host, SimulatedHost):
                    self._lives(stack, host.machine, running.server)
                if powershell is not None and not isinstance(running.server, RealPowerShell):
                    powershell.bridge.drop = running.server.drop
                self.running[host.name] = running
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def drop(self, name: str) -> None:
        """Cut the connections of a host."""
        server = self.running[name].server
        if not isinstance(server, RealPowerShell):
            server.drop()

    def inventory(self) -> str:
        """The inventory as YAML, for `ringfence -i` and for Ansible alike."""
        content: dict[str, Any] = {"hosts": {name: dict(r.variables) for name, r in self.running.items()}}
        if self.groups:
            content["children"] = {name: {"hosts": dict.fromkeys(members)} for name, members in self.groups.items()}
        return yaml.safe_dump({"all": content}, sort_keys=False, allow_unicode=True)

    def _lives(self, stack: ExitStack, machine: Machine, server: WinRMServer | SshServer | RealPowerShell) -> None:
        """Its clock runs, and its power takes the connections with it, until the fleet ends."""
        machine.clock.start()
        stack.callback(machine.clock.stop)
        if not isinstance(server, RealPowerShell):
            machine.when_power_goes.append(server.drop)
            stack.callback(machine.when_power_goes.remove, server.drop)

    def _powershell(self, acceptor: Acceptor, host: ServedHost, shims: Path | None) -> RealPowerShell | None:
        if self.pwsh is None or shims is None:
            return None
        if not isinstance(host, SimulatedHost):
            raise TypeError(f"{host.name}: a real PowerShell needs a Machine behind it")
        return RealPowerShell(acceptor, host.machine, self.pwsh, shims)

    def _psrp(self, acceptor: Acceptor, host: ServedHost, powershell: RealPowerShell | None,
              authority: Authority | None, port: int) -> RunningHost:
        user, password = next(iter(host.accounts.items()))
        settings, client, files = self.winrm, None, None
        if powershell is not None:
            settings = replace(settings, pwsh=powershell.pwsh, start=powershell.start)
        if authority is not None:
            files = authority.server([host.name, LOOPBACK])
        if authority is not None and self.auth == "certificate":
            client = authority.client(user)
            certificates = {**(settings.methods.certificates or {}), client.fingerprint: user}
            settings = replace(settings, methods=replace(settings.methods, certificates=certificates))
        server = WinRMServer(acceptor, host, settings, files, str(authority.path) if authority else None, port)
        variables = {"ansible_connection": "psrp", "ansible_host": LOOPBACK, "ansible_port": server.port,
                     "ansible_user": user, **_psrp_variables(self.auth, password, authority, client)}
        return RunningHost(host, server, variables)

    def _ssh(self, acceptor: Acceptor, host: ServedHost, powershell: RealPowerShell | None, directory: Path,
             port: int) -> RunningHost:
        user, password = next(iter(host.accounts.items()))
        variables: dict[str, Any] = {"ansible_connection": "ssh", "ansible_host": LOOPBACK, "ansible_user": user}
        settings = self.ssh
        if powershell is not None:
            settings = replace(settings, shell=replace(settings.shell, pwsh=powershell.pwsh), start=powershell.start)
        if self.by_key:
            private, public = _key_file(directory / f"{host.name}.key")
            keys = {**settings.authorized_keys, user: settings.authorized_keys.get(user, frozenset()) | {public}}
            settings = replace(settings, authorized_keys=keys)
            variables["ansible_ssh_private_key_file"] = str(private)
        else:
            variables["ansible_password"] = password
        server = SshServer(acceptor, host, settings, port=port)
        known_hosts = directory / "known_hosts"
        with known_hosts.open("a", encoding="ascii") as file:
            file.write(server.known_hosts)
        return RunningHost(host, server, {**variables, "ansible_port": server.port,
                                          "ansible_ssh_known_hosts": str(known_hosts)})


def _local(host: ServedHost, powershell: RealPowerShell | None, directory: Path) -> RunningHost:
    if powershell is None:
        raise TypeError("local hosts need a real PowerShell: pwsh=PATH")
    return RunningHost(host, powershell, {"ansible_connection": "local",
                                          "ringfence_powershell": str(powershell.executable(directory))})


def _psrp_variables(auth: AuthMethod, password: str, authority: Authority | None,
                    client: CertificateFiles | None) -> dict[str, Any]:
    variables: dict[str, Any] = {"ansible_psrp_auth": auth, "ansible_psrp_protocol": "https" if authority else "http"}
    if client is not None:
        variables["ansible_psrp_certificate_pem"] = str(client.certificate)
        variables["ansible_psrp_certificate_key_pem"] = str(client.key)
    else:
        variables["ansible_password"] = password
    if authority is not None:
        variables["ansible_psrp_ca_cert"] = str(authority.path)
    elif auth == "basic":
        variables["ansible_psrp_message_encryption"] = "never"
    return variables


def _key_file(path: Path) -> tuple[Path, str]:
    """A new user key: the file with its private half, and the line for authorized_keys."""
    key = ed25519.Ed25519PrivateKey.generate()
    path.touch(0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH,
                                       serialization.NoEncryption()))
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return path, public.decode("ascii")
