"""Conditions of filters as netsh prints them, as values (FWP_CONDITION_VALUE0, FWP_DATA_TYPE).

An IPv4 address is a `uint32` printed with dots, an IPv6 address a `byteArray16`; a path is a blob of UTF-16 that ends with a NUL.
What is of another form keeps its XML, and no value: then nobody knows whether the condition holds.
"""

import re
from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from ringfence.model.wfp import WfpCondition, WfpRange
from ringfence.types.addresses import address_interval
from ringfence.windows.wfp_keys import key_name

Element = ElementTree.Element
_MAX_KEPT = 1_000  # characters of the XML of a condition that nobody understands
_NUMBER = re.compile(r"-?[0-9]{1,20}|0x[0-9a-fA-F]{1,16}")
_SIXTEEN_BYTES = re.compile("[0-9a-fA-F]{32}")


def text_of(element: Element, path: str) -> str:
    """The text of something inside an element; empty where there is none."""
    return element.findtext(path) or ""


def number_from(text: str) -> int | None:
    """A number in decimal or with 0x; None for anything else."""
    text = text.strip()
    return int(text, 0 if text.startswith("0x") else 10) if _NUMBER.fullmatch(text) else None


def address_from(text: str) -> int | None:
    """An address as a number, in any form that netsh has; None for what is none."""
    text = text.strip()
    if _SIXTEEN_BYTES.fullmatch(text):
        return 1 << 128 | int(text, 16)
    try:
        first, last, _ = address_interval(text.partition("%")[0])
    except ValueError:
        return None
    return first if first == last else None


def blob_text(element: Element) -> str | None:
    """The UTF-16 text in a blob (`data`, in hex); None where it is no such text."""
    try:
        text = bytes.fromhex(text_of(element, "data")).decode("utf-16-le")
    except ValueError:
        return None
    return text.removesuffix("\0") if text.endswith("\0") and "\0" not in text[:-1] else None


def condition_from(item: Element) -> WfpCondition:
    """One item of `filterCondition`."""
    inside = item.find("conditionValue")
    value = None if inside is None else _value(inside)
    match = text_of(item, "matchType").removeprefix("FWP_MATCH_")
    return WfpCondition(key_name(text_of(item, "fieldKey")), match, value, _verbatim(item) if value is None else "")


def _verbatim(item: Element) -> str:
    text = " ".join(filter(None, (t.strip() for t in item.itertext())))
    return text[:_MAX_KEPT] + ("…" if len(text) > _MAX_KEPT else "")


def _value(element: Element) -> int | str | WfpRange | None:
    read = _READERS.get(text_of(element, "type"))
    return read(element) if read else None


def _number(element: Element) -> int | None:
    """The number, or address, that stands beside the type."""
    text = next((child.text or "" for child in element if child.tag != "type"), "")
    found = number_from(text)
    return address_from(text) if found is None else found


def _range(element: Element) -> WfpRange | None:
    ends = (element.find(f"rangeValue/{name}") for name in ("valueLow", "valueHigh"))
    low, high = (None if end is None else _value(end) for end in ends)
    return WfpRange(low, high) if isinstance(low, int) and isinstance(high, int) else None


def _subnet(name: str, size: str) -> Callable[[Element], WfpRange | None]:
    def read(element: Element) -> WfpRange | None:
        address, length = text_of(element, f"{name}/addr").strip(), text_of(element, f"{name}/{size}").strip()
        try:
            first, last, _ = address_interval(f"{address}/{length}")
        except ValueError:
            return None
        return WfpRange(first, last)

    return read


def _text(name: str) -> Callable[[Element], str | None]:
    return lambda element: element.findtext(name)


def _blob(element: Element) -> str | None:
    blob = element.find("byteBlob")
    return None if blob is None else blob_text(blob)


_READERS: Mapping[str, Callable[[Element], int | str | WfpRange | None]] = {
    **{f"FWP_{sign}INT{bits}": _number for sign in ("U", "") for bits in (8, 16, 32, 64)},
    "FWP_BYTE_ARRAY16_TYPE": _number, "FWP_RANGE_TYPE": _range, "FWP_V4_ADDR_MASK": _subnet("v4AddrMask", "mask"),
    "FWP_V6_ADDR_MASK": _subnet("v6AddrMask", "prefixLength"), "FWP_BYTE_BLOB_TYPE": _blob,
    "FWP_SECURITY_DESCRIPTOR_TYPE": _text("sd"), "FWP_SID": _text("sid"), "FWP_UNICODE_STRING_TYPE": _text("unicodeString")}
