"""Rule strings: `v2.31|Action=Allow|Active=TRUE|…|`, read and written in the token order of Windows' own writer.

The order was counted over public exports of real machines; a token nobody lists keeps its place at the end.
"""

from collections.abc import Iterable

Token = tuple[str, str]

_FIREWALL = ("Action Active Dir Protocol Profile LPort|LPort2_10|LPort2_20|LPort2_24|LPort2_29 RPort RPort2_10 RPort2_25 "
             "ICMP4|ICMP6 RA42 RA62 LA4 LA6 RA4 RA6 RADynKey IF IFType IFType2_23 App Svc Name Desc RMauth RUAuth LUAuth "
             "LUAuth2_24 PFN LUOwn AppPkgId EmbedCtxt Platform Platform2 TTK TTK2_22 TTK2_27 TTK2_28 Edge Defer LSM LOM "
             "PCross Security Security2_9 Security2 AuthByPassOut")
_IPSEC = ("Action Name Desc Active Profile Protocol EP1Port|EP1Port2_10 EP2Port|EP2Port2_10 EP1_4 EP1_6 EP2_4 EP2_6 IF "
          "IFType LTunnel4 LTunnel6 RTunnel4 RTunnel6 LTunnel4_2 LTunnel6_2 RTunnel4_2 RTunnel6_2 RTunEndpts4 "
          "RTunEndpts6 RTunnelFqdn Auth1Set Auth2Set Crypto2Set EmbedCtxt Platform Platform2 SecureInClearOut "
          "ByPassTunnel Authz KeyMod KeyManagerDictate KeyManagerNotify FwdLifetime TransportMachineAuthzSDDL "
          "TransportUserAuthzSDDL")
_MAIN_MODE = "Name Desc Active Profile EP1_4 EP1_6 EP2_4 EP2_6 Auth1Set Crypto1Set EmbedCtxt Platform Platform2"


def _ranks(order: str) -> dict[str, tuple[int, str]]:
    return {t.lower(): (i, t) for i, group in enumerate(order.split()) for t in group.split("|")}


ORDERS = {"FirewallRules": _ranks(_FIREWALL), "ConSecRules": _ranks(_IPSEC), "MainModeRules": _ranks(_MAIN_MODE)}


class StoredRule:
    """The tokens of one rule in the registry key `key` (FirewallRules, ConSecRules, MainModeRules).

    Token names are held in their usual spelling; values are text. What is not known is kept.
    """

    def __init__(self, key: str, pairs: Iterable[Token] = (), version: str = "") -> None:
        self.key, self.version = key, version
        ranks = ORDERS[key]
        self.pairs: list[Token] = [(ranks.get(t.lower(), (0, t))[1], v) for t, v in pairs]

    @classmethod
    def parse(cls, key: str, text: str) -> "StoredRule":
        """The rule in a registry string. Tokens without `=` are kept with an empty value."""
        version, *pieces = text.strip("|").split("|")
        split = (p.partition("=") for p in pieces)
        return cls(key, [(t, v) for t, _, v in split], version[1:])

    def text(self, schema: str) -> str:
        """The registry string, of the version `schema` (like "2.31")."""
        ranks, last = ORDERS[self.key], len(ORDERS[self.key])
        ordered = sorted(self.pairs, key=lambda p: ranks.get(p[0].lower(), (last, ""))[0])
        return f"v{schema}|" + "".join(f"{t}={v}|" for t, v in ordered)

    def all(self, *tokens: str) -> list[str]:
        """The values of these tokens in order."""
        return [v for t, v in self.pairs if t in tokens]

    def first(self, token: str, default: str = "") -> str:
        """The first value of a token."""
        return next((v for t, v in self.pairs if t == token), default)

    def is_true(self, token: str) -> bool:
        """Whether a boolean token says TRUE."""
        return self.first(token).upper() == "TRUE"

    def has(self, *tokens: str) -> bool:
        """Whether any of these tokens is there."""
        return any(t in tokens for t, _ in self.pairs)

    def replace(self, tokens: str, *pairs: Token) -> None:
        """Replaces every one of the space-separated `tokens` by `pairs`; pairs with an empty value are left out."""
        gone = tokens.split()
        self.pairs = [p for p in self.pairs if p[0] not in gone] + [p for p in pairs if p[1] != ""]
