"""`ringfence.yml`: what a project says once instead of on every command line. Optional."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Diagnostic, InputError, Problems, Where, allowed, describe
from ringfence.documents import yaml
from ringfence.documents.trust import Trust
from ringfence.documents.yaml import Map, Seq
from ringfence.files import MAX_SETTINGS
from ringfence.model.ledger import PROJECT_ID, PRUNE_MODES, ProjectIdentity
from ringfence.types.enums import parse_bool

FILE = "ringfence.yml"
MAX_ENTRIES = 1000  # entries of one list in ringfence.yml
MAX_COUNT = 1_000_000  # what a number in it may be
LATER = ("protected",)  # keys of the design that no version knows yet


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What the file says, paths made relative to the current folder; empty where there is no file.

    `folder` is the project's: that of the file, or the current one. `modules` are the folders of its own kinds. `project` is
    in whose name objects are owned, `prune` one of PRUNE_MODES, `max_changes` how many changes a host may have at once (0: any
    number), `inherit` whether hosts are made from images with a ledger, `require_scope` whether rules that let in have to say
    from where.
    """

    folder: Path
    inventory: tuple[str, ...] = ()
    playbooks: tuple[str, ...] = ()
    vault_password_file: str = ""
    modules: tuple[str, ...] = ()
    project: ProjectIdentity | None = None
    prune: str = ""
    max_changes: int = 0
    inherit: bool = False
    require_scope: bool = False


def find(start: Path | None = None) -> Path | None:
    """The nearest `ringfence.yml` in a folder (by default the current one) or above it."""
    folder = Path.cwd() if start is None else start.resolve()
    return next((f / FILE for f in (folder, *folder.parents) if (f / FILE).is_file()), None)


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
                       f"Allowed: {', '.join(_KEYS)}.")
    data = data if isinstance(data, Map) else Map()
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key in _KEYS:
            values[key] = _KEYS[key](key, value, data, path.parent, problems)
        elif key in LATER:
            problems.error(data.at(key), f'"{key}" is not supported yet')
        else:
            problems.error(data.at(key), f'unknown key "{key}" in {FILE}', allowed(key, _KEYS))
    _outside(values, data, trust.bounded(path.parent), problems)
    problems.check()
    return ProjectSettings(path.parent, **values)


def _path(key: str, value: Any, where: Where, folder: Path, problems: Problems) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        problems.error(where, f"{key} takes the path of a file, not {describe(value)}")
        return ""
    return os.path.normpath(folder / Path(os.path.expanduser(value)))


def _outside(values: Mapping[str, Any], data: Map, trust: Trust, problems: Problems) -> None:
    """Note the paths that an untrusted project may not name."""
    for key, value in ((key, value) for key, value in values.items() if key in _PATHS):
        for path in [value] if isinstance(value, str) else value:
            if (reason := trust.unreadable(path)) and not (key == "inventory" and "," in path):
                problems.error(data.at(key), f"{key}: {reason}")


def _one(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> str:
    return _path(key, value, data.at(key), folder, problems)


def _several(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> tuple[str, ...]:
    entries = value if isinstance(value, Seq) else Seq([value], data.at(key), [data.at(key)])
    if len(entries) > MAX_ENTRIES:
        problems.error(data.at(key), f"{key} lists more than {MAX_ENTRIES} entries", "Name a folder, or a playbook that imports.")
        return ()
    names_hosts = key == "inventory"  # `web1,web2,` is a list of hosts, not a path
    return tuple(entry if names_hosts and isinstance(entry, str) and "," in entry
                 else _path(key, entry, entries.at(index), folder, problems) for index, entry in enumerate(entries))


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


def _mode(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> str:
    if value in PRUNE_MODES:
        return str(value)
    problems.error(data.at(key), f"{key} takes one of {', '.join(PRUNE_MODES)}, not {describe(value)}")
    return ""


def _number(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_COUNT:
        return value
    problems.error(data.at(key), f"{key} takes a number from 1 on, not {describe(value)}")
    return 0


def _switch(key: str, value: Any, data: Map, folder: Path, problems: Problems) -> bool:
    try:
        return parse_bool(value)
    except ValueError as error:
        problems.error(data.at(key), f"{key}: {error}")
        return False


_PATHS: dict[str, Callable[[str, Any, Map, Path, Problems], Any]] = {
    "inventory": _several, "playbooks": _several, "vault_password_file": _one, "modules": _several,
}
_KEYS = {**_PATHS, "project": _identity, "prune": _mode, "max_changes": _number, "inherit": _switch, "require_scope": _switch}
