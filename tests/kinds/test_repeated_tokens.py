"""A token that a string says twice: both pieces count, or the second is kept as a piece that nobody understands."""

from itertools import permutations
from typing import Any

import pytest
from core import KINDS, cases

from ringfence.codecs.tokens import TokenSet
from ringfence.model.resource import Kind, Resource
from ringfence.model.storage import RuleStrings

PIECES = {piece for name in ("firewall_rules", "ipsec_rules") for case in cases(name) for piece in case["string"].split("|")
          if piece.partition("=")[2]}


def twice() -> list[Any]:
    """(kind, piece, another piece of the same token), of every token of every kind for which the cases have two."""
    found = []
    for kind in KINDS.values():
        if isinstance(kind.storage, RuleStrings):
            tokens = {t.lower() for p in kind.properties.values() for t in getattr(p.codec, "tokens", ())}
            for token in sorted(tokens):
                mine = sorted({p for p in PIECES if p.partition("=")[0].lower() == token}, key=lambda p: (p.casefold(), p))[:4]
                found += [pytest.param(kind, *pair, id=f"{kind.name}-{pair[0]}-{pair[1]}") for pair in permutations(mine, 2)
                          if pair[0].casefold() != pair[1].casefold()]
    return found


@pytest.mark.parametrize(("kind", "first", "second"), twice())
def test_the_second_piece_is_not_lost(kind: Kind, first: str, second: str) -> None:
    """Unless it says what absence does, or the same as the first in another word (two names of one bit)."""
    nothing, alone, other, both = (kind.read_string("r", f"v2.31|{pieces}") for pieces in (
        "", f"{first}|", f"{second}|", f"{first}|{second}|"))
    assert both != alone or other in (nothing, alone) or covers(alone, other)


def covers(one: Resource, other: Resource) -> bool:
    """Whether every list of the other is in the lists of the one: 10.0.0.1 is in 10.0.0.0/8."""
    lists = [(p.codec, getattr(one, p.name), getattr(other, p.name)) for p in one.kind.properties.values()
             if isinstance(p.codec, TokenSet)]
    return all(codec.canonical({*mine, *its}) == mine for codec, mine, its in lists)


def test_most_tokens_are_tried() -> None:
    tried = [p.values for p in twice()]
    assert len({(kind.name, first.partition("=")[0].lower()) for kind, first, _ in tried}) > 50
    idle = [first for kind, first, _ in tried if kind.read_string("r", f"v2.31|{first}|") == kind.read_string("r", "v2.31|")]
    assert len(idle) < len(tried) / 10
