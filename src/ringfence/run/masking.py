"""What a host says without the secrets that it was told: it may repeat them in whatever text it likes.

A host can always say a secret in words of its own (backwards, in pieces). What is caught is what happens by accident or
ease: the text itself, as JSON and XML write it, and its base64 in UTF-8 and UTF-16, as PowerShell has it.
"""

import base64
import contextlib
import html
import json
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ringfence.batch import CHANGED_MEANWHILE, UNKNOWN_VERB, Answer, Failure, Reply
from ringfence.batch.reply import MISSING_COMMAND
from ringfence.errors import HostError
from ringfence.model.resource import Resource
from ringfence.model.state import Change
from ringfence.report import HostResult
from ringfence.secret import MASK, Secret
from ringfence.transports.connection_settings import ConnectionSettings
from ringfence.windows.undo_calls import BUSY_ID

if TYPE_CHECKING:  # of drift alone
    from ringfence.windows.attribution import Attribution

_IN_TEXTS = 4  # characters of the shortest secret that is looked for in messages
_IN_VALUES = 12  # and in values that are shown: a shorter one may be a word of a rule
# Error ids that a run decides by, and how others begin: they stay, though a word of them be a password.
_KNOWN_IDS, _KNOWN_BEGINNINGS = (CHANGED_MEANWHILE, UNKNOWN_VERB, BUSY_ID), ("ringfence.", *MISSING_COMMAND)


class Masking:
    """The secrets of one host, and texts without them."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._texts: list[str] = []  # all spellings, the longest first
        self._values: list[str] = []
        self.learn(secrets)

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Look for these too."""
        known = set(self._texts).union(*(_spellings(str(s.reveal())) for s in secrets))
        self._texts = sorted((s for s in known if len(s) >= _IN_TEXTS), key=len, reverse=True)
        self._values = [s for s in self._texts if len(s) >= _IN_VALUES]

    def text(self, text: str) -> str:
        """A message without secrets; one that was cut may end in the beginning of one."""
        for secret in self._texts:
            text = text.replace(secret, MASK)
            cut = next((n for n in range(min(len(secret) - 1, len(text)), _IN_TEXTS - 1, -1) if text.endswith(secret[:n])), 0)
            text = text[:-cut] + MASK if cut else text
        return text

    def error(self, error: HostError) -> HostError:
        """The same failure in words without secrets."""
        masked = self.text(error.detail)
        return error if masked == error.detail else type(error)(error.kind, masked)

    def reply(self, reply: Reply) -> Reply:
        """The same answers, in their errors no secrets. Values stay: they have to be compared as they are."""
        return Reply({label: self._answer(answer) for label, answer in reply.answers.items()})

    def _answer(self, answer: Answer) -> Answer:
        if (error := answer.error) is None:
            return answer
        return Answer(error=Failure(error.category, self._id(error.id), self.text(error.message), error.code))

    def _id(self, id: str) -> str:
        """An error id without secrets: what PowerShell throws as a text is its own id."""
        known = id if id in _KNOWN_IDS else next((b for b in _KNOWN_BEGINNINGS if id.startswith(b)), "")
        return known + self.text(id[len(known):])

    def result(self, result: HostResult) -> HostResult:
        """The same result, in whose changes no secret is to be seen."""
        names = {self._without(stored): self._without(called) for stored, called in result.names.items()}
        return replace(result, changes=self.changes(result.changes), remaining=self.changes(result.remaining), names=names,
                       changed_by=result.changed_by and {id: self._attribution(one) for id, one in result.changed_by.items()})

    def _attribution(self, one: "Attribution") -> "Attribution":
        event = one.event and replace(one.event, user=self._without(one.event.user), account=self._without(one.event.account),
                                      program=self._without(one.event.program), fields={})
        return replace(one, event=event, unknown=self._without(one.unknown))

    def changes(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Changes as they are shown."""
        return tuple(map(self._change, changes)) if self._values else tuple(changes)

    def _change(self, change: Change) -> Change:
        before, after = self._value(change.before), self._value(change.after)
        return change if before is change.before and after is change.after else replace(change, before=before, after=after)

    def _value(self, value: Any) -> Any:
        """A value without secrets; the same object where none is in it."""
        if isinstance(value, str):
            masked = self._without(value)
            return value if masked == value else type(value)(masked)
        if isinstance(value, tuple):
            members = tuple(map(self._value, value))
            return value if all(new is old for new, old in zip(members, value, strict=True)) else members
        if isinstance(value, Resource):
            values = {name: self._value(v) for name, v in value.values().items()}
            unknown = self._value(value.unknown_tokens)
            same = unknown is value.unknown_tokens and all(v is getattr(value, name) for name, v in values.items())
            return value if same else value.kind.create(value.name, values, unknown)
        return value

    def _without(self, text: str) -> str:
        for secret in self._values:
            text = text.replace(secret, MASK)
        return text


def secrets_of(settings: ConnectionSettings) -> list[Secret]:
    """The secrets of a connection: passwords, keys, and the password in the URL of a proxy."""
    found = [value for f in fields(settings) if isinstance(value := getattr(settings, f.name), Secret)]
    proxy, password = getattr(settings, "proxy", None), None
    with contextlib.suppress(ValueError):  # no URL
        password = urlsplit(proxy).password if isinstance(proxy, str) else None
    found += settings.from_secrets
    return [*found, *(Secret(p) for p in {password, unquote(password)})] if password else found


def _spellings(secret: str) -> set[str]:
    """How a secret may stand in a text. A key of several lines is looked for line by line too."""
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) > 20}
    coded = {base64.b64encode(secret.encode(encoding, "replace")).decode().rstrip("=") for encoding in ("utf-8", "utf-16-le")}
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret), *coded, *lines}
