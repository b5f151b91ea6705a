"""The conditions of a rule string, and whether a flow meets them: one test for each token that is a condition ([MS-GPFAS]
2.2.2.19, 2.2.6.2). Tests answer None where they hang on what the lab does not know. A token that no document explains is such a
condition."""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from ringfence.lab.enforcement.account_lists import grants
from ringfence.lab.enforcement.address_conditions import AddressCondition, Network
from ringfence.lab.enforcement.port_conditions import IcmpCondition, PortCondition
from ringfence.lab.enforcement.simulated_flow import TCP, UDP, SimulatedFlow, all_hold, any_holds
from ringfence.lab.machine.machine import Address, Machine
from ringfence.lab.registry.stored_rule import StoredRule


class AskedFlow(Network):
    """A flow on its host, as conditions see it: paths expanded and in lower case, names in lower case."""

    flow: SimulatedFlow
    local: Address | None
    remote: Address
    profile: str
    program: str | None
    service: str | None
    machine: Machine


Effect = Literal["beats block", "block", "allow", "none"]
Test = Callable[[AskedFlow], bool | None]
ANY_PROTOCOL = 256
_LOCAL_PORTS = ("LPort", "LPort2_10", "LPort2_20", "LPort2_24", "LPort2_29", "EP1Port", "EP1Port2_10")
_REMOTE_PORTS = ("RPort", "RPort2_10", "RPort2_25", "EP2Port", "EP2Port2_10")
_LOCAL_ADDRESSES = ("LA4", "LA6", "EP1_4", "EP1_6")
_REMOTE_ADDRESSES = ("RA4", "RA6", "RA42", "RA62", "EP2_4", "EP2_6")
_TUNNEL = "LTunnel4 LTunnel6 RTunnel4 RTunnel6 LTunnel4_2 LTunnel6_2 RTunnel4_2 RTunnel6_2 RTunEndpts4 RTunEndpts6 RTunnelFqdn"
_HOW_TO_SECURE = ("Auth1Set Auth2Set Crypto2Set SecureInClearOut ByPassTunnel Authz KeyMod KeyManagerDictate KeyManagerNotify "
                  "FwdLifetime TransportMachineAuthzSDDL TransportUserAuthzSDDL")
_NO_CONDITIONS = frozenset(f"Action Active Dir Protocol Name Desc EmbedCtxt Edge Defer LSM LOM PCross AuthByPassOut SkipVer "
                           f"Platform2 Security2_9 Security2 {_TUNNEL} {_HOW_TO_SECURE}".split())
_PROTOCOLS = {"tcp": TCP, "udp": UDP}  # so in the rules for services that Windows ships
_PROFILES = frozenset(("domain", "private", "public"))
_ADAPTER_TYPES = {"wired": "lan", "wireless": "wireless", "remote_access": "remoteaccess"}
_HERE = (10, 0)  # the version of every Windows that the lab has


