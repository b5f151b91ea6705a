"""The kinds: the files of modules/, seen as the package ringfence.kinds; a project's own kinds come after ours."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from types import ModuleType

from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.model.resource import Kind, Resource
from ringfence.model.storage import PartOf

HOME = Path(__file__).parents[1]  # src/ringfence, or site-packages/ringfence
MAX_TEXT = 2**20  # characters of a file of own kinds in which their names are looked for
_DECLARATION = re.compile(r"""^@resource\(\s{0,20}["'](\w{1,100})["']""", re.MULTILINE)


def shipped(name: str) -> Path:
    """`modules` or `schemas`: inside the package in a wheel, at the top of the checkout in an editable install."""
    return HOME / name if (HOME / name).is_dir() else HOME.parents[1] / name


__path__ = [str(shipped("modules"))]  # so ringfence.kinds.firewall_rule is modules/firewall_rule.py


def files(folder: Path) -> list[Path]:
    """The files of kinds in a folder."""
    return sorted(folder.glob("[!_]*.py"))


def named_in(folder: Path) -> dict[str, Where]:
    """The kinds that the files of a folder declare, by name, as far as that can be told without running them. Links that
    lead elsewhere are left alone, for they may lead anywhere: to a device, to a file that is none of the project's."""
    found: dict[str, Where] = {}
    for file in (f for f in files(folder) if f.resolve().parent == folder.resolve() and f.is_file()):
        with file.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(MAX_TEXT)
        for match in _DECLARATION.finditer(text):
            found.setdefault(match[1], Where(str(file), text.count("\n", 0, match.start()) + 1))
    return found


def load(folders: Iterable[Path] = ()) -> Mapping[str, Kind]:
    """Every kind by name: ours, then those of a project's folders, whose files are run. Raises InputError where one of
    them cannot be loaded, or declares a kind that there is already."""
    found: dict[str, Kind] = {}
    for file in files(shipped("modules")):
        found |= {kind.name: kind for kind in _declared(import_module(f"{__name__}.{file.stem}"))}
    for folder in folders:
        if not folder.is_dir():
            raise InputError([Diagnostic(Where(str(folder)), "there is no such folder of kinds",
                                         "Correct `modules` in ringfence.yml.")])
        places = named_in(folder)
        for file in files(folder):
            for kind in _declared(_run(file)):
                if kind.name in found:
                    raise InputError([Diagnostic(places.get(kind.name, Where(str(file))), f"there is a kind {kind.name} already",
                                                 "Give it another name.")])
                found[kind.name] = kind
    return found


def _declared(module: ModuleType) -> Iterator[Kind]:
    for cls in vars(module).values():
        if isinstance(cls, type) and issubclass(cls, Resource) and "kind" in vars(cls) and cls.__module__ == module.__name__:
            kind: Kind = cls.kind
            if not isinstance(kind.storage, PartOf):
                yield kind


def _run(file: Path) -> ModuleType:
    """A file of a project as a module, from its source: what lies in a `__pycache__` beside it is another text, which
    nobody reviewed. Raises InputError with the line."""
    module = ModuleType(f"{__name__}.own.{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # where dataclasses look up names
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), vars(module))
    except (Exception, SystemExit) as error:  # such a file may do anything
        raise InputError([Diagnostic(Where(str(file), _line(error, file)),
                                     f"the kind cannot be loaded: {type(error).__name__}: {error}")]) from error
    return module


def _line(error: BaseException, file: Path) -> int:
    """The line of a file in which an error came up."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno or 0
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == str(file)]
    return lines[-1] if lines else 0
