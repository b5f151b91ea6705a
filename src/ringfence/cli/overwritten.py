"""Files that a command would write over what it, or a later one, reads: a report in the place of a playbook."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ringfence.cli.report_files import same_file
from ringfence.diagnostics import Diagnostic, Where
from ringfence.run_settings import RunSetting

_OF_PROJECTS = (".yml", ".yaml")  # nothing that is written here is YAML


def overwritten(values: Mapping[RunSetting, Any], arguments: Iterable[str], out: str) -> Iterator[Diagnostic]:
    """Why files cannot be written: each with what it is. values: of the settings of a command · arguments: what it reads besides,
    playbooks or a plan · out: what it writes besides."""
    read = {same_file(path): f"{path}, which is read" for path in arguments}
    read |= {same_file(path): f"{row.flag} {path}" for row, path in _paths(values, written=False)}
    written = [*([("-o", out)] if out else []), *((row.flag, path) for row, path in _paths(values, written=True))]
    for flag, path in written:
        if os.path.isfile(path) and (what := read.get(same_file(path)) or _of_project(path)):
            yield Diagnostic(Where(path), f"{flag} would write over {what}", "choose another name, or remove that file first")


def _of_project(path: str) -> str:
    return "a file of YAML, as a project reads them" if path.lower().endswith(_OF_PROJECTS) else ""


def _paths(values: Mapping[RunSetting, Any], *, written: bool) -> Iterator[tuple[RunSetting, str]]:
    """The files that settings name."""
    for row, value in values.items():
        if row.form and row.written == written:
            said: Iterable[Any] = value if isinstance(value, list | tuple) else [value]
            yield from ((row, path) for one in said if one and (path := _path(row.form, str(one))))


def _path(form: str, text: str) -> str:
    """The path in a value of a form, "" where there is none."""
    if form == "@path" and not text.startswith("@"):
        return ""
    sign = form.removeprefix("label").removesuffix("path")
    return os.path.expanduser(text.partition(sign)[2] if sign and sign in text else text)
