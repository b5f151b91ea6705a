"""Dumps of the Windows Filtering Platform, from `netsh wfp show state` and `netsh wfp show filters`. Pure.

A dump of the state has two roots, one after the other (`wfpstate` and `firewallState`), and so is no document of XML: all
stands inside of one that is made here, where no document type can be declared, and so no entity. Lists are known by their names,
wherever they stand; sections may be missing (sublayers in a dump of filters). What is not understood is passed over, but for
conditions, which are kept. Elements are let go of as soon as they are read.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import cast
from xml.etree import ElementTree

from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.model.wfp import WfpCallout, WfpConnection, WfpDump, WfpFilter, WfpProvider, WfpSession, WfpSublayer
from ringfence.windows.wfp_keys import key_name
from ringfence.windows.wfp_values import Element, address_from, blob_text, condition_from, number_from, text_of

MAX_WFP_DUMP = 64 * 2**20  # bytes of a dump of the Windows Filtering Platform: one of 1,000 filters has 3.5 million
MAX_WFP_DEPTH = 100  # elements within each other in such a dump: real ones have 14
MAX_WFP_CONDITIONS = 1_000_000  # conditions of all filters of such a dump: real ones have 5,000
_CHUNK = 2**16  # characters
_NUMBER_BYTES = 8
_NOTHING: Element = ElementTree.Element("nothing")
_ROOT = re.compile("<(wfpstate|wfpdiag)[ />]")
_DECLARATION = re.compile(r"<\?xml[^<>]{0,200}\?>")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]"  # what names of strangers may hold, as itself
                      "|&#(?:x0{0,8}(?:[0-8bcef]|1[0-9a-f])|0{0,8}(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.I)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_AGAIN = "Take it again on the host, as an administrator: netsh wfp show state file=state.xml"


def is_wfp_dump(data: str | bytes) -> bool:
    """Whether this looks like a dump of filters or of the state, by what it begins with."""
    return _ROOT.search(_decoded(data[:4096])) is not None


def read_wfp_dump(data: str | bytes, file: str = "dump") -> WfpDump:
    """A dump. Raises InputError, with the place, for what is none, is cut off, or is too much."""
    if len(data) > MAX_WFP_DUMP:
        raise _mistake(file, 0, f"is larger than {MAX_WFP_DUMP} bytes", "netsh wfp show filters with parameters tells less")
    text = _decoded(data)
    begin = _ROOT.search(text)
    if begin is None:
        raise _mistake(file, 0, "is no dump of the Windows Filtering Platform: it has neither wfpstate nor wfpdiag", _AGAIN)
    read = _Read(whole=begin[1] == "wfpstate")
    line = text.count("\n", 0, begin.start())
    body = _DECLARATION.sub("", _NOT_XML.sub("\ufffd", text[begin.start():]))
    try:
        for name, item in _items(body):
            key, reader = _READERS[name]
            if not key or item.find(key) is not None:
                reader(read, item)
    except ElementTree.ParseError as error:
        raise _mistake(file, line + error.position[0], "is no whole dump: " + str(error).partition(":")[0], _AGAIN) from None
    except _TooMuch as error:
        raise _mistake(file, 0, str(error), "No host has as much: is it the right file?") from None
    return read.dump()


class _TooMuch(Exception):
    """More than any host has."""


def _mistake(file: str, line: int, summary: str, way_out: str) -> InputError:
    return InputError([Diagnostic(Where(file, line), f"this {summary}", way_out)])


def _decoded(data: str | bytes) -> str:
    """The text of a file of netsh (UTF-8) or of what a shell made of its output (UTF-16, or some code page)."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    encoding, mark = next(((e, m) for m, e in _MARKS if data.startswith(m)), ("utf-8", b""))
    return data[len(mark):].decode(encoding, "replace")


