"""The faults with names can still be put in: whoever changes such a line changes its fault too."""

import ast

from .named import named_mutants
from .trees import ROOT, sources


def test_every_named_fault_is_one_of_the_code_as_it_is() -> None:
    found = list(named_mutants(ROOT))
    assert len(found) > 20
    assert len({one.name for one in found}) == len(found)
    for one in found:
        ast.parse(one.mutant.put_into((ROOT / one.file).read_text(encoding="utf-8")))
        assert one.file in sources()
        assert one.mutant.before != one.mutant.after
