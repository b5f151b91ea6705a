"""What IPsec kinds have in common: words and codecs, references to sets, and the table of authentication proposals.

Sources: [MS-GPFAS] 2.2.4-2.2.7 (tokens and values), [MS-FASP] 2.2.55-2.2.74 and FW_RULE_STATUS (what is refused).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ringfence.codecs import Nested, Pieces, Rows, Spelled, Table, Text, Values
from ringfence.conditions import DISPLAY_NAME, NAME, TEXT, addresses
from ringfence.resource import DEFAULT, Finding, Resource, part, prop
from ringfence.words import FLAG, SECRET, Caseless, Word, choice, many, number, plain, said, text

PHASE1_AUTH = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"
PHASE2_AUTH = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE4}"
MAIN_MODE_CRYPTO = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE1}"
QUICK_MODE_CRYPTO = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}"
"""The ids of the default sets, one on each host ([MS-GPFAS] 2.2.4, 2.2.5)."""


def switch(token: str) -> Rows:
    """TRUE, or FALSE, which means what absence does."""
    return Rows({False: "", True: f"{token}=TRUE"}, idle=f"{token}=FALSE")


def digits(token: str, unit: int = 1) -> Spelled:
    """A number; where `unit` is not 1 the stored one is that many times as large, and 0 is not stored."""

    def read(data: str) -> int:
        stored = int(data)
        if stored % unit:
            raise ValueError(data)  # no value of the property says it: the piece stays as it is
        return stored // unit

    return Spelled(token, read, lambda v: None if unit != 1 and not v else str(v * unit))


def ranged(low: int, high: int, status: str, *extra: int) -> Word:
    """A whole number in a range that Windows enforces with a status code."""
    base = number(low, high, *extra)

    def parse(value: Any) -> int:
        try:
            return int(base.parse(value))
        except ValueError as error:
            raise ValueError(f"{error} [{status}]") from None

    return Word(base.name, parse, base.schema)


def set_name(primary: str) -> Word:
    """The name of a set: its id, or `default` for the one default set of its kind ([MS-FASP] 2.2.65, 2.2.74)."""

    def parse(value: Any) -> str:
        name = str(NAME.parse(value))
        if name.casefold() in (DEFAULT, primary.casefold()):
            return DEFAULT
        if len(name) > 254 or "\\" in name:
            raise ValueError(f"{said(name)}: the name of a set has at most 254 characters and no backslash")
        if name.casefold().startswith(primary.casefold()):
            raise ValueError(f"{said(name)} begins with the id of the default set: only that set may have it")
        return name

    return Word("name, or default", parse, {"type": ["string", "integer"], "minLength": 1, "maxLength": 254})


def reference(primary: str) -> Word:
    """The name of a set in a rule; `default` is the default set, whether anybody changed it or not."""
    name = set_name(primary)
    return Word("name of a set, or default", lambda v: Caseless(name.parse(v)), name.schema,
                lambda v: primary if v == DEFAULT else str(v))


def set_token(token: str, primary: str) -> Spelled:
    """How a rule stores the id of a set."""
    return Spelled(token, lambda data: Caseless(DEFAULT if data.casefold() == primary.casefold() else data),
                   lambda v: primary if v == DEFAULT else str(v))


ENDPOINT1 = addresses("EP1_4", "EP1_6")
ENDPOINT2 = addresses("EP2_4", "EP2_6")


def check_addresses(name: str, values: Sequence[str]) -> Iterable[Finding]:
    """No end of a secured connection is a multicast, broadcast, loopback or unspecified address ([MS-FASP] 2.2.21).

    A range or subnet is refused where all of it is such: "everything but 10.0.0.0/8" begins at 0.0.0.0.
    """
    for value in values:
        if value[0].isdigit() or ":" in value:
            first, _, last = value.partition("-")
            if all(map(_unfit, (first, last or first))):
                code = "0x0010004A" if ":" in value else "0x0010004C"
                yield (name, f"{value}: unspecified, multicast, broadcast and loopback addresses cannot be secured [{code}]",
                       "name unicast addresses")


def _unfit(text: str) -> bool:
    """Whether an address is such, or the first one of a subnet."""
    net = ipaddress.ip_network(text)
    first = net.network_address
    if first.is_multicast or first.is_loopback or str(first) == "255.255.255.255":
        return True
    return first.is_unspecified and net.prefixlen == net.max_prefixlen


def _x500(value: Any) -> Caseless | None:
    """An X.500 name such as `DC=com, DC=contoso, CN=Contoso Root CA`; a part with commas stands in quotes.

    Kept in the spelling that CertNameToStr of Windows writes.
    """
    name = text(9999).parse(value)
    if name is None:
        raise ValueError("the name of a certificate authority is empty [0x00101060]")
    parts = [p.strip() for p in re.findall(r"""(?:"[^"]*"|[^,"])+""", name)]
    if any(not re.match(r"[A-Za-z0-9][A-Za-z0-9.]*\s*=\s*\S", p) for p in parts) or name.count('"') % 2:
        raise ValueError(f"{said(name)} is not an X.500 name like C=US, O=Contoso, CN=Contoso Root CA [0x00101060]")
    return Caseless(", ".join(map(_rdn, parts)))


_RDN_NAMES = {"ST": "S", "EMAIL": "E"}


def _rdn(text: str) -> str:
    key, _, value = (t.strip() for t in text.partition("="))
    if len(value) > 2 and value[0] == value[-1] == '"' and not set(value[1:-1]) & set(',+="<>#;'):
        value = value[1:-1]
    return f"{_RDN_NAMES.get(key.upper(), key.upper())}={value}"


def _fqdn(value: Any) -> Caseless:
    name = plain(value)
    if len(name) > 255 or not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", name):
        raise ValueError(f"{said(name)} is not a fully qualified name like kerbproxy.contoso.com")
    return Caseless(name)


def _oid(value: str) -> str:
    if not re.fullmatch(r"[0-2](\.\d+)+", value):
        raise ValueError(f"{said(value)} is not an object identifier like 1.3.6.1.5.5.7.3.2 [0x00101075]")
    return value


def _thumbprint(value: Any) -> Caseless:
    found = re.sub(r"[\s:]", "", plain(value))
    if not re.fullmatch(r"[0-9A-Fa-f]{40}", found):
        raise ValueError(f"{said(value)} is not a thumbprint of 40 hexadecimal digits [0x00101074]")
    return Caseless(found)


FQDN = Word("a fully qualified name", _fqdn, {"type": "string"}, lambda v: str(v) if v else "")
X500 = Word("an X.500 name", _x500, {"type": "string"}, lambda v: str(v) if v else "")


class _Proxy:
    """A proxy server stands beside the flag that allows it ([MS-GPFAS] 2.2.4.15, .16)."""

    tokens: Pieces = ("AllowProxy", "ProxyServer")

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        server = next((p for p in pieces if p.lower().startswith("proxyserver=")), "").partition("=")[2]
        allowed = any(p.lower() == "allowproxy=true" for p in pieces)
        if bool(server) != allowed:  # one without the other: what that means is not known
            return (None,), () if not server and pieces == ("AllowProxy=FALSE",) else pieces
        return (Caseless(server) if server else None,), ()

    def write(self, *values: Any) -> Iterable[str]:
        return ("AllowProxy=TRUE", f"ProxyServer={values[0]}") if values[0] else ()


METHOD = Rows({  # (machine, user, kerberos, ntlm, cert, anonymous)
    (True, False, True, False, False, False): "Method=MachineKerb",
    (True, False, False, True, False, False): "Method=MachineNtlm",
    (True, False, False, False, True, False): "Method=MachineCert",
    (True, False, False, False, False, False): "Method=MachineSHKey",
    (False, True, True, False, False, False): "Method=UserKerb",
    (False, True, False, True, False, False): "Method=UserNtlm",
    (False, True, False, False, True, False): "Method=UserCert",
    (False, False, False, False, False, True): "Method=Anonymous"})
NAME_TYPES = {"none": "", "domain_name": "NameType=DNS", "user_principal_name": "NameType=UPN",
              "email_address": "NameType=RFC822", "cn": "NameType=CN", "ou": "NameType=OU", "o": "NameType=O",
              "dc": "NameType=DC"}
_TYPE, _CRITERIA = Rows(NAME_TYPES), Rows({(False, False): "", (True, True): "CriteriaType=Both",
                                           (True, False): "CriteriaType=Select", (False, True): "CriteriaType=Validate"})


class _Usages:
    """Any number of `Eku=` pieces."""

    tokens: Pieces = ("Eku",)

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        return (tuple(sorted(p.partition("=")[2] for p in pieces)),), ()

    def write(self, *values: Any) -> Iterable[str]:
        return [f"Eku={v}" for v in values[0]]


CRITERIA = Nested("CertCriteria", Table({  # [MS-GPFAS] 2.2.4.17
    "subject_name_type": (_TYPE, "none"), "subject_name": (Text("Name"), None), "extended_key_usage": (_Usages(), ()),
    "thumbprint": (Text("Hash", Caseless), None), "follow_renewal": (switch("FollowRenewal"), False),
    "selection_criteria": (_CRITERIA, False), "validation_criteria": (_CRITERIA, False)},
    "CriteriaType NameType Name Eku Hash FollowRenewal"), "v2.20")


def _subject(value: Any) -> Any:
    found = text(9999).parse(value)
    if found is None:
        raise ValueError("the value is empty: leave the property out")  # a criterion that is none would admit every name
    return found


SUBJECT = Word("text", _subject, {"type": "string", "minLength": 1, "maxLength": 9999}, lambda v: v or "")


@part("New-NetIPsecAuthProposal", "Method CAName SHKey CertAccountMapping ExcludeCAName HealthCert OtherCertSigning "
      "IntermediateCA CertCriteria AllowProxy ProxyServer")
class AuthProposal(Resource):
    """One way to prove who is there: computer or user, and Kerberos, NTLM, a certificate, a key, or nobody (anonymous)."""

    machine: bool = prop("It is the computer that proves who it is.", FLAG, METHOD, default=False, example=True)
    user: bool = prop("It is the user.", FLAG, METHOD, default=False)
    kerberos: bool = prop("By Kerberos.", FLAG, METHOD, default=False, example=True)
    ntlm: bool = prop("By NTLM; AuthIP only.", FLAG, METHOD, default=False)
    cert: bool = prop("By a certificate of `authority`.", FLAG, METHOD, default=False)
    anonymous: bool = prop("Nobody proves anything: put last, it makes this authentication optional.", FLAG, METHOD,
                           default=False)
    pre_shared_key: Any = prop("By a key that both sides know. Windows keeps it in clear text. Give it as "
                               "\"{{ lookup('env', 'NAME') }}\" or as a vaulted value.", SECRET, "SHKey")
    authority: str | None = prop("The certificate authority.", X500, Text("CAName", _x500),
                                 example="C=US, O=Contoso, CN=Contoso Root CA")
    authority_type: str = prop("Whether `authority` is a root or an intermediate one.", choice("Root", "Intermediate"),
                               Rows({"root": "", "intermediate": "IntermediateCA=TRUE"}, idle="IntermediateCA=FALSE"),
                               default="root", since="2.10")
    account_mapping: bool = prop("Map the certificate to an account of the domain, so that lists of computers and users "
                                 "can be tested.", FLAG, switch("CertAccountMapping"), default=False)
    exclude_ca_name: bool = prop("Do not send the names of the authorities. First authentication only.", FLAG,
                                 switch("ExcludeCAName"), default=False, parameter="ExcludeCAName")
    health: bool = prop("The certificate says that the computer is healthy.", FLAG, switch("HealthCert"), default=False)
    signing: str = prop("The algorithm that signed the certificate.", choice("RSA", "ECDSA256", "ECDSA384"),
                        Rows({"rsa": "", "ecdsa256": "OtherCertSigning=ECDSA256", "ecdsa384": "OtherCertSigning=ECDSA384"}),
                        default="rsa", since="2.1")
    subject_name_type: str = prop("Which name of the certificate is compared.", choice(
        "None", "DomainName", "UserPrincipalName", "EmailAddress", "CN", "OU", "O", "DC"), CRITERIA, default="none",
        since="2.20")
    subject_name: str | None = prop("The name that the certificate has to have.", SUBJECT, CRITERIA, since="2.20")
    extended_key_usage: tuple[str, ...] = prop("Object identifiers of what the certificate is for.", many(
        _oid, name="object identifiers", any_word="None"), CRITERIA, default=(), since="2.20")
    thumbprint: str | None = prop("The SHA-1 hash of the certificate.", Word(
        "40 hexadecimal digits", _thumbprint, {"type": "string"}, lambda v: str(v) if v else ""), CRITERIA, since="2.20")
    follow_renewal: bool = prop("Take the certificates that renewed the one of `thumbprint` too.", FLAG, CRITERIA,
                                default=False, since="2.20")
    selection_criteria: bool = prop("The criteria choose this host's own certificate.", FLAG, CRITERIA, default=False,
                                    since="2.20")
    validation_criteria: bool = prop("The criteria judge the certificate of the other side.", FLAG, CRITERIA,
                                     default=False, since="2.20")
    proxy: str | None = prop("A Kerberos proxy.", FQDN, _Proxy(), since="2.20")

    @property
    def method(self) -> str:
        """The method as the registry names it (MachineKerb, UserCert …), or nothing for a combination that is none."""
        mine = (self.machine, self.user, self.kerberos, self.ntlm, self.cert, self.anonymous)
        if mine[:2] == (True, False) and not any(mine[2:]) and self.pre_shared_key is None:
            return ""
        return "".join(METHOD.rows.get(mine, ())).partition("=")[2]

    def check(self) -> Iterable[Finding]:
        """What New-NetIPsecAuthProposal does not bind and what Windows refuses ([MS-FASP] 2.2.60-2.2.65)."""
        kinds = [n for n in ("kerberos", "ntlm", "cert") if getattr(self, n)] + ["pre_shared_key"] * bool(self.pre_shared_key)
        if self.anonymous:
            if kinds or self.machine or self.user:
                yield "anonymous", "anonymous stands alone", "make it a proposal of its own"
            return
        if self.machine == self.user:
            yield "machine", "a proposal is about the machine or about the user", "set one of machine and user to true"
        if len(kinds) != 1:
            yield ("machine", f"a proposal has one method, not {' and '.join(kinds) or 'none'}",
                   "say one of kerberos, ntlm, cert and pre_shared_key [0x00101050]")
        if self.pre_shared_key is not None and not self.machine:
            yield "pre_shared_key", "a pre-shared key is for the machine [0x00101031]", "set machine to true"
        yield from self._check_cert()
        if self.proxy and not self.kerberos:
            yield "proxy", "a proxy is for kerberos", "leave it out"

    def _check_cert(self) -> Iterable[Finding]:
        if self.cert and not self.authority:
            yield "authority", "a certificate proposal needs its authority [0x00101060]", "set authority to an X.500 name"
        own = ("authority", "account_mapping", "exclude_ca_name", "health", *self._criteria())
        for name in own if not self.cert else ():
            if getattr(self, name):
                yield name, f"{name} is for certificates [0x00101040]", "set cert to true, or leave it out"
        if not self.cert and (self.signing != "rsa" or self.authority_type != "root"):
            yield "signing", "signing and authority_type are for certificates [0x00101040]", "leave them out"
        if self.health and self.user:
            yield "health", "health is of the machine [0x00101041]", "set machine to true instead of user"
        if self.follow_renewal and not self.thumbprint:
            yield "follow_renewal", "follow_renewal needs a thumbprint [0x00101073]", "set thumbprint"
        if bool(self.subject_name) != (self.subject_name_type != "none"):
            yield ("subject_name", "subject_name and subject_name_type go together [0x00101076, 0x00101077]", "set both")
        criteria, judged = self._criteria(), self.selection_criteria or self.validation_criteria
        if criteria and not judged:
            yield (criteria[0], "criteria need a purpose [0x00101078]",
                   "set selection_criteria, validation_criteria, or both")
        if judged and not criteria:
            yield ("selection_criteria", "there are no criteria [0x00101079]",
                   "set thumbprint, extended_key_usage or subject_name")

    def _criteria(self) -> list[str]:
        return [n for n in ("thumbprint", "extended_key_usage", "subject_name", "follow_renewal") if getattr(self, n)]


def proposal_findings(proposals: Sequence[Resource]) -> Iterable[Finding]:
    """What is wrong with single proposals, each with its number."""
    for place, one in enumerate(proposals, 1):
        for _, reason, way, *grave in one.check():
            yield ("proposal", f"proposal {place}: {reason}", way, "warning" if grave else "error")


def check_methods(proposals: Sequence[AuthProposal]) -> Iterable[Finding]:
    """What both kinds of authentication sets refuse of their proposals together ([MS-FASP] 2.2.65)."""
    yield from proposal_findings(proposals)
    methods = [p.method for p in proposals]
    if set(methods) == {"Anonymous"}:
        yield ("proposal", "anonymous cannot be the only method [0x00101032]",
               "add a method before it, or leave the set out: then nothing is asked")
    for method in sorted({m for m in methods if methods.count(m) > 1 and m and not m.endswith("Cert")}):
        yield "proposal", f"{method} stands there more than once [0x00101033]", "keep one"
    certificates = [p for p in proposals if p.method.endswith("Cert")]
    machines = [p for p in certificates if p.machine]
    if len({p.health for p in machines}) > 1:
        yield ("proposal", "health certificates and other certificates do not mix [0x00101061]",
               "set health on all machine certificates or on none")
    order = [p.signing if p.method.endswith("Cert") else "" for p in proposals]
    runs = [s for i, s in enumerate(order) if s and (i == 0 or order[i - 1] != s)]
    if len(runs) > len(set(runs)):
        yield ("proposal", "certificates signed by one algorithm are not next to each other [0x00101062]",
               "order the proposals by signing")
    for purpose in ("selection_criteria", "validation_criteria"):
        if any(p.selection_criteria or p.validation_criteria for p in proposals) and sum(
                getattr(p, purpose) for p in proposals) != 1:
            yield ("proposal", f"exactly one proposal has {purpose} where there are criteria [0x00101079]",
                   "set it on one proposal; one may have both purposes")


def methods(named: Resource | None) -> list[str]:
    """The methods of an authentication set; for no set the default one's: Kerberos of the computer."""
    return ["MachineKerb"] if named is None else [p.method for p in getattr(named, "proposal", ())]


ENCRYPTION = choice("None", "DES", "DES3", "AES128", "AES192", "AES256", "AESGCM128", "AESGCM192", "AESGCM256",
                    **{"3des": "DES3"})
HASH = choice("None", "MD5", "SHA1", "SHA256", "SHA384", "AESGMAC128", "AESGMAC192", "AESGMAC256")
GROUP = choice("None", "DH1", "DH2", "DH14", "DH19", "DH20", "DH24", "SameAsMainMode")
CIPHERS = {"none": "", "des": "Encryption=DES", "des3": "Encryption=3DES", "aes128": "Encryption=AES-128",
           "aes192": "Encryption=AES-192", "aes256": "Encryption=AES-256"}


class ProposalSet(Resource):
    """What every kind of set has: how it is shown."""

    display_name: str | None = prop("The name that people see; the same as `name` where omitted.", DISPLAY_NAME, "Name",
                                    set_parameter="NewDisplayName", example="Owned by the network team")
    description: str | None = prop("What the set is for.", TEXT, "Description")
    group: str | None = prop("The group that the set is shown in.", TEXT, "EmbeddedContext")

    def settle(self, values: dict[str, Any]) -> None:
        if values["display_name"] is None:
            values["display_name"] = values["name"]
