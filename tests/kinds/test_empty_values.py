"""A value that turned out empty (a template over an unset variable) is a mistake: it would mean any, or none.

Any opens a rule to everything; none of `inbound_security` would make a rule an exemption, none of `encryption` clear text.
"""

from typing import Any

import pytest
from core import KINDS, at, declare

from ringfence.model.resource import Property

SHOWN = ("display_name", "description", "group")  # texts that decide nothing: empty is none
TABLES = {**KINDS, **{p.proposal.kind.name: p.proposal.kind for k in KINDS.values() for p in k.proposals if p.proposal}}
ROWS = [pytest.param(p, id=f"{name}.{p.name}") for name, k in TABLES.items() for p in k.properties.values()
        if p.name not in SHOWN]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("empty", [None, "", []], ids=["null", "text", "list"])
def test_an_empty_value_has_no_meaning(row: Property, empty: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        row.type.parse(empty)


def test_an_empty_security_does_not_make_an_exemption() -> None:
    desired, problems = declare(at(7, "ipsec_rule", name="r", inbound_security=None, outbound_security=None))
    assert not desired
    assert [(p.where.line, p.severity) for p in problems] == [(9, "error"), (10, "error")]
    assert all("the value is empty" in p.summary for p in problems)
