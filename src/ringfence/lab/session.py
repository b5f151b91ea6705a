"""What the lab's servers need of a simulated host, and who is calling. Nothing else of the lab is known here."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ringfence.batch.jea import JeaEndpoint
from ringfence.batch.scripts import COMPARE_KEYS, WRITING_VERBS


class Dropped(ConnectionError):
    """The connection is gone: the server of the lab closes the socket without an answer."""


class CarriesOn(Exception):
    """A hook of Faults raises it: the connection is gone, and the batch runs on to its end, of which nobody hears."""


class PowerLost(Exception):
    """A hook of Faults raises it: the host is off in this moment."""


class ServedHost(Protocol):
    """A simulated Windows host as its servers see it: `address` is its own, where `controller_address` reaches it.

    `run` executes one batch line and returns the framed reply. It may block (slow cmdlets, a host that hangs) and may
    raise `Dropped`: then the connection is cut without an answer, as when power or network goes.
    """

    @property
    def name(self) -> str: ...

    @property
    def accounts(self) -> Mapping[str, str]: ...

    @property
    def address(self) -> str: ...

    @property
    def controller_address(self) -> str: ...

    def run(self, batch: str, session: "Session") -> str: ...

    def admits(self, port: int, remote_address: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class RegisteredEndpoint:
    """A JEA endpoint of a host: which of those that are exported it is, the verbs that its release did not have yet, and the
    groups of its virtual account where its session configuration names some (RunAsVirtualAccountGroups): else it is an
    administrator."""

    exported: JeaEndpoint
    without: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()

    @property
    def lacks(self) -> frozenset[str]:
        """The verbs that its module does not have."""
        keys = () if self.exported.writes or self.exported.compares_keys else (COMPARE_KEYS,)
        return self.without.union(keys, () if self.exported.writes else WRITING_VERBS)


@dataclass(frozen=True, slots=True)
class Session:
    """A logon on a host. `transport` is "psrp" or "ssh"; addresses and ports are as the host sees them; `endpoint`: where it
    is a session of JEA."""

    transport: str
    user: str
    elevated: bool
    remote_address: str
    remote_port: int
    local_address: str
    local_port: int
    endpoint: RegisteredEndpoint | None = None

    @property
    def may_change_the_firewall(self) -> bool:
        """Microsoft, "netsh advfirewall": members of Administrators and of Network Configuration Operators may."""
        groups = self.endpoint.groups if self.endpoint else ()
        return self.elevated or "Network Configuration Operators" in groups


@dataclass(frozen=True, slots=True)
class PowerShellStart:
    """How a real PowerShell starts for a session: its environment, and text that it runs before anything else. `works_on`:
    whether it does something still after nobody hears it any more (CarriesOn): then it is not ended yet."""

    environment: Mapping[str, str]
    text: str = ""
    works_on: Callable[[], bool] = lambda: False


StartPowerShell = Callable[[Session], PowerShellStart]


def batch_runner(host: ServedHost, session: Session) -> Callable[[str], str]:
    """Runs batch lines for one session. What it returns raises ConnectionError when the host drops the connection."""

    def run(line: str) -> str:
        try:
            return host.run(line, session)
        except Dropped as error:
            raise ConnectionAbortedError(str(error)) from None

    return run


def find_account(accounts: Iterable[str], user: str, computer: str) -> str | None:
    """The account that a user name at a logon means, or None.

    Windows compares names without case; `.\\name` and `COMPUTER\\name` are local accounts. A Kerberos principal
    `name@REALM` is found as itself, else (a realm is trusted as soon as its keytab is) by its first part.
    """
    known = {name.casefold(): name for name in accounts}
    name = user.casefold()
    for prefix in (".\\", f"{computer.casefold()}\\"):
        name = name.removeprefix(prefix)
    return known.get(name) or known.get(name.partition("@")[0] if "@" in name else "")


def is_loopback(address: str) -> bool:
    """Whether the text is a loopback address or localhost: the only place the lab connects to."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.casefold() == "localhost"
