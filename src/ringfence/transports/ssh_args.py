"""Jump hosts and the few arguments of OpenSSH's client that mean something to us. Pure."""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ringfence.transports.connection_variables import VariableType, choice, host_name

HOST_KEY_POLICY = choice("strict", "accept-new", "off", aliases={"yes": "strict", "true": "strict", "ask": "strict",
                                                        "no": "off", "false": "off"})

_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[^\s@:,\[\]/]+))"
                   r"(?::(?P<port>\d{1,5}))?/?")
_OPTIONS = {"proxyjump": "jump", "stricthostkeychecking": "host_key_policy", "userknownhostsfile": "known_hosts",
            "identityfile": "private_key_file"}


@dataclass(frozen=True, slots=True)
class Jump:
    """A host on the way; `user` None is whoever runs ringfence, as with OpenSSH."""

    host: str
    port: int = 22
    user: str | None = None


def _jumps(value: Any) -> tuple[Jump, ...]:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    if value.strip().lower() in ("", "none"):
        return ()
    found = []
    for number, part in enumerate(value.split(","), 1):
        match = _JUMP.fullmatch(part.strip())
        if not match or not 1 <= int(match["port"] or 22) <= 65535:
            raise ValueError(f"has a jump host that cannot be read, number {number}")
        host_name.parse(match["v6"] or match["host"])
        found.append(Jump(match["v6"] or match["host"], int(match["port"] or 22), match["user"]))
    return tuple(found)


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """(option, value) of `-o Key=Value`, `-oKey Value`, `-J hosts`, `-i file`; anything else is passed over."""
    rest = iter(words)
    for word in rest:
        if word[:2] in ("-o", "-J", "-i"):
            value = word[2:] or next(rest, "")
            if word[:2] == "-o":
                key, _, value = re.sub(r"\s*=\s*|\s+", "=", value.strip(), count=1).partition("=")
                yield key.lower(), value.strip()
            else:
                yield {"-J": "proxyjump", "-i": "identityfile"}[word[:2]], value


def _ssh_args(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise ValueError(f"cannot be read ({str(error).lower()})") from None
    found: dict[str, Any] = {}
    for option, text in _options(words):
        if option == "proxycommand" and text.strip('"').lower() != "none":
            raise ValueError("has a ProxyCommand, which is not supported: name the host on the way in "
                             "ringfence_ssh_jump")
        if field := _OPTIONS.get(option):  # of an option given twice OpenSSH takes the first
            found.setdefault(field, _PARSERS[field](text))
    return found


def _one_file(text: str) -> str:
    """The path of a file: OpenSSH takes several with blanks between them, which is refused, and one in quotes."""
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    path = text[1:-1] if quoted else text
    if '"' in path or (not quoted and len(path.split()) > 1):
        raise ValueError("names more than one file: name one of them (a path with blanks in quotes)")
    return os.devnull if path.lower() == "none" else path


_PARSERS: dict[str, Callable[[str], Any]] = {
    "jump": lambda text: _jumps(text.strip('"')), "host_key_policy": lambda text: HOST_KEY_POLICY.parse(text.strip('"')),
    "known_hosts": _one_file, "private_key_file": lambda text: text.strip('"')}

jumps = VariableType("jump hosts: user@host:port, with commas between", _jumps)
ssh_args = VariableType("arguments of OpenSSH's client", _ssh_args)