class RuleConditions:
    """A rule as flows meet it. `protocol` is a number, 256 for any, None for one that is not understood."""

    def __init__(self, rule: StoredRule) -> None:
        self.rule, self.action = rule, rule.first("Action").lower()
        self.active, self.direction = rule.is_true("Active"), rule.first("Dir").lower()
        said = rule.first("Protocol", str(ANY_PROTOCOL)).lower()
        self.protocol = int(said) if said.isdecimal() else _PROTOCOLS.get(said)
        # [MS-FASP] 2.2.35 LOCAL_ONLY_MAPPED: remote addresses and ports do not count, but in block rules
        self.is_local_only = rule.is_true("LOM") and self.action != "block"
        self.local_ports = PortCondition(rule.all(*_LOCAL_PORTS))
        self.remote_ports = PortCondition([] if self.is_local_only else rule.all(*_REMOTE_PORTS))
        self._profiles = {v.lower() for v in rule.all("Profile")}
        self.program, self.effect = rule.first("App"), self._effect()
        self._tests = tuple(self._all_tests())

    @property
    def passes_edge(self) -> bool | None:
        """Whether what it allows may come through the edge of a network ([MS-FASP] 2.2.35 ROUTEABLE_ADDRS_TRAVERSE); one that
        defers to the program or the user hangs on what they say."""
        return None if self.rule.has("Defer") else self.rule.is_true("Edge")

    def _effect(self) -> "Effect":
        """[MS-FASP] 2.2.34: block and allow; ALLOW_BYPASS beats block rules, outbound with 2.2.35 AUTHENTICATE_BYPASS_OUTBOUND,
        both for secured traffic alone."""
        outbound = self.action == "allow" and self.direction == "out" and self.rule.is_true("AuthByPassOut")
        if self.action == "bypass" or (outbound and self.rule.has("Security")):
            return "beats block" if self.rule.has("Security") else "none"
        return "block" if self.action == "block" else "allow" if self.action == "allow" else "none"

    def holds_in(self, profile: str) -> bool | None:
        """[MS-FASP] 2.2.37 dwProfiles: whether it is for a profile."""
        listed = self._profiles
        return not listed or profile in listed or (False if listed <= _PROFILES else None)

    def match(self, asked: AskedFlow) -> bool | None:
        """Whether a flow meets every condition."""
        unknown = False
        for test in self._tests:
            answer = test(asked)
            if answer is False:
                return False
            unknown = unknown or answer is None
        return None if unknown else True

    def _all_tests(self) -> list[Test]:
        rule, tests = self.rule, list[Test]()
        if self.protocol != ANY_PROTOCOL:
            tests.append(self._protocol)
        if rule.has("Profile"):
            tests.append(lambda asked: self.holds_in(asked.profile))
        tests += [_of_platform(rule)] if rule.has("Platform") else []
        for token, make in _BY_TOKEN.items():
            tests += [make(rule.all(token))] if rule.has(token) else []
        tests += [_of_adapter_type(rule.all("IFType", "IFType2_23"))] if rule.has("IFType", "IFType2_23") else []
        tests += [lambda asked: self.local_ports.cover(asked.flow.protocol, asked.flow.local_port)] if self.local_ports else []
        tests += [lambda asked: self.remote_ports.cover(asked.flow.protocol, asked.flow.remote_port)] if self.remote_ports else []
        tests += self._addresses()
        if rule.has("Security", "RMauth", "RUAuth"):
            tests.append(self._security)
        if rule.has("LUAuth2_24") or any(t not in _NO_CONDITIONS and t not in _KNOWN for t, _ in rule.pairs):
            tests.append(lambda asked: None)
        return tests

    def _protocol(self, asked: AskedFlow) -> bool | None:
        """[MS-FASP] 2.2.37 wIpProtocol"""
        return None if self.protocol is None else self.protocol == asked.flow.protocol

    def _addresses(self) -> list[Test]:
        found = [[(6 if "6" in token else 4, v) for token, v in self.rule.pairs if token in tokens]
                 for tokens in (_LOCAL_ADDRESSES, () if self.is_local_only else _REMOTE_ADDRESSES)]
        local, remote = (AddressCondition(values, not self._profiles) for values in found)
        tests = list[Test]()
        if found[0]:
            tests.append(lambda asked: local.covers(asked.local, asked))
        if (named := self.rule.has("RADynKey") and not self.is_local_only) or found[1]:
            # [MS-FASP] 2.2.37 RemoteDynamicKeywordAddresses: addresses beside those of the list, which the lab does not resolve
            tests.append(lambda asked: any_holds(remote.covers(asked.remote, asked), None if named else False))
        return tests

    def _security(self, asked: AskedFlow) -> bool | None:
        """[MS-FASP] 2.2.35 AUTHENTICATE and its like, 2.2.37 the lists of remote machines and users. Of a flow that is to be
        encrypted later (AUTH_WITH_ENC_NEGOTIATE) nobody knows whether it will be. open: secured-rule-and-clear-traffic"""
        flow, rule = asked.flow, self.rule
        if not rule.has("Security"):
            return None  # lists without it are refused (FW_RULE_STATUS 0x001000C0): what such a rule does nobody says
        if flow.security == "clear":
            return False
        match rule.first("Security").lower():
            case "authenticate":
                secured: bool | None = True
            case "authenticateencrypt":
                secured = flow.security == "encrypted" or (None if rule.has("Security2") else False)
            case _:
                secured = None
        listed = [grants(rule.first(token), who) for token, who in (("RMauth", flow.remote_machine), ("RUAuth", flow.remote_user))
                  if rule.has(token)]
        return all_hold(secured, *listed)


