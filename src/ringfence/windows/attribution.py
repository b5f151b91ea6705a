"""Who made a host differ, as far as the events of its firewall tell, and what cannot be known. Pure.

An event is about an object that it names: a rule by RuleId, a set by SetId (by RuleId where it was deleted), which are names of
NetSecurity; by its display name where the event has no id. A profile is told by the bits of Profiles, a setting by SettingType,
whose numbers are taken for those of [MS-FASP] 2.2.38 and 2.2.42: the manifest calls 1 of a profile "Enable Windows Defender
Firewall", and real records of the setting 2 tell the current profile. Events of other stores, by Origin and StoreType, are left
out: [MS-FASP] 2.2.1, and FW_RULE_ORIGIN_TYPE. A field that is not there excludes nothing.

No document says that anything is written when somebody changes the registry itself: then the newest event is an older one, which
shows where it says the opposite of what was found.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ringfence.model.ledger import Ledger
from ringfence.model.state import LOCAL, Change, Id
from ringfence.windows.policy_events import MAX_EVENTS, PHASES, POLICY_EVENTS, Deed, EventLog, PolicyEvent
from ringfence.windows.stored_names import title_of

PROFILE_BITS: Mapping[str, int] = {"domain": 1, "private": 2, "public": 4}  # [MS-FASP] 2.2.2
_OTHER_ORIGINS = frozenset({2, 3, 4, 5, 6})  # group policy, dynamic, generated, built in, MDM
_LOCAL_STORE = 2
# What changes policy for the cmdlets of NetSecurity: they are of CIM classes, whose provider runs in the first of these (SigmaHQ,
# "New Firewall Rule Added … Via WmiPrvSE.EXE"). No document of Windows says so: therefore the programs of sessions count too.
PROGRAMS_OF_CMDLETS = frozenset({"wmiprvse.exe", "wsmprovhost.exe", "powershell.exe", "pwsh.exe"})
_VIRTUAL_ACCOUNT = "S-1-5-94-"  # of JEA endpoints; each session may have another one
_RUN_TIME = re.compile(r"(\d{8}T\d{6})Z-[0-9a-f]{6}")
_SLACK = timedelta(minutes=1)  # between two clocks that were compared


@dataclass(frozen=True, slots=True)
class Attribution:
    """What is known of who changed an object.

    event: the newest of those that concern it, since the project last wrote it where that is known · deed: what it tells ·
    earlier: how many more there are · like_ringfence: whether it was done by the account and program that ringfence writes with ·
    run: the one that last wrote the object, where the project's ledger knows it · unknown: what cannot be known, and why.
    """

    event: PolicyEvent | None = None
    deed: Deed | None = None
    earlier: int = 0
    like_ringfence: bool = False
    run: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """How many seconds the host's clock is fast."""

    fast: float = 0.0

    def of_host(self, moment: datetime) -> datetime:
        """A moment of this machine as the host's clock shows it."""
        return moment + timedelta(seconds=self.fast)


def written_at(run: str) -> datetime | None:
    """When a run began, by its id; None where it is none."""
    found = _RUN_TIME.fullmatch(run)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def asked_since(changes: Iterable[Change], ledger: Ledger, clock: Clock) -> datetime | None:
    """From when on events can concern any of the changes, by the host's clock; None where that is not known of one of them."""
    since = [_since(ledger, change.id, clock) for change in changes]
    known = [moment for moment in since if moment is not None]
    return min(known) if known and len(known) == len(since) else None


def asked_names(changes: Iterable[Change]) -> list[str]:
    """The names by which events know the objects of the changes: others need not be told, but those without a name."""
    objects = [change.before or change.resource for change in changes]
    return sorted({resource.kind.storage.cmdlet_name(resource.name) for resource in objects})


