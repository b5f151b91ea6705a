"""Ansible's filters and tests of regular expressions, with every match and every part of a result paid for."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from ringfence.regex import compiled
from ringfence.templates.budget import RenderError, charge, charge_for, charge_pattern
from ringfence.templates.values import text

_SPEED = 16  # characters that a regular expression may look at for one step


def _regex(pattern: Any, ignorecase: Any = False, multiline: Any = False) -> Any:
    charge_pattern(asked := (text(pattern), bool(ignorecase), bool(multiline)))
    try:
        return compiled(asked[0], ignorecase=asked[1], multiline=asked[2])
    except ValueError as error:
        raise RenderError(f"the regular expression is wrong: {error}") from None


def _found(regex: Any, subject: str) -> Iterator[Any]:
    """All matches, each paid for: finding it may have looked at all that is left of the text."""
    for match in regex.finditer(subject):
        charge(1 + (len(subject) - match.start()) // _SPEED)
        yield match


def _groups(match: Any) -> list[str]:
    """The whole match and its groups, paid for; a group that took no part is empty."""
    return [str(charge_for(group)) for group in (match.group(), *match.groups(default=""))]


def regex_replace(value: Any = "", pattern: str = "", replacement: str = "", ignorecase: bool = False,
                  multiline: bool = False, count: int = 0) -> str:
    subject, pieces, end = text(value), [], 0
    for match in itertools.islice(_found(_regex(pattern, ignorecase, multiline), subject), count or None):
        charge(len(replacement) + replacement.count("\\") * max(map(len, _groups(match))))
        pieces += [subject[end:match.start()], match.expand(replacement)]
        end = match.end()
    return "".join([*pieces, subject[end:]])


def regex_search(value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    match = _regex(pattern, ignorecase, multiline).search(text(value))
    if match is None or not groups:
        return match.group() if match else None
    names = [re.fullmatch(r"\\g<(\S+)>|\\(\d+)", g) for g in groups]
    if not all(names):
        raise RenderError("regex_search: a group is written as '\\\\1' or '\\\\g<name>'")
    return [match.group(n[1] or int(n[2])) for n in names if n]


def regex_findall(value: Any, pattern: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    found = map(_groups, _found(_regex(pattern, ignorecase, multiline), text(value)))
    return [groups[0] if len(groups) == 1 else groups[1] if len(groups) == 2 else tuple(groups[1:]) for groups in found]


def matches(how: str) -> Callable[..., bool]:
    """The test `match`, `search` or `fullmatch`."""
    def test(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False,
             match_type: str = how) -> bool:
        kind = match_type if match_type in ("search", "match", "fullmatch") else "search"
        return getattr(_regex(pattern, ignorecase, multiline), kind)(text(value)) is not None
    return test
