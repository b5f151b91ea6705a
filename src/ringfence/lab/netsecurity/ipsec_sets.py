"""Authentication and crypto sets: New- and Set-NetIPsec…Set to registry trees, and what Windows refuses of the set itself.

Trees: MS-GPFAS 2.2.4 and 2.2.5 (one key a set, one four-digit subkey a proposal; the latter in ipsec_proposals.py).
Checks: MS-FASP 2.2.65 and 2.2.74 with the FW_RULE_STATUS codes.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import parameter_values
from ringfence.lab.netsecurity.cmdlet_errors import rule_error, system_error
from ringfence.lab.netsecurity.ipsec_proposals import Suite, suites
from ringfence.lab.netsecurity.objects import Noun
from ringfence.lab.netsecurity.parameter_binding import Proposal
from ringfence.lab.registry.hive import GROUP_POLICY

# [MS-GPFAS] 2.2.5
PFS = {"None": "Disable", "SameAsMainMode": "EnableDHFromPhase1", "DH1": "ReKeyDH1", "DH2": "ReKeyDH2",
       "DH14": "ReKeyDH2048", "DH19": "ReKeyECDH256", "DH20": "ReKeyECDH384", "DH24": "ReKeyDH24"}
# value: (first schema version that knows it, the code of its refusal on older ones), in the order of the checks
# FW_RULE_STATUS, the codes that end in _VER
SINCE = {"OtherCertSigning": ((2, 1), 0x00101042), "IntermediateCA": ((2, 10), 0x00101043),
         "CertCriteria": ((2, 20), 0x00101071), "ProxyServer": ((2, 20), 0x00101081), "2_1Hash": ((2, 1), 0x00105008),
         "2_16KeyExchange": ((2, 16), 0x00105009), "2_1Encryption": ((2, 1), 0x00105026),
         "2_1AhHash": ((2, 1), 0x00105027), "2_1EspHash": ((2, 1), 0x00105027), "2_16PFS": ((2, 16), 0x00105028)}


_PRIMARY = re.compile(r"\{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE[1-4]\}", re.IGNORECASE)

# New-NetIPsecMainModeCryptoSet. open: main-mode-lifetime, pfs-left-out
LEFT_OUT = {"PerfectForwardSecrecyGroup": "None", "MaxMinutes": 480, "MaxSessions": 0, "ForceDiffieHellman": False}


# [MS-FASP] 2.2.65, 2.2.74. open: main-mode-set-names
def set_id(noun: Noun, name: str) -> str:
    """A set's id: 1 to 254 characters; it begins with a primary set's id only if it is this noun's [0x00101000]."""
    if not 0 < len(name) < 255 or "|" in name or "\\" in name or (
            _PRIMARY.match(name) and name.lower() != noun.primary.lower()):
        raise rule_error(0x00101000, f"Set id {name}.")
    return name


# New-NetIPsecPhase1AuthSet, -Default, -Name; [MS-FASP] 3.1.4.18, 3.1.4.23: ERROR_ALREADY_EXISTS; [MS-GPFAS] 2.2.4, 2.2.5
def new(machine: Machine, noun: Noun, root: str, arguments: Mapping[str, Any]) -> None:
    """New-NetIPsec…Set. With -Default it gets the primary id; Group Policy keeps it under another id, to which a value points."""
    primary, registry, path = noun.primary, machine.registry, noun.path(root)
    name = arguments.get("Name", "{" + str(uuid.uuid4()).upper() + "}")
    set_id(noun, name)
    default = arguments.get("Default", False) or name.lower() == primary.lower()
    renamed = default and root == GROUP_POLICY
    if default and not renamed:
        name = primary
    if noun.find(registry, root, name) is not None:
        raise system_error(183)
    values = {**LEFT_OUT, **arguments}
    head, stored = _head(noun, values, new=True), suites(noun, arguments["Proposal"], machine.schema)
    _check_pfs(noun, arguments["Proposal"], values["PerfectForwardSecrecyGroup"] != "None")
    _known_to(machine.schema, [head, *stored])
    if renamed:
        name = group_policy_default(machine, noun, name)
    registry.create(f"{path}\\{name}")
    for value, data in [("Version", machine.schema), *head]:
        registry.set(f"{path}\\{name}", value, data)
    _write_suites(machine, f"{path}\\{name}", stored)


# [MS-GPFAS] 2.2.4, 2.2.5
def group_policy_default(machine: Machine, noun: Noun, name: str) -> str:
    """Makes room for a default set in Group Policy: it has another id, and a value named like the primary id holds that."""
    path = noun.path(GROUP_POLICY)
    if machine.registry.get(path, noun.primary) is not None:
        raise system_error(183)
    if name.lower() == noun.primary.lower():
        name = "{" + str(uuid.uuid4()).upper() + "}"
    machine.registry.set(path, noun.primary, name)
    return name


