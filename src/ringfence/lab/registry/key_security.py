"""Who owns a key of the registry and what others may do with it, as SDDL (MS-DTYP 2.5.1): read, and handed down to new keys.

Only what the registry has is read: access allowed and denied entries with the rights of keys (WinNT.h, KEY_*).
"""

import re
from dataclasses import dataclass, replace

# MS-DTYP 2.5.1.1: SID strings and rights strings, of each those that stand on keys of the registry
_SIDS = {"SY": "S-1-5-18", "BA": "S-1-5-32-544", "BU": "S-1-5-32-545", "CO": "S-1-3-0", "WD": "S-1-1-0", "AU": "S-1-5-11",
         "AC": "S-1-15-2-1", "PU": "S-1-5-32-547", "SO": "S-1-5-32-549", "NO": "S-1-5-32-556"}
_RIGHTS = {"KA": 0xF003F, "KR": 0x20019, "KW": 0x20006, "KX": 0x20019, "GA": 0x10000000, "GR": 0x80000000, "GW": 0x40000000,
           "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "RC": 0x20000, "SD": 0x10000, "WD": 0x40000,
           "WO": 0x80000}
_ENTRY = re.compile(r"\((A|D);(\w*);(\w+);;;([\w-]+)\)")
_CREATOR_OWNER = "CO"
_INHERIT_ONLY = "IO"

# What whoever is neither Windows nor an administrator should not have: KEY_SET_VALUE, KEY_CREATE_SUB_KEY, KEY_CREATE_LINK,
# DELETE, WRITE_DAC, WRITE_OWNER, GENERIC_ALL, GENERIC_WRITE
_CHANGES = 0x2 | 0x4 | 0x20 | 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40000000
_LOOKS = 0x1 | 0x10000000 | 0x80000000  # KEY_QUERY_VALUE, GENERIC_ALL, GENERIC_READ


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One entry of a DACL; flags are pairs of letters ("CI", "CIIO"), `sid` is as SDDL writes it."""

    allows: bool
    flags: str
    rights: str
    sid: str

    @property
    def mask(self) -> int:
        """The rights as a number."""
        if self.rights.lower().startswith("0x"):
            return int(self.rights, 16)
        pairs = (self.rights[at:at + 2] for at in range(0, len(self.rights), 2))
        mask = 0
        for pair in pairs:
            mask |= _RIGHTS[pair]
        return mask

    @property
    def full_sid(self) -> str:
        """The SID in full."""
        return _SIDS.get(self.sid, self.sid)

    def has(self, flag: str) -> bool:
        """Whether it has a flag."""
        return flag in (self.flags[at:at + 2] for at in range(0, len(self.flags), 2))

    def text(self) -> str:
        """The entry in SDDL."""
        return f"({'A' if self.allows else 'D'};{self.flags};{self.rights};;;{self.sid})"


@dataclass(frozen=True, slots=True)
class KeySecurity:
    """Owner and DACL of a key. `control`: the letters before the entries, P where nothing comes from above."""

    owner: str
    control: str
    entries: tuple[AccessEntry, ...]

    @classmethod
    def parse(cls, sddl: str) -> "KeySecurity":
        """That of an SDDL text. Raises ValueError where it is none of owner and DACL."""
        found = re.fullmatch(r"O:([\w-]+?)(?:G:[\w-]+?)?D:([A-Z]*)((?:\([^()]*\))*)", sddl)
        entries = _ENTRY.findall(found[3]) if found else []
        if not found or "".join(f"({a};{f};{r};;;{s})" for a, f, r, s in entries) != found[3]:
            raise ValueError(f"no owner and DACL in {sddl!r}")
        return cls(found[1], found[2], tuple(AccessEntry(a == "A", f, r, s) for a, f, r, s in entries))

    def text(self) -> str:
        """Owner and DACL in SDDL."""
        return f"O:{self.owner}D:{self.control}" + "".join(e.text() for e in self.entries)

    @property
    def owner_sid(self) -> str:
        """The owner's SID in full."""
        return _SIDS.get(self.owner, self.owner)

    def handed_down(self, owner: str = "BA") -> "KeySecurity":
        """What a new key below has if nothing else is said: the entries that containers inherit (MS-DTYP 2.5.3.4.1)."""
        below: list[AccessEntry] = []
        for entry in self.entries:
            if not entry.has("CI"):
                continue
            if entry.sid == _CREATOR_OWNER:
                below.append(replace(entry, flags="ID", sid=owner))
                below.append(replace(entry, flags="CIIOID"))
            else:
                below.append(replace(entry, flags="CIID"))
        return KeySecurity(owner, "AI", tuple(below))

    def writers(self) -> list[str]:
        """SIDs of all that may change the key or what is below; the owner may always."""
        return list(dict.fromkeys([self.owner_sid, *(e.full_sid for e in self.entries if e.allows and e.mask & _CHANGES)]))

    def shows_to(self, sids: frozenset[str]) -> bool:
        """Whether somebody with these SIDs may read the values."""
        for entry in self.entries:
            if entry.full_sid in sids and not entry.has(_INHERIT_ONLY) and entry.mask & _LOOKS:
                return entry.allows
        return False


# Of HKLM\SOFTWARE, as the security templates of Windows set it: everybody may read, administrators write
SOFTWARE_SECURITY = KeySecurity.parse("O:SYD:PAI(A;CI;KA;;;CO)(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;BU)(A;CI;KR;;;AC)")
