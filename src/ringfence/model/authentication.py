"""How the two ends of a secured connection prove who they are: authentication proposals, and what sets of them may hold.

Sources: [MS-GPFAS] 2.2.4 (tokens and values), [MS-FASP] 2.2.60-2.2.65 and FW_RULE_STATUS (what is refused).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ringfence.codecs.nested import Nested
from ringfence.codecs.rule_string import RuleStringCodec
from ringfence.codecs.tokens import Text, Tokens, TruthTable, Values, switch
from ringfence.diagnostics import Finding
from ringfence.model.proposals import proposal, proposal_findings
from ringfence.model.resource import Resource, prop
from ringfence.secret import Secret, StoredSecret
from ringfence.types.base import SECRET, CaseInsensitive, PropertyType, as_text, list_of, quoted
from ringfence.types.enums import BOOL, choice
from ringfence.types.text import text


def _x500(value: Any) -> CaseInsensitive | None:
    """An X.500 name such as `DC=com, DC=contoso, CN=Contoso Root CA`; a part with commas stands in quotes.

    Kept in the spelling that CertNameToStr of Windows writes.
    """
    name = text(9999).parse(value)
    if name is None:
        raise ValueError("the name of a certificate authority is empty [0x00101060]")
    parts = [p.strip() for p in re.findall(r"""(?:"[^"]*"|[^,"])+""", name)]
    if any(not re.match(r"[A-Za-z0-9][A-Za-z0-9.]*\s*=\s*\S", p) for p in parts) or name.count('"') % 2:
        raise ValueError(f"{quoted(name)} is not an X.500 name like C=US, O=Contoso, CN=Contoso Root CA [0x00101060]")
    return CaseInsensitive(", ".join(map(_rdn, parts)))


_RDN_NAMES = {"ST": "S", "EMAIL": "E"}


def _rdn(text: str) -> str:
    key, _, value = (t.strip() for t in text.partition("="))
    if len(value) > 2 and value[0] == value[-1] == '"' and not set(value[1:-1]) & set(',+="<>#;'):
        value = value[1:-1]
    return f"{_RDN_NAMES.get(key.upper(), key.upper())}={value}"


def _fqdn(value: Any) -> CaseInsensitive:
    name = as_text(value)
    if len(name) > 255 or not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", name):
        raise ValueError(f"{quoted(name)} is not a fully qualified name like kerbproxy.contoso.com")
    return CaseInsensitive(name)


def _oid(value: str) -> str:
    if not re.fullmatch(r"[0-2](\.\d+)+", value):
        raise ValueError(f"{quoted(value)} is not an object identifier like 1.3.6.1.5.5.7.3.2 [0x00101075]")
    return value


def _thumbprint(value: Any) -> CaseInsensitive:
    found = re.sub(r"[\s:]", "", as_text(value))
    if not re.fullmatch(r"[0-9A-Fa-f]{40}", found):
        raise ValueError(f"{quoted(value)} is not a thumbprint of 40 hexadecimal digits [0x00101074]")
    return CaseInsensitive(found)


FQDN = PropertyType("a fully qualified name", _fqdn, {"type": "string"}, lambda v: str(v) if v else "",
                    sample="gateway.example.com")
X500 = PropertyType("an X.500 name", _x500, {"type": "string"}, lambda v: str(v) if v else "")


class _Proxy:
    """A proxy server stands beside the flag that allows it ([MS-GPFAS] 2.2.4.15, .16)."""

    tokens: Tokens = ("AllowProxy", "ProxyServer")

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        server = next((p for p in pieces if p.lower().startswith("proxyserver=")), "").partition("=")[2]
        words = {p.lower() for p in pieces if p.lower().startswith("allowproxy=")}
        if words == {"allowproxy=true"} and server:
            return (CaseInsensitive(server),), ()
        # one without the other, and another word: what that means is not known
        return (None,), pieces if server or not words <= {"allowproxy=false"} else ()

    def write(self, *values: Any) -> Iterable[str]:
        return ("AllowProxy=TRUE", f"ProxyServer={values[0]}") if values[0] else ()


_PROVES = ("machine", "user", "kerberos", "ntlm", "cert", "anonymous")  # the properties that make a method


def _method(*true: str) -> tuple[bool, ...]:
    return tuple(name in true for name in _PROVES)


METHOD = TruthTable({
    _method("machine", "kerberos"): "Method=MachineKerb", _method("machine", "ntlm"): "Method=MachineNtlm",
    _method("machine", "cert"): "Method=MachineCert", _method("machine"): "Method=MachineSHKey",
    _method("user", "kerberos"): "Method=UserKerb", _method("user", "ntlm"): "Method=UserNtlm",
    _method("user", "cert"): "Method=UserCert", _method("anonymous"): "Method=Anonymous"})
NAME_TYPES = {"none": "", "domain_name": "NameType=DNS", "user_principal_name": "NameType=UPN",
              "email_address": "NameType=RFC822", "cn": "NameType=CN", "ou": "NameType=OU", "o": "NameType=O",
              "dc": "NameType=DC"}
_TYPE, _CRITERIA = TruthTable(NAME_TYPES), TruthTable({(False, False): "", (True, True): "CriteriaType=Both",
                                           (True, False): "CriteriaType=Select", (False, True): "CriteriaType=Validate"})


class _Usages:
    """Any number of `Eku=` pieces."""

    tokens: Tokens = ("Eku",)

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        return (tuple(sorted(p.partition("=")[2] for p in pieces)),), ()

    def write(self, *values: Any) -> Iterable[str]:
        return [f"Eku={v}" for v in values[0]]


CRITERIA = Nested("CertCriteria", RuleStringCodec({  # [MS-GPFAS] 2.2.4.17
    "subject_name_type": (_TYPE, "none"), "subject_name": (Text("Name"), None), "extended_key_usage": (_Usages(), ()),
    "thumbprint": (Text("Hash", CaseInsensitive), None), "follow_renewal": (switch("FollowRenewal"), False),
    "selection_criteria": (_CRITERIA, False), "validation_criteria": (_CRITERIA, False)},
    "CriteriaType NameType Name Eku Hash FollowRenewal"), "v2.20")


def _subject(value: Any) -> Any:
    found = text(9999).parse(value)
    if found is None:
        raise ValueError("the value is empty: leave the property out")  # a criterion that is none would admit every name
    return found


SUBJECT = PropertyType("text", _subject, {"type": "string", "minLength": 1, "maxLength": 9999}, lambda v: v or "",
                       sample="server1.example.com")


def _is_key(key: Secret) -> bool:
    """Whether Windows takes a text as a pre-shared key ([MS-FASP] 2.2.63); of one that a host keeps that is known."""
    return isinstance(key, StoredSecret) or (len(key.reveal()) < 10000 and "|" not in key.reveal())



@proposal("New-NetIPsecAuthProposal", "Method CAName SHKey CertAccountMapping ExcludeCAName HealthCert OtherCertSigning "
      "IntermediateCA CertCriteria AllowProxy ProxyServer")
class AuthProposal(Resource):
    """One way to prove who is there: computer or user, and Kerberos, NTLM, a certificate, a key, or nobody (anonymous)."""

    machine: bool = prop("It is the computer that proves who it is.", BOOL, METHOD, default=False, example=True)
    user: bool = prop("It is the user.", BOOL, METHOD, default=False)
    kerberos: bool = prop("By Kerberos.", BOOL, METHOD, default=False, example=True)
    ntlm: bool = prop("By NTLM; AuthIP only.", BOOL, METHOD, default=False)
    cert: bool = prop("By a certificate of `authority`.", BOOL, METHOD, default=False)
    anonymous: bool = prop("Nobody proves anything: put last, it makes this authentication optional.", BOOL, METHOD,
                           default=False)
    pre_shared_key: Any = prop("By a key that both sides know. Windows keeps it in clear text. Give it as "
                               "\"{{ lookup('env', 'NAME') }}\" or as a vaulted value.", SECRET, "SHKey")
    authority: str | None = prop("The certificate authority.", X500, Text("CAName", _x500),
                                 example="C=US, O=Contoso, CN=Contoso Root CA")
    authority_type: str = prop(
        "Whether `authority` is a root or an intermediate one.",
        choice("Root", "Intermediate"),
        TruthTable({"root": "", "intermediate": "IntermediateCA=TRUE"}, same_as_absent="IntermediateCA=FALSE"),
        default="root",
        since="2.10",
    )
    account_mapping: bool = prop("Map the certificate to an account of the domain, so that lists of computers and users "
                                 "can be tested.", BOOL, switch("CertAccountMapping"), default=False)
    exclude_ca_name: bool = prop("Do not send the names of the authorities. First authentication only.", BOOL,
                                 switch("ExcludeCAName"), default=False, parameter="ExcludeCAName")
    health: bool = prop("The certificate says that the computer is healthy.", BOOL, switch("HealthCert"), default=False)
    signing: str = prop("The algorithm that signed the certificate.", choice("RSA", "ECDSA256", "ECDSA384"),
                        TruthTable({"rsa": "", "ecdsa256": "OtherCertSigning=ECDSA256", "ecdsa384": "OtherCertSigning=ECDSA384"}),
                        default="rsa", since="2.1")
    subject_name_type: str = prop("Which name of the certificate is compared.", choice(
        "None", "DomainName", "UserPrincipalName", "EmailAddress", "CN", "OU", "O", "DC"), CRITERIA, default="none",
        since="2.20")
    subject_name: str | None = prop("The name that the certificate has to have.", SUBJECT, CRITERIA, since="2.20")
    extended_key_usage: tuple[str, ...] = prop("Object identifiers of what the certificate is for.", list_of(
        _oid, name="object identifiers", any_word="None", sample=["1.3.6.1.5.5.7.3.2"]), CRITERIA, default=(), since="2.20")
    thumbprint: str | None = prop("The SHA-1 hash of the certificate.", PropertyType(
        "40 hexadecimal digits", _thumbprint, {"type": "string"}, lambda v: str(v) if v else "",
        sample="0123456789ABCDEF0123456789ABCDEF01234567"), CRITERIA, since="2.20")
    follow_renewal: bool = prop("Take the certificates that renewed the one of `thumbprint` too.", BOOL, CRITERIA,
                                default=False, since="2.20")
    selection_criteria: bool = prop("The criteria choose this host's own certificate.", BOOL, CRITERIA, default=False,
                                    since="2.20")
    validation_criteria: bool = prop("The criteria judge the certificate of the other side.", BOOL, CRITERIA,
                                     default=False, since="2.20")
    proxy: str | None = prop("A Kerberos proxy.", FQDN, _Proxy(), since="2.20")

    @property
    def method(self) -> str:
        """The method as the registry names it (MachineKerb, UserCert …), or nothing for a combination that is none."""
        proves = tuple(getattr(self, name) for name in _PROVES)
        if proves == _method("machine") and self.pre_shared_key is None:
            return ""
        return "".join(METHOD.rows.get(proves, ())).partition("=")[2]

    def check(self) -> Iterable[Finding]:
        """What New-NetIPsecAuthProposal does not bind and what Windows refuses ([MS-FASP] 2.2.60-2.2.65)."""
        kinds = [n for n in ("kerberos", "ntlm", "cert") if getattr(self, n)] + ["pre_shared_key"] * bool(self.pre_shared_key)
        if self.anonymous:
            if kinds or self.machine or self.user:
                yield Finding("anonymous", "anonymous stands alone", "make it a proposal of its own")
            return
        if self.machine == self.user:
            yield Finding("machine", "a proposal is about the machine or about the user", "set one of machine and user to true")
        if len(kinds) != 1:
            yield Finding("machine", f"a proposal has one method, not {' and '.join(kinds) or 'none'}",
                   "say one of kerberos, ntlm, cert and pre_shared_key [0x00101050]")
        if self.pre_shared_key is not None and not self.machine:
            yield Finding("pre_shared_key", "a pre-shared key is for the machine [0x00101031]", "set machine to true")
        if isinstance(self.pre_shared_key, Secret) and not _is_key(self.pre_shared_key):
            yield Finding("pre_shared_key", "a pre-shared key has no bar and fewer than 10,000 characters ([MS-FASP] 2.2.63) "
                          "[0x00101050]", "agree on another key with the other side")
        yield from self._check_cert()
        if self.proxy and not self.kerberos:
            yield Finding("proxy", "a proxy is for kerberos", "leave it out")

    def _check_cert(self) -> Iterable[Finding]:
        if self.cert and not self.authority:
            yield Finding(
                "authority", "a certificate proposal needs its authority [0x00101060]", "set authority to an X.500 name"
            )
        own = ("authority", "account_mapping", "exclude_ca_name", "health", *self._criteria())
        for name in own if not self.cert else ():
            if getattr(self, name):
                yield Finding(name, f"{name} is for certificates [0x00101040]", "set cert to true, or leave it out")
        if not self.cert and (self.signing != "rsa" or self.authority_type != "root"):
            yield Finding("signing", "signing and authority_type are for certificates [0x00101040]", "leave them out")
        if self.health and self.user:
            yield Finding("health", "health is of the machine [0x00101041]", "set machine to true instead of user")
        if self.follow_renewal and not self.thumbprint:
            yield Finding("follow_renewal", "follow_renewal needs a thumbprint [0x00101073]", "set thumbprint")
        if self.follow_renewal and self.validation_criteria and not self.selection_criteria:
            yield Finding("follow_renewal", "renewals are followed where a certificate is selected, not where one is validated "
                          "alone ([MS-FASP] 2.2.59)", "leave it out, or set selection_criteria")
        if bool(self.subject_name) != (self.subject_name_type != "none"):
            yield Finding("subject_name", "subject_name and subject_name_type go together [0x00101076, 0x00101077]", "set both")
        criteria, judged = self._criteria(), self.selection_criteria or self.validation_criteria
        if criteria and not judged:
            yield Finding(criteria[0], "criteria need a purpose [0x00101078]",
                   "set selection_criteria, validation_criteria, or both")
        if judged and not criteria:
            yield Finding("selection_criteria", "there are no criteria [0x00101079]",
                   "set thumbprint, extended_key_usage or subject_name")

    def _criteria(self) -> list[str]:
        return [n for n in ("thumbprint", "extended_key_usage", "subject_name", "follow_renewal") if getattr(self, n)]


def check_methods(proposals: Sequence[AuthProposal]) -> Iterable[Finding]:
    """What both kinds of authentication sets refuse of their proposals together ([MS-FASP] 2.2.65)."""
    yield from proposal_findings(proposals)
    methods = [p.method for p in proposals]
    if set(methods) == {"Anonymous"}:
        yield Finding("proposal", "anonymous cannot be the only method [0x00101032]",
               "add a method before it, or leave the set out: then nothing is asked")
    for method in sorted({m for m in methods if methods.count(m) > 1 and m and not m.endswith("Cert")}):
        yield Finding("proposal", f"{method} stands there more than once [0x00101033]", "keep one")
    certificates = [p for p in proposals if p.method.endswith("Cert")]
    machines = [p for p in certificates if p.machine]
    if len({p.health for p in machines}) > 1:
        yield Finding("proposal", "health certificates and other certificates do not mix [0x00101061]",
               "set health on all machine certificates or on none")
    order = [p.signing if p.method.endswith("Cert") else "" for p in proposals]
    runs = [s for i, s in enumerate(order) if s and (i == 0 or order[i - 1] != s)]
    if len(runs) > len(set(runs)):
        yield Finding("proposal", "certificates signed by one algorithm are not next to each other [0x00101062]",
               "order the proposals by signing")
    for purpose in ("selection_criteria", "validation_criteria"):
        if any(p.selection_criteria or p.validation_criteria for p in proposals) and sum(
                getattr(p, purpose) for p in proposals) != 1:
            yield Finding("proposal", f"exactly one proposal has {purpose} where there are criteria [0x00101079]",
                   "set it on one proposal; one may have both purposes")


def methods(named: Resource | None) -> list[str]:
    """The methods of an authentication set; for no set the default one's: Kerberos of the computer."""
    return ["MachineKerb"] if named is None else [p.method for p in getattr(named, "proposal", ())]
