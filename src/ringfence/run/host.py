"""One host from what is declared to a proven state: read, plan, write, and a second read over a new connection."""

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import HostError, Lost, OutcomeUnknown, RingfenceError, StalePlan, Unreachable
from ringfence.formats.approval import Approval
from ringfence.model.declaration import Declarations, digest_of_declarations, state_after
from ringfence.model.facts import Facts, parse_facts, unread, with_network
from ringfence.model.ledger import Ledger, parse_ledger
from ringfence.model.state import LOCAL, Id, State, diff
from ringfence.plan import steps
from ringfence.plan.in_force import decide, judge_again, undecided, written
from ringfence.plan.obstacles import objects_of
from ringfence.plan.order import order
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.reasons import TO_WRITE, stopped
from ringfence.plan.run_policy import RunPolicy
from ringfence.plan.way_back import way_back
from ringfence.report import HostResult
from ringfence.run.enforcement import decided, enforcement_calls, enforcement_told, with_interfaces
from ringfence.run.guarded import guarded
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.ledger_update import LedgerUpdate, ledger_calls, ledger_update, only_call
from ringfence.run.masking import Masking, secrets_of
from ringfence.run.questions import INTERFACES, MANAGEMENT, Questions, about, of_kinds
from ringfence.run.reply_memory import MemoryShare
from ringfence.run.write_failures import not_made, not_recorded
from ringfence.transports import Transport
from ringfence.transports.connection_settings import PsrpSettings
from ringfence.transports.failures import kind_from_text
from ringfence.windows.calls import cmdlet_calls, names_interfaces
from ringfence.windows.defaults import Defaults, parse_defaults
from ringfence.windows.endpoint import Endpoint, endpoint_of
from ringfence.windows.expected import expected
from ringfence.windows.read import policy_call, read, unread_keys, unread_kinds
from ringfence.windows.stored_names import StoredNames, stored_names

LOG = logging.getLogger(__name__)
NO_QUESTIONS = Questions()
BROKEN = ("connection_lost", "no_answer", "network", "timeout")  # it was reached, and nobody knows what it did
GARBLED = ("protocol", "too_large")  # it answered, and nobody knows what
PENDING, FINAL = "ledger, pending", "ledger, final"  # labels of the calls around the changes


def host_fault(host: str, error: Exception) -> RingfenceError:
    """What ended the work on a host. A fault of ours on one host is that host's result, not the fleet's end."""
    if isinstance(error, RingfenceError):
        return error
    LOG.debug("%s", host, exc_info=error)
    return HostError("internal", f"{type(error).__name__}: {error}")


def plan_host(job: HostJob, context: RunContext) -> HostResult:
    """What would change on the host. Never raises for what the host does."""
    run = HostRun(job, context)
    return run.result(lambda: run.planned()[1])


def apply_host(job: HostJob, context: RunContext, approval: Approval | None = None, write: bool = True) -> HostResult:
    """Make the host as declared and prove it. `approval`: what was agreed to; other changes are not made. Not `write`: what would
    come of it, and whether something `waits` to be written."""
    run = HostRun(job, context)
    return run.result(lambda: run.apply(approval, write))


