"""Whether a security descriptor in a condition grants a token the right to match ([MS-DTYP] 2.5.3.2; AccessCheck).

For a program in an app container the check is twofold: its account must be granted access, and so must the container: by its own
SID, as one of all application packages, or by a capability ("AppContainer Isolation", "Implementing an AppContainer").
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ringfence.model.wfp import NO_PACKAGE
from ringfence.policy.accounts import EVERYONE
from ringfence.policy.flow_conditions import Outcome
from ringfence.types.sddl import WELL_KNOWN

_EVERY_PACKAGE = "S-1-15-2-1"
_CONTAINERS = "S-1-15-"  # SIDs of app containers and of their capabilities
_PARENTHESES = re.compile("[()]")
_FAMILY = re.compile(r'\(WIN://SYSAPPID Contains "([^"]+)"\)', re.I)
_FILTER_MATCH = 1  # CC, the right that conditions ask for


class _Entry(NamedTuple):
    allows: bool
    trustee: str
    condition: str


@lru_cache(4096)
def _entries(descriptor: str) -> tuple[_Entry, ...] | None:
    """The entries of the list that are about the right to match, in their order; None where it is not understood."""
    start = descriptor.find("D:")
    if start < 0 or descriptor.startswith("NO_ACCESS_CONTROL", start + 2):
        return None
    found = []
    for text in _inside(descriptor[start:].partition("S:(")[0]):
        kind, flags, rights, _, _, trustee, *more = (*text.split(";", 6), "", "", "", "", "", "")[:7]
        if kind.upper() not in ("A", "D", "XA", "XD"):
            return None
        if "IO" in flags.upper() or not _about_matching(rights.upper()):
            continue
        found.append(_Entry(kind.upper().endswith("A"), WELL_KNOWN.get(trustee.upper(), trustee.upper()), "".join(more)))
    return tuple(found)


def _about_matching(rights: str) -> bool:
    if re.fullmatch("0X[0-9A-F]{1,8}", rights):
        return bool(int(rights, 16) & _FILTER_MATCH)
    return rights in ("GA", "FA", "KA") or "CC" in (rights[i:i + 2] for i in range(0, len(rights), 2))


def _inside(text: str) -> Iterator[str]:
    """What is within the outermost parentheses."""
    depth = start = 0
    for found in _PARENTHESES.finditer(text):
        depth += 1 if found[0] == "(" else -1
        if found[0] == "(" and depth == 1:
            start = found.end()
        elif found[0] == ")" and depth == 0:
            yield text[start:found.start()]


def granted(descriptor: str, token: frozenset[str] | None, package: str | None, family: str | None, *,
            contained: bool) -> Outcome:
    """Whether access is granted; in words, what would have to be known.

    token: all SIDs of the account, None where they are not known · package, family: of the app container; NO_PACKAGE and empty
    for none · contained: whether the check is twofold for app containers, as it is where the account is asked for.
    """
    entries = _entries(descriptor)
    if entries is None:
        return f"what {descriptor[:100]} grants"
    account = _first(entries, token, family)
    if not contained or package == NO_PACKAGE or account is False:
        return account
    container = _container(entries, token, package)
    return container if container is not True else account


def _first(entries: tuple[_Entry, ...], token: frozenset[str] | None, family: str | None) -> Outcome:
    """The first entry that is for the token decides."""
    doubt = ""
    for entry in entries:
        if entry.trustee.startswith(_CONTAINERS):
            continue
        if entry.trustee != EVERYONE and (token is None or entry.trustee not in token):
            if token is None:
                doubt = doubt or f"whether its account is {entry.trustee}"
            continue
        holds = _holds(entry.condition, family) if entry.condition else True
        if holds is True:
            return doubt or entry.allows
        if holds is not False:
            doubt = doubt or holds
    return doubt or False


def _holds(condition: str, family: str | None) -> Outcome:
    named = _FAMILY.fullmatch(condition.strip())
    if named is None:
        return f"whether {condition[:100]} holds"
    if family is None:
        return f"whether its program is of the app {named[1]}"
    return family.casefold() == named[1].casefold()


def _container(entries: tuple[_Entry, ...], token: frozenset[str] | None, package: str | None) -> Outcome:
    """Whether a container is granted access, as far as it is known which capabilities it has."""
    listed = {e.trustee for e in entries if e.allows and e.trustee.startswith(_CONTAINERS)}
    if package is None:
        return "whether its program is in an app container"
    if listed & {_EVERY_PACKAGE, package.upper(), *(token or ())}:
        return True
    return "which capabilities its app container has" if listed and token is None else False
