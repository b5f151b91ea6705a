"""Tests of what chance gives: `make test` looks at a part of it, `make test-by-chance` at all.

Only where every run has other examples, or where what is left out is more of the same. What has a fixed seed would be the same
part each time: it is looked at whole.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

Test = TypeVar("Test", bound=Callable[..., Any])

WHOLE = "RINGFENCE_SOAK" in os.environ  # set by `make test-by-chance`
PART = 4


def rounds(whole: int) -> int:
    """How often, of so many times in all."""
    return whole if WHOLE else max(1, whole // PART)


def by_chance(examples: int, **more: Any) -> Callable[[Test], Test]:
    """A test of Hypothesis with so many examples; `more`: its other settings."""
    def marked(test: Test) -> Test:
        found: Test = pytest.mark.chance(settings(max_examples=rounds(examples), deadline=None, **more)(test))
        return found

    return marked
