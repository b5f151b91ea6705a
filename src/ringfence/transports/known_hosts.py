"""OpenSSH's known_hosts, read for one host at a time: a fleet's file is long and building keys is dear.

Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": markers, patterns with `*`, `?` and `!`, hashed names, `[host]:port`.
"""

import base64
import binascii
import errno
import functools
import hashlib
import hmac
import os
import re
import threading
from dataclasses import dataclass

import paramiko

from ringfence import files

_appending = threading.Lock()
# A line of known_hosts: nothing, a comment, or names, type of key, key. One of authorized_keys begins with the type of the
# key, or with options (sshd(8), AUTHORIZED_KEYS FILE FORMAT), of which some look like names.
_TYPE = r"(?:ssh|ecdsa|sk)-[\w@.-]+"
_OPTION = (r"(?:(?:no-)?(?:agent-forwarding|port-forwarding|pty|user-rc|x11-forwarding|touch-required)|restrict"
           r"|cert-authority|verify-required)")
_LINE = re.compile(rf"\s*(?:#|$|(?:@[a-z-]+\s+)?(?!{_TYPE}\s|{_OPTION}[\s,])(?:\|1\|\S+|[^\s=\"]+)\s+{_TYPE}\s+"
                   r"[A-Za-z0-9+/]+=*(?:\s|$))", re.IGNORECASE)


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
    """Add a host's key to the file at `path`, as `ssh` does for `accept-new`. Raises OSError, also where the file is
    there and none of known hosts.

    The name is hashed (HashKnownHosts): a line that begins with a host's name could mean something to whoever else reads
    the file that a project names, an option in authorized_keys or a command in a profile. The null device is for whoever wants
    nothing remembered.
    """
    if path == os.devnull:
        return
    salt = os.urandom(20)
    digest = hmac.digest(salt, known_name(host, port).encode(), "sha1")
    name = "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))
    with _appending:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        if os.path.lexists(path) and not is_known_hosts(path):
            raise OSError(errno.EEXIST, "it holds something else than known hosts")
        with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
            file.write(("\n" if open_ended(path) else "") + f"{name} {key.get_name()} {key.get_base64()}\n")


def is_known_hosts(path: str) -> bool:
    """Whether there is a file in which every line that says something is one of known_hosts. Raises OSError."""
    if not os.path.isfile(path):
        return False
    return all(map(_LINE.match, _lines(path)))


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
    for line in _lines(path):
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) >= 3 and not words[0].startswith("#"):
            names = words[0] if words[0].startswith("|1|") else words[0].lower()
            found.append(KnownHostsLine(marker, tuple(names.split(",")), f"{words[1]} {words[2]}"))
    return tuple(found)


def _lines(path: str) -> list[str]:
    """The lines of a file. Raises OSError, also for what is no file or too large."""
    try:
        return files.read_bytes(path, files.MAX_KNOWN_HOSTS).decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from None


def _wildcard(pattern: str, name: str) -> bool:
    """Whether `*` and `?` fit, without a regular expression for each line: compiling them is dear."""
    at = star = 0
    begin, held = 0, False
    while at < len(name):
        if begin < len(pattern) and pattern[begin] == "*":
            held, star, begin, resume = True, begin, begin + 1, at
        elif begin < len(pattern) and pattern[begin] in ("?", name[at]):
            begin, at = begin + 1, at + 1
        elif held:  # let the last star take one more
            resume += 1
            begin, at = star + 1, resume
        else:
            return False
    return not pattern[begin:].strip("*")


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