def _items(body: str) -> Iterator[tuple[str, Element]]:
    """What _READERS read, each with its name there: items of lists with that of their list. Nothing else is kept."""
    parser: ElementTree.XMLPullParser[Element] = ElementTree.XMLPullParser(("start", "end"))
    parser.feed("<dump>")
    path: list[Element] = []
    inside = 0  # how deep in what is being kept
    for at in range(0, len(body) + _CHUNK, _CHUNK):
        parser.feed(body[at:at + _CHUNK] if at < len(body) else "</dump>")
        for event, element in cast(Iterator[tuple[str, Element]], parser.read_events()):
            if event == "start":
                inside += 1 if inside or _name(element, path) else 0
                path.append(element)
                if len(path) > MAX_WFP_DEPTH:
                    raise _TooMuch(f"has more than {MAX_WFP_DEPTH} elements within each other")
                continue
            path.pop()
            inside -= 1 if inside else 0
            if inside:
                continue
            if name := _name(element, path):
                yield name, element
            if path:
                path[-1].remove(element)
    parser.close()


def _name(element: Element, path: list[Element]) -> str:
    """By which name of _READERS an element is read, where it stands; empty where by none."""
    name = (path[-1].tag if path else "") if element.tag == "item" else element.tag
    return name if name in _READERS and (name in _ALONE) == (element.tag != "item") else ""


def _display(item: Element) -> tuple[str, str]:
    return text_of(item, "displayData/name"), text_of(item, "displayData/description")


def _flags(item: Element, prefix: str) -> frozenset[str]:
    return frozenset((e.text or "").removeprefix(prefix) for e in item.iterfind("flags/item"))


def _number(item: Element, path: str) -> int:
    """A number; 0 where there is none, for no number of a dump that is read so decides anything."""
    return number_from(text_of(item, path)) or 0


