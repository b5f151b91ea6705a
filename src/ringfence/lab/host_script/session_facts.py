"""Who a session is on a simulated host, as Session.Read answers.

A JEA session of a virtual account has a name of the authority "WinRM Virtual Users" that holds the domain and the name of whoever
connected (Microsoft, "JEA Session Configurations": RunAsVirtualAccount, and "Auditing and Reporting on JEA").
"""

from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.session import Session


def identity(machine: Machine, session: Session) -> dict[str, str | None]:
    """The account that a session runs as, and its SID where the machine knows it."""
    full = machine.account_names.resolve(session.user).get("name", session.user)
    if session.endpoint is not None:
        return {"account": f"WinRM Virtual Users\\WinRM VA_1_{full.replace(chr(92), '_')}", "sid": "S-1-5-94-1"}
    return {"account": full, "sid": machine.account_names.resolve(session.user).get("sid")}


# SigmaHQ, "New Firewall Rule Added In Windows Firewall Exception List Via WmiPrvSE.EXE": what cmdlets of NetSecurity change
_PROVIDER_HOST = r"C:\Windows\System32\wbem\WmiPrvSE.exe"


def author(machine: Machine, session: Session) -> tuple[str, str]:
    """Who changes policy by the cmdlets of a session, as events have it: SID and program."""
    return identity(machine, session)["sid"] or "", _PROVIDER_HOST


def session_facts(machine: Machine, session: Session) -> dict[str, Any]:
    """The value of a Session.Read."""
    exported = session.endpoint.exported if session.endpoint else None
    connected = machine.account_names.resolve(session.user).get("name", session.user)
    return {**identity(machine, session), "connected_as": connected if session.transport == "psrp" else None,
            "module": exported and exported.module, "module_version": exported and exported.version,
            "bits": machine.surroundings.bits, "os_bits": 64, "unread": []}


def require_64_bits(machine: Machine) -> None:
    """Before each write: a 32-bit PowerShell makes none. Raises CmdletError."""
    if machine.surroundings.bits != 64:
        raise CmdletError("InvalidOperation", "ringfence.bits",
                          "this is a 32-bit PowerShell on a 64-bit Windows: nothing is written from it")
