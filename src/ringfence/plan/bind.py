"""What only the host can translate: interface aliases to GUIDs, account names to SIDs. One pure step before the difference.

Aliases that Windows keeps as such are looked up. So are names of services: a display name (`Windows Update`) in place of one is a
mistake, for a rule of that name would match nothing, and be called otherwise on a host of another language.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ringfence.diagnostics import Diagnostic, closest, suggest
from ringfence.model.declaration import Declaration, Declarations, Present, present
from ringfence.model.facts import Facts
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.types import sddl


def account_names(declarations: Iterable[Declaration]) -> tuple[str, ...]:
    """The account names in what is declared: what a read batch asks the host to resolve."""
    return tuple(sorted({n for declared in present(declarations) for p in declared.host_names for n in _accounts(declared, p)}))


def _accounts(declared: Present, property: str) -> tuple[str, ...]:
    type = declared.resource.kind.properties[property].type
    return type.host_names(getattr(declared.resource, property)) if type.resolved_by_host == "account" else ()


def bind(plan: Plan) -> Plan:
    """The plan with its declarations in the host's own terms, and what is unknown there."""
    named = [d for d in present(plan.declarations.values()) if d.host_names]
    if not named:
        return plan
    sids, errors = _translated(plan.found.accounts)
    problems: list[Diagnostic] = []
    bound: Declarations = dict(plan.declarations)
    for declared in named:
        problems += _unknown(declared, plan.found, sids, errors)
        if (its := _bound(declared, plan.found.facts, sids)) is not declared:
            bound[declared.id] = its
    return replace(plan, declarations=bound).with_diagnostics(*problems)


def _translated(accounts: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """{name: SID} and {name: why there is none}, names in lower case."""
    answers = {n.casefold(): a for n, a in accounts.items() if isinstance(a, Mapping)}
    return ({n: sddl.canonical_sid(str(a["sid"])) for n, a in answers.items() if sddl.SID.fullmatch(str(a.get("sid")))},
            {n: str(a["error"]) for n, a in answers.items() if a.get("error")})


def _bound(declared: Present, facts: Facts, sids: Mapping[str, str]) -> Present:
    found: dict[str, Any] = {}
    for property in declared.host_names:
        value = getattr(declared.resource, property)
        match declared.resource.kind.properties[property].type.resolved_by_host:
            case "interface":
                found[property] = tuple(sorted({guid for alias in value for guid in _guids(alias, facts)}))
            case "account":
                found[property] = sddl.bound(value, sids)
    if not found:
        return declared
    return replace(declared, resource=declared.resource.replace(**found), values={**declared.values, **found})


def _guids(alias: str, facts: Facts) -> tuple[str, ...]:
    return (alias,) if alias.startswith("{") else facts.guids(alias)


def _unknown(declared: Present, found: HostSnapshot, sids: Mapping[str, str], errors: Mapping[str, str]) -> Iterator[Diagnostic]:
    """The names of a resource that the host does not know, each with its place."""
    for property in declared.host_names:
        type = declared.resource.kind.properties[property].type
        match type.resolved_by_host:
            case "account":
                for name in _accounts(declared, property):
                    if name.casefold() not in sids:
                        yield Diagnostic(declared.location(property), f"{declared}: {property}: the host does not know the "
                                         f"account {name}", errors.get(name.casefold(), "it was not resolved"))
            case "service" if found.facts.service_names:
                for name in type.host_names(getattr(declared.resource, property)):
                    if not found.facts.has_service(name):
                        yield _no_service(declared, property, name, found.facts.service_names)
            case "interface" | "alias":
                for alias in getattr(declared.resource, property):
                    if not _guids(alias, found.facts):
                        yield _no_interface(declared, property, alias, [i.alias for i in found.facts.interfaces])


def _no_interface(declared: Present, property: str, alias: str, aliases: list[str]) -> Diagnostic:
    more = f" and {len(aliases) - 20} more" if len(aliases) > 20 else ""
    return Diagnostic(declared.location(property), f"{declared}: no interface is called "
                      f"{alias}{suggest(alias, aliases[:50], '; ')}",
                      "interfaces of the host: " + (", ".join(aliases[:20]) or "none known") + more)


def _no_service(declared: Present, property: str, name: str, display_names: Mapping[str, str]) -> Diagnostic:
    """No service of the host has a name: an error where it is what people call one, else a warning."""
    where = declared.location(property)
    if meant := sorted(s for s, display in display_names.items() if display.casefold() == name.casefold()):
        return Diagnostic(where, f"{declared}: no service has the name {name}: it is the display name of "
                          f"{' and '.join(meant)}", f"say {property}: {meant[0]}")
    close = closest(name, [*display_names, *display_names.values()])
    like = next((f"{service} ({display})" for service, display in display_names.items() if close in (service, display)), "")
    return Diagnostic(where, f"{declared}: the host has no service {name}: the rule matches nothing until there is one",
                      f"did you mean {like}?" if like else "", "warning")
