"""`ringfence.yml`: what a project says once instead of on every command line. Optional."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ringfence import __version__
from ringfence.diagnostics import Diagnostic, InputError, Problems, Where, allowed, describe
from ringfence.documents import yaml
from ringfence.documents.current_names import current_names
from ringfence.documents.trust import Trust
from ringfence.documents.vault import PROMPT
from ringfence.documents.yaml import Map, Seq
from ringfence.files import MAX_SETTINGS
from ringfence.model.ledger import PROJECT_ID, ProjectIdentity
from ringfence.policy.flow_words import FLOW_WORDS, flow_of
from ringfence.policy.protected import ProtectedFlow
from ringfence.rollout.maintenance_window import MaintenanceWindow
from ringfence.rollout.rollout_policy import ROLLOUT_KEYS
from ringfence.run_settings import PROJECT_KEYS, SETTINGS, PathForm, RunSetting
from ringfence.types.base import quoted
from ringfence.types.enums import parse_bool

FILE = "ringfence.yml"
MAX_ENTRIES = 1000  # entries of one list in ringfence.yml
MAX_SPECIFIER = 200  # characters of required_version
LATER = ("protected",)  # keys of the design that no version knows yet


@dataclass(frozen=True, slots=True)
class SetValue:
    """What ringfence.yml says of a run, and where."""

    value: Any
    where: Where


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What the file says, paths made relative to the current folder; empty where there is no file.

    `folder` is the project's: that of the file, or the current one. `modules` are the folders of its own kinds. `project` is in
    whose name objects are owned, `prune` one of PRUNE_MODES, `max_changes` how many changes a host may have at once (0: any
    number), `revert_after` how long it waits for the proof, `inherit` whether hosts are made from images with a ledger,
    `require_scope` whether rules that let in have to say from where, `guard` strict or nothing, `rollout` what it says of waves,
    `window` when hosts may be changed, `protected_flows` what no change may cut off. `run` is what else of run_settings.SETTINGS
    it says: how a run goes and is told. `warnings`: names that were given up.
    """

    folder: Path
    inventory: tuple[str, ...] = ()
    playbooks: tuple[str, ...] = ()
    vault_password_file: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    project: ProjectIdentity | None = None
    prune: str = ""
    max_changes: int = 0
    revert_after: str = ""
    inherit: bool = False
    require_scope: bool = False
    guard: str = ""
    rollout: Mapping[str, Any] = field(default_factory=dict)
    window: tuple[MaintenanceWindow, ...] = ()
    protected_flows: tuple[ProtectedFlow, ...] = ()
    required_version: str = ""
    vault_id: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    run: Mapping[str, SetValue] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()


def find(start: Path | None = None) -> Path | None:
    """The nearest `ringfence.yml` in a folder (by default the current one) or above it, whatever it is: what it would demand does
    not vanish with a link that leads nowhere."""
    folder = Path.cwd() if start is None else start.resolve()
    return next((f / FILE for f in (folder, *folder.parents) if os.path.lexists(f / FILE)), None)


def load(start: Path | None = None, trust: Trust = Trust()) -> ProjectSettings:
    """The settings of the project that a folder (by default the current one) belongs to. Raises InputError with every
    mistake in the file, and where somebody else may have written it."""
    path = find(start)
    if path is None:
        return ProjectSettings(Path())
    trust.check_owners([path, path.parent])
    path, problems = Path(os.path.relpath(path)), Problems()
    if reason := trust.bounded(path.parent).unreadable(path):
        raise InputError([Diagnostic(Where(os.fspath(path)), reason)])
    data = yaml.load(path, problems, limit=MAX_SETTINGS)
    if data is not None and not isinstance(data, Map):
        problems.error(Where(os.fspath(path), 1), f"{FILE} is a mapping, not {describe(data)}",
                       f"Allowed: {', '.join(sorted(KEYS))}.")
    data = current_names("setting", data, problems) if isinstance(data, Map) else Map()
    _check_version(data)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key in _READERS:
            values[key] = _READERS[key](key, value, data, path.parent, problems)
        elif key in KEYS:
            values[key] = _of_run(SETTINGS[key], value, data, path.parent, problems)
        elif row := SETTINGS.get("yes" if key is True else key):  # YAML's yes is true, as a key too
            variable = f", or set {row.variable}" if row.from_environment else ""
            problems.error(data.at(key), f"{row.name} does not belong into {FILE}: {row.why}",
                           f"Give {row.flag} on the command line{variable}.")
        elif key in LATER:
            problems.error(data.at(key), f'"{key}" is not supported yet')
        else:
            problems.error(data.at(key), f'unknown key "{key}" in {FILE}', allowed(key, KEYS))
    _outside(values, data, path.parent, trust.bounded(path.parent), problems)
    problems.check()
    own = {key: value for key, value in values.items() if key in _FIELDS}
    own["rollout"] = {key: value for key, value in values.items() if key in ROLLOUT_KEYS}
    run = {} if trust.untrusted else {
        key: SetValue(value, data.at(key)) for key, value in values.items() if key not in _FIELDS and key not in ROLLOUT_KEYS}
    return ProjectSettings(path.parent, **own, run=run, warnings=problems.warnings)


