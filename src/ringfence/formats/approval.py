"""What somebody has agreed to for a host, and whether what would be done now is that, or a part of it.

A host that has some or all of the agreed changes already is not stale; one with another change is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import StalePlan
from ringfence.model.plain import resource_as_data
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id
from ringfence.report import HostResult
from ringfence.secret import Secret, StoredSecret

MAX_NAMED = 3  # changes that the reason of a stale plan names; all of them are shown below it
_NOT_SAID = object()


@dataclass(frozen=True, slots=True)
class Approval:
    """What was agreed to for one host.

    changes: those that were shown · machine: which one it was (HostResult.machine); empty where nobody asks · declarations: the
    digest of what was declared · secrets: {change: digests of those in it}; None where they cannot have been exchanged · salt: of
    these digests · made_with: how else it may be that the plan was made otherwise, for the reason of a stale one.
    """

    changes: tuple[Change, ...]
    machine: str = ""
    declarations: str = ""
    secrets: Mapping[Id, Sequence[str]] | None = None
    salt: bytes = b""
    made_with: str = field(default="", compare=False)

    def judge(self, result: HostResult, is_there: Callable[[Change], bool] = lambda change: True, began: str = "") -> HostResult:
        """What was planned for the host now: stale, with the changes that nobody agreed to, or with a note on what has become of
        those that were. is_there: whether what a change brings about is there, of one that is not to be made · began: the moment
        (types/moments.py) by which something has expired."""
        if reason := self._other_machine(result.machine):
            return replace(result, changes=(), error=StalePlan(reason))
        if others := self._not_agreed(result.changes):
            return replace(result, changes=tuple(others), error=StalePlan(self._reason(list(others.items()))))
        return replace(result, diagnostics=(*result.diagnostics, *self._notes(result, is_there, began)))

    def _other_machine(self, machine: str) -> str:
        """Why this is not the machine of the plan; what either side does not know is passed over."""
        pairs = zip(self.machine.split("|"), machine.split("|"), strict=False)
        if any(then and now and then != now for then, now in pairs):
            return f"another machine answers: the plan was made for {_machine(self.machine)}, this is {_machine(machine)}"
        return ""

    def _not_agreed(self, changes: Sequence[Change]) -> dict[Change, str]:
        """The changes that nobody agreed to, each with what is new of it."""
        agreed = {c.id: c for c in self.changes}
        found = {}
        for change in changes:
            then = agreed.get(change.id)
            if then is None or not is_part(change, then):
                found[change] = " ".join(filter(None, (change.action, str(change), _properties(change))))
            elif self.secrets is not None and not _same_secrets(change, self.secrets.get(change.id, ()), self.salt):
                found[change] = f"{change.action} {change} (a secret in it was exchanged)"
        return found

    def _reason(self, others: Sequence[tuple[Change, str]]) -> str:
        named = ", ".join(told for _, told in others[:MAX_NAMED]) + (" …" if len(others) > MAX_NAMED else "")
        what = "1 change that nobody approved" if len(others) == 1 else f"{len(others)} changes that nobody approved"
        with_what = f", or {self.made_with}" if self.made_with else ""
        return f"{what}: {named}. The host or the project changed since the plan was made{with_what}. Make a new plan"

    def _notes(self, result: HostResult, is_there: Callable[[Change], bool], began: str) -> Iterator[Diagnostic]:
        planned = {change.id for change in result.changes}
        others = [change for change in self.changes if change.id not in planned]
        gone = [change for change in others if not is_there(change)]
        if there := len(others) - len(gone):
            told = "done already: " if there == len(self.changes) else ""
            yield Diagnostic(NOWHERE, f"{told}{there} of {len(self.changes)} approved changes are there", severity="note")
        for expired in (True, False):
            if found := [c for c in gone if bool(c.label.expires and c.label.expires <= began) is expired]:
                told = ", ".join(f"{c}{f' ({c.label.expiry})' if expired else ''}" for c in found[:MAX_NAMED])
                why = "expired since the plan was made" if expired else "the project does not ask for it any more"
                yield Diagnostic(NOWHERE, f"not made: {told}{' …' if len(found) > MAX_NAMED else ''}: {why}",
                                 "Make a new plan where it is wanted.", "warning")
        if self.declarations and result.declarations not in ("", self.declarations):
            yield Diagnostic(
                NOWHERE,
                "what is declared was changed since the plan was made; what is to be done is what was approved",
                severity="note",
            )


def _machine(machine: str) -> str:
    guid, computer, _ = (*machine.split("|"), "", "")[:3]
    return " ".join(filter(None, (computer, f"({guid})" if guid else ""))) or "unknown"


def _properties(change: Change) -> str:
    """What an update is about."""
    names = list(change.properties()) if change.action == "update" else []
    names += ["expires"] if change.after is not None and change.label.expires else []
    return f"({', '.join(names[:5])}{' …' if len(names) > 5 else ''})" if names else ""


def is_part(now: Change, agreed: Change) -> bool:
    """Whether a change is an agreed one, or what is left of it: of the properties that were to change some may have."""
    less = now.action == agreed.action or (agreed.action == "adopt" and now.action == "update")
    renamed = "rename" in (now.action, agreed.action) and now.resource.name != agreed.resource.name
    longer = now.after is not None and _until(now) != _until(agreed)
    if now.id != agreed.id or not less or renamed or longer:
        return False
    if (now.before, now.after) == (agreed.before, agreed.after):
        return True
    before, was, after, becomes = map(resource_as_data, (now.before, agreed.before, now.after, agreed.after))
    return after == becomes and _between(before, was, becomes)


def _until(change: Change) -> tuple[str, bool]:
    """Until when an object is wanted, and who ends it: another moment is another change."""
    return change.label.expires, change.label.expires_on_host


def _between(now: dict[str, Any] | None, before: dict[str, Any] | None, after: dict[str, Any] | None) -> bool:
    """Whether each property is as it was found then, or already as it was to become."""
    if now is None or before is None or after is None:
        return now == before
    sides = ((side.get(name, _NOT_SAID) for side in (now, before, after)) for name in {*now, *before, *after})
    return all(value in (was, becomes) for value, was, becomes in sides)


def secrets_in(resource: Resource | None) -> Iterator[Secret]:
    """The secrets that a resource holds, in their order; not those of which one only knows that a host has them."""
    for value in resource.values().values() if resource else ():
        if isinstance(value, Secret):
            yield from () if isinstance(value, StoredSecret) else (value,)
        elif isinstance(value, tuple):
            for member in value:
                yield from secrets_in(member) if isinstance(member, Resource) else ()


def _same_secrets(change: Change, digests: Sequence[str], salt: bytes) -> bool:
    found = list(secrets_in(change.after))
    return len(found) == len(digests) and all(
        digest == (secret.slow_digest(salt) if digest.startswith("scrypt:") else secret.digest(salt))
        for secret, digest in zip(found, digests, strict=True)
    )
