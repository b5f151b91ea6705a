"""Values of NetSecurity parameters and their registry tokens: texts, addresses, ports, ICMP types, SDDL, platforms.

Every check names its source: MS-FASP 2.2.37 and 2.2.55 with the FW_RULE_STATUS code.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, rule_error, system_error
from ringfence.lab.netsecurity.wildcards import has_wildcards, matcher
from ringfence.lab.registry.stored_rule import Token

# [MS-GPFAS] 2.2.2.13
ADDRESS_WORDS = {"localsubnet": "LocalSubnet", "dns": "DNS", "dhcp": "DHCP", "wins": "WINS",
                 "defaultgateway": "DefaultGateway"}
# [MS-GPFAS] 2.2.2.13
LATER_WORDS = {"intranet": "IntrAnet", "internet": "IntErnet", "playtodevice": "Ply2Renders",
               "intranetremoteaccess": "RmtIntrAnet", "captiveportal": "CaptivePortal"}
# New-NetFirewallRule, -Protocol
PROTOCOLS = {"tcp": "6", "udp": "17", "icmpv4": "1", "icmpv6": "58"}
# [MS-GPFAS] 2.2.2.3, [MS-FASP] 2.2.37. open: port-words
LOCAL_PORT_WORDS: dict[str, tuple[str, tuple[Token, ...]]] = {
    # word: (protocol, tokens). IP-HTTPS is written twice, for old and new readers.
    "rpc": ("6", (("LPort", "RPC"),)),
    "rpcepmap": ("6", (("LPort", "RPC-EPMap"),)),
    "teredo": ("17", (("LPort", "Teredo"),)),
    "iphttpsin": ("6", (("LPort2_10", "IPTLSIn"), ("LPort2_10", "IPHTTPSIn"))),
    "playtodiscovery": ("17", (("LPort2_20", "Ply2Disc"),)),
}
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")  # with a domain
_SID = re.compile(r"S-1-\d+(-\d+)+$", re.IGNORECASE)
_ACE = re.compile(r"\((X?[AD]);[^;()]*;([^;()]*);[^;()]*;[^;()]*;([A-Z]{2}|S-1[-0-9]+)(;\(.*\))?\)", re.IGNORECASE)


# [MS-FASP] 2.2.37
def text(value: str, code: int, longest: int = 9999) -> str:
    """A text field: at most `longest` characters, no bar, no line ends of a rule string."""
    if len(value) > longest or "|" in value:
        raise rule_error(code)
    return value


# [MS-FASP] 2.2.37
def rule_id(name: str) -> str:
    """A rule's id: 1 to 511 characters, no bar [0x00080008]."""
    if not name:
        raise rule_error(0x00100010)
    return text(name, 0x00080008, 511)


# [MS-FASP] 2.2.37
def display_name(value: str) -> str:
    """A display name: 1 to 9999 characters, not the word All [0x00080001]."""
    if not value or value.upper() == "ALL":
        raise rule_error(0x00080001)
    return text(value, 0x00080001)


# [MS-FASP] 2.2.37
def program(value: str) -> str:
    """A program's path; "" for Any. Fewer than 260 characters, none of / * ? " < > | [0x00080003]."""
    if value.lower() == "any":
        return ""
    if not value or len(value) >= 260 or re.search(r'[/*?"<>|]', value):
        raise rule_error(0x00080003)
    return value


# [MS-FASP] 2.2.37
def service(value: str) -> str:
    """A service's short name, `*` for every service; "" for Any [0x00080004]."""
    if value.lower() == "any":
        return ""
    if not value or len(value) >= 260 or re.search(r"[/\\|]", value):
        raise rule_error(0x00080004)
    return value


# [MS-FASP] 2.2.37
def protocol(value: str) -> str:
    """A protocol number as text; "" for Any."""
    word = PROTOCOLS.get(value.lower(), "" if value.lower() == "any" else value)
    if word and not (word.isascii() and word.isdigit() and int(word) <= 255):
        raise rule_error(0x001000A0, f"Protocol: {value}.")
    return str(int(word)) if word else ""


