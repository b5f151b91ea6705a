"""Which hosts a pattern means: `hosts:` of a play and `--limit`, as Ansible reads them.

Names of groups and hosts, globs, `~regex`, subscripts of groups (`web[0]`, `web[0:2]`, the last included), several
joined by commas or colons, `&` to intersect, `!` to exclude. Included first, then intersected, then excluded.
"""

import fnmatch
import itertools
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ringfence.diagnostics import NOWHERE, Problems, Where, suggest
from ringfence.documents.yaml import read_text
from ringfence.files import MAX_PATTERNS
from ringfence.inventory.draft import MEMBER
from ringfence.inventory.hostnames import is_ipv6, split_port
from ringfence.inventory.inventory import LOCALHOST, Inventory
from ringfence.regex import MAX_PATTERN, compiled

_PATTERN = 3000  # steps that it costs to compile a pattern
_MAGIC = re.compile(r"[*?\[]")
_BRACKET, _IN_BRACKETS = re.compile(r"[\[\]]"), re.compile(r"\[[^\]\[]*\]")
_PIECE = re.compile(r"(?:[^\s:\[\]]|\[[^\]\[]*\])+")
_LOOKS_LIKE_SUBSCRIPT = re.compile(r"(.+)\[([0-9]+-[0-9]+)\]")
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]{1,9})|([0-9]{1,9}):([0-9]{0,9}))\]")


def split(pattern: str | Sequence[str]) -> list[str]:
    """The single patterns of a compound one."""
    if not isinstance(pattern, str):
        return [piece for one in pattern for piece in split(one)]
    if "," in pattern:
        pieces = pattern.split(",")
    elif is_ipv6(pattern.strip("[]")) or split_port(pattern)[1] is not None:
        pieces = [pattern]
    else:
        pieces = _PIECE.findall(pattern)
    return [p.strip() for p in pieces if p.strip()]


def select(inventory: Inventory, pattern: str | Sequence[str], problems: Problems, where: Where = NOWHERE) -> list[str]:
    """The names of the hosts that a pattern means, in the order of the inventory's groups. A name that nobody has, and a part
    that cannot be read, is a mistake in `problems`; a pattern that matches nothing is a warning."""
    pieces = split(pattern)
    for one in [pattern] if isinstance(pattern, str) else pattern:
        if not one.startswith("~") and _BRACKET.search(_IN_BRACKETS.sub("", one)):
            problems.error(where, f'the host pattern "{one[:60]}" is wrong: a bracket is missing')
            return []
    including = [p for p in pieces if p[0] not in "&!"] or ["all"]
    hosts: dict[str, None] = {}
    for piece in including:
        hosts.update(dict.fromkeys(_single(inventory, piece, problems, where)))
    inventory.pay(MEMBER * len(hosts), where, "hosts of plays")
    for piece in (p for p in pieces if p[0] == "&"):
        kept = set(_single(inventory, piece[1:], problems, where))
        hosts = {h: None for h in hosts if h in kept}
    for piece in (p for p in pieces if p[0] == "!"):
        for host in _single(inventory, piece[1:], problems, where):
            hosts.pop(host, None)
    return list(hosts)


def limit(inventory: Inventory, pattern: str, problems: Problems, flag: str = "--limit") -> frozenset[str] | None:
    """The hosts that `--limit` leaves, or None where there is no limit. `@FILE` names a file with a pattern a line.
    A limit that leaves no host is a mistake in `problems`. flag: what was given; nothing of an argument, which stands alone."""
    if not pattern.strip():
        return None
    where = Where(f"{flag} {pattern[:60]}") if flag else NOWHERE
    pieces = pieces_of_limit(pattern, problems, where)
    if not pieces and not problems.failed:  # with Ansible that is every host: nobody means that by an empty list of some
        summary = "the limit names no host" if flag else f"{pattern[:60]} names no host"
        problems.error(where, summary, f"Say `all`, or give {'no limit' if flag else 'none'}, where every host is meant.")
    hosts = select(inventory, pieces, problems, where)
    if not hosts and not problems.failed:
        problems.error(where, "the limit leaves no host" if flag else f"no host is meant by {pattern[:60]}")
    return frozenset(hosts)


