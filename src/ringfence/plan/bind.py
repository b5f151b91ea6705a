"""What only the host can translate: interface aliases to GUIDs, account names to SIDs. One pure step before the diff."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ringfence import sddl
from ringfence.errors import Diagnostic
from ringfence.facts import Facts
from ringfence.state import Desired, Want
from ringfence.words import nearest


def names(desired: Iterable[Want]) -> tuple[str, ...]:
    """The account names in what is declared: what a read batch asks the host to resolve."""
    found = {n for want in desired for p in want.unbound for n in _accounts(want, p)}
    return tuple(sorted(found))


def _accounts(want: Want, property: str) -> tuple[str, ...]:
    assert want.resource is not None
    word = want.resource.kind.properties[property].word
    return word.unbound(getattr(want.resource, property)) if word.binds == "account" else ()


def bind(desired: Desired, facts: Facts, accounts: Mapping[str, Any]) -> tuple[Desired, list[Diagnostic]]:
    """The same declarations in the host's own terms, and what could not be translated, each with its place.

    `accounts` is the answer of Account.Resolve: {name: {"sid": …} | {"error": …}}.
    """
    sids = {n.casefold(): str(a["sid"]).upper() for n, a in accounts.items()
            if isinstance(a, Mapping) and sddl.SID.fullmatch(str(a.get("sid")))}
    errors = {n.casefold(): str(a["error"]) for n, a in accounts.items() if isinstance(a, Mapping) and a.get("error")}
    bound, problems = dict(desired), list[Diagnostic]()
    for id, want in desired.items():
        if want.unbound:
            bound[id] = _bind(want, facts, sids, errors, problems)
    return bound, problems


def _bind(want: Want, facts: Facts, sids: Mapping[str, str], errors: Mapping[str, str], problems: list[Diagnostic]) -> Want:
    assert want.resource is not None
    assert want.values is not None
    found: dict[str, Any] = {}
    for property in want.unbound:
        value = getattr(want.resource, property)
        where = want.places.get(property, want.where)
        if want.resource.kind.properties[property].word.binds == "interface":
            found[property] = _interfaces(value, facts, lambda alias, where=where: problems.append(Diagnostic(
                where, f"{want.id}: no interface is called {alias}{nearest(alias, [i.alias for i in facts.interfaces])}",
                "interfaces of the host: " + (", ".join(i.alias for i in facts.interfaces) or "none known"))))
        else:
            for name in _accounts(want, property):
                if name.casefold() not in sids:
                    problems.append(Diagnostic(where, f"{want.id}: {property}: the host does not know the account {name}",
                                               errors.get(name.casefold(), "it was not resolved")))
            found[property] = sddl.bound(value, sids)
    values = {**want.values, **{p: v for p, v in found.items() if p in want.values}}
    return replace(want, resource=want.resource.replace(**found), values=values)


def _interfaces(value: tuple[str, ...], facts: Facts, missing: Any) -> tuple[str, ...]:
    guids = set[str]()
    for alias in value:
        matches = (alias,) if alias.startswith("{") else facts.guids(alias)
        if not matches:
            missing(alias)
        guids.update(matches)
    return tuple(sorted(guids))
