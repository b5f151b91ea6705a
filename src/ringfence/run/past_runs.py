"""Runs as their journals tell them, those too that were killed: never more than what is written there.

Several projects may keep their records in one folder (--run-dir, RINGFENCE_RUN_DIR): `own` is the project whose runs are meant.
Those are passed over that say that they are of another one; where the project has no id, none is.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.files import MAX_JOURNAL, read_bytes
from ringfence.formats.data import FORMAT_VERSION
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.state import Id
from ringfence.rollout.rollout_policy import RolloutPolicy
from ringfence.run.journal import HOLDER, LOCK, OWN_FOLDER, runs_folder

RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
DONE_STATUSES = ("changed", "in_sync", "not_in_force")  # statuses of hosts to which `apply --resume` does not go again
LAST = "last"
RESUMES = "resumes"  # of the options in a record: the run that this one goes on with
MAX_TOLD_HOSTS = 100_000  # of a run, that are told


@dataclass(frozen=True)
class PastHost:
    """What a journal says of one host. event: the last one that it has of it; empty where there is none · data: the host object
    of that event · begun: whether something was going to be written · untold: there is no event of it, and that may be
    for the record took no more."""

    host: str
    event: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    begun: bool = False
    untold: bool = False

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows what of it was made."""
        return self.status in ("unknown", "lost")

    @property
    def status(self) -> str:
        """The status of a host that was ended; `unknown` where the record stops in the middle of it, `not_begun` before it."""
        return (str(self.data.get("status")) if self.event == "host_end" else
                "unknown" if self.event or self.untold else "not_begun")

    def count(self, member: str) -> int:
        """How many changes are `planned`, `made` or `proven`."""
        found = self.data.get("changes")
        return sum(isinstance(c, dict) and c.get(member) is True for c in found) if isinstance(found, list) else 0


@dataclass(frozen=True)
class BegunWave:
    """The last wave that a run began. verified: whether what was looked at after it held; None where nobody looked to the end ·
    is_last: no further one was to come."""

    hosts: tuple[str, ...]
    verified: bool | None
    is_last: bool

    def is_owed(self, policy: RolloutPolicy) -> bool:
        """Whether something has to be before further hosts are written: a look at this wave, or a pause."""
        return bool(policy.verify and not self.verified) if self.is_last else bool(policy.verify or policy.pause)


@dataclass(frozen=True)
class PastRun:
    """One run. begin, end: those events, the second empty where there is none · hosts: by name · definitions: the changes that
    hosts refer to · signals: the events · damaged: lines that could not be read · waves: the hosts
    of each · wave_ends: what became of those that ended, by number · begun: the last one that was."""

    run_id: str
    path: Path
    begin: Mapping[str, Any]
    hosts: Mapping[str, PastHost]
    definitions: Mapping[str, Any]
    signals: tuple[Mapping[str, Any], ...] = ()
    end: Mapping[str, Any] = field(default_factory=dict)
    damaged: int = 0
    is_running: bool = False
    waves: tuple[tuple[str, ...], ...] = ()
    wave_ends: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    begun: BegunWave | None = None

    @property
    def state(self) -> str:
        """ended, running, interrupted (by a signal), or killed: there is no end."""
        if self.is_running:
            return "running"
        return "interrupted" if self.signals else "ended" if self.end else "killed"

    @property
    def options(self) -> Mapping[str, Any] | None:
        """How it is done again; None where it cannot be gone on with, for it was no apply."""
        found = self.begin.get("options")
        return found if isinstance(found, dict) else None

    @property
    def left(self) -> tuple[str, ...]:
        """The hosts that are not known to be done."""
        return tuple(one.host for one in self.hosts.values() if one.status not in DONE_STATUSES)


@dataclass(frozen=True)
class Standing:
    """How far a run came, and those that it went on with. left: the hosts that are not known to be done · begun: the wave that
    was begun last."""

    left: tuple[str, ...]
    begun: BegunWave | None


def standing(run: PastRun, runs: Iterable[PastRun]) -> Standing:
    """runs: those of the project, the last one first. A host that another one of them wrote to since, or could not leave as
    declared, is left: a rollback, say."""
    hosts, done, begun, own = list[str](), dict[str, bool](), run.begun, run.run_id
    for one in runs:
        if one.run_id == own:
            hosts += one.hosts
            for host in one.hosts.values():
                done.setdefault(host.host, host.status in DONE_STATUSES)
            begun = begun or one.begun
            if not (own := str((one.options or {}).get(RESUMES, ""))):
                break
        else:
            for host in one.hosts.values():
                if host.begun or host.status not in ("not_begun", *DONE_STATUSES):
                    done.setdefault(host.host, False)
    return Standing(tuple(host for host in dict.fromkeys(hosts) if not done[host]), begun)