def pieces_of_limit(pattern: str, problems: Problems, where: Where = NOWHERE) -> list[str]:
    """The single patterns of a `--limit`, those in files that it names among them."""
    pieces: list[str] = []
    for piece in split(pattern):
        if piece.startswith("@"):
            text = read_text(Path(os.path.expanduser(piece[1:])), problems, where, MAX_PATTERNS) or ""
            pieces += split([line for line in map(str.strip, text.splitlines()) if line])
        else:
            pieces.append(piece)
    return pieces


def _single(inventory: Inventory, piece: str, problems: Problems, where: Where) -> Sequence[str]:
    """The hosts of one pattern without `&` and `!`."""
    inventory.pay(1, where, "host patterns")
    if piece in inventory.entries:
        return [piece]
    match = None if piece.startswith("~") else _SUBSCRIPT.fullmatch(piece)
    hosts = _matching(inventory, match[1] if match else piece, problems, where)
    if not match or not hosts:
        return hosts
    if match[2] is None:
        return hosts[int(match[3]):int(match[4]) + 1 if match[4] else None]
    index = int(match[2])
    if not -len(hosts) <= index < len(hosts):
        problems.error(where, f'"{piece[:60]}" asks for a host that is not there: {match[1][:60]} has {len(hosts)}')
        return []
    return [hosts[index]]


def _matching(inventory: Inventory, piece: str, problems: Problems, where: Where) -> list[str]:
    if piece in inventory.groups and not _MAGIC.search(piece):
        found = inventory.members[piece]
        inventory.pay(len(found), where, "host patterns")
        if "." not in piece:
            return list(found)
    try:
        fits = _fits(inventory, piece, where)
    except (ValueError, re.error, RecursionError, OverflowError) as error:
        problems.error(where, f'the host pattern "{piece[:60]}" is wrong: {error}')
        return []
    groups = [g for g in inventory.groups if fits(g)]
    hosts: dict[str, None] = {}
    for group in groups:
        inventory.pay(len(inventory.members[group]), where, "host patterns")
        hosts.update(dict.fromkeys(inventory.members[group]))
    if not groups or piece.startswith("~") or any(c in piece for c in ".?*["):
        hosts.update(dict.fromkeys(h for h in inventory.entries if fits(h)))
    if not hosts and piece in LOCALHOST:
        return [next((h for h in inventory.entries if h in LOCALHOST), piece)]
    if not hosts and not groups and piece != "all":
        known = suggest(piece, itertools.chain(inventory.groups, inventory.entries))
        told = problems.warn if piece.startswith("~") or _MAGIC.search(piece) else problems.error  # a name has to be one
        told(where, f'no host or group matches "{piece[:60]}"', known)
    if (looks := _LOOKS_LIKE_SUBSCRIPT.fullmatch(piece)) and looks[1] in inventory.groups:
        problems.warn(where, f'"{piece[:60]}" means names that end in one character of {looks[2]}',
                      f"Hosts of the group by their number are {looks[1]}[{looks[2].replace('-', ':')}].")
    return list(hosts)


def _fits(inventory: Inventory, piece: str, where: Where) -> Callable[[str], object]:
    """Whether a name fits a pattern. Raises ValueError where it is wrong, InputError where there are too many of them."""
    if not piece.startswith("~") and not _MAGIC.search(piece):
        return piece.__eq__
    if len(piece) > MAX_PATTERN:
        raise ValueError(f"it has more than {MAX_PATTERN} characters")
    inventory.pay(_PATTERN + (3 + len(piece) // 8) * (len(inventory.groups) + len(inventory.entries)), where, "host patterns")
    return compiled(piece[1:]).match if piece.startswith("~") else re.compile(fnmatch.translate(piece)).match