# MSFT_NetAddressFilter
def _any(values: Sequence[str], code: int) -> bool:
    """Whether the list is Any, which may only stand alone."""
    some = any(v.lower() == "any" for v in values)
    if some and len(values) > 1:
        raise rule_error(code, "Any may only stand alone.")
    return some


def addresses(values: Sequence[str], four: str, six: str, *, keywords: bool, later: bool = False,
              endpoint: bool = False) -> list[Token]:
    """Tokens of an address list. `keywords` are allowed, `later` those of RA42/RA62 too; `endpoint`: of IPsec."""
    if _any(values, 0x00100047):
        return []
    tokens = list(dict.fromkeys(p for v in values for p in _address(v.strip(), four, six, keywords, later, endpoint)))
    for token in (four, six):  # ranges are a list of their own, and single addresses are subnets (MS-FASP 2.2.4 to 2.2.11)
        bounded([v for t, v in tokens if t == token and "-" in v])
        bounded([v for t, v in tokens if t == token and "-" not in v])
    return tokens


# open: list-bounds
def bounded(entries: Sequence[Any]) -> None:
    """At most 1,000 entries in a list (MS-FASP 2.2.5 to 2.2.17: range(0, 1000)), else RPC_X_INVALID_BOUND (MIDL, range)."""
    if len(entries) > 1000:
        raise system_error(1734)


# New-NetFirewallRule, -RemoteAddress; [MS-FASP] 2.2.8, 2.2.21
def _address(value: str, four: str, six: str, keywords: bool, later: bool, endpoint: bool) -> list[Token]:
    word, family = (value[:-1].lower(), value[-1]) if value[-1:] in ("4", "6") else (value.lower(), "")
    if word in ADDRESS_WORDS or word in LATER_WORDS:
        if not keywords:
            raise rule_error(0x00100048, f"Keyword {value}.")
        new = word in LATER_WORDS
        if new and not later:
            raise rule_error(0x00100047, f"Keyword {value}.")
        spelling, suffix = (LATER_WORDS[word], "2") if new else (ADDRESS_WORDS[word], "")
        return [(token + suffix, spelling) for token, of in ((four, "4"), (six, "6")) if family in ("", of)]
    if "-" in value:
        first, last = (_single(v.strip()) for v in value.split("-", 1))
        if first.version != last.version or int(first) > int(last):
            raise rule_error(0x00100044, f"Range {value}.")
        _refuse(first, endpoint)
        return [(four if first.version == 4 else six, f"{first}-{last}")]
    if "/" in value:
        return [_subnet(value, four, six, endpoint)]
    single = _single(value)
    _refuse(single, endpoint, alone=True)
    return [(four if single.version == 4 else six, str(single))]


