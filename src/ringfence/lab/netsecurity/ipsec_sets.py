"""Authentication and crypto sets and their proposals: registry trees of REG_SZ values, and what Windows refuses.

Trees: MS-GPFAS 2.2.4 and 2.2.5 (one key a set, one four-digit subkey a proposal). Checks: MS-FASP 2.2.65 and 2.2.74,
KB949856 for the quick mode combinations, with the FW_RULE_STATUS codes. Main mode proposals may name different groups:
Microsoft's own examples do, against MS-FASP.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import parameter_values
from ringfence.lab.netsecurity.cmdlet_errors import rule_error, system_error
from ringfence.lab.netsecurity.objects import Noun
from ringfence.lab.netsecurity.parameter_binding import Proposal
from ringfence.lab.registry.hive import GROUP_POLICY

GROUPS = {"DH1": "DH1", "DH2": "DH2", "DH14": "DH2048", "DH19": "ECDH-256", "DH20": "ECDH-384", "DH24": "DH24"}
PFS = {"None": "Disable", "SameAsMainMode": "EnableDHFromPhase1", "DH1": "ReKeyDH1", "DH2": "ReKeyDH2",
       "DH14": "ReKeyDH2048", "DH19": "ReKeyECDH256", "DH20": "ReKeyECDH384", "DH24": "ReKeyDH24"}
CIPHERS = {"DES": "DES", "DES3": "3DES", "AES128": "AES-128", "AES192": "AES-192", "AES256": "AES-256"}
GCM = {"AESGCM128": "AES-GCM128", "AESGCM192": "AES-GCM192", "AESGCM256": "AES-GCM256"}
HASHES = {"MD5": "MD5", "SHA1": "SHA1"}
GMAC = {"AESGMAC128": "AES-GCM128", "AESGMAC192": "AES-GCM192", "AESGMAC256": "AES-GCM256"}
LATER_HASHES = {"SHA256": "SHA256", "SHA384": "SHA384"}
NAME_TYPES = {"DomainName": "DNS", "UserPrincipalName": "UPN", "EmailAddress": "RFC822", "CN": "CN", "OU": "OU",
              "O": "O", "DC": "DC"}
CRITERIA = ("SubjectName", "SubjectNameType", "ExtendedKeyUsage", "Thumbprint", "FollowRenewal", "SelectionCriteria",
            "ValidationCriteria")
# value: (first schema version that knows it, the code of its refusal on older ones), in the order of the checks
SINCE = {"OtherCertSigning": ((2, 1), 0x00101042), "IntermediateCA": ((2, 10), 0x00101043),
         "CertCriteria": ((2, 20), 0x00101071), "ProxyServer": ((2, 20), 0x00101081), "2_1Hash": ((2, 1), 0x00105008),
         "2_16KeyExchange": ((2, 16), 0x00105009), "2_1Encryption": ((2, 1), 0x00105026),
         "2_1AhHash": ((2, 1), 0x00105027), "2_1EspHash": ((2, 1), 0x00105027), "2_16PFS": ((2, 16), 0x00105028)}
Suite = list[tuple[str, str]]


def auth_proposal(arguments: dict[str, Any]) -> Proposal:
    """New-NetIPsecAuthProposal."""
    who = "User" if arguments.get("User") else "Machine"
    if arguments.get("Anonymous"):
        method = "Anonymous"
    elif "PreSharedKey" in arguments:
        method = "MachineSHKey"
    else:
        method = who + ("Cert" if arguments.get("Cert") else "Kerb" if arguments.get("Kerberos") else "Ntlm")
    if method.endswith("Cert"):
        _certificate(arguments)
    if "Proxy" in arguments and not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", arguments["Proxy"]):
        raise rule_error(0x00101080)
    return Proposal("MSFT_NetIKEAuthProposal", {**arguments, "Method": method})


def _certificate(arguments: Mapping[str, Any]) -> None:
    """Names and criteria of a certificate proposal [0x00101060, 0x00101073 to 0x00101077]."""
    name = arguments["Authority"]
    if not name or "|" in name or not re.fullmatch(
            r"\s*([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=\s*(\"[^\"]*\"|(\\.|[^,+\\\"])+)"
            r"([,+]\s*([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=\s*(\"[^\"]*\"|(\\.|[^,+\\\"])+))*", name):
        raise rule_error(0x00101060)
    if "Invalid" in (arguments.get("Signing"), arguments.get("AuthorityType")):
        raise rule_error(0x00101040)
    if "Thumbprint" in arguments and not re.fullmatch(r"[0-9A-Fa-f]{40}", arguments["Thumbprint"]):
        raise rule_error(0x00101074)
    if arguments.get("FollowRenewal") and "Thumbprint" not in arguments:
        raise rule_error(0x00101073)
    if any(not re.fullmatch(r"[0-2](\.\d+)+", oid) for oid in arguments.get("ExtendedKeyUsage", ())):
        raise rule_error(0x00101075)
    if ("SubjectName" in arguments) != (arguments.get("SubjectNameType", "None") != "None"):
        raise rule_error(0x00101076)
    if "SubjectName" in arguments and (not arguments["SubjectName"] or "|" in arguments["SubjectName"]):
        raise rule_error(0x00101077)


def main_mode_proposal(arguments: dict[str, Any]) -> Proposal:
    """New-NetIPsecMainModeCryptoProposal: AES256, SHA384 and no group where nothing is said."""
    return Proposal("MSFT_NetIKEMMCryptoProposal", {"Encryption": "AES256", "Hash": "SHA384", "KeyExchange": "None"} | arguments)


def quick_mode_proposal(arguments: dict[str, Any]) -> Proposal:
    """New-NetIPsecQuickModeCryptoProposal: nothing, 60 minutes, 100,000 kilobytes where nothing is said."""
    values = {"Encapsulation": ["None"], "AHHash": "None", "ESPHash": "None", "Encryption": "None", "MaxMinutes": 60,
              "MaxKiloBytes": 100000} | arguments
    return Proposal("MSFT_NetIKEQMCryptoProposal", values)


_CLASSES = {"NetIPsecPhase1AuthSet": "MSFT_NetIKEAuthProposal", "NetIPsecPhase2AuthSet": "MSFT_NetIKEAuthProposal",
            "NetIPsecMainModeCryptoSet": "MSFT_NetIKEMMCryptoProposal",
            "NetIPsecQuickModeCryptoSet": "MSFT_NetIKEQMCryptoProposal"}
_PRIMARY = re.compile(r"\{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE[1-4]\}", re.IGNORECASE)


def set_id(noun: Noun, name: str) -> str:
    """A set's id: 1 to 254 characters; it begins with a primary set's id only if it is this kind's [0x00101000]."""
    if not 0 < len(name) < 255 or "|" in name or "\\" in name or (
            _PRIMARY.match(name) and name.casefold() != noun.primary.casefold()):
        raise rule_error(0x00101000, f"Set id {name}.")
    return name


