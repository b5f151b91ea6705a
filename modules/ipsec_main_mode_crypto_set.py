"""ipsec_main_mode_crypto_set: how the key exchange itself is protected (New-, Set-, Remove-NetIPsecMainModeCryptoSet)."""

from collections.abc import Iterable

from ringfence.codecs.converted import digits
from ringfence.codecs.tokens import TruthTable, switch
from ringfence.diagnostics import Finding
from ringfence.model.proposals import (
    CIPHERS,
    ENCRYPTION,
    GROUP,
    HASH,
    IPSEC_SERVICES,
    MAIN_MODE_CRYPTO,
    ProposalSet,
    later,
    proposal,
    proposal_findings,
    proposals_of,
    ranged,
    set_name,
)
from ringfence.model.resource import ALWAYS, Resource, prop, resource
from ringfence.model.storage import SetKeys
from ringfence.types.enums import BOOL


@proposal("New-NetIPsecMainModeCryptoProposal", "KeyExchange 2_16KeyExchange Encryption Hash 2_1Hash")
class MainModeProposal(Resource):
    """One combination of algorithms for main mode."""

    key_exchange: str = prop("The Diffie-Hellman group: dh14 (2048 bit), dh19 and dh20 (elliptic curves) …", GROUP,
                             later("KeyExchange", {"dh1": "DH1", "dh2": "DH2", "dh14": "DH2048", "dh19": "ECDH-256",
                                                   "dh20": "ECDH-384", "dh24": "DH24"}),
                             default="none", required=True, example="dh14")
    encryption: str = prop("The cipher.", ENCRYPTION, TruthTable(CIPHERS), default="aes256", absent="none", required=True,
                           example="aes256")
    hash: str = prop("The integrity algorithm.", HASH, TruthTable({
        "md5": "Hash=MD5", "sha1": "Hash=SHA1", "sha256": "2_1Hash=SHA256", "sha384": "2_1Hash=SHA384"}),
        default="sha384", absent="none", required=True, example="sha256")

    def check(self) -> Iterable[Finding]:
        if self.key_exchange in ("none", "same_as_main_mode"):
            yield Finding(
                "key_exchange", f"{self.key_exchange} is not a group of main mode [0x00105004]", "name one: dh14, dh19, dh20 …"
            )
        if self.encryption == "none" or self.encryption.startswith("aesgcm"):
            yield Finding("encryption", f"main mode cannot use {self.encryption} [0x00105005]",
                   "use des, des3, aes128, aes192 or aes256")
        if self.hash == "none" or self.hash.startswith("aesgmac"):
            yield Finding("hash", f"main mode cannot use {self.hash} as its hash [0x00105006]", "use md5, sha1, sha256 or sha384")


@resource("ipsec_main_mode_crypto_set", noun="NetIPsecMainModeCryptoSet", name_type=set_name(MAIN_MODE_CRYPTO), write_order=3,
          services=IPSEC_SERVICES, storage=SetKeys(("Phase1CryptoSet", "Phase1CryptoSets"), MAIN_MODE_CRYPTO,
                    "Version Name Description EmbeddedContext DoNotSkipDH TimeOutMinutes TimeOutSessions"))
class MainModeCryptoSet(ProposalSet):
    """What protects the negotiation: the first proposal that both sides have is used.

    The set named `default` serves every rule that has no main mode rule of its own.
    """

    proposal: tuple[MainModeProposal, ...] = prop("What is offered, in order.", proposals_of(MainModeProposal), default=(),
                                                  required=True, proposal=MainModeProposal,
                                                  example=[{"key_exchange": "dh14", "encryption": "aes256", "hash": "sha256"}])
    # New-NetIPsecMainModeCryptoSet has "4800 minutes (eight hours)", more than Windows takes; [MS-FASP] note 31 has 480
    max_minutes: int = prop("Minutes after which the peers authenticate anew.", ranged(1, 2879, "0x00105002"),
                            digits("TimeOutMinutes"), default=480, required_when=ALWAYS)
    max_sessions: int = prop("Quick mode sessions after which the peers authenticate anew; 0 is no limit.",
                             ranged(0, 2147483647, "0x00105003"), digits("TimeOutSessions"), default=0)
    force_diffie_hellman: bool = prop("Do the key exchange even where AuthIP would leave it to Kerberos or TLS.", BOOL,
                                      switch("DoNotSkipDH"), default=False)

    def check(self) -> Iterable[Finding]:
        yield from proposal_findings(self.proposal)
        groups = sorted({p.key_exchange for p in self.proposal if p.key_exchange})
        if len(groups) > 1:
            yield Finding(
                "proposal",
                f"the proposals have different groups ({', '.join(groups)}): [MS-FASP] 2.2.74 wants one over all, "
                "the pages of the cmdlet show sets that mix them",
                "use one group if a host refuses the set",
                "warning",
            )
