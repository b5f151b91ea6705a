"""Dumps of the Windows Filtering Platform: whatever form they have, and what is none."""

import re
from pathlib import Path
from typing import Any

import pytest
from core import cases
from wfp_corpus import DUMPS, content, dump
from wfp_xml import blob, dump_of, dump_text

from ringfence.diagnostics import InputError
from ringfence.model.wfp import WfpCondition, WfpRange
from ringfence.windows import wfp_dump
from ringfence.windows.wfp_dump import MAX_WFP_DEPTH, is_wfp_dump, read_wfp_dump

TWO = {"filters": [{"name": "Filtre de démarrage", "rule": 7}, {"name": "引导时间筛选器", "layer": "ALE_AUTH_RECV_ACCEPT_V4"}]}
TEXT = dump_text(TWO)


@pytest.mark.parametrize("data", [
    TEXT, "\ufeff" + TEXT, TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.encode("utf-16"),
    b"\xfe\xff" + TEXT.encode("utf-16-be"), TEXT.replace("\n", "\r\n"), TEXT.partition("\n")[2],
    TEXT.partition("<firewallState>")[0], "Collecte réussie\n" + TEXT],
    ids=["text", "mark", "utf-8", "utf-8 mark", "utf-16", "utf-16 be", "crlf", "no declaration", "one root", "after words"])
def test_every_packing_says_the_same(data: str | bytes) -> None:
    assert is_wfp_dump(data)
    assert read_wfp_dump(data) == read_wfp_dump(TEXT)
    assert [f.name for f in read_wfp_dump(data).filters] == ["Filtre de démarrage", "引导时间筛选器"]
    assert [f.rule for f in read_wfp_dump(data).filters] == [7, None]


def test_a_dump_of_filters_says_that_it_is_one() -> None:
    part = dump_of({**TWO, "whole": False})
    assert (part.whole, part.sublayers, part.callouts) == (False, {}, {})
    assert part.filters == dump_of(TWO).filters
    assert part.tells("ALE_AUTH_RECV_ACCEPT_V4")
    assert part.untold == ("ALE_AUTH_RECV_ACCEPT_V6", "ALE_AUTH_CONNECT_V6")


def test_a_layer_without_filters_is_told_of() -> None:
    assert dump_of({"layers": ["IPFORWARD_V4"]}).tells("IPFORWARD_V4")


@pytest.mark.parametrize("row", cases("wfp_values"), ids=lambda r: str(r[0]))
def test_values(row: tuple[str, str, Any]) -> None:
    written, match, expected = row
    (found,) = dump_of({"filters": [{"if": [f"IP_REMOTE_ADDRESS {match} {written}"]}]}).filters[0].conditions
    if expected is None:
        assert found.value is None
        assert all(part in found.verbatim for part in re.split(r"\.\.|/", written.partition(" ")[2]))
    else:
        value = WfpRange(*expected) if isinstance(expected, list) else expected
        assert found == WfpCondition("IP_REMOTE_ADDRESS", match, value)


@pytest.mark.parametrize("inside", [
    "", "<type>FWP_UINT16</type>", "<type>FWP_UINT16</type><uint16/>", "<type>FWP_BYTE_BLOB_TYPE</type>",
    "<type>FWP_BYTE_BLOB_TYPE</type><byteBlob><data>41</data></byteBlob>", "<type>FWP_SID</type>",
    *(f"<type>FWP_BYTE_BLOB_TYPE</type><byteBlob><data>{hex}</data></byteBlob>" for hex in (
        "6100", "6100000062000000", "610000000000")),  # no end of the text, one in its midst, two
    "<type>FWP_RANGE_TYPE</type><rangeValue><valueLow><type>FWP_UINT8</type><uint8>1</uint8></valueLow></rangeValue>",
    "<type>FWP_V6_ADDR_MASK</type><v6AddrMask/>"])
def test_a_value_with_a_piece_missing_is_none(inside: str) -> None:
    text = dump_text({"filters": [{"if": ["IP_REMOTE_PORT EQUAL u16 443"]}]})
    (found,) = read_wfp_dump(text.replace("<type>FWP_UINT16</type><uint16>443</uint16>", inside)).filters[0].conditions
    assert (found.field, found.value) == ("IP_REMOTE_PORT", None)
    assert "FWP_MATCH_EQUAL" in found.verbatim


def test_a_condition_without_a_value_is_kept_in_one_line() -> None:
    text = dump_text({"filters": [{"if": ["IP_REMOTE_PORT EQUAL u16 443"]}]})
    bare = re.sub("<conditionValue>.*?</conditionValue>", "", text).replace("><matchType>", ">\n   <matchType>\n  ")
    (found,) = read_wfp_dump(bare).filters[0].conditions
    assert (found.value, found.verbatim) == (None, "FWPM_CONDITION_IP_REMOTE_PORT FWP_MATCH_EQUAL")


def test_what_is_kept_of_what_nobody_understands_is_cut() -> None:
    text = dump_text({"filters": [{"if": ["IP_REMOTE_PORT EQUAL u16 443"]}]})
    for length, cut in ((10, False), (5_000, True)):
        inside = f"<type>FWP_NEW</type><new>{'x' * length}</new>"
        (found,) = read_wfp_dump(text.replace("<type>FWP_UINT16</type><uint16>443</uint16>", inside)).filters[0].conditions
        assert (found.verbatim.endswith("…"), len(found.verbatim) <= 1_001) == (cut, True)