def new(machine: Machine, noun: Noun, root: str, arguments: Mapping[str, Any]) -> None:
    """New-NetIPsec…Set. `-Default`: the primary id; Group Policy keeps it under another id with a value that points."""
    primary, registry, path = noun.primary, machine.registry, noun.path(root)
    name = arguments.get("Name", "{" + str(uuid.uuid4()).upper() + "}")
    set_id(noun, name)
    default = arguments.get("Default", False) or name.casefold() == primary.casefold()
    renamed = default and root == GROUP_POLICY
    if default and not renamed:
        name = primary
    if noun.find(registry, root, name) is not None:
        raise system_error(183)
    values: dict[str, Any] = {"PerfectForwardSecrecyGroup": "None", "MaxMinutes": 480, "MaxSessions": 0,
                              "ForceDiffieHellman": False, **arguments}
    head, suites = _head(noun, values, new=True), _suites(noun, arguments["Proposal"], machine.schema)
    _check_pfs(noun, arguments["Proposal"], values["PerfectForwardSecrecyGroup"])
    _known_to(machine.schema, [head, *suites])
    if renamed:
        name = group_policy_default(machine, noun, name)
    registry.create(f"{path}\\{name}")
    for value, data in [("Version", machine.schema), *head]:
        registry.set(f"{path}\\{name}", value, data)
    _write_suites(machine, f"{path}\\{name}", suites)


def group_policy_default(machine: Machine, noun: Noun, name: str) -> str:
    """Makes room for a default set in Group Policy: it has another id, and a value named like the primary id holds that."""
    path = noun.path(GROUP_POLICY)
    if machine.registry.get(path, noun.primary) is not None:
        raise system_error(183)
    if name.casefold() == noun.primary.casefold():
        name = "{" + str(uuid.uuid4()).upper() + "}"
    machine.registry.set(path, noun.primary, name)
    return name


