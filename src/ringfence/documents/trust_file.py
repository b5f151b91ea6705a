"""What the user says of trust: options, environment, and a file of their own."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Problems, Where, allowed, describe
from ringfence.documents import yaml
from ringfence.documents.trust import ALLOW_PROGRAM, TRUST_DIR, UNTRUSTED, Trust, user_file
from ringfence.documents.yaml import Map, Seq
from ringfence.files import MAX_SETTINGS

_KEYS = ("directories", "programs")


def load(untrusted: bool = False, directories: Sequence[str] = (), programs: Sequence[str] = (),
         environment: Mapping[str, str] = os.environ) -> Trust:
    """What options, environment and the user's file say together. Raises InputError for a file that is wrong."""
    path = user_file(environment)
    said = _read(path) if path.exists() else {}
    found = {
        "directories": [*directories, *_listed(environment, TRUST_DIR), *said.get("directories", ())],
        "programs": [*programs, *_listed(environment, ALLOW_PROGRAM), *said.get("programs", ())],
    }
    real = {key: tuple(os.path.realpath(os.path.expanduser(p)) for p in paths) for key, paths in found.items()}
    return Trust(untrusted or environment.get(UNTRUSTED, "0") not in ("", "0"), real["directories"], real["programs"])


def _listed(environment: Mapping[str, str], name: str) -> list[str]:
    return [path for path in environment.get(name, "").split(os.pathsep) if path]


def _read(path: Path) -> dict[str, list[str]]:
    Trust().check_owners([path])
    problems, found = Problems(), dict[str, list[str]]()
    data = yaml.load(path, problems, limit=MAX_SETTINGS)
    if data is not None and not isinstance(data, Map):
        problems.error(Where(os.fspath(path), 1), f"{path.name} is a mapping, not {describe(data)}",
                       f"Allowed: {', '.join(_KEYS)}.")
    for key, value in (data if isinstance(data, Map) else Map()).items():
        where = data.at(key)
        if key not in _KEYS:
            problems.error(where, f'unknown key "{key}" in {path.name}', allowed(key, _KEYS))
        elif not isinstance(value, Seq) or not all(_absolute(entry) for entry in value):
            problems.error(where, f"{key} is a list of absolute paths", "One that begins with ~ is absolute too.")
        else:
            found[key] = list(value)
    problems.check()
    return found


def _absolute(entry: Any) -> bool:
    return isinstance(entry, str) and "\0" not in entry and os.path.isabs(os.path.expanduser(entry))
