"""What only a host tells of rules that are open by a word alone: whether it blocks by default what goes out, and whose the names
of accounts are (`Jeder` is Everyone)."""

from collections.abc import Iterator

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Present, present
from ringfence.model.state import Id
from ringfence.plan.plan import Plan
from ringfence.policy.place import ALL_PROFILES

_PROFILE, _DEFAULT = "firewall_profile", "default_outbound_action"


def require_words(plan: Plan) -> Plan:
    """The plan with a mistake for each whole rule that lets everybody in by an account, or everything out of a profile which
    blocks that by default."""
    return plan.with_diagnostics(*_unsaid(plan, frozenset(_closed(plan))))


def _closed(plan: Plan) -> Iterator[str]:
    """The profiles in which what goes out is blocked unless a rule allows it, as far as that is known."""
    setting = plan.blocks.settings.setting
    for name in ALL_PROFILES:
        profile = plan.after.get(Id("local", _PROFILE, name))
        if profile is not None and setting(_PROFILE, name, profile.kind.properties[_DEFAULT]).value == "block":
            yield name


def _unsaid(plan: Plan, closed: frozenset[str]) -> Iterator[Diagnostic]:
    for declared in present(plan.declarations.values()):
        if not (closed or declared.host_names):  # what holds for most, and is found soonest
            continue
        if declared.treatment.omitted == "keep" or not (closed or _names_accounts(declared)):
            continue
        for finding in declared.resource.check_mentioned(declared.values, closed):
            if finding.severity == "error":  # warnings were told before
                yield Diagnostic(declared.location(finding.property), f"{declared}: {finding.reason}", finding.advice)


def _names_accounts(declared: Present) -> bool:
    table = declared.resource.kind.properties
    return any(table[p].type.resolved_by_host == "account" for p in declared.host_names)
