"""Dumps of the Windows Filtering Platform, written from short rows in the form in which netsh prints them."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ringfence.model.wfp import WfpDump
from ringfence.policy.wfp_flow import WfpFlow
from ringfence.types.addresses import address_interval
from ringfence.windows.wfp_dump import read_wfp_dump

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPES = {"u8": ("FWP_UINT8", "uint8"), "u16": ("FWP_UINT16", "uint16"), "u32": ("FWP_UINT32", "uint32"),
          "u64": ("FWP_UINT64", "uint64"), "ip6": ("FWP_BYTE_ARRAY16_TYPE", "byteArray16"),
          "sd": ("FWP_SECURITY_DESCRIPTOR_TYPE", "sd"), "sid": ("FWP_SID", "sid")}


def blob(text: str) -> str:
    """A text as netsh prints it: UTF-16 with its NUL in hex."""
    return f"<data>{(text + chr(0)).encode('utf-16-le').hex()}</data><asString>{'.'.join(escape(text))}...</asString>"


def value(kind: str, text: str) -> str:
    """A value of a condition; two with `..` between them are a range."""
    low, range_of, high = text.partition("..")
    if range_of:
        return (f"<type>FWP_RANGE_TYPE</type><rangeValue><valueLow>{value(kind, low)}</valueLow>"
                f"<valueHigh>{value(kind, high)}</valueHigh></rangeValue>")
    if kind == "app":
        return f"<type>FWP_BYTE_BLOB_TYPE</type><byteBlob>{blob(text)}</byteBlob>"
    if kind == "net6":
        address, _, length = text.partition("/")
        return (f"<type>FWP_V6_ADDR_MASK</type><v6AddrMask><addr>{address}</addr><prefixLength>{length}</prefixLength>"
                "</v6AddrMask>")
    if kind == "net4":
        address, _, mask = text.partition("/")
        return f"<type>FWP_V4_ADDR_MASK</type><v4AddrMask><addr>{address}</addr><mask>{mask}</mask></v4AddrMask>"
    name, tag = _TYPES.get(kind, (kind, "strange"))
    return f"<type>{name}</type><{tag}>{escape(text)}</{tag}>"


def condition(text: str) -> str:
    """`IP_REMOTE_PORT EQUAL u16 443` as an item; a field with a brace is a GUID."""
    field, match, kind, said = text.split(" ", 3)
    key = field if field.startswith("{") else f"FWPM_CONDITION_{field}"
    return (f"<item><fieldKey>{key}</fieldKey><matchType>FWP_MATCH_{match}</matchType>"
            f"<conditionValue>{value(kind, said)}</conditionValue></item>")


def _key(kind: str, name: str) -> str:
    return name if not name or name.startswith("{") else f"FWPM_{kind}_{name}"


def _list(tag: str, items: Iterable[str]) -> str:
    inner = "".join(f"<item>{i}</item>" for i in items)
    return f"<{tag}>{inner}</{tag}>" if inner else f"<{tag}/>"


def filter_item(number: int, row: Mapping[str, Any]) -> str:
    """One filter. weight: a class below 16, or all of it."""
    weight = row.get("weight", 0)
    kind, _, called = row.get("action", "PERMIT").partition(" ")
    rule = f"<data>{row['rule'].to_bytes(8, 'little').hex()}</data><asString>........</asString>" if "rule" in row else ""
    return (
        f"<item><filterKey>{{{number:08x}-0000-0000-0000-000000000000}}</filterKey>"
        f"<displayData><name>{escape(row.get('name', f'f{number}'))}</name><description/></displayData>"
        + _list("flags", (f"FWPM_FILTER_FLAG_{f}" for f in row.get("flags", ())))
        + f"<providerKey>{_key('PROVIDER', row.get('provider', 'MPSSVC_WF'))}</providerKey><providerData>{rule}</providerData>"
        f"<layerKey>{_key('LAYER', row.get('layer', 'ALE_AUTH_CONNECT_V4'))}</layerKey>"
        f"<subLayerKey>{_key('SUBLAYER', row.get('sublayer', 'MPSSVC_WF'))}</subLayerKey>"
        "<weight><type>FWP_EMPTY</type></weight><filterCondition>" + "".join(map(condition, row.get("if", ())))
        + f"</filterCondition><action><type>FWP_ACTION_{kind}</type><filterType>{_key('CALLOUT', called)}</filterType></action>"
        f"<rawContext>0</rawContext><reserved/><filterId>{number}</filterId>"
        f"<effectiveWeight><type>FWP_UINT64</type><uint64>{weight << 60 if weight < 16 else weight}</uint64></effectiveWeight>"
        "</item>")


def callout_item(row: Mapping[str, Any], layer: str) -> str:
    """One callout of a layer."""
    flags = _list("flags", ["FWPM_CALLOUT_FLAG_REGISTERED"] if row.get("registered", True) else [])
    return (f"<item><calloutKey>{_key('CALLOUT', row['key'])}</calloutKey><displayData><name>{row.get('name', '')}</name>"
            f"<description/></displayData>{flags}<providerKey/><providerData/>"
            f"<applicableLayer>{_key('LAYER', layer)}</applicableLayer><calloutId>1</calloutId></item>")


def dump_text(case: Mapping[str, Any]) -> str:
    """A dump of what a case has. whole: false: as `show filters` prints it."""
    rows: list[Mapping[str, Any]] = case.get("filters", [])
    items = [filter_item(n, row) for n, row in enumerate(rows, 1)]
    if not case.get("whole", True):
        return f"{DECLARATION}<wfpdiag><filters>{''.join(items)}</filters><providers/></wfpdiag>"
    layers = {row.get("layer", "ALE_AUTH_CONNECT_V4"): "" for row in rows} | dict.fromkeys(case.get("layers", ()), "")
    for item, row in zip(items, rows, strict=True):
        layers[row.get("layer", "ALE_AUTH_CONNECT_V4")] += item
    sections = "".join(
        f"<item><layer><layerKey>{_key('LAYER', layer)}</layerKey><flags/><field numItems=\"0\"/></layer><callouts>"
        + "".join(callout_item(row, layer) for row in case.get("callouts", ()))
        + f"</callouts><filters>{filters}</filters></item>" for layer, filters in layers.items())
    sublayers = "".join(
        f"<item><subLayerKey>{_key('SUBLAYER', key)}</subLayerKey><displayData><name/></displayData><flags/><providerKey/>"
        f"<weight>{weight}</weight></item>" for key, weight in case.get("sublayers", {}).items())
    return (f"{DECLARATION}<wfpstate><timeStamp>2026-01-02T03:04:05.678Z</timeStamp><layers>{sections}</layers>"
            f"<subLayers>{sublayers}</subLayers></wfpstate>\n<firewallState><dynamicKeywordAddresses/></firewallState>\n")


def dump_of(case: Mapping[str, Any]) -> WfpDump:
    """The same, read."""
    return read_wfp_dump(dump_text(case))


def flow_of(row: Mapping[str, Any]) -> WfpFlow:
    """The flow of a case: outbound TCP of an ordinary account where it does not say."""
    said = {"way": "outbound", "family": 4, "protocol": 6, "token": ["S-1-1-0"], **row}
    for name in ("local_address", "remote_address"):
        if isinstance(said.get(name), str):
            said[name] = address_interval(said[name])[0]
    said["token"] = None if said["token"] is None else frozenset(said["token"])
    return WfpFlow(**said)
