"""Lists of accounts in rules: security descriptors, of which a token is granted the right to match a filter, or is not."""

import re
from functools import lru_cache

from ringfence.lab.enforcement.simulated_flow import EVERYONE

# MS-DTYP 2.5.1.1, those that are the same on every machine; others stand for accounts of a domain
_ALIASES = {"WD": EVERYONE, "AN": "S-1-5-7", "AU": "S-1-5-11", "IU": "S-1-5-4", "NU": "S-1-5-2", "SU": "S-1-5-6",
            "SY": "S-1-5-18", "LS": "S-1-5-19", "NS": "S-1-5-20", "BA": "S-1-5-32-544", "BU": "S-1-5-32-545",
            "BG": "S-1-5-32-546", "AC": "S-1-15-2-1"}
_ENTRY = re.compile(r"\((?P<kind>A|D);[A-Z]*;(?P<rights>\w+);;;(?P<sid>[\w-]+)\)")
_WHOLE = re.compile(r"(?:O:[\w-]+?)?(?:G:[\w-]+?)?D:[A-Z]*?(?P<entries>(?:\(.*\))*)")


@lru_cache(maxsize=4096)
def _entries(sddl: str) -> tuple[tuple[bool, str], ...] | None:
    """(whether it allows, SID) of each entry that has CC ("filter match"); None where the text has entries of other kinds."""
    whole = _WHOLE.fullmatch(sddl.strip())
    if whole is None:
        return None
    found = list(_ENTRY.finditer(whole["entries"]))
    if "".join(entry[0] for entry in found) != whole["entries"]:
        return None
    sids = [(entry["kind"] == "A", _ALIASES.get(entry["sid"], entry["sid"])) for entry in found if "CC" in entry["rights"]]
    return None if any(not sid.startswith("S-1-") for _, sid in sids) else tuple(sids)


def grants(sddl: str, token: tuple[str, ...] | None) -> bool | None:
    """Whether an account with these SIDs is on a list: the first entry for one of them says so (MS-DTYP 2.5.3.2).

    Not decided where the account is not known, or where the list has conditional entries, or accounts of a domain by two letters.
    """
    entries = _entries(sddl)
    if entries is None or token is None:
        return None
    return next((allows for allows, sid in entries if sid in token or sid == EVERYONE), False)
