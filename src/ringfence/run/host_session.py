"""One host's part of a run: its connections, and what is read of it."""

import logging
import time
from collections.abc import Callable, Hashable, Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime
from traceback import format_exception
from typing import Any

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.errors import HostError, RingfenceError
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts, parse_facts, unread
from ringfence.model.host_expiry import parse_expiries
from ringfence.model.ledger import Ledger, parse_ledger
from ringfence.model.state import LOCAL, State
from ringfence.model.undo import kept_undo
from ringfence.plan.plan import HostSnapshot
from ringfence.report import HostResult
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.masking import Masking, secrets_of
from ringfence.run.questions import EXPORT_ANEW, Questions, of_kinds
from ringfence.run.reply_memory import MemoryShare
from ringfence.transports import Transport
from ringfence.transports.failures import kind_from_text
from ringfence.windows.defaults import Defaults, parse_defaults
from ringfence.windows.endpoint import Endpoint, endpoint_of
from ringfence.windows.expiry_calls import READ_EXPIRIES
from ringfence.windows.read import policy_call, read, unread_keys, unread_kinds
from ringfence.windows.stored_names import StoredNames, stored_names

LOG = logging.getLogger(__name__)
NO_QUESTIONS = Questions()


def host_fault(host: str, error: Exception, masked: Callable[[str], str] = str) -> RingfenceError:
    """What ended the work on a host. A fault of ours on one host is that host's result, not the fleet's end.

    masked: takes the secrets of the host out of what is logged.
    """
    if isinstance(error, RingfenceError):
        return error
    LOG.debug("%s: %s", host, masked("".join(format_exception(error))))
    return HostError("internal", f"{type(error).__name__}: {error}")


