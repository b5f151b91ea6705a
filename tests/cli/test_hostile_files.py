"""A sample of tests/cases/hostile_files.yml through the whole program; `make soak` runs all of them."""

from pathlib import Path
from typing import Any

import pytest
from hostile import hostile_files, run_case, wrong

CASES = hostile_files()


@pytest.mark.parametrize("case", [case for case in CASES if case.get("sample")], ids=lambda case: case["name"])
def test_a_hostile_file_costs_seconds_and_is_told_in_a_line(case: dict[str, Any], tmp_path: Path) -> None:
    found = run_case(tmp_path, case)
    assert not wrong(case, found), found.said[:2000]


def test_all_readers_have_cases_of_their_own() -> None:
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)
    commands = {case.get("command", ["validate"])[0] for case in CASES}
    assert commands == {"validate", "plan", "apply", "show", "doc", "schema"}
