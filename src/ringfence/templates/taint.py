"""What a template makes of secrets is a secret.

Templates work on plain values, so that a secret number adds and a secret list has a first item. Every way by which a secret
comes into a template goes through `unveil`, which notes it; when the template is done its result is a Secret if it looked at one,
whatever it did with it, and what went wrong is told without words of the template's own.
"""

import threading
from collections.abc import Callable, Collection
from typing import Any

from ringfence.diagnostics import NOWHERE
from ringfence.secret import Secret, contains_secret, revealed_all
from ringfence.templates.budget import OverBudget, RenderError, UndefinedFacts, UndefinedValue, charge_whole

_SHOWN_SOURCES = 3


class _Watch(threading.local):
    looked_at: list[Secret] | None = None  # by the template under way; None: there is none


_watch = _Watch()


def unveil(secret: Secret) -> Any:
    """The value of a secret, for the template under way."""
    if _watch.looked_at is None:
        raise TypeError("a secret can only be looked at by a template")
    _watch.looked_at.append(secret)
    return secret.reveal()


def unveil_all(value: Any) -> Any:
    """A plain value with the values of all secrets in it, for the template under way."""
    if not contains_secret(value):
        return value
    if _watch.looked_at is None:
        raise TypeError("a secret can only be looked at by a template")
    charge_whole(value)
    return revealed_all(value, _watch.looked_at)


def has_unveiled() -> bool:
    """Whether the template under way has looked at a secret so far."""
    return bool(_watch.looked_at)


class Mark:
    """How many secrets the template had looked at when a value was begun that it gives away: no template can make one."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = len(_watch.looked_at or ())

    def forget(self) -> None:
        """What was looked at since is no secret."""
        del (_watch.looked_at or [])[self._count:]


def watched(run: Callable[[], Any], names: Collection[str] = ()) -> Any:
    """What a template gives; a Secret where it looked at one. `names` are written in the template, so that they may be told.
    Raises what `run` raises, in words that say nothing of a secret."""
    outer, looked_at = _watch.looked_at, list[Secret]()
    _watch.looked_at = looked_at
    try:
        value = run()
    except Exception as error:
        if not looked_at or not _may_tell(error, names):
            raise
        raise RenderError("a template failed over a secret, and why would show it",
                          f"It looks at {sources_of(looked_at)}.") from None
    finally:
        _watch.looked_at = outer
    return Secret(revealed_all(value, looked_at), "", sources(looked_at)) if looked_at else value


def _may_tell(error: Exception, names: Collection[str]) -> bool:
    """Whether a failure may have something in its words that the template made."""
    if not isinstance(error, RenderError):
        return True
    if error.where != NOWHERE or isinstance(error, OverBudget | UndefinedFacts):  # it was told elsewhere, or always says the same
        return False
    return not (isinstance(error, UndefinedValue) and error.name in names)


def sources(secrets: Collection[Secret]) -> tuple[str, ...]:
    """The variables that secrets come of, each once, with their places."""
    return tuple(dict.fromkeys(source for secret in secrets for source in secret.sources))


def sources_of(secrets: Collection[Secret]) -> str:
    """The same for a message."""
    found = sources(secrets)
    return ", ".join([*found[:_SHOWN_SOURCES], *(["…"] if len(found) > _SHOWN_SOURCES else [])]) or "a secret"