class _Read:
    """What was read of a dump so far."""

    def __init__(self, whole: bool) -> None:
        self.whole, self.time, self.conditions = whole, "", 0
        self.layers = set[str]()
        self.filters: dict[str, tuple[WfpFilter, str]] = {}  # by key, each with the key of its context
        self.origins: dict[str, str] = {}
        self.sublayers: dict[str, WfpSublayer] = {}
        self.callouts: dict[tuple[str, str], WfpCallout] = {}
        self.providers: dict[str, WfpProvider] = {}
        self.sessions: list[WfpSession] = []
        self.connections: list[WfpConnection] = []
        self.keywords: list[str] = []

    def dump(self) -> WfpDump:
        filters = (f if context not in self.origins or "HAS_FILTER_ORIGIN" not in f.flags else
                   replace(f, origin=self.origins[context]) for f, context in self.filters.values())
        return WfpDump(self.whole, tuple(filters), self.time, frozenset(self.layers), self.sublayers, self.callouts,
                       self.providers, tuple(self.sessions), tuple(self.connections), tuple(self.keywords))

    def time_stamp(self, element: Element) -> None:
        self.time = self.time or (element.text or "").strip()

    def layer(self, element: Element) -> None:
        self.layers.add(key_name(text_of(element, "layerKey")))

    def filter(self, item: Element) -> None:
        has = {e.tag: e for e in item}  # there may be many filters: each of their parts is looked for once
        conditions = tuple(map(condition_from, has.get("filterCondition", ())))
        self.conditions += len(conditions) + 1
        if self.conditions > MAX_WFP_CONDITIONS:
            raise _TooMuch(f"has more than {MAX_WFP_CONDITIONS} conditions")
        texts = {tag: e.text or "" for tag, e in has.items()}
        layer, sublayer, provider = (key_name(texts.get(tag, "")) for tag in ("layerKey", "subLayerKey", "providerKey"))
        name, description = _display(item) if "displayData" in has else ("", "")
        action = has.get("action", _NOTHING)
        found = WfpFilter(
            id=number_from(texts.get("filterId", "")) or 0, key=texts["filterKey"], name=name, description=description,
            layer=layer, sublayer=sublayer, provider=provider, action=text_of(action, "type").removeprefix("FWP_ACTION_"),
            callout=key_name(text_of(action, "filterType")), weight=_weight(has),
            flags=_flags(item, "FWPM_FILTER_FLAG_"), conditions=conditions, rule=_rule(has.get("providerData", _NOTHING)))
        self.filters[found.key] = found, texts.get("providerContextKey", "")

    def context(self, item: Element) -> None:
        buffer = item.find("dataBuffer")
        if buffer is not None and (text := blob_text(buffer)):
            self.origins[text_of(item, "providerContextKey")] = text

    def sublayer(self, item: Element) -> None:
        key = key_name(text_of(item, "subLayerKey"))
        self.sublayers[key] = WfpSublayer(key, _display(item)[0], key_name(text_of(item, "providerKey")),
                                          number_from(text_of(item, "weight")))

    def callout(self, item: Element) -> None:
        key, layer = key_name(text_of(item, "calloutKey")), key_name(text_of(item, "applicableLayer"))
        self.callouts[layer, key] = WfpCallout(key, layer, *_display(item), provider=key_name(text_of(item, "providerKey")),
                                               registered="REGISTERED" in _flags(item, "FWPM_CALLOUT_FLAG_"))

    def provider(self, item: Element) -> None:
        key = key_name(text_of(item, "providerKey"))
        self.providers[key] = WfpProvider(key, _display(item)[0], text_of(item, "serviceName"),
                                          "DISABLED" in _flags(item, "FWPM_PROVIDER_FLAG_"))

    def session(self, item: Element) -> None:
        self.sessions.append(WfpSession(_display(item)[0], text_of(item, "sid"), text_of(item, "username"),
                                        _number(item, "processId"), text_of(item, "kernelMode") == "true"))

    def connection(self, item: Element) -> None:
        local, remote = (address_from(text_of(item, f"{end}V4Address") or text_of(item, f"{end}V6Address"))
                         for end in ("local", "remote"))
        program = item.find("appId")
        self.connections.append(WfpConnection(
            _number(item, "ipProtocol"), local, remote, _number(item, "localPort"), _number(item, "remotePort"),
            "" if program is None else blob_text(program) or ""))

    def keyword(self, item: Element) -> None:
        self.keywords.append(" ".join(filter(None, (t.strip() for t in item.itertext()))))


_ALONE = ("timeStamp", "layer")  # are no items of a list
# lists, and what stands alone: what an item has that is one, and how it is read
_READERS: Mapping[str, tuple[str, Callable[[_Read, Element], None]]] = {
    "timeStamp": ("", _Read.time_stamp), "layer": ("layerKey", _Read.layer), "filters": ("filterKey", _Read.filter),
    "providerContexts": ("providerContextKey", _Read.context), "subLayers": ("subLayerKey", _Read.sublayer),
    "callouts": ("calloutKey", _Read.callout), "providers": ("providerKey", _Read.provider),
    "sessions": ("sessionKey", _Read.session), "aleConnectedEndpoints": ("endpointId", _Read.connection),
    "dynamicKeywordAddresses": ("", _Read.keyword)}


def _weight(has: Mapping[str, Element]) -> int:
    """The effective weight of a filter; where a dump does not tell it, what it can be at least."""
    for tag, size, bits in (("effectiveWeight", "uint64", 0), ("weight", "uint64", 0), ("weight", "uint8", 60)):
        if tag in has and (found := number_from(text_of(has[tag], size))) is not None:
            return found << bits
    return 0


def _rule(data: Element) -> int | None:
    """The number of the rule that a filter is of: 8 bytes, the lowest first."""
    try:
        number = bytes.fromhex(text_of(data, "data"))
    except ValueError:
        return None
    return int.from_bytes(number, "little") if len(number) == _NUMBER_BYTES else None
