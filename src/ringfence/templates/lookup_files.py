"""The lookups of Ansible that read files of the controller: of a role, beside the file of the task, beside the playbook."""

import configparser
import csv
import glob
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Problems, Where, describe
from ringfence.documents.vault import Vaulted, is_vault
from ringfence.documents.yaml import read_text
from ringfence.files import MAX_LOOKUP
from ringfence.templates.budget import LOOK, RenderError, charge
from ringfence.templates.values import text

_PARSING = 10  # what a character costs in an INI or CSV file
_BETWEEN_PATHS = ",:;" if os.name == "posix" else ",;"  # Ansible runs where no path has a colon
MAX_FOUND = 10_000  # files that a pattern finds


def candidates(folders: Iterable[Path], kind: str, asked: str, in_role: bool) -> list[Path]:
    """The paths that a name may mean for a task that looks in these folders, each time in that of the kind (`files`, `templates`,
    `vars`) first (ansible-core, DataLoader.path_dwim_relative_stack). in_role: those of files of tasks in a folder of their own
    look beside the role's too."""
    found: list[Path] = []
    for folder in folders:
        if in_role and folder.parent.name == "tasks":
            found += [folder.parent.parent / kind / asked, folder.parent / asked]
        found += [folder / asked] if asked.split("/")[0] == kind else [folder / kind / asked, folder / asked]
    return [*dict.fromkeys(found)]


def _folders(scope: Any) -> list[Path]:
    """Where a task looks for files, in the end beside the playbook."""
    return [*dict.fromkeys((*scope.folders, Path(str(scope.magic.get("playbook_dir", ".")))))]


def _candidates(scope: Any, name: Any, kind: str) -> list[Path]:
    """The paths that a name may mean. Raises RenderError where one of them must not be read."""
    found = candidates(_folders(scope), kind, os.path.expanduser(text(name)), "role_path" in scope.magic)
    return _readable(scope, found)


def _readable(scope: Any, paths: list[Path]) -> list[Path]:
    charge(LOOK * len(paths))
    for path in paths:
        if reason := scope.trust.unreadable(path):
            raise RenderError(reason)
    return paths


def path_of(scope: Any, name: Any, kind: str = "files") -> Path:
    """The file that a name means. Raises RenderError."""
    looked_for = _candidates(scope, name, kind)
    path = next((c for c in looked_for if c.is_file()), None)
    if path is None:
        raise RenderError(f"there is no file {text(name)}", f"Looked for: {', '.join(map(str, looked_for))}.")
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
    """The path of the first of several files that there is. What a mapping says counts for the names behind it too.
    (ansible-core 2.19 and 2.20 do not look in `files`; those before and after do.)"""
    names: list[str] = []
    for term in _flat(terms or [files or []]):
        if isinstance(term, Mapping):
            paths, skip = term.get("paths"), bool(term.get("skip"))
        wanted = _split(term.get("files") if isinstance(term, Mapping) else term, ",;")
        names += [os.path.join(folder, one) for folder in _split(paths, _BETWEEN_PATHS) for one in wanted] if paths else wanted
    for name in names:
        if found := next((c for c in _candidates(scope, name, "files") if c.is_file()), None):
            return [os.fspath(found)]
    if skip:
        return []
    raise RenderError("first_found: there is none of the files",
                      f"Looked for: {', '.join(names)}. With skip=true that is no mistake.")


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _flat(value) if isinstance(value, list | tuple) else [value]


def _split(value: Any, signs: str) -> list[str]:
    """Texts, each perhaps several of them with one of some signs between."""
    return [part for one in _flat([value or []]) for part in re.split(f"[{signs}]", text(one))]


def fileglob(scope: Any, pattern: Any) -> list[str]:
    """The files that a pattern of names means, in the order of their names: of the first folder where there are any, or of the
    first that is called as the pattern says."""
    folder, name = os.path.split(os.path.expanduser(text(pattern)))
    if folder:
        folders = [found for found in _candidates(scope, folder, "files") if found.exists()][:1]
    else:
        folders = [found for one in _folders(scope) for found in (one / "files", one)]
    for candidate in _readable(scope, [one / name for one in folders]):
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