class HostSession:
    """One host's part of a run: its connections, what is read, and what is made of it."""

    def __init__(self, job: HostJob, context: RunContext) -> None:
        self.job, self.kinds, self.context = job, context.kinds, context
        policy = replace(context.policy, prune=job.prune) if job.prune else context.policy
        self.policy = policy if job.revert_after is None else replace(policy, revert_after=job.revert_after)
        self.connections = 0
        self.endpoint: Endpoint | None = None  # who answers, once it has been asked
        self._memory = MemoryShare(context.memory, job.host)
        self._masking = Masking(secrets_of(job.settings))
        self.found: HostSnapshot | None = None  # what was read last
        self.read_at = datetime.now(UTC)  # when that was answered
        self._transport: Transport | None = None

    def send(self, batch: Batch) -> Reply:
        """Carry a batch over a connection of its own. Raises HostError."""
        self._transport = self._transport or self.context.connect(self.job)
        self.connections += 1
        self._masking.learn(batch.secrets)
        start = time.monotonic()
        try:
            reply = self._masking.reply(self._transport.run(replace(batch, admit=self._memory.take)))
        except HostError as error:
            raise self._masking.error(error) from None
        verbs = ", ".join(sorted({call.verb for call in batch.calls.values()}))
        LOG.debug("%s: connection %d answered in %.2f s: %s", self.job.host, self.connections, time.monotonic() - start, verbs)
        return reply

    @property
    def agreed(self) -> str:
        """The authentication that client and host came to; empty where the way in tells none."""
        return getattr(self._transport, "agreed", "")

    def masked(self, result: HostResult) -> HostResult:
        """A result without the secrets of this host."""
        return self._masking.result(result)

    def fault(self, error: Exception) -> RingfenceError:
        """What ended the work on this host."""
        return host_fault(self.job.host, error, self._masking.text)

    def result(self, work: Callable[[], HostResult]) -> HostResult:
        """What `work` gives, or its error, with the number of connections and the time that it took."""
        start = time.monotonic()
        with self._memory:
            try:
                result = work()
            except Exception as error:
                result = HostResult(self.job.host, error=self.fault(error), declared=self.job.declared)
            if result.changes and not isinstance(result.error, HostError):
                result = self._with_names(result)
        result = self._masking.result(result)
        return replace(result, connections=self.connections, seconds=round(time.monotonic() - start, 3))

    def _with_names(self, result: HostResult) -> HostResult:
        """What came of the host, with names for people; they are no reason to lose what is known."""
        try:
            return replace(result, names=self.names(stored_names(result.changes)))
        except Exception as error:
            LOG.debug("%s: names: %s", self.job.host, self._masking.text("".join(format_exception(error))))
            return result

    def names(self, stored: StoredNames) -> Mapping[str, str]:
        """What the host calls what it stores, where people are going to see it."""
        if self.context.names is None or self.found is None:
            return {}
        return self.context.names(self.found, stored, self.send)

    def read(self, questions: Questions = NO_QUESTIONS, calls: Mapping[Hashable, Call] = {}, *, defaults: bool = True,
             ledger: bool = False) -> tuple[HostSnapshot, Reply]:
        """Facts, configured policy, what Windows ships (`defaults`), whose objects are whose (`ledger`) and the answers to
        questions, in one batch. Raises HostError.

        calls: others that go along; the reply has their answers.
        """
        more = {"defaults": Call("Defaults.Read")} if defaults else {}
        more |= {"ledger": Call("Ledger.Read")} if ledger else {}
        reply = self.send(Batch({"facts": Call("Facts.Read"), "policy": policy_call(self.kinds), **questions.calls(), **calls,
                                 **more}))
        self.read_at = datetime.now(UTC)
        facts = parse_facts(reply["facts"])
        self.endpoint = endpoint_of(facts)
        facts = replace(facts, unread=(*facts.unread, *unread(reply["policy"])))
        holes = unread_kinds(reply["policy"], self.kinds)
        state = read(reply["policy"], self.kinds)
        if holes:
            state = State({id: r for id, r in state.items() if (id.store, id.kind) not in holes})
        if others := unread_keys(reply["policy"]):
            LOG.info("%s: %d keys of its policy are of no kind and not read: %s", self.job.host, len(others),
                     self._masking.text(", ".join(others)))
        found = HostSnapshot(facts, state, defaults=self._defaults(reply), unread=holes,
                             stored=_dict(reply["policy"]).get(LOCAL), ledger=self._ledger(reply, facts),
                             undo=kept_undo(reply.answers.get("ledger", Answer()).value))
        found = self._with_expiries(questions.answered(found, reply), reply)
        if found.expiries is None and any(entry.expires_on_host for entry in found.ledger.entries.values()):
            found = self.asked_expiries(found)
        self.found = found
        return found, reply

    def read_owned(self, kinds: Set[str] = frozenset(), *, defaults: bool = True) -> HostSnapshot:
        """What is configured, and whose it is: also the objects of kinds of which only a cmdlet tells, where a ledger names some,
        or `kinds` has theirs. Raises HostError."""
        found, _ = self.read(defaults=defaults, ledger=True)
        return self.asked_owned(found, kinds)

    def asked_owned(self, found: HostSnapshot, kinds: Set[str] = frozenset()) -> HostSnapshot:
        """What was read, with the objects of those kinds. Raises HostError."""
        names = kinds | {id.kind for id in (*found.ledger.entries, *found.ledger.foreign)}
        if more := of_kinds(NO_QUESTIONS, names, self.kinds):
            self.found = found = more.answered(found, self.send(Batch(more.calls())))
        return found

    def asked_expiries(self, found: HostSnapshot) -> HostSnapshot:
        """What was read, with the rules that the host ends by itself. Raises HostError."""
        return self._with_expiries(found, self.send(Batch({READ_EXPIRIES: Call(READ_EXPIRIES)})))

    def _with_expiries(self, found: HostSnapshot, reply: Reply) -> HostSnapshot:
        """With these, as far as they were asked."""
        if (answer := reply.answers.get(READ_EXPIRIES)) is None:
            return found
        if answer.error:
            why = EXPORT_ANEW if answer.error.is_lack else answer.error.message
            return replace(found, expiries=(), expiries_unread=why)
        if hidden := unread(answer.value):
            return replace(found, expiries=(), expiries_unread="; ".join(why for _, why in hidden), expiries_hidden=True)
        return replace(found, expiries=parse_expiries(answer.value, self.kinds.values()))

    def _defaults(self, reply: Reply) -> Defaults:
        """What Windows ships there, as far as it was asked and told: older endpoints do not know the question."""
        answer = reply.answers.get("defaults", Answer())
        if answer.error:
            return Defaults(unread=(("what Windows ships", answer.error.message),))
        return parse_defaults(answer.value, reply["policy"], self.kinds)

    def _ledger(self, reply: Reply, facts: Facts) -> Ledger:
        answer = reply.answers.get("ledger", Answer())
        if answer.error:
            return Ledger(unread="the endpoint keeps none: export it anew (`ringfence jea export`)" if answer.error.is_lack
                          else answer.error.message)
        return parse_ledger(answer.value, self.policy.project, f"{facts.computer}|{facts.raw.get('domain') or ''}")

    def seen(self, declared: Declarations, found: HostSnapshot) -> tuple[Declarations, HostError | None]:
        """What is declared of kinds that could be read, and the error where others are declared: of these nothing is known."""
        why = self._why_unread({id.kind for id in declared}, found)
        return ({id: d for id, d in declared.items() if id.kind not in why}, _unread(why)) if why else (declared, None)

    def require_read(self, kinds: Set[str], found: HostSnapshot) -> None:
        """Raises HostError where objects of these kinds could not be read: nobody knows then whether one is there."""
        if why := self._why_unread(kinds, found):
            raise _unread(why)

    def _why_unread(self, kinds: Set[str], found: HostSnapshot) -> dict[str, str]:
        return {name: reason for name in sorted(kinds & self.kinds.keys())
                if (reason := found.unreadable(self.kinds[name], self.kinds.values()))}


def _unread(why: Mapping[str, str]) -> HostError:
    reasons = "; ".join(dict.fromkeys(why.values()))
    return HostError(kind_from_text(reasons) or "script", f"what could not be read is not planned: {reasons}")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