# New-NetFirewallRule, -RemoteAddress
def _single(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise CmdletError("InvalidArgument", "HRESULT 0x80070057", f"The address is invalid: {value!r}. Addresses may be "
                          "specified as IP addresses, ranges, or subnets. Also, the following address keywords are allowed "
                          "in certain places: LocalSubnet, DNS, DHCP, WINS, DefaultGateway, Internet, Intranet, "
                          "IntranetRemoteAccess, PlayToDevice.", 87) from None
    return address


# [MS-FASP] 2.2.4, 2.2.6. open: subnets
def _subnet(value: str, four: str, six: str, endpoint: bool) -> Token:
    """IPv4 subnets are kept as address/mask, IPv6 ones as address/length [0x00100045, 0x00100046].

    No mask of zeros, no prefix of none (MS-FASP 2.2.4: a dwSubNetMask of zeros "is invalid", 2.2.6: "not less than 1").
    """
    base, _, size = value.partition("/")
    address = _single(base)
    code = 0x00100045 if address.version == 4 and "." in size else 0x00100046
    masks = [m for m in range(33) if address.version == 4 and size == str(_mask(m))]
    length = masks[0] if masks else int(size) if size.isascii() and size.isdigit() else -1
    if not 1 <= length <= address.max_prefixlen:
        raise rule_error(code, f"Subnet {value}.")
    _refuse(address, endpoint)
    network = ipaddress.ip_network((address, length), strict=False)
    if length == address.max_prefixlen:
        return (four if address.version == 4 else six, str(address))
    return ((four, f"{network.network_address}/{network.netmask}") if address.version == 4
            else (six, f"{network.network_address}/{length}"))


def _mask(length: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address((0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF)


# [MS-FASP] 2.2.55, FW_RULE_STATUS. open: loopback
def _refuse(address: ipaddress.IPv4Address | ipaddress.IPv6Address, endpoint: bool, alone: bool = False) -> None:
    """The unspecified address alone nowhere; multicast and broadcast not as an IPsec endpoint [0x0010004A, 0x0010004C]."""
    broadcast = str(address) == "255.255.255.255"
    if (alone and address.is_unspecified) or (endpoint and (address.is_multicast or broadcast)):
        raise rule_error(0x0010004C if address.version == 4 else 0x0010004A, f"Address {address}.")


# [MS-FASP] 2.2.12, 2.2.13
def ports(values: Sequence[str], single: str, several: str) -> list[Token]:
    """Tokens of numeric ports and ranges [0x00100022]; words are refused [0x00100021]."""
    if _any(values, 0x00100021):
        return []
    bounded(values)
    return [_port(v.strip(), single, several) for v in values]


# [MS-FASP] 2.2.12, FW_RULE_STATUS 0x00100022: "0 was used as a port number"; ranges of real rules begin at 0
def _port(value: str, single: str, several: str) -> Token:
    if not re.fullmatch(r"[0-9]+(\s*-\s*[0-9]+)?", value):
        raise rule_error(0x00100021, f"Port {value}.")
    first, _, last = (p.strip() for p in value.partition("-"))
    low, high = int(first), int(last or first)
    if not low <= high <= 65535 or high == 0:  # a range may begin at 0, as the page of New-NetIPsecRule has it
        raise rule_error(0x00100022, f"Port {value}.")
    return (several, f"{low}-{high}") if last else (single, str(low))


# [MS-FASP] 2.2.14
def local_ports(values: Sequence[str]) -> list[Token]:
    """Tokens of -LocalPort: numbers, ranges and the keywords of LOCAL_PORT_WORDS."""
    if _any(values, 0x00100021):
        return []
    bounded(values)
    tokens: list[Token] = []
    for value in values:
        known = LOCAL_PORT_WORDS.get(value.strip().lower())
        tokens += known[1] if known else [_port(value.strip(), "LPort", "LPort2_10")]
    return tokens


# [MS-FASP] 2.2.14
def remote_ports(values: Sequence[str]) -> list[Token]:
    """Tokens of -RemotePort: numbers, ranges and IPHTTPSOut."""
    if _any(values, 0x00100021):
        return []
    bounded(values)
    tokens: list[Token] = []
    for value in values:
        https = value.strip().lower() == "iphttpsout"
        tokens += ([("RPort2_10", "IPTLSOut"), ("RPort2_10", "IPHTTPSOut")] if https
                  else [_port(value.strip(), "RPort", "RPort2_10")])
    return tokens


# [MS-FASP] 2.2.16
def icmp_types(values: Sequence[str]) -> list[str]:
    """`type` or `type:code`, 0 to 255 each, as `8:*` or `3:4`; [] for Any [0x00100060, 0x00100061]."""
    if _any(values, 0x00100060):
        return []
    bounded(values)
    types = []
    for value in values:
        icmp_type, colon, code = value.strip().partition(":")
        if not (icmp_type.isascii() and icmp_type.isdigit() and int(icmp_type) <= 255):
            raise rule_error(0x00100060, f"IcmpType {value}.")
        if colon and code != "*" and not (code.isascii() and code.isdigit() and int(code) <= 255):
            raise rule_error(0x00100061, f"IcmpType {value}.")
        types.append(f"{int(icmp_type)}:{int(code) if code.isdigit() else '*'}")
    return types


# [MS-FASP] 2.2.37. open: descriptors-as-given
def sddl(value: str, code: int, conditional: bool = False) -> str:
    """A security descriptor with a DACL of allow and deny entries for filter match (CC); "" for Any or an empty text.

    Fewer than 10,000 characters, no bar; entries with conditions only where `conditional`. [`code`]
    """
    if value.lower() in ("", "any"):
        return ""
    shape = re.fullmatch(r"(O:[A-Z]{2}|O:S-1[-0-9]+)?(G:[A-Z]{2}|G:S-1[-0-9]+)?D:(P?A?[IR]*)(\(.*\))", value, re.IGNORECASE)
    if not shape or len(value) >= 10000 or "|" in value:
        raise rule_error(code)
    rest = shape[4]
    while rest:
        ace = _ACE.match(rest)
        if not ace or ace[2].upper() not in ("CC", "0X1") or (ace[4] and not conditional):
            raise rule_error(code)
        rest = rest[ace.end():]
    return value


# [MS-GPFAS] 2.2.2.19
def sid(value: str, code: int, under: str = "S-1-") -> str:
    """A SID as text; "" for Any or an empty text. [`code`]"""
    if value.lower() in ("", "any"):
        return ""
    if not _SID.match(value) or not value.upper().startswith(under):
        raise rule_error(code)
    return value.upper()


def owner(value: str) -> str:
    """-Owner: a SID, or a descriptor that names one (Microsoft's page says SDDL, the registry holds the SID)."""
    inner = re.fullmatch(r"(?:O:\w\w)?D:\(A;;CC;;;(S-1[-0-9]+)\)", value, re.IGNORECASE)
    return sid(inner[1] if inner else value, 0x001000C4)


# [MS-GPFAS] 2.2.2.17, 2.2.2.18
def platforms(values: Sequence[str]) -> list[Token]:
    """`6.2` is that version, `6.2+` that or later; the operator belongs to the last entry [0x001000E0, 0x001000E2]."""
    tokens: list[Token] = []
    for value in values:
        shape = re.fullmatch(r"(\d{1,3})\.(\d{1,3})(\+?)", value.strip())
        if not shape or int(shape[1]) > 255 or int(shape[2]) > 255:
            raise rule_error(0x001000E0)
        if tokens and tokens[-1][0] == "Platform2":
            raise rule_error(0x001000E2)
        tokens += [("Platform", f"2:{int(shape[1])}:{int(shape[2])}")] + ([("Platform2", "GTEQ")] if shape[3] else [])
    return tokens


# [MS-GPFAS] 2.2.2.1
def profiles(values: Sequence[str]) -> list[Token]:
    """Profile tokens: none for Any; all three where all three were named."""
    if "NotApplicable" in values:
        raise rule_error(0x00100050)
    if "Any" in values:
        return []
    return [("Profile", p) for p in ("Domain", "Private", "Public") if p in values]


def stored_bool(value: bool) -> str:
    """TRUE, or "" where Windows writes nothing."""
    return "TRUE" if value else ""


# New-NetFirewallDynamicKeywordAddress, -Id
def guid(value: str) -> str:
    """A GUID in braces [87]."""
    if not re.fullmatch(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}", value):
        raise system_error(87, f"Not a GUID: {value}.")
    return value


# New-NetFirewallRule, -InterfaceAlias
def interface_guids(machine: Machine, patterns: Sequence[str]) -> list[str]:
    """The GUIDs of the adapters that -InterfaceAlias means, each once; [] for Any [1168 for an alias that nothing has]."""
    if [p.lower() for p in patterns] == ["any"]:
        return []
    guids: list[str] = []
    for pattern in patterns:
        matching = [i.guid for i in machine.interfaces if matcher(pattern)(i.alias)]
        if not matching and not has_wildcards(pattern):
            raise system_error(1168, f"No interface has the alias {pattern}.")
        guids += matching
    return list(dict.fromkeys(guids))
