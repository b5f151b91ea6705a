"""Accounts that have one SID on every Windows, by their English names: on a host of another language they are called otherwise.

Source: [MS-DTYP] 2.4.2.4, and Microsoft's "Security identifiers" for the names. Groups that only domain controllers have are
left to the host, which says where it has none.
"""

from collections.abc import Mapping

_NT_AUTHORITY = {
    "DIALUP": 1, "NETWORK": 2, "BATCH": 3, "INTERACTIVE": 4, "SERVICE": 6, "ANONYMOUS LOGON": 7, "PROXY": 8,
    "ENTERPRISE DOMAIN CONTROLLERS": 9, "SELF": 10, "Authenticated Users": 11, "RESTRICTED": 12, "TERMINAL SERVER USER": 13,
    "REMOTE INTERACTIVE LOGON": 14, "This Organization": 15, "IUSR": 17, "SYSTEM": 18, "LOCAL SERVICE": 19, "NETWORK SERVICE": 20,
    "Local account": 113, "Local account and member of Administrators group": 114,
}
_BUILTIN = {
    "Administrators": 544, "Users": 545, "Guests": 546, "Power Users": 547, "Backup Operators": 551, "Replicator": 552,
    "Remote Desktop Users": 555, "Network Configuration Operators": 556, "Performance Monitor Users": 558,
    "Performance Log Users": 559, "Distributed COM Users": 562, "IIS_IUSRS": 568, "Cryptographic Operators": 569,
    "Event Log Readers": 573, "Certificate Service DCOM Access": 574, "RDS Remote Access Servers": 575,
    "RDS Endpoint Servers": 576, "RDS Management Servers": 577, "Hyper-V Administrators": 578,
    "Access Control Assistance Operators": 579, "Remote Management Users": 580, "System Managed Accounts Group": 581,
    "Storage Replica Administrators": 582,
}
_ALONE = {
    "Everyone": "S-1-1-0", "LOCAL": "S-1-2-0", "CONSOLE LOGON": "S-1-2-1", "CREATOR OWNER": "S-1-3-0", "CREATOR GROUP": "S-1-3-1",
    "OWNER RIGHTS": "S-1-3-4", r"APPLICATION PACKAGE AUTHORITY\ALL APPLICATION PACKAGES": "S-1-15-2-1",
    r"APPLICATION PACKAGE AUTHORITY\ALL RESTRICTED APPLICATION PACKAGES": "S-1-15-2-2",
}
SIDS: Mapping[str, str] = {name.casefold(): sid for name, sid in {
    **_ALONE, **{rf"NT AUTHORITY\{name}": f"S-1-5-{number}" for name, number in _NT_AUTHORITY.items()},
    **{rf"BUILTIN\{name}": f"S-1-5-32-{number}" for name, number in _BUILTIN.items()}}.items()}
"""{name in lower case: SID}. Names of an authority stand with it, for without it a group of a domain may have them."""
