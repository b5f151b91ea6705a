"""How a stored plan was made, for people; what it does, the view of runs shows."""

from collections.abc import Iterator

from ringfence.formats.document import moment
from ringfence.formats.plan_file import OPTIONS, PlanHead
from ringfence.views.format import Style, cut, unstyled


def plan_head(head: PlanHead, style: Style = unstyled) -> str:
    """What stands above the changes."""
    return "".join(f"{style(line, 'quiet')}\n" for line in _lines(head)) + "\n"


def origin(head: PlanHead) -> str:
    """When, where and by whom it was made, in a line."""
    who = " on ".join(cut(name) for name in (head.user, head.machine) if name)
    by = f" by {who}" if who else ""
    return f"plan {cut(head.run_id)}, made {moment(head.made_at)}{by} with ringfence {cut(head.ringfence)}"


def _lines(head: PlanHead) -> Iterator[str]:
    yield origin(head)
    state = head.project
    if state.name or state.commit:
        commit = f" at commit {cut(state.commit)}" if state.commit else ""
        uncommitted = ", and what was not committed" if state.commit and state.dirty else ""
        yield f"project {cut(state.name) or 'without a name'}{commit}{uncommitted}"
    said = [f"{name.replace('_', ' ')}: {cut(', '.join(values))}" for name in OPTIONS if (values := head.options.get(name))]
    if said:
        yield "; ".join(said)
    if head.made_with:
        yield f"made with {cut(head.made_with)}"
    if head.vault_ids:
        yield f"vault ids: {cut(', '.join(head.vault_ids))}"
