"""Real policy of real machines (RINGFENCE_CORPUS names the folder): it reads without loss and stays as it is.

What the data is, and where it comes from, is in the folder's SOURCES.md.
"""

import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from core import KINDS, PROFILE, RULE, afresh
from registry_files import GROUP_POLICY, POLICY, Rows, hive, pol, reg

from ringfence.model.resource import Resource
from ringfence.model.state import State
from ringfence.types.base import NOT_CONFIGURED
from ringfence.windows.read import read

FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="RINGFENCE_CORPUS names no folder")

# Tokens that no cmdlet can set or that no published grammar explains (reference grammar, end of section 3)
NOT_SETTABLE = {
    "PFN", "PCross", "SkipVer", "NNm", "SecurityRealmId", "AutoGenIPsec", "BToIf", "SystemOSOnly", "GameOSOnly", "DevMode",
    "RSNm", "RSNmE", "RSNmN", "FQBN", "ComptId", "CAudit", "AppLB", "IFType2_23", "RA43", "RA63", "RADynKey"}
# Members of sets that stay as they are found: conditions without a cmdlet keyword
PIECES = {"TTK2_27=WFDKmDriver", "TTK2_27=UPnP", "TTK2_28=WFDCDPSvc", "LPort2_20=DHCP", "LPort2_29=TcpCDPSvc",
          "RPort2_25=CortanaOut"}

HIVES = sorted(FOLDER.glob("hives/*"))
POLICIES = sorted(FOLDER.glob("gpo/**/*registry.pol"))
REGS = sorted(FOLDER.glob("reg/*.reg"))
TEXTS = sorted(FOLDER.glob("strings/*.tsv"))
REG_ROOTS = (rf"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\{POLICY}", rf"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\{POLICY}",
             rf"HKEY_LOCAL_MACHINE\{GROUP_POLICY}")


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER))[-60:]


@cache
def rows_of(path: Path) -> Rows:
    if path.suffix == ".pol":
        return pol(path)
    if path.suffix == ".reg":
        return [row for root in REG_ROOTS for row in reg(path, root)]
    if path.suffix == ".tsv":
        lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
        return [[key, [[name, "String", text] for k, name, text in lines if k == key]] for key in {line[0] for line in lines}]
    return hive(path)


def strings(path: Path) -> list[tuple[str, str]]:
    """Every rule string of a file, whatever store it lies in: (value name, string)."""
    return [(name, data) for key, values in rows_of(path) for name, kind, data in values
            if isinstance(data, str) and data[:1] in "vV" and "|dir=" in data.lower()]


@pytest.mark.parametrize("path", [*TEXTS, *HIVES, *POLICIES, *REGS], ids=name_of)
def test_every_rule_string_reads_without_loss(path: Path) -> None:
    for name, string in strings(path):
        found = RULE.read_string(name, string)
        rewritten = afresh(found, string.partition("|")[0])
        assert RULE.read_string(name, rewritten) == found, string
        assert afresh(RULE.read_string(name, rewritten), string.partition("|")[0]) == rewritten, string
        unknown = {p.partition("=")[0] for p in found.unknown_tokens} - NOT_SETTABLE
        assert not unknown, f"{unknown} in {string}"
        for property, value in found.values().items():
            assert value is not None or RULE.defaults[property] is None, f"{property} is not understood in {string}"
            for member in value if isinstance(value, tuple) else ():
                assert "=" not in member or member in PIECES, f"{property}: {member} in {string}"


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_windows_own_order_is_ours(path: Path) -> None:
    """What Windows wrote is written again to the letter, but for lists in another order and texts that say nothing."""
    differ = Counter[str]()
    for name, string in strings(path):
        ours, theirs = tokens(afresh(RULE.read_string(name, string))), tokens(string)
        if set(ours) == set(theirs) and ours != theirs:
            differ[" ".join(theirs)] += 1
    assert not differ, differ.most_common(3)


def tokens(string: str) -> list[str]:
    """The tokens of a string in their order, each once."""
    return list(dict.fromkeys(p.partition("=")[0] for p in string.split("|")[1:] if p))


def rules(state: State) -> dict[str, Resource]:
    return {**state.by_kind("firewall_rule"), **state.by_kind("firewall_rule", "group_policy")}


@pytest.mark.parametrize("path", HIVES, ids=name_of)
def test_exports_read_as_a_local_store(path: Path) -> None:
    state = read({"local": rows_of(path)}, KINDS)
    assert len(rules(state)) > 300
    profiles = state.by_kind("firewall_profile")
    assert sorted(profiles) == ["domain", "private", "public"]
    for profile in profiles.values():
        values = profile.values()
        assert values["enabled"] in (True, False)
        assert values["log_max_size_kilobytes"] in range(1, 32768)
        assert str(values["log_file_name"]).lower().endswith("pfirewall.log")
        assert not [v for v in values.values() if isinstance(v, str) and "=" in v]


@pytest.mark.parametrize("path", POLICIES, ids=name_of)
def test_group_policy_reads_as_such(path: Path) -> None:
    stored = rows_of(path)
    state = read({"group_policy": stored, "local": []}, KINDS)
    assert len(state.by_kind("firewall_rule", "group_policy")) == sum(len(v) for k, v in stored if k.lower() == "firewallrules")
    keys = {k.lower().partition("\\")[0] for k, _ in stored}
    profiles = state.by_kind("firewall_profile", "group_policy")
    assert ("domain" in profiles) == ("domainprofile" in keys)
    assert ("private" in profiles) == ("privateprofile" in keys)
    for profile in profiles.values():
        assert not [v for v in profile.values().values() if isinstance(v, str) and "=" in v]
        assert any(v not in (NOT_CONFIGURED, None, ()) for v in profile.values().values())


def test_profiles_of_reg_files() -> None:
    found: dict[str, dict[str, Any]] = {}
    for path in REGS:
        state = read({"group_policy": rows_of(path), "local": rows_of(path)}, KINDS)
        found[path.name] = {n: {p: v for p, v in r.values().items() if v != PROFILE.defaults[p]}
                            for n, r in state.by_kind("firewall_profile").items()}
    assert any(profile.get("enabled") is True for profiles in found.values() for profile in profiles.values())


def test_the_examples_of_the_specification() -> None:
    file = FOLDER / "strings/spec__MS-GPFAS_section4_examples.json"
    stored: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    rows: dict[str, list[Any]] = {}
    for value in stored:
        key = value["key"][len(GROUP_POLICY) + 1:]
        data = int(value["data"], 16) if value["type"] == "REG_DWORD" else value["data"]
        rows.setdefault(key, []).append([value["value"], "DWord" if value["type"] == "REG_DWORD" else "String", data])
    state = read({"group_policy": [[k, v] for k, v in rows.items()]}, KINDS)
    (found,) = state.by_kind("firewall_rule", "group_policy").values()
    assert {p: v for p, v in found.values().items() if v != RULE.defaults[p]} == {
        "display_name": "Firewall Rule Test", "protocol": "tcp", "profile": ("public",), "local_port": ("RPC",),
        "remote_port": ("49000",), "local_address": ("192.168.0.0/23",), "remote_address": ("LocalSubnet",),
        "program": "c:\\\\path\\\\foo.exe", "authentication": "no_encap"}
    assert state.by_kind("firewall_profile", "group_policy")["public"].values()["default_inbound_action"] == "block"