def test_the_name_of_the_rule_that_a_block_filter_is_of() -> None:
    text = dump_text({"filters": [{"flags": ["HAS_FILTER_ORIGIN"]}, {}]}).replace(
        "<rawContext>0</rawContext>", "<providerContextKey>{00000000-0000-0000-0000-0000000000aa}</providerContextKey>").replace(
        "</wfpstate>", "<providerContexts><item><providerContextKey>{00000000-0000-0000-0000-0000000000aa}</providerContextKey>"
        f"<dataBuffer>{blob('DeviceManagement-1')}</dataBuffer></item></providerContexts></wfpstate>")
    assert [f.origin for f in read_wfp_dump(text).filters] == ["DeviceManagement-1", ""]


def test_connections_and_who_took_it() -> None:
    text = TEXT.replace("</wfpstate>", (
        "<sessions><item><sessionKey>{a}</sessionKey><displayData><name>wfputil</name></displayData><flags/><processId>4711</processId>"
        r"<sid>S-1-5-21-1-2-3-1105</sid><username>CORP\ann</username><kernelMode>false</kernelMode></item></sessions>"
        "<aleConnectedEndpoints><item><endpointId>1</endpointId><ipVersion>FWP_IP_VERSION_V6</ipVersion>"
        "<localV6Address>2001:db8::1</localV6Address><remoteV6Address>2001:db8::2</remoteV6Address><ipProtocol>6</ipProtocol>"
        f"<localPort>50000</localPort><remotePort>443</remotePort><appId>{blob('System')}</appId></item></aleConnectedEndpoints>"
        "</wfpstate>"))
    found = read_wfp_dump(text)
    assert found.taken_by is not None
    assert (found.taken_by.account, found.taken_by.process) == (r"CORP\ann", 4711)
    (connection,) = found.connections
    assert (connection.program, connection.remote_port, connection.loopback) == ("System", 443, False)
    assert connection.remote_address == connection.local_address + 1  # type: ignore[operator]
    assert found.time == "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize(("data", "says"), [
    ("", "neither wfpstate nor wfpdiag"), ("<html/>", "neither wfpstate nor wfpdiag"), (b"\x00\x01\x02" * 50, "neither wfpstate"),
    (TEXT[:-200], "is no whole dump"),
    (TEXT.replace("<firewallState>", "\n<firewallStat>"), "state.xml:4: this is no whole dump"),
    ("<wfpstate>" + "<a>" * MAX_WFP_DEPTH, "elements within each other"),
    ('<wfpstate><!DOCTYPE a [<!ENTITY x "y">]>&x;</wfpstate>', "is no whole dump"),
    ("<wfpstate>&x;</wfpstate>", "is no whole dump"),
], ids=["empty", "a page", "bytes", "cut off", "no pair", "deep", "entities", "an entity"])
def test_what_is_none(data: str | bytes, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_wfp_dump(data, "state.xml")
    assert str(caught.value).startswith("state.xml")
    assert says in str(caught.value)
    assert "netsh wfp show state" in str(caught.value) or "is it the right file" in str(caught.value)


@pytest.mark.parametrize(("limit", "says"), [
    ("MAX_WFP_DUMP", "is larger than 3"), ("MAX_WFP_CONDITIONS", "more than 3 conditions")])
def test_more_than_any_host_has(monkeypatch: pytest.MonkeyPatch, limit: str, says: str) -> None:
    monkeypatch.setattr(wfp_dump, limit, 3)
    with pytest.raises(InputError, match=says):
        read_wfp_dump(dump_text({"filters": [{}] * 4}))


@pytest.mark.parametrize(("weight", "expected"), [
    ("<type>FWP_UINT8</type><uint8>9</uint8>", 9 << 60), ("<type>FWP_UINT64</type><uint64>7</uint64>", 7),
    ("<type>FWP_EMPTY</type>", 0)])
def test_a_weight_where_no_effective_one_is_told(weight: str, expected: int) -> None:
    text = re.sub("<effectiveWeight>.*?</effectiveWeight>", "", dump_text({"filters": [{}]}))
    assert read_wfp_dump(text.replace("<type>FWP_EMPTY</type>", weight, 1)).filters[0].weight == expected


def test_a_connection_of_nobody_knows_whom() -> None:
    listed = "<aleConnectedEndpoints><item><endpointId>1</endpointId></item></aleConnectedEndpoints></wfpstate>"
    (connection,) = read_wfp_dump(TEXT.replace("</wfpstate>", listed)).connections
    assert (connection.program, connection.local_address, connection.protocol, connection.remote_port) == ("", None, 0, 0)


def test_names_of_strangers_may_hold_anything() -> None:
    text = TEXT.replace("Filtre de démarrage", "a\x01b&#x1F;c&#27;d")
    assert read_wfp_dump(text).filters[0].name == "a\ufffdb\ufffdc\ufffdd"


@pytest.mark.parametrize("path", DUMPS, ids=lambda p: p.name)
def test_real_dumps_are_understood(path: Path) -> None:
    found = dump(path)
    assert len(found.filters) == content(path).replace(b"\0", b"").count(b"<filterKey>")
    conditions = [c for f in found.filters for c in f.conditions]
    unknown = [c.verbatim for c in conditions if c.value is None]
    assert len(unknown) < len(conditions) / 100, unknown[:10]
    assert all(unknown)
    assert all(f.layer and f.sublayer and f.action and not f.layer.startswith("FWPM_") for f in found.filters)
    if found.whole:
        assert {f.layer for f in found.filters} <= found.layers
        assert {f.sublayer for f in found.filters} <= set(found.sublayers)
