"""Lists of accounts as Windows keeps them in rules: security descriptors (SDDL) with one right, "filter match" (CC).

Canonical form: `D:(A;;CC;;;S-1-5-11)`; what was said in another spelling is written as it was said (CanonicalText). An account
that only the host can translate stands as `<CORP\\Group>` until `bind`. These spellings are one by a document:

- letter case, spaces around fields, letters and SID of an account, CC and its number ([MS-DTYP] 2.5.1.1);
- numbers of a SID in hexadecimal, or with zeros before them (2.4.2.1; ConvertStringSidToSid);
- with and without an owner and a group: an owner has READ_CONTROL and WRITE_DAC by being it, which is not CC (2.5.3.2);
- flags of the list (P, AR, AI) in any order or none, and OI, CI, NP and ID of an entry: they are about what objects below or
  above one have, and the check of access reads none of them (2.4.4.1, 2.4.6, 2.5.3.2). IO counts: such an entry is passed over;
- entries in another order or twice, as long as no allow changes places with a deny: the first that names the caller decides
  (2.5.3.2).

The letters of domains (DA, DU …) have no SID before one knows the domain: they equal only themselves. Conditions are compared
as they stand. Sources: [MS-DTYP] 2.5.1 (SDDL), [MS-FASP] 2.2.37 (which descriptors rules may hold).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

from ringfence.types import well_known_accounts
from ringfence.types.base import (
    CanonicalText,
    CaseInsensitive,
    PropertyType,
    as_list,
    as_text,
    empty_value,
    fold,
    quoted,
    spelling_of,
)

# [MS-DTYP] 2.5.1.1 and sddl.h: those that do not depend on a domain
WELL_KNOWN = {
    "AA": "S-1-5-32-579", "AC": "S-1-15-2-1", "AN": "S-1-5-7", "AO": "S-1-5-32-548", "AS": "S-1-18-1", "AU": "S-1-5-11",
    "BA": "S-1-5-32-544", "BG": "S-1-5-32-546", "BO": "S-1-5-32-551", "BU": "S-1-5-32-545", "CD": "S-1-5-32-574",
    "CG": "S-1-3-1", "CO": "S-1-3-0", "CY": "S-1-5-32-569", "ED": "S-1-5-9", "ER": "S-1-5-32-573", "ES": "S-1-5-32-576",
    "HA": "S-1-5-32-578", "HI": "S-1-16-12288", "IS": "S-1-5-32-568", "IU": "S-1-5-4", "LS": "S-1-5-19",
    "LU": "S-1-5-32-559", "LW": "S-1-16-4096", "ME": "S-1-16-8192", "MP": "S-1-16-8448", "MS": "S-1-5-32-577",
    "MU": "S-1-5-32-558", "NO": "S-1-5-32-556", "NS": "S-1-5-20", "NU": "S-1-5-2", "OW": "S-1-3-4", "PO": "S-1-5-32-550",
    "PS": "S-1-5-10", "PU": "S-1-5-32-547", "RA": "S-1-5-32-575", "RC": "S-1-5-12", "RD": "S-1-5-32-555",
    "RE": "S-1-5-32-552", "RM": "S-1-5-32-580", "RU": "S-1-5-32-554", "SI": "S-1-16-16384", "SO": "S-1-5-32-549",
    "SS": "S-1-18-2", "SU": "S-1-5-6", "SY": "S-1-5-18", "UD": "S-1-5-84-0-0-0-0-0", "WD": "S-1-1-0", "WR": "S-1-5-33",
}  # fmt: skip
_PART = "(?:0x[0-9a-f]+|[0-9]+)"
SID = re.compile(rf"S-1(?:-{_PART})+", re.I)
_TRUSTEE = re.compile(rf"S-1(?:-{_PART})+|[a-z]{{2}}|<[^<>]+>", re.I)  # [MS-DTYP] 2.5.1.1 and 2.4.2.1; `<name>`: see the module
_EVERYONE = "S-1-1-0"
CC = ("CC", "0X1", "0X00000001")  # the one right, as a name and as a number
_DIGITS = 15  # of a number of 48 bits, without zeros before it
MAX_DESCRIPTOR = 9999  # characters of a list of accounts that Windows takes, [MS-FASP] 2.2.37
MAX_UNBOUND = 10 * MAX_DESCRIPTOR  # characters of one that is read: names that are not SIDs yet may be longer than those
_MOST = MAX_DESCRIPTOR // len("(A;;CC;;;S-1-1-0)")  # so many accounts are too many, whichever they are
_DACL = re.compile(r"(?:O:[^:()]*)?(?:G:[^:()]*)?D:([A-Z]*)(\(.*\))", re.I | re.S)
_FLAGS_OF_LIST = re.compile("(?:P|AR|AI)*", re.I)
_ABOUT_OTHERS = {"OI", "CI", "NP", "ID"}  # flags of an entry that say something of other objects than its own
_UNBOUND = re.compile(r"""(?:(?<=;)|^)<([^<>|;()"]+)>(?=\)|$)""")  # where an account stands, not a `<` of a condition


def canonical_sid(text: str) -> str:
    """A SID as Windows itself writes it: its numbers in decimal, an authority of 2^32 and more in twelve hexadecimal digits
    ([MS-DTYP] 2.4.2.1). What is no SID, or has numbers that none has, stays as it is."""
    if not SID.fullmatch(text):
        return text
    numbers = []
    for part in text.split("-")[2:]:
        digits = (part[2:] if (is_hex := part[:2] in ("0x", "0X")) else part).lstrip("0") or "0"
        if len(digits) > _DIGITS:
            return text
        numbers.append(int(digits, 16 if is_hex else 10))
    authority, *others = numbers
    if authority >= 2**48 or any(n >= 2**32 for n in others):
        return text
    return "-".join(["S-1", str(authority) if authority < 2**32 else f"0x{authority:012x}", *map(str, others)])


def stored_sid(text: str) -> CaseInsensitive:
    """An account, or a package, as a rule has it: compared in the canonical form, and written as it is. Raises ValueError for the
    word by which people say that there is none, and for spaces alone."""
    said = text.strip()
    if fold(said) in ("", "any"):
        raise ValueError(text)
    found = canonical_sid(said)
    return CaseInsensitive(said) if found.casefold() == said.casefold() else CanonicalText(found, said)


def canonical(text: str) -> CaseInsensitive:
    """The canonical form of a descriptor. Raises ValueError for what is not one."""
    match = _DACL.fullmatch(text.strip()) if len(text) <= MAX_UNBOUND else None
    if not match:
        raise ValueError(f"{quoted(text)} is not a security descriptor like D:(A;;CC;;;SID)")
    if not _FLAGS_OF_LIST.fullmatch(match[1]):
        raise ValueError(f"{quoted(match[1])} is no flag of a list of entries (P, AR, AI)")
    aces: list[str] = []
    for _, alike in groupby(map(_ace, _aces(match[2])), lambda ace: ace.partition(";")[0].removeprefix("X")):
        aces += sorted({ace.casefold(): ace for ace in alike}.values(), key=str.casefold)
    return CaseInsensitive("D:" + "".join(f"({a})" for a in aces))


def _aces(text: str) -> list[str]:
    """The insides of the top-level parentheses: conditional entries nest more. Raises ValueError."""
    found, depth, start, end = [], 0, 0, 0
    for i, c in enumerate(text):
        if c == "(":
            depth += 1
            if depth == 1:
                if text[end:i].strip():
                    raise ValueError(f"{quoted(text[end:i])} stands between entries")
                start = i + 1
        elif c == ")":
            depth -= 1
            if depth == 0:
                found.append(text[start:i])
                end = i + 1
    if depth != 0:
        raise ValueError(f"{quoted(text)} has unequal parentheses")
    return found


def _ace(text: str) -> str:
    fields = text.split(";")
    if len(fields) < 6:
        raise ValueError(f"({text}) is not an access control entry")
    fields[:6] = (f.strip() for f in fields[:6])
    fields[0] = fields[0].upper()
    fields[1] = _flags(fields[1].upper())
    fields[2] = "CC" if fields[2].upper() in CC else fields[2]
    fields[5] = WELL_KNOWN.get(fields[5].upper()) or canonical_sid(fields[5])
    return ";".join(fields)


def _flags(text: str) -> str:
    """The flags of an entry that count, in one order; a text that is none stays."""
    flags = re.findall("..", text)
    return "".join(sorted(set(flags) - _ABOUT_OTHERS)) if len(text) % 2 == 0 else text


def check(descriptor: str, conditional: bool = False) -> str:
    """Why Windows refuses the descriptor in a rule, or nothing ([MS-FASP] 2.2.37). `conditional`: entries may be so."""
    if len(descriptor) > MAX_DESCRIPTOR:
        return f"{len(descriptor)} characters are more than {MAX_DESCRIPTOR}"
    if "|" in descriptor:
        return "the character '|' is not allowed here: it divides the pieces of a rule string"
    for ace in _aces(descriptor[descriptor.index("("):]):
        kind, _, rights = (f.strip().upper() for f in ace.split(";")[:3])
        if kind not in ("A", "D", "XA", "XD"):
            return f"({ace}) is neither an allow nor a deny entry"
        if kind[0] == "X" and not conditional:
            return f"({ace}) has a condition: only the list of local users takes such"
        if rights not in CC:
            return f"({ace}) grants {rights or 'nothing'}: the only right of a rule's list is CC"
        if not _TRUSTEE.fullmatch(trustee := ace.split(";")[5].strip()):
            return f"({ace}): {quoted(trustee)} is no account: a SID (S-1-5-…) stands there, or the two letters of one"
    return ""


def admits_nobody(descriptor: str) -> bool:
    """Whether a canonical list denies everybody: no entry allows, or only behind one that denies Everyone, for the first that
    names the caller decides ([MS-DTYP] 2.5.3.2)."""
    for ace in _aces(descriptor[descriptor.index("("):]):
        kind, flags, _, _, _, trustee = ace.split(";")[:6]
        if "IO" not in flags and (kind.endswith("A") or (kind == "D" and trustee == _EVERYONE)):
            return kind == "D"
    return True


def account(text: str) -> str:
    """How an account stands in a descriptor: its SID, or <name> until the host has translated it."""
    if SID.fullmatch(text):
        return canonical_sid(text)
    if sid := well_known_accounts.SIDS.get(text.casefold()):
        return sid
    if not text or set(text) & set('<>|;()"'):
        raise ValueError(f"{quoted(text)} is neither an account name nor a SID")
    return f"<{text}>"


def parse(value: Any, conditional: bool = False) -> CaseInsensitive | None:
    """A descriptor, or account names and SIDs that are all allowed. `any` or nothing is None."""
    if isinstance(value, str) and re.match(r"\s*(O:|G:|D:)", value, re.I):
        found, said = canonical(value), value.strip()
        if problem := check(said, conditional):
            raise ValueError(problem)
        return found if said == str(found) else CanonicalText(found, said)
    members = as_list(value)
    names = list(dict.fromkeys(map(as_text, members)))
    if not names:
        raise empty_value("any")
    if len(names) > _MOST:
        raise ValueError(f"{len(names)} accounts make a list of more than {MAX_DESCRIPTOR} characters, which Windows refuses: "
                         "name a group")
    if "any" in {n.casefold() for n in names}:
        if len(members) > 1:
            raise ValueError("any stands alone, not beside other accounts")
        return None
    return canonical("D:" + "".join(f"(A;;CC;;;{account(n)})" for n in names))


def host_names(value: str | None) -> tuple[str, ...]:
    """The account names in a value that the host has to translate."""
    return tuple(_UNBOUND.findall(value)) if value and "<" in value else ()


def bound(value: str, sids: Mapping[str, str]) -> CaseInsensitive:
    """The value with every name of `sids` (keys in lower case) replaced by its SID."""
    def in_sids(text: str) -> str:
        return _UNBOUND.sub(lambda m: sids.get(m[1].casefold(), m[0]), text)

    if not value.startswith("D:"):
        return CaseInsensitive(in_sids(value))
    found = canonical(in_sids(value))
    return CanonicalText(found, in_sids(value.spelling)) if isinstance(value, CanonicalText) else found


SDDL = PropertyType("account names, SIDs, or a security descriptor (SDDL)", parse,
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
            lambda v: spelling_of(v) if v else "Any", "account", host_names, sample=[r"CORP\Firewall admins"])
LOCAL_SDDL = replace(SDDL, parse=partial(parse, conditional=True))
"""For local users: from schema version 2.24 on entries may have conditions."""


def parse_owner(value: Any) -> CaseInsensitive | None:
    name = as_text(value) if value is not None else ""
    if not name:
        raise empty_value("any")
    return CaseInsensitive(account(name)) if name.casefold() != "any" else None


OWNER = PropertyType("an account name or SID", parse_owner, {"type": "string"},
             lambda v: str(v) if v else "Any", "account", host_names, sample=r"CORP\svc-agent")


def parse_package(value: Any) -> CaseInsensitive | None:
    found = parse_owner(value)
    if found and not found.startswith("S-1-15-2-"):
        raise ValueError(f"{quoted(value)} is not the SID of an app container (S-1-15-2-…)")
    return found


PACKAGE = PropertyType("the SID of an app container", parse_package, {"type": "string"}, lambda v: str(v) if v else "Any",
                       sample="S-1-15-2-1-2-3-4-5-6-7")
