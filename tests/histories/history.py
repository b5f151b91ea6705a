"""One history: runs of two projects on one host, one after the other, and what people do there in between; after each step the
host, its ledgers and its tasks are as the guide says (expected.py).

A history is repeated by its number: `python -m tests.histories --first NUMBER -n 1 --told`.
"""

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from core import KINDS
from hosts import LabHost
from recorded import Work, recorded_run

from ringfence.batch import Batch, Reply
from ringfence.diagnostics import Where
from ringfence.errors import GuardRefused, HostError, StalePlan
from ringfence.formats.approval import Approval
from ringfence.lab import POLICY
from ringfence.model.declaration import Declarations
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.plain import resource_as_data
from ringfence.model.state import Change
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import RunContext
from ringfence.run.hosts_before import hosts_before
from ringfence.run.owned_objects import release, retire, take_over
from ringfence.run.past_runs import past_runs
from ringfence.run.rollback import rollback
from ringfence.types.moments import moment_text

from .expected import Host, Project, Rule, Task
from .steps import PROJECTS, Step

OWNERS = {name: ProjectIdentity(name, name.encode().hex() * 4) for name in PROJECTS}
OF_A_RUN = ("prune", "full", "inputs", "accepts")
UNDONE = 1_500  # seconds after which a host has undone what nobody confirmed
REMOTE = "10.0.0.1"


