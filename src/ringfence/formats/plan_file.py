"""Plan files: what was reviewed is what is applied. JSON in ASCII, without secrets, paths out of the project, or programs.

    {"format_version", "ringfence", "made", "run_id", "made_by": {user, machine}, "project": {name, id, commit, dirty},
     "options": how it was made, "extra_vars", "vault_ids": names alone, "files": {path: SHA-256}, "salt",
     "hosts": [{"host", "status", "error", "diagnostics", "obstacles", "machine", "target", "declared", "undeclared",
                "declarations", "changes", "secrets", "names"}],
     "definitions": {key: change}, "obstacles": {key: obstacle}}

Hosts that were not reached, or could not be planned, are in it too, without changes. Changes and obstacles stand once and are
referred to by keys.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from ringfence import __version__
from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.formats.approval import Approval, secrets_in
from ringfence.formats.data import Definitions, definitions_text, encode, host_head, obstacle_data
from ringfence.formats.document import moment, project_data
from ringfence.formats.read_data import (
    change_from_data,
    diagnostic_from_data,
    error_from_data,
    list_in,
    mapping_in,
    number_in,
    obstacle_from_data,
    one_of,
    text_in,
    texts_in,
)
from ringfence.model.ledger import PRUNE_MODES
from ringfence.model.resource import Kind
from ringfence.model.state import Change
from ringfence.plan.obstacles import Obstacle
from ringfence.report import HostResult, ProjectState, Status
from ringfence.run_settings import SETTINGS
from ringfence.transports.way_in import WayIn
from ringfence.windows.stored_names import stored_names

PLAN_FORMAT = "1.0"
NO_PROJECT = ProjectState()
MAX_PLAN_PATHS = 1000  # playbooks and inventories that a plan file names
MAX_PLAN_VALUES = 2_000_000  # values in a plan file: of 5,000 hosts with 300 changes each it has as many
OPTIONS = ("playbooks", "inventory", "limit", "tags", "skip_tags", "prune")  # how a plan was made: lists of texts
MACHINE_PARTS = ("guid", "computer", "domain")
TARGET_PARTS = ("transport", "address", "port", "user", "endpoint")


def told_variables(names: Iterable[str]) -> str:
    """Variables of `-e`, as a message names them; nothing where there are none."""
    return ", ".join(f"{'' if number else '-e '}{name}=…" for number, name in enumerate(sorted(names)))


@dataclass(frozen=True, kw_only=True)
class PlanHead:
    """How a plan was made.

    user, machine: by whom and where · project: of which · options: by OPTIONS, paths relative to the project, and of
    `-l @FILE` its patterns · extra_vars, vault_ids: the names that were given, never a value · files: {path in the project:
    SHA-256} of what was read · salt: of the digests of secrets.
    """

    made_at: datetime
    run_id: str = ""
    ringfence: str = __version__
    user: str = ""
    machine: str = ""
    project: ProjectState = NO_PROJECT
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    extra_vars: Sequence[str] = ()
    vault_ids: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    salt: bytes = b""

    @property
    def made_with(self) -> str:
        """The variables of `-e`, as a message names them."""
        return told_variables(self.extra_vars)

    def data(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "format_version": PLAN_FORMAT,
            "ringfence": self.ringfence,
            "made": moment(self.made_at),
            "run_id": self.run_id,
            "made_by": {"user": self.user or None, "machine": self.machine or None},
            "project": project_data(self.project),
            "options": {name: list(self.options.get(name, ())) for name in OPTIONS},
            "extra_vars": list(self.extra_vars),
            "vault_ids": list(self.vault_ids),
            "files": dict(sorted(self.files.items())),
            "salt": self.salt.hex(),
        }


@dataclass(frozen=True)
class PlannedHost:
    """One host of a plan file. result: what became of it when it was planned · target: how it was to be reached · secrets: the
    digests of those that its changes hold."""

    result: HostResult
    target: WayIn
    secrets: Mapping[Any, Sequence[str]] = field(default_factory=dict)

    @property
    def is_planned(self) -> bool:
        """Whether its changes can be agreed to."""
        return is_planned(self.result)


def is_planned(result: HostResult) -> bool:
    """Whether the changes of a host are known, and may be made."""
    return result.error is None and result.status != "invalid"


@dataclass(frozen=True)
class PlanFile:
    """A reviewed plan. digest: the SHA-256 of its text, where it was read from one."""

    head: PlanHead
    hosts: Mapping[str, PlannedHost]
    digest: str = ""

    def approval(self, host: str, extra_vars: Collection[str] = ()) -> Approval:
        """What was agreed to for a host by whoever applies the file; extra_vars: those of `-e` that are given now."""
        found = self.hosts[host]
        missing = told_variables(name for name in self.head.extra_vars if name not in extra_vars)
        given = told_variables(name for name in self.head.extra_vars if name in extra_vars)
        others = (f"it was made with {missing}" if missing else "", f"{given} had another value" if given else "")
        return Approval(
            found.result.changes,
            found.result.machine,
            found.result.declarations,
            found.secrets,
            self.head.salt,
            ", or ".join(filter(None, others)),
        )


class PlanEncoder:
    """Makes the text of a plan file of results as they come; what it keeps of a host is its text."""

    def __init__(self, salt: bytes) -> None:
        self.salt, self._definitions, self._texts = salt, Definitions(), dict[str, str]()
        self._hosts: dict[str, str] = {}
        self._obstacles: dict[str, str] = {}

    @property
    def hosts(self) -> int:
        """How many hosts it has."""
        return len(self._hosts)

    def add(self, result: HostResult, target: WayIn) -> None:
        """Take what was planned for a host, or why nothing was."""
        changes = result.changes if is_planned(result) else ()
        keys = {change: self._definitions.refer(change) for change in changes}
        self._texts |= self._definitions.new()
        secrets = {keys[c]: found for c in changes if (found := [s.digest(self.salt) for s in secrets_in(c.after)])}
        head = {n: value for n, value in host_head(result).items() if n in ("host", "status", "error", "diagnostics")}
        self._hosts[result.host] = encode(
            {
                **head,
                "obstacles": [self._obstacle(o) for o in result.obstacles],
                "machine": dict(zip(MACHINE_PARTS, (*result.machine.split("|", 2), "", "", "")[:3], strict=True)),
                "target": {name: getattr(target, name) for name in TARGET_PARTS},
                "declared": result.declared,
                "undeclared": result.undeclared,
                "declarations": result.declarations,
                "changes": [keys[c] for c in changes],
                "secrets": secrets,
                "names": dict(result.names),
            }
        )

    def _obstacle(self, obstacle: Obstacle) -> str:
        text = encode(obstacle_data(obstacle))
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._obstacles.setdefault(key, text)
        return key

    def text(self, head: PlanHead) -> Iterable[str]:
        """The file in pieces, its hosts in the order of their names."""
        hosts = (f"{',' if number else ''}\n{self._hosts[name]}" for number, name in enumerate(sorted(self._hosts)))
        tables = f'\n],"definitions":{definitions_text(self._texts)},"obstacles":{definitions_text(self._obstacles)}}}\n'
        return chain([encode(head.data())[:-1] + ',"hosts":['], hosts, [tables])


def decode_options(told: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """How a plan was made. Raises ValueError, KeyError."""
    options: dict[str, Sequence[str]] = {name: texts_in(told, name) if name in told else () for name in OPTIONS}
    for name in ("limit", "tags", "skip_tags"):  # what is empty would choose everything
        for one in options[name]:
            try:
                SETTINGS[name].type.parse(one)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    if set(options["prune"]) - set(PRUNE_MODES):
        raise ValueError(f"prune is one of {', '.join(PRUNE_MODES)}")
    return options


def is_inside(path: str) -> bool:
    """Whether a path of a plan file stays in the project, by its letters alone."""
    parts = path.replace("\\", "/").split("/")
    return parts[0] not in ("", "~") and path[1:2] != ":" and path[0] != "~" and ".." not in parts


def _check_paths(options: Mapping[str, Sequence[str]]) -> None:
    paths = [("playbooks", p) for p in options["playbooks"]] + [("inventory", i) for i in options["inventory"] if "," not in i]
    if len(paths) > MAX_PLAN_PATHS:
        raise ValueError(f"it names more than {MAX_PLAN_PATHS} playbooks and inventories")
    outside = [(name, path) for name, path in paths if not is_inside(path)]
    outside += [("limit", piece) for piece in options["limit"] if "@" in piece]
    if outside:
        raise ValueError(f"{outside[0][0]} names {outside[0][1][:100]!r}, and a plan names nothing outside of its project")


def decode(text: str, file: str, kinds: Mapping[str, Kind]) -> PlanFile:
    """A plan from a file's text. Raises InputError."""
    try:
        if sum(map(text.count, ",[{")) > MAX_PLAN_VALUES:
            raise ValueError(f"it has more than {MAX_PLAN_VALUES:,} values")
        document = mapping_in(json.loads(text, object_pairs_hook=_once, parse_constant=_no_number), "a plan")
        if "format" in document and "format_version" not in document:
            raise _Old("it is of a version of ringfence before 1.0")
        if (version := text_in(document, "format_version")).partition(".")[0] != PLAN_FORMAT.partition(".")[0]:
            raise _Old(f"its format is {version[:20]}, this version of ringfence reads {PLAN_FORMAT.partition('.')[0]}.x")
        return replace(_plan(document, kinds), digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    except _Old as error:
        raise _no_plan(file, f"a plan that cannot be read: {error}", "Make it anew with `ringfence plan -o FILE`") from None
    except (ValueError, KeyError, RecursionError, OverflowError) as error:
        reason = (f"no {error} in it" if isinstance(error, KeyError) else "nested too deep" if isinstance(error, RecursionError)
                  else str(error))
        raise _no_plan(file, f"not a plan file: {reason}", "make it with `ringfence plan -o FILE`") from None


class _Old(Exception):
    """A plan of another version."""


def _no_plan(file: str, summary: str, detail: str) -> InputError:
    return InputError([Diagnostic(Where(file), summary, detail)])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping in which nothing stands twice: readers would differ in what counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"{twice[:100]!r} stands twice in a mapping")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _plan(document: Mapping[str, Any], kinds: Mapping[str, Kind]) -> PlanFile:
    options = decode_options(mapping_in(document["options"], "options"))
    _check_paths(options)
    made_by, project = mapping_in(document["made_by"], "made_by"), mapping_in(document["project"], "project")
    files = mapping_in(document["files"], "files")
    head = PlanHead(
        made_at=_moment(text_in(document, "made")),
        run_id=text_in(document, "run_id"),
        ringfence=text_in(document, "ringfence"),
        user=_said(made_by, "user"),
        machine=_said(made_by, "machine"),
        project=ProjectState(
            _said(project, "name"), _said(project, "commit"), None if project["dirty"] is None else project["dirty"] is not False,
            _said(project, "id"),
        ),
        options=options,
        extra_vars=texts_in(document, "extra_vars"),
        vault_ids=texts_in(document, "vault_ids"),
        files={name: text_in(files, name) for name in files},
        salt=bytes.fromhex(text_in(document, "salt")),
    )
    changes = {key: change_from_data(told, kinds) for key, told in mapping_in(document["definitions"], "definitions").items()}
    obstacles = {key: obstacle_from_data(told) for key, told in mapping_in(document["obstacles"], "obstacles").items()}
    hosts: dict[str, PlannedHost] = {}
    for told in list_in(document, "hosts"):
        one = _host(mapping_in(told, "a host"), changes, obstacles)
        if one.result.host in hosts:
            raise ValueError(f"the host {one.result.host[:100]!r} stands twice in it")
        hosts[one.result.host] = one
    return PlanFile(head, hosts)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("made has no time zone")
    return found.astimezone(UTC)


