"""The proposals of authentication and crypto sets: what the New-…Proposal cmdlets give, and how a set stores it.

Stored form: MS-GPFAS 2.2.4 and 2.2.5, REG_SZ values of one key a proposal ("suite"). Checks: MS-FASP 2.2.65 and 2.2.74,
KB949856 for the quick mode combinations, with the FW_RULE_STATUS codes. Main mode proposals may name different groups:
Microsoft's own examples do, against MS-FASP.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.lab.netsecurity.auth_set_checks import CRITERIA, AuthSet, check_auth_set, criteria_type
from ringfence.lab.netsecurity.cmdlet_errors import Check, refuse_first, rule_error, system_error
from ringfence.lab.netsecurity.objects import Noun
from ringfence.lab.netsecurity.parameter_binding import Proposal
from ringfence.lab.netsecurity.parameter_values import HOST_NAME

Suite = list[tuple[str, str]]  # the values of one stored proposal

# [MS-GPFAS] 2.2.5
GROUPS = {"DH1": "DH1", "DH2": "DH2", "DH14": "DH2048", "DH19": "ECDH-256", "DH20": "ECDH-384", "DH24": "DH24"}
# [MS-GPFAS] 2.2.5
CIPHERS = {"DES": "DES", "DES3": "3DES", "AES128": "AES-128", "AES192": "AES-192", "AES256": "AES-256"}
# [MS-GPFAS] 2.2.5
GCM = {"AESGCM128": "AES-GCM128", "AESGCM192": "AES-GCM192", "AESGCM256": "AES-GCM256"}
# [MS-GPFAS] 2.2.5
HASHES = {"MD5": "MD5", "SHA1": "SHA1"}
# [MS-GPFAS] 2.2.5; GMAC is spelt as GCM
GMAC = {"AESGMAC128": "AES-GCM128", "AESGMAC192": "AES-GCM192", "AESGMAC256": "AES-GCM256"}
# [MS-GPFAS] 2.2.5
LATER_HASHES = {"SHA256": "SHA256", "SHA384": "SHA384"}
# [MS-GPFAS] 2.2.4.17
NAME_TYPES = {"DomainName": "DNS", "UserPrincipalName": "UPN", "EmailAddress": "RFC822", "CN": "CN", "OU": "OU",
              "O": "O", "DC": "DC"}
_ATTRIBUTE = r"\s*([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=\s*(\"[^\"]*\"|(\\.|[^,+\\\"])+)"
_DISTINGUISHED_NAME = re.compile(rf"{_ATTRIBUTE}([,+]{_ATTRIBUTE})*")


# The cmdlets

# New-NetIPsecAuthProposal, -Machine, -User, -Proxy; of a proxy: FW_RULE_STATUS 0x00101080
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
        refuse_first(_CERTIFICATE_CHECKS, arguments)
    if "PreSharedKey" in arguments:
        _check_key(arguments["PreSharedKey"])
    if "Proxy" in arguments and not HOST_NAME.fullmatch(arguments["Proxy"]):
        raise rule_error(0x00101080)
    return Proposal("MSFT_NetIKEAuthProposal", {**arguments, "Method": method})


# Names and criteria of a certificate proposal.
# [MS-FASP] 2.2.63
def _check_key(key: str) -> None:
    """A pre-shared key has 1 to 9,999 characters and no bar."""
    if not 0 < len(key) < 10000 or "|" in key:
        raise rule_error(0x00101050)


# [MS-FASP] 2.2.59, 2.2.63, New-NetIPsecAuthProposal, FW_RULE_STATUS. open: renewal-code
_CERTIFICATE_CHECKS: tuple[Check[Mapping[str, Any]], ...] = (
    (0x00101060, "", lambda a: "|" in a["Authority"] or not _DISTINGUISHED_NAME.fullmatch(a["Authority"])),
    (0x00101040, "", lambda a: "Invalid" in (a.get("Signing"), a.get("AuthorityType"))),
    (0x00101074, "", lambda a: "Thumbprint" in a and not re.fullmatch(r"[0-9A-Fa-f]{40}", a["Thumbprint"])),
    (0x00101073, "", lambda a: bool(a.get("FollowRenewal")) and "Thumbprint" not in a),
    (0x00101078, "FollowRenewal is for selection.", lambda a: bool(a.get("FollowRenewal")) and criteria_type(a) == "Validate"),
    (0x00101075, "", lambda a: any(not re.fullmatch(r"[0-2](\.\d+)+", oid) for oid in a.get("ExtendedKeyUsage", ()))),
    (0x00101076, "", lambda a: ("SubjectName" in a) != (a.get("SubjectNameType", "None") != "None")),
    (0x00101077, "", lambda a: "SubjectName" in a and (not a["SubjectName"] or "|" in a["SubjectName"])),
)


def main_mode_proposal(arguments: dict[str, Any]) -> Proposal:
    """New-NetIPsecMainModeCryptoProposal: AES256, SHA384 and no group where nothing is said."""
    return Proposal("MSFT_NetIKEMMCryptoProposal", {"Encryption": "AES256", "Hash": "SHA384", "KeyExchange": "None"} | arguments)


def quick_mode_proposal(arguments: dict[str, Any]) -> Proposal:
    """New-NetIPsecQuickModeCryptoProposal: nothing, 60 minutes, 100,000 kilobytes where nothing is said."""
    values = {"Encapsulation": ["None"], "AHHash": "None", "ESPHash": "None", "Encryption": "None", "MaxMinutes": 60,
              "MaxKiloBytes": 100000} | arguments
    return Proposal("MSFT_NetIKEQMCryptoProposal", values)


# MSFT_NetIKEAuthProposal, MSFT_NetIKEMMCryptoProposal, MSFT_NetIKEQMCryptoProposal; New-NetIPsecPhase1AuthSet, -Proposal
_CLASSES = {"NetIPsecPhase1AuthSet": "MSFT_NetIKEAuthProposal", "NetIPsecPhase2AuthSet": "MSFT_NetIKEAuthProposal",
            "NetIPsecMainModeCryptoSet": "MSFT_NetIKEMMCryptoProposal",
            "NetIPsecQuickModeCryptoSet": "MSFT_NetIKEQMCryptoProposal"}


# What a set stores

# [MS-FASP] 2.2.65, 2.2.74
def suites(noun: Noun, proposals: Sequence[Proposal], schema: str) -> list[Suite]:
    """The stored form of the proposals of one set. Raises CmdletError."""
    if any(p.cls != _CLASSES[noun.name] for p in proposals):
        raise system_error(87, f"A proposal of another kind than {_CLASSES[noun.name]}.")
    if not proposals:
        raise rule_error(0x00101020)
    if noun.name == "NetIPsecMainModeCryptoSet":
        return [_main_mode_suite(p.values) for p in proposals]
    if noun.name == "NetIPsecQuickModeCryptoSet":
        if all(p.values["Encapsulation"] == ["None"] for p in proposals):
            half_said = any(p.values["Encryption"] != "None" or p.values["ESPHash"] != "None" for p in proposals)
            raise rule_error(0x00105021 if half_said else 0x00105040, "A set needs a proposal with AH or ESP.")
        return [_quick_mode_suite(p.values) for p in proposals]
    phase = 1 if noun.name == "NetIPsecPhase1AuthSet" else 2
    check_auth_set(AuthSet(phase, [p.values for p in proposals]))
    return [_auth_suite(phase, p.values, schema) for p in proposals]


# [MS-FASP] 2.2.74, [MS-GPFAS] 2.2.5. open: main-mode-groups
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
    combination = QuickModeCombination(frozenset(v["Encapsulation"]), v["AHHash"], v["ESPHash"], v["Encryption"])
    _check_quick_mode(combination)
    protocol = {"AH": "AH", "ESP": "ESP", "AH&ESP": "AH&ESP"}.get("&".join(sorted(combination.encapsulation)))
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


@dataclass(frozen=True, slots=True)
class QuickModeCombination:
    """The combination of encapsulation, hashes and cipher that a quick mode proposal asks for."""

    encapsulation: frozenset[str]
    ah: str
    esp: str
    cipher: str

    @property
    def mixes_gcm(self) -> bool:
        """GMAC goes alone or with GCM of the same length, GCM with nothing else."""
        same = self.esp in GMAC and self.cipher in GCM and self.esp[-3:] == self.cipher[-3:]
        return (self.esp in GMAC and self.cipher != "None" and not same) or (self.cipher in GCM and not same)


# [MS-FASP] 2.2.74, KB949856
_ENCAPSULATION_CHECKS: tuple[Check[QuickModeCombination], ...] = (
    (0x00105023, "SHA384 is for main mode.", lambda q: "SHA384" in (q.ah, q.esp)),
    (0x00105021, "", lambda q: "None" in q.encapsulation and q.encapsulation != {"None"}),
    (0x00105041, "No encapsulation takes no hash and no cipher.",
     lambda q: "None" in q.encapsulation and (q.ah, q.esp, q.cipher) != ("None", "None", "None")),
)
# [MS-FASP] 2.2.74, KB949856
_AH_CHECKS: tuple[Check[QuickModeCombination], ...] = (
    (0x00105023, "AH needs a hash.", lambda q: "AH" in q.encapsulation and q.ah == "None"),
    (0x00105023, "AHHash needs the encapsulation AH.", lambda q: "AH" not in q.encapsulation and q.ah != "None"),
    (0x00105041, "AH alone takes no ESP hash and no cipher.",
     lambda q: "ESP" not in q.encapsulation and (q.esp, q.cipher) != ("None", "None")),
)
# [MS-FASP] 2.2.74, KB949856. open: esp-without-hash
_ESP_CHECKS: tuple[Check[QuickModeCombination], ...] = (
    (0x00105041, "AH and ESP need the same hash.", lambda q: "AH" in q.encapsulation and q.ah != q.esp),
    (0x00105040, "", lambda q: (q.esp, q.cipher) == ("None", "None")),
    (0x00105041, "", lambda q: q.mixes_gcm),
)


# [MS-FASP] 2.2.74
def _check_quick_mode(combination: QuickModeCombination) -> None:
    refuse_first(_ENCAPSULATION_CHECKS, combination)
    if "None" in combination.encapsulation:
        return
    refuse_first(_AH_CHECKS, combination)
    if "ESP" in combination.encapsulation:
        refuse_first(_ESP_CHECKS, combination)


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
    fields = [f"CriteriaType={criteria_type(v)}"]
    if "SubjectName" in v:
        fields += [f"NameType={NAME_TYPES[v['SubjectNameType']]}", f"Name={v['SubjectName']}"]
    fields += [f"Eku={oid}" for oid in v.get("ExtendedKeyUsage", ())]
    if "Thumbprint" in v:
        fields.append(f"Hash={v['Thumbprint'].upper()}")
    if v.get("FollowRenewal"):
        fields.append("FollowRenewal=TRUE")
    return f"v{schema}|" + "".join(f"{f}|" for f in fields)
