"""What can be said about a run, one row each: its flag, its variable of the environment, its key in ringfence.yml, what it may
hold, and who may say it. Help texts, docs/reference/settings.md and the JSON Schema of ringfence.yml derive from these tables.

Names are Ansible's where it has one. The command line wins over the environment, that over ringfence.yml, that over variables of
Ansible, for these are meant for another program, and that over the default. Pure.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from ringfence.model.ledger import PRUNE_MODES
from ringfence.policy.flow_words import FLOW_WORDS
from ringfence.rollout.maintenance_window import parse_window
from ringfence.rollout.rollout_policy import ASK
from ringfence.rollout.wave_checks import KINDS, MAX_WAIT, parse_check
from ringfence.rollout.waves import ORDERS, parse_apart, parse_wave_size
from ringfence.types.base import PropertyType, as_text, quoted
from ringfence.types.enums import BOOL, choice, number

SetBy = Literal["call", "trust", "user", "project"]
"""The command line alone, as it loosens a guard or asks something of one call; the user alone, also by the environment and
trust.yml (documents.trust_file reads these); the user alone, also by the environment; also the environment and ringfence.yml."""
PathForm = Literal["", "path", "@path", "label@path", "label=path"]
"""Whether a value is the path of a file: all of it, what follows an @ that it begins with, or what follows an @ or = inside of
it."""


class OutputFormat(StrEnum):
    """What is written to standard output."""

    text = "text"
    json = "json"
    jsonl = "jsonl"


class ReportFormat(StrEnum):
    """What is written to files beside it: for people in a merge request, for test and code scanning tabs, for programs."""

    md = "md"
    junit = "junit"
    sarif = "sarif"
    html = "html"
    json = "json"


class UnreachableHosts(StrEnum):
    """Whether hosts that are not reached make a run fail."""

    fail = "fail"
    warn = "warn"
    ignore = "ignore"


class ForcedGuard(StrEnum):
    """The guards that --force switches off."""

    percent = "percent"
    lockout = "lockout"
    undo = "undo"
    window = "window"


class InventoryEngine(StrEnum):
    """Who reads inventories."""

    ringfence = "ringfence"
    ansible = "ansible"


PruneMode = StrEnum("PruneMode", [(mode, mode) for mode in PRUNE_MODES])  # type: ignore[misc]
"""What becomes of what a project had and declares no more."""


def _one_of(words: type[StrEnum]) -> PropertyType:
    base = choice(*(str(word) for word in words))
    return PropertyType(base.name, lambda value: words(base.parse(value)), base.schema)


def _text(value: Any) -> str:
    if not (text := as_text(value)) or "\0" in text:
        raise ValueError("it is empty" if not text else "no text has the character 0")
    return text


def _tags(value: Any) -> str:
    """Tags with commas between them: one at least, for no tag at all would mean every task."""
    text = _text(value)
    if not any(map(str.strip, text.split(","))):
        raise ValueError(f"it is empty: {quoted(value)} names no tag")
    return text


def _report(value: Any) -> str:
    word, equals, path = _text(value).partition("=")
    if not equals or not path:
        raise ValueError(f"{quoted(value)} is no FORMAT=FILE, such as {ReportFormat.junit}=report.xml")
    if path == "-":
        raise ValueError("a report goes into a file: what goes to standard output, --output says")
    return f"{choice(*map(str, ReportFormat)).parse(word)}={path}"


def _seconds(value: Any) -> float:
    try:
        seconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"{quoted(value)} is no number of seconds from 0 to {MAX_SECONDS}")
    return seconds


def _duration(value: Any) -> str:
    text = str(value).strip()
    if not re.fullmatch(DURATION, text):
        raise ValueError(f"{quoted(value)} is no number and unit, such as 30m, 24h or 7d ({' '.join(UNITS)})")
    return text


def _revert_after(value: Any) -> str:
    if value == NEVER:
        return NEVER
    text = _duration(value)
    if not MIN_REVERT <= seconds_of(text) <= MAX_SECONDS:
        raise ValueError(f"{quoted(value)} is neither `{NEVER}` nor between {MIN_REVERT}s and {MAX_SECONDS}s")
    return text


def _processes(value: Any) -> int | str:
    found: int | str = AUTO if value == AUTO else number(1, MAX_PROCESSES).parse(value)
    if found not in (AUTO, 1) and sys.platform != "linux":
        raise ValueError(f"{found} processes work on hosts together on Linux alone. `{AUTO}` is 1 elsewhere")
    return found


def _pause(value: Any) -> int | str:
    return ASK if value == ASK else seconds_of(_duration(value))


def _percentage(value: Any) -> float:
    text = str(value).strip().removesuffix("%")
    try:
        number = -1.0 if isinstance(value, bool) else float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise ValueError(f"{quoted(value)} is no percentage from 0 to 100")
    return number


def seconds_of(duration: str) -> int:
    """The seconds of a duration such as 30m; of `never` 0."""
    return 0 if duration == NEVER else int(duration[:-1]) * UNITS[duration[-1]]


NEVER, MIN_REVERT = "never", 30  # no undo; the seconds below which no proof could come
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # of durations, in seconds
DURATION = f"[0-9]{{1,6}}[{''.join(UNITS)}]"
MAX_SECONDS = 86_400  # what a wait that somebody sets may be
MAX_FORKS = 1000  # hosts at the same time
AUTO, MAX_PROCESSES = "auto", 64  # as many as there are cores; each has its part of the forks
MAX_CHANGES = 1_000_000  # changes of a host that somebody sets as a limit
_PATH = PropertyType("path", _text, {"type": "string", "minLength": 1})
_TEXT = PropertyType("text", _text, {"type": "string", "minLength": 1})
_TAGS = PropertyType("text", _tags, {"type": "string", "pattern": r"[^,\s]"})
_REPORT = PropertyType("FORMAT=FILE", _report, {"type": "string", "pattern": f"^({'|'.join(ReportFormat)})=."})
_DURATION = PropertyType("duration", _duration, {"type": "string", "pattern": f"^{DURATION}$"})
_REVERT = PropertyType("duration or never", _revert_after, {"anyOf": [{"const": NEVER}, {"type": "string",
                                                                                      "pattern": f"^{DURATION}$"}]})
_PROCESSES = PropertyType(f"number or {AUTO}", _processes, {"anyOf": [{"const": AUTO}, number(1, MAX_PROCESSES).schema]})
_SECONDS = PropertyType("seconds", _seconds, {"type": "number", "minimum": 0, "maximum": MAX_SECONDS})
_WAVE_SIZE = PropertyType("number or percentage", parse_wave_size, {"anyOf": [
    {"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[0-9.]+ ?%?$"}]})
_PERCENTAGE = PropertyType("percentage", _percentage, {"anyOf": [{"type": "number", "minimum": 0, "maximum": 100},
                                                                 {"type": "string", "pattern": "^[0-9.]+ ?%?$"}]})
_PAUSE = PropertyType("duration or ask", _pause, {"anyOf": [{"const": ASK}, {"type": "string", "pattern": f"^{DURATION}$"}]})
_APART = PropertyType("group", parse_apart, {"type": "string", "minLength": 1})
_WINDOW = PropertyType("window", parse_window, {"type": "string", "pattern": "[0-9]:[0-9]{2} ?- ?[0-9]{1,2}:[0-9]{2}$"})
_NUMBER_OF_SECONDS = {"type": "number", "minimum": 0, "maximum": MAX_WAIT}
_CHECK = PropertyType("check", parse_check, {"anyOf": [
    {"type": "string", "pattern": f"^({'|'.join(KINDS)})=."},
    {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": {
        "connect": {"type": ["string", "integer"]}, "blocked": {"type": ["string", "integer"]},
        "http": {"type": "string", "pattern": "^https?://"}, "command": {"type": ["string", "array"]},
        "timeout": _NUMBER_OF_SECONDS, "within": _NUMBER_OF_SECONDS, "status": {"type": "integer"}}}]})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunSetting:
    """One row. name: as in ringfence.yml · type: of one value · default: where nobody says anything · default_text: that in
    words, where the value does not say it · short, aliases: further flags · negated: the flag that switches it off · repeatable:
    it can be given several times · counts: -vv is 2 · form: what of it is a path · written:
    it is written to, so a project may name it inside of its folder alone · ansible: Ansible's variable of the
    same meaning · why: nothing but the command line, or the user, says it."""

    name: str
    type: PropertyType
    meaning: str
    default: Any = None
    default_text: str = ""
    short: str = ""
    aliases: tuple[str, ...] = ()
    negated: str = ""
    metavar: str = ""
    repeatable: bool = False
    counts: bool = False
    form: PathForm = ""
    written: bool = False
    ansible: str = ""
    set_by: SetBy = "project"
    why: str = ""

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def flags(self) -> tuple[str, ...]:
        """Every flag, as people give it."""
        return tuple(filter(None, (self.short, self.flag, *self.aliases)))

    @property
    def variable(self) -> str:
        return f"{VARIABLE_PREFIX}{self.name.upper()}"

    @property
    def from_environment(self) -> bool:
        return self.set_by != "call"

    @property
    def from_project(self) -> bool:
        return self.set_by == "project"

    @property
    def shown_default(self) -> str:
        """The default in words; nothing where that is off, none, or said in the meaning."""
        return self.default_text or ("" if self.default in (None, False, 0) or self.repeatable else str(self.default))

    @property
    def schema(self) -> Mapping[str, Any]:
        """Of its value in ringfence.yml."""
        one = dict(self.type.schema)
        return {"anyOf": [one, {"type": "array", "items": one}]} if self.repeatable else one


VARIABLE_PREFIX = "RINGFENCE_"
_LOOSENS = "it switches a guard off"
_ONE_CALL = "it asks something of one call"
_TRUST = "a project cannot say of itself that it is trusted"
DEFAULT_REVERT_AFTER = "5m"
_ROWS = (
    # -- what every command takes
    RunSetting(name="output", type=_one_of(OutputFormat), default=OutputFormat.text,
               meaning="Write text for people, one JSON document, or events as they happen, one JSON object a line."),
    RunSetting(name="no_color", type=BOOL, default=False, meaning="No colours. They are also off where NO_COLOR is set, and "
               "where the output is not a terminal and neither FORCE_COLOR nor CLICOLOR_FORCE is set."),
    RunSetting(name="no_fold", type=BOOL, default=False, meaning="No parts that fold in the logs of GitHub Actions, GitLab CI, "
               "Azure Pipelines and Buildkite."),
    RunSetting(name="no_pager", type=BOOL, default=False, meaning="Write long text to the terminal as it is, not by way "
               "of $PAGER."),
    RunSetting(name="quiet", type=BOOL, default=False, short="-q", meaning="For scheduled jobs: no progress, no warnings, of "
               "hosts those alone that are not in sync, and nothing at all where every host is. JSON stays whole."),
    RunSetting(name="verbose", type=number(0, 2), default=0, short="-v", counts=True,
               meaning="Log to standard error; -vv logs more."),
    RunSetting(name="log", type=_PATH, default="", metavar="FILE", form="path", written=True,
               meaning="Append to this file what -vv logs. A new one is for its owner alone."),
    RunSetting(name="report", type=_REPORT, metavar="FORMAT=FILE", repeatable=True, form="label=path", written=True,
               meaning=f"Write a report into a file, beside standard output: {', '.join(ReportFormat)}."),
    # -- what is read with it
    RunSetting(name="extra_vars", type=_TEXT, short="-e", metavar="VARS", repeatable=True, form="@path",
               meaning="Variables that win over all others: key=value, YAML or JSON, or @FILE."),
    RunSetting(name="vault_password_file", type=_PATH, aliases=("--vault-pass-file",), metavar="FILE", form="path",
               repeatable=True, ansible="ANSIBLE_VAULT_PASSWORD_FILE",
               meaning="A file with the vault password, or a program that prints it."),
    RunSetting(name="vault_id", type=_TEXT, metavar="LABEL@FILE", repeatable=True, form="label@path",
               ansible="ANSIBLE_VAULT_IDENTITY_LIST",
               meaning="The same for one vault id. `LABEL@prompt` asks for it."),
    RunSetting(name="ask_vault_pass", type=BOOL, default=False, short="-J", aliases=("--ask-vault-password",), set_by="call",
               why=_ONE_CALL, meaning="Ask for the vault password."),
    RunSetting(name="user", type=_TEXT, default="", short="-u", metavar="NAME", ansible="ANSIBLE_REMOTE_USER",
               meaning="Connect as this user, where no variable of a host says as whom."),
    RunSetting(name="ask_pass", type=BOOL, default=False, short="-k", set_by="call", why=_ONE_CALL,
               meaning="Ask for the password of the connection, for hosts of which no variable says it."),
    RunSetting(name="inventory", type=_PATH, short="-i", metavar="FILE", form="path", repeatable=True,
               ansible="ANSIBLE_INVENTORY", default_text="that of ringfence.yml",
               meaning="An inventory file or folder, or host names with a comma."),
    RunSetting(name="limit", type=_TEXT, short="-l", metavar="PATTERN", repeatable=True, form="@path",
               meaning="Only these of the hosts, in Ansible's patterns: web*, finance:!boundary."),
    RunSetting(name="tags", type=_TAGS, short="-t", metavar="TAGS", repeatable=True, ansible="ANSIBLE_RUN_TAGS",
               meaning="Only tasks with one of these tags."),
    RunSetting(name="skip_tags", type=_TAGS, metavar="TAGS", repeatable=True, ansible="ANSIBLE_SKIP_TAGS",
               meaning="No tasks with one of these tags."),
    # -- what the user says of a project
    RunSetting(name="trust_dir", type=_PATH, metavar="DIR", repeatable=True, form="path", set_by="trust", why=_TRUST,
               meaning="Take the project in this folder though others own it or may write it."),
    RunSetting(name="allow_program", type=_PATH, metavar="PATH", repeatable=True, form="path", set_by="trust", why=_TRUST,
               meaning="The project may run this program, or those in this folder."),
    RunSetting(name="untrusted", type=BOOL, default=False, set_by="trust", why=_TRUST,
               meaning="The project is a stranger's: none of its code runs, no host is connected to, nothing outside of its "
               "folder is read. RINGFENCE_UNTRUSTED=1 says the same, and nothing switches it off again."),
    RunSetting(name="engine", type=_one_of(InventoryEngine), default=InventoryEngine.ringfence, set_by="user", why=_TRUST,
               meaning="Who reads inventories. ansible: the ansible-inventory on the PATH does, with its plugins and its "
               "ansible.cfg, which may be programs."),
    RunSetting(name="ignore_ansible_cfg", type=BOOL, default=False,
               meaning="Heed no ANSIBLE_… variable, and say nothing of those and of settings in ansible.cfg, which ringfence "
               "never heeds."),
    RunSetting(name="allow_empty", type=BOOL, default=False, set_by="call", why=_LOOSENS,
               meaning="A run without hosts, or without anything declared for them, is no mistake."),
    # -- what becomes of what the project owns on hosts
    RunSetting(name="force", type=_one_of(ForcedGuard), metavar="GUARD", repeatable=True, set_by="call", why=_LOOSENS,
               meaning="Switch a guard off: percent (how much of what the project owns is removed at once), "
               "lockout (what would be cut off), undo (write though the host could not undo it by itself), "
               "window (write outside of it)."),
    RunSetting(name="prune", type=_one_of(PruneMode), default_text="created",
               meaning="What becomes of what the project had and declares no more."),
    RunSetting(name="max_changes", type=number(0, MAX_CHANGES), default=0, metavar="N", default_text="any number",
               meaning="Refuse hosts that would have more changes."),
    RunSetting(name="revert_after", type=_REVERT, default="", default_text=DEFAULT_REVERT_AFTER, metavar="DURATION",
               meaning="How long a host waits for the proof before it undoes by itself what was written; `never`: it does not."),
    RunSetting(name="accept_inherited", type=BOOL, default=False, set_by="call",
               why=f"{_LOOSENS} (`inherit: true` in ringfence.yml is for pools that are made from images)",
               meaning="Hosts that were made from an image: the ledger that came with it counts as theirs."),
    # -- how hosts are worked on
    RunSetting(name="forks", type=number(1, MAX_FORKS), default=20, short="-f", metavar="N", ansible="ANSIBLE_FORKS",
               meaning="Hosts at the same time."),
    RunSetting(name="processes", type=_PROCESSES, default=1, metavar="N", meaning=f"Processes that share the forks, on Linux: a "
               f"large fleet is done sooner on several cores. `{AUTO}`: as many as cores may be used."),
    RunSetting(name="list_hosts", type=BOOL, default=False, set_by="call", why=_ONE_CALL,
               meaning="Show the hosts that would be worked on, and touch none."),
    RunSetting(name="unreachable", type=_one_of(UnreachableHosts), default=UnreachableHosts.fail,
               meaning="Whether hosts that are not reached make the run fail (exit code 5). They are always listed."),
    RunSetting(name="full", type=BOOL, default=False, meaning="Show long values and lists whole: of what hosts say the beginning "
               "is shown, 200 characters or 20 members."),
    RunSetting(name="diff", type=BOOL, short="-D", negated="--no-diff", default_text="on; of apply off",
               meaning="Show each property that differs."),
    RunSetting(name="who", type=BOOL, default=False, meaning="On hosts that differ drift asks the event logs of the firewall who "
               "changed what, when, and with which program."),
    RunSetting(name="check", type=BOOL, default=False, short="-C",
               meaning="apply changes nothing, shows what would change, and exits with 0."),
    RunSetting(name="yes", type=BOOL, default=False, short="-y", set_by="call", why=_LOOSENS, meaning="Do not ask."),
    RunSetting(name="detailed_exitcode", type=BOOL, default=False, meaning="plan exits with 2 where hosts differ."),
    # -- in which waves
    RunSetting(name="serial", type=_WAVE_SIZE, metavar="N", repeatable=True,
               meaning="How many hosts a wave has, a number or a percentage of those that are to be changed; several: of the "
               "first waves, and the last for all that follow. Without it all hosts are one wave."),
    RunSetting(name="order", type=choice(*ORDERS), default="", default_text="inventory",
               meaning="In which order hosts are worked on, as Ansible has it."),
    RunSetting(name="max_fail_percentage", type=_PERCENTAGE, metavar="PERCENT", default_text="any number; a wave "
               "of which no host comes through always ends the run",
               meaning="Of all hosts of the run so many may fail; with one more no further host is begun."),
    RunSetting(name="any_errors_fatal", type=BOOL, default=False, meaning="The first host that fails ends the run: no further "
               "host is begun."),
    RunSetting(name="pause", type=_PAUSE, metavar="DURATION", default_text="none",
               meaning=f"How long to wait between two waves; {ASK}: until somebody says go on."),
    RunSetting(name="apart", type=_APART, metavar="GROUP", repeatable=True,
               meaning="No two hosts of this group are in one wave; `GROUP by VARIABLE`: no two of it that have the same value "
               "of a variable, or of a fact (ansible_facts.…)."),
    RunSetting(name="verify", type=_CHECK, metavar="CHECK", repeatable=True,
               meaning="What has to hold after each wave, before the next one: connect=PORT, connect=ADDRESS:PORT, blocked=…, "
               "http=URL, command=PROGRAM."),
    RunSetting(name="window", type=_WINDOW, metavar="WINDOW", repeatable=True, default_text="any time",
               meaning="When hosts may be changed, by their own clocks: `22:00-04:00`, `Sat,Sun 22:00-04:00`."),
    # -- which plan files are applied
    RunSetting(name="max_age", type=_DURATION, default="", metavar="DURATION",
               meaning="Refuse a plan file that is older: 30m, 24h, 7d."),
    RunSetting(name="same_commit", type=BOOL, default=False, meaning="Refuse a plan file that was made of another commit of the "
               "project, or of what was not committed."),
    # -- the record of a run that writes
    RunSetting(name="run_dir", type=_PATH, default="", metavar="DIR", form="path", written=True,
               default_text=".ringfence/runs beside ringfence.yml", meaning="Where the records of runs are kept."),
    RunSetting(name="lock_timeout", type=_SECONDS, default=0.0, metavar="SECONDS", default_text="not at all",
               meaning="How long to wait for another run of this project on this machine."),
)
SETTINGS: Mapping[str, RunSetting] = {row.name: row for row in _ROWS}


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """A key of ringfence.yml that says what the project is, and that no flag says."""

    meaning: str
    schema: Mapping[str, Any]


_PATHS: Mapping[str, Any] = {"anyOf": [_TEXT.schema, {"type": "array", "items": _TEXT.schema}]}
PROJECT_KEYS: Mapping[str, ProjectKey] = {
    "required_version": ProjectKey("The releases of ringfence that the project is for, in the specifiers of Python packages: "
                                   "`>=0.2,<2`. Another release says so before anything else.", _TEXT.schema),
    "playbooks": ProjectKey("The playbooks that count where none is named.", _PATHS),
    "modules": ProjectKey("Folders with kinds of the project's own, which are code.", _PATHS),
    "project": ProjectKey("In whose name objects are owned on hosts. `ringfence init` makes both.", {
        "type": "object", "additionalProperties": False, "required": ["name", "id"], "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 100},
            "id": {"type": "string", "pattern": "^[0-9A-Fa-f]{8,64}$"}}}),
    "inherit": ProjectKey("Hosts are made from an image with a ledger: it counts as theirs.", {"type": "boolean"}),
    "guard": ProjectKey("strict: hosts are refused too where the way in would be cut off once their network counts as another "
                        "one; else that is warned of.", {"enum": ["strict"]}),
    "protected_flows": ProjectKey("Flows that no change may cut off, beside the way that ringfence comes and what Windows cannot "
                                  "do without. Each has a name, and the values of a firewall rule.", {
        "type": "array", "items": {
            "type": "object", "additionalProperties": False, "required": ["name", "direction", "protocol"], "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 100},
                **{name: {**word.schema, "description": word.meaning} for name, word in FLOW_WORDS.items()}}}}),
    "require_scope": ProjectKey("Rules that let in have to say from where.", {"type": "boolean"}),
}
