"""Moments: the ways in which people write them, the one form, and what is none."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ringfence.types.moments import in_short, moment_of, moment_text, parse_moment


@pytest.mark.parametrize(("said", "means"), [
    ("2026-12-01T18:00:00Z", "2026-12-01T18:00:00Z"), (" 2026-12-01t18:00:05z ", "2026-12-01T18:00:05Z"),
    ("2026-12-01 18:00Z", "2026-12-01T18:00:00Z"), ("2026-12-01T19:00:30+01:00", "2026-12-01T18:00:30Z"),
    ("2026-12-01T23:30-01:00", "2026-12-02T00:30:00Z"), ("2026-12-01T18:00:00.999999Z", "2026-12-01T18:00:00Z"),
    ("2026-12-01T18:00:00.1234567891Z", "2026-12-01T18:00:00Z"), ("2026-12-01", "2026-12-01T23:59:59Z")])
def test_a_moment_has_one_form(said: str, means: str) -> None:
    assert parse_moment(said) == parse_moment(means) == means
    assert moment_text(moment_of(means)) == means


@pytest.mark.parametrize(("said", "told"), [
    ("", "is no moment"), (None, "is no moment"), ("tomorrow", "is no moment"), ("2026-12-01T18", "is no moment"),
    ("2026-12-01T18:00", r"end it with Z for UTC, or with the offset, 2026-12-01T18:00\+01:00$"),
    ("2026-02-30", "no moment that there is"), ("2026-12-01T24:01Z", "no moment that there is"),
    ("2026-12-01T18:00:00+25:00", "no moment that there is"), ("0001-01-01T00:00+01:00", "no moment that there is"),
    ("٢٠٢٦-12-01", "is no moment"), (7, "is no moment"), ([], "is not a text")])
def test_what_is_no_moment(said: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_moment(said)


def test_of_a_clock_the_seconds_count() -> None:
    assert moment_text(datetime(2026, 12, 1, 18, 0, 7, 999_999, UTC)) == "2026-12-01T18:00:07Z"


def test_people_are_told_seconds_where_there_are_some() -> None:
    assert in_short("2026-12-01T18:00:00Z") == "2026-12-01T18:00Z"
    assert in_short("2026-12-01T23:59:59Z") == "2026-12-01T23:59:59Z"
