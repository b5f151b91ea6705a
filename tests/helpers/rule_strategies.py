"""Rules and rule strings for property tests: any that Windows takes, and any that a registry might hold."""

import string as characters
from typing import Any

from core import GUID
from hypothesis import strategies as st


def among(words: str, *others: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*words.split(), *others])


HOST = among("10.0.0.1 10.0.0.2 10.0.0.0-10.0.0.255 10.0.0.128/25 10.0.0.0/8 10.0.0.1-10.0.0.9 "
             "2001:db8::1 fe80::/64 192.168.7.0/255.255.255.0")
WORDS = among("LocalSubnet LocalSubnet4 LocalSubnet6 DNS DNS6 Internet Intranet4 CaptivePortal PlayToDevice6")
RANGE = st.tuples(st.integers(0, 60), st.integers(61, 65535)).map(lambda r: f"{r[0]}-{r[1]}")
PORTS = st.lists(st.one_of(st.integers(1, 70), st.integers(1, 65535), RANGE), min_size=1, max_size=4)
TEXT = st.text(st.characters(exclude_characters="|", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
PATH = st.text(characters.ascii_letters + "%\\: .()=", min_size=1, max_size=20).map(lambda p: "C:\\" + p.strip() + "x")
SIDS = st.one_of(st.lists(st.sampled_from(["S-1-5-11", "S-1-5-32-544", "S-1-5-21-1-2-3-1104"]), min_size=1, max_size=3),
                 st.sampled_from(["O:LSD:(A;;CC;;;AU)", "D:(D;;CC;;;SY)(A;;CC;;;AU)"]))


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Properties of a rule that Windows takes."""
    said: dict[str, Any] = {"name": "r", "direction": draw(st.sampled_from(["inbound", "outbound"])),
                            "action": draw(st.sampled_from(["allow", "block"])), "enabled": draw(st.booleans())}
    inbound, allow = said["direction"] == "inbound", said["action"] == "allow"

    def maybe(property: str, values: st.SearchStrategy[Any], condition: bool = True) -> None:
        if condition and draw(st.booleans()):
            said[property] = draw(values)

    maybe("display_name", TEXT.filter(lambda t: t.strip() and t.strip().casefold() != "all"))
    maybe("description", TEXT)
    maybe("group", TEXT)
    maybe("protocol", st.sampled_from(["tcp", "udp", "icmpv4", "icmpv6", "any", "47", "0"]))
    protocol = said.get("protocol", "any")
    maybe("local_port", PORTS, protocol in ("tcp", "udp"))
    maybe("remote_port", PORTS, protocol in ("tcp", "udp"))
    maybe("icmp_type", st.lists(st.sampled_from(["8", "3:4", "128:*", "255:255"]), min_size=1), protocol.startswith("icmp"))
    maybe("remote_address", st.lists(st.one_of(HOST, WORDS), min_size=1, max_size=5))
    maybe("profile", st.lists(st.sampled_from(["domain", "private", "public"]), min_size=1, max_size=4))
    maybe("program", PATH)
    maybe("service", st.sampled_from(["TermService", "*", "a=b", "Win_RM.x"]))
    maybe("local_user", SIDS, "service" not in said)
    maybe("owner", st.just("S-1-5-21-1-2-3-1001"), "service" not in said)
    maybe("package", st.just("S-1-15-2-1-2-3"))
    maybe("interface_alias", st.just(GUID))
    maybe("interface_type", st.lists(st.sampled_from(["wired", "wireless", "remote_access"]), min_size=1))
    maybe("local_address", st.lists(HOST, min_size=1, max_size=4), not {"interface_alias", "interface_type"} & set(said))
    maybe("authentication", st.sampled_from(["required", "no_encap"]), allow)
    secured = "authentication" in said
    maybe("remote_machine", SIDS, secured)
    maybe("remote_user", SIDS, secured and inbound)
    encryptions = ["required", "dynamic"] if inbound else ["required"]
    maybe("encryption", st.sampled_from(encryptions), said.get("authentication") == "required")
    maybe("override_block_rules", st.just(True), secured and (not inbound or "remote_machine" in said))
    maybe("edge_traversal_policy", st.sampled_from(["allow", "defer_to_app"]), inbound)
    maybe("loose_source_mapping", st.just(True), not inbound and protocol != "tcp" and not secured)
    maybe("local_only_mapping", st.just(True))
    maybe("platform", st.sampled_from([["6.1"], ["10.0+"], ["6.1", "10.0+"], ["6.2+"]]))
    return said


TOKENS = among(
    "Action Active Dir Protocol Profile LPort LPort2_10 LPort2_24 RPort ICMP4 ICMP6 RA4 RA6 RA42 RA62 LA4 IF "
    "IFType App Svc Name Desc RMauth LUAuth LUAuth2_24 LUOwn AppPkgId EmbedCtxt Platform Platform2 TTK TTK2_22 "
    "Edge Defer LSM Security Security2 Security2_9 AuthByPassOut PFN Unknown name lport RADynKey IFType2_23", "")
DATA = st.one_of(among(
    "Allow Block ByPass TRUE FALSE In Out 6 17 1 58 256 Domain Private Public 80 80-90 0 RPC IPTLSIn IPHTTPSIn "
    "8:* 3:4 10.0.0.1 10.0.0.0/255.0.0.0 LocalSubnet IntErnet Lan O:LSD:(A;;CC;;;AU) 2:6:2 3:6:2 2:6 GTEQ "
    "Proximity WFDPrint User App Authenticate AuthenticateEncrypt AnE-Nego An-NoEncap 80,90 10.0.0.1,DNS mDNS "
    "Ply2Disc", "", GUID),
    st.text(st.characters(exclude_characters="|"), max_size=8))
PIECE = st.one_of(st.tuples(TOKENS, DATA).map("=".join), st.text(max_size=8))
VERSION = st.sampled_from(["v2.31", "V2.0", "", "rubbish", "v2"])
STRING = st.tuples(VERSION, st.lists(PIECE, max_size=14)).map(lambda s: "|".join((s[0], *s[1], "")))
