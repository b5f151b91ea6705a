"""A declared name that nothing on the host has, though something there is called so: people, netsh, the console and Ansible's
win_firewall_rule know rules by their display names, and a task by that name would leave them as they are."""

from collections import defaultdict
from collections.abc import Iterator

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Present
from ringfence.model.state import LOCAL
from ringfence.plan.plan import Plan
from ringfence.windows.shipped_rules import shipped_rules
from ringfence.windows.stored_names import display_name

MAX_TOLD_NAMES = 5  # objects of one display name that are told


def called_otherwise(plan: Plan) -> Iterator[Diagnostic]:
    """A warning for each such name, with the names of what is meant perhaps. Texts in files of the host are known in English."""
    unknown = [d for d in plan.declarations.values() if d.id.store == LOCAL and d.id not in plan.found.state]
    if not unknown:
        return
    called, english = defaultdict[tuple[str, str], list[str]](list), shipped_rules()
    for id, resource in plan.found.state.items():
        if id.store == LOCAL and (title := display_name(resource)):
            shown = english.get(resource.name, title) if title.startswith("@") else title
            if shown.casefold() != id.name:
                called[id.kind, shown.casefold()].append(resource.name)
    for declared in unknown:
        name = declared.resource.name if isinstance(declared, Present) else declared.id.name
        if those := sorted(called.get((declared.id.kind, name.casefold()), ())):
            more = f" and {len(those) - MAX_TOLD_NAMES} more" if len(those) > MAX_TOLD_NAMES else ""
            listed = ", ".join(those[:MAX_TOLD_NAMES]) + more
            yield Diagnostic(declared.location("name"), f"{declared.id.kind} {name}: nothing on the host has this name, it is "
                             f"the display name of {listed}", "This task leaves what is called so as it is: to change or "
                             "remove it, say its name", "warning")
