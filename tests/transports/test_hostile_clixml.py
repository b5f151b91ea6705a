"""CLIXML that no PowerShell writes (MS-PSRP 2.2.5): references, depth, types and numbers, in every place of a message."""

import struct
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from faulty import Server, WinRm, envelope, receive, response
from psrp_client import run

from ringfence.errors import HostError

OUTPUT, ERROR, STATE, POOL_STATE, POOL_CALL, CALL, PROGRESS, INFORMATION, KEY = (
    0x41004, 0x41005, 0x41006, 0x21005, 0x21100, 0x41100, 0x41010, 0x41011, 0x10006)  # MS-PSRP 2.2.1


def message(kind: int, xml: str) -> bytes:
    """A message in one fragment."""
    data = struct.pack("<II", 1, kind) + bytes(32) + xml.encode()
    return struct.pack(">QQBI", 7, 0, 3, len(data)) + data


def answered(kind: int, xml: str) -> HostError:
    """What a run makes of a host that sends this and then nonsense."""
    messages = iter([message(kind, xml)])
    winrm = WinRm(fail=lambda moment: response(200, envelope(receive(next(messages, b"no fragment")), moment.message))
                  if moment.answering else None)
    with Server(winrm) as server, pytest.raises(HostError) as caught:
        run(server.port)
    assert len(str(caught.value)) < 1000
    return caught.value


def nested(levels: int, width: int) -> str:
    """Lists of references to lists of references …: small here, width ** levels members where somebody writes it out."""
    return "".join(f'<Obj RefId="b{i}"><LST>' + (f'<Ref RefId="b{i - 1}"/>' if i else "<S>x</S>") * width + "</LST></Obj>"
                   for i in range(levels))


def listed(member: str) -> str:
    return f'<Obj RefId="0"><LST>{member}</LST></Obj>'


NINES = "9" * 4000
VALUES = {
    "deep objects": "".join(f'<Obj RefId="{i}"><MS>' for i in range(900)) + "</MS></Obj>" * 900,
    "deep lists": '<Obj RefId="0"><LST>' * 3000 + "</LST></Obj>" * 3000, "very deep": "<Obj>" * 50_000 + "</Obj>" * 50_000,
    "itself": listed('<Ref RefId="0"/>'), "nobody": '<Ref RefId="99"/>', "no type": '<Obj RefId="0"><TNRef RefId="5"/></Obj>',
    "many of many": listed(nested(12, 10)),
    "a list as key": '<Obj RefId="0"><DCT><En><Obj RefId="1"><LST/></Obj></En></DCT></Obj>',
    "digits": f"<I32>{'9' * 500_000}</I32>", "fewer digits": f"<I64>{NINES}</I64>", "decimal": "<D>1e999999999</D>",
    "double": "<Db>1e999</Db>", "time": f"<DT>2020-01-01T00:00:00.{NINES}+99:99</DT>", "duration": f"<TS>P{NINES}DT1S</TS>",
    "guid": "<G>zz</G>", "character": "<C>99999999</C>", "bytes": "<BA>!!!</BA>",
    "version": f"<Version>{'3.' * 50_000}</Version>",
    "secure": "<SS>AAAA</SS>", "halves": f"<S>{'_xD83D_' * 50_000}</S>", "escapes": f"<S>{'_x' * 200_000}</S>",
    "many texts": listed("<S/>" * 100_000), "attributes": "<S " + " ".join(f'a{i}="1"' for i in range(10_000)) + "/>",
    "name spaces": "<S " + " ".join(f'xmlns:a{i}="u{i}"' for i in range(10_000)) + "/>", "unknown": "<Zzz>1</Zzz>",
    "entity": "<S>&xx;</S>", "instruction": "<?x y?><S/>", "another encoding": '<?xml version="1.0" encoding="utf-7"?><S>a</S>',
}


@pytest.mark.parametrize("value", VALUES)
def test_output(value: str) -> None:
    assert answered(OUTPUT, VALUES[value]).kind == "protocol"


RECORD = ('<S N="FullyQualifiedErrorId">x</S><I32 N="ErrorCategory_Category">1</I32><B N="SerializeExtendedInfo">false</B>'
          '<S N="ErrorCategory_Message">a</S><Nil N="Exception"/>')
MESSAGES = {
    ERROR: f"<Obj RefId='0'><ToString>t</ToString><MS>{RECORD}</MS></Obj>",
    STATE: f'<Obj RefId="0"><MS><I32 N="PipelineState">5</I32><Obj N="ExceptionAsErrorRecord" RefId="1"><MS>{RECORD}</MS></Obj>'
           "</MS></Obj>",
    POOL_STATE: '<Obj RefId="0"><MS><I32 N="RunspaceState">5</I32></MS></Obj>',
    POOL_CALL: '<Obj RefId="0"><MS><I64 N="ci">1</I64><Obj N="mi" RefId="1"><I32>11</I32></Obj><Obj N="mp" RefId="2"><LST/></Obj>'
               "</MS></Obj>",
    CALL: '<Obj RefId="0"><MS><I64 N="ci">1</I64><Obj N="mi" RefId="1"><I32>23</I32></Obj><Obj N="mp" RefId="2"><LST/></Obj>'
          "</MS></Obj>",
    PROGRESS: '<Obj RefId="0"><MS><S N="Activity">a</S><I32 N="ActivityId">1</I32><S N="StatusDescription">a</S></MS></Obj>',
    INFORMATION: '<Obj RefId="0"><MS><S N="MessageData">a</S><S N="Source">b</S><Obj N="Tags" RefId="1"><LST/></Obj></MS></Obj>',
    KEY: '<Obj RefId="0"><MS><S N="EncryptedSessionKey">AAAA</S></MS></Obj>',
    0x99999: "<S>a</S>",
}


def with_bombs(xml: str) -> Iterator[str]:
    """A message with a list of 10 ** 12 members in the place of each of its parts."""
    for place in range(1, len(list(ElementTree.fromstring(xml).iter()))):
        root = ElementTree.fromstring(xml)
        part = list(root.iter())[place]
        bomb = ElementTree.fromstring(listed(nested(12, 10)))
        bomb.attrib = {"RefId": "900", **{name: value for name, value in part.attrib.items() if name == "N"}}
        parent = next(p for p in root.iter() if part in list(p))
        parent[list(parent).index(part)] = bomb
        yield ElementTree.tostring(root, encoding="unicode")


@pytest.mark.parametrize("kind", MESSAGES, ids=hex)
def test_other_messages(kind: int) -> None:
    for xml in (MESSAGES[kind], *with_bombs(MESSAGES[kind])):
        assert answered(kind, xml).kind in ("protocol", "script")
