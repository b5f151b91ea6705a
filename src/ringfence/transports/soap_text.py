"""SOAP messages as text, in a part of the time that xml.etree takes: their namespaces are known, and each message is small."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import lru_cache

from pypsrp.wsman import NAMESPACES

_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}


def soap_text(envelope: ET.Element) -> bytes:
    """A message in UTF-8, byte for byte as `xml.etree.ElementTree.tostring` has it."""
    parts: list[str] = []
    used: set[str] = set()
    try:
        _write(envelope, parts.append, used)
    except KeyError:  # a namespace of nobody here
        return bytes(ET.tostring(envelope, encoding="utf-8", method="xml"))
    declared = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in sorted(used - {"", "xml"}))
    return "".join((parts[0], declared, *parts[1:])).encode()


def _write(element: ET.Element, write: Callable[[str], object], used: set[str]) -> None:
    """An element and what is in it. `used` has the prefixes. Raises KeyError."""
    name, prefix = _qualified(element.tag)
    used.add(prefix)
    write(f"<{name}")
    for key, value in element.attrib.items():
        of_attribute, prefix = _qualified(key)
        used.add(prefix)
        write(f' {of_attribute}="{_escaped_attribute(value)}"')
    if element.text or len(element):
        write(f">{_escaped(element.text or '')}")
        for inner in element:
            _write(inner, write, used)
        write(f"</{name}>{_escaped(element.tail or '')}")
    else:
        write(f" />{_escaped(element.tail or '')}")


@lru_cache(512)
def _qualified(tag: str) -> tuple[str, str]:
    """A name as it is written, and its prefix. Raises KeyError where its namespace has none."""
    if not tag.startswith("{"):
        return tag, ""
    uri, _, local = tag[1:].partition("}")
    return f"{_PREFIXES[uri]}:{local}", _PREFIXES[uri]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped_attribute(text: str) -> str:
    return _escaped(text).replace('"', "&quot;").replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#09;")
