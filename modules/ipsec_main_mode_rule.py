"""ipsec_main_mode_rule: how the key exchange with certain peers goes (New-, Set-, Remove-NetIPsecMainModeRule)."""

from collections.abc import Iterable
from typing import Any

from ringfence.conditions import LOCAL_ADDRESS, NAME, Rule, addresses
from ringfence.ipsec import ENDPOINT1, ENDPOINT2, MAIN_MODE_CRYPTO, PHASE1_AUTH, check_addresses, reference, set_token
from ringfence.resource import DEFAULT, Finding, Strings, prop, resource
from ringfence.words import Caseless, address, many

ORDER = "Profile Auth1Set Crypto1Set EP1_4 EP1_6 EP2_4 EP2_6 Name Desc EmbedCtxt Active Platform Platform2"
REMOTE = many(address, *addresses("", "").keywords, name="addresses, ranges a-b, subnets a/length")


@resource("ipsec_main_mode_rule", noun="NetIPsecMainModeRule", home=Strings("MainModeRules", ORDER), key_word=NAME)
class IpsecMainModeRule(Rule):
    """Authentication and algorithms of the key exchange with certain peers; for all others the default sets serve."""

    main_mode_crypto_set: str | None = prop(
        "The `ipsec_main_mode_crypto_set` that protects the exchange.", reference(MAIN_MODE_CRYPTO),
        set_token("Crypto1Set", MAIN_MODE_CRYPTO), default=Caseless(DEFAULT), refers="ipsec_main_mode_crypto_set",
        example="strong")
    phase1_auth_set: str | None = prop(
        "The `ipsec_phase1_auth_set` of the authentication.", reference(PHASE1_AUTH), set_token("Auth1Set", PHASE1_AUTH),
        default=Caseless(DEFAULT), refers="ipsec_phase1_auth_set")
    local_address: tuple[str, ...] = prop("The near ends of the connections.", LOCAL_ADDRESS, ENDPOINT1, default=(),
                                          group="address")
    remote_address: tuple[str, ...] = prop("The far ends, or keywords that Windows resolves itself.", REMOTE, ENDPOINT2,
                                           default=(), group="address", example=["10.7.0.0/16"])

    def settle(self, values: dict[str, Any]) -> None:
        super().settle(values)
        for p in self.kind.refers:
            if values[p.name] is None:
                values[p.name] = Caseless(DEFAULT)

    def check(self) -> Iterable[Finding]:
        yield from check_addresses("local_address", self.local_address)
        yield from check_addresses("remote_address", self.remote_address)
