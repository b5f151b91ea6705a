"""What is said to a host and what it answers: one batch of calls, one reply. Pure.

Wire format (version 2; Facts.Read answers `wire`, version and minor, `verbs` and `script_sha256`: an endpoint of JEA may be older
than its controller, at most by two minors). To the host, one line of base64 over gzip over the UTF-8 JSON

    {"ringfence": 2, "run": "9f…", "key": "BASE64", "stop": true, "calls": [{"verb": "Net.Call", "args": {…}}, …]}

`key` is a fresh 32-byte key under which the batch names wanted pre-shared keys by their HMACs, for the host to compare with
what it has (no HMAC of a stored key is ever answered); `stop` ends the batch at the
first call that fails (writes), else every call is tried (reads). From the host, between ASCII sentinels,
base64 over gzip over the UTF-8 JSON

    <<ringfence:H4sI…>>
    {"ringfence": 2, "run": "9f…", "replies": [{"ok": true, "value": …}, {"ok": false, "error": {…}}]}

with one reply a call in order; calls after a stop have none. Where the script cannot run at all it says so in plain
text: `<<ringfence-fatal:KIND:DETAIL>>` with a KIND of errors.FAILURES. A parameter value of a Net.Call may itself be a
call (proposals are objects): `{"$call": {"cmdlet": …, "parameters": {…}}}`.
"""

import base64
import binascii
import gzip
import json
import os
import re
import zlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.batch.scripts import COMPARE_KEYS, EXAMINING_VERBS, WRITING_VERBS
from ringfence.batch.scripts import script as script
from ringfence.errors import FAILURES, HostError
from ringfence.secret import Secret

WIRE_VERSION, WIRE_MINOR = 2, 0  # a minor adds verbs, arguments or members; what is there keeps its meaning
OLDEST_MINOR = max(0, WIRE_MINOR - 2)  # of endpoints that are still understood
UNKNOWN_VERB = "ringfence.verb"  # the error id of a verb that the script there does not have
MISSING_COMMAND = ("CommandNotFound", "CouldNotAutoload")  # how the id begins where the session lacks a command
MAX_REPLY = 64 * 2**20  # bytes of JSON; 50,000 rules are about 20 MB

_FRAME = re.compile(rb"<<ringfence:([A-Za-z0-9+/=\s]+)>>")
_FATAL = re.compile(rb"<<ringfence-fatal:([a-z_]+):([^>]*)>>")


@dataclass(frozen=True, slots=True)
class Call:
    """One verb of the host script with its arguments, plain JSON values."""

    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)


def cmdlet_call(cmdlet: str, parameters: Mapping[str, Any]) -> Call:
    """A NetSecurity cmdlet with its parameters."""
    return Call("Net.Call", {"cmdlet": cmdlet, "parameters": dict(parameters)})


@dataclass(frozen=True, slots=True)
class AsHmac:
    """A secret among the arguments that travels as its HMAC under the key of the batch, never as text."""

    secret: Secret


