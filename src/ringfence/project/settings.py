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

FILE = "ringfence.yml"
MAX_ENTRIES = 1000  # entries of one list in ringfence.yml
LATER = ("protected",)  # keys of the design that no version knows yet


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What the file says, paths made relative to the current folder; empty where there is no file.

    `folder` is the project's: that of the file, or the current one. `modules` are the folders of its own kinds.
    """

    folder: Path
    inventory: tuple[str, ...] = ()
    playbooks: tuple[str, ...] = ()
    vault_password_file: str = ""
    modules: tuple[str, ...] = ()


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
    for key, value in values.items():
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


_KEYS: dict[str, Callable[[str, Any, Map, Path, Problems], Any]] = {
    "inventory": _several, "playbooks": _several, "vault_password_file": _one,
    "modules": _several,
}
