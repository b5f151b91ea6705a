"""Real policy of real machines (RINGFENCE_CORPUS names the folder): it reads without loss and is written back as it stood.

What the data is, and where it comes from, is in the folder's SOURCES.md. A file that nobody here has seen is as welcome as any:
nothing is assumed of one but its format. What is known of single files is said of them by name (KNOWN).
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from core import KINDS, PROFILE, RULE, afresh, declared, task
from registry_files import GROUP_POLICY, POLICY, Rows, begins, hive, pol, reg
from rule_string_checks import KINDS_OF_KEYS, assert_every_piece_counts, assert_reads_without_loss

from ringfence.codecs.rule_string import VERSION_PREFIX
from ringfence.model.ledger import Ledger
from ringfence.model.once import filter_of
from ringfence.model.plain import plain_data
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import Change, State, id_of
from ringfence.types.base import NOT_CONFIGURED
from ringfence.windows.attribution import Clock, attributions
from ringfence.windows.policy_events import POLICY_EVENTS, parse_event_logs
from ringfence.windows.read import read
from ringfence.windows.set_writer import write

FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="RINGFENCE_CORPUS names no folder")

HIVES = sorted(p for p in FOLDER.glob("hives/*") if p.is_file() and begins(p, b"regf"))
POLICIES = sorted(p for p in FOLDER.glob("gpo/**/*.pol") if begins(p, b"PReg\1\0\0\0"))
REGS = sorted(p for p in FOLDER.glob("reg/*.reg") if p.is_file())
TEXTS = sorted(p for p in FOLDER.glob("strings/*.tsv") if p.is_file())
CONTROL_SETS = ("CurrentControlSet", "ControlSet001", "ControlSet002")
REG_ROOTS = (rf"HKEY_LOCAL_MACHINE\{GROUP_POLICY}",
             *(rf"HKEY_LOCAL_MACHINE\SYSTEM\{control}\{POLICY}" for control in CONTROL_SETS))


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER))[-60:]


@cache
def rows_of(path: Path) -> Rows:
    if path.suffix == ".pol":
        return pol(path)
    if path.suffix == ".reg":
        return [row for root in REG_ROOTS for row in reg(path, root)]
    if path.suffix == ".tsv":
        text = path.read_text(encoding="utf-8", errors="replace")
        lines = [line.split("\t") for line in text.split("\n") if line.count("\t") == 2]
        return [[key, [[name, "String", text] for k, name, text in lines if k == key]] for key in {line[0] for line in lines}]
    return hive(path)


def strings(path: Path) -> Iterator[tuple[Kind, str, str]]:
    """Every rule string of a file, whatever store it lies in: (kind, value name, string)."""
    for key, values in rows_of(path):
        kind = KINDS_OF_KEYS.get(key.lower().rpartition("\\")[2], RULE)
        for name, type, data in values:
            if type in ("String", "ExpandString") and isinstance(data, str) and VERSION_PREFIX.match(data) and "|" in data:
                yield kind, name, data


@pytest.mark.parametrize("path", [*TEXTS, *HIVES, *POLICIES, *REGS], ids=name_of)
def test_every_rule_string_reads_without_loss(path: Path) -> None:
    for kind, name, string in strings(path):
        assert_reads_without_loss(kind, name, string)


@pytest.mark.parametrize("path", [*TEXTS, *HIVES, *POLICIES, *REGS], ids=name_of)
def test_every_piece_of_a_string_counts(path: Path) -> None:
    seen = set[tuple[str, ...]]()
    for kind, _, string in strings(path):
        shape = (kind.name, *sorted(re.sub(r"[0-9]+", "0", p) if p.lower().startswith(("lport", "rport")) else
                                    p.partition("=")[0].lower() for p in string.split("|")[1:] if p))
        if shape not in seen:  # names, paths and ports differ, what they mean does not
            seen.add(shape)
            assert_every_piece_counts(kind, string)


@pytest.mark.parametrize("path", [*TEXTS, *HIVES, *POLICIES, *REGS], ids=name_of)
def test_no_rule_of_a_host_is_one_that_windows_refuses(path: Path) -> None:
    """What is refused counts as doubtful in verdicts: so no rule that Windows keeps may be taken for such."""
    read = [kind.read_string(name, string) for kind, name, string in strings(path)]
    assert [(r.name, filter.invalid) for r in read if (filter := filter_of(r)) and filter.invalid] == []


def rules(state: State) -> dict[str, Resource]:
    return {**state.by_kind("firewall_rule"), **state.by_kind("firewall_rule", "group_policy")}


def names_in(rows: Rows, key: str) -> set[str]:
    """The names of the strings of one key, as Windows tells them apart."""
    return {name.lower() for path, values in rows if path.lower() == key for name, type, data in values
            if name and type in ("String", "ExpandString") and isinstance(data, str)}


@pytest.mark.parametrize("path", [*HIVES, *REGS, *TEXTS], ids=name_of)
def test_a_local_store_reads_as_one(path: Path) -> None:
    rows = rows_of(path)
    state = read({"local": rows}, KINDS)
    assert set(rules(state)) == names_in(rows, "firewallrules")
    assert set(state.by_kind("ipsec_rule")) == names_in(rows, "consecrules")
    assert sorted(state.by_kind("firewall_profile")) == ["domain", "private", "public"]
    for profile in state.by_kind("firewall_profile").values():
        for name, value in profile.values().items():
            stored = PROFILE.registry_values[name].name
            assert not isinstance(value, str) or "=" not in value or value.startswith(f"{stored}="), name  # damaged, and told


@pytest.mark.parametrize("path", [*HIVES, *POLICIES, *REGS], ids=name_of)
def test_every_set_is_written_back_as_it_stood(path: Path) -> None:
    stored = {key: [v for v in values if v[0] != "SHKey"] for key, values in rows_of(path)}
    sets = [r for r in read({"group_policy": rows_of(path), "local": []}, KINDS).values() if r.kind.proposals]
    for found in sets:
        written = write(found)
        assert [[key, stored.get(key)] for key, _ in written] == written
    keys = {key for key in stored if re.fullmatch(r"phase[12](authentication|crypto)sets?\\[^\\]+", key, re.I)}
    assert len(sets) == len({key.lower().replace("sets\\", "set\\") for key in keys})


@pytest.mark.parametrize("path", POLICIES, ids=name_of)
def test_group_policy_reads_as_such(path: Path) -> None:
    stored = rows_of(path)
    state = read({"group_policy": stored, "local": []}, KINDS)
    assert set(state.by_kind("firewall_rule", "group_policy")) == names_in(stored, "firewallrules")
    keys = {k.lower().partition("\\")[0] for k, _ in stored}
    profiles = state.by_kind("firewall_profile", "group_policy")
    assert ("domain" in profiles) == ("domainprofile" in keys)
    assert "private" in profiles or "privateprofile" not in keys
    for name, profile in profiles.items():
        there = {n.lower() for key, values in stored if key.lower() == f"{name}profile" for n, _, _ in values}
        for property, codec in PROFILE.registry_values.items():
            if not codec.path and codec.name.lower() in there:
                assert profile.values()[property] not in (NOT_CONFIGURED, None), property


# ---- what is known of files that are known

KNOWN = {p.name: p for p in (*HIVES, *REGS, *TEXTS, *POLICIES)}
WINDOWS_OWN = [p for n in ("donaldsteele__CyberPatriot_Windows_Scripts_Server2016.tsv", "UWStout-CCDC__CCDC-scripts_win10.tsv",
                           "donaldsteele__CyberPatriot_Windows_Scripts_Win8.tsv", "UWStout-CCDC__CCDC-scripts_win2012.tsv",
                           "donaldsteele__CyberPatriot_Windows_Scripts_Server2008.tsv") if (p := KNOWN.get(n))]


@pytest.mark.parametrize("path", WINDOWS_OWN, ids=name_of)
def test_windows_own_order_is_ours(path: Path) -> None:
    """What Windows wrote is written again in its order of tokens."""
    differ = Counter[str]()
    for kind, name, string in strings(path):
        ours, theirs = tokens(afresh(kind.read_string(name, string))), tokens(string)
        if set(ours) == set(theirs) and ours != theirs:
            differ[" ".join(theirs)] += 1
    assert not differ, differ.most_common(3)


@pytest.mark.parametrize("path", WINDOWS_OWN, ids=name_of)
def test_windows_own_rules_can_be_said_as_they_are(path: Path) -> None:
    """Every value as it was read, in a task: nothing is refused, and nothing differs."""
    for kind, name, string in strings(path):
        found = kind.read_string(name, string)
        values = {p: plain_data(v) for p, v in found.values().items() if v != kind.defaults[p]}
        (only,) = declared(task(kind.name, {"name": name, **values})).values()
        assert only.applied_to(found) == found, string


def tokens(string: str) -> list[str]:
    """The tokens of a string in their order, each once."""
    return list(dict.fromkeys(p.partition("=")[0] for p in string.split("|")[1:] if p))


@pytest.mark.parametrize(("file", "least", "ipsec"), [
    ("Hugill92__host-intrusion-protection-system_1_Win11Default.wfw", 400, 0), ("luthfina16__Firewall.wfw", 300, 1),
    ("GeoffWilliams__puppet-windows_firewall.wfw", 300, 0), ("mkorman90__regipy_SYSTEM_2.hive.xz", 300, 0)])
def test_exports_hold_what_they_are_known_for(file: str, least: int, ipsec: int) -> None:
    if file not in KNOWN:
        pytest.skip("another corpus")
    state = read({"local": rows_of(KNOWN[file])}, KINDS)
    assert len(rules(state)) > least
    assert len(state.by_kind("ipsec_rule")) == ipsec
    for profile in state.by_kind("firewall_profile").values():
        assert profile.values()["enabled"] in (True, False)
        assert profile.values()["log_max_size_kilobytes"] in range(1, 32768)
        assert str(profile.values()["log_file_name"]).lower().endswith("pfirewall.log")
        assert not [v for v in profile.values().values() if isinstance(v, str) and "=" in v]


def test_profiles_of_reg_files() -> None:
    if not (file := KNOWN.get("malton33__CyberPatriot-windows.reg")):
        pytest.skip("another corpus")
    state = read({"group_policy": rows_of(file), "local": rows_of(file)}, KINDS)
    assert any(profile.values()["enabled"] is True for profile in state.by_kind("firewall_profile").values())


def test_the_examples_of_the_specification() -> None:
    file = FOLDER / "strings/spec__MS-GPFAS_section4_examples.json"
    if not file.is_file():
        pytest.skip("another corpus")
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


# -- events of the firewall

PROVIDER = "Microsoft-Windows-Windows Firewall With Advanced Security"
MANIFESTS = sorted(FOLDER.glob("wfp/event_fields_*.json"))
RECORDS = sorted(FOLDER.glob("wfp/firewall_rule_*.xml"))
NAMES = ("RuleId", "SetId")
READ_BY_NAME = {*NAMES, "RuleName", "SetName", "Origin", "Profiles", "SettingType", "IPsecPhase", "StoreType", "ModifyingUser",
                "ModifyingApplication"}


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_events_have_the_fields_that_are_read(path: Path) -> None:
    """Each event of the manifest that tells a deed names an object, a profile or a store, and who did it; each field that is read
    is one of some event."""
    manifest = {int(id): set(versions["v0"]) for id, versions in json.loads(path.read_text("utf-8"))[PROVIDER]["events"].items()}
    met = set[str]()
    for noun, (_, deeds) in POLICY_EVENTS.items():
        for deed, ids in deeds.items():
            known = [manifest[id] for id in ids if id in manifest]
            assert known, (noun, deed)
            for fields in known:
                met |= fields & READ_BY_NAME
                assert fields >= {"ModifyingUser", "ModifyingApplication"}
                if deed in ("added", "changed", "removed"):
                    assert fields & {*NAMES, "SettingType"}, (noun, deed)
                if deed == "removed_all":
                    assert "StoreType" in fields
                if noun.endswith("AuthSet") and deed != "reset":
                    assert "IPsecPhase" in fields
    assert met == READ_BY_NAME


@pytest.mark.parametrize("path", RECORDS, ids=name_of)
def test_real_records_name_who_made_a_rule(path: Path) -> None:
    space = "{http://schemas.microsoft.com/win/2004/08/events/event}"
    rows: list[Any] = []
    for record in ElementTree.parse(path).getroot().iter(f"{space}Event"):
        system = record.find(f"{space}System")
        assert system is not None
        time = system.find(f"{space}TimeCreated")
        assert time is not None
        rows.append({"id": int(system.findtext(f"{space}EventID") or 0), "time": time.get("SystemTime"),
                     "data": {str(d.get("Name")): d.text or "" for d in record.iter(f"{space}Data")}})
    assert {row["id"] for row in rows} == {2004, 2071}
    logs = parse_event_logs({"logs": {"Firewall": {"oldest": "2023-01-01T00:00:00Z", "events": rows}}})
    for row in rows:
        rule = RULE.create(row["data"]["RuleId"], {"display_name": row["data"]["RuleName"]})
        (found,) = attributions([Change(id_of(rule), rule, None)], logs, Ledger(), Clock(), "S-1-5-18").values()
        assert found.event
        assert (found.deed, found.event.id, found.event.user) == ("added", row["id"], row["data"]["ModifyingUser"])
        assert (found.event.program, found.unknown) == (r"C:\Windows\System32\netsh.exe", "")


def test_what_is_there_of_events_is_looked_at() -> None:
    if (FOLDER / "wfp").is_dir():
        assert MANIFESTS
        assert RECORDS
