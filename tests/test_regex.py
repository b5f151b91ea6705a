"""Expressions mean what they mean in Python, where RE2 can match them at all."""

import itertools
import re
from typing import Any

import pytest
from chance import by_chance
from hypothesis import assume, given
from hypothesis import strategies as st

from ringfence.regex import compiled, every_match
from ringfence.templates.budget import RenderError, one_budget
from ringfence.templates.matching import regex_findall, regex_replace

CLASS = st.sampled_from([r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", "[a-c]", r"[\w-]", r"[^\d.]",
                         r"[]\s]", ".", "ü", r"\.", r"\\"])
PIECE = st.tuples(CLASS, st.sampled_from(["", "*", "+", "?", "{1,3}"])).map("".join)
TEXT = st.text(st.sampled_from("aZ_9 .-]\\\tüß٣Ⅷ漢\u00a0\u2003\x85\x1c\x0b"), max_size=12)


@by_chance(300)
@given(st.lists(PIECE, min_size=1, max_size=4).map("".join), TEXT)
def test_the_same_matches_as_python(pattern: str, text: str) -> None:
    assert [m.span() for m in compiled(pattern).finditer(text)] == [m.span() for m in re.finditer(pattern, text)]


SMALL = st.recursive(
    st.sampled_from(["a", "b", ".", "^", "$", "", "[ab]", r"\b"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join), st.tuples(inner, inner).map("|".join), inner.map("({})".format),
        st.tuples(inner.map("(?:{})".format), st.sampled_from(["*", "+", "?", "{2}", "*?", "+?", "??"])).map("".join)),
    max_leaves=5)


def repeats_a_group_for_nothing(parsed: Any) -> bool:
    """Whether a group stands in a repetition whose round may match nothing."""
    for operation, argument in parsed:
        inner = [part for part in (argument if isinstance(argument, tuple) else (argument,)) if hasattr(part, "getwidth")]
        if isinstance(argument, tuple) and isinstance(argument[1], list):  # the branches of |
            inner += argument[1]
        repeats = str(operation) in ("MAX_REPEAT", "MIN_REPEAT") and argument[1] > 1
        if any((repeats and one.getwidth()[0] == 0 and "SUBPATTERN, (" in repr(one)) or repeats_a_group_for_nothing(one)
               for one in inner):
            return True
    return False


@by_chance(2000)
@given(SMALL, st.text("ab\n", max_size=5), st.booleans(), st.lists(
    st.sampled_from(["-", "ü", r"\1", r"\g<0>", r"\n", r"\\", r"\.", r"\101", r"\0", r"\d", r"\g<a>"]), max_size=3).map("".join))
def test_replaced_and_found_as_python_does(pattern: str, text: str, multiline: bool, replacement: str) -> None:
    """But for what the module names: `$` before a last line end; what would be found behind nothing is refused."""
    assume(multiline or not text.endswith("\n"))
    python = re.compile(pattern, re.MULTILINE if multiline else 0)
    spans = [m.span() for m in python.finditer(text)]
    if any(one == (other[0], other[0]) < other for one, other in itertools.pairwise(spans)):
        with pytest.raises(ValueError, match="nothing where it could match something"):
            list(every_match(compiled(pattern, multiline=multiline), text))
        return
    assert [m.span() for m in every_match(compiled(pattern, multiline=multiline), text)] == spans
    assume(not repeats_a_group_for_nothing(re._parser.parse(pattern)))  # type: ignore[attr-defined]
    with one_budget():  # an example's own
        assert regex_findall(text, pattern, multiline=multiline) == python.findall(text)
        try:
            wanted = python.sub(replacement, text)
        except (re.error, IndexError):
            with pytest.raises(RenderError, match="in a replacement"):
                regex_replace(text, pattern, replacement, multiline=multiline)
            return
        assert regex_replace(text, pattern, replacement, multiline=multiline) == wanted


@pytest.mark.parametrize(("pattern", "why"), [
    ("(?=a)", "look-around"), ("(?<!a)b", "look-around"), (r"(a)\1", "references back"), ("a" * 1001, "more than 1000"),
    (r"[\W]", "inside of brackets"), ("(", "missing")])
def test_what_is_refused_says_why(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        compiled(pattern)


def test_flags() -> None:
    assert compiled("ä|b", ignorecase=True).search("xÄ")
    assert [m.group() for m in compiled("^.", multiline=True).finditer("a\nb")] == ["a", "b"]
