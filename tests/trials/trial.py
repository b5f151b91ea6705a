"""One trial: a host whose policy is changed, and something that goes wrong at one point of it. Whatever it is, in the end the
host is reached, and has its old policy or the new one, proven.

A trial is repeated by its name: `python -m tests.trials --only NAME`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from unittest import mock

from core import at, declared
from hosts import PatienceOfLab, stored_policy

from ringfence import kinds
from ringfence.batch import Batch, Reply
from ringfence.errors import HostError, Unreachable
from ringfence.lab import CarriesOn, Dropped, Machine, PowerLost, Session, SimulatedHost, machine
from ringfence.lab.host_script.undo_verbs import UndoOfBatch
from ringfence.lab.machine.snapshots import MachineSnapshot
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.model.ledger import ProjectIdentity
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.transports.connection_settings import LocalSettings

KINDS = kinds.load()
RUN, PROJECT = "20261126T115712Z-3f9a1c", ProjectIdentity("trial", "9f3a00000000000000000000000000e1")
PORT, CONTROLLER = 5985, "10.99.0.1"
SESSION = Session("psrp", "Administrator", True, CONTROLLER, 50000, "10.99.0.10", PORT)
REVERT_AFTER, SETTLED = 300, 4 * 3600  # seconds until a host undoes what nobody confirmed; after which all is over
OFF = 45  # seconds that a host without power stays off
Tasks = Sequence[RenderedTask]

BLOCK_ALL = at(9, name="oops", action="block", protocol="tcp", local_port="any", remote_address="any")
RULES = [at(n, name=f"trial-{n}", protocol="tcp", local_port=7000 + n, remote_address="10.0.0.0/8") for n in range(3)]
BEFORE = [at(1, name="trial-0", protocol="tcp", local_port=1234, remote_address="192.168.0.0/16", description="as it was"),
          at(2, name="trial-old", protocol="udp", local_port=53, remote_address="10.1.0.0/16")]
SCENARIOS: dict[str, Tasks] = {
    "adds": RULES,
    "mixed": [*RULES, at(5, name="trial-old", state="absent"),
              at(6, "firewall_profile", profiles=["domain", "private", "public"], log_blocked=True)],
    "locks out": [*RULES[:2], BLOCK_ALL],
    "shields": [RULES[0], at(6, "firewall_profile", profiles=["domain", "private", "public"], allow_inbound_rules=False)],
    "ipsec": [RULES[0], at(7, "ipsec_rule", name="trial-ipsec", inbound_security="require", outbound_security="request",
                           remote_address="172.16.0.0/12")],
}


class Killed(BaseException):
    """The controller is no more."""


@dataclass
class Point:
    """Where something happens: before call `call` of batch `batch` of the run (both from 0), or after it."""

    batch: int
    call: int
    after: bool = False

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.batch}.{self.call}"


class TrialHost:
    """A host as the transport of a run, which is reached as far as its own firewall lets the controller in."""

    def __init__(self) -> None:
        self.machine: Machine = machine("SRV1", address="10.99.0.10/24")
        self.simulated = SimulatedHost(self.machine)
        self.patience = PatienceOfTrial(self)
        self.sizes: list[int] = []  # calls of each batch so far
        self.at: Point | None = None
        self.happens: Callable[[], None] = lambda: None
        self.killed = self.fires_within = False
        self.off_since: float | None = None
        self.machine.faults.before_call = lambda number, verb: self._reach(number, False)
        self.machine.faults.after_call = lambda number, verb: self._reach(number, True)

    def connect(self, job: HostJob) -> "TrialHost":
        return self

    def run(self, batch: Batch) -> Reply:
        self.wake()
        self.sizes.append(len(batch.calls))
        if not self.simulated.admits(PORT, CONTROLLER):
            raise Unreachable("timeout", "srv1")
        try:
            said = self.simulated.run(batch.encode(), SESSION)
        except (Dropped, CarriesOn):
            if self.killed:
                raise Killed from None
            raise HostError("connection_lost", "srv1") from None
        if self.killed:
            raise Killed
        return batch.decode(said.encode())

    def _reach(self, number: int, after: bool) -> None:
        point = self.at
        if point and (len(self.sizes) - 1, number, after) == (point.batch, point.call, point.after):
            self.at = None
            self.happens()

    def look(self, looked: Callable[[Any, Session], None]) -> Callable[[Any, Session], None]:
        """The look before a write, after which the undo may begin at once."""
        def require_armed(undo: Any, session: Session) -> None:
            looked(undo, session)
            for _ in range(200 if self.fires_within else 0):
                if any(path.endswith((".again", ".done")) for path, _ in self.machine.files.walk()):
                    break
                self.machine.clock.advance(5)
            self.fires_within = False

        return require_armed

    def wake(self) -> None:
        """Power comes back after a while."""
        now = self.machine.clock.now()
        if not self.machine.is_on:
            self.off_since = now if self.off_since is None else self.off_since
            if now - self.off_since >= OFF:
                self.simulated.power_on()
                self.off_since = None

    def pass_time(self, seconds: float) -> None:
        """Time goes by on the host."""
        while seconds > 0:
            step = min(seconds, 20.0)
            self.machine.clock.advance(step)
            self.wake()
            seconds -= step

    def policy(self) -> dict[str, Any]:
        """The local policy as it is stored."""
        return stored_policy(self.machine)

    def left_over(self) -> list[str]:
        """What an undo has left: its task, its files."""
        files = [path for path, _ in self.machine.files.walk() if "\\ringfence\\" in path.lower() + "\\" and RUN in path]
        return [*files, *(t.path for t in self.machine.tasks.tasks())]


class PatienceOfTrial(PatienceOfLab):
    """Waiting lets time go by on the host."""

    def __init__(self, host: TrialHost) -> None:
        super().__init__(host.machine)
        self.host = host

    def wait(self, seconds: float) -> None:
        self.host.pass_time(seconds)


def apply(host: TrialHost, tasks: Tasks, revert_after: int = REVERT_AFTER, run: str = RUN) -> HostResult:
    """What tasks declare, made by a run."""
    policy = RunPolicy(PROJECT, run_id=run, forced=frozenset({"lockout"}), revert_after=revert_after)
    declarations = declared(*tasks)
    job = HostJob("srv1", LocalSettings(), declarations, len(declarations))
    return apply_host(job, RunContext(KINDS, lambda name, facts: ({}, []), host.connect, policy=policy, patience=host.patience))


@cache
def _first() -> MachineSnapshot:
    """A host with some rules of the project."""
    host = TrialHost()
    made = apply(host, BEFORE, revert_after=0, run="20260101T000000Z-000000")
    assert made.status == "changed", made.error
    return host.simulated.snapshot()


def prepared() -> TrialHost:
    """Another one that is as the first."""
    host = TrialHost()
    host.simulated.restore(_first())
    return host


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong. happens: what, at its point · set_up: before the run · ends: after the run."""

    name: str
    happens: Callable[[TrialHost], None] = lambda host: None
    set_up: Callable[[TrialHost], None] = lambda host: None
    ends: Callable[[TrialHost], None] = lambda host: None


