"""Moments as people write them (RFC 3339), in one form: UTC, to the second. Of two such texts the greater one is later."""

import re
from datetime import UTC, datetime
from typing import Any

from ringfence.types.base import as_text, quoted

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT_FORMS = "2026-12-01T18:00:00Z, 2026-12-01T19:00:00+01:00, or 2026-12-01 for the end of that day in UTC"
"""The ways in which a moment may be written, as a message shows them."""


def parse_moment(value: Any) -> str:
    """A moment of RFC 3339 with its offset, or a date, which means the last second of that day in UTC. Fractions of a second do
    not count, and the seconds may be left out. Raises ValueError."""
    written = as_text(value) if value is not None else ""
    found = _MOMENT.fullmatch(f"{written}T23:59:59Z" if _DATE.fullmatch(written) else written)
    if found is None:
        raise ValueError(f"{quoted(written)} is no moment: write {MOMENT_FORMS}")
    date, time, _, offset = found.groups()
    if offset is None:
        raise ValueError(f"{quoted(written)} does not say of which time zone it is: end it with Z for UTC, or with the offset, "
                         f"{date}T{time}+01:00")
    try:
        at = datetime.fromisoformat(f"{date}T{time}{offset.upper().replace('Z', '+00:00')}")
        return moment_text(at)
    except (ValueError, OverflowError):
        raise ValueError(f"{quoted(written)} is no moment that there is: write {MOMENT_FORMS}") from None


def moment_text(at: datetime) -> str:
    """A moment in that form."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def moment_of(text: str) -> datetime:
    """The moment that such a text says. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def in_short(text: str) -> str:
    """Such a text for people, without the seconds where they are 0."""
    return text[:-4] + "Z" if text.endswith(":00Z") else text
