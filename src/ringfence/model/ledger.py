r"""Whose objects are whose: the ledger of a project, as a host keeps it below HKLM\SOFTWARE\ringfence. Pure.

One key a project, named by its id; every value is a text. Some are of the ledger itself (HEADER_VALUES), each other one is of an
object, named `kind|store|name`:

    firewall_rule|local|corp-rdp = {"how":"created","run":"20261126T115712Z-3f9a1c","hash":"9f3a…"}

`hash` is the digest of the object as the project last wrote it (model/plain.py), `pending` that of what it is to become, as
long as a run is under way: an object with nothing but a pending digest is the project's where it has that digest, for then the
write was made. A host's ledger is hostile input: it is bounded, and what is not understood is told, never a reason to remove.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, get_args

from ringfence.model.plain import digest_of
from ringfence.model.resource import Resource
from ringfence.model.state import LOCAL, Id, TaskLabel, id_for
from ringfence.model.undo import UNDO_KEY

LEDGER_FORMAT = 1
HEADER_VALUES = ("Format", "Name", "State", "Run", "Generation", "Machine", "Build", "Inputs")
_HEADER = frozenset(HEADER_VALUES)
MAX_OWNED = 50_000  # objects that the ledgers of one host name
MAX_ENTRY_TEXT = 32_767  # characters of an entry
PROJECT_ID = re.compile(r"[0-9a-f-]{8,64}")
How = Literal["created", "adopted", "mentioned"]
"""How a project came to an object: it made it, it took it over whole, or it manages what it mentions of it."""
Prune = Literal["report", "created", "restore", "all", "never"]
"""What becomes of what the project had and declares no more. report: it is told · created: what the project created is removed,
what it adopted is released · restore: beside that, what it mentioned gets the values that were found first · all: what closes
traffic is removed too · never: nothing, and it is not told."""
PRUNE_MODES: tuple[str, ...] = get_args(Prune)
_USUAL = 1000  # characters of a name and its entry that are remembered: a number of entries alone bounds no memory
_TEXTS = ("run", "hash", "pending", "expires", "ticket")
_MEMBERS = frozenset({"how", "playbooks", "first", "expires_on_host", *_TEXTS})


@dataclass(frozen=True, slots=True)
class ProjectIdentity:
    """What a project is called and what its ledgers are known by (`project` in ringfence.yml)."""

    name: str
    id: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id[:8]}…)"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a ledger says of an object.

    run: the one that last wrote it · hash, pending: see the module; empty where there is none · playbooks: the files that
    declared it · first: the values that were found before the project, by property; never a secret · expires, ticket,
    expires_on_host: as the task said them that declared it last (TaskLabel) · others: members that this version does not know,
    which are kept.
    """

    how: How
    run: str = ""
    hash: str = ""
    pending: str = ""
    playbooks: tuple[str, ...] = ()
    first: Mapping[str, Any] = field(default_factory=dict)
    expires: str = ""
    ticket: str = ""
    expires_on_host: bool = False
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said_of_time(self) -> tuple[str, str, bool]:
        """What the task said of how long the object is wanted, as a TaskLabel has it."""
        return self.expires, self.ticket, self.expires_on_host

    @property
    def expiry(self) -> str:
        """Until when it was wanted, and the ticket, for people; empty where neither was said."""
        return TaskLabel(expires=self.expires, ticket=self.ticket).expiry

    @property
    def is_whole(self) -> bool:
        """Whether the object is the project's as a whole, and was written by it or taken over as it was."""
        return bool(self.hash) and self.how != "mentioned"

    @property
    def remembered(self) -> str:
        """What it says of an object whatever a run writes there: by that the object is again what it was to the project."""
        return replace(self, run="", hash="", pending="").encode()

    def encode(self) -> str:
        """The entry as it is stored. What was first is left out where it would be too long for a value of the registry."""
        said = {"how": self.how, "run": self.run, "hash": self.hash, "pending": self.pending,
                "playbooks": list(self.playbooks), "first": dict(self.first), "expires": self.expires, "ticket": self.ticket,
                "expires_on_host": self.expires_on_host}
        known = {name: value for name, value in said.items() if value}
        text = _compact({**self.others, **known})
        return text if len(text) <= MAX_ENTRY_TEXT else _compact({n: v for n, v in known.items() if n != "first"})


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@lru_cache(65_536)
def _entry(name: str, text: str) -> tuple[Id, Entry]:
    """An object, and what is said of it; raises ValueError where it is not understood."""
    if (id := _id(name)) is None or id.store != LOCAL:
        raise ValueError(f"{name[:100]!r} is not the name of an object{'' if id is None else ' that a project could own'}")
    try:
        return id, entry_of(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{id}: {str(error)[:100]}") from None


def entry_of(text: str) -> Entry:
    """An entry from its text; raises ValueError where it is none."""
    told = json.loads(text)
    if not isinstance(told, dict) or told.get("how") not in get_args(How):
        raise ValueError("it does not say how the project came to the object")
    texts = {name: str(told.get(name) or "") for name in _TEXTS}
    playbooks, first = told.get("playbooks"), told.get("first")
    return Entry(told["how"], **texts, playbooks=tuple(map(str, playbooks)) if isinstance(playbooks, list) else (),
                 first=first if isinstance(first, dict) else {}, expires_on_host=told.get("expires_on_host") is True,
                 others={name: value for name, value in told.items() if name not in _MEMBERS})


@dataclass(frozen=True)
class Ledger:
    """The ledgers of a host, as a run of one project sees them.

    header: the values of HEADER_VALUES that the project's own has; empty where there is none · entries: its objects · foreign:
    the objects of other projects, with the names of those · machine: which machine this is now, in the words of `Machine` ·
    problems: what is wrong with it · unread: why nothing is known of it.
    """

    header: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[Id, Entry] = field(default_factory=dict)
    foreign: Mapping[Id, str] = field(default_factory=dict)
    machine: str = ""
    problems: tuple[str, ...] = ()
    unread: str = ""

    @property
    def generation(self) -> int:
        """How often it was written; 0 where there is none."""
        return _number(self.header.get("Generation"))

    @property
    def is_newer(self) -> bool:
        """Whether a later version of ringfence has written it: then it is read, and not written."""
        return _number(self.header.get("Format")) > LEDGER_FORMAT

    @property
    def is_pending(self) -> bool:
        """Whether a run that began to write never said that it had ended."""
        return self.header.get("State") == "pending"

    @property
    def inherited_from(self) -> str:
        """The machine that it was written on, where that is another one: an image, a clone. Else nothing."""
        written_on = self.header.get("Machine", "")
        if not self.machine or written_on in ("", self.machine):
            return ""
        return (written_on.split("|")[1:2] or [written_on])[0] or written_on

    def owned(self, id: Id, found: Resource | None) -> Entry | None:
        """What it says of an object of the project, as it was found; nothing where it is not the project's. What is a part of
        Windows, as profiles are, nobody made or took over, whatever it says."""
        entry = self.entries.get(id)
        if entry is None or (entry.pending and not entry.hash and (found is None or digest_of(found) != entry.pending)):
            return None
        mine = found is None or found.kind.storage.removable
        return entry if mine else replace(entry, how="mentioned")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 18 else 0


def parse_ledger(answer: Any, project: ProjectIdentity | None, computer: str = "") -> Ledger:
    """The ledgers of a host from the value of a Ledger.Read. Lenient; never raises.

    project: whose ledger is the own one · computer: the host's name and domain, a part of which machine it is.
    """
    told = answer if isinstance(answer, dict) else {}
    listed = told.get("unread")
    reasons = [str(one.get("why")) for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict)]
    if reasons or not isinstance(told.get("rows"), list):
        return Ledger(unread="; ".join(reasons) or "the host did not tell")
    machine = f"{told.get('machine') or ''}|{computer}".lower()
    if writers := untrusted_writers(str(told.get("sddl") or "")):
        return Ledger(machine=machine, unread=f"others than administrators may write it: {', '.join(writers)}")
    header: dict[str, str] = {}
    entries: dict[Id, Entry] = {}
    foreign: dict[Id, str] = {}
    problems: list[str] = []
    for key, values in ledger_keys(told["rows"]):
        if project and key == project.id:
            header.update({name: text for name, text in values if name in _HEADER})
            _take(values, entries, problems)
        else:
            owner = f"{dict(values).get('Name') or 'without a name'} ({key})"
            foreign.update((id, owner) for name, _ in values if (id := _id(name)))
        if len(entries) + len(foreign) > MAX_OWNED:
            return Ledger(machine=machine, unread=f"it names more than {MAX_OWNED} objects")
    return Ledger(header, entries, foreign, machine, tuple(problems))


