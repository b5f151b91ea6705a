"""Lists of accounts as Windows keeps them in rules: security descriptors (SDDL) with one right, "filter match" (CC).

Canonical form: `D:(A;;CC;;;S-1-5-11)`. Owner and group are dropped (they decide nothing here), two-letter names of
well-known accounts become SIDs. An account that only the host can translate stands as `<CORP\\Group>` until `bind`.
Sources: [MS-DTYP] 2.5.1 (SDDL), [MS-FASP] 2.2.37 (which descriptors rules may hold).
"""

import re
from collections.abc import Mapping
from typing import Any

from ringfence.words import Caseless, Word, members, plain, said

# [MS-DTYP] 2.5.1.1: those that do not depend on a domain
WELL_KNOWN = {
    "AA": "S-1-5-32-579", "AC": "S-1-15-2-1", "AN": "S-1-5-7", "AO": "S-1-5-32-548", "AU": "S-1-5-11",
    "BA": "S-1-5-32-544", "BG": "S-1-5-32-546", "BO": "S-1-5-32-551", "BU": "S-1-5-32-545", "CD": "S-1-5-32-574",
    "CG": "S-1-3-1", "CO": "S-1-3-0", "CY": "S-1-5-32-569", "ED": "S-1-5-9", "ER": "S-1-5-32-573",
    "HI": "S-1-16-12288", "IS": "S-1-5-32-568", "IU": "S-1-5-4", "LS": "S-1-5-19", "LW": "S-1-16-4096",
    "ME": "S-1-16-8192", "MU": "S-1-5-32-558", "NO": "S-1-5-32-556", "NS": "S-1-5-20", "NU": "S-1-5-2",
    "OW": "S-1-3-4", "PO": "S-1-5-32-550", "PS": "S-1-5-10", "PU": "S-1-5-32-547", "RC": "S-1-5-12",
    "RD": "S-1-5-32-555", "RE": "S-1-5-32-552", "RM": "S-1-5-32-580", "RU": "S-1-5-32-554", "SI": "S-1-16-16384",
    "SO": "S-1-5-32-549", "SU": "S-1-5-6", "SY": "S-1-5-18", "WD": "S-1-1-0", "WR": "S-1-5-33",
}  # fmt: skip
SID = re.compile(r"S-1-[0-9]+(-[0-9]+)*", re.I)
_DACL = re.compile(r"(?:O:[^:]*?)?(?:G:[^:]*?)?D:([A-Z]*)((?:\(.*\))+)\s*", re.I | re.S)
_UNBOUND = re.compile(r"<([^<>]+)>")


def canonical(text: str) -> Caseless:
    """The canonical form of a descriptor. Raises ValueError for what is not one."""
    match = _DACL.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{said(text)} is not a security descriptor like D:(A;;CC;;;SID)")
    return Caseless(f"D:{match[1].upper()}" + "".join(f"({_ace(a)})" for a in _aces(match[2])))


def _aces(text: str) -> list[str]:
    """The insides of the top-level parentheses: conditional entries nest more."""
    found, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c == "(":
            depth += 1
            start = i + 1 if depth == 1 else start
        elif c == ")":
            depth -= 1
            if depth == 0:
                found.append(text[start:i])
    return found


def _ace(text: str) -> str:
    fields = text.split(";", 6)
    if len(fields) < 6:
        raise ValueError(f"({text}) is not an access control entry")
    trustee = fields[5].strip()
    fields[5] = WELL_KNOWN.get(trustee.upper(), trustee)
    return ";".join(f.strip() if i < 6 else f for i, f in enumerate(fields))


def check(descriptor: str) -> str:
    """Why Windows refuses the descriptor in a rule, or nothing ([MS-FASP] 2.2.37)."""
    if len(descriptor) >= 10000:
        return f"{len(descriptor)} characters are more than 9999"
    for ace in _aces(descriptor):
        kind, _, rights = (f.strip().upper() for f in ace.split(";")[:3])
        if kind not in ("A", "D", "XA", "XD"):
            return f"({ace}) is neither an allow nor a deny entry"
        if rights not in ("CC", "0X1", "0X00000001"):
            return f"({ace}) grants {rights or 'nothing'}: the only right of a rule's list is CC"
    return ""


def account(text: str) -> str:
    """How an account stands in a descriptor: its SID, or <name> until the host has translated it."""
    if SID.fullmatch(text):
        return text.upper()
    if not text or set(text) & set('<>|;()"'):
        raise ValueError(f"{said(text)} is neither an account name nor a SID")
    return f"<{text}>"


def parse(value: Any) -> Caseless | None:
    """A descriptor, or account names and SIDs that are all allowed. `any` or nothing is None."""
    if isinstance(value, str) and re.match(r"\s*(O:|G:|D:)", value, re.I):
        found = canonical(value)
        if problem := check(found):
            raise ValueError(problem)
        return found
    names = [plain(m) for m in members(value)]
    if not names or [n.casefold() for n in names] == ["any"]:
        return None
    return Caseless("D:" + "".join(f"(A;;CC;;;{account(n)})" for n in sorted(set(names), key=str.casefold)))


def unbound(value: str | None) -> tuple[str, ...]:
    """The account names in a value that the host has to translate."""
    return tuple(_UNBOUND.findall(value)) if value and "<" in value else ()


def bound(value: str, sids: Mapping[str, str]) -> Caseless:
    """The value with every name of `sids` (keys in lower case) replaced by its SID."""
    return Caseless(_UNBOUND.sub(lambda m: sids.get(m[1].casefold(), m[0]), value))


SDDL = Word("account names, SIDs, or a security descriptor (SDDL)", parse,
            {"anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]},
            lambda v: str(v) if v else "Any", "account", unbound)


def parse_owner(value: Any) -> Caseless | None:
    name = plain(value) if value is not None else ""
    return Caseless(account(name)) if name and name.casefold() != "any" else None


OWNER = Word("an account name or SID", parse_owner, {"type": ["string", "null"]},
             lambda v: str(v) if v else "Any", "account", unbound)


def parse_package(value: Any) -> Caseless | None:
    found = parse_owner(value)
    if found and not found.upper().startswith("S-1-15-2-"):
        raise ValueError(f"{said(value)} is not the SID of an app container (S-1-15-2-…)")
    return found


PACKAGE = Word("the SID of an app container", parse_package, {"type": ["string", "null"]}, lambda v: str(v) if v else "Any")