def past_runs(project: Path, run_dir: str = "", own: ProjectIdentity | None = None) -> Iterator[PastRun]:
    """The runs of a project, the last one first. A file that is no journal is passed over."""
    folder, running = runs_folder(project, run_dir), running_run(project, run_dir)
    for path in (one for one in reversed(_journals(folder)) if _is_of(one, own)):
        if run := _read(path, running):
            yield run


def past_run(project: Path, run_id: str, run_dir: str = "", own: ProjectIdentity | None = None, *,
             resumable: bool = False) -> PastRun:
    """One run by its id, by how that begins, or `last`; `resumable`: of those that can be gone on with. Raises InputError."""
    if run_id == LAST and resumable:
        run_id = next((run.run_id for run in past_runs(project, run_dir, own) if run.options is not None), LAST)
    folder = runs_folder(project, run_dir)
    known = [path.stem for path in _journals(folder) if _is_of(path, own)]
    meant = known[-1:] if run_id == LAST else [one for one in known if one.startswith(run_id)]
    if len(meant) != 1:
        what = f"several runs begin with {run_id}" if meant else f"there is no run {run_id}"
        told = ", ".join(known[-5:]) if known else "none"
        raise InputError([Diagnostic(NOWHERE, what, f"`ringfence runs` lists them; the last in {folder}: {told}")])
    path = folder / f"{meant[0]}.jsonl"
    run = _read(path, running_run(project, run_dir))
    if run is None:
        raise InputError([Diagnostic(Where(str(path)), f"this is no journal of format {FORMAT_VERSION.partition('.')[0]}",
                                     "A later version of ringfence may have written it.")])
    return run


def created_on_hosts(project: Path, run_dir: str = "", own: ProjectIdentity | None = None) -> dict[str, set[Id]]:
    """{host: objects} that the runs of a project made, and did not remove again, as far as their journals tell. Raises
    InputError."""
    found: dict[str, set[Id]] = {}
    for run in reversed([*past_runs(project, run_dir, own)]):
        for host in run.hosts.values():
            _follow(found.setdefault(host.host, set()), host, run, ("create",))
    return {host: ids for host, ids in found.items() if ids}


def abandoned(project: Path, run_dir: str, own: ProjectIdentity | None, others: Collection[str]) -> tuple[str, ...]:
    """Those of `others`, hosts that no play names, on which runs of a project made or adopted something and left it there, as far
    as their journals tell. Raises InputError."""
    left: dict[str, set[Id]] = {}
    for path in _journals(runs_folder(project, run_dir)) if others else ():
        run = _read(path, "") if _is_of(path, own, others) else None
        if run is None:
            continue
        for host in (one for one in run.hosts.values() if one.host in others):
            _follow(left.setdefault(host.host, set()), host, run, ("create", "adopt", "rename"))
    return tuple(sorted(host for host, ids in left.items() if ids))


def _follow(ids: set[Id], host: PastHost, run: PastRun, comes: Collection[str]) -> None:
    """The objects of a host after one more run. comes: the actions by which one comes to be among them. What the host has undone
    is nothing, and what was retired has nothing any more, told in changes or not."""
    if run.begin.get("command") == "retire" and host.event == "host_end" and host.data.get("error") is None:
        ids.clear()
    elif host.status != "restored":
        for action, id, new in _made(host, run.definitions):
            stays = action in comes or (new is not None and id in ids)
            ids.difference_update([id] if action in ("remove", "release", "rename") else ())
            ids.update([new or id] if stays else ())


def _is_of(path: Path, own: ProjectIdentity | None, hosts: Collection[str] | None = None) -> bool:
    """Whether a journal is not of another project, and names one of the hosts where somebody asks. It says both where it begins:
    most need not be read."""
    if own is None and hosts is None:
        return True
    try:
        with path.open("rb") as file:
            begin = _event(file.readline(MAX_JOURNAL)) or {}
    except OSError:
        return hosts is None  # who reads it says why it cannot be read
    project, named = begin.get("project"), begin.get("hosts")
    id = project.get("id") if isinstance(project, dict) else None
    if own is not None and isinstance(id, str) and id != own.id:
        return False
    return hosts is None or (isinstance(named, list) and any(isinstance(name, str) and name in hosts for name in named))


def _made(host: PastHost, definitions: Mapping[str, Any]) -> Iterator[tuple[str, Id, Id | None]]:
    """The changes that a host has made: (action, object, what it is known by after a rename)."""
    changes = host.data.get("changes")
    for one in changes if isinstance(changes, list) else ():
        told = definitions.get(str(one.get("definition"))) if isinstance(one, dict) and one.get("made") is True else None
        if isinstance(told, dict):
            id = told.get("id")
            if isinstance(id, dict) and all(isinstance(id.get(n), str) for n in Id._fields):
                known_by, new = Id(id["store"], id["kind"], id["name"].lower()), told.get("new_name")
                renamed = told.get("action") == "rename" and isinstance(new, str)
                yield str(told.get("action")), known_by, known_by._replace(name=str(new).lower()) if renamed else None


