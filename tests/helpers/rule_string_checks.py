"""What holds of every rule string, whoever wrote it: it reads without loss, and each of its pieces counts."""

import re

from core import KINDS, RULE, afresh

from ringfence.codecs.tokens import TokenSet
from ringfence.model.resource import Kind

KINDS_OF_KEYS = {"firewallrules": RULE, "consecrules": KINDS["ipsec_rule"], "mainmoderules": KINDS["ipsec_main_mode_rule"]}
"""By the last part of the path of a key, in lower case."""
_NEUTRAL = re.compile("[^=]*=|(active|edge|lsm|lom|authbypassout|authz|bypasstunnel|secureinclearout|keymanager[a-z]*)=false|"
                      r"protocol=(256|any)|(auth1set|crypto[12]set)=\{e5a5d32a-4bce-4e4d-b07f-4ab1ba7e5fe[123]\}", re.I)


def assert_reads_without_loss(kind: Kind, name: str, string: str) -> None:
    """It is written back as it stood, with a switch turned too, and is understood or kept."""
    found = kind.read_string(name, string)
    assert kind.write_string(found) == string
    changed = found.replace(enabled=not found.values()["enabled"])
    written = kind.write_string(changed)
    assert kind.read_string(name, written) == changed, string
    assert [p for p in written.split("|") if not _is_active(p)] == [p for p in string.split("|") if not _is_active(p)]
    rewritten = afresh(found)
    assert kind.read_string(name, rewritten) == found, string
    assert afresh(kind.read_string(name, rewritten)) == rewritten, string
    said = {p.partition("=")[0].lower() for p in string.split("|")}
    for p in kind.properties.values():  # an exemption names no sets
        understood = getattr(found, p.name) is not None or p.default is None or p.references
        assert understood or found.unknown_tokens or not said & _tokens_of(kind, p.name), f"{p.name}: {string}"


def _is_active(piece: str) -> bool:
    return piece.lower().startswith("active=")


def _tokens_of(kind: Kind, property: str) -> set[str]:
    """The tokens that a property is read from, in lower case."""
    return {token.lower() for codec, names in kind.codec.names.items() if property in names for token in codec.tokens}


def assert_every_piece_counts(kind: Kind, string: str) -> None:
    """Take one away and the rule reads otherwise, or the piece is one that says nothing."""
    pieces = [p for p in string.split("|")[1:] if p]
    whole = kind.codec.read(string)
    for i, piece in enumerate(pieces):
        rest = pieces[:i] + pieces[i + 1:]
        assert kind.codec.read("|".join(["v2.31", *rest])) != whole or _says_nothing(kind, piece, rest), f"{piece} in {string}"


def _says_nothing(kind: Kind, piece: str, others: list[str]) -> bool:
    """A default that is written out; what stands there twice, under two names of one bit, or within another member of a list."""
    token = piece.partition("=")[0]
    codec = kind.codec.owner[token]
    listed = isinstance(codec, TokenSet) or token.lower().startswith("icmp")
    family = any(o.partition("=")[0].lower().rstrip("_0123456789") == token.lower().rstrip("_0123456789") for o in others)
    return bool(_NEUTRAL.fullmatch(piece)) or piece.lower() in map(str.lower, others) or (listed and family)