def _of_interface(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.37 LocalInterfaceIds"""
    folded = {v.lower() for v in listed}
    return lambda asked: None if asked.adapter is None else asked.adapter.guid.lower() in folded


def _of_adapter_type(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.20. What an adapter is that is neither wired, nor wireless, nor for remote access is not known."""
    folded = {v.lower() for v in listed}

    def is_listed(asked: AskedFlow) -> bool | None:
        known = _ADAPTER_TYPES.get(asked.adapter.type) if asked.adapter else None
        return None if known is None else known in folded

    return is_listed


def _of_program(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.37 wszLocalApplication, 2.2.33 RESOLVE_APPLICATION: variables stand for what they hold. The path of a
    device or a variable that the host has not says nothing."""
    wanted = listed[0]

    def is_that(asked: AskedFlow) -> bool | None:
        path = asked.machine.expanded(wanted).lower()
        return None if asked.program is None or "%" in path else asked.program == path

    return is_that


def _of_service(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.37 wszLocalService: `*` is any service."""
    wanted = listed[0].lower()
    return lambda asked: None if asked.service is None else asked.service == wanted or (wanted == "*" and asked.service != "")


def _of_package(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.37 wszPackageId"""
    wanted = listed[0].upper()
    return lambda asked: None if asked.flow.package is None else asked.flow.package.upper() == wanted


def _of_package_family(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.37 wszPackageFamilyName"""
    wanted = listed[0].lower()
    return lambda asked: (False if asked.flow.package == "" else
                          None if not asked.flow.package_family else asked.flow.package_family.lower() == wanted)


def _of_owner(listed: list[str]) -> Test:
    """Seen in WFP states of real hosts: the owner is a condition on the user. open: rule-owner"""
    return lambda asked: None if asked.flow.user is None else listed[0] in asked.flow.user


def _of_users(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.37 wszLocalUserAuthorizationList"""
    return lambda asked: grants(listed[0], asked.flow.user)


def _of_platform(rule: StoredRule) -> Test:
    """[MS-FASP] 2.2.37 PlatformValidityList, [MS-GPFAS] 2.2.2.18: GTEQ belongs to the last version that is listed."""
    listed = rule.all("Platform")
    last = len(listed) - 1 if rule.first("Platform2").upper() == "GTEQ" else -1
    versions = [(int(p[0]), int(p[1])) for text in listed if len(p := text.split(":")[1:]) == 2 and "".join(p).isdecimal()]
    holds = any(v <= _HERE if i == last else v == _HERE for i, v in enumerate(versions))
    return lambda asked: holds


def _of_icmp(listed: list[str]) -> Test:
    """[MS-FASP] 2.2.37 V4TypeCodeList, V6TypeCodeList"""
    condition = IcmpCondition(listed)
    return lambda asked: condition.covers(asked.flow.icmp)


_BY_TOKEN: dict[str, Callable[[list[str]], Test]] = {  # the quick and the rare ones first
    "Svc": _of_service, "App": _of_program, "PFN": _of_package_family, "AppPkgId": _of_package,
    "IF": _of_interface, "ICMP4": _of_icmp, "ICMP6": _of_icmp, "LUOwn": _of_owner, "LUAuth": _of_users}
_KNOWN = frozenset((
    *_BY_TOKEN, *_LOCAL_PORTS, *_REMOTE_PORTS, *_LOCAL_ADDRESSES, *_REMOTE_ADDRESSES, "Profile", "Platform", "IFType",
    "IFType2_23", "RADynKey", "Security", "RMauth", "RUAuth"))


@lru_cache(maxsize=16_384)
def conditions(key: str, text: str) -> RuleConditions:
    """Those of the rule string `text` of the registry key `key`."""
    return RuleConditions(StoredRule.parse(key, text))
