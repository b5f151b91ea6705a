"""Expressions mean what they mean in Python, where RE2 can match them at all."""

import re

import pytest
from chance import by_chance
from hypothesis import given
from hypothesis import strategies as st

from ringfence.regex import compiled

CLASS = st.sampled_from([r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", "[a-c]", r"[\w-]", r"[^\d.]",
                         r"[]\s]", ".", "ü", r"\.", r"\\"])
PIECE = st.tuples(CLASS, st.sampled_from(["", "*", "+", "?", "{1,3}"])).map("".join)
TEXT = st.text(st.sampled_from("aZ_9 .-]\\\tüß٣Ⅷ漢\u00a0\u2003\x85\x1c\x0b"), max_size=12)


@by_chance(300)
@given(st.lists(PIECE, min_size=1, max_size=4).map("".join), TEXT)
def test_the_same_matches_as_python(pattern: str, text: str) -> None:
    assert [m.span() for m in compiled(pattern).finditer(text)] == [m.span() for m in re.finditer(pattern, text)]


@pytest.mark.parametrize(("pattern", "why"), [
    ("(?=a)", "look-around"), ("(?<!a)b", "look-around"), (r"(a)\1", "references back"), ("a" * 1001, "more than 1000"),
    (r"[\W]", "inside of brackets"), ("(", "missing")])
def test_what_is_refused_says_why(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        compiled(pattern)


def test_flags() -> None:
    assert compiled("ä|b", ignorecase=True).search("xÄ")
    assert [m.group() for m in compiled("^.", multiline=True).finditer("a\nb")] == ["a", "b"]
