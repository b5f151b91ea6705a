"""What would be lost by a change: pieces of an object that no cmdlet can write again. Such changes are refused."""

from ringfence.diagnostics import Diagnostic
from ringfence.model.resource import Resource
from ringfence.model.state import Change
from ringfence.plan.plan import Plan


def refuse_losses(plan: Plan) -> Plan:
    """The plan with a refusal for each change that would lose tokens that ringfence does not know."""
    return plan.refused(*(Diagnostic(change.where, f"{change.id}: the host's object holds {'|'.join(tokens)}, which no cmdlet "
                                     "can write or clear", "Declare it absent first and create it anew, or leave it to Windows "
                                     "under its name and declare yours under another")
                          for change in plan.changes if (tokens := lost_tokens(change))))


def lost_tokens(change: Change) -> list[str]:
    """The tokens of the object that was found, and of its proposals, which the change would lose."""
    if change.before is None or change.after is None:
        return []
    kept = _unknown_tokens(change.after)
    return [t for t in _unknown_tokens(change.before) if t not in kept]


def _unknown_tokens(resource: Resource) -> list[str]:
    proposals = [member for p in resource.kind.proposals for member in getattr(resource, p.name)]
    return [token for r in (resource, *proposals) for token in r.unknown_tokens]
