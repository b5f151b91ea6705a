"""Rule strings that no real file at hand has: what the documents allow, what later versions may write, what a hand may."""

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chance import by_chance
from core import KINDS, cases
from hypothesis import given
from hypothesis import strategies as st
from registry_files import GROUP_POLICY, POLICY
from rule_string_checks import KINDS_OF_KEYS, assert_every_piece_counts, assert_reads_without_loss

from ringfence.model.kept import kept_pieces
from ringfence.model.narrowing import is_narrowed
from ringfence.model.plain import digest_of
from ringfence.model.state import State
from ringfence.plan.wider import widened
from ringfence.windows.origin import origin_of
from ringfence.windows.read import read
from ringfence.windows.set_writer import write

STRINGS: dict[str, list[str]] = cases("strange_rules")
EACH = [(key, string) for key, listed in STRINGS.items() for string in listed]
MORE = {  # beside the strings of the file: what real rules have
    "FirewallRules": ["|Active=TRUE|Protocol=1|ICMP4=8:*|Dir=Out|Edge=TRUE|Defer=User|Security=Authenticate|LSM=TRUE|RPort=5|",
                      "|RUAuth=D:(A;;CC;;;S-1-5-11)|RA4=10.0.0.1|LA4=10.0.0.1|IF={11111111-2222-3333-4444-555555555555}|Svc=a|App=x|",
                      "|LUOwn=S-1-5-11|TTK=Proximity|TTK2_27=UPnP|PFN=Contoso.App_8wekyb3d8bbwe|AuthByPassOut=TRUE|Profile=Public|"],
    "ConSecRules": ["|Active=TRUE|Protocol=6|EP1Port=4|EP1_4=1.2.3.4|EP2_4=10.0.0.0/255.0.0.0|EP2_6=::/0|EP1_4=Mars|Auth2Set=|",
                    "|Action=Secure|Action=Boundary|KeyMod=IkeV1|KeyMod=IkeV2|LTunnel4=Zed|RTunEndpts4=x|FwdLifetime=120|Authz=TRUE|",
                    "|TransportMachineAuthzSDDL=zz|IF=x|IFType=Lan|Platform=2:6:1|Platform2=GTEQ|Profile=Domain|Crypto2Set={c}|"],
    "MainModeRules": ["|EP1_4=Zed|EP2_4=10.0.0.1|Auth1Set=x|Platform=9|Active=TRUE|Profile=Private|Crypto1Set={z}|"]}
ROOT = rf"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\{POLICY}"


@pytest.mark.parametrize(("key", "string"), EACH)
def test_a_strange_string_reads_without_loss(key: str, string: str) -> None:
    kind = KINDS_OF_KEYS[key.lower()]
    assert_reads_without_loss(kind, "r", string)
    assert_every_piece_counts(kind, string)
    found = kind.read_string("r", string)
    assert isinstance(str(found), str)
    list(found.check())  # it may be refused, it may not fail
    found.as_filter()


PIECES = {key: sorted({p for string in (*listed, *MORE[key]) for p in string.split("|")[1:] if p})
          for key, listed in STRINGS.items()}
PAIRS = st.sampled_from(sorted(PIECES)).flatmap(lambda key: st.tuples(
    st.just(key), *[st.lists(st.sampled_from(PIECES[key]), max_size=9)] * 2))


@given(PAIRS)
@by_chance(600)
def test_no_rule_of_a_host_stops_a_plan(pair: tuple[str, list[str], list[str]]) -> None:
    """Whatever pieces stand together: a rule is read, judged and compared without an exception."""
    key, *both = pair
    kind = KINDS_OF_KEYS[key.lower()]
    one, other = (kind.read_string("r", "".join(f"{p}|" for p in ("v2.33", *pieces))) for pieces in both)
    for found in (one, other, one.replace(enabled=True), one.in_effect()):
        assert str(found)
        assert all(f.reason for f in (*found.check(), *found.check_references(lambda name: None)))
        for mentioned in ((), tuple(kind.properties)):
            assert all(f.reason for f in found.check_mentioned(mentioned, ("domain",)))
        assert {type(is_narrowed(found, way)) for way in ("", "inbound", "outbound")} == {bool}
        assert set(kept_pieces(found)) >= set(found.unknown_tokens)
        assert widened(found, found) == ()
    assert set(widened(one, other)) <= set(kind.properties)
    assert (digest_of(one) == digest_of(other)) == (one == other)


KEYS = ["", "DomainProfile", "StandardProfile", r"PublicProfile\Logging", "FirewallRules", "Phase1AuthenticationSets",
        *(rf"Phase{phase}\{id}{below}" for phase in ("1AuthenticationSets", "2AuthenticationSets", "1CryptoSet", "2CryptoSets")
          for id in ("{A}", "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}") for below in ("", r"\0000", r"\0001", r"\0000\more"))]
NAMES = [
    "Version", "Name", "Method", "CAName", "SHKey", "CertCriteria", "HealthCert", "Encryption", "2_1Encryption", "Hash", "PFS",
    "KeyExchange", "2_16KeyExchange", "TimeOutMinutes", "TimeOutKBytes", "Protocol", "EspHash", "AhHash", "SkipVersion", "Odd",
    "ProxyServer", "EnableFirewall", "DefaultInboundAction", "LogFileSize", "DisabledInterfaces", "IPSecExempt", "SAIdlTime",
    "PresharedKeyEncoding", "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}", ""]
TEXTS = ["", "TRUE", "DH2", "DH2048", "AES-128", "AES-GCM128", "SHA1", "AES-GMAC128", "ESP", "AH&ESP", "MachineCert", "Anonymous",
         "x|y", "v2.20|SubjectName=a|", "60", "-1", "ReKeyDH1", "D:(A;;CC;;;S-1-5-11)", "\0"]
