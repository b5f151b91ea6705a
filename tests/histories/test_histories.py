"""Some histories (more: `make soak`), and those in which something was wrong once."""

from pathlib import Path
from typing import Any

import pytest
from core import cases

from .history import History
from .steps import read, steps

FIRST, SOME = 7_000, 40
ONCE_WRONG = cases("histories")


@pytest.mark.parametrize("number", [*range(FIRST, FIRST + SOME)])
def test_a_host_is_as_the_guide_says_after_each_step(number: int, tmp_path: Path) -> None:
    assert History(tmp_path).happens(steps(number)).wrong == ""


@pytest.mark.parametrize("case", ONCE_WRONG, ids=lambda case: str(case["what"]))
def test_what_was_wrong_once(case: dict[str, Any], tmp_path: Path) -> None:
    assert History(tmp_path).happens(read(case["steps"])).wrong == ""
