"""Files of variables (`group_vars/`, `host_vars/`, `vars_files`) and `-e`, as Ansible finds and reads them."""

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic, Problems, Where, describe, quoted
from ringfence.documents import encrypted, yaml
from ringfence.documents.trust import Trust
from ringfence.documents.vault import Vault
from ringfence.documents.yaml import Map, Seq
from ringfence.files import is_file_or_broken_link
from ringfence.secret import Secret

ENDINGS = ("", ".yml", ".yaml", ".json")  # in this order; the first that exists is taken
EXTRA = "-e"
MAX_PAIRS = 10_000  # characters of key=value in one -e: quotes without an end cost the square of them


class VariableFiles:
    """Reads files of variables, each once. Mistakes go to `problems`."""

    def __init__(self, vault: Vault, problems: Problems, trust: Trust = Trust()) -> None:
        self.vault, self.problems, self.trust = vault, problems, trust
        self._files: dict[Path, tuple[Map, tuple[Diagnostic, ...]]] = {}
        self._folders: dict[Path, Map] = {}
        self._names: dict[str, frozenset[str]] = {}

    def load(self, path: Path, wanted_at: Where = NOWHERE) -> Map:
        """The variables of a file; those of an encrypted file are Secrets. Empty where it is wrong."""
        variables, found = self.read(path, wanted_at)
        self.problems.extend(found)
        return variables

    def read(self, path: Path, wanted_at: Where = NOWHERE) -> tuple[Map, tuple[Diagnostic, ...]]:
        """As `load`, with what is wrong beside it instead of among `problems`."""
        if path not in self._files:
            found = Problems()
            self._files[path] = self._read(path, wanted_at, found), found.all
        return self._files[path]

    def _read(self, path: Path, wanted_at: Where, problems: Problems) -> Map:
        if reason := self.trust.unreadable(path):
            problems.error(Where(os.fspath(path)) if wanted_at == NOWHERE else wanted_at, reason)
            return Map()
        self.trust.has_read(path)
        value, sealed = encrypted.load(path, problems, self.vault, self.trust, wanted_at)
        if not sealed:
            return mapping(value, Where(os.fspath(path)), problems)
        found = Problems()
        variables = mapping(value, Where(os.fspath(path)), found)
        encrypted.hide(found, problems)
        return secret_variables(variables, sealed)

    def vars_for(self, folder: Path, kind: str, name: str) -> Map:
        """The variables of `kind` (`group_vars` or `host_vars`) for a name: `FOLDER/KIND/NAME` with one of ENDINGS,
        or all files of a folder of that name, in the order of their names."""
        if name.startswith(os.sep) or "\0" in name:
            return Map()
        beside = self._listed(f"{folder}{os.sep}{kind}")
        if not beside or (os.sep not in name and not any(name + ending in beside for ending in ENDINGS)):
            return _NONE
        return self.of_base(folder / kind / name)

    def of_base(self, base: Path) -> Map:
        """The variables of a file with one of ENDINGS, or of all files of a folder, in the order of their names."""
        if base not in self._folders:
            variables = Map()
            for file in self._found(base):
                variables = self.load(file).merged_over(variables)
            self._folders[base] = variables
        return self._folders[base]

    def _listed(self, folder: str) -> Collection[str]:
        """What lies in a folder; nothing where there is none. Most hosts have no file of their own."""
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(os.listdir(folder))
            except OSError:
                self._names[folder] = frozenset()
        return self._names[folder]

    def _found(self, base: Path) -> list[Path]:
        for ending in ENDINGS:
            path = base.with_name(base.name + ending)
            if path.is_dir() and not self.trust.unreadable(path):
                return _files(path)
            if os.path.lexists(path):  # a link that leads nowhere is a mistake, not a file that nobody wrote
                return [path]
        return []


def _files(folder: Path) -> list[Path]:
    """The files of variables in a folder and its subfolders; hidden files, backups and other endings left out."""
    found: list[Path] = []
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix:
            found += _files(path)
        elif path.suffix in ENDINGS and is_file_or_broken_link(path):
            found.append(path)
    return found


def secret_variables(variables: Map, sealed: str) -> Map:
    """The variables of an encrypted file, each a Secret. sealed: the digest of the file's ciphertext."""
    return Map({name: _secret(value, Secret(None, sealed).within(name), name, variables.at(name))
                for name, value in variables.items()}, variables.where, variables.locations)


