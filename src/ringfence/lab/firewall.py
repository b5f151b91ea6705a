"""Whether a simulated host's own firewall lets a management connection in.

Decided from what the registry holds, by the documented order: shields up, then block over allow over the profile's
default action; before that an IPsec rule that requires security drops clear traffic (the lab's client speaks no IPsec)
unless an exemption matches. A condition that cannot be told from a TCP connection does not match.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ringfence.lab.netsecurity_ipsec import TUNNEL
from ringfence.lab.registry import GROUP_POLICY, MDM, POLICY
from ringfence.lab.rulestring import Rule

if TYPE_CHECKING:
    from ringfence.lab.machine import Interface, Machine

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SSHD = r"%SystemRoot%\system32\OpenSSH\sshd.exe"
EPHEMERAL = 50000  # a client's own port lies here
ON_WINS = {"DoNotAllowExceptions"}  # true in one store is true (MS-FASP 3.1.3)


def admits(machine: "Machine", port: int, remote_address: str) -> bool:
    """Whether a new inbound TCP connection from `remote_address` reaches the listener on `port`."""
    remote = ipaddress.ip_address(remote_address.partition("%")[0])
    return Connection(machine, port, remote).passes()


def interface_towards(machine: "Machine", remote: Address) -> "Interface | None":
    """The interface whose subnet holds the address, else the first one with a gateway, else the first that is up."""
    up = [i for i in machine.interfaces if i.status == "up"]
    near = [i for i in up if any(remote in n for n in i.networks() if n.version == remote.version)]
    return next(iter(near + [i for i in up if i.gateways] + up), None)


def profile_value(machine: "Machine", profile: str, name: str) -> int | None:
    """A profile's value in force: Group Policy's, else the local one; values that win when on, from either."""
    group = rf"{GROUP_POLICY}\{profile}Profile"
    legacy = all(machine.registry.key(rf"{GROUP_POLICY}\{p}Profile") is None for p in ("Private", "Public"))
    if profile != "Domain" and legacy:
        group = GROUP_POLICY + r"\StandardProfile"
    local = rf"{POLICY}\{'Standard' if profile == 'Private' else profile}Profile"
    found = [v for v in (machine.registry.get(p, name) for p in (group, local)) if isinstance(v, int)]
    return max(found) if found and name in ON_WINS else found[0] if found else None


def rules(machine: "Machine", key: str, merge: bool) -> Iterator[tuple[str, str]]:
    """(id, rule string) of the policy in force; of two with one id the one of Group Policy stays."""
    seen: set[str] = set()
    for root in (GROUP_POLICY, MDM, POLICY) if merge else (GROUP_POLICY, MDM):
        held = machine.registry.key(f"{root}\\{key}")
        for folded, value in (held.values.items() if held else ()):
            if folded not in seen and isinstance(value.data, str):
                seen.add(folded)
                yield value.name, value.data


class Connection:
    """A TCP connection that asks to come in."""

    def __init__(self, machine: "Machine", port: int, remote: Address) -> None:
        self.machine, self.port, self.remote = machine, port, remote
        self.interface = interface_towards(machine, remote)
        kind = self.interface.profile if self.interface else None
        self.profile = (kind or "public").capitalize()
        self.locals = [ipaddress.ip_interface(a).ip for a in (self.interface.addresses if self.interface else ())]
        self.program, self.service = (SSHD, "sshd") if port == 22 else ("System", "")

    def passes(self) -> bool:
        """The decision."""
        machine = self.machine
        if machine.services.get("mpssvc") != "running" or machine.services.get("BFE") != "running":
            return True
        if profile_value(machine, self.profile, "EnableFirewall") == 0 or self._unfiltered():
            return True
        if self._secured_only():
            return False
        default = profile_value(machine, self.profile, "DefaultInboundAction") == 0
        if profile_value(machine, self.profile, "DoNotAllowExceptions") == 1:
            return default
        merge = profile_value(machine, self.profile, "AllowLocalPolicyMerge") != 0
        actions = {rule.one("Action").lower() for rule in self._firewall_rules(merge) if self.matches(rule)}
        return False if "block" in actions else "allow" in actions or default

    def _firewall_rules(self, merge: bool) -> Iterator[Rule]:
        for _, text in rules(self.machine, "FirewallRules", merge):
            low = text.lower()
            if "|active=true|" in low and "|dir=in|" in low and ("|protocol=6|" in low or "|protocol=" not in low):
                yield Rule.parse("FirewallRules", text)

    def _unfiltered(self) -> bool:
        held = [self.machine.registry.get(path, "DisabledInterfaces") for path in (
            rf"{GROUP_POLICY}\{self.profile}Profile",
            rf"{POLICY}\{'Standard' if self.profile == 'Private' else self.profile}Profile")]
        listed = next((str(h) for h in held if h), "")
        return self.interface is not None and self.interface.guid.lower() in listed.lower()

    def _secured_only(self) -> bool:
        """Whether connection security rules drop this clear connection."""
        merge = profile_value(self.machine, self.profile, "AllowLocalIPsecPolicyMerge") != 0
        actions = {rule.one("Action") for _, text in rules(self.machine, "ConSecRules", merge)
                   if (rule := Rule.parse("ConSecRules", text)).true("Active") and self._concerns(rule)}
        return bool(actions & {"Secure", "SecureServer"}) and "DoNotSecure" not in actions

    def _concerns(self, rule: Rule) -> bool:
        held = rule.has(*TUNNEL) and not rule.has("EP1_4", "EP1_6", "EP2_4", "EP2_6")
        return (not held and self._general(rule) and self._port(rule, self.port, "EP1Port", "EP1Port2_10")
                and self._port(rule, EPHEMERAL, "EP2Port", "EP2Port2_10")
                and self._local(rule, "EP1_4", "EP1_6") and self._peer(rule, "EP2_4", "EP2_6"))

    def matches(self, rule: Rule) -> bool:
        """Whether every condition of a firewall rule holds for this connection in clear."""
        if rule.has("Security", "RMauth", "RUAuth", "LUAuth", "LUAuth2_24", "LUOwn", "AppPkgId", "PFN", "RADynKey", "ICMP4",
                    "ICMP6", "TTK", "TTK2_22", "TTK2_27", "TTK2_28"):
            return False
        return (self._general(rule) and self._listener(rule)
                and self._port(rule, self.port, "LPort", "LPort2_10", "LPort2_20", "LPort2_24", "LPort2_29")
                and self._port(rule, EPHEMERAL, "RPort", "RPort2_10", "RPort2_25")
                and self._local(rule, "LA4", "LA6") and self._peer(rule, "RA4", "RA6", "RA42", "RA62"))

    def _general(self, rule: Rule) -> bool:
        """Protocol, profile, interface and platform."""
        profiles, kinds, guids = rule.all("Profile"), rule.all("IFType", "IFType2_23"), rule.all("IF")
        kind = {"wired": "lan", "wireless": "wireless", "remote_access": "remoteaccess"}.get(
            self.interface.type if self.interface else "", "")
        own = self.interface.guid.lower() if self.interface else ""
        return (rule.one("Protocol", "6") in ("6", "256")
                and (not profiles or self.profile.lower() in {p.lower() for p in profiles})
                and (not kinds or kind in {k.lower() for k in kinds})
                and (not guids or own in {g.lower() for g in guids}) and self._platform(rule))

    def _platform(self, rule: Rule) -> bool:
        listed, here = rule.all("Platform"), (10, 0)
        last = len(listed) - 1 if rule.one("Platform2").upper() == "GTEQ" else -1
        versions = [(int(p[0]), int(p[1])) for text in listed if len(p := text.split(":")[1:]) == 2 and "".join(p).isdigit()]
        return not listed or any(here >= v if i == last else here == v for i, v in enumerate(versions))

    def _listener(self, rule: Rule) -> bool:
        program, service = rule.one("App"), rule.one("Svc").lower()
        return (not program or self._expand(program) == self._expand(self.program)) and (
            not service or service == self.service or (service == "*" and self.service != ""))

    def _expand(self, path: str) -> str:
        known = {k.lower(): v for k, v in self.machine.environment.items()}
        return re.sub(r"%([^%]+)%", lambda m: known.get(m[1].lower(), m[0]), path).lower()

    def _port(self, rule: Rule, port: int, *tokens: str) -> bool:
        listed = [p for v in rule.all(*tokens) for p in v.split(",")]
        return not listed or any(_in_range(port, p) for p in listed)

    def _local(self, rule: Rule, *tokens: str) -> bool:
        listed = rule.all(*tokens)
        mine = [a for a in self.locals if a.version == self.remote.version]
        return not listed or any(self._is(a, v) for v in listed for a in mine)

    def _peer(self, rule: Rule, *tokens: str) -> bool:
        """Each family's tokens hold that family: a keyword in RA6 says nothing of an IPv4 address."""
        listed = [(t, v) for t, v in rule.pairs if t in tokens]
        family = str(self.remote.version)
        return not listed or any(self._is(self.remote, v) for t, v in listed if t.removesuffix("2")[-1] == family)

    def _is(self, address: Address, value: str) -> bool:
        """Whether an address is in a value of LA4, RA4 and their like, keywords included."""
        word = value.lower()
        if word in _WORDS:
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
        interface = self.interface
        if word == "localsubnet":
            return _Networks([*(interface.networks() if interface else ()), ipaddress.ip_network("fe80::/64")])
        if word == "internet":
            return _Networks([], public=True)
        listed = {"dns": interface.dns_servers, "defaultgateway": interface.gateways} if interface else {}
        return {ipaddress.ip_address(a) for a in listed.get(word, ())}


_WORDS = {"localsubnet", "dns", "dhcp", "wins", "defaultgateway", "intranet", "internet", "ply2renders", "rmtintranet",
          "captiveportal"}


class _Networks:
    """Addresses of some networks, or every public address (Internet: no intranet is defined)."""

    def __init__(self, networks: "list[ipaddress.IPv4Network | ipaddress.IPv6Network]", public: bool = False) -> None:
        self.networks, self.public = networks, public

    def __contains__(self, address: Address) -> bool:
        return (self.public and address.is_global) or any(
            address.version == n.version and address in n for n in self.networks)


def _in_range(port: int, text: str) -> bool:
    first, _, last = text.strip().partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return False
    return int(first) <= port <= int(last or first)
