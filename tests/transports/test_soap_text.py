"""Messages are written as xml.etree writes them, byte for byte."""

import random
import xml.etree.ElementTree as ET

import pytest
from pypsrp.wsman import NAMESPACES

from ringfence.transports.soap_text import soap_text

NAMES = [f"{{{uri}}}{local}" for uri in list(NAMESPACES.values())[:8] for local in ("A", "Stream")] + ["creationXml"]
for prefix, uri in NAMESPACES.items():  # as every WSMan of pypsrp does
    ET.register_namespace(prefix, uri)
TEXTS = ("", "x", "a & b", "<p>", '"', "'", "line\r\nnext\tcolumn", "\u00fc \u20ac \U0001f600", "]]>", " ")


def _tree(dice: random.Random, depth: int = 0) -> ET.Element:
    made = ET.Element(dice.choice(NAMES), {dice.choice([*NAMES, "Name"]): dice.choice(TEXTS) for _ in range(dice.randrange(3))})
    made.text, made.tail = dice.choice([None, *TEXTS]), dice.choice([None, *TEXTS]) if depth else None
    made.extend(_tree(dice, depth + 1) for _ in range(dice.randrange(4) if depth < 3 else 0))
    return made


@pytest.mark.parametrize("seed", range(40))
def test_a_message_is_written_as_etree_writes_it(seed: int) -> None:
    tree = _tree(random.Random(seed))
    assert soap_text(tree) == ET.tostring(tree, encoding="utf-8", method="xml")


def test_a_namespace_that_is_not_known_is_written_all_the_same() -> None:
    tree = ET.Element("{urn:other}Envelope")
    ET.SubElement(tree, f"{{{NAMESPACES['s']}}}Body", {"{http://www.w3.org/XML/1998/namespace}lang": "en-US"})
    assert soap_text(tree) == ET.tostring(tree, encoding="utf-8", method="xml")
