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

from ringfence.lab.certificates import Authority, Pair
from ringfence.lab.host import Host
from ringfence.lab.machine import Machine
from ringfence.lab.net import Gate
from ringfence.lab.powershell import PowerShell, modules
from ringfence.lab.ssh import Service as SshService
from ringfence.lab.ssh import Settings as SshSettings
from ringfence.lab.winrm.server import Service as WinRMService
from ringfence.lab.winrm.server import Settings as WinRMSettings

Transport = Literal["psrp", "ssh", "mixed", "local"]
Auth = Literal["basic", "ntlm", "negotiate", "certificate"]
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Running:
    """A host that can be reached: its server (none where it is local) and the inventory variables that lead to it."""

    host: Host
    service: WinRMService | SshService | PowerShell
    variables: Mapping[str, Any]


@dataclass(slots=True)
class Lab:
    """Simulated hosts on free ports of 127.0.0.1, from entering to leaving the context.

    `transport` "mixed" alternates PSRP and SSH. `auth` and `https` are for PSRP ("certificate" needs https). `by_key`:
    SSH logs on with a key instead of the password. The first account of a host is the one in the inventory. `groups`:
    name → host names, for the inventory. `pwsh`: the executable of a real PowerShell that runs the host script on every
    host, JEA endpoints included; the hosts have to be Machines. `transport` "local" needs it: the inventory then names a
    program of each host's own as `ringfence_powershell`.
    """

    hosts: Sequence[Host]
    transport: Transport = "psrp"
    auth: Auth = "ntlm"
    https: bool = False
    by_key: bool = False
    winrm: WinRMSettings = field(default_factory=WinRMSettings)
    ssh: SshSettings = field(default_factory=SshSettings)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pwsh: str | None = None
    running: dict[str, Running] = field(default_factory=dict, init=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False)

    def __enter__(self) -> "Lab":
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringfence-lab-")))
            gate = stack.enter_context(Gate())
            authority = Authority(directory) if self.https or self.auth == "certificate" else None
            shims = modules(directory) if self.pwsh else None
            for number, host in enumerate(self.hosts):
                engine = self._powershell(gate, host, shims)
                if engine is not None:
                    stack.callback(engine.close)
                over_ssh = self.transport == "ssh" or (self.transport == "mixed" and number % 2 == 1)
                if self.transport == "local":
                    running = _local(host, engine, directory)
                else:
                    running = (self._ssh(gate, host, engine, directory) if over_ssh else
                               self._psrp(gate, host, engine, authority))
                stack.callback(running.service.close)
                if engine is not None and not isinstance(running.service, PowerShell):
                    engine.bridge.drop = running.service.drop
                self.running[host.name] = running
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def inventory(self) -> str:
        """The inventory as YAML, for `ringfence -i` and for Ansible alike."""
        content: dict[str, Any] = {"hosts": {name: dict(r.variables) for name, r in self.running.items()}}
        if self.groups:
            content["children"] = {name: {"hosts": dict.fromkeys(members)} for name, members in self.groups.items()}
        return yaml.safe_dump({"all": content}, sort_keys=False, allow_unicode=True)

    def _powershell(self, gate: Gate, host: Host, shims: Path | None) -> PowerShell | None:
        if self.pwsh is None or shims is None:
            return None
        if not isinstance(host, Machine):
            raise TypeError(f"{host.name}: a real PowerShell needs a Machine behind it")
        return PowerShell(gate, host, self.pwsh, shims)

    def _psrp(self, gate: Gate, host: Host, engine: PowerShell | None, authority: Authority | None) -> Running:
        user, password = next(iter(host.accounts.items()))
        settings, client, pair = self.winrm, None, None
        if engine is not None:
            settings = replace(settings, pwsh=engine.pwsh, start=engine.start)
        if authority is not None:
            pair = authority.server([host.name, LOOPBACK])
        if authority is not None and self.auth == "certificate":
            client = authority.client(user)
            certificates = {**(settings.methods.certificates or {}), client.fingerprint: user}
            settings = replace(settings, methods=replace(settings.methods, certificates=certificates))
        service = WinRMService(gate, host, settings, pair, str(authority.path) if authority else None)
        variables = {"ansible_connection": "psrp", "ansible_host": LOOPBACK, "ansible_port": service.port,
                     "ansible_user": user, **_psrp_variables(self.auth, password, authority, client)}
        return Running(host, service, variables)

    def _ssh(self, gate: Gate, host: Host, engine: PowerShell | None, directory: Path) -> Running:
        user, password = next(iter(host.accounts.items()))
        variables: dict[str, Any] = {"ansible_connection": "ssh", "ansible_host": LOOPBACK, "ansible_user": user}
        settings = self.ssh
        if engine is not None:
            settings = replace(settings, shell=replace(settings.shell, pwsh=engine.pwsh), start=engine.start)
        if self.by_key:
            private, public = _key_file(directory / f"{host.name}.key")
            keys = {**settings.authorized_keys, user: settings.authorized_keys.get(user, frozenset()) | {public}}
            settings = replace(settings, authorized_keys=keys)
            variables["ansible_ssh_private_key_file"] = str(private)
        else:
            variables["ansible_password"] = password
        service = SshService(gate, host, settings)
        known_hosts = directory / "known_hosts"
        with known_hosts.open("a", encoding="ascii") as file:
            file.write(service.known_hosts)
        return Running(host, service, {**variables, "ansible_port": service.port,
                                       "ansible_ssh_known_hosts": str(known_hosts)})


def _local(host: Host, engine: PowerShell | None, directory: Path) -> Running:
    if engine is None:
        raise TypeError("local hosts need a real PowerShell: pwsh=PATH")
    return Running(host, engine, {"ansible_connection": "local",
                                  "ringfence_powershell": str(engine.executable(directory))})


def _psrp_variables(auth: Auth, password: str, authority: Authority | None, client: Pair | None) -> dict[str, Any]:
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
