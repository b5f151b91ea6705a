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
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ringfence.batch import CHANGED_MEANWHILE, UNKNOWN_VERB, Answer, Failure, Reply
from ringfence.batch.reply import MISSING_COMMAND
from ringfence.errors import HostError
from ringfence.model.state import Change
from ringfence.report import HostResult
from ringfence.run.masked_values import MaskedValues
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
        self._small: set[str] = set()
        self._shown = MaskedValues(self._without, self._is_in, self.error)
        self.learn(secrets)

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Look for these too."""
        known = set(self._texts).union(*(_spellings(str(s.reveal())) for s in secrets))
        self._texts = sorted((s for s in known if len(s) >= _IN_TEXTS), key=len, reverse=True)
        self._values = [s for s in self._texts if len(s) >= _IN_VALUES]
        self._small = {s.lower() for s in self._values}

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
        """The same result, and no secret is to be seen in anything of it. Masked is what is shown, since what was read had to be
        compared as it is."""
        if result.changed_by:  # of events their fields are not shown
            result = replace(result, changed_by={id: _without_fields(one) for id, one in result.changed_by.items()})
        masked: HostResult = self._shown.of(result) if self._values else replace(result, error=self._shown.of(result.error))
        return masked

    def changes(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Changes as they are shown."""
        return tuple(map(self._shown.of, changes)) if self._values else tuple(changes)

    def _without(self, text: str) -> str:
        for secret in self._values:
            text = text.replace(secret, MASK)
        return text

    def _is_in(self, text: str) -> bool:
        small = text.lower()
        return any(secret in small for secret in self._small)


def _without_fields(one: "Attribution") -> "Attribution":
    return replace(one, event=one.event and replace(one.event, fields={}))


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
    letters = {secret.lower(), secret.upper()} if len(secret) >= _IN_VALUES else set()  # as names and words of Windows are read
    as_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {secret, *letters, *as_json, html.escape(secret), *coded, *lines}
