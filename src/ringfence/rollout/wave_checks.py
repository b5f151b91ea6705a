"""What is looked at after a wave, before the next one: connections that have to come about from here, or must not; a page; a
command."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

CheckKind = Literal["connect", "blocked", "http", "command"]
KINDS: tuple[str, ...] = get_args(CheckKind)
MAX_WORDS, MAX_WORD = 100, 2000  # of a command, and characters of each
MAX_WAIT = 86_400  # seconds that a check is tried again
_FORMS = {"connect": "a port of each host of the wave, or ADDRESS:PORT", "blocked": "a port of each host of the wave, or "
          "ADDRESS:PORT", "http": "a URL, http:// or https://", "command": "a program and its words"}

_LOGON = re.compile(r"//[^/?#]{0,2000}@")  # of a URL; nobody is shown it


@dataclass(frozen=True, slots=True)
class WaveCheck:
    """kind: what is done · target: a port of each host, ADDRESS:PORT, or a URL · words: of a command · timeout: seconds of one
    attempt · within: seconds for which it is tried again until it holds · status: of HTTP; 0: any below 400."""

    kind: CheckKind
    target: str = ""
    words: tuple[str, ...] = ()
    timeout: float = 5.0
    within: float = 60.0
    status: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {' '.join(self.words) or self.target}"

    @property
    def data(self) -> dict[str, Any]:
        """As it is said."""
        options = {name: getattr(self, name) for name in _OPTIONS if name != "status" or self.kind == "http"}
        return {self.kind: list(self.words) or self.target, **options}

    @property
    def port(self) -> int:
        """The port that is tried."""
        return int(self.target.rpartition(":")[2])

    @property
    def address(self) -> str:
        """The address that is tried; empty: that of each host of the wave."""
        return self.target.rpartition(":")[0].strip("[]")


_OPTIONS = tuple(f.name for f in fields(WaveCheck) if f.name not in ("kind", "target", "words"))


def parse_check(value: Any) -> WaveCheck:
    """`{connect: 443, within: 30}`, or in one word `connect=443`. Raises ValueError."""
    if isinstance(value, str):
        key, _, target = value.partition("=")
        value = {key.strip(): target.strip()}
    said: dict[Any, Any] = dict(value) if isinstance(value, Mapping) else {}
    kinds = [kind for kind in KINDS if kind in said]
    if len(kinds) != 1:
        raise ValueError(f"a check is one of {', '.join(KINDS)}, for example `connect: 443`; here are {len(kinds)}")
    kind = kinds[0]
    if unknown := [key for key in said if key != kind and key not in _OPTIONS]:
        raise ValueError(f"{kind}: unknown key {str(unknown[0])[:80]!r}; allowed beside it: {', '.join(_OPTIONS)}")
    options = {name: _number(name, said[name]) for name in _OPTIONS if name in said}
    if options.get("status") and kind != "http":
        raise ValueError(f"{kind}: `status` is of http alone")
    target, words = _target(kind, said[kind])
    return WaveCheck(kind, target, words, **options)  # type: ignore[arg-type]


def _target(kind: str, value: Any) -> tuple[str, tuple[str, ...]]:
    wrong = ValueError(f"{kind} takes {_FORMS[kind]}, not {_LOGON.sub('//…@', str(value)[:MAX_WORD])[:80]!r}")
    if kind == "command":
        words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        if not 1 <= len(words) <= MAX_WORDS or not all(
                isinstance(w, str | int) and not isinstance(w, bool) and 0 < len(str(w)) <= MAX_WORD and "\0" not in str(w)
                for w in words):
            raise wrong
        return "", tuple(map(str, words))
    text = str(value).strip()
    if len(text) > MAX_WORD or not text.isprintable():
        raise wrong
    if kind == "http":
        scheme, _, rest = text.partition("://")
        if scheme not in ("http", "https") or not rest or " " in text:
            raise wrong
        if _LOGON.search(text):
            raise ValueError("http: the URL has a user or a password, and pages are asked for without: leave it out, or have a "
                             "command log on")
        return text, ()
    address, colon, port = text.rpartition(":")
    if not port.isdecimal() or not port.isascii() or not 0 < int(port) < 65536 or (colon and not address) or " " in address:
        raise wrong
    return text, ()


def _number(name: str, value: Any) -> float | int:
    most = 599 if name == "status" else MAX_WAIT
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number <= most or (name == "timeout" and number == 0):
        raise ValueError(f"{name}: {str(value)[:80]!r} is no number {'of seconds ' if name != 'status' else ''}up to {most}")
    return int(number) if name == "status" else number