class History:
    """A host of the lab on which it happens. `wrong`: what was not as the guide says, of the first step where something was."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host = folder, LabHost({}, owns=False)
        self.expected = Host(projects={name: Project() for name in PROJECTS})
        self.zero = self.host.machine.clock.wall().replace(microsecond=0)
        self.runs = 0
        self.wrong = ""

    def happens(self, which: Sequence[Step]) -> "History":
        for step in which:
            try:
                self._one(step)
                self._compare()
            except AssertionError as error:
                self.wrong = f"{step}: {error}"
                break
        return self

    def _one(self, step: Step) -> None:
        """What happens, here and as the guide says it."""
        does: dict[str, Callable[[Step], None]] = {
            "apply": self._apply, "approved": self._apply, "cut": self._cut, "rollback": self._rollback, "time": self._pass_time,
            "by hand": self._by_hand, "by default": self._by_default, "cloned": self._cloned, "release": self._release,
            "move": self._move, "retire": self._retire}
        does[step.verb](step)

    def _pass_time(self, step: Step) -> None:
        self.expected.pass_time(step.more["seconds"])
        self.host.machine.clock.advance(step.more["seconds"])

    def _cloned(self, step: Step) -> None:
        self.expected.machine += 1
        guid = str(UUID(int=self.expected.machine))
        self.host.machine.registry.set(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", guid)

    def _by_default(self, step: Step) -> None:
        blocks = step.more["action"] == "block"
        self.expected.lets_in_by_default = not blocks
        for profile in ("DomainProfile", "StandardProfile", "PublicProfile"):
            self.host.machine.registry.set(rf"{POLICY}\{profile}", "DefaultInboundAction", int(blocks))

    def _release(self, step: Step) -> None:
        name = step.more["name"]
        result = self._run(step.project, lambda job, context: release(job, context, [name], True))
        assert result.error is None, result.error
        self.expected.release(step.project, name)

    def _move(self, step: Step) -> None:
        other = next(name for name in PROJECTS if name != step.project)
        result = self._run(step.project, lambda job, context: take_over(job, context, other, [], True))
        assert result.error is None or isinstance(result.error, GuardRefused), result.error  # that it has no ledger there
        self.expected.move(step.project, other)

    def _retire(self, step: Step) -> None:
        result = self._run(step.project, lambda job, context: retire(job, context, True))
        assert result.error is None, result.error
        self.expected.retire(step.project)

    def _by_hand(self, step: Step) -> None:
        name, rule = step.more["name"], step.more["rule"]
        if rule is None:
            self.expected.rules.pop(name, None)
            self.host.remove(name)
        else:
            self.expected.rules[name] = rule
            self.host.put(name, "v2.31|" + "|".join((
                f"Action={rule.action.title()}", f"Active={str(rule.enabled).upper()}", "Dir=In", "Protocol=6",
                f"LPort={rule.port}", f"RA4={REMOTE}", "Name=of the history")) + "|")

    # -- runs

    def _policy(self, project: str, more: Mapping[str, Any]) -> RunPolicy:
        self.runs += 1
        run_id = f"{self.host.machine.clock.wall():%Y%m%dT%H%M%SZ}-{self.runs:06x}"
        return replace(self.host.policy, project=OWNERS[project], run_id=run_id, prune=more.get("prune", "created"),
                       partial="" if more.get("full") else "--tags chose", inputs=more.get("inputs", "n"),
                       accepts_inherited=more.get("accepts", False),
                       revert_after=more.get("revert_after", 300), began=moment_text(self.host.machine.clock.wall()))

    def _context(self) -> RunContext:
        return replace(self.host.context(), possible=lambda host, facts: frozenset())

    def _run(self, project: str, work: Work, more: Mapping[str, Any] = {}) -> HostResult:
        """What becomes of the host in a run with its record."""
        self.host.policy = self._policy(project, more)
        return recorded_run(self.host, self.folder / project, work, more.get("declared"))

    def _declared(self, tasks: Sequence[Task]) -> Declarations:
        builder = DeclarationBuilder(KINDS, began=moment_text(self.host.machine.clock.wall()))
        found, problems = builder.declarations(map(self._rendered, tasks))
        assert not [p for p in problems if p.severity == "error"], problems
        return found

    def _rendered(self, task: Task) -> RenderedTask:
        said: dict[str, Any] = {"name": task.name, "state": "absent"}
        if task.rule:
            said = {"name": task.name, "display_name": "of the history", "protocol": "tcp", "local_port": task.rule.port,
                    "remote_address": REMOTE, "action": task.rule.action, "enabled": task.rule.enabled}
        if task.rule and task.keep:
            said = {"name": task.name, "enabled": task.rule.enabled}
        beside: dict[str, Any] = {"adopt": True} if task.adopt else {}
        beside |= {"omitted": "keep"} if task.keep else {}
        beside |= {"renamed_from": task.renamed_from} if task.renamed_from else {}
        if task.until:
            beside |= {"expires": moment_text(self.zero + timedelta(seconds=task.until)), "expires_on_host": task.by_host}
        return RenderedTask("firewall_rule", "", said, said, Where("play.yml", 1), {}, treatment=beside)

    def _apply(self, step: Step) -> None:
        tasks, more = step.tasks, {**step.more, "declared": self._declared(step.tasks)}
        before, approval, agreed = self._all_there_is(), None, set[str]()
        self.host.policy = self._policy(step.project, more)
        planned = plan_host(self.host.job(more["declared"]), self._context())
        assert self._all_there_is() == before, "a plan has changed the host"
        if step.verb == "approved":
            approval = Approval(planned.changes, planned.machine)
            self._one(more["between"])
            more["declared"], before = self._declared(step.tasks), self._all_there_is()
            agreed = {_told(change) for change in planned.changes}
            self.host.policy = self._policy(step.project, more)
            planned = plan_host(self.host.job(more["declared"]), self._context())
        result = self._run(step.project, lambda job, context: apply_host(job, context, approval), more)
        if isinstance(result.error, StalePlan):
            assert {_told(change) for change in planned.changes} - agreed, f"stale, and yet {result.changes}"
            assert self._all_there_is() == before, "a run that was refused has changed the host"
            return
        if why := self.expected.refuses(step.project, tasks):
            assert isinstance(result.error, GuardRefused), f"not refused, though {why}: {result.status}"
            assert self._all_there_is() == before, "a run that was refused has changed the host"
            return
        assert result.error is None, result.error
        assert sorted(map(str, result.changes)) == sorted(map(str, planned.changes)), "apply does not what plan says"
        assert result.written == result.proven
        assert bool(result.written) == bool(planned.changes), result.status
        settles = more["full"] and self.expected.settles(step.project, more["inputs"])
        self.expected.apply(step.project, tasks, *(more[word] for word in OF_A_RUN))
        if settles:
            return
        self.host.policy = replace(self.host.policy, run_id=f"{self.host.policy.run_id[:-6]}ffffff")
        again = plan_host(self.host.job(more["declared"]), self._context())
        told = [(c.action, str(c), c.why) for c in again.changes]
        assert (again.error, told) == (None, []), f"a second plan has something to do: {told}"

    def _cut(self, step: Step) -> None:
        """A run whose connection breaks: it has come to its end, or was never there. The same run once more brings the rest."""
        declared = self._declared(step.tasks)
        come = copy.deepcopy(self.expected)
        if not come.refuses(step.project, step.tasks):
            come.apply(step.project, step.tasks, *(step.more[word] for word in OF_A_RUN))
        self.host.before = self._broken(step.more["batch"], step.more["after"], step.more["for_good"])
        self._run(step.project, apply_host, {**step.more, "declared": declared})
        self.host.before = lambda batch: None
        self.host.machine.clock.advance(UNDONE)
        for world in (come, self.expected):
            world.pass_time(self._now - world.now)
        there = self._rules(), {name: at for name, at in self._ends().items() if name in self._rules()}
        inputs = self.host.machine.registry.get(rf"SOFTWARE\ringfence\{OWNERS[step.project].id}", "Inputs")
        if (come.rules, come.ends_of_rules, come.projects[step.project].inputs) == (*there, inputs):
            self.expected = come
        else:
            known = {name: entry["how"] for name, entry in self._ledger(OWNERS[step.project]).items()
                     if entry.get("hash") and name in there[0]}
            owned = {name: owned.how for name, owned in self.expected.projects[step.project].owned.items() if name in there[0]}
            assert known == owned, f"ledger of {step.project} after the undo: {known}, expected {owned}"
        self.expected.projects[step.project].is_cut = True
        self._compare(ledgers=False)
        self._apply(replace(step, verb="apply"))

    def _broken(self, number: int, after: bool, for_good: bool) -> Callable[[Batch], Reply | None]:
        """What breaks the connection at one batch, before the host carries it out or after that, and at all later ones."""
        before = len(self.host.batches)

        def breaks(batch: Batch) -> Reply | None:
            at = len(self.host.batches) - 1 - before
            if at == number and after:
                self.host.simulated_reply(batch)
            if at == number or (at > number and for_good):
                raise HostError("connection_lost", "cut")
            return None

        return breaks

    def _rollback(self, step: Step) -> None:
        project = step.project
        if self.expected.projects[project].is_cut:
            return  # what can be taken back then is told by trials of other kinds
        before = self._all_there_is()
        wanted = hosts_before(past_runs(self.folder / project, own=OWNERS[project]), KINDS)
        result = self._run(project, lambda job, context: rollback(job, context, True, wanted))
        if self.expected.rollback(project):
            assert result.error is None or getattr(result.error, "kind", "") == "not_undone", result.error
        else:
            assert not result.changes, "a rollback that is to be refused, or has nothing to take back"
            assert self._all_there_is() == before

    # -- what there is

    def _all_there_is(self) -> tuple[Any, ...]:
        held = {f"{path}\\{value.name}": value.data for path, key in self.host.machine.registry.tree(r"SOFTWARE\ringfence")
                for value in key.values.values()}
        return self.host.rules, held, self._ends()

    def _ends(self) -> dict[str, int]:
        """{rule: the second at which a task of the host removes it}."""
        found = {}
        for task in self.host.machine.tasks.tasks():
            if task.path.startswith("\\ringfence\\expires\\"):
                found[_named(task.definition.actions[0].arguments)] = self._second(task.definition.triggers[0].start)
        return found

    def _ledger(self, project: ProjectIdentity) -> dict[str, dict[str, Any]]:
        """What a project's ledger on the host says of each rule."""
        key = self.host.machine.registry.key(rf"SOFTWARE\ringfence\{project.id}")
        return {value.name.split("|")[2]: json.loads(str(value.data)) for value in key.values.values()
                if "|" in value.name} if key else {}

    def _second(self, moment: str) -> int:
        """When that is, since the beginning; 0: never."""
        return round((datetime.fromisoformat(moment.replace("Z", "+00:00")) - self.zero).total_seconds()) if moment else 0

    @property
    def _now(self) -> int:
        return int((self.host.machine.clock.wall() - self.zero).total_seconds())

    def _rules(self) -> dict[str, Rule]:
        return {name.lower(): _read_rule(text) for name, text in self.host.rules.items()}

    def _compare(self, ledgers: bool = True) -> None:
        rules = self._rules()
        assert rules == self.expected.rules, f"rules: {rules}, expected {self.expected.rules}"
        for name, held in self.expected.projects.items() if ledgers else ():
            entries = {rule: (entry["how"], self._second(entry.get("expires", "")), entry.get("expires_on_host", False))
                       for rule, entry in self._ledger(OWNERS[name]).items()}
            said = {rule: (owned.how, owned.until, owned.by_host) for rule, owned in held.owned.items()}
            assert entries == said, f"ledger of {name}: {entries}, expected {said}"
        ends = {name: at for name, at in self._ends().items() if name in rules}
        assert ends == self.expected.ends_of_rules, f"the host ends {ends}, expected {self.expected.ends}"


def _told(change: Change) -> str:
    """A change, with all that it is about."""
    return f"{change.action} {change} {resource_as_data(change.before)} {resource_as_data(change.after)} {change.label.expiry}"


def _read_rule(text: str) -> Rule:
    """A rule by its string."""
    said = dict(part.split("=", 1) for part in text.split("|")[1:-1])
    return Rule(int(said["LPort"]), "block" if said["Action"] == "Block" else "allow", said["Active"] == "TRUE")


def _named(arguments: str) -> str:
    """The name of the rule that a task removes."""
    found = re.search(r"-Name \(-join \[char\[\]\]\(([\d,]+)\)\)", arguments)
    return "".join(chr(int(number)) for number in found[1].split(",")) if found else arguments
