"""Whether a simulated host's own firewall lets a management connection in.

Decided from what the registry holds, by the documented order: shields up, then block over allow over the profile's
default action; before that an IPsec rule that requires security drops clear traffic (the lab's client speaks no IPsec)
unless an exemption matches. A condition that cannot be told from a TCP connection does not match.
"""

import ipaddress
import re
from collections.abc import Iterator

from ringfence.lab.enforcement.policy_in_force import profile_value, rule_strings
from ringfence.lab.machine.machine import Address, Machine
from ringfence.lab.netsecurity.ipsec_rules import TUNNEL
from ringfence.lab.registry.hive import GROUP_POLICY, POLICY
from ringfence.lab.registry.stored_rule import StoredRule

SSHD = r"%SystemRoot%\system32\OpenSSH\sshd.exe"
_FIREWALL = 2  # NET_FW_RULE_CATEGORY: what a product has taken over Windows does not filter
EPHEMERAL = 50000  # a client's own port lies here


def admits(machine: Machine, port: int, remote_address: str) -> bool:
    """Whether a new inbound TCP connection from `remote_address` reaches the listener on `port`."""
    remote = ipaddress.ip_address(remote_address.partition("%")[0])
    return InboundConnection(machine, port, remote).passes()


class InboundConnection:
    """A TCP connection that asks to come in."""

    def __init__(self, machine: Machine, port: int, remote: Address) -> None:
        self.machine, self.port, self.remote = machine, port, remote
        self.adapter = machine.adapter_towards(remote)
        profile = self.adapter.profile if self.adapter else None
        self.profile = (profile or "public").capitalize()
        self.locals = [ipaddress.ip_interface(a).ip for a in (self.adapter.addresses if self.adapter else ())]
        self.program, self.service = (SSHD, "sshd") if port == 22 else ("System", "")

    def passes(self) -> bool:
        """The decision."""
        machine = self.machine
        if not machine.firewall_runs() or any(_FIREWALL in taken for taken in machine.surroundings.taken_over.values()):
            return True
        if profile_value(machine, self.profile, "EnableFirewall") == 0 or self._unfiltered():
            return True
        if self._secured_only():
            return False
        default = profile_value(machine, self.profile, "DefaultInboundAction") == 0
        if profile_value(machine, self.profile, "DoNotAllowExceptions") == 1:
            return default
        merge = profile_value(machine, self.profile, "AllowLocalPolicyMerge") != 0
        actions = {rule.first("Action").lower() for rule in self._firewall_rules(merge) if self.matches(rule)}
        return False if "block" in actions else "allow" in actions or default

    def _firewall_rules(self, merge: bool) -> Iterator[StoredRule]:
        for text in rule_strings(self.machine, "FirewallRules", merge):
            low = text.lower()
            if "|active=true|" in low and "|dir=in|" in low and ("|protocol=6|" in low or "|protocol=" not in low):
                yield StoredRule.parse("FirewallRules", text)

    def _unfiltered(self) -> bool:
        """Whether the firewall leaves this adapter alone. The list of Group Policy replaces the local one."""
        lists = [self.machine.registry.get(path, "DisabledInterfaces") for path in (
            rf"{GROUP_POLICY}\{self.profile}Profile",
            rf"{POLICY}\{'Standard' if self.profile == 'Private' else self.profile}Profile")]
        listed = next((str(guids) for guids in lists if guids), "")
        return self.adapter is not None and self.adapter.guid.lower() in listed.lower()

    def _secured_only(self) -> bool:
        """Whether connection security rules drop this clear connection."""
        merge = profile_value(self.machine, self.profile, "AllowLocalIPsecPolicyMerge") != 0
        actions = {rule.first("Action") for text in rule_strings(self.machine, "ConSecRules", merge)
                   if (rule := StoredRule.parse("ConSecRules", text)).is_true("Active") and self._concerns(rule)}
        return bool(actions & {"Secure", "SecureServer"}) and "DoNotSecure" not in actions

    def _concerns(self, rule: StoredRule) -> bool:
        """Whether a connection security rule covers this connection. A tunnel between no named endpoints covers nothing."""
        unnamed_tunnel = rule.has(*TUNNEL) and not rule.has("EP1_4", "EP1_6", "EP2_4", "EP2_6")
        return (not unnamed_tunnel and self._general(rule) and self._port(rule, self.port, "EP1Port", "EP1Port2_10")
                and self._port(rule, EPHEMERAL, "EP2Port", "EP2Port2_10")
                and self._local(rule, "EP1_4", "EP1_6") and self._peer(rule, "EP2_4", "EP2_6"))

    def matches(self, rule: StoredRule) -> bool:
        """Whether every condition of a firewall rule holds for this connection in clear."""
        if rule.has("Security", "RMauth", "RUAuth", "LUAuth", "LUAuth2_24", "LUOwn", "AppPkgId", "PFN", "RADynKey", "ICMP4",
                    "ICMP6", "TTK", "TTK2_22", "TTK2_27", "TTK2_28"):
            return False
        return (self._general(rule) and self._listener(rule)
                and self._port(rule, self.port, "LPort", "LPort2_10", "LPort2_20", "LPort2_24", "LPort2_29")
                and self._port(rule, EPHEMERAL, "RPort", "RPort2_10", "RPort2_25")
                and self._local(rule, "LA4", "LA6") and self._peer(rule, "RA4", "RA6", "RA42", "RA62"))

    def _general(self, rule: StoredRule) -> bool:
        """Protocol, profile, interface and platform."""
        adapter_type = _ADAPTER_TYPES.get(self.adapter.type, "") if self.adapter else ""
        guid = self.adapter.guid if self.adapter else ""
        return (rule.first("Protocol", "6") in ("6", "256")
                and _is_listed(self.profile, rule.all("Profile"))
                and _is_listed(adapter_type, rule.all("IFType", "IFType2_23"))
                and _is_listed(guid, rule.all("IF")) and self._platform(rule))

    @staticmethod
    def _platform(rule: StoredRule) -> bool:
        """Whether this Windows, 10.0, is one that the rule is for; GTEQ belongs to the last version it lists."""
        listed, here = rule.all("Platform"), (10, 0)
        last = len(listed) - 1 if rule.first("Platform2").upper() == "GTEQ" else -1
        versions = [(int(p[0]), int(p[1])) for text in listed if len(p := text.split(":")[1:]) == 2 and "".join(p).isdigit()]
        return not listed or any(here >= v if i == last else here == v for i, v in enumerate(versions))

    def _listener(self, rule: StoredRule) -> bool:
        program, service = rule.first("App"), rule.first("Svc").lower()
        return (not program or self._expand(program) == self._expand(self.program)) and (
            not service or service == self.service or (service == "*" and self.service != ""))

    def _expand(self, path: str) -> str:
        known = {k.lower(): v for k, v in self.machine.environment.items()}
        return re.sub(r"%([^%]+)%", lambda m: known.get(m[1].lower(), m[0]), path).lower()

    def _port(self, rule: StoredRule, port: int, *tokens: str) -> bool:
        listed = [p for v in rule.all(*tokens) for p in v.split(",")]
        return not listed or any(_in_range(port, p) for p in listed)

    def _local(self, rule: StoredRule, *tokens: str) -> bool:
        listed = rule.all(*tokens)
        mine = [a for a in self.locals if a.version == self.remote.version]
        return not listed or any(self._is(a, v) for v in listed for a in mine)

    def _peer(self, rule: StoredRule, *tokens: str) -> bool:
        """Each family's tokens hold that family: a keyword in RA6 says nothing of an IPv4 address."""
        listed = [(t, v) for t, v in rule.pairs if t in tokens]
        family = str(self.remote.version)
        return not listed or any(self._is(self.remote, v) for t, v in listed if t.removesuffix("2")[-1] == family)

    def _is(self, address: Address, value: str) -> bool:
        """Whether an address is in a value of LA4, RA4 and their like, keywords included."""
        word = value.lower()
        if word in _KEYWORDS:
            return address in self._keyword(word)
        try:
            if "-" in value:
                first, last = (ipaddress.ip_address(v) for v in value.split("-"))
                return address.version == first.version and int(first) <= int(address) <= int(last)
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return False
        return address.version == network.version and address in network

    def _keyword(self, word: str) -> "set[Address] | _Networks":
        adapter = self.adapter
        if word == "localsubnet":
            return _Networks([*(adapter.networks() if adapter else ()), ipaddress.ip_network("fe80::/64")])
        if word == "internet":
            return _Networks([], public=True)
        listed = {"dns": adapter.dns_servers, "defaultgateway": adapter.gateways} if adapter else {}
        return {ipaddress.ip_address(a) for a in listed.get(word, ())}


_ADAPTER_TYPES = {"wired": "lan", "wireless": "wireless", "remote_access": "remoteaccess"}
_KEYWORDS = {"localsubnet", "dns", "dhcp", "wins", "defaultgateway", "intranet", "internet", "ply2renders", "rmtintranet",
             "captiveportal"}


class _Networks:
    """Addresses of some networks, or every public address (Internet: no intranet is defined)."""

    def __init__(self, networks: "list[ipaddress.IPv4Network | ipaddress.IPv6Network]", public: bool = False) -> None:
        self.networks, self.public = networks, public

    def __contains__(self, address: Address) -> bool:
        return (self.public and address.is_global) or any(
            address.version == n.version and address in n for n in self.networks)


def _is_listed(value: str, values: list[str]) -> bool:
    """Whether a condition with these values holds; one without values always does."""
    return not values or value.lower() in {v.lower() for v in values}


def _in_range(port: int, text: str) -> bool:
    first, _, last = text.strip().partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return False
    return int(first) <= port <= int(last or first)