def change(machine: Machine, noun: Noun, root: str, name: str, arguments: Mapping[str, Any]) -> None:
    """Set-NetIPsec…Set: what is given; a -Proposal list replaces the whole list."""
    path, registry = noun.path(root) + "\\" + name, machine.registry
    head = _head(noun, arguments, new=False)
    suites = _suites(noun, arguments["Proposal"], machine.schema) if "Proposal" in arguments else None
    if suites is not None and "PerfectForwardSecrecyGroup" in arguments:
        _check_pfs(noun, arguments["Proposal"], arguments["PerfectForwardSecrecyGroup"])
    elif suites is not None:
        _check_pfs(noun, arguments["Proposal"], "None" if registry.get(path, "PFS") in (None, "Disable") else "SameAsMainMode")
    elif arguments.get("PerfectForwardSecrecyGroup", "None") != "None" and _holds_no_encapsulation(machine, path):
        raise rule_error(0x00105020)
    _known_to(machine.schema, [head, *(suites or [])])
    for value, data in head:
        if data:
            registry.set(path, value, data)
        else:
            registry.unset(path, value)
    if suites is not None:
        registry.set(path, "Version", machine.schema)
        _write_suites(machine, path, suites)


def _holds_no_encapsulation(machine: Machine, path: str) -> bool:
    key = machine.registry.key(path)
    return any("2_9protocol" in suite.values for suite in (key.keys.values() if key else ()))


def _known_to(schema: str, parts: Sequence[Suite]) -> None:
    """Refuses what the machine's schema version does not know yet (the `…_VER` codes)."""
    major, minor = (int(n) for n in schema.split("."))
    used = {value for part in parts for value, data in part if data}
    for value, (since, code) in SINCE.items():
        if value in used and (major, minor) < since:
            raise rule_error(code)


def _write_suites(machine: Machine, path: str, suites: Sequence[Suite]) -> None:
    key = machine.registry.key(path)
    for old in [k.name for k in key.keys.values()] if key else ():
        machine.registry.delete(f"{path}\\{old}")
    for number, suite in enumerate(suites):
        machine.registry.create(f"{path}\\{number:04}")
        for value, data in suite:
            machine.registry.set(f"{path}\\{number:04}", value, data)


def _head(noun: Noun, arguments: Mapping[str, Any], new: bool) -> Suite:
    """The values of the set key; an empty text removes the value."""
    head: Suite = []
    shown = arguments.get("NewDisplayName", arguments.get("DisplayName") if new else None)
    if shown is not None:
        head.append(("Name", parameter_values.display_name(shown)))
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


def _suites(noun: Noun, proposals: Sequence[Proposal], schema: str) -> list[Suite]:
    if any(p.cls != _CLASSES[noun.name] for p in proposals):
        raise system_error(87, f"A proposal of another kind than {_CLASSES[noun.name]}.")
    if not proposals:
        raise rule_error(0x00101020)
    if noun.name == "NetIPsecMainModeCryptoSet":
        return [_main_mode_suite(p.values) for p in proposals]
    if noun.name == "NetIPsecQuickModeCryptoSet":
        if all(p.values["Encapsulation"] == ["None"] for p in proposals):
            raise rule_error(0x00105021 if any(p.values["Encryption"] != "None" or p.values["ESPHash"] != "None"
                                               for p in proposals) else 0x00105040,
                             "A set needs a proposal with AH or ESP.")
        return [_quick_mode_suite(p.values) for p in proposals]
    phase = 1 if noun.name == "NetIPsecPhase1AuthSet" else 2
    _check_auth(phase, [p.values for p in proposals])
    return [_auth_suite(phase, p.values, schema) for p in proposals]


