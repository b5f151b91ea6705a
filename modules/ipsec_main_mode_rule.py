"""ipsec_main_mode_rule: how the key exchange with certain peers goes (New-, Set-, Remove-NetIPsecMainModeRule)."""

from collections.abc import Iterable
from typing import Any

from ringfence.diagnostics import Finding
from ringfence.model.phrase import Phrase
from ringfence.model.proposals import IPSEC_SERVICES, MAIN_MODE_CRYPTO, PHASE1_AUTH, reference, set_token
from ringfence.model.resource import prop, resource
from ringfence.model.rules import (
    ENDPOINT1,
    ENDPOINT2,
    ENDPOINT_ADDRESS,
    LOCAL_ADDRESS,
    NAME,
    Rule,
    check_addresses,
    check_lengths,
    check_reach,
)
from ringfence.model.storage import DEFAULT, RuleStrings
from ringfence.types.base import CaseInsensitive

ORDER = "Profile Auth1Set Crypto1Set EP1_4 EP1_6 EP2_4 EP2_6 Name Desc EmbedCtxt Active Platform Platform2"


@resource("ipsec_main_mode_rule", noun="NetIPsecMainModeRule", storage=RuleStrings("MainModeRules", ORDER),
          name_type=NAME, services=IPSEC_SERVICES, merged_by="allow_local_ipsec_rules", category="connection_security")
class IpsecMainModeRule(Rule):
    """Authentication and algorithms of the key exchange with certain peers; for all others the default sets serve."""

    main_mode_crypto_set: str | None = prop(
        "The `ipsec_main_mode_crypto_set` that protects the exchange.", reference(MAIN_MODE_CRYPTO),
        set_token("Crypto1Set", MAIN_MODE_CRYPTO), default=CaseInsensitive(DEFAULT), references="ipsec_main_mode_crypto_set",
        example="strong", phrase=Phrase(", crypto set {}", place=4))
    phase1_auth_set: str | None = prop(
        "The `ipsec_phase1_auth_set` of the authentication.", reference(PHASE1_AUTH), set_token("Auth1Set", PHASE1_AUTH),
        default=CaseInsensitive(DEFAULT), references="ipsec_phase1_auth_set", phrase=Phrase(", authentication set {}", place=4))
    local_address: tuple[str, ...] = prop("The near ends of the connections.", LOCAL_ADDRESS, ENDPOINT1, default=(),
                                          filter_object="address", phrase=Phrase("at {}", always=False, place=3))
    remote_address: tuple[str, ...] = prop("The far ends, or keywords that Windows resolves itself.", ENDPOINT_ADDRESS, ENDPOINT2,
                                           default=(), filter_object="address", example=["10.7.0.0/16"],
                                           phrase=Phrase("key exchange with {}", place=2))

    def normalise(self, values: dict[str, Any]) -> None:
        super().normalise(values)
        for p in self.kind.references:
            if values[p.name] is None:
                values[p.name] = CaseInsensitive(DEFAULT)

    def check(self) -> Iterable[Finding]:
        yield from check_addresses("local_address", self.local_address)
        yield from check_addresses("remote_address", self.remote_address)
        yield from check_lengths(self)
        yield from check_reach(self)
