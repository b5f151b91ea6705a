"""How somebody at the console of a host that was lost gets it back: cmdlets that undo what was written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ringfence.errors import GuardRefused
from ringfence.model.kept import as_writable
from ringfence.model.once import filter_of
from ringfence.model.state import Change, Id
from ringfence.plan.plan import Plan
from ringfence.plan.wider import opens, widened
from ringfence.secret import MASK, Secret
from ringfence.windows.calls import cmdlet_calls

MAX_COMMANDS = 20  # that are told
_BARE = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*")  # a word that PowerShell takes as text without quotes


def way_back(plan: Plan, written: frozenset[Id], aliases: Mapping[str, str]) -> tuple[str, ...]:
    """The commands, those first that let traffic pass again, then the last written first. Secrets are not in them: where one is
    needed, it stands masked."""
    made = [c for c in reversed(plan.changes) if c.id in written and c.writes]
    ordered = sorted(made, key=lambda c: not _shuts(c))
    return tuple(command for c in ordered[:MAX_COMMANDS] for command in _undone(c, aliases))


def _shuts(change: Change) -> bool:
    """Whether traffic may pass again once the change is undone."""
    before, after = change.before, change.after
    if before is None or after is None:
        only = after or before
        assert only is not None
        filter = filter_of(only)
        return opens(after) if after else filter is not None and filter.effect == "allow"
    return filter_of(after) is None or bool(widened(after, before))


def undone_change(change: Change) -> Change:
    """What undoes a change."""
    id = change.id if change.action != "rename" else change.id._replace(name=change.resource.name.lower())
    return replace(change, id=id, before=change.after, after=change.before)


def _undone(change: Change, aliases: Mapping[str, str]) -> Iterator[str]:
    """The command that undoes one change; none where no cmdlet can write what was there."""
    try:
        undone = undone_change(change)
        calls = cmdlet_calls([replace(undone, after=as_writable(undone.after, undone.before))], aliases)
    except GuardRefused:
        return
    for call in calls.values():
        yield _command(call.args)


def _command(said: Mapping[str, Any]) -> str:
    parameters = "".join(f" -{name} {_value(value)}" for name, value in said["parameters"].items())
    return f"{said['cmdlet']}{parameters}"


def _value(value: Any) -> str:
    """A value as PowerShell reads it."""
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, Mapping):
        return f"({_command(value['$call'])})" if "$call" in value else f"'{MASK}'"
    if isinstance(value, list | tuple):
        return ",".join(map(_value, value)) or "@()"
    if isinstance(value, int | float):
        return str(value)
    text = str(value) if isinstance(value, str) and not isinstance(value, Secret) else MASK
    # PowerShell takes the typographic quotes for ends of a text too
    return text if _BARE.fullmatch(text) and not text[0].isdigit() else "'" + re.sub("(['‘’‚‛])", r"\1\1", text) + "'"
