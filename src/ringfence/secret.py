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
_PLAIN = frozenset({str, int, bool, float, type(None)})
_WITH_MEMBERS = (dict, list, tuple, Mapping)  # made once: a union of types would be made anew at every question
_MAPPINGS = (dict, Mapping)  # what most are, first
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
    """A value that never prints itself: a text, number, list or mapping. It has no text form on purpose: only `reveal` gives it
    away.

    Two secrets are equal when their values are; `fingerprint` compares texts across machines without showing them.
    Of a secret on a host one only knows that it is there: a `StoredSecret`.
    """

    __slots__ = ("_value", "sealed", "sources")

    def __init__(self, value: Any, sealed: str = "", sources: tuple[str, ...] = ()) -> None:
        """sealed: the digest of the ciphertext that it was decrypted from; empty where it came otherwise · sources: the variables
        that it is or was computed of, each with its place."""
        self._value, self.sealed, self.sources = value, sealed, sources

    def reveal(self) -> Any:
        """The value. Call it where the secret leaves for its only destination, never to format a message."""
        return self._value

    @property
    def is_text(self) -> bool:
        """Whether it is a text, or a number that one may be given as."""
        return isinstance(self._value, str | int | float) and not isinstance(self._value, bool)

    def as_text(self) -> "Secret":
        """The same as a text: of a number its digits."""
        return self if type(self._value) is str else Secret(str(self._value), self.sealed, self.sources)

    def within(self, key: Any) -> str:
        """What `sealed` is of a member of this list or mapping."""
        way = f"{self.sealed} {key!r}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(way).hexdigest()[:32] if self.sealed else ""

    def member(self, key: Any) -> "Secret":
        """A member of a list or mapping, as secret as the whole. Raises LookupError, TypeError."""
        value = self._value[key]
        return value if isinstance(value, Secret) else Secret(value, self.within(key), self.sources)

    def fingerprint(self, key: bytes) -> str:
        """HMAC-SHA-256 of the UTF-8 text under `key`, in lower case hex: what a host compares with one of its own."""
        return hmac.new(key, str(self._value).encode(), hashlib.sha256).hexdigest()

    def digest(self, salt: bytes) -> str:
        """What tells later whether it was exchanged, for a file that others read: of one from a vault the digest of its
        ciphertext, which says nothing of the text, else scrypt's (RFC 7914), which makes guesses dear."""
        return f"vault:{self.sealed}" if self.sealed else self.slow_digest(salt)

    def slow_digest(self, salt: bytes) -> str:
        """scrypt's digest of the text."""
        return f"scrypt:{_scrypt(str(self._value), salt)}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):  # nor a StoredSecret, which Python asks first
            return False
        if isinstance(self._value, str) and isinstance(other._value, str):
            return hmac.compare_digest(*(one._value.encode("utf-8", "surrogatepass") for one in (self, other)))
        return type(self._value) is type(other._value) and bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash(Secret)  # the same for all: nothing made of a value leaves by a hash

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        raise TypeError("a secret has no text")

    def __format__(self, spec: str) -> str:
        return str(self)

    def __reduce__(self) -> tuple[type["Secret"], tuple[Any, ...]]:
        if not _travelling.get():
            raise TypeError("a secret cannot be stored")
        return type(self), self._parts()

    def _parts(self) -> tuple[Any, ...]:
        return self._value, self.sealed, self.sources


@lru_cache(1024)  # a fleet has the same again and again
def _scrypt(text: str, salt: bytes) -> str:
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=salt, n=SCRYPT_COST, r=8, p=1).hex()[:32]


class StoredSecret(Secret):
    """A secret that a host keeps and does not tell. It equals nothing but itself: whether it is a certain one, only the
    host can say."""

    __slots__ = ()

    def __init__(self) -> None:
        self.sealed, self.sources = "", ()

    def reveal(self) -> Any:
        raise TypeError("the text of a secret that a host keeps is not known here")

    def fingerprint(self, key: bytes) -> str:
        return str(self.reveal())

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
    return str(secret.reveal()) if secret else None


def contains_secret(value: Any) -> bool:
    """Whether a secret is in a plain value: itself, or a member of a list or mapping in it. What is in it many times is looked
    through once."""
    if value.__class__ in _PLAIN:  # most are
        return False
    if not isinstance(value, _WITH_MEMBERS):
        return isinstance(value, Secret)
    todo, known = [value], {id(value): value}
    while todo:
        one = todo.pop()
        for member in [m for m in (one.values() if isinstance(one, _MAPPINGS) else one) if m.__class__ not in _PLAIN]:
            if isinstance(member, Secret):
                return True
            if isinstance(member, _WITH_MEMBERS) and id(member) not in known:
                known[id(member)] = member
                todo.append(member)
    return False


def revealed_all(value: Any, secrets: list[Secret] | None = None) -> Any:
    """A plain value with the values of all secrets in it; the same object where there are none. They are added to `secrets`."""
    if isinstance(value, Secret):
        if secrets is not None:
            secrets.append(value)
        return revealed_all(value.reveal(), secrets)
    if not contains_secret(value):
        return value
    if isinstance(value, Mapping):
        return {key: revealed_all(one, secrets) for key, one in value.items()}
    return [revealed_all(one, secrets) for one in value]


def opened(value: Any) -> Any:
    """A secret list or mapping as one of secrets, so that each can go where it belongs; any other value as it is."""
    if isinstance(value, Secret) and isinstance(inner := value.reveal(), list | tuple | Mapping):
        return ({key: opened(value.member(key)) for key in inner} if isinstance(inner, Mapping) else
                [opened(value.member(index)) for index in range(len(inner))])
    if isinstance(value, Mapping):
        return {key: opened(one) for key, one in value.items()}
    return [opened(one) for one in value] if isinstance(value, list | tuple) else value


def sources_in(value: Any) -> tuple[str, ...]:
    """The variables that the secrets in a value come of, with their places."""
    found: list[Secret] = []
    revealed_all(value, found)
    return tuple(dict.fromkeys(source for secret in found for source in secret.sources))
