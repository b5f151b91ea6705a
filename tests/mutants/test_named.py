"""The faults with names can still be put in: whoever changes such a line changes its fault too."""

import ast
from pathlib import Path

from .__main__ import MODULES
from .named import named_mutants


def test_every_named_fault_is_one_of_the_code_as_it_is() -> None:
    found = list(named_mutants(Path(__file__).parents[2]))
    assert len(found) > 20
    assert len({one.name for one in found}) == len(found)
    for one in found:
        ast.parse(one.mutant.source)
        assert one.file in MODULES
        assert one.mutant.before != one.mutant.after