def _raise(error: BaseException) -> None:
    raise error


def _kill(host: TrialHost, *, carries_on: bool) -> None:
    host.killed = True
    raise CarriesOn if carries_on else Dropped("the controller is gone")


def _reboot(host: TrialHost) -> None:
    host.simulated.reboot()


def _slow(host: TrialHost) -> None:
    host.machine.faults.before_call = lambda number, verb: host.machine.clock.advance(25)


def _jump(host: TrialHost, seconds: float) -> None:
    host.machine.clock.offset += seconds


def _take(host: TrialHost) -> None:
    host.kept = host.simulated.snapshot()  # type: ignore[attr-defined]


def _put_back(host: TrialHost) -> None:
    if (kept := getattr(host, "kept", None)) is not None:
        host.simulated.restore(kept)


def _unplug(host: TrialHost, seconds: float) -> None:
    host.machine.faults.unplugged = True

    def plug() -> None:
        host.machine.faults.unplugged = False

    host.machine.clock.call_in(seconds, plug)
    raise Dropped("no cable")


def _fails(host: TrialHost) -> None:
    host.machine.faults.import_fails = 2


def _dies(host: TrialHost) -> None:
    host.machine.faults.import_dies_at = 0.5


def _lazy(host: TrialHost) -> None:
    host.machine.faults.lazy_disk = 30.0


def _deny(host: TrialHost) -> None:
    host.machine.faults.denied_programs = ("reg.exe", "find.exe")
    raise Dropped("gone")


def _services(host: TrialHost) -> None:
    host.machine.faults.services_down_at_boot = 100.0


