"""Names and SIDs that a simulated host can translate: well-known ones, its own accounts, those of its domain."""

import uuid
from collections.abc import Iterable

_EVERYWHERE = {
    "S-1-1-0": "Everyone", "S-1-2-0": "LOCAL", "S-1-3-0": "CREATOR OWNER", "S-1-5-2": r"NT AUTHORITY\NETWORK",
    "S-1-5-4": r"NT AUTHORITY\INTERACTIVE", "S-1-5-6": r"NT AUTHORITY\SERVICE",
    "S-1-5-7": r"NT AUTHORITY\ANONYMOUS LOGON", "S-1-5-11": r"NT AUTHORITY\Authenticated Users",
    "S-1-5-18": r"NT AUTHORITY\SYSTEM", "S-1-5-19": r"NT AUTHORITY\LOCAL SERVICE",
    "S-1-5-20": r"NT AUTHORITY\NETWORK SERVICE", "S-1-5-32-544": r"BUILTIN\Administrators",
    "S-1-5-32-545": r"BUILTIN\Users", "S-1-5-32-546": r"BUILTIN\Guests",
    "S-1-5-32-555": r"BUILTIN\Remote Desktop Users", "S-1-5-32-556": r"BUILTIN\Network Configuration Operators",
    "S-1-5-32-573": r"BUILTIN\Event Log Readers", "S-1-5-32-580": r"BUILTIN\Remote Management Users",
    "S-1-15-2-1": r"APPLICATION PACKAGE AUTHORITY\ALL APPLICATION PACKAGES",
}
_GERMAN = {
    "S-1-1-0": "Jeder", "S-1-2-0": "LOKAL", "S-1-3-0": "ERSTELLER-BESITZER", "S-1-5-2": r"NT-AUTORITÄT\NETZWERK",
    "S-1-5-4": r"NT-AUTORITÄT\INTERAKTIV", "S-1-5-6": r"NT-AUTORITÄT\DIENST", "S-1-5-7": r"NT-AUTORITÄT\ANONYMOUS-ANMELDUNG",
    "S-1-5-11": r"NT-AUTORITÄT\Authentifizierte Benutzer", "S-1-5-18": r"NT-AUTORITÄT\SYSTEM",
    "S-1-5-19": r"NT-AUTORITÄT\LOKALER DIENST", "S-1-5-20": r"NT-AUTORITÄT\NETZWERKDIENST",
    "S-1-5-32-544": r"VORDEFINIERT\Administratoren", "S-1-5-32-545": r"VORDEFINIERT\Benutzer",
    "S-1-5-32-546": r"VORDEFINIERT\Gäste", "S-1-5-32-555": r"VORDEFINIERT\Remotedesktopbenutzer",
}
WELL_KNOWN_NAMES = {"en": _EVERYWHERE, "de": _GERMAN}
_DOMAIN = {500: "Administrator", 501: "Guest", 512: "Domain Admins", 513: "Domain Users", 514: "Domain Guests",
           515: "Domain Computers", 516: "Domain Controllers"}


def authority(seed: str) -> str:
    """The SID of a computer or a domain, always the same for one name."""
    number = uuid.uuid5(uuid.NAMESPACE_DNS, seed.lower()).int
    return "S-1-5-21-" + "-".join(str(number >> shift & 0x7FFFFFFF) for shift in (0, 32, 64))


class AccountNames:
    """Translates names to SIDs and back, without regard to case. Further names may be added."""

    def __init__(self, computer: str, accounts: Iterable[str], domain: str | None, language: str = "en") -> None:
        self._names: dict[str, str] = {}
        self._sids: dict[str, str] = {}
        for sid, name in WELL_KNOWN_NAMES[language].items():
            self.add(name, sid)
        base, known = authority(computer), {"administrator": 500, "guest": 501}
        for number, account in enumerate(accounts, 1001):
            if "\\" not in account and "@" not in account:
                self.add(f"{computer}\\{account}", f"{base}-{known.get(account.lower(), number)}")
        if domain:
            self.short = domain.partition(".")[0].upper()
            for rid, name in _DOMAIN.items():
                self.add(f"{self.short}\\{name}", f"{authority(domain)}-{rid}")

    def add(self, name: str, sid: str) -> None:
        """Makes a name known: `DOMAIN\\name`, also found without the domain unless that is taken."""
        self._sids[sid.upper()] = name
        self._names[name.casefold()] = sid
        self._names.setdefault(name.rpartition("\\")[2].casefold(), sid)

    def resolve(self, name: str) -> dict[str, str]:
        """{"sid", "name"} or {"error"}, as Account.Resolve answers."""
        text = name.strip()
        sid = text.upper() if text.upper() in self._sids else self._names.get(text.casefold(), "")
        if sid:
            return {"sid": sid, "name": self._sids[sid.upper()]}
        return {"error": "Some or all identity references could not be translated."}