def _secret(value: Any, sealed: str, name: str, where: Where) -> Secret:
    """A value of an encrypted file; in a list or mapping each is a Secret of its own too, by the way to it."""
    whole = Secret(None, sealed)
    if isinstance(value, Map):
        value = Map({k: _secret(v, whole.within(k), name, value.at(k)) for k, v in value.items()}, value.where, value.locations)
    elif isinstance(value, Seq):
        members = (_secret(v, whole.within(i), name, value.at(i)) for i, v in enumerate(value))
        value = Seq(members, value.where, value.locations)
    return Secret(value, sealed, (f"{name} ({where})",))


def mapping(value: Any, where: Where, problems: Problems) -> Map:
    """A mapping of variables whose names are texts; what is none is noted as a mistake and left out."""
    if value is None:
        return Map()
    if not isinstance(value, Map):
        problems.error(where, f"variables are a mapping of names to values, not {describe(value)}",
                       "Write `name: value`, each on its line.")
        return Map()
    for key in value:
        if not isinstance(key, str):
            problems.error(value.at(key), f"the name of a variable is a text, not {quoted(key)}",
                           "YAML 1.1 reads yes, no, on, off and numbers as values: write the name in quotes.")
    if all(isinstance(key, str) for key in value):
        return value
    return Map({k: v for k, v in value.items() if isinstance(k, str)}, value.where, value.locations)


_NONE = Map()
_WITHOUT_VALUES = ("not YAML", "unknown tag", "the key ")  # mistakes in what is no value
_PAIR = re.compile(r"""\s*([^\s=]+)=((?:\{\{.*?\}\}|\{%.*?%\}|"(?:[^"\\]|\\.)*"|'[^']*'|\S)*)""", re.DOTALL)


def extra(arguments: Sequence[str], files: VariableFiles) -> Map:
    """The variables of `-e` arguments, later ones over earlier: `key=value …` (texts), `{JSON or YAML}`, `@FILE`. Backslashes
    stay, as paths of Windows have them; Ansible makes line ends and tabs of `\\n` and `\\t`."""
    variables = Map()
    for argument in arguments:
        variables = _extra(argument.strip(), files).merged_over(variables)
    return variables


def _extra(argument: str, files: VariableFiles) -> Map:
    where = _place(argument)
    if argument.startswith("@"):
        return files.load(Path(os.path.expanduser(argument[1:])), where)
    if argument[:1] in ("{", "["):
        found = Problems()
        value = yaml.parse(argument, where.file, found)
        for one in found.all:  # one that quotes a value may quote a password
            if one.severity == "warning":
                files.problems.warn(one.where, "a value in it is not what it looks like", "Quote it if a text is meant.")
            elif one.summary.startswith(_WITHOUT_VALUES):
                files.problems.error(one.where, one.summary, one.detail)
            else:
                files.problems.error(one.where, "a value in it is not valid")
        return mapping(value, where, files.problems)
    if len(argument) > MAX_PAIRS:
        files.problems.error(where, f"more than {MAX_PAIRS:,} characters of key=value", "Write them into a file: -e @FILE.")
        return Map()
    variables, end = Map(where=where), 0
    while pair := _PAIR.match(argument, end):
        variables[pair[1]], end = _unquoted(pair[2]), pair.end()
        if pair[2][:1] in ("'", '"') and (len(pair[2]) == 1 or pair[2][0] != pair[2][-1]):
            files.problems.error(where, f"the quote of {pair[1]} does not end",
                                 "Quote the whole value, for the shell and inside of that: -e 'name=\"a b\"'.")
        variables.locations[pair[1]] = Where(f"{EXTRA} {pair[1]}")
    if argument[end:].strip() or not argument:
        files.problems.error(where, "not key=value", "Write -e name=value, -e 'name=\"a b\"' for a value with "
                             "spaces, -e '{\"name\": value}' or -e @FILE.")
    return variables


def _place(argument: str) -> Where:
    """Where an argument stands, without a value of it, which may be a secret."""
    if argument.startswith("@"):
        return Where(f"{EXTRA} {argument[:40]}")
    named = _PAIR.match(argument[:100])
    return Where(f"{EXTRA} {'{…}' if argument[:1] in ('{', '[') else named[1] if named else ''}".rstrip())


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return re.sub(r'\\(["\\])', r"\1", text[1:-1]) if text[0] == '"' else text[1:-1]
    return text