def _since(ledger: Ledger, id: Id, clock: Clock) -> datetime | None:
    """When the run began that last wrote an object, by the host's clock; None where there is none, or nobody knows: of a run that
    never told its end, and of one on the machine whose image this host was made from."""
    entry = None if ledger.inherited_from else ledger.entries.get(id)
    moment = written_at(entry.run) if entry and not entry.pending else None
    try:
        return clock.of_host(moment) - _SLACK if moment else None
    except OverflowError:
        return None


@dataclass
class _EventIndex:
    """Events by what they are about, the oldest first. named, titled: by noun and id, or display name where they have no id, in
    lower case · wide: by noun, of all objects of it · settings: by noun, of some values of a profile or of the settings."""

    named: dict[tuple[str, str], list[PolicyEvent]] = field(default_factory=dict)
    titled: dict[tuple[str, str], list[PolicyEvent]] = field(default_factory=dict)
    wide: dict[str, list[PolicyEvent]] = field(default_factory=dict)
    settings: dict[str, list[PolicyEvent]] = field(default_factory=dict)


_MEANINGS: Mapping[int, tuple[Deed, tuple[str, ...]]] = {
    id: (deed, tuple(noun for noun, (_, deeds) in POLICY_EVENTS.items() if id in deeds.get(deed, ())))
    for _, deeds in POLICY_EVENTS.values() for deed, ids in deeds.items() for id in ids}


def _indexed(logs: Mapping[str, EventLog]) -> _EventIndex:
    index = _EventIndex()
    for event in sorted((e for log in logs.values() for e in log.events), key=lambda event: event.time):
        deed, nouns = _MEANINGS.get(event.id, ("reset", ()))
        phase, store, origin = event.number("IPsecPhase"), event.number("StoreType"), event.number("Origin")
        if origin in _OTHER_ORIGINS or store not in (None, _LOCAL_STORE):
            continue
        name, title = (event.text(f"Rule{what}") or event.text(f"Set{what}") for what in ("Id", "Name"))
        for noun in nouns:
            if phase in (1, 2) and PHASES.get(noun, phase) != phase:
                continue
            if deed in ("removed_all", "reset"):
                index.wide.setdefault(noun, []).append(event)
            elif "added" not in POLICY_EVENTS[noun][1]:
                index.settings.setdefault(noun, []).append(event)
            else:
                known_by = index.named if name else index.titled
                known_by.setdefault((noun, (name or title).lower()), []).append(event)
    return index


def _events_of(change: Change, index: _EventIndex) -> tuple[Sequence[PolicyEvent], Sequence[PolicyEvent]]:
    """Those about an object itself, and those about all of its kind."""
    resource, noun = change.before or change.resource, change.resource.kind.noun
    if noun in index.settings:
        own = [e for e in index.settings[noun] if _is_about(e, change)]
    else:
        own = (index.named.get((noun, resource.kind.storage.cmdlet_name(resource.name).lower()))
               or index.titled.get((noun, title_of(change).lower())) or [])
    return own, index.wide.get(noun, [])


def _is_about(event: PolicyEvent, change: Change) -> bool:
    """Whether an event about values of a profile, or of the settings, is about those that differ."""
    kind, profiles, number = change.resource.kind, event.number("Profiles"), event.number("SettingType")
    bit = PROFILE_BITS.get(change.id.name)
    if bit and profiles is not None and not profiles & bit:
        return False
    numbers = {kind.properties[name].setting_type for name in change.properties() if name in kind.properties}
    return number is None or 0 in numbers or number in numbers


def attributions(changes: Iterable[Change], logs: Mapping[str, EventLog], ledger: Ledger, clock: Clock,
                 own_sid: str) -> dict[Id, Attribution]:
    """What is known of each change to policy of the local store. own_sid: of the account that ringfence has there."""
    index = _indexed(logs)
    return {c.id: _attribution(c, index, logs, ledger, clock, own_sid) for c in changes if c.writes and c.id.store == LOCAL}