@dataclass(frozen=True, slots=True)
class Failure:
    """What a host said of a call that failed: PowerShell's category, its error id, the message."""

    category: str
    id: str
    message: str
    code: int | None = None

    @property
    def is_lack(self) -> bool:
        """Whether nothing was refused: the script there does not know the verb, or its session lacks the command."""
        return self.id == UNKNOWN_VERB or self.id.startswith(MISSING_COMMAND)


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one call: `value` where `error` is None."""

    value: Any = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that travel together, each under a label of the caller's choice; the reply has its answer under the same.

    Labels do not travel: on the wire calls and answers have one order. stop_on_error: end at the first failure (writes).
    """

    calls: Mapping[Any, Call]
    stop_on_error: bool = False
    run_id: str = field(default_factory=lambda: os.urandom(8).hex())
    hmac_key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)

    @property
    def script(self) -> str:
        """The script that can do what the calls ask, and no more."""
        verbs = {c.verb for c in self.calls.values()}
        return script(writes=not verbs.isdisjoint(WRITING_VERBS), compares_keys=COMPARE_KEYS in verbs,
                      examines=not verbs.isdisjoint(EXAMINING_VERBS))

    def encode(self) -> str:
        """The one line that travels to the host."""
        calls = [{"verb": c.verb, "args": c.args} for c in self.calls.values()]
        document = {"ringfence": WIRE_VERSION, "run": self.run_id, "key": base64.b64encode(self.hmac_key).decode(),
                    "stop": self.stop_on_error, "calls": calls}
        text = json.dumps(document, separators=(",", ":"), default=self._travelling).encode()
        return base64.b64encode(gzip.compress(text, mtime=0)).decode()

    def _travelling(self, secret: Secret | AsHmac) -> str:
        """A secret among the arguments, as it goes: the one place where it becomes text."""
        return secret.secret.fingerprint(self.hmac_key) if isinstance(secret, AsHmac) else secret.reveal()

    def decode(self, output: bytes, limit: int = MAX_REPLY) -> "Reply":
        """The reply in what the host printed. Bounded memory; raises HostError, whatever the host sent."""
        if fatal := _FATAL.search(output):
            kind = fatal[1].decode()
            raise HostError(kind if kind in FAILURES else "script", fatal[2].decode("ascii", "replace"))
        frame = _FRAME.search(output)
        if not frame:
            raise HostError("protocol", f"no reply in {len(output)} bytes: {_excerpt(output)}")
        try:
            return self._reply(_parsed(_inflate(frame[1], limit).decode()))
        except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise HostError("protocol", f"damaged reply: {error}") from None

    def _reply(self, document: Any) -> "Reply":
        if document["ringfence"] != WIRE_VERSION:
            raise HostError("version", f"here {WIRE_VERSION}, there {str(document['ringfence'])[:20]}")
        if document["run"] != self.run_id:
            raise HostError("protocol", "the reply belongs to another run")
        answers = [_answer(r) for r in document["replies"]]
        failed = any(a.error for a in answers)
        if len(answers) > len(self.calls) or (len(answers) < len(self.calls) and not (self.stop_on_error and failed)):
            raise HostError("protocol", f"{len(answers)} answers to {len(self.calls)} calls")
        return Reply(dict(zip(self.calls, answers, strict=False)))


@dataclass(frozen=True, slots=True)
class Reply:
    """The answers to the calls of a batch, by their labels; a stopped batch has fewer of them."""

    answers: Mapping[Any, Answer]

    def __getitem__(self, label: Hashable) -> Any:
        """The value of a call that has to succeed. Raises HostError."""
        answer = self.answers[label]
        if answer.error:
            raise HostError("endpoint" if answer.error.is_lack else "script", answer.error.message)
        return answer.value


def _answer(reply: Mapping[str, Any]) -> Answer:
    if reply["ok"] is True:
        return Answer(reply.get("value"))
    error, code = reply["error"], reply["error"].get("code")
    return Answer(error=Failure(str(error["category"]), str(error["id"]), str(error["message"]),
                                code if isinstance(code, int) else None))


def _parsed(text: str) -> Any:
    """JSON, without halves of character pairs: Windows' strings may hold such, but no file and no terminal takes them."""
    document = json.loads(text)
    if "\\ud" in text or "\\uD" in text:
        document = json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    return document


def _inflate(text: bytes, limit: int) -> bytes:
    gunzip = zlib.decompressobj(wbits=31)
    data = gunzip.decompress(base64.b64decode(b"".join(text.split()), validate=True), limit + 1)
    if len(data) > limit:
        raise HostError("too_large", f"more than {limit} bytes")
    if not gunzip.eof:
        raise ValueError("cut short")
    return data


def _excerpt(output: bytes) -> str:
    text = output[:200].decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else " " for c in text) or "nothing"