def ledger_keys(rows: list[Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The id of each project, with the names and texts of its values; what is none is passed over."""
    for row in rows:
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], list) and (
                row[0].lower() not in ("", UNDO_KEY)):
            yield row[0].lower(), [(v[0], v[2]) for v in row[1] if v.__class__ is list and len(v) == 3
                                   and v[0].__class__ is str and v[2].__class__ is str]


def _take(values: list[tuple[str, str]], entries: dict[Id, Entry], problems: list[str]) -> None:
    for name, text in values:
        if name not in _HEADER:
            try:
                id, entry = (_entry if len(name) + len(text) <= _USUAL else _entry.__wrapped__)(name, text)
            except ValueError as error:
                problems.append(str(error))
            else:
                entries[id] = entry


def _id(name: str) -> Id | None:
    parts = name.lower().split("|", 2)
    return id_for(parts[1], parts[0], parts[2]) if len(parts) == 3 and all(parts) else None


def value_name(id: Id) -> str:
    """The name of the value that a ledger keeps an object under."""
    return f"{id.kind}|{id.store}|{id.name}"


_ACE = re.compile(r"\(([A-Z]+);[^;()]*;([^;()]*);[^;()]*;[^;()]*;([^;()]+)\)")
_OWNER = re.compile(r"O:(S-[0-9-]+|[A-Z]{2})")
_TRUSTED = {"SY", "BA", "CO", "S-1-5-18", "S-1-5-32-544", "S-1-3-0",
            "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"}  # the last: TrustedInstaller
_HARMLESS = {"KR", "KX", "GR", "GX", "RC", "CC", "SW", "RP"}  # to read, to list, to be notified: KEY_READ and less
_WRITING = 0x500D_0026  # set values, make keys and links; delete, change the list or the owner; generic write and all


def untrusted_writers(sddl: str) -> tuple[str, ...]:
    """Who may write a key, or owns it, beside SYSTEM, administrators and TrustedInstaller: SIDs as the descriptor says them
    ([MS-DTYP] 2.5.1). Nothing for a text that says nothing."""
    owner = [s for s in _OWNER.findall(sddl.partition("D:")[0]) if s not in _TRUSTED]
    writers = [sid for type, rights, sid in _ACE.findall(sddl)
               if type in ("A", "XA", "OA") and sid not in _TRUSTED and _may_write(rights)]
    return tuple(dict.fromkeys([*owner, *writers]))


def _may_write(rights: str) -> bool:
    """Whether rights on a key, as a number or in pairs of letters, are more than to read ([MS-DTYP] 2.4.3, 2.5.1.1)."""
    if rights.lower().startswith("0x"):
        try:
            return bool(int(rights, 16) & _WRITING)
        except ValueError:
            return True
    return not {rights[i:i + 2] for i in range(0, len(rights), 2)} <= _HARMLESS
