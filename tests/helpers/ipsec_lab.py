"""Strategies for IPsec policies that Windows takes."""

from collections.abc import Callable
from typing import Any

from core import KINDS, task
from hypothesis import strategies as st

from ringfence.project.render import RenderedTask
from ringfence.secret import Secret

Policy = list[tuple[str, dict[str, Any]]]


def tasks(policy: Policy) -> list[RenderedTask]:
    """A policy as tasks."""
    return [task(kind, properties) for kind, properties in policy]


# ---- strategies: policies that Windows takes -------------------------------------------------------------------------
def maybe(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="|", exclude_categories=["Cc", "Zs"]),
               min_size=1, max_size=20).filter(lambda t: t.casefold() != "all" and "{{" not in t)
NAMES = {"display_name": TEXT, "description": TEXT, "group": TEXT}
CA = st.sampled_from(["C=US, O=Contoso, CN=Contoso Root CA", "DC=com,DC=contoso,CN=Issuing 1", 'O="Contoso, Ltd.", CN=Root'])
THUMBPRINT = st.text("0123456789abcdefABCDEF", min_size=40, max_size=40)
USAGES = st.lists(st.sampled_from(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.8.2.2"]), min_size=1, unique=True)
CRITERIA = merged(st.just({"selection_criteria": True, "validation_criteria": True}), st.one_of(
    st.fixed_dictionaries({"thumbprint": THUMBPRINT, "follow_renewal": st.booleans()}),
    st.fixed_dictionaries({"extended_key_usage": USAGES}),
    st.fixed_dictionaries({"subject_name": st.sampled_from(["gw.contoso.com", "Contoso"]), "subject_name_type": st.sampled_from(
        ["domain_name", "user_principal_name", "email_address", "cn", "ou", "o", "dc"])})))


def certificates(whose: str, *, health: bool = False, first: bool = True) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Certificate proposals, those of one signing next to each other; the first may have criteria."""
    one = merged(st.fixed_dictionaries({"cert": st.just(True), whose: st.just(True), "authority": CA}),
                 maybe(authority_type=st.sampled_from(["root", "intermediate"]), account_mapping=st.booleans(),
                       **({"exclude_ca_name": st.booleans()} if first else {})))
    health_too = st.just({"health": True} if health else {})
    made = st.lists(st.tuples(st.sampled_from(["rsa", "ecdsa256", "ecdsa384"]), one, health_too), min_size=1, max_size=3)
    ordered = made.map(lambda found: [{**o, **h, "signing": s} for s, o, h in sorted(found, key=lambda f: f[0])])
    return st.tuples(ordered, st.one_of(st.just({}), CRITERIA)).map(lambda found: [{**found[0][0], **found[1]}, *found[0][1:]])


KERBEROS = maybe(proxy=st.just("kdc.contoso.com"))
ANONYMOUS = st.sampled_from([[], [{"anonymous": True}]])
COMPUTER = st.one_of(
    KERBEROS.map(lambda k: [{"machine": True, "kerberos": True, **k}]), st.just([{"machine": True, "ntlm": True}]),
    certificates("machine"), certificates("machine", health=True),
    st.tuples(KERBEROS, certificates("machine")).map(lambda f: [{"machine": True, "kerberos": True, **f[0]}, *f[1]]))
KEY = TEXT.map(lambda t: [{"machine": True, "pre_shared_key": Secret(t)}])
FIRST = st.one_of(st.tuples(COMPUTER, ANONYMOUS).map(lambda f: f[0] + f[1]), KEY)
SECOND = st.tuples(st.one_of(
    st.just([{"user": True, "kerberos": True}]), st.just([{"user": True, "ntlm": True}]),
    st.just([{"user": True, "kerberos": True}, {"user": True, "ntlm": True}]), certificates("user", first=False),
    certificates("machine", health=True, first=False)), ANONYMOUS).map(lambda f: f[0] + f[1])

MAIN = st.fixed_dictionaries({"key_exchange": st.sampled_from(["dh1", "dh2", "dh14", "dh19", "dh20", "dh24"]),
                              "encryption": st.sampled_from(["des", "des3", "aes128", "aes192", "aes256"]),
                              "hash": st.sampled_from(["md5", "sha1", "sha256", "sha384"])})
PLAIN_HASH = st.sampled_from(["md5", "sha1", "sha256"])
PLAIN_CIPHER = st.sampled_from(["none", "des", "des3", "aes128", "aes192", "aes256"])
SIZE = st.sampled_from([128, 192, 256])


def suite(encapsulation: list[str], hash: str, encryption: str = "none") -> dict[str, Any]:
    found: dict[str, Any] = {"encapsulation": encapsulation}
    if "ah" in encapsulation:
        found["ah_hash"] = hash
    if "esp" in encapsulation:
        found |= {"esp_hash": hash, "encryption": encryption}
    return found


ESP = st.sampled_from([["esp"], ["ah", "esp"]])
QUICK = merged(st.one_of(
    st.builds(lambda h: suite(["ah"], h), st.one_of(PLAIN_HASH, SIZE.map(lambda n: f"aesgmac{n}"))),
    st.builds(suite, ESP, PLAIN_HASH, PLAIN_CIPHER), st.builds(lambda e, n: suite(e, f"aesgmac{n}"), ESP, SIZE),
    st.builds(lambda e, n: suite(e, f"aesgmac{n}", f"aesgcm{n}"), ESP, SIZE)),
    maybe(max_minutes=st.integers(5, 2879), max_kilo_bytes=st.integers(20480, 2147483647)))
GUID = "{9323C5D2-7704-43F9-97BC-CD28359F150D}"
SET = {
    "ipsec_phase1_auth_set": merged(st.fixed_dictionaries({"proposal": FIRST}), maybe(**NAMES)),
    "ipsec_phase2_auth_set": merged(st.fixed_dictionaries({"proposal": SECOND}), maybe(**NAMES)),
    "ipsec_main_mode_crypto_set": merged(
        st.fixed_dictionaries({"proposal": st.lists(MAIN, min_size=1, max_size=3)}),
        maybe(max_minutes=st.integers(1, 2879), max_sessions=st.integers(0, 2147483647), force_diffie_hellman=st.booleans(),
              **NAMES)),
    "ipsec_quick_mode_crypto_set": merged(
        st.fixed_dictionaries({"proposal": st.lists(QUICK, min_size=1, max_size=3)}),
        maybe(perfect_forward_secrecy_group=st.sampled_from(
            ["none", "same_as_main_mode", "dh1", "dh2", "dh14", "dh19", "dh20", "dh24"]), **NAMES))}
ADDRESSES = st.lists(st.sampled_from(["10.1.2.3", "10.0.0.0/8", "192.168.7.1-192.168.7.9", "2001:db8::1", "2001:db8:1::/48",
                                      "172.16.0.0/255.240.0.0", "fd00::1-fd00::ff"]), min_size=1, max_size=3, unique=True)
FAR = st.one_of(ADDRESSES, st.sampled_from([["local_subnet"], ["DNS", "10.0.0.0/8"], ["DHCP4"], ["DefaultGateway", "WINS6"]]))
COMMON = {**NAMES, "enabled": st.booleans(), "remote_address": FAR,
          "profile": st.lists(st.sampled_from(["domain", "private", "public"]), min_size=1, unique=True),
          "platform": st.sampled_from([["6.2+"], ["6.1", "10.0+"], ["6.2"]])}
WHERE = st.one_of(maybe(local_address=ADDRESSES),
                  maybe(interface_type=st.sampled_from([["wired"], ["wireless", "remote_access"]])),
                  maybe(interface_alias=st.just("Ether*")))
PORT = st.integers(1, 65535)
PORTS = st.lists(PORT, min_size=1, max_size=3)
RANGES = st.lists(st.one_of(PORT, st.tuples(PORT, PORT).map(lambda p: f"{min(p)}-{max(p)}")), min_size=1, max_size=3)
LISTS = st.sampled_from(["S-1-5-21-1-2-3-1104", "D:(A;;CC;;;S-1-5-11)", ["S-1-5-32-544", "S-1-5-32-545"]])


def what(ports: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(maybe(protocol=st.sampled_from(["icmpv4", "icmpv6", 47, "tcp"])), merged(
        st.fixed_dictionaries({"protocol": st.sampled_from(["tcp", "udp"])}), maybe(local_port=ports, remote_port=ports)))


def security(*pairs: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(pairs).map(lambda p: {"inbound_security": p[0], "outbound_security": p[1]})


EXEMPTION = merged(security(("none", "none")), maybe(**COMMON), WHERE, what(RANGES))
TRANSPORT = merged(security(("request", "request"), ("require", "request"), ("require", "require")), maybe(**COMMON), WHERE,
                   what(PORTS), maybe(machine=LISTS, user=LISTS, allow_watch_key=st.booleans(), allow_set_key=st.booleans(),
                                      forward_path_lifetime=st.sampled_from([0, 78, 172799])))
FOUR, SIX = st.sampled_from(["1.1.1.1", "203.0.113.7"]), st.sampled_from(["2001:db8::1", "2001:db8::2"])
GATEWAYS = st.one_of(
    st.fixed_dictionaries({"local_tunnel_endpoint": FOUR, "remote_tunnel_endpoint": FOUR}),
    st.fixed_dictionaries({"local_tunnel_endpoint": SIX, "remote_tunnel_endpoint": SIX}),
    st.fixed_dictionaries({"local_tunnel_endpoint": st.just(["1.1.1.1", "2001:db8::1"]),
                           "remote_tunnel_endpoint": st.just(["203.0.113.9", "2001:db8::9"])}))
ONE_END = st.one_of(st.fixed_dictionaries({"remote_tunnel_endpoint": st.one_of(FOUR, SIX)}),
                    st.fixed_dictionaries({"local_tunnel_endpoint": FOUR}),
                    merged(st.just({"remote_tunnel_endpoint": ["2002:9d3b::2", "2002:9d3b::3", "2002:9d3b::4"]}),
                           maybe(remote_tunnel_hostname=st.just("gw.contoso.com"))))
TUNNEL = merged(st.just({"mode": "tunnel"}), security(("require", "require"), ("require", "none")), maybe(**COMMON), st.one_of(
    merged(GATEWAYS, st.fixed_dictionaries({"local_address": ADDRESSES, "remote_address": ADDRESSES})), ONE_END),
    maybe(encrypted_tunnel_bypass=st.booleans(), require_authorization=st.booleans()))


@st.composite
def policies(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Policy:
    """Some sets, the default ones among them, and rules that name them."""
    policy: Policy = []
    named: dict[str, list[str]] = {}
    for kind, strategy in SET.items():
        names = draw(st.lists(st.sampled_from(["default", "One", GUID]), max_size=2, unique=True))
        named[kind] = [n for n in names if n != "default"]
        policy += [(kind, {"name": n, **draw(strategy)}) for n in names]
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["ipsec_rule", "ipsec_main_mode_rule"]))
        if kind == "ipsec_rule":
            rule = draw(st.one_of(EXEMPTION, TRANSPORT, TUNNEL))
        else:
            rule = draw(merged(maybe(**COMMON), maybe(local_address=ADDRESSES)))
        sets = {"phase1_auth_set": "ipsec_phase1_auth_set", "phase2_auth_set": "ipsec_phase2_auth_set",
                "quick_mode_crypto_set": "ipsec_quick_mode_crypto_set", "main_mode_crypto_set": "ipsec_main_mode_crypto_set"}
        if rule.get("inbound_security") != "none":
            for property, of in sets.items():
                if property in KINDS[kind].properties and named[of] and draw(st.booleans()):
                    rule = {**rule, property: draw(st.sampled_from(named[of]))}
            if kind == "ipsec_rule" and "phase2_auth_set" not in rule and draw(st.booleans()):
                rule = {**rule, "phase2_auth_set": "none"}
        policy.append((kind, {"name": f"rule {number}", **rule}))
    return policy