def _main_mode_suite(v: Mapping[str, Any]) -> Suite:
    if v["KeyExchange"] not in GROUPS:
        raise rule_error(0x00105004, f"KeyExchange {v['KeyExchange']}.")
    if v["Encryption"] not in CIPHERS:
        raise rule_error(0x00105005, f"Encryption {v['Encryption']}.")
    if v["Hash"] not in HASHES and v["Hash"] not in LATER_HASHES:
        raise rule_error(0x00105006, f"Hash {v['Hash']}.")
    later = v["Hash"] in LATER_HASHES
    return [("2_16KeyExchange" if v["KeyExchange"] == "DH24" else "KeyExchange", GROUPS[v["KeyExchange"]]),
            ("Encryption", CIPHERS[v["Encryption"]]),
            ("2_1Hash" if later else "Hash", (LATER_HASHES if later else HASHES)[v["Hash"]]),
            *([("SkipVersion", "2.0")] if later else [])]


def _quick_mode_suite(v: Mapping[str, Any]) -> Suite:
    """One proposal, refused where the table of encapsulation, hashes and cipher (MS-FASP 2.2.74, KB949856) says so."""
    if not 5 <= v["MaxMinutes"] <= 2879:
        raise rule_error(0x00105024)
    if not 20480 <= v["MaxKiloBytes"] <= 2147483647:
        raise rule_error(0x00105025)
    wrapped = set(v["Encapsulation"])
    _check_quick_mode(wrapped, v["AHHash"], v["ESPHash"], v["Encryption"])
    protocol = {"AH": "AH", "ESP": "ESP", "AH&ESP": "AH&ESP"}.get("&".join(sorted(wrapped)))
    suite: Suite = [("Protocol", protocol) if protocol else ("2_9Protocol", "AUTH_NO_ENCAP")]
    skip = "2.0" if any(h in GMAC or h == "SHA256" for h in (v["AHHash"], v["ESPHash"])) else "" if protocol else "2.9"
    for parameter, value in (("AHHash", "AhHash"), ("ESPHash", "EspHash")):
        chosen = v[parameter]
        if chosen != "None":
            old = chosen in HASHES
            suite.append((value if old else f"2_1{value}", ({**HASHES, **GMAC, **LATER_HASHES})[chosen]))
    if v["Encryption"] != "None":
        gcm = v["Encryption"] in GCM
        suite.append(("2_1Encryption" if gcm else "Encryption", (GCM if gcm else CIPHERS)[v["Encryption"]]))
    suite += [("TimeOutMinutes", str(v["MaxMinutes"])), ("TimeOutKbytes", str(v["MaxKiloBytes"]))]
    return suite + ([("SkipVersion", skip)] if skip else [])


def _check_quick_mode(wrapped: set[str], ah: str, esp: str, cipher: str) -> None:
    if "SHA384" in (ah, esp):
        raise rule_error(0x00105023, "SHA384 is for main mode.")
    if "None" in wrapped:
        if wrapped != {"None"}:
            raise rule_error(0x00105021)
        if (ah, esp, cipher) != ("None", "None", "None"):
            raise rule_error(0x00105041, "No encapsulation takes no hash and no cipher.")
        return
    if "AH" in wrapped and ah == "None":
        raise rule_error(0x00105023, "AH needs a hash.")
    if "AH" not in wrapped and ah != "None":
        raise rule_error(0x00105023, "AHHash needs the encapsulation AH.")
    if "ESP" not in wrapped:
        if esp != "None" or cipher != "None":
            raise rule_error(0x00105041, "AH alone takes no ESP hash and no cipher.")
        return
    if "AH" in wrapped and ah != esp:
        raise rule_error(0x00105041, "AH and ESP need the same hash.")
    if esp == "None" and cipher == "None":
        raise rule_error(0x00105040)
    same = esp in GMAC and cipher in GCM and esp[-3:] == cipher[-3:]
    if (esp in GMAC and cipher != "None" and not same) or (cipher in GCM and not same):
        raise rule_error(0x00105041)


def _check_pfs(noun: Noun, proposals: Sequence[Proposal], group: str) -> None:
    if noun.name == "NetIPsecQuickModeCryptoSet" and group != "None" and any(
            p.values["Encapsulation"] == ["None"] for p in proposals):
        raise rule_error(0x00105020, "No encapsulation excludes perfect forward secrecy.")