STORED = st.one_of(st.sampled_from(TEXTS), st.integers(-2, 2**40), st.none(), st.booleans(), st.floats(), st.lists(st.integers()))
VALUES = st.tuples(st.sampled_from(NAMES), st.sampled_from(["String", "DWord", "Binary", "Secret", None]), STORED).map(list)
ROWS = st.lists(st.tuples(st.sampled_from(KEYS), st.lists(VALUES, max_size=6)).map(list), max_size=7)


@given(ROWS)
@by_chance(400)
def test_no_registry_of_a_host_stops_a_plan(rows: list[Any]) -> None:
    """Sets, profiles and settings of which any value is missing, of another type or of another Windows."""
    state = read({"local": rows, "group_policy": rows}, KINDS)
    for id, found in state.items():
        assert str(found)
        assert all(f.reason for f in (*found.check(), *found.check_references(lambda name: None)))
        assert set(kept_pieces(found)) >= set(found.unknown_tokens)
        assert digest_of(found.replace()) == digest_of(found)
        if found.kind.proposals:
            stored = {key.lower(): [v for v in values if v[0] != "SHKey"] for key, values in rows}
            assert [key for key, _ in write(found) if key.lower() not in stored] == []
        assert origin_of(id, found, State()).name


def test_the_tests_of_the_corpus_take_any_file(tmp_path: Path) -> None:
    """A corpus of made-up files: strange rules in every format, empty files, files of no format, folders without any."""
    for folder in ("hives", "gpo/empty", "reg", "strings"):
        (tmp_path / folder).mkdir(parents=True)
    lines = [f"{key}\tr{n}\t{string}" for key, listed in STRINGS.items() for n, string in enumerate(listed)]
    files = {"strings/new.tsv": "\n".join(["no tabs", "", *lines]).encode(), "strings/notes.txt": b"x", "strings/no.tsv": b"",
             "reg/new.reg": b"\xff\xfe" + _reg().encode("utf-16-le"), "reg/other.reg": _reg().replace("\r", "").encode(),
             "reg/no.reg": b"", "hives/README.md": b"x", "hives/no.hive": b"", "hives/no.xz": b"x", "gpo/new.pol": _pol(),
             "gpo/no.pol": b"", "gpo/none.pol": b"PReg\1\0\0\0", "gpo/GptTmpl.inf": b"x"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/test_corpus.py"],
                         capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False,
                         env={**os.environ, "RINGFENCE_CORPUS": str(tmp_path)})
    assert run.returncode == 0, run.stdout[-5000:]
    assert " passed" in run.stdout


def _reg() -> str:
    """The strings as regedit exports them, beside values that no kind has and sets of things unheard of."""
    def key(path: str, *values: tuple[str, str]) -> str:
        return f"[{ROOT}\\{path}]\r\n" + "".join(f'"{name}"={data}\r\n' for name, data in values) + "\r\n"

    def text(data: str) -> str:
        return '"' + data.replace("\\", "\\\\").replace('"', '\\"') + '"'

    expandable = "v2.31|Action=Block|Dir=In|App=%SystemRoot%\\x.exe|".encode("utf-16-le").hex(",")
    rules = [key(name, *((f"r{n}", text(string)) for n, string in enumerate(listed)), ("number", "dword:00000001"),
                 ("expandable", f"hex(2):{expandable},00,00"), ("damaged", "dword:x")) for name, listed in STRINGS.items()]
    return "Windows Registry Editor Version 5.00\r\n\r\n" + "".join([
        *rules, key(r"Phase1CryptoSets\{A}", ("Version", '"2.33"'), ("Name", '"n"'), ("Odd", '"1"'), ("TimeOutMinutes", '"x"')),
        key(r"Phase1CryptoSets\{A}\0000", ("Encryption", '"AES-999"'), ("2_16KeyExchange", '"DH2048"'), ("Hash", '"SHA1"')),
        key(r"Phase1AuthenticationSets\{B}", ("Version", '"2.33"')),
        key(r"Phase1AuthenticationSets\{B}\0000", ("Method", '"Zed"'), ("SHKey", '"k"'), ("CertCriteria", '"v2.20|Odd=1|"')),
        key("PublicProfile", ("EnableFirewall", '"text"'), ("DefaultInboundAction", "dword:00000009"), ("New", "dword:1"))])


def _pol() -> bytes:
    """The same as Group Policy keeps them ([MS-GPREG] 2.2.1), with deletions and keys of Windows XP."""
    def entry(key: str, name: str, type: int, data: bytes) -> bytes:
        parts = [f"{GROUP_POLICY}\\{key}\0".encode("utf-16-le"), f"{name}\0".encode("utf-16-le"), struct.pack("<I", type),
                 struct.pack("<I", len(data)), data]
        return "[".encode("utf-16-le") + ";".encode("utf-16-le").join(parts) + "]".encode("utf-16-le")

    rules = [entry(key, f"r{n}", 1, f"{string}\0".encode("utf-16-le"))
             for key, listed in STRINGS.items() for n, string in enumerate(listed)]
    one = struct.pack("<I", 1)
    return b"PReg\1\0\0\0" + b"".join([
        *rules, entry("FirewallRules", "**delvals.", 1, b" \0"), entry("DomainProfile", "EnableFirewall", 4, one + one),
        entry("FirewallRules", "binary", 3, b"\1\2"), entry(r"DomainProfile\Services\RemoteDesktop", "Enabled", 4, one)])
