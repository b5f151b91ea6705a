"""Authentication and crypto sets: their names, references to them, and their proposals, which have tables of their own.

A proposal is a class made by `@proposal(cmdlet)`; it stands in a property with `proposal=` whose type is
`proposals_of(cls)`. YAML says them as a list of mappings, cmdlets take them as calls.
Sources: [MS-GPFAS] 2.2.4, 2.2.5 (tokens and values), [MS-FASP] 2.2.65, 2.2.74 (what is refused).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ringfence.codecs.converted import ConvertedText
from ringfence.codecs.tokens import TruthTable
from ringfence.diagnostics import Finding, describe, suggest
from ringfence.model.resource import NO_SET, Kind, Resource, prop, resource
from ringfence.model.rules import DISPLAY_NAME, NAME, TEXT
from ringfence.model.storage import DEFAULT, PartOf
from ringfence.types.base import CaseInsensitive, PropertyType, fold, quoted
from ringfence.types.enums import choice, number
from ringfence.types.foreign_words import PROPOSALS

T = TypeVar("T", bound="type[Resource]")

IPSEC_SERVICES = ("IKEEXT", "PolicyAgent")  # negotiate and hold what IPsec rules ask for
PHASE1_AUTH = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"
PHASE2_AUTH = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE4}"
MAIN_MODE_CRYPTO = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE1}"
QUICK_MODE_CRYPTO = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}"
"""The ids of the default sets, one on each host ([MS-GPFAS] 2.2.4, 2.2.5)."""


def proposal(cmdlet: str, order: str = "") -> Callable[[T], T]:
    """Make a class the table of what `cmdlet` (New-…) makes: it stands inside of other resources."""
    return resource(cmdlet, noun=cmdlet.partition("-")[2], storage=PartOf(order))


MAX_TOLD = 100  # mistakes in one list of proposals that are told at once


def proposals_of(cls: "type[Resource]") -> PropertyType:
    """The type of an ordered list of proposals: mappings with the properties of `cls`. A cmdlet takes them as calls."""
    kind = cls.kind
    name = f"list of {', '.join(kind.properties)}"

    def parse(value: Any) -> tuple[Resource, ...]:
        members = [value] if isinstance(value, Mapping) else value
        if not isinstance(members, list | tuple) or not members:
            raise ValueError("a list of mappings is expected, at least one")  # what stands there may be a misplaced secret
        problems: list[str] = []
        found: list[Resource] = []
        for i, member in enumerate(members, 1):
            found.append(_proposal(kind, member, f"number {i}: ", problems))
            if len(problems) > MAX_TOLD:
                break
        if problems:
            raise ValueError("; ".join(problems))
        return tuple(found)

    schema = {"type": "array", "minItems": 1, "items": {"type": "object"}}  # Property.proposal has what stands in it
    return PropertyType(name, parse, schema, lambda v: [_as_call(proposal) for proposal in v])


def _proposal(kind: Kind, member: Any, label: str, problems: list[str]) -> Resource:
    if not isinstance(member, Mapping):
        problems.append(f"{label}a proposal is a mapping, {{{next(iter(kind.properties))}: …}}, not {describe(member)}")
        return kind.create("", {})
    values = {}
    for name, value in member.items():
        p = kind.properties.get(name)
        try:
            if p is None:
                foreign = PROPOSALS.get(fold(str(name)), "")
                alike = suggest(name, list(kind.properties), "; ") if isinstance(name, str) else ""
                raise ValueError("unknown" + (f"; say {foreign}" if foreign in kind.properties else alike))
            values[p.name] = p.type.parse(value)
        except ValueError as error:
            problems.append(f"{label}{name if isinstance(name, str) else quoted(name)}: {error}")
    problems += [f"{label}{p.name} is missing" for p in kind.properties.values() if p.required and p.name not in member]
    return kind.create("", values)


def _as_call(proposal: Resource) -> dict[str, Any]:
    """The call that makes a proposal. What is the default is left out: the cmdlet's parameter sets are narrow."""
    values = proposal.values()
    parameters = {p.parameter: p.type.to_parameter(values[p.name]) for p in proposal.kind.properties.values()
                  if p.required or values[p.name] != p.default}
    return {"$call": {"cmdlet": proposal.kind.name, "parameters": parameters}}


