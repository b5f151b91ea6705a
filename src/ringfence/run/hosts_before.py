"""How hosts were before some runs, as the records of these tell it: each change taken back, the last one first."""

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from ringfence.formats.read_data import change_from_data
from ringfence.model.plain import resource_as_data
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import LOCAL, Change, Id
from ringfence.run.past_runs import PastHost, PastRun, line_of
from ringfence.run.undoing import is_sayable
from ringfence.secret import MASK


@dataclass(frozen=True)
class Before:
    """How a host was before some runs. objects: None of those that were not there · ended: what the task of an object said of
    its end, where that removed it · owners: whose each was then, a row of windows.origin.ORIGINS where that is known · ledger:
    what the ledger said of each (Change.ledger) · moved: {object: the one that it has become by renames} · runs: which have
    changed it since · problems: what their records do not tell · writers: the runs that began to write there, the last one
    first, and whether each is known to have changed something · changed: the properties of each that those runs changed."""

    objects: Mapping[Id, Resource | None] = field(default_factory=dict)
    ended: Mapping[Id, str] = field(default_factory=dict)
    owners: Mapping[Id, str] = field(default_factory=dict)
    ledger: Mapping[Id, str | None] = field(default_factory=dict)
    moved: Mapping[Id, Id] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    writers: Mapping[str, bool] = field(default_factory=dict)
    changed: Mapping[Id, Set[str]] = field(default_factory=dict)


def hosts_before(runs: Iterable[PastRun], kinds: Mapping[str, Kind], to: str = "") -> dict[str, Before]:
    """{host: how it was before}. runs: those of the project, the last one first · to: the run before which hosts are wanted; for
    each host the last one that wrote to it where none is named."""
    found: dict[str, _Backwards] = {}
    passed = False
    for run in runs:
        for host in run.hosts.values():
            walk = found.setdefault(host.host, _Backwards())
            if host.begun or host.untold:
                walk.writers[run.run_id] = host.count("made") > 0 and not host.is_unknown
            if passed or (not to and walk.runs):
                continue
            for what in _made(host, run, kinds):
                if walk.runs[-1:] != [run.run_id]:
                    walk.runs.append(run.run_id)
                walk.take_back(what)
        passed = passed or run.run_id == to
    return {host: walk.before for host, walk in found.items()}


class _Backwards:
    """What was made on a host, taken back change by change, the last one first: of what several changes touched, the earliest
    says how it was."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.writers: dict[str, bool] = {}
        self._objects: dict[Id, Resource | None] = {}
        self._ended: dict[Id, str] = {}
        self._owners: dict[Id, str] = {}
        self._ledger: dict[Id, str | None] = {}
        self._moved: dict[Id, Id] = {}
        self._changed: dict[Id, set[str]] = {}
        self._untold: dict[Id, str] = {}  # objects of which it is not known how they were
        self._problems: list[str] = []

    @property
    def before(self) -> Before:
        problems = (*self._problems, *self._untold.values())
        return Before(self._objects, self._ended, self._owners, self._ledger, self._moved, tuple(self.runs), problems,
                      self.writers, self._changed)

    def take_back(self, what: Change | str) -> None:
        """A change; a text where the record does not tell which."""
        if isinstance(what, str):
            self._problems.append(what)
            return
        id, new = what.id, _new_id(what)
        sayable = is_sayable(what.before) and not _is_masked(what)
        for one in filter(None, (id, new)):  # what later changes say of either is of no account any more
            self._untold.pop(one, None)
            if sayable:
                self._objects[one] = None
            else:
                self._objects.pop(one, None)
        if sayable:
            self._objects[id] = what.before
        else:
            self._untold[id] = f"{what}: it had a secret, which no record holds: say again what it was"
        self._owners[id], self._ledger[id] = what.owner, what.ledger
        self._changed.setdefault(id, set()).update(what.properties())
        if new:
            self._moved[id] = self._moved.pop(new, new)
            self._ended[id] = self._ended.pop(new, "")
        elif what.after is None:
            self._ended[id] = what.label.expiry if what.label.expires else ""
        elif what.before is None:
            self._moved.pop(id, None)
            self._ended.pop(id, None)


def _new_id(change: Change) -> Id | None:
    """What an object is known by once it is renamed; None for any other change."""
    if change.action != "rename" or change.after is None:  # the second only in a record that somebody damaged
        return None
    return change.id._replace(name=change.after.name.lower())


def _made(host: PastHost, run: PastRun, kinds: Mapping[str, Kind]) -> Iterator[Change | str]:
    """Each change of a run that a host made, the last one first; a text where the record does not tell. What a host has undone is
    nothing, and what nobody knows of may have been made."""
    if host.status == "restored":
        return
    if host.untold:
        yield f"the record of run {run.run_id} took no more, and has nothing of this host: what it made here stays ({run.path})"
    listed = host.data.get("changes")
    for one in reversed(listed) if isinstance(listed, list) else ():
        if not isinstance(one, dict) or not (one.get("made") is True or host.is_unknown):
            continue
        key = str(one.get("definition"))
        try:
            change = change_from_data(run.definitions.get(key), kinds)
        except (ValueError, KeyError, TypeError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else error
            yield (f"the record of run {run.run_id} is damaged ({run.path}, line {line_of(run, key)}, definition {key[:100]}: "
                   f"{what}): that change is not undone; undo it by hand, as `ringfence runs show {run.run_id}` tells it")
            continue
        if change.writes and change.id.store == LOCAL:
            yield change


def _is_masked(change: Change) -> bool:
    """Whether the record left out something of what was there: a host had said a secret in it."""
    named = change.after.name if change.after else ""
    return MASK in json.dumps([change.id.name, named, resource_as_data(change.before)])