def _attribution(change: Change, index: _EventIndex, logs: Mapping[str, EventLog], ledger: Ledger, clock: Clock,
                 own_sid: str) -> Attribution:
    noun = change.resource.kind.noun
    if noun not in POLICY_EVENTS:
        return Attribution(unknown="Windows writes no event of objects of this kind, as far as is known")
    since = _since(ledger, change.id, clock)
    run = ledger.entries[change.id].run if since else ""
    found = [later for events in _events_of(change, index) if (later := _later(events, since))]
    log = logs[POLICY_EVENTS[noun][0]]
    if not found:
        return Attribution(run=run, unknown=_not_told(log, since, run))
    event = max((events[-1] for events in found), key=lambda event: event.time)
    deed = _MEANINGS[event.id][0]
    like = _is_like_ringfence(event, own_sid)
    return Attribution(event, deed, sum(map(len, found)) - 1, like, run, _doubt(change, event, deed, like, since, run))


def _later(events: Sequence[PolicyEvent], since: datetime | None) -> Sequence[PolicyEvent]:
    return events if since is None else events[bisect_left(events, since, key=lambda event: event.time):]


def _is_like_ringfence(event: PolicyEvent, own_sid: str) -> bool:
    user = event.user.upper()
    virtual = user.startswith(_VIRTUAL_ACCOUNT) and own_sid.startswith(_VIRTUAL_ACCOUNT)
    return program_file(event) in PROGRAMS_OF_CMDLETS and user != "" and (virtual or user == own_sid.upper())


def program_file(event: PolicyEvent) -> str:
    """The file name of the program of an event, in lower case."""
    return event.program.replace("/", "\\").rpartition("\\")[2].lower()


def _doubt(change: Change, event: PolicyEvent, deed: Deed, like: bool, since: datetime | None, run: str) -> str:
    """Why an event need not be what made the difference; nothing where nothing speaks against it."""
    if change.before is None and deed in ("added", "changed"):
        return "the log does not tell who removed it since"
    if change.before is not None and deed in ("removed", "removed_all"):
        return "the log does not tell who made it again"
    if not like:
        return ""
    if since is None:
        return "ringfence writes with this account and program too"
    return (f"ringfence writes with this account and program, and its run {run} began {_apart(event.time - since - _SLACK)}: "
            "where this is what that run wrote, the log does not tell of the change since")


def _apart(time: timedelta) -> str:
    """How long before something else it was, or after, in the largest whole unit."""
    seconds = round(abs(time.total_seconds()))
    size, unit = next((pair for pair in ((86_400, "d"), (3600, "h"), (60, "min")) if seconds >= pair[0]), (1, "s"))
    return f"{seconds // size} {unit} {'before' if time >= timedelta() else 'after'}"


def _not_told(log: EventLog, since: datetime | None, run: str) -> str:
    """Why no event tells who changed an object."""
    if log.unread:
        return f"the event log could not be read: {log.unread}"
    off = "" if log.enabled else "the event log is switched off; "
    damaged = f"; {log.damaged} of its events could not be read" if log.damaged else ""
    if log.oldest is None:
        return f"{off}the event log is empty{damaged}"
    reaches = f"the event log reaches back to {shown_moment(log.oldest)}"
    if log.back_to and (since is None or log.back_to > since):
        back_to = shown_moment(log.back_to)
        return f"{off}of the event log the newest {MAX_EVENTS:,} events were read, back to {back_to}, and none is of it{damaged}"
    if since is None:
        return f"{off}{reaches} and has nothing of it{damaged}"
    if log.oldest > since + 2 * _SLACK:
        return f"{off}{reaches} only, and has nothing of it; ringfence last wrote it before that, in its run {run}{damaged}"
    return f"{off}{reaches} and has nothing of it since ringfence last wrote it, in its run {run}{damaged}"


def shown_moment(moment: datetime) -> str:
    """A moment as people read it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