class HostRun:
    """One host's part of a run: its connections, what is read, and what is made of it."""

    def __init__(self, job: HostJob, context: RunContext) -> None:
        self.job, self.kinds, self.context = job, context.kinds, context
        self.policy = replace(context.policy, prune=job.prune) if job.prune else context.policy
        self.connections = 0
        self.endpoint: Endpoint | None = None  # who answers, once it has been asked
        self._memory = MemoryShare(context.memory)
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

    def result(self, work: Callable[[], HostResult]) -> HostResult:
        """What `work` gives, or its error, with the number of connections and the time that it took."""
        start = time.monotonic()
        with self._memory:
            try:
                result = work()
            except Exception as error:
                result = HostResult(self.job.host, error=host_fault(self.job.host, error), declared=self.job.declared)
            if result.changes and not isinstance(result.error, HostError):
                result = self._with_names(result)
        result = self._masking.result(result)
        return replace(result, connections=self.connections, seconds=round(time.monotonic() - start, 3))

    def _with_names(self, result: HostResult) -> HostResult:
        """What came of the host, with names for people; they are no reason to lose what is known."""
        try:
            return replace(result, names=self.names(stored_names(result.changes)))
        except Exception:
            LOG.debug("%s: names", self.job.host, exc_info=True)
            return result

    def names(self, stored: StoredNames) -> Mapping[str, str]:
        """What the host calls what it stores, where people are going to see it."""
        if self.context.names is None or self.found is None:
            return {}
        return self.context.names(self.found, stored, self.send)

    # -- read and plan

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
            LOG.info("%s: %d keys of its policy are of no kind and not read: %s", self.job.host, len(others), ", ".join(others))
        found = HostSnapshot(facts, state, defaults=self._defaults(reply), unread=holes,
                             stored=_dict(reply["policy"]).get(LOCAL), ledger=self._ledger(reply, facts))
        self.found = questions.answered(found, reply)
        return self.found, reply

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

    def planned(self, *, to_be_made: bool = True) -> tuple[Plan, HostResult]:
        """The plan for the host, and what it comes to where nothing is written. Not `to_be_made`: nobody is going to make the
        changes, so that they need no guard. Raises HostError."""
        job, declare = self.job, self.context.declare
        known = job.declarations if job.declarations is not None else declare(job.host, None)[0]
        asked = about(known, self.kinds)
        if job.needs_facts:
            asked = replace(asked, facts=frozenset({INTERFACES, MANAGEMENT}))
        found, _ = self.read(asked, ledger=True)
        declared, problems = declare(job.host, found.facts) if job.needs_facts else (known, [])
        # what only the facts of the host brought up, and what the project owns of kinds that nothing declares any more
        needed = about(declared, self.kinds) if job.needs_facts else NO_QUESTIONS
        if more := of_kinds(needed, {id.kind for id in found.ledger.entries}, self.kinds).beyond(asked):
            found = more.answered(found, self.send(Batch(more.calls())))
        seen, unread_error = self._seen(declared, found)
        policy, possible = self._policy(declared, found)
        plan = decided(steps.make(job.host, seen, found, problems, policy, possible), self.send)
        plan = guarded(plan, self.send) if to_be_made else plan
        notes = [Diagnostic(NOWHERE, f"{what} could not be read: {why}", severity="warning", host=job.host)
                 for what, why in found.facts.unread]
        if self.endpoint and not self.endpoint.is_known:
            notes.append(Diagnostic(NOWHERE, "the script of the endpoint is of no release of ringfence", "Where nobody here made "
                                    "it, export the endpoint anew (`ringfence jea export`)", "warning", job.host))
        result = HostResult(job.host, plan.changes, diagnostics=(*plan.diagnostics, *notes), declared=len(declared),
                            obstacles=plan.obstacles, undeclared=self._undeclared(plan), orphans=plan.orphans,
                            machine=_machine(found),
                            declarations=digest_of_declarations(declared) if self.context.for_plan_file else "",
                            declared_objects=objects_of(declared) if self.context.for_report else ())
        try:
            plan.raise_if_refused()
        except RingfenceError as error:
            result = replace(result, error=error)
        return plan, replace(result, error=unread_error or result.error)

    def _undeclared(self, plan: Plan) -> int:
        """How many objects of the local store nobody declares, and anybody could."""
        others = plan.base.keys() - plan.declarations.keys()
        return sum(id.store == LOCAL and self.kinds[id.kind].storage.removable for id in others)

    def _policy(self, declared: Declarations, found: HostSnapshot) -> tuple[RunPolicy, frozenset[Id]]:
        """How what is whose is treated on this host, and what any run of the project could declare there."""
        policy, declarable = self.policy, frozenset(declared)
        if policy.project is None or policy.partial or not found.ledger.entries.keys() - declarable:
            return policy, declarable
        more = self.context.possible(self.job.host, found.facts)
        if more is None:
            return replace(policy, partial="what another choice of tags declares is not known"), declarable
        return policy, declarable | more

    def _seen(self, declared: Declarations, found: HostSnapshot) -> tuple[Declarations, HostError | None]:
        """What is declared of kinds that could be read, and the error where others are declared: of these nothing is known."""
        why = {name: reason for name in sorted({id.kind for id in declared})
               if (reason := found.unreadable(self.kinds[name], self.kinds.values()))}
        if not why:
            return declared, None
        reasons = "; ".join(dict.fromkeys(why.values()))
        seen = {id: d for id, d in declared.items() if id.kind not in why}
        return seen, HostError(kind_from_text(reasons) or "script", f"what could not be read is not planned: {reasons}")

    # -- write and prove

    def apply(self, approval: Approval | None, write: bool = True) -> HostResult:
        """The host as declared, and the proof. Raises HostError as long as nothing was written."""
        plan, result = self.planned()
        if plan.invalid:
            return result
        if isinstance(result.error, HostError):
            return result
        if approval is not None:
            judged = approval.judge(self._masking.result(result))
            if isinstance(judged.error, StalePlan):
                return judged
            result = replace(result, diagnostics=judged.diagnostics)
        if result.error:
            return result
        if not write:
            return replace(result, waits=bool(plan.changes or self._update(plan)))
        return self.carry_out(plan, result)

    def carry_out(self, plan: Plan, result: HostResult, update: LedgerUpdate | None = None) -> HostResult:
        """The changes of a plan made, recorded and proven. `update`: what becomes of the ledger, where that is not what follows
        from the changes. Never raises: what was to be changed, and what was, is still known."""
        if update is None:
            update = self._update(plan)
        if not (plan.changes or update):
            return result
        try:
            result = self._write(plan, result, update)
            if result.error or not any(c.writes for c in plan.changes):
                return result
            self.context.recorder.has_written(result)
            return self._prove(plan, result)
        except Lost as error:
            return replace(result, error=error, way_back=way_back(plan, result.written, plan.found.facts.aliases))
        except Exception as error:
            return replace(result, error=host_fault(self.job.host, error))

    def _update(self, plan: Plan) -> LedgerUpdate:
        """What becomes of the ledger by the changes of a plan."""
        ledger = plan.found.ledger
        known = plan.policy.project and not ledger.unread and not ledger.is_newer
        return ledger_update(plan, self.kinds) if known else LedgerUpdate()

    def _write(self, plan: Plan, result: HostResult, update: LedgerUpdate) -> HostResult:
        """Carries the changes to the host, between the two entries in its ledger. Raises HostError."""
        if problem := self._cannot_write(plan.found.facts):
            return replace(result, error=problem)
        written = [c for c in plan.changes if c.writes]
        expectations = expected((c for c in written if c.id not in plan.renames), plan.declarations, plan.found.stored)
        calls: dict[Hashable, Call] = dict(cmdlet_calls(written, self._aliases(plan), expectations).items())
        if update and calls:
            calls = {PENDING: ledger_calls(plan, update)[0], **calls, FINAL: ledger_calls(plan, update)[1]}
        elif update:
            calls = {FINAL: only_call(plan, update)}
        self.context.recorder.begins(self._masking.result(result))
        reply = self._send_changes(calls)
        answers = [(c, answer) for c in written if (answer := reply.answers.get(c.id))]
        made = frozenset(c.id for c, answer in answers if answer.error is None)
        if (answer := reply.answers.get(PENDING)) and answer.error:
            error = not_recorded(answer.error, written=bool(answers))
            return replace(result, written=made, error=HostError("protocol", f"it went on after: {error}") if answers else error)
        for number, (change, answer) in enumerate(answers, 1):
            if answer.error:
                error = not_made(change, answer.error, bool(made))
                if number < len(answers):  # it was told to stop there: nobody knows what it does
                    error = HostError("protocol", f"it went on after: {error}")
                return replace(result, written=made, error=error)
        if (answer := reply.answers.get(FINAL)) and answer.error:
            return replace(result, written=made, error=not_recorded(answer.error, written=bool(made)))
        return replace(result, written=made | {c.id for c in plan.changes if not c.writes})

    def _send_changes(self, calls: Mapping[Hashable, Call]) -> Reply:
        """The answers to changes. Raises HostError: OutcomeUnknown where the host may have made them."""
        try:
            return self.send(Batch(calls, stop_on_error=True))
        except HostError as broken:
            unknown = not isinstance(broken, Unreachable) and broken.kind in (*BROKEN, *GARBLED)
            raise OutcomeUnknown(broken.kind, broken.detail) if unknown else broken from None

    def _cannot_write(self, facts: Facts) -> HostError | None:
        """Why nothing can be written on the host, as far as it said so itself. What the account of a JEA endpoint may do its
        session configuration says (RunAsVirtualAccountGroups), administrator or not."""
        jea = self.job.settings.endpoint if isinstance(self.job.settings, PsrpSettings) else None
        if jea and self.endpoint and not self.endpoint.writes:
            return HostError("reads_only", jea)
        if facts.elevated is False and not jea:
            return HostError("elevation")
        off = stopped(facts, TO_WRITE)
        return HostError("service", ", ".join(f"{s} is {facts.services[s]}" for s in off)) if off else None

    def _aliases(self, plan: Plan) -> Mapping[str, str]:
        """{GUID: alias} of the host's interfaces, which are asked for where a change has some that nobody declared."""
        facts = plan.found.facts
        if not facts.tells_interfaces and any(names_interfaces(c.after) for c in plan.changes if c.after):
            facts = with_network(facts, self.send(Batch({INTERFACES: Call(INTERFACES)}))[INTERFACES])
        return facts.aliases

    def _prove(self, plan: Plan, result: HostResult) -> HostResult:
        """A second read over a new connection: what is declared is what is there, or the host has failed."""
        asked = {**written(plan.changes), **undecided(plan)}
        questions = replace(about(plan.declarations, self.kinds), facts=frozenset(), accounts=())  # bound already
        try:
            found, reply = self.read(questions, enforcement_calls(asked), defaults=False)
        except HostError as broken:
            raise Lost(detail=broken.reason) if isinstance(broken, Unreachable) or broken.kind in BROKEN else broken from None
        if error := self._seen(plan.declarations, found)[1]:
            return replace(result, error=error)
        after = diff(found.state, state_after(plan.declarations, found.state), plan.declarations)
        left = [c for c in plan.changes if c.id not in plan.declarations and c.writes and found.state.get(c.id) != c.after
                and c.action != "rename"]
        remaining = order(replace(plan, changes=(*after, *left))).changes
        if remaining:
            error = HostError("not_converged", ", ".join(str(c.id) for c in remaining[:5]))
            return replace(result, remaining=remaining, error=error, proven=result.written - {c.id for c in remaining})
        result = replace(result, proven=result.written)
        proven = judge_again(replace(plan, changes=()), with_interfaces(found, plan.found.facts))
        return replace(result, obstacles=decide(proven, asked, enforcement_told(asked, reply)).obstacles)


def _machine(found: HostSnapshot) -> str:
    """Which machine it is, in the words of a ledger's `Machine`; its GUID is known where the ledger could be read."""
    facts = found.facts
    return found.ledger.machine or f"|{facts.computer}|{facts.raw.get('domain') or ''}".lower()


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
