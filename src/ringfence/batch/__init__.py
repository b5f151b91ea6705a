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
import gzip
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.batch.reply import CHANGED_MEANWHILE as CHANGED_MEANWHILE
from ringfence.batch.reply import MAX_REPLY as MAX_REPLY
from ringfence.batch.reply import OLDEST_MINOR as OLDEST_MINOR
from ringfence.batch.reply import UNKNOWN_VERB as UNKNOWN_VERB
from ringfence.batch.reply import WIRE_MINOR as WIRE_MINOR
from ringfence.batch.reply import WIRE_VERSION as WIRE_VERSION
from ringfence.batch.reply import WRONG_BITS as WRONG_BITS
from ringfence.batch.reply import Answer as Answer
from ringfence.batch.reply import Failure as Failure
from ringfence.batch.reply import Reply as Reply
from ringfence.batch.reply import answers
from ringfence.batch.scripts import script as script
from ringfence.batch.scripts import script_for
from ringfence.errors import HostError
from ringfence.secret import Secret


@dataclass(frozen=True, slots=True)
class Call:
    """One verb of the host script with its arguments, plain JSON values."""

    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)


def cmdlet_call(cmdlet: str, parameters: Mapping[str, Any], expected: Mapping[str, Any] | None = None) -> Call:
    """A NetSecurity cmdlet with its parameters. `expected`: what has to stand there before (windows/expected.py)."""
    expectation = {} if expected is None else {"expected": expected}
    return Call("Net.Call", {"cmdlet": cmdlet, "parameters": dict(parameters), **expectation})


@dataclass(frozen=True, slots=True)
class AsHmac:
    """A secret among the arguments that travels as its HMAC under the key of the batch, never as text."""

    secret: Secret


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that travel together, each under a label of the caller's choice; the reply has its answer under the same.

    Labels do not travel: on the wire calls and answers have one order. stop_on_error: end at the first failure (writes) ·
    admit: told how many bytes of memory a reply will take before it is read; it may wait for room.
    """

    calls: Mapping[Any, Call]
    stop_on_error: bool = False
    run_id: str = field(default_factory=lambda: os.urandom(8).hex())
    hmac_key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    admit: Callable[[int], object] = field(default=bool, repr=False)

    @property
    def script(self) -> str:
        """The script that can do what the calls ask, and no more."""
        return script_for(c.verb for c in self.calls.values())

    @property
    def secrets(self) -> list[Secret]:
        """The secrets among the arguments, those too that do not travel as text."""
        found: list[Secret] = []
        waiting: list[Any] = [call.args for call in self.calls.values()]
        while waiting:
            value = waiting.pop()
            if isinstance(value, Secret | AsHmac):
                found.append(value.secret if isinstance(value, AsHmac) else value)
            elif isinstance(value, Mapping | list | tuple):
                waiting += value.values() if isinstance(value, Mapping) else value
        return found

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

    def decode(self, output: bytes, limit: int = MAX_REPLY) -> Reply:
        """The reply in what the host printed. Bounded memory; raises HostError, whatever the host sent."""
        found = answers(output, self.run_id, limit, self.admit)
        failed = any(a.error for a in found)
        if len(found) > len(self.calls) or (len(found) < len(self.calls) and not (self.stop_on_error and failed)):
            raise HostError("protocol", f"{len(found)} answers to {len(self.calls)} calls")
        return Reply(dict(zip(self.calls, found, strict=False)))
