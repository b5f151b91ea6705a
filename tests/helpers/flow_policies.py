"""Policies and flows for properties of the lab's decisions: few ports, addresses and programs, so that much of it meets."""

from dataclasses import dataclass, field
from functools import cache

from hypothesis import strategies as st
from lab_machine import ETHERNET, host

from ringfence.lab import GROUP_POLICY, POLICY, Machine, NetworkAdapter, SimulatedFlow

WEB, PACKAGE, MACHINE = r"C:\srv\web.exe", "S-1-15-2-1-2-3", "S-1-5-21-1-2-3-1104"
OFFICE = NetworkAdapter("Office", "{22222222-2222-3333-4444-555555555555}", 5, "wireless", addresses=("192.0.2.10/24",),
                        profile="public", dns_servers=("192.0.2.53",))
PORTS = st.sampled_from([22, 135, 443, 444, 5985, 5986, 49700])
_PORT_TOKENS = ("{}=22", "{}=443|{}=135", "{}2_10=442-443", "{}2_10=1-5985", "{}2_10=5986-65535", "{}=RPC", "{}=443,444")
_ADDRESSES = ("RA4=10.99.0.1", "RA4=10.99.0.0/255.255.255.0|RA6=fe80::/64", "RA4=LocalSubnet|RA6=LocalSubnet", "RA4=DNS",
              "RA4=10.0.0.0-10.99.0.1", "RA42=IntErnet|RA62=IntErnet", "RADynKey={4AE53E4F-CEC6-4CF6-A6E1-5B3E2B4C9E2F}",
              "RA4=DHCP", "LA4=10.99.0.10")
_SPEAKERS = ("App=System", rf"App={WEB}", r"App=%SystemRoot%\system32\OpenSSH\sshd.exe|Svc=sshd", "Svc=*", "Svc=w32time",
             f"AppPkgId={PACKAGE}", "LUOwn=S-1-5-18", "LUAuth=D:(A;;CC;;;BA)", r"App=%TOOLS%\x.exe")
_PLACES = ("Profile=Private", "Profile=Public|Profile=Domain", "IF={11111111-2222-3333-4444-555555555555}", "IFType=Wireless",
           "Platform=2:6:2|Platform2=GTEQ", "Platform=2:6:1", "NNm=corp")
_SECURED = ("Security=Authenticate", "Security=AuthenticateEncrypt", f"Security=Authenticate|RMauth=O:LSD:(A;;CC;;;{MACHINE})",
            "Security=AuthenticateEncrypt|Security2=AnE-Nego")


def _one_of(*pieces: str) -> st.SearchStrategy[str]:
    """One of these or nothing, which is as likely."""
    return st.one_of(st.just(""), st.sampled_from(pieces).map(lambda piece: piece + "|"))


@st.composite
def rule_strings(draw: st.DrawFn, action: str) -> str:
    """An enabled rule. One that beats block rules has secured traffic."""
    direction = draw(st.sampled_from(["In", "In", "Out"]))
    protocol = draw(st.sampled_from(["", "Protocol=6|", "Protocol=6|", "Protocol=17|", "Protocol=1|ICMP4=8:*|", "Protocol=58|"]))
    side = draw(st.sampled_from(["LPort", "RPort"]))
    ports = draw(_one_of(*_PORT_TOKENS)).replace("{}", side) if protocol in ("Protocol=6|", "Protocol=17|") else ""
    secured = st.sampled_from(_SECURED).map(lambda piece: piece + "|") if action == "ByPass" else _one_of(*_SECURED)
    rest = "".join(draw(_one_of(*pieces)) for pieces in (_ADDRESSES, _SPEAKERS, _PLACES, ("Edge=TRUE", "LOM=TRUE")))
    rest += draw(secured) if action != "Block" else ""
    return f"v2.31|Action={action}|Active=TRUE|Dir={direction}|{protocol}{ports}{rest}"


@dataclass(frozen=True)
class LabPolicy:
    """Rule strings and values of a host; of `rules` each second one is of Group Policy."""

    rules: tuple[str, ...] = ()
    consec: tuple[str, ...] = ()
    private: dict[str, int] = field(default_factory=dict)
    public: dict[str, int] = field(default_factory=dict)
    group_policy: dict[str, int] = field(default_factory=dict)
    exemptions: int = 9