FAULTS = (
    Fault("drop", lambda host: _raise(Dropped("gone"))),
    Fault("goes on alone", lambda host: _raise(CarriesOn())),
    Fault("refused", lambda host: _raise(CmdletError("InvalidArgument", "trial", "no"))),
    Fault("power lost", lambda host: _raise(PowerLost())),
    Fault("power lost, service down at boot", lambda host: _raise(PowerLost()), set_up=_services),
    Fault("power lost, disk lazy", lambda host: _raise(PowerLost()), set_up=_lazy),
    Fault("tools denied from there on", _deny),
    Fault("reboot", _reboot),
    Fault("controller killed", lambda host: _kill(host, carries_on=False)),
    Fault("controller killed, the batch goes on", lambda host: _kill(host, carries_on=True)),
    Fault("timer fires during a call", lambda host: host.machine.clock.advance(REVERT_AFTER + 120)),
    Fault("timer fires between look and write", lambda host: setattr(host, "fires_within", True)),
    Fault("hangs for an hour", lambda host: host.machine.clock.advance(3600)),
    Fault("clock set ahead", lambda host: _jump(host, 7200)),
    Fault("clock set back", lambda host: _jump(host, -7200)),
    Fault("slow cmdlets", _slow),
    Fault("import fails twice", lambda host: _raise(Dropped("gone")), set_up=_fails),
    Fault("import dies half-way", lambda host: _kill(host, carries_on=True), set_up=_dies),
    Fault("disk is full", lambda host: setattr(host.machine.files, "room", 0)),
    Fault("no cable for two minutes", lambda host: _unplug(host, 120)),
    Fault("no cable for half an hour", lambda host: _unplug(host, 1800)),
    Fault("snapshot restored later", _take, ends=_put_back),
)


@dataclass(frozen=True)
class Trial:
    """One of them."""

    scenario: str
    fault: Fault
    point: Point

    def __str__(self) -> str:
        return f"{self.scenario}, {self.fault.name}, {self.point}"


@dataclass
class Outcome:
    """What became of a trial. wrong: what must not be."""

    status: str
    wrong: list[str] = field(default_factory=list)


def trials() -> Iterator[Trial]:
    """Every fault at every boundary of a call, in each scenario."""
    for scenario, tasks in SCENARIOS.items():
        host = prepared()
        apply(host, tasks)
        sizes = host.sizes[:_PHASES]
        points = [Point(batch, call) for batch, size in enumerate(sizes) for call in range(size)]
        points += [Point(batch, size - 1, after=True) for batch, size in enumerate(sizes)]
        for fault in FAULTS:
            for point in points:
                yield Trial(scenario, fault, replace(point))


_PHASES = 8  # batches of a run that goes well: at most


@cache
def new_policy(scenario: str) -> dict[str, Any]:
    """What a host has once all of it is made."""
    host = prepared()
    result = apply(host, SCENARIOS[scenario], revert_after=0)
    assert len(result.written) == len(result.changes)
    return host.policy()


def carry_out(trial: Trial) -> Outcome:
    """The trial, and what is wrong with its end."""
    host = prepared()
    old = host.policy()
    new = new_policy(trial.scenario)
    trial.fault.set_up(host)
    host.at, host.happens = replace(trial.point), lambda: trial.fault.happens(host)
    try:
        with mock.patch.object(UndoOfBatch, "require_armed", host.look(UndoOfBatch.require_armed)):
            result: HostResult | None = apply(host, SCENARIOS[trial.scenario])
    except Killed:
        result = None
    host.at = None
    host.machine.faults.before_call = host.machine.faults.after_call = None
    trial.fault.ends(host)
    host.pass_time(SETTLED)
    outcome = Outcome(result.status if result else "killed")
    there = host.policy()
    if not host.simulated.admits(PORT, CONTROLLER):
        outcome.wrong.append("nobody reaches it")
    if there not in (old, new):
        outcome.wrong.append(f"neither old nor new: {sorted(n for n in {*there, *old} if there.get(n) != old.get(n))[:4]}")
    if result and not hasattr(host, "kept"):  # what it said was so, before somebody put another state there
        outcome.wrong += _belied(result, there, old, new)
    if left := host.left_over():
        outcome.wrong.append(f"left over: {left}")
    return outcome


def _belied(result: HostResult, there: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Where what a result says is not so."""
    if result.status in ("changed", "not_in_force") and there != new:
        yield f"{result.status}, and the host has not the new policy"
    if result.status in ("restored", "refused", "unreachable", "stale") and there != old:
        yield f"{result.status}, and the host has not the old policy"
