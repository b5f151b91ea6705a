"""What goes out is open by a word too, where a host blocks it by default: judged here, for only a host tells that."""

from collections.abc import Iterator

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import present
from ringfence.model.state import Id
from ringfence.plan.obstacles import ALL_PROFILES
from ringfence.plan.plan import Plan
from ringfence.plan.settings_in_force import SettingsInForce

_PROFILE, _DEFAULT = "firewall_profile", "default_outbound_action"


def require_words(plan: Plan) -> Plan:
    """The plan with a mistake for each whole rule that lets everything out of a profile which blocks it by default."""
    closed = frozenset(_closed(plan))
    return plan.with_diagnostics(*_unsaid(plan, closed)) if closed else plan


def _closed(plan: Plan) -> Iterator[str]:
    """The profiles in which what goes out is blocked unless a rule allows it, as far as that is known."""
    settings = SettingsInForce(plan.after, plan.found.unread)
    for name in ALL_PROFILES:
        profile = plan.after.get(Id("local", _PROFILE, name))
        if profile is not None and settings.setting(_PROFILE, name, profile.kind.properties[_DEFAULT]).value == "block":
            yield name


def _unsaid(plan: Plan, closed: frozenset[str]) -> Iterator[Diagnostic]:
    for declared in present(plan.declarations.values()):
        filter = declared.resource.as_filter()
        if filter is None or filter.inbound or filter.effect != "allow" or declared.treatment.omitted == "keep":
            continue
        for finding in declared.resource.check_mentioned(declared.values, closed):
            yield Diagnostic(declared.location(finding.property), f"{declared}: {finding.reason}", finding.advice)
