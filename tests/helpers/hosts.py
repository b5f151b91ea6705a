"""A simulated host that the engine reaches without a network between: what answers is the lab, never the engine itself."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from core import FACTS, GUID, KINDS, declared

from ringfence.batch import Answer, Batch, Call, Failure, Reply
from ringfence.codecs.registry import parse_tree
from ringfence.diagnostics import Diagnostic
from ringfence.formats.approval import Approval
from ringfence.lab import POLICY, Machine, NetworkAdapter, Session, SimulatedHost, machine
from ringfence.lab.registry.hive import as_sent
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.state import Id
from ringfence.plan.plan import HostSnapshot
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import HostRun, apply_host, plan_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.patience import Patience
from ringfence.run.status import status_of
from ringfence.transports.connection_settings import LocalSettings

PROJECT = ProjectIdentity("corp-firewall", "9f3a00000000000000000000000000e1")
FORCED = frozenset({"lockout"})  # most tests are of something else, on hosts that let nobody in to begin with
LEDGER = rf"SOFTWARE\ringfence\{PROJECT.id}"
SESSION = Session("psrp", "Administrator", True, "10.99.0.1", 50000, "10.99.0.10", 5985)
RULES = POLICY + r"\FirewallRules"
TWO_INTERFACES = (NetworkAdapter("Ethernet", GUID, addresses=("10.99.0.10/24",), profile="domain"),
                  NetworkAdapter("Ethernet 2", FACTS["interfaces"][1]["guid"], index=5, profile="public"))
Declare = Callable[[Facts], tuple[Declarations, list[Diagnostic]]]


def stored_policy(machine: Machine) -> dict[str, Any]:
    """The local policy as the registry has it: {key\\value: data}."""
    return {f"{path}\\{value.name}": value.data for path, key in machine.registry.tree(POLICY) for value in key.values.values()}


class PatienceOfLab(Patience):
    """Time as a simulated machine has it: whoever waits moves its clock ahead."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.waited = machine, 0.0

    def now(self) -> float:
        return self.machine.clock.now()

    def wait(self, seconds: float) -> None:
        self.waited += seconds
        self.machine.clock.advance(seconds)


