"""Tests of what chance gives: `make test` looks at a part of it, `make soak` at all.

Every run gives other examples, so that a part of them each time comes to all of them in a few days of pipelines.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

Test = TypeVar("Test", bound=Callable[..., Any])

WHOLE = "RINGFENCE_SOAK" in os.environ  # set by `make soak`
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