# Set-NetIPsecPhase1AuthSet, -Proposal; Set-NetIPsecQuickModeCryptoSet, -PerfectForwardSecrecyGroup; its code: open: pfs-code
def change(machine: Machine, noun: Noun, root: str, name: str, arguments: Mapping[str, Any]) -> None:
    """Set-NetIPsec…Set: what is given; a -Proposal list replaces the whole list."""
    path, registry = noun.path(root) + "\\" + name, machine.registry
    head = _head(noun, arguments, new=False)
    stored = suites(noun, arguments["Proposal"], machine.schema) if "Proposal" in arguments else None
    asks_for_pfs = arguments.get("PerfectForwardSecrecyGroup", "None") != "None"
    if stored is not None and "PerfectForwardSecrecyGroup" in arguments:
        _check_pfs(noun, arguments["Proposal"], asks_for_pfs)
    elif stored is not None:
        _check_pfs(noun, arguments["Proposal"], registry.get(path, "PFS") not in (None, "Disable"))
    elif asks_for_pfs and _holds_no_encapsulation(machine, path):
        raise rule_error(0x00105020)
    _known_to(machine.schema, [head, *(stored or [])])
    for value, data in head:
        if data:
            registry.set(path, value, data)
        else:
            registry.unset(path, value)
    if stored is not None:
        registry.set(path, "Version", machine.schema)
        _write_suites(machine, path, stored)


def _holds_no_encapsulation(machine: Machine, path: str) -> bool:
    key = machine.registry.key(path)
    return any("2_9protocol" in suite.values for suite in (key.keys.values() if key else ()))


# FW_RULE_STATUS, the codes that end in _VER
def _known_to(schema: str, parts: Sequence[Suite]) -> None:
    """Refuses what the machine's schema version does not know yet (the `…_VER` codes)."""
    major, minor = (int(n) for n in schema.split("."))
    used = {value for part in parts for value, data in part if data}
    for value, (since, code) in SINCE.items():
        if value in used and (major, minor) < since:
            raise rule_error(code)


def _write_suites(machine: Machine, path: str, stored: Sequence[Suite]) -> None:
    key = machine.registry.key(path)
    for old in [k.name for k in key.keys.values()] if key else ():
        machine.registry.delete(f"{path}\\{old}")
    for number, suite in enumerate(stored):
        machine.registry.create(f"{path}\\{number:04}")
        for value, data in suite:
            machine.registry.set(f"{path}\\{number:04}", value, data)


def _head(noun: Noun, arguments: Mapping[str, Any], new: bool) -> Suite:
    """The values of the set key; an empty text removes the value."""
    head: Suite = []
    display_name = arguments.get("NewDisplayName", arguments.get("DisplayName") if new else None)
    if display_name is not None:
        head.append(("Name", parameter_values.display_name(display_name)))
    if "Description" in arguments:
        head.append(("Description", parameter_values.text(arguments["Description"], 0x00080002)))
    if "Group" in arguments:
        head.append(("EmbeddedContext", parameter_values.text(arguments["Group"], 0x00080007)))
    if noun.name == "NetIPsecMainModeCryptoSet":
        head += _main_mode_head(arguments)
    if noun.name == "NetIPsecQuickModeCryptoSet" and "PerfectForwardSecrecyGroup" in arguments:
        group = arguments["PerfectForwardSecrecyGroup"]
        head += [("PFS", "" if group == "DH24" else PFS[group]), ("2_16PFS", PFS[group] if group == "DH24" else "")]
    return [(v, d) for v, d in head if d or not new]


# [MS-FASP] 2.2.74, [MS-GPFAS] 2.2.5
def _main_mode_head(arguments: Mapping[str, Any]) -> Suite:
    head: Suite = []
    if "ForceDiffieHellman" in arguments:
        head.append(("DoNotSkipDH", "TRUE" if arguments["ForceDiffieHellman"] else "FALSE"))
    if "MaxMinutes" in arguments:
        if not 1 <= arguments["MaxMinutes"] <= 2879:
            raise rule_error(0x00105002)
        head.append(("TimeOutMinutes", str(arguments["MaxMinutes"])))
    if "MaxSessions" in arguments:
        if arguments["MaxSessions"] > 2147483647:
            raise rule_error(0x00105003)
        head.append(("TimeOutSessions", str(arguments["MaxSessions"])))
    return head


# TechNet cc733077; its code: open: pfs-code
def _check_pfs(noun: Noun, proposals: Sequence[Proposal], pfs: bool) -> None:
    if noun.name == "NetIPsecQuickModeCryptoSet" and pfs and any(p.values["Encapsulation"] == ["None"] for p in proposals):
        raise rule_error(0x00105020, "No encapsulation excludes perfect forward secrecy.")
