"""Results on their way from one process to another of the same run: equal parts travel once, and no secret in clear.

Hosts of a fleet have mostly the same changes. The first time a change comes by it is written out, later it is a number. Both
sides forget what they know at the same moment, so that what is remembered stays small however many differ.
"""

import base64
import copyreg
import io
import os
import pickle
import threading
from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from typing import Any

from ringfence.model.state import Change
from ringfence.plan.obstacles import Affected
from ringfence.secret import Secret, StoredSecret, secrets_travel

_SHARED: tuple[Any, ...] = (Change, Affected)  # what hosts have alike; both are compared by value
MOST_KNOWN = 4000  # parts that are remembered: those of some hosts that have nothing alike
_NOTHING_KNOWN, _KNOWN = b"0", b"1"  # what was remembered is forgotten, or not


class _Seal:
    """Secrets as nobody reads them who has not the key: both processes have it from before there were two."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @cached_property
    def _fernet(self) -> Any:
        from cryptography.fernet import Fernet  # few runs have secrets in their results

        return Fernet(self._key)

    def close(self, secret: Secret) -> Any:
        with secrets_travel():
            return _opened, (self._fernet.encrypt(pickle.dumps(secret)),)

    def open(self, token: bytes) -> Any:
        return pickle.loads(self._fernet.decrypt(token))


class ResultWriter:
    """Writes messages for the ResultReader that has the same key (`new_key`). One thread at a time."""

    def __init__(self, key: bytes) -> None:
        self._known, self._new = dict[Any, int](), list[Any]()
        self._ways: dict[type, Callable[[Any], Any]] = {
            **copyreg.dispatch_table, **dict.fromkeys(_SHARED, self._shared),
            **dict.fromkeys((Secret, StoredSecret), _Seal(key).close)}

    def dumps(self, message: Any) -> bytes:
        """The bytes of a message. Raises what pickle raises; what is remembered is as before then."""
        buffer = io.BytesIO()
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        buffer.write(_KNOWN if self._known else _NOTHING_KNOWN)
        self._new = []
        pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = self._ways
        try:
            pickler.dump(message)
        except BaseException:
            for part in self._new:
                del self._known[part]
            raise
        return buffer.getvalue()

    def _shared(self, part: Any) -> Any:
        following = len(self._known)
        number = self._known.setdefault(part, following)
        if number != following:
            return _again, (number,)
        self._new.append(part)
        return _first, (number, type(part), tuple(getattr(part, f.name) for f in fields(part)))


class ResultReader:
    """Reads what a ResultWriter with the same key wrote, in that order."""

    def __init__(self, key: bytes) -> None:
        self.seal, self.known = _Seal(key), dict[int, Any]()

    def loads(self, message: bytes) -> Any:
        """The message. Raises what pickle raises."""
        if message[:1] == _NOTHING_KNOWN:
            self.known.clear()
        _reading.reader = self
        return pickle.loads(memoryview(message)[1:])


_reading = threading.local()  # by whom, in this thread: what pickle calls has no other way to know


def _first(number: int, part: type, values: tuple[Any, ...]) -> Any:
    made = _reading.reader.known[number] = part(*values)
    return made


def _again(number: int) -> Any:
    return _reading.reader.known[number]


def _opened(token: bytes) -> Any:
    return _reading.reader.seal.open(token)


def new_key() -> bytes:
    """A key for a writer and its reader."""
    return base64.urlsafe_b64encode(os.urandom(32))