class LabHost:
    """A machine of the lab as a transport, and the engine's work on it.

    rules: {name: rule string}; then it has these alone instead of Windows' own · accounts: {name: SID} that it knows ·
    before: may answer a batch in its own way (give a Reply, raise, or return None to go on) · after_write: changes things
    behind the engine's back · facts, refuse, enforcement: what it says instead of the truth · owns: whatever is on the machine
    and does not come with Windows is the project's, as if an earlier run had made it; policy: how a run treats what is whose.
    """

    def __init__(self, rules: Mapping[str, str] | None = None, *, on: Machine | None = None,
                 accounts: Mapping[str, str] | None = None, owns: bool = True, policy: RunPolicy | None = None,
                 project: ProjectIdentity | None = PROJECT, **facts: Any) -> None:
        self.machine = on or machine("SRV1", interfaces=TWO_INTERFACES)
        self.owns, self.policy = owns, policy or RunPolicy(
            project, run_id="20261126T115712Z-3f9a1c", forced=FORCED)
        self.of_windows = set(self._ids()) if rules is None and on is None else set[Id]()
        if rules is not None:
            for name in self.rules:
                self.machine.registry.unset(RULES, name)
            for name, text in rules.items():
                self.machine.registry.set(RULES, name, text)
        for name, sid in (accounts or {}).items():
            self.machine.account_names.add(name, sid)
        self.simulated = SimulatedHost(self.machine)
        self.facts = facts
        self.session = SESSION
        self.before: Callable[[Batch], Reply | None] = lambda batch: None
        self.after_write: Callable[[], object] = lambda: None
        self.refuse: dict[str, Failure] = {}  # what it answers to a change of the object with this name
        self.enforcement: dict[str, Any] = {}
        self.patience = PatienceOfLab(self.machine)
        self.batches: list[Batch] = []
        self.outputs: list[str] = []
        self.connections = 0

    def _ids(self) -> Iterator[Id]:
        """What the local policy has and could be owned."""
        rows = [[path, [as_sent(v) for v in key.values.values()]] for path, key in self.machine.registry.tree(POLICY)]
        tree = parse_tree(rows)
        for kind in KINDS.values():
            if kind.storage.removable:
                yield from (Id("local", kind.name, r.name.lower()) for r in kind.storage.read(kind, tree, "local"))

    def take_over(self, ids: Iterable[Id], how: str = "created", project: ProjectIdentity = PROJECT, **entry: Any) -> None:
        """Write into a project's ledger that these objects are its own."""
        key = rf"SOFTWARE\ringfence\{project.id}"
        for id in ids:
            text = json.dumps({"how": how, "run": "20260101T000000Z-000000", "hash": "0" * 32, **entry})
            self.machine.registry.set(key, f"{id.kind}|{id.store}|{id.name}", text)
            self.machine.registry.set(key, "Name", project.name)

    def entry(self, name: str, kind: str = "firewall_rule") -> dict[str, Any]:
        """What the project's ledger says of an object."""
        text = self.machine.registry.get(LEDGER, f"{kind}|local|{name.lower()}")
        found: dict[str, Any] = json.loads(text) if isinstance(text, str) else {}
        return found

    # -- what the engine sees

    def connect(self, job: HostJob) -> "LabHost":
        self.connections += 1
        return self

    def run(self, batch: Batch) -> Reply:
        assert batch.calls, "a round trip for nothing"
        self.batches.append(batch)
        return reply if (reply := self.before(batch)) is not None else self.simulated_reply(batch)

    def simulated_reply(self, batch: Batch) -> Reply:
        """What the machine answers."""
        at = next((n for n, c in enumerate(batch.calls.values()) if _name(c) in self.refuse), len(batch.calls))
        done = replace(batch, calls=dict(list(batch.calls.items())[:at]))
        self.outputs.append(self.simulated.run(done.encode(), self.session))
        answers = dict(done.decode(self.outputs[-1].encode()).answers)
        for label, call in list(batch.calls.items())[at:at + 1]:
            answers[label] = Answer(error=self.refuse[_name(call)])
        if batch.stop_on_error:
            self.after_write()
        return Reply({label: self._as_it_says(batch.calls[label], answer) for label, answer in answers.items()})

    def _as_it_says(self, call: Call, answer: Answer) -> Answer:
        if call.verb == "Facts.Read" and self.facts:
            return Answer({**answer.value, **self.facts})
        if call.verb == "Enforcement.Read" and self.enforcement:
            return Answer({**answer.value, **{n: v for n, v in self.enforcement.items() if n in call.args["names"]}})
        return answer

    # -- what the engine does

    def job(self, declarations: Declarations, **more: Any) -> HostJob:
        return HostJob("srv1", LocalSettings(), declarations, len(declarations), **more)

    def context(self, declare: Declare | None = None) -> RunContext:
        """`declare`: what is declared once the facts are known; then the job needs them."""
        if self.owns:
            self.take_over(id for id in self._ids() if id not in self.of_windows)
        return RunContext(KINDS, lambda host, facts: declare(facts or Facts()) if declare else ({}, []), self.connect,
                          policy=self.policy, patience=self.patience)

    def plan(self, *tasks: RenderedTask, declare: Declare | None = None) -> HostResult:
        """The plan for what tasks declare."""
        return plan_host(self.job(declared(*tasks), needs_facts=declare is not None), self.context(declare))

    def apply(self, *tasks: RenderedTask, declare: Declare | None = None, approval: Approval | None = None) -> HostResult:
        """What tasks declare, applied."""
        return apply_host(self.job(declared(*tasks), needs_facts=declare is not None), self.context(declare), approval)

    def status(self) -> HostResult:
        return status_of(self.job({}), self.context())

    def read(self) -> HostSnapshot:
        """The host as the engine reads it."""
        return HostRun(self.job({}), self.context()).read()[0]

    # -- what the host has

    @property
    def rules(self) -> dict[str, str]:
        """The strings of its firewall rules, by name."""
        key = self.machine.registry.key(RULES)
        return {value.name: str(value.data) for value in key.values.values()} if key else {}

    def put(self, name: str, text: str) -> None:
        """Write the string of a firewall rule behind everybody's back."""
        self.machine.registry.set(RULES, name, text)

    def remove(self, name: str) -> None:
        """Delete a firewall rule behind everybody's back."""
        self.machine.registry.unset(RULES, name)

    def rule(self, name: str, key: str = "ConSecRules") -> str:
        """The string of a rule as its registry holds it."""
        found = self.machine.registry.get(rf"{POLICY}\{key}", name)
        assert isinstance(found, str)
        return found

    @property
    def cmdlets(self) -> list[tuple[str, Any]]:
        """(cmdlet, name) of every change that was asked for, in order."""
        calls = [c.args for b in self.batches for c in b.calls.values() if c.verb == "Net.Call"]
        return [(a["cmdlet"], a["parameters"].get("Name", "default")) for a in calls]

    def verbs(self, verb: str) -> list[Mapping[str, Any]]:
        """The arguments of every call of a verb, in order."""
        return [c.args for b in self.batches for c in b.calls.values() if c.verb == verb]


def _name(call: Call) -> str:
    return str(call.args["parameters"].get("Name")) if call.verb == "Net.Call" else ""


def errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [d for d in found if d.severity == "error"]