def ranged(low: int, high: int, status: str, *extra: int) -> PropertyType:
    """A whole number in a range that Windows enforces with a status code."""
    base = number(low, high, *extra)

    def parse(value: Any) -> int:
        try:
            return int(base.parse(value))
        except ValueError as error:
            raise ValueError(f"{error} [{status}]") from None

    return PropertyType(base.name, parse, base.schema)


def set_name(primary: str) -> PropertyType:
    """The name of a set: its id, or `default` for the one default set of its kind ([MS-FASP] 2.2.65, 2.2.74)."""

    def parse(value: Any) -> str:
        name = str(NAME.parse(value))
        if name.casefold() in (DEFAULT, primary.casefold()):
            return DEFAULT
        if name.casefold() == NO_SET:
            raise ValueError("none is no name of a set: for the cmdlets it means no set at all")
        if len(name) > 254 or "\\" in name:
            raise ValueError(f"{quoted(name)}: the name of a set has at most 254 characters and no backslash")
        if name.casefold().startswith(primary.casefold()):
            raise ValueError(f"{quoted(name)} begins with the id of the default set: only that set may have it")
        return name

    return PropertyType("name, or default", parse, {"type": ["string", "integer"], "minLength": 1, "maxLength": 254},
                        sample="corp-set")


def reference(primary: str, none: bool = False) -> PropertyType:
    """The name of a set in a rule; `default` is the default set, whether anybody changed it or not.

    none: a rule may do without (-Phase2AuthSet None, as public scripts say it).
    """
    name = set_name(primary)

    def parse(value: Any) -> CaseInsensitive:
        without = none and isinstance(value, str) and value.strip().casefold() == NO_SET
        return CaseInsensitive(NO_SET if without else name.parse(value))

    return PropertyType(f"name of a set, {'none, ' * none}or default", parse, name.schema,
                        lambda v: {DEFAULT: primary, NO_SET: "None"}.get(v.lower(), str(v)), sample=name.sample)


def set_token(token: str, primary: str) -> ConvertedText:
    """How a rule stores the id of a set."""
    return ConvertedText(token, lambda data: CaseInsensitive(DEFAULT if data.casefold() == primary.casefold() else data),
                   lambda v: {DEFAULT: primary, NO_SET: None}.get(v.lower(), str(v)))


def proposal_findings(proposals: Sequence[Resource]) -> Iterable[Finding]:
    """What is wrong with single proposals, each with its number; of those that a host has and nobody understands, nothing."""
    for place, member in enumerate(proposals, 1):
        for found in member.check() if _is_understood(member) else ():
            yield Finding("proposal", f"proposal {place}: {found.reason}", found.advice, found.severity)


def _is_understood(proposal: Resource) -> bool:
    values = ((p, getattr(proposal, p.name)) for p in proposal.kind.properties.values())
    return not proposal.unknown_tokens and all(value is not None or p.default is None for p, value in values)


ENCRYPTION = choice("None", "DES", "DES3", "AES128", "AES192", "AES256", "AESGCM128", "AESGCM192", "AESGCM256",
                    **{"3des": "DES3"})
HASH = choice("None", "MD5", "SHA1", "SHA256", "SHA384", "AESGMAC128", "AESGMAC192", "AESGMAC256")
GROUP = choice("None", "DH1", "DH2", "DH14", "DH19", "DH20", "DH24", "SameAsMainMode")
CIPHERS = {"none": "", "des": "Encryption=DES", "des3": "Encryption=3DES", "aes128": "Encryption=AES-128",
           "aes192": "Encryption=AES-192", "aes256": "Encryption=AES-256"}


def later(token: str, groups: Mapping[str, str]) -> TruthTable:
    """Diffie-Hellman groups under `token`, and under `2_16token`, which has dh24 too ([MS-GPFAS] 2.2.5 gives it all groups)."""
    rows = {value: f"{'2_16' * (value == 'dh24')}{token}={stored}" for value, stored in groups.items()}
    return TruthTable(rows, read_only={f"2_16{token}={stored}": value for value, stored in groups.items()})


class ProposalSet(Resource):
    """What every kind of set has: how it is shown."""

    display_name: str | None = prop("The name that people see; the same as `name` where omitted.", DISPLAY_NAME, "Name",
                                    set_parameter="NewDisplayName", role="text", example="Owned by the network team")
    description: str | None = prop("What the set is for.", TEXT, "Description", role="text")
    group: str | None = prop("The group that the set is shown in.", TEXT, "EmbeddedContext", role="text")

    def normalise(self, values: dict[str, Any]) -> None:
        if values["display_name"] is None:
            values["display_name"] = values["name"]