def _said(data: Mapping[str, Any], name: str) -> str:
    return "" if data[name] is None else text_in(data, name)


def _names(told: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, str]:
    """What people call what these changes show: only what is called otherwise at all, so that no value reads like another one."""
    if not told:
        return {}
    stored = stored_names(changes)
    known = {*stored.texts, *stored.accounts, *stored.interfaces, *(stored.packages or {})}
    return {name: text_in(told, name) for name in told if name in known}


def _host(told: dict[str, Any], changes: Mapping[str, Change], obstacles: Mapping[str, Obstacle]) -> PlannedHost:
    machine, target, names = (mapping_in(told[member], member) for member in ("machine", "target", "names"))
    for key in chain(list_in(told, "changes"), list_in(told, "obstacles")):
        if not isinstance(key, str) or not (key in changes or key in obstacles):
            raise ValueError("a host refers to what is not defined")
    its = [changes[key] for key in told["changes"] if key in changes]
    if len({c.id for c in its}) < len(told["changes"]):
        raise ValueError("a host has two changes of one object")
    result = HostResult(
        text_in(told, "host"),
        tuple(its),
        error=error_from_data(told["error"], one_of(told, "status", Status)),
        diagnostics=tuple(map(diagnostic_from_data, list_in(told, "diagnostics"))),
        declared=number_in(told, "declared"),
        undeclared=number_in(told, "undeclared"),
        obstacles=tuple(obstacles[key] for key in told["obstacles"] if key in obstacles),
        names=_names(names, its),
        declarations=text_in(told, "declarations"),
        machine="|".join(text_in(machine, part) for part in MACHINE_PARTS),
    )
    if result.changes and not is_planned(result):
        result = replace(result, changes=())
    secrets = mapping_in(told["secrets"], "secrets")
    return PlannedHost(
        result,
        WayIn(text_in(target, "transport"), text_in(target, "address"), number_in(target, "port"), text_in(target, "user"),
              endpoint=text_in(target, "endpoint")),
        {changes[key].id: texts_in(secrets, key) for key in secrets if key in changes},
    )
