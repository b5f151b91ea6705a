"""The keys beside `when` that say how ringfence treats what a task declares: whole or not, whose, under which former name, and
until when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_args

from ringfence.diagnostics import Diagnostic, Finding
from ringfence.model.declaration import NO_TREATMENT, Omitted, Treatment
from ringfence.model.resource import Kind
from ringfence.model.state import TaskLabel
from ringfence.project.playbook_keys import LIFE_KEYS
from ringfence.project.render import RenderedTask
from ringfence.project.secrets_in_tasks import shown_secret
from ringfence.secret import contains_secret
from ringfence.types.base import as_text, quoted
from ringfence.types.enums import parse_bool
from ringfence.types.moments import in_short, moment_of, parse_moment

MAX_TICKET = 64  # characters of a ticket
EXPIRES_SOON, EXPIRED_LONG_AGO = timedelta(days=7), timedelta(days=30)  # when it is told that a task is going to, or can go


@dataclass
class TaskMistakes:
    """What is wrong with one task."""

    task: RenderedTask
    kind: Kind
    found: list[Diagnostic] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Note what is wrong with a property, at its place."""
        where = self.task.locations.get(finding.property, self.task.where)
        self.found.append(Diagnostic(where, f"{self.kind.name}: {finding.reason}", finding.advice, finding.severity))

    @property
    def failed(self) -> bool:
        return bool(self.found) and any(d.severity == "error" for d in self.found)  # asked often, and there is hardly ever one


def treatment_of(mistakes: TaskMistakes) -> Treatment:
    """How the resource is treated."""
    told, kind = {name: value for name, value in mistakes.task.treatment.items() if name not in LIFE_KEYS}, mistakes.kind
    if not told:
        return NO_TREATMENT
    if not kind.whole or not kind.storage.removable:
        for name in told:
            mistakes.add(Finding(name, f"{name} is for kinds of which a whole object is declared",
                                 "leave it out: of this kind only what is mentioned is managed"))
        return NO_TREATMENT
    for name in [name for name, value in told.items() if contains_secret(value)]:
        mistakes.add(shown_secret(name, told[name]))
        return NO_TREATMENT
    omitted, adopt, former = told.get("omitted"), told.get("adopt", False), told.get("renamed_from", "")
    if omitted is not None and omitted not in get_args(Omitted):
        mistakes.add(Finding("omitted", f"omitted: {quoted(omitted)} is neither default nor keep"))
    try:
        adopt = parse_bool(adopt)
    except ValueError as error:
        mistakes.add(Finding("adopt", f"adopt: {error}"))
    if "renamed_from" in told:
        if not kind.storage.renamable:
            mistakes.add(Finding("renamed_from", "renamed_from is for rules: Windows does not rename a set that is in use",
                                 "declare it under its new name, and the old one absent"))
        try:
            former = str(kind.name_type.parse(former) if kind.name_type else as_text(former))
        except ValueError as error:
            mistakes.add(Finding("renamed_from", f"renamed_from: {error}"))
    return NO_TREATMENT if mistakes.failed else Treatment(omitted, bool(adopt), str(former))


def label_of(mistakes: TaskMistakes) -> TaskLabel:
    """What the task is known by, with the moment at which it expires and its ticket."""
    task = mistakes.task
    told, label = {name: value for name, value in task.treatment.items() if name in LIFE_KEYS}, task.label
    for name in [name for name, value in told.items() if contains_secret(value)]:
        mistakes.add(shown_secret(name, told.pop(name)))
    for name, parse in ("ticket", _ticket), ("expires", parse_moment), ("expires_on_host", parse_bool):
        if name in told:
            try:
                said: dict[str, Any] = {name: parse(told[name])}
                label = label._replace(**said)
            except ValueError as error:
                mistakes.add(Finding(name, f"{name}: {error}"))
    return label


def unfit_life(mistakes: TaskMistakes, state: str, keeps: bool) -> Iterator[Finding]:
    """Why a task cannot expire that says it does. keeps: of its object only what is mentioned is managed, so that nobody could
    say what is to be there afterwards."""
    told, kind = mistakes.task.treatment, mistakes.kind
    named = [name for name in ("expires", "expires_on_host") if name in told]
    if state != "present" or not named:  # what has no meaning there is told with the rest
        return
    if not kind.storage.removable:
        yield Finding(named[0], f"{named[0]} is for what can be removed, and this kind is part of Windows",
                      "leave it out; what shall hold later is a change of the playbook")
    elif keeps:
        yield Finding(named[0], f"{named[0]} would remove the whole object, of which only what is mentioned is managed: it is of "
                      "Windows, or `omitted: keep` says so", "declare one of your own that expires, under a name of its own")
    elif "expires_on_host" in told and not kind.storage.renamable:
        yield Finding("expires_on_host", "expires_on_host is for rules: Windows does not remove a set that a rule names",
                      "say it for the rule; without it `apply` removes what has expired")
    elif "expires_on_host" in told and "expires" not in told:
        yield Finding("expires_on_host", "expires_on_host does not say when", "say `expires` beside it, or leave it out")


def expiry_notes(label: TaskLabel, began: str) -> Iterator[Finding]:
    """What is worth knowing of a task that expires soon, or did long ago. began: when the run did; empty where it has no time."""
    if not label.expires or not began:
        return
    left = moment_of(label.expires) - moment_of(began)
    ticket = f" ({label.ticket})" if label.ticket else ""
    if left < -EXPIRED_LONG_AGO:
        yield Finding("expires", f"it expired {in_short(label.expires)}{ticket}", "it can go from the playbook once every host "
                      "was applied to since then", "warning")
    elif timedelta() < left <= EXPIRES_SOON:
        yield Finding("expires", f"it expires {in_short(label.expires)}{ticket}", "from then on it declares its object absent",
                      "note")


def _ticket(value: object) -> str:
    """The ticket of a change. Raises ValueError."""
    text = as_text(value) if value is not None else ""
    if not text or not text.isprintable():
        raise ValueError(f"{quoted(text)} is no text that can be printed")
    if len(text) > MAX_TICKET:
        raise ValueError(f"{len(text)} characters are more than {MAX_TICKET}")
    return text
