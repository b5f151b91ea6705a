"""A value that must not be seen."""

import hashlib
import hmac


class Secret:
    """Text that never prints itself. It has no text form on purpose: only `reveal` gives it away.

    Two secrets are equal when their texts are; `fingerprint` compares them across machines without showing them.
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
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __repr__(self) -> str:
        return "********"

    def __str__(self) -> str:
        raise TypeError("a secret cannot become part of a text: give it as the whole value")

    def __format__(self, spec: str) -> str:
        return str(self)

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be stored")
