"""What was seen of a host when it was examined, and what a check makes of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ringfence.model.facts import Facts, unread
from ringfence.model.host_expiry import HostExpiry
from ringfence.model.state import State
from ringfence.transports.way_in import WayIn
from ringfence.windows.endpoint import Endpoint
from ringfence.windows.read import UnreadKinds

LARGEST_MESSAGE = 512_000  # of PSRP 2.2, where ansible_psrp_max_envelope_size says no other
NOT_TOLD = "the script there does not tell it"
_UNTOLD = Endpoint(0, frozenset(), None)
Level = Literal["ok", "note", "obstacle", "unknown"]


class NotKnownError(Exception):
    """What a check needs could not be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to.

    level: ok · note: worth knowing, nothing fails · obstacle: something will fail or not be in force · unknown: could not be
    read · found: what is there · advice: what to do · kind: a row of errors.FAILURES where every `apply` on this host would
    fail with it.
    """

    check: str
    level: Level
    found: str
    advice: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Examination:
    """What was seen of a host.

    session, surroundings: the values of Session.Read and Surroundings.Read; empty where they were not asked, or not known there ·
    state: the policy as the registry holds it · policy_unread: (store, kind) of what could not be read of it, and why ·
    conditions, ledger: the values of a Conditions.Read and a Ledger.Read · asked_at, answered_at: seconds since 1970 by the clock
    here · expiries: the rules that it ends by itself; None where it does not tell · expiries_unread: why · max_message: bytes of
    the largest message that comes to its WinRM · endpoint: what answers there · wants_ledger, wants_undo: whether a run of the
    project writes the one, and arms the other.
    """

    way_in: WayIn
    facts: Facts
    session: Mapping[str, Any] = field(default_factory=dict)
    surroundings: Mapping[str, Any] = field(default_factory=dict)
    state: State = field(default_factory=lambda: State({}))
    policy_unread: UnreadKinds = field(default_factory=dict)
    asked_at: float = 0.0
    answered_at: float = 0.0
    conditions: Mapping[str, Any] = field(default_factory=dict)
    ledger: Mapping[str, Any] = field(default_factory=dict)
    expiries: tuple[HostExpiry, ...] | None = None
    expiries_unread: str = NOT_TOLD
    max_message: int = LARGEST_MESSAGE
    endpoint: Endpoint = _UNTOLD
    wants_ledger: bool = False
    wants_undo: bool = False

    def known(self, name: str) -> Any:
        """A member of what the host said of itself or of its session; None: there is none. Raises NotKnownError."""
        for answer in (self.surroundings, self.session, self.facts.raw, self.conditions):
            why = next((reason for what, reason in unread(answer) if what == name), "")
            if why and not answer.get(name):
                raise NotKnownError(why)
            if name in answer:
                return answer[name]
        raise NotKnownError(NOT_TOLD)

    @property
    def is_jea(self) -> bool:
        """Whether the session is one of JEA: those of older releases alone do not know what is asked of it."""
        return bool(self.session.get("module") or (self.way_in.endpoint and not self.session))

    @property
    def product(self) -> str:
        """workstation, server, domain_controller, or nothing where the host did not say."""
        os = self.facts.raw.get("os")
        return str(os.get("product") or "") if isinstance(os, dict) else ""


Finding = tuple[Level, str, str, str]  # as a verdict without the name of its check
Judge = Callable[[Examination], Iterator[Finding]]


def ok(found: str) -> Finding:
    """Nothing is in the way."""
    return "ok", found, "", ""


def note(found: str, advice: str) -> Finding:
    """Worth knowing."""
    return "note", found, advice, ""


def obstacle(found: str, advice: str, kind: str = "") -> Finding:
    """Something will fail, or not be in force."""
    return "obstacle", found, advice, kind


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table: what is looked at, where (`how`), which document says what it means (`source`), what no document says
    (`open`), and whether `ping` looks at it too."""

    name: str
    title: str
    how: str
    source: str
    judge: Judge
    open: str = ""
    ping: bool = False

    def verdicts(self, seen: Examination) -> list[Verdict]:
        """What it comes to: at least one. Never raises, whatever the host said."""
        try:
            found = list(self.judge(seen))
        except NotKnownError as error:
            found = [("unknown", str(error), "", "")]
        except (TypeError, ValueError, AttributeError, KeyError, OverflowError):
            found = [("unknown", "the host's answer cannot be understood", "", "")]
        return [Verdict(self.name, *one) for one in found]
