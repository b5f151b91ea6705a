"""Ansible's filters and tests of regular expressions, with every match and every part of a result paid for."""

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from ringfence.regex import compiled, every_match, replacement_of
from ringfence.templates.budget import RenderError, charge, charge_for, charge_pattern
from ringfence.templates.values import text

_SPEED = 16  # characters that a regular expression may look at for one step


def _regex(pattern: Any, ignorecase: Any = False, multiline: Any = False) -> Any:
    charge_pattern(asked := (text(pattern), bool(ignorecase), bool(multiline)))
    with _told():
        return compiled(asked[0], ignorecase=asked[1], multiline=asked[2])


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise RenderError(f"the regular expression is wrong: {error}") from None


def _found(regex: Any, subject: str) -> Iterator[Any]:
    """All matches, each paid for: finding it may have looked at all that is left of the text."""
    with _told():
        for match in every_match(regex, subject):
            charge(1 + (len(subject) - match.start()) // _SPEED)
            yield match


def _groups(match: Any) -> list[str]:
    """The whole match and its groups, paid for; a group that took no part is empty."""
    return [str(charge_for(group)) for group in (match.group(), *match.groups(default=""))]


def regex_replace(value: Any = "", pattern: str = "", replacement: str = "", ignorecase: bool = False,
                  multiline: bool = False, count: int = 0) -> str:
    subject, pieces, end, regex = text(value), list[str](), 0, _regex(pattern, ignorecase, multiline)
    with _told():
        parts = replacement_of(regex, text(replacement))
    for match in itertools.islice(_found(regex, subject), count or None):
        groups = _groups(match)
        charge(len(replacement) + len(parts) // 2 * max(map(len, groups)))
        pieces += [subject[end:match.start()], *(part if isinstance(part, str) else groups[part] for part in parts)]
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