def _check_auth(phase: int, values: Sequence[Mapping[str, Any]]) -> None:
    """MS-FASP 2.2.65 over the proposals of one set."""
    methods = [v["Method"] for v in values]
    allowed = ({"Anonymous", "MachineKerb", "MachineNtlm", "MachineCert", "MachineSHKey"} if phase == 1 else
               {"Anonymous", "UserKerb", "UserNtlm", "UserCert", "MachineCert"})
    if wrong := [m for m in methods if m not in allowed]:
        raise rule_error(0x00101030 if phase == 1 else 0x00101031, f"Method {wrong[0]}.")
    once = [m for m in methods if not m.endswith("Cert")]
    if len(set(once)) < len(once):
        raise rule_error(0x00101033)
    if {"MachineNtlm", "MachineSHKey"} <= set(methods):
        raise rule_error(0x00101030, "NTLM and a pre-shared key exclude each other.")
    if set(methods) == {"Anonymous"}:
        raise rule_error(0x00101032)
    machine = [v for v in values if v["Method"] == "MachineCert"]
    if phase == 2 and any(not v.get("Health") for v in machine):
        raise rule_error(0x00101041)
    if phase == 2 and machine and any(m.startswith("User") for m in methods):
        raise rule_error(0x00101070)
    if len({bool(v.get("Health")) for v in machine}) > 1:
        raise rule_error(0x00101061)
    if phase == 2 and any(v.get("ExcludeCAName") for v in values):
        raise rule_error(0x00101040, "ExcludeCAName is for the first authentication.")
    _check_certificates([v if v["Method"].endswith("Cert") else None for v in values])


def _check_certificates(proposals: Sequence[Mapping[str, Any] | None]) -> None:
    """Same signing side by side [0x00101062]; criteria to select and criteria to validate [0x00101079]."""
    signing = [(p.get("Signing", "RSA") if p else "") for p in proposals]
    blocks = [s for i, s in enumerate(signing) if s and (i == 0 or signing[i - 1] != s)]
    if len(set(blocks)) < len(blocks):
        raise rule_error(0x00101062)
    criteria = [_criteria_type(p) for p in proposals if p and any(c in p for c in CRITERIA)]
    if criteria and not ({"Both", "Select"} & set(criteria) and {"Both", "Validate"} & set(criteria)):
        raise rule_error(0x00101079)


def _criteria_type(v: Mapping[str, Any]) -> str:
    select, validate = v.get("SelectionCriteria", False), v.get("ValidationCriteria", False)
    return "Both" if select == validate else "Select" if select else "Validate"


def _auth_suite(phase: int, v: Mapping[str, Any], schema: str) -> Suite:
    suite: Suite = [("Method", v["Method"])]
    if "PreSharedKey" in v:
        suite.append(("SHKey", v["PreSharedKey"]))
    if v.get("Proxy"):
        suite += [("AllowProxy", "TRUE"), ("ProxyServer", v["Proxy"])]
    if not v["Method"].endswith("Cert"):
        return suite
    suite += [("CAName", v["Authority"]), ("CertAccountMapping", _truth(v.get("AccountMapping")))]
    if phase == 1:
        suite += [("ExcludeCAName", _truth(v.get("ExcludeCAName"))), ("HealthCert", _truth(v.get("Health")))]
    elif v.get("Health"):
        suite.append(("HealthCert", "TRUE"))
    intermediate, signing = v.get("AuthorityType") == "Intermediate", v.get("Signing", "RSA")
    if intermediate:
        suite.append(("IntermediateCA", "TRUE"))
    if signing != "RSA":
        suite.append(("OtherCertSigning", signing))
    if any(c in v for c in CRITERIA):
        suite.append(("CertCriteria", _criteria(v, schema)))
    if intermediate or signing != "RSA":
        suite.append(("SkipVersion", "2.8" if intermediate else "2.0"))
    return suite


def _truth(value: object) -> str:
    return "TRUE" if value else "FALSE"


def _criteria(v: Mapping[str, Any], schema: str) -> str:
    """The CertCriteria string, of the set's own version (MS-GPFAS 2.2.4.17)."""
    fields = [f"CriteriaType={_criteria_type(v)}"]
    if "SubjectName" in v:
        fields += [f"NameType={NAME_TYPES[v['SubjectNameType']]}", f"Name={v['SubjectName']}"]
    fields += [f"Eku={oid}" for oid in v.get("ExtendedKeyUsage", ())]
    if "Thumbprint" in v:
        fields.append(f"Hash={v['Thumbprint'].upper()}")
    if v.get("FollowRenewal"):
        fields.append("FollowRenewal=TRUE")
    return f"v{schema}|" + "".join(f"{f}|" for f in fields)
