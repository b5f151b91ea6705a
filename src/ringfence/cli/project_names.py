"""What may be a name in the files of a project: read as texts, so that they are known where a mistake keeps the project itself
from being read. Nothing of it runs, nothing is decrypted.

Of a playbook that is every value, and what variables, tags and loops say; its other keys are not: a key that is misspelt is what
somebody has to see who looks for a defect. Of a file that is no YAML, and of one with a mistake of YAML, it is every word.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from ringfence.cli.own_words import CONNECTION_NAMES, own_words
from ringfence.diagnostics import InputError, Problems
from ringfence.documents import yaml
from ringfence.documents.trust import Trust
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.vault import Vault, Vaulted, is_vault
from ringfence.inventory import readers
from ringfence.project.settings import FILE

MAX_FILES_WITH_NAMES = 5_000  # files of a project in which `support` looks for names
_YAML = (".yml", ".yaml")
_OF_VARIABLES = frozenset({"group_vars", "host_vars", "vars", "defaults"})  # folders: whatever is in them has names
_WITH_NAMES = ("vars", "loop", "with_items", "project")  # keys of playbooks and ringfence.yml below which keys are names
_EXPRESSIONS = ("when", "that", "loop", "with_items")  # keys whose texts are templates without braces
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TOKEN = re.compile(r"""'([^'\n]+)'|"([^"\n]+)"|([\w@$.-]+)""")
_WORD = re.compile(r"[\w@$.-]+")
_PIECES = re.compile(r"[@,:;!&=/\\\s]+")
_PATH = re.compile(r"\S+/\S+\.(?:ya?ml|ini|toml|json|cfg)")
_NUMBER = re.compile(r"[\d.:/<>=!~, -]*[a-z]?", re.I)  # also a duration, or versions
_CUT = 30  # characters that are left at least of a text that a message cuts short


class ProjectNames:
    """Finds them. unread: whether there may be more, in what could not be read."""

    def __init__(self, trust: Trust) -> None:
        self._trust, self._own, self._seen = trust, own_words(), set[str]()
        self.unread = False

    def of_project(self, folder: Path | None, inventory: Sequence[str]) -> Iterator[str]:
        """Those in the files of a project's folder, and in inventories, wherever they are."""
        for source in [os.path.expanduser(one) for one in (*inventory, *_inventories(folder))]:
            yield from self._of_inventory(source)
            if "," in source and not os.path.exists(source):
                yield from self.of_text(source)
            else:
                for path in _files_below(Path(source)) if os.path.isdir(source) else [Path(source)]:
                    yield from self._of_file(path, True)
        for number, path in enumerate(_files_below(folder) if folder else ()):
            if number == MAX_FILES_WITH_NAMES:
                self.unread = True
                return
            yield from self._of_file(path, not _OF_VARIABLES.isdisjoint(path.parts))

    def of_text(self, text: str, expression: bool = False) -> Iterator[str]:
        """Those in one value: all of it, where it is one word what stands between signs, in templates variables and texts."""
        for line in text.splitlines():
            if not _PATH.fullmatch(line):  # whose parts are enough
                yield from self._unless_own(line.strip())
        if expression or "{{" in text or "{%" in text:
            for match in (m for part in ([text] if expression else _TEMPLATE.findall(text)) for m in _TOKEN.finditer(part)):
                word = match[1] or match[2] or match[3]
                yield from self._unless_own(word)
                yield from (part for piece in word.split(".") for part in self._unless_own(piece))
            for literal in () if expression else _TEMPLATE.split(text):
                yield from self._unless_own(literal.strip(" -_.,:"))
        elif " " not in text:
            for piece in _PIECES.split(text):
                yield from self._unless_own(piece)
                yield from self._unless_own(piece.partition(".")[0])

    def _unless_own(self, word: str) -> Iterator[str]:
        word = word.strip("'\"")
        small = word.casefold()
        if small not in self._own and not word.startswith(CONNECTION_NAMES) and not _NUMBER.fullmatch(word) and not (
                self._own.issuperset(small.split("."))):
            yield word

    def _of_inventory(self, source: str) -> Iterator[str]:
        """Hosts and groups as an inventory comes out, with those of ranges."""
        problems = Problems()
        with contextlib.suppress(InputError, OSError):
            nothing_runs = VariableFiles(Vault(), problems, self._trust)
            found = readers.load([source], nothing_runs)
            yield from found.entries
            yield from (name for name in found.groups if name.casefold() not in self._own)
        self.unread = self.unread or problems.failed

    def _of_file(self, path: Path, of_data: bool) -> Iterator[str]:
        for part in path.parts:
            yield from self._unless_own(part)
            yield from self._unless_own(part.partition(".")[0])
        real = os.path.realpath(path)
        if real in self._seen or self._trust.unreadable(path) or not (of_data or path.suffix in _YAML):
            return
        self._seen.add(real)
        problems = Problems()
        text = yaml.read_text(path, problems)
        if text is None or is_vault(text):
            self.unread = True
        elif path.suffix in (*_YAML, ".json") and not problems.failed:
            tree = yaml.parse(text, str(path), problems)
            if problems.failed:
                self.unread = True
                yield from self._of_words(text)
            else:
                yield from self._of_tree(tree, of_data or (isinstance(tree, dict) and path.name != FILE))
        else:
            yield from self._of_words(text)

    def _of_words(self, text: str) -> Iterator[str]:
        for line in text.splitlines():
            for match in _WORD.finditer(line.partition(" #")[0]) if not line.lstrip().startswith(("#", ";")) else ():
                yield from self.of_text(match[0].strip(".-"))

    def _of_tree(self, value: Any, of_data: bool, expression: bool = False) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if of_data and isinstance(key, str):
                    yield from self.of_text(key)
                yield from self._of_tree(inner, of_data or key in _WITH_NAMES, key in _EXPRESSIONS)
        elif isinstance(value, list):
            for inner in value:
                yield from self._of_tree(inner, of_data, expression)
        elif isinstance(value, str):
            yield from self.of_text(value, expression)
        elif isinstance(value, Vaulted):
            self.unread = True


def _inventories(folder: Path | None) -> Iterator[str]:
    """Those that ringfence.yml names."""
    settings = yaml.load(folder / FILE, Problems()) if folder else None
    listed = settings.get("inventory") if isinstance(settings, dict) else None
    for one in listed if isinstance(listed, list) else [listed]:
        if isinstance(one, str):
            yield one if "," in one else os.path.join(folder or "", one)


def _files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder, but hidden ones; links to folders are not followed."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(os.path.relpath(parent)) / name for name in sorted(names) if not name.startswith("."))


def told_in(names: Iterable[str], text: str) -> Iterator[str]:
    """Those names that stand in a text; of one that is cut short there, what is left of it."""
    text = text.lower()
    for name in dict.fromkeys(names):
        small = name.lower()
        if small in text:
            yield name
        elif len(small) == len(name) > _CUT and (at := text.find(small[:_CUT])) >= 0:
            pairs = zip(small, text[at:], strict=False)
            yield name[:sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))]
