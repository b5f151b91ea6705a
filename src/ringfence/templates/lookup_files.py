"""The lookups of Ansible that read files of the controller: beside the playbook, or of a role."""

import configparser
import csv
import glob
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Problems, Where, describe
from ringfence.documents.vault import Vaulted, is_vault
from ringfence.documents.yaml import read_text
from ringfence.files import MAX_LOOKUP
from ringfence.templates.budget import LOOK, RenderError, charge
from ringfence.templates.values import text

_PARSING = 10  # what a character costs in an INI or CSV file
MAX_FOUND = 10_000  # files that a pattern finds


def _folders(scope: Any, kind: str) -> list[Path]:
    """Where files of a kind (`files`, `templates`) are looked for: in a role first."""
    role, beside = scope.magic.get("role_path"), Path(str(scope.magic.get("playbook_dir", ".")))
    of_role = [Path(str(role)) / kind, Path(str(role)), Path(str(role)) / "tasks"] if role else []
    return [*of_role, beside / kind, beside]


def _candidates(scope: Any, name: Any, kind: str) -> list[Path]:
    """The paths that a name may mean. Raises RenderError where one of them must not be read."""
    asked = Path(os.path.expanduser(text(name)))
    found = list(dict.fromkeys(folder / asked for folder in _folders(scope, kind)))
    charge(LOOK * len(found))
    for candidate in found:
        if reason := scope.trust.unreadable(candidate):
            raise RenderError(reason)
    return found


def path_of(scope: Any, name: Any, kind: str = "files") -> Path:
    """The file that a name means. Raises RenderError."""
    candidates = _candidates(scope, name, kind)
    path = next((c for c in candidates if c.is_file()), None)
    if path is None:
        raise RenderError(f"there is no file {text(name)}", f"Looked for: {', '.join(map(str, candidates))}.")
    return path


def _content(scope: Any, name: Any, kind: str = "files") -> Any:
    """The text of a file, paid for; of an encrypted one a Secret."""
    path, problems = path_of(scope, name, kind), Problems()
    found = read_text(path, problems, limit=MAX_LOOKUP)
    problems.check()
    assert found is not None
    charge(len(found))
    return scope.decrypt(Vaulted(found, Where(str(path))), f"the file {text(name)}") if is_vault(found) else found


def file(scope: Any, name: Any, rstrip: bool = True, lstrip: bool = False) -> Any:
    """A file. An encrypted one is a secret."""
    found = _content(scope, name)
    if not isinstance(found, str):
        return found
    found = found.rstrip() if rstrip else found
    return found.lstrip() if lstrip else found


def template(scope: Any, name: Any, template_vars: Any = None) -> Any:
    """A file rendered, with `template_vars` on top of the variables."""
    found = _content(scope, name, "templates")
    if not isinstance(found, str):
        raise RenderError(f"lookup('template', …): {text(name)} is encrypted", "Encrypt the values that it uses instead.")
    if template_vars is not None and not isinstance(template_vars, Mapping):
        raise RenderError(f"template_vars is a mapping, not {describe(template_vars)}")
    return scope.rendered_text(found, Where(str(path_of(scope, name, "templates"))), dict(template_vars or {}))


def first_found(scope: Any, terms: Sequence[Any], files: Any = None, paths: Any = None, skip: bool = False) -> list[str]:
    """The path of the first of several files that there is, in `files` or beside the playbook. (ansible-core 2.19 and 2.20 do not
    look in `files`; those before and after do.)"""
    names: list[str] = []
    for term in [*_listed(terms), *([{"files": files, "paths": paths}] if files else [])]:
        if isinstance(term, Mapping):
            wanted, folders = _listed(term.get("files") or []), _listed(term.get("paths") or [])
            skip = skip or bool(term.get("skip"))
            names += ([os.path.join(text(folder), text(one)) for folder in folders for one in wanted] if folders else
                      list(map(text, wanted)))
        else:
            names.append(os.path.join(text(paths), text(term)) if isinstance(paths, str) else text(term))
    for name in names:
        if found := next((c for c in _candidates(scope, name, "files") if c.is_file()), None):
            return [os.fspath(found)]
    if skip:
        return []
    raise RenderError("first_found: there is none of the files",
                      f"Looked for: {', '.join(names)}. With skip=true that is no mistake.")


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [one for one in value.replace(",", " ").split() if one]
    found: list[Any] = []
    for one in value if isinstance(value, list | tuple) else [value]:
        found += _listed(one) if isinstance(one, list | tuple) else [one]
    return found


def fileglob(scope: Any, pattern: Any) -> list[str]:
    """The files that a pattern of names means, in the order of their names, of the first folder where there are any."""
    for candidate in _candidates(scope, pattern, "files"):
        found = [path for path in sorted(_globbed(candidate)) if os.path.isfile(path) and not scope.trust.unreadable(path)]
        if found:
            return found
    return []


def _globbed(pattern: Path) -> Iterator[str]:
    for number, path in enumerate(glob.iglob(os.fspath(pattern))):
        charge(LOOK)
        if number >= MAX_FOUND:
            raise RenderError(f"fileglob: more than {MAX_FOUND:,} files")
        yield path


def ini(scope: Any, key: Any, file: str = "ansible.ini", section: str = "global", type: str = "ini", default: Any = "",
        case_sensitive: bool = False, allow_no_value: bool = False, interpolation: bool = False, encoding: str = "utf-8") -> Any:
    """A value of an INI file, or of one of properties."""
    content = _plain(scope, file, "ini")
    if interpolation or type not in ("ini", "properties"):
        raise RenderError("lookup('ini', …) reads values as they are written, of type ini or properties")
    parser = configparser.RawConfigParser(allow_no_value=allow_no_value, strict=False)
    if case_sensitive:
        parser.optionxform = str  # type: ignore[method-assign, assignment]
    try:
        parser.read_string(f"[java_properties]\n{content}" if type == "properties" else content)
    except configparser.Error as error:
        raise RenderError(f"lookup('ini', …): {file} is not written in this form: {' '.join(str(error).split())[:100]}") from None
    found = parser.get("java_properties" if type == "properties" else section, text(key), fallback=default)
    return "" if found is None else found


def csvfile(scope: Any, key: Any, file: str = "ansible.csv", delimiter: str = "TAB", col: Any = "1", keycol: Any = 0,
            default: Any = "", encoding: str = "utf-8") -> Any:
    """A column of the first line of a CSV file whose key is this."""
    content = _plain(scope, file, "csvfile")
    sign = "\t" if delimiter in ("TAB", "t") else text(delimiter)
    if len(sign) != 1:
        raise RenderError("csvfile: a delimiter is one character, or TAB")
    try:
        rows = csv.reader(io.StringIO(content), delimiter=sign)
        row = next((row for row in rows if len(row) > int(keycol) and row[int(keycol)] == text(key)), None)
        return default if row is None else row[int(col)]
    except (csv.Error, IndexError, ValueError):
        raise RenderError(f"csvfile: there is no column {col!r}, or {file} is not written as CSV") from None


def _plain(scope: Any, name: str, lookup: str) -> str:
    found = _content(scope, name)
    if not isinstance(found, str):
        raise RenderError(f"lookup('{lookup}', …): {name} is encrypted", "Encrypt its values as variables instead.")
    charge(_PARSING * len(found))
    return found


PER_TERM: dict[str, Callable[..., Any]] = {"file": file, "unvault": file, "template": template, "ini": ini, "csvfile": csvfile}
PER_TERM_MANY: dict[str, Callable[..., Any]] = {"fileglob": fileglob}
