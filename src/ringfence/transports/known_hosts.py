"""OpenSSH's known_hosts, read for one host at a time: a fleet's file is long and building keys is dear.

Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": markers, patterns with `*`, `?` and `!`, hashed names, `[host]:port`.
"""

import base64
import binascii
import fnmatch
import functools
import hashlib
import hmac
import os
import threading
from dataclasses import dataclass

import paramiko

_appending = threading.Lock()


@dataclass(frozen=True, slots=True)
class KnownHostsLine:
    """A line: `marker` is "", "@revoked" or "@cert-authority"."""

    marker: str
    patterns: tuple[str, ...]
    key: str

    def matches(self, name: str) -> bool:
        """Whether the line is about the host that is called `name` (lower case, `[host]:port` off port 22)."""
        found = False
        for pattern in self.patterns:
            if pattern.startswith("|1|"):
                found |= _hash_matches(pattern, name)
            elif pattern.startswith("!"):
                if _wildcard(pattern[1:], name):
                    return False
            else:
                found |= _wildcard(pattern, name)
        return found


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """The keys that a file has for one host."""

    keys: tuple[paramiko.PKey, ...]
    revoked: frozenset[str]


def known_name(host: str, port: int) -> str:
    """How known_hosts calls a host."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def known(path: str, host: str, port: int) -> KnownKeys:
    """What the file at `path` says of a host; nothing where there is no file. Lines that cannot be read say nothing."""
    try:
        stat = os.stat(path)
        entries = _entries(path, stat.st_mtime_ns, stat.st_size)
    except OSError:
        return KnownKeys((), frozenset())
    name = known_name(host, port)
    mine = [entry for entry in entries if entry.matches(name)]
    revoked = frozenset(entry.key for entry in mine if entry.marker == "@revoked")
    keys = [_key(entry.key) for entry in mine if not entry.marker and entry.key not in revoked]
    return KnownKeys(tuple(key for key in keys if key), revoked)


def remember(path: str, host: str, port: int, key: paramiko.PKey) -> None:
    """Add a host's key to the file at `path`, as `ssh` does for `accept-new`. Raises OSError."""
    line = f"{known_name(host, port)} {key.get_name()} {key.get_base64()}\n"
    with _appending:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        cut = os.path.exists(path) and open_ended(path)
        with open(path, "a", encoding="utf-8") as file:
            file.write(("\n" if cut else "") + line)


def open_ended(path: str) -> bool:
    """Whether the last line of a file lacks its end."""
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        if not file.tell():
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


@functools.lru_cache(maxsize=8)
def _entries(path: str, modified: int, size: int) -> tuple[KnownHostsLine, ...]:
    """The lines of a file, kept until it changes."""
    found = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.split()
            marker = words.pop(0) if words and words[0].startswith("@") else ""
            if len(words) >= 3 and not words[0].startswith("#"):
                names = words[0] if words[0].startswith("|1|") else words[0].lower()
                found.append(KnownHostsLine(marker, tuple(names.split(",")), f"{words[1]} {words[2]}"))
    return tuple(found)


def _wildcard(pattern: str, name: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _hash_matches(pattern: str, name: str) -> bool:
    """HashKnownHosts: `|1|salt|HMAC-SHA1(salt, name)`, both in base64."""
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def _key(text: str) -> paramiko.PKey | None:
    kind, _, data = text.partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(data))
    except (paramiko.SSHException, paramiko.pkey.UnknownKeyType, binascii.Error, ValueError, IndexError):
        return None