_VALUES = st.fixed_dictionaries({}, optional={
    "EnableFirewall": st.sampled_from([0, 1, 1, 1]), "DefaultInboundAction": st.sampled_from([0, 1]),
    "DefaultOutboundAction": st.sampled_from([0, 1]), "DoNotAllowExceptions": st.sampled_from([0, 0, 1])})
_MERGES = st.fixed_dictionaries({}, optional={"AllowLocalPolicyMerge": st.sampled_from([0, 1, 1])})
_CONSEC = st.builds(lambda action, rest: f"v2.31|Action={action}|Active=TRUE|{rest}", st.sampled_from(
    ["Secure", "SecureServer", "Boundary", "DoNotSecure"]), _one_of("EP2_4=10.99.0.0/255.255.255.0", "Protocol=6|EP1Port=443",
                                                                   "Protocol=17", "Profile=Public", "EP2_4=DHCP"))
POLICIES = st.builds(
    LabPolicy, st.lists(st.sampled_from(["Allow", "Allow", "Block", "ByPass"]).flatmap(rule_strings), max_size=6).map(tuple),
    st.one_of(st.just(()), st.lists(_CONSEC, max_size=2).map(tuple)), _VALUES, _VALUES, _MERGES, st.sampled_from([0, 2, 9, 15]))


_PEERS = ("10.99.0.1", "10.99.0.53", "10.1.2.3", "8.8.8.8", "192.0.2.7", "127.0.0.1")
_PROGRAMS = (("System", ""), (WEB, ""), (r"C:\Windows\System32\OpenSSH\sshd.exe", "sshd"), (None, None),
             (r"C:\Windows\System32\svchost.exe", "W32Time"))


@st.composite
def flows(draw: st.DrawFn) -> SimulatedFlow:
    """A flow that many of these rules meet."""
    protocol = draw(st.sampled_from([6, 6, 6, 17, 1, 58]))
    six = protocol == 58 or draw(st.integers(0, 9)) == 0
    remote = "fe80::1" if six else draw(st.sampled_from(_PEERS))
    program, service = draw(st.sampled_from(_PROGRAMS))
    return SimulatedFlow(
        draw(st.sampled_from(["in", "in", "out"])), protocol, remote, "fe80::10" if six else "10.99.0.10", draw(PORTS),
        draw(PORTS), {1: (8, 0), 58: (135, 0)}.get(protocol),
        draw(st.sampled_from([None, ETHERNET.guid, OFFICE.guid])), program, service,
        draw(st.sampled_from(["", "", PACKAGE])), "", draw(st.sampled_from([None, ("S-1-5-18", "S-1-5-32-544")])),
        draw(st.sampled_from(["clear", "clear", "authenticated", "encrypted"])),
        draw(st.sampled_from([None, (MACHINE,), ("S-1-5-7",)])), None, draw(st.sampled_from([False, False, False, True])))


@cache
def _host() -> Machine:
    """Made once: it takes longer than all decisions on it."""
    return host(interfaces=(ETHERNET, OFFICE))


def host_with(policy: LabPolicy) -> Machine:
    """The host, which has this policy then and no other."""
    on = _host()
    for key in ("FirewallRules", "ConSecRules", "StandardProfile", "PublicProfile"):
        on.registry.delete(rf"{POLICY}\{key}")
    on.registry.delete(GROUP_POLICY)
    for n, text in enumerate(policy.rules):
        on.registry.set((GROUP_POLICY if n % 2 else POLICY) + r"\FirewallRules", f"r{n}", text)
    for n, text in enumerate(policy.consec):
        on.registry.set(POLICY + r"\ConSecRules", f"c{n}", text)
    for path, values in ((POLICY + r"\StandardProfile", policy.private), (POLICY + r"\PublicProfile", policy.public),
                         (GROUP_POLICY + r"\PrivateProfile", policy.group_policy)):
        for name, data in values.items():
            on.registry.set(path, name, data)
    on.registry.set(POLICY, "IPSecExempt", policy.exemptions)
    return on
