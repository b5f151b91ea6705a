"""The door of connection variables: one declaration each, from which parsing, checks and documentation derive.

A settings class (settings.py) is a frozen dataclass whose fields are made by `variable`; `read` fills one from the
variables of a host and reports every mistake at once, `rows` lists what it knows. Values come as YAML or INI gave
them, so "5986" is as good a number as 5986 and "yes" as good a flag as true (Ansible's rule). A `Secret` may stand
for any value: it is never shown in a message.
"""

import contextlib
import dataclasses
import functools
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ringfence.diagnostics import MAX_PROBLEMS, NOWHERE, Diagnostic, quoted, suggest
from ringfence.secret import Secret
from ringfence.types.enums import parse_bool

T = TypeVar("T")
OURS = ("ansible_psrp_", "ringfence_")  # a variable with such a name that no transport knows is a mistake
NOT_OURS = frozenset({"ringfence_facts"})  # but this one, which templates see

# names in other scripts too: the resolver puts them into Punycode
_HOST = re.compile(r"(?!-)(?=.{1,253}$)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")


@dataclass(frozen=True, slots=True)
class VariableType(Generic[T]):
    """What a variable may hold: `says` in words, `parse` as a function that raises ValueError(why)."""

    accepts: str
    parse: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its names in rising precedence, those that count with `ansible_connection: winrm` only, and more."""

    field: str
    names: tuple[str, ...]
    winrm: tuple[str, ...]
    type: VariableType[Any]
    default: Any
    default_text: str
    meaning: str


def variable(
    kind: VariableType[Any], *names: str, default: Any, meaning: str, winrm: Sequence[str] = (), default_text: str = ""
) -> Any:
    """A field of a settings class; `shown` is the default in words where the value itself would not say it."""
    return dataclasses.field(default=default, metadata={
        "names": names, "winrm": tuple(winrm), "type": kind, "meaning": meaning, "default_text": default_text})


def rows(settings: type) -> tuple[Variable, ...]:
    """The variables that a settings class reads, in the order of its fields."""
    return _rows(settings)


@functools.cache
def _rows(settings: type) -> tuple[Variable, ...]:
    return tuple(Variable(f.name, default=f.default, **f.metadata) for f in dataclasses.fields(settings) if f.metadata)


@dataclass(frozen=True, slots=True)
class ResolvedVariables:
    """What `read` made of a host's variables: values by field, the name each came from, the mistakes, and
    the values that came of secrets."""

    values: dict[str, Any]
    names: dict[str, str]
    problems: list[Diagnostic]
    from_secrets: list[Secret] = dataclasses.field(default_factory=list)


def read(settings: type, host: str, variables: Mapping[str, Any], winrm: bool = False) -> ResolvedVariables:
    """The values that `variables` give to the fields of `settings`. The last name that is set wins, as in Ansible."""
    found = ResolvedVariables({}, {}, [])
    for row in rows(settings):
        names = row.names + row.winrm if winrm else row.names
        if variables.keys().isdisjoint(names):
            continue
        name = next((n for n in reversed(names) if variables.get(n) is not None), "")
        if not name:
            continue
        value = variables[name]
        try:
            made = row.type.parse(value.reveal() if isinstance(value, Secret) else value)
            found.values[row.field] = made
            if isinstance(value, Secret):
                found.from_secrets.extend(map(Secret, _texts_in(made)))
            found.names[row.field] = name
        except ValueError as error:
            shown = "the secret value" if isinstance(value, Secret) or row.type is secret else quoted(value)
            found.problems.append(problem(host, f"{name}: {shown} {error}", f"allowed: {row.type.accepts}"))
    return found


def _texts_in(value: Any) -> Iterator[str]:
    """Each text and number in the value of a setting."""
    if isinstance(value, str | float | int) and not isinstance(value, bool):
        yield f"{value:g}" if isinstance(value, float) else str(value)
    elif dataclasses.is_dataclass(value):
        yield from _texts_in([getattr(value, field.name) for field in dataclasses.fields(value)])
    elif isinstance(value, list | tuple | Mapping):
        for member in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(member)


def problem(host: str, summary: str, detail: str) -> Diagnostic:
    """A mistake in the connection variables of `host`."""
    return Diagnostic(NOWHERE, summary, detail, host=host)


def unknown(host: str, variables: Mapping[str, Any], known: Collection[str]) -> list[Diagnostic]:
    """A mistake for each variable that is named like a connection variable and is none."""
    found = []
    wrong = sorted(n for n in variables if n.startswith(OURS) and n not in known and n not in NOT_OURS)
    for name in wrong[:MAX_PROBLEMS]:
        found.append(problem(host, f"{name}: no such variable", suggest(name, known)
                             or "docs/reference/connection-variables.md lists those that exist"))
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is not a text" + (" (write it in quotes)" if isinstance(value, bool) else ""))
    text = str(value)
    if not text.strip():
        raise ValueError("is empty")
    if not text.isprintable():
        raise ValueError("has control characters")
    return text


def _host(value: Any) -> str:
    name = _text(value)
    address = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    with contextlib.suppress(ValueError):
        if not re.search(r"%.*[^\w.-]", address):
            return str(ipaddress.IPv6Address(address))
    if not _HOST.fullmatch(name):
        raise ValueError("is not the name or address of a host")
    return name


def _secret(value: Any) -> Secret:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("is not a text")
    return Secret(str(value))


def _flag(value: Any) -> bool:
    try:
        return parse_bool(value)
    except ValueError:
        raise ValueError("is neither yes nor no") from None


def _path(value: Any) -> str:
    return os.path.expandvars(os.path.expanduser(_text(value)))


def _file(value: Any) -> str:
    path = _path(value)
    if not os.path.isfile(path):
        raise ValueError("does not exist" if not os.path.exists(path) else "is not a file")
    if not os.access(path, os.R_OK):
        raise ValueError("cannot be read")
    return path


SYSTEMS_OWN = "legacy_requests"  # pywinrm's word for what `requests` trusts by itself


def _trusted(value: Any) -> str | None:
    if value == SYSTEMS_OWN:
        return None
    path = _path(value)
    return path if os.path.isdir(path) else _file(value)


def _fingerprint(value: Any) -> str:
    digits = re.sub(r"(?i)^sha-?256[:=]", "", _text(value)).replace(":", "").replace(" ", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("is not a SHA-256 fingerprint")
    return digits


text = VariableType("a text", _text)
host_name = VariableType("a host name, or an IPv4 or IPv6 address", _host)
secret = VariableType("a text, better vaulted", _secret)
flag = VariableType("yes or no", _flag)
path = VariableType("a path", _path)
file = VariableType("the path of a file that can be read", _file)
trusted = VariableType("the path of a file that can be read, or of a folder", _trusted)
fingerprint = VariableType("64 hexadecimal digits, with or without colons", _fingerprint)


def number(low: int, high: int) -> VariableType[int]:
    """A whole number within bounds."""
    def parse(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,18}", str(value).strip()):
            raise ValueError("is not a whole number")
        if not low <= int(value) <= high:
            raise ValueError("is out of range")
        return int(value)
    return VariableType(f"a whole number from {low:,} to {high:,}", parse)


def seconds(low: float, high: float) -> VariableType[float]:
    """A time in seconds within bounds."""
    def parse(value: Any) -> float:
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", str(value).strip()):
            raise ValueError("is not a number of seconds")
        if not low <= float(value) <= high:
            raise ValueError("is out of range")
        return float(value)
    return VariableType(f"seconds, from {low:g} to {high:,g}", parse)


def choice(*words: str, aliases: Mapping[str, str] | None = None, later: Collection[str] = ()) -> VariableType[str]:
    """One of some words; `aliases` are other names for them, `later` words whose meaning depends on other variables (resolve.py).
    A list counts by its first (pywinrm's transports)."""
    def parse(value: Any) -> str:
        first = value[0] if isinstance(value, list | tuple) and value else value
        word = str(first).split(",")[0].strip().lower()
        word = (aliases or {}).get(word, word)
        if word not in words and word not in later:
            raise ValueError("is not known")
        return word
    return VariableType("one of " + ", ".join(words), parse)