def _check_version(data: Map) -> None:
    """Raises InputError where the project is for other releases than this one: then it may say what this one does not know."""
    wanted = data.get("required_version")
    if wanted is None:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    where = data.at("required_version")
    try:
        if not isinstance(wanted, str) or len(wanted) > MAX_SPECIFIER:
            raise InvalidSpecifier
        fits = SpecifierSet(wanted).contains(__version__, prereleases=True)
    except InvalidSpecifier:
        raise InputError([Diagnostic(where, f"required_version: {quoted(wanted)} is no specifier of versions",
                                     'For example ">=0.2,<2", in quotes.')]) from None
    if not fits:
        raise InputError([Diagnostic(where, f"the project is for ringfence {wanted}, and this is {__version__}",
                                     f"Install such a release, for example with pip install 'ringfence{wanted}'.")])


def _path(key: str, value: Any, where: Where, folder: Path, problems: Problems) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        problems.error(where, f"{key} takes the path of a file, not {describe(value)}")
        return ""
    return os.path.normpath(folder / Path(os.path.expanduser(value)))


def _outside(values: Mapping[str, Any], data: Map, folder: Path, trust: Trust, problems: Problems) -> None:
    """Note the paths that a project may not name: to be written to, or because it is untrusted."""
    for key, value in values.items():
        written = key in SETTINGS and SETTINGS[key].written
        for path in (p for entry in (value if isinstance(value, tuple) else (value,)) for p in _paths_in(key, entry)):
            if reason := trust.unreadable(path):
                problems.error(data.at(key), f"{key}: {reason}")
            if written and path and not _may_be_written(path, folder):
                problems.error(data.at(key), f"{key}: {path} is no path that a project may have written: one inside of its "
                               "folder, and not in .git", f"Elsewhere is its user's to say: {SETTINGS[key].flag}, "
                               f"{SETTINGS[key].variable}.")


def _may_be_written(path: str, folder: Path) -> bool:
    """Whether it lies in the folder of the project once links are followed, and is none of git's files: what is appended to those
    of a shell, for example, would run."""
    inside = Trust(untrusted=True).bounded(folder).unreadable(path) == ""
    return inside and ".git" not in Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).parts


def _paths_in(key: str, entry: Any) -> Iterator[str]:
    """The path in an entry of the file, where there is one."""
    form = SETTINGS[key].form if key in SETTINGS else "path" if key in _PATHS else ""
    if not form or not isinstance(entry, str) or (key == "inventory" and "," in entry):
        return
    if form == "path":
        yield entry
    elif form.startswith("label") or entry.startswith("@"):
        yield entry.partition(_sign(form))[2]


def _sign(form: PathForm) -> str:
    """What stands before the path."""
    return "=" if form == "label=path" else "@"


