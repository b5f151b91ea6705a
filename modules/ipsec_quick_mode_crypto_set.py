"""ipsec_quick_mode_crypto_set: how the data is protected (New-, Set-, Remove-NetIPsecQuickModeCryptoSet)."""

from collections.abc import Iterable
from typing import Any

from ringfence.codecs.converted import digits
from ringfence.codecs.tokens import TruthTable
from ringfence.diagnostics import Finding
from ringfence.model.proposals import (
    CIPHERS,
    ENCRYPTION,
    GROUP,
    HASH,
    IPSEC_SERVICES,
    QUICK_MODE_CRYPTO,
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
from ringfence.types.base import PropertyType, as_list, as_text, fold, quoted

GCM = {f"aesgcm{n}": f"2_1Encryption=AES-GCM{n}" for n in (128, 192, 256)}


def encapsulations(value: Any) -> tuple[str, ...]:
    """`ah`, `esp`, both, or `none`. Raises ValueError."""
    words = [fold(as_text(m)) for m in as_list(value)]
    if words == ["none"]:
        return ()
    if not words or set(words) - {"ah", "esp"}:
        raise ValueError(f"{quoted(value)} is not ah, esp, both of them, or none [0x00105021]")
    return tuple(sorted(set(words)))


ENCAPSULATION = PropertyType("list of ah, esp; or none", encapsulations,
                     {"anyOf": [{"enum": ["ah", "esp", "none"]}, {"type": "array", "items": {"enum": ["ah", "esp"]}}]},
                     lambda v: [m.upper() for m in v] if v else "None")


def hashes(protocol: str) -> TruthTable:
    """AhHash or EspHash: the names of GCM mean GMAC here ([MS-GPFAS] 2.2.5)."""
    later = {"sha256": "SHA256"} | {f"aesgmac{n}": f"AES-GCM{n}" for n in (128, 192, 256)}
    return TruthTable({"none": "", "md5": f"{protocol}=MD5", "sha1": f"{protocol}=SHA1",
                 **{name: f"2_1{protocol}={stored}" for name, stored in later.items()}})


@proposal("New-NetIPsecQuickModeCryptoProposal", "Protocol 2_9Protocol Encryption 2_1Encryption AhHash 2_1AhHash EspHash "
      "2_1EspHash TimeOutMinutes TimeOutKbytes")
class QuickModeProposal(Resource):
    """One combination of protocols and algorithms for the data."""

    encapsulation: tuple[str, ...] = prop("AH, ESP, or both; none: authenticated, but sent as it is.", ENCAPSULATION, TruthTable({
        (("ah",),): "Protocol=AH", (("esp",),): "Protocol=ESP", (("ah", "esp"),): "Protocol=AH&ESP",
        ((),): "2_9Protocol=AUTH_NO_ENCAP"}), default=(), absent=None, required=True, example=["esp"])
    ah_hash: str = prop("The integrity algorithm of AH.", HASH, hashes("AhHash"), default="none")
    esp_hash: str = prop("The integrity algorithm of ESP; with AES-GCM the GMAC of the same size.", HASH, hashes("EspHash"),
                         default="none", example="sha256")
    encryption: str = prop("The cipher of ESP.", ENCRYPTION, TruthTable(CIPHERS | GCM), default="none", example="aes256")
    max_minutes: int = prop("Minutes after which new keys are made.", ranged(5, 2879, "0x00105024"),
                            digits("TimeOutMinutes"), default=60)
    max_kilo_bytes: int = prop("Kilobytes after which new keys are made.", ranged(20480, 2147483647, "0x00105025"),
                               digits("TimeOutKbytes"), default=100000)

    def check(self) -> Iterable[Finding]:
        """The combinations of [MS-FASP] 2.2.74 and KB949856."""
        ah, esp = "ah" in self.encapsulation, "esp" in self.encapsulation
        if not ah and self.ah_hash != "none":
            yield Finding("ah_hash", "ah_hash goes with ah [0x00105023]", "add ah to encapsulation, or leave ah_hash out")
        if not esp and (self.esp_hash != "none" or self.encryption != "none"):
            yield Finding(
                "esp_hash", "esp_hash and encryption go with esp [0x00105041]", "add esp to encapsulation, or leave them out"
            )
        for name in ("ah_hash", "esp_hash"):
            if getattr(self, name) == "sha384":
                yield Finding(name, "quick mode cannot use sha384 [0x00105023]", "use sha256, or an AES-GMAC")
        if ah and self.ah_hash == "none":
            yield Finding("ah_hash", "ah needs ah_hash [0x00105023]", "use md5, sha1, sha256 or an AES-GMAC")
        if esp:
            yield from self._check_esp()
        if ah and esp and self.ah_hash != self.esp_hash:
            yield Finding("ah_hash", f"ah and esp have different hashes, {self.ah_hash} and {self.esp_hash} [0x00105041]",
                   "use one hash for both")

    def _check_esp(self) -> Iterable[Finding]:
        gcm = self.encryption.removeprefix("aesgcm") if self.encryption.startswith("aesgcm") else ""
        gmac = self.esp_hash.removeprefix("aesgmac") if self.esp_hash.startswith("aesgmac") else ""
        if self.esp_hash == "none" and self.encryption == "none":
            yield Finding("esp_hash", "esp needs a hash or a cipher [0x00105040]", "set esp_hash, encryption or both")
        elif gcm and gcm != gmac:
            yield Finding("encryption", f"{self.encryption} is said with the GMAC of its size [0x00105041]",
                   f"set esp_hash to aesgmac{gcm}")
        elif gmac and self.encryption != "none" and not gcm:
            yield Finding("encryption", f"{self.esp_hash} goes with no cipher or with aesgcm{gmac} [0x00105041]",
                   f"set encryption to aesgcm{gmac} or none, or use sha256")
        elif self.esp_hash == "none":
            yield Finding("esp_hash", "esp without integrity is not among the combinations that Windows supports (KB949856), "
                   "though it may take it", "set esp_hash", "warning")


@resource("ipsec_quick_mode_crypto_set", noun="NetIPsecQuickModeCryptoSet", name_type=set_name(QUICK_MODE_CRYPTO), write_order=3,
          services=IPSEC_SERVICES, storage=SetKeys(("Phase2CryptoSet", "Phase2CryptoSets"), QUICK_MODE_CRYPTO,
                    "Version Name Description EmbeddedContext PFS 2_16PFS"))
class QuickModeCryptoSet(ProposalSet):
    """What protects the data: the first proposal that both sides have is used. `default` serves rules that name no set."""

    proposal: tuple[QuickModeProposal, ...] = prop(
        "What is offered, in order. Where encryption is a must, every proposal has to encrypt.", proposals_of(QuickModeProposal),
        default=(), required=True, proposal=QuickModeProposal,
        example=[{"encapsulation": ["esp"], "esp_hash": "sha256", "encryption": "aes256"}])
    perfect_forward_secrecy_group: str = prop(
        "The Diffie-Hellman group of a new exchange for each session key.", GROUP, later("PFS", {
            "none": "Disable", "same_as_main_mode": "EnableDHFromPhase1", "dh1": "ReKeyDH1", "dh2": "ReKeyDH2",
            "dh14": "ReKeyDH2048", "dh19": "ReKeyECDH256", "dh20": "ReKeyECDH384", "dh24": "ReKeyDH24"}),
        default="none", required_when=ALWAYS)  # the page of New-NetIPsecQuickModeCryptoSet tells no default

    def check(self) -> Iterable[Finding]:
        yield from proposal_findings(self.proposal)
        bare = [p for p in self.proposal if p.encapsulation == ()]
        if bare and len(bare) == len(self.proposal):
            yield Finding("proposal", "a set without encapsulation holds an ah or esp proposal too [0x00105021]",
                   "add a proposal with ah or esp")
        if bare and self.perfect_forward_secrecy_group != "none":
            yield Finding("perfect_forward_secrecy_group", "no encapsulation goes with no perfect forward secrecy",
                   "leave it out, or encapsulate")
