"""A value that must not be seen."""

import contextlib
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

MASK = "********"
"""What is shown in the place of a secret."""

_travelling: ContextVar[bool] = ContextVar("secrets travel", default=False)


@contextlib.contextmanager
def secrets_travel() -> Iterator[None]:
    """Within this context secrets can be pickled, to hand a job to another process of ours. Nothing pickled is stored."""
    token = _travelling.set(True)
    try:
        yield
    finally:
        _travelling.reset(token)


class Secret:
    """Text that never prints itself. It has no text form on purpose: only `reveal` gives it away.

    Two secrets are equal when their texts are; `fingerprint` compares them across machines without showing them.
    A secret read from a host is known only by its HMAC, a `SecretDigest`, and equals the Secret that yields it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text. Call it where the secret leaves for its only destination, never to format a message."""
        return self._text

    def fingerprint(self, key: bytes) -> str:
        """HMAC-SHA-256 of the UTF-8 text under `key`, in hex: what the host script sends instead of the text."""
        return hmac.new(key, self._text.encode(), hashlib.sha256).hexdigest()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SecretDigest):
            return other == self
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(Secret)  # the same for all: a SecretDigest equals a Secret and cannot know its text

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        raise TypeError("a secret cannot become part of a text: give it as the whole value")

    def __format__(self, spec: str) -> str:
        return str(self)

    def __reduce__(self) -> tuple[type["Secret"], tuple[Any, ...]]:
        if not _travelling.get():
            raise TypeError("a secret cannot be stored")
        return type(self), self._parts()

    def _parts(self) -> tuple[Any, ...]:
        return (self._text,)


class SecretDigest(Secret):
    """A secret as a host tells of it: its HMAC `digest` (hex) under the run's `key`, never its text."""

    __slots__ = ("_digest", "_key")

    def __init__(self, digest: str, key: bytes) -> None:
        self._digest, self._key = digest.lower(), key

    def reveal(self) -> str:
        raise TypeError("the text of a secret that was found on a host is not known here")

    def fingerprint(self, key: bytes) -> str:
        if key != self._key:
            raise TypeError("a secret that was found on a host is known under the key of its run alone")
        return self._digest

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SecretDigest):
            return self._key == other._key and hmac.compare_digest(self._digest, other._digest)
        return isinstance(other, Secret) and hmac.compare_digest(self._digest, other.fingerprint(self._key))

    def __hash__(self) -> int:
        return hash(Secret)

    def _parts(self) -> tuple[Any, ...]:
        return (self._digest, self._key)


def revealed(secret: Secret | None) -> str | None:
    """The text of a secret where there is one; see `Secret.reveal`."""
    return secret.reveal() if secret else None


def contains_secret(value: Any) -> bool:
    """Whether a secret is in a plain value: itself, or a member of a list or mapping in it."""
    if isinstance(value, list | tuple):
        return any(map(contains_secret, value))
    if isinstance(value, Mapping):
        return any(map(contains_secret, value.values()))
    return isinstance(value, Secret)