def _several(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> tuple[str, ...]:
    entries = _entries(key, value, data, problems)
    return tuple(_path(key, entry, entries.at(index), folder, problems) for index, entry in enumerate(entries))


def _entries(key: str, value: Any, data: Map, problems: Problems) -> Seq:
    """A list, or one entry of it."""
    entries = value if isinstance(value, Seq) else Seq([value], data.at(key), [data.at(key)])
    if len(entries) > MAX_ENTRIES:
        problems.error(data.at(key), f"{key} lists more than {MAX_ENTRIES} entries", "Name a folder, or a file that has them.")
        return Seq()
    return entries


def _of_run(row: RunSetting, value: Any, data: Map, folder: Path, problems: Problems) -> Any:
    """What a key says that a flag says too."""
    if not row.repeatable:
        return _entry(row, value, data.at(row.name), folder, problems)
    entries = _entries(row.name, value, data, problems)
    found = (_entry(row, entry, entries.at(index), folder, problems) for index, entry in enumerate(entries))
    return tuple(entry for entry in found if entry is not None)


def _entry(row: RunSetting, value: Any, where: Where, folder: Path, problems: Problems) -> Any:
    """One value, paths relative to the current folder; None where it is a mistake."""
    names_hosts = row.name == "inventory" and isinstance(value, str) and "," in value  # `web1,web2,` is a list of hosts
    if row.form == "path" and not names_hosts:
        return _path(row.name, value, where, folder, problems)
    try:
        found = row.type.parse(value)
    except ValueError as error:
        advice = "Write it as -e has it; variables of a project belong into group_vars/." if row.name == "extra_vars" else ""
        problems.error(where, f"{row.name}: {error}", advice)
        return None
    sign = _sign(row.form)
    label, at, path = found.partition(sign) if row.form else ("", "", "")
    if row.form.startswith("label") and not (at and path):
        problems.error(where, f"{row.name} takes {row.metavar}, not {found[:80]!r}")
    elif row.form == "label@path" and path == PROMPT:
        return found
    elif row.form.startswith("label") or (row.form == "@path" and not label and at):
        return f"{label}{sign}{_path(row.name, path, where, folder, problems)}"
    return found


def _identity(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> ProjectIdentity | None:
    """`{name: corp-firewall, id: 9f3a…}`: neither has a default, for two projects of one id would remove each other's rules."""
    told = value if isinstance(value, Map) else Map()
    for unknown in told.keys() - {"name", "id"}:
        problems.error(told.at(unknown), f'unknown key "{unknown}" in project', allowed(unknown, ("name", "id")))
    name, id = told.get("name"), told.get("id")
    if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable():
        problems.error(data.at(key), "project takes a name, a text of up to 100 characters, and an id",
                       "`ringfence init` writes such a block.")
    elif not isinstance(id, str) or not PROJECT_ID.fullmatch(id.lower()):
        problems.error(told.at("id") if "id" in told else data.at(key), "the id of a project is 8 to 64 hexadecimal digits, made "
                       f"once by chance and never changed, for example {os.urandom(8).hex()}", "`ringfence init` writes one.")
    else:
        return ProjectIdentity(name, id.lower())
    return None


def _switch(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> bool:
    try:
        return parse_bool(value)
    except ValueError as error:
        problems.error(data.at(key), f"{key}: {error}")
        return False


def _strict(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> str:
    if value != "strict":
        problems.error(data.at(key), f"guard: {describe(value)} is not strict, the one word that it knows",
                       "Leave it out otherwise.")
    return "strict"


def _flows(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> tuple[ProtectedFlow, ...]:
    """`[{name: monitoring, direction: inbound, protocol: tcp, local_port: 9100}]`, in the words of FLOW_WORDS."""
    found, entries = [], _entries(key, value, data, problems)
    for index, entry in enumerate(entries):
        said = dict(entry) if isinstance(entry, Map) else {}
        name = said.pop("name", None)
        if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable():
            problems.error(entries.at(index), "a protected flow has a name, a direction and a protocol")
            continue
        try:
            found.append(ProtectedFlow(name, flow_of(said)))
        except ValueError as error:
            for line in str(error).splitlines():
                word = line.partition(":")[0]
                problems.error(entry.at(word) if word in entry else entries.at(index), f"protected flow {name}: {line}",
                               f"Words of a flow: {', '.join(FLOW_WORDS)}.")
    return tuple(found)


def _version(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> str:
    return str(value)  # _check_version has looked at it


_PATHS = ("playbooks", "modules")
_READERS: dict[str, Callable[[str, Any, Map, Path, Problems], Any]] = {
    **dict.fromkeys(_PATHS, _several), "project": _identity, "inherit": _switch, "require_scope": _switch, "guard": _strict,
    "protected_flows": _flows,
    "required_version": _version}
KEYS = frozenset({*PROJECT_KEYS, *(row.name for row in SETTINGS.values() if row.from_project)})
_FIELDS = frozenset(f.name for f in fields(ProjectSettings))
