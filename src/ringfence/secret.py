"""A value that must not be seen."""

import contextlib
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

MASK = "********"
"""What is shown in the place of a secret."""
SCRYPT_COST = 2**14  # what a guess at a secret costs somebody who has its digest: about 50 ms

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
    Of a secret on a host one only knows that it is there: a `StoredSecret`.
    """

    __slots__ = ("_text", "sealed")

    def __init__(self, text: str, sealed: str = "") -> None:
        """sealed: the digest of the ciphertext that it was decrypted from; empty where it came otherwise."""
        self._text, self.sealed = text, sealed

    def reveal(self) -> str:
        """The text. Call it where the secret leaves for its only destination, never to format a message."""
        return self._text

    def fingerprint(self, key: bytes) -> str:
        """HMAC-SHA-256 of the UTF-8 text under `key`, in lower case hex: what a host compares with one of its own."""
        return hmac.new(key, self._text.encode(), hashlib.sha256).hexdigest()

    def digest(self, salt: bytes) -> str:
        """What tells later whether it was exchanged, for a file that others read: of one from a vault the digest of its
        ciphertext, which says nothing of the text, else scrypt's (RFC 7914), which makes guesses dear."""
        return f"vault:{self.sealed}" if self.sealed else self.slow_digest(salt)

    def slow_digest(self, salt: bytes) -> str:
        """scrypt's digest of the text."""
        return f"scrypt:{_scrypt(self._text, salt)}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StoredSecret):
            return other == self
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(Secret)  # the same for all: nothing made of a text leaves by a hash

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
        return self._text, self.sealed


@lru_cache(1024)  # a fleet has the same again and again
def _scrypt(text: str, salt: bytes) -> str:
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=salt, n=SCRYPT_COST, r=8, p=1).hex()[:32]


class StoredSecret(Secret):
    """A secret that a host keeps and does not tell. It equals nothing but itself: whether it is a certain one, only the
    host can say."""

    __slots__ = ()

    def __init__(self) -> None:
        self.sealed = ""

    def reveal(self) -> str:
        raise TypeError("the text of a secret that a host keeps is not known here")

    def fingerprint(self, key: bytes) -> str:
        return self.reveal()

    def digest(self, salt: bytes) -> str:
        return ""

    slow_digest = digest

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return hash(Secret)

    def _parts(self) -> tuple[Any, ...]:
        return ()


def revealed(secret: Secret | None) -> str | None:
    """The text of a secret where there is one; see `Secret.reveal`."""
    return secret.reveal() if secret else None


def contains_secret(value: Any) -> bool:
    """Whether a secret is in a plain value: itself, or a member of a list or mapping in it."""
    if isinstance(value, str):  # what most values are, and not to be taken for the sequence that it is too
        return False
    if isinstance(value, list | tuple | Mapping):
        members = value.values() if isinstance(value, Mapping) else value
        return any(map(contains_secret, [m for m in members if m.__class__ is not str]))
    return isinstance(value, Secret)