def _journals(folder: Path) -> list[Path]:
    """The files that are named as journals, in the order in which the runs began; of one second, in which they ended."""
    found = (path for path in folder.glob("*.jsonl") if RUN_ID.fullmatch(path.stem))
    return sorted(found, key=lambda path: (path.stem.partition("-")[0], path.stat().st_mtime_ns))


def running_run(project: Path, run_dir: str = "") -> str:
    """The run that has the lock of the project; empty where nobody has it."""
    folder = Path(run_dir) if run_dir else project / OWN_FOLDER
    if not (folder / LOCK).is_file():  # nothing is made by looking
        return ""
    try:
        with FileLock(folder / LOCK, timeout=0, mode=0o600):
            return ""
    except Timeout:
        try:
            return read_bytes(folder / HOLDER, 100).decode("ascii")
        except (OSError, ValueError):
            return ""
    except OSError:
        return ""


def _read(path: Path, running: str) -> PastRun | None:
    """What a file says; None where it is no journal, or one of another major format. Raises InputError."""
    try:
        lines = read_bytes(path, MAX_JOURNAL).split(b"\n")
    except (OSError, ValueError) as error:
        raise InputError([Diagnostic(Where(str(path)), getattr(error, "strerror", None) or str(error))]) from None
    read = [_event(line) for line in lines]
    events = [event for event in read if event]
    begin = next((e for e in events if e["event"] == "run_begin"), None)
    if begin is None or str(begin.get("format_version", "")).partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        return None
    # a whole last line without its end, and an empty line: the disk was full (Journal). Half a last line: it was killed
    lost = read[:-1].count(None) + (read[-1] is not None)
    return PastRun(path.stem, path, begin, _hosts(begin, events, bool(lost)), _definitions(events),
                   tuple(e for e in events if e["event"] == "signal"),
                   next((e for e in events if e["event"] == "run_end"), {}), lost + (lines[-1] != b"" and read[-1] is None),
                   path.stem == running, *_waves(events))


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):  # the last one of a run that was killed, or that of a full disk
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _hosts(begin: Mapping[str, Any], events: Iterable[Mapping[str, Any]], lost: bool) -> dict[str, PastHost]:
    """The hosts of a run. lost: the record lacks something, so that a host of which it has nothing may have been written."""
    named = begin.get("hosts")
    told = named[:MAX_TOLD_HOSTS] if isinstance(named, list) else ()
    found = {name: PastHost(name, untold=lost) for name in told if isinstance(name, str)}
    for event in events:
        for name in event["not_begun"] if lost and isinstance(event.get("not_begun"), list) else ():
            if isinstance(name, str) and not found.get(name, PastHost(name)).event:
                found[name] = PastHost(name)
        data = event.get("host")
        if event["event"].startswith("host_") and isinstance(data, dict) and isinstance(name := data.get("host"), str):
            begun = event["event"] in ("host_begin", "host_written") or (name in found and found[name].begun)
            found[name] = PastHost(name, event["event"], data, begun)
    return found


def _waves(events: Iterable[Mapping[str, Any]]) -> tuple[tuple[tuple[str, ...], ...], dict[int, Mapping[str, Any]],
                                                         BegunWave | None]:
    """The waves of a run, what became of those that ended, and the last one that was begun."""
    planned: tuple[tuple[str, ...], ...] = ()
    ended: dict[int, Mapping[str, Any]] = {}
    last, hosts = 0, tuple[str, ...]()
    for event in events:
        told, wave = event.get("waves"), event.get("wave")
        if event["event"] == "rollout" and isinstance(told, list):
            planned = tuple(tuple(str(host) for host in hosts) for hosts in told if isinstance(hosts, list))
        elif event["event"] == "wave_end" and isinstance(wave, dict) and isinstance(wave.get("number"), int):
            ended[wave["number"]] = wave
        elif event["event"] == "wave_begin" and isinstance(wave, dict) and isinstance(wave.get("number"), int):
            named = wave.get("hosts")
            last, hosts = wave["number"], tuple(str(host) for host in named) if isinstance(named, list) else ()
    verified = ended.get(last, {}).get("verified")
    begun = BegunWave(hosts, verified if isinstance(verified, bool) else None, last >= len(planned)) if hosts else None
    return planned, ended, begun


def _definitions(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in events:
        if event["event"] == "definitions" and isinstance(told := event.get("definitions"), dict):
            found |= told
    return found


def line_of(run: PastRun, definition: str) -> int:
    """The line of the record that has a definition; 0 where none has."""
    try:
        lines = read_bytes(run.path, MAX_JOURNAL).splitlines()
    except (OSError, ValueError):
        return 0
    told = ((number, event.get("definitions")) for number, line in enumerate(lines, 1) if (event := _event(line)))
    return next((number for number, those in told if isinstance(those, dict) and definition in those), 0)
