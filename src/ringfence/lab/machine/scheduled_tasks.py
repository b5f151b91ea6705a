"""The Task Scheduler of a simulated host ([MS-TSCH]): tasks that start by their triggers or on demand, run, and are stopped.

What an action does is the business of who starts programs; here it is a generator that yields the seconds it takes and returns
its exit code, so that it can be stopped wherever it waits. Whoever calls holds the lock of the machine.
"""

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from ringfence.lab.machine.clock import Appointment, MachineClock
from ringfence.lab.machine.task_definition import ExecAction, TaskDefinition, TaskError, TaskTrigger

READY, RUNNING, HAS_NOT_RUN, TERMINATED, QUEUED = 0x41300, 0x41301, 0x41303, 0x41306, 0x41325  # [MS-TSCH] 2.3.14
CONDITIONS_NOT_MET = 0x800710E0  # ERROR_REQUEST_REFUSED as an HRESULT; what a task shows that was not let start
NEVER = datetime(1999, 11, 30, tzinfo=UTC)  # what the Task Scheduler shows of a task that has not run yet
Program = Generator[float, None, int]
StartProgram = Callable[[ExecAction, str], Program]  # an action and the SID or name of an account


class NotStarted(Exception):
    """The program of an action cannot be started, and why, as an HRESULT."""

    def __init__(self, hresult: int) -> None:
        super().__init__(f"0x{hresult:08X}")
        self.hresult = hresult


@dataclass(slots=True)
class PowerState:
    """on_batteries, is_idle, network: what the conditions of tasks ask of a host."""

    on_batteries: bool = False
    is_idle: bool = False
    network: bool = True


@dataclass(slots=True)
class TaskInstance:
    """One run of a task. program: none as long as it is queued."""

    task: "ScheduledTask"
    program: Program | None = None
    waits: list[Appointment] = field(default_factory=list)
    ended: bool = False


@dataclass(slots=True)
class ScheduledTask:
    """A task that is registered. queued: runs that policy `Queue` keeps back · appointments: when its triggers fire; `moments`
    those of the triggers that go by the time of day."""

    path: str
    definition: TaskDefinition
    enabled: bool
    result: int = HAS_NOT_RUN
    last_run: datetime = NEVER
    instances: list[TaskInstance] = field(default_factory=list)
    queued: int = 0
    restarts: int = 0
    appointments: list[Appointment] = field(default_factory=list)
    moments: list[Appointment] = field(default_factory=list)
    deleted: bool = False

    @property
    def state(self) -> str:
        """As MSFT_ScheduledTask.State names it (TASK_STATE, taskschd.h)."""
        if any(one.program for one in self.instances):
            return "Running"
        return "Queued" if self.queued or self.instances else "Ready" if self.enabled else "Disabled"


class TaskScheduler:
    """The service. `runs`: whether it does, `queues`: seconds for which it queues what is to start, `start_program`: what starts
    the programs of actions."""

    def __init__(self, clock: MachineClock, runs: Callable[[], bool], queues: Callable[[], float] = lambda: 0.0) -> None:
        self.power = PowerState()
        self.start_program: StartProgram = _nothing_starts
        self._clock, self._runs, self._queues = clock, runs, queues
        self._tasks: dict[str, ScheduledTask] = {}

    # -- what callers ask

    def tasks(self) -> list[ScheduledTask]:
        """All that are registered."""
        return list(self._tasks.values())

    def find(self, path: str) -> ScheduledTask:
        """The task at a path like `\\folder\\name`. Raises TaskError: 0x80070002."""
        self.require_service()
        task = self._tasks.get(_key(path))
        if task is None:
            raise TaskError(0x80070002)
        return task

    def register(self, path: str, xml: str, *, update: bool = False) -> ScheduledTask:
        """A task from its XML; a registration trigger fires on an update as well. Raises TaskError."""
        self.require_service()
        definition = TaskDefinition.parse(xml)
        there = self._tasks.get(_key(path))
        if there and not update:
            raise TaskError(0x800700B7)
        if there:  # what is running runs on
            self._forget(there)
        task = ScheduledTask("\\" + path.strip("\\"), definition, definition.enabled)
        if there:
            task.result, task.last_run, task.instances = there.result, there.last_run, there.instances
            for instance in task.instances:
                instance.task = task
        self._tasks[_key(path)] = task
        self._arm(task, "RegistrationTrigger")
        self._wait_for_moments(task)
        return task

    def unregister(self, path: str) -> None:
        """Deletes a task; what is running of it runs on. Raises TaskError."""
        self._forget(self.find(path))

    def run(self, path: str) -> None:
        """Starts a task on demand. Raises TaskError."""
        task = self.find(path)
        if not task.enabled:
            raise TaskError(0x80041326)
        if not task.definition.on_demand:
            raise TaskError(0x80041328)
        self._start(task, 0.0)

    # IRegisteredTask::Stop. open: programs-of-a-stopped-task
    def stop(self, path: str) -> None:
        """Stops all instances of a task. Raises TaskError."""
        task = self.find(path)
        task.queued = 0
        for instance in list(task.instances):
            self._end(instance, TERMINATED)

    def enable(self, path: str, enabled: bool) -> None:
        """Switches a task on or off; what runs is not stopped. Raises TaskError."""
        self.find(path).enabled = enabled

    # -- the host

    def boot(self) -> None:
        """The service has started with the host: triggers of the boot count from here."""
        for task in self._tasks.values():
            self._arm(task, "BootTrigger")
            self._wait_for_moments(task, missed=True)

    def time_was_set(self) -> None:
        """Somebody has set the time of day: triggers that go by it wait for their moments anew."""
        for task in self._tasks.values():
            self._wait_for_moments(task)

    # IRegistrationTrigger, remarks. open: repetition-at-restart
    def shut_down(self) -> None:
        """The host goes off: what runs ends there, and every delay that began is lost (IRegistrationTrigger, remarks)."""
        for task in self._tasks.values():
            _cancel(task.appointments)
            _cancel(task.moments)
            task.queued = task.restarts = 0
            for instance in list(task.instances):
                self._end(instance, TERMINATED)

    def went_on_batteries(self) -> None:
        """The host lost its mains ([MS-TSCH] 2.5.4: StopIfGoingOnBatteries)."""
        self.power.on_batteries = True
        for task in self._tasks.values():
            for instance in list(task.instances) if task.definition.stops_on_batteries else ():
                self._end(instance, TERMINATED)

    def put_back(self, tasks: list[ScheduledTask]) -> None:
        """Has these tasks from now on, none of which runs; the host is off."""
        self._tasks = {_key(task.path): ScheduledTask(task.path, task.definition, task.enabled, task.result, task.last_run)
                       for task in tasks}

    # -- triggers

    def _arm(self, task: ScheduledTask, kind: str) -> None:
        for trigger in task.definition.triggers:
            if trigger.kind == kind and trigger.enabled:
                self._fire_in(task, trigger, trigger.delay)

    # ITimeTrigger; TriggerBaseType ([MS-TSCH] 2.5.3.1): it is active from StartBoundary on, and repeats from there.
    # open: missed-start
    def _wait_for_moments(self, task: ScheduledTask, *, missed: bool = False) -> None:
        """Has the triggers of a task fire at their times of day. missed: what fell into the time in which the host was off is
        made up for, where the task is to start as soon as it can (ITaskSettings::StartWhenAvailable)."""
        _cancel(task.moments)
        for trigger in task.definition.triggers:
            if trigger.kind != "TimeTrigger" or not trigger.enabled or trigger.begins is None:
                continue
            since, every = (self._clock.wall() - trigger.begins).total_seconds(), trigger.repeats_every
            if since < 0:
                self._at_moment(task, trigger, -since)
            elif every and (not trigger.repeats_for or since - since % every + every < trigger.repeats_for):
                self._at_moment(task, trigger, every - since % every)
            if since >= 0 and missed and task.definition.when_available and task.last_run < trigger.begins:
                task.moments.append(self._clock.call_in(0.0, partial(self._start_if_it_may, task, trigger)))

    def _at_moment(self, task: ScheduledTask, trigger: TaskTrigger, seconds: float) -> None:
        def fire() -> None:
            if not task.deleted:
                self._start_if_it_may(task, trigger)
                self._wait_for_moments(task)

        task.moments.append(self._clock.call_in(seconds, fire))

    def _start_if_it_may(self, task: ScheduledTask, trigger: TaskTrigger) -> None:
        now = self._clock.wall()
        early, late = trigger.begins and now < trigger.begins, trigger.ends and now > trigger.ends
        if not task.deleted and task.enabled and self._runs() and not early and not late:
            self._start(task, trigger.time_limit)

    def _fire_in(self, task: ScheduledTask, trigger: TaskTrigger, seconds: float, repeated: float = 0.0) -> None:
        """repeated: seconds since the first time."""

        def fire() -> None:
            if task.deleted:
                return
            after = repeated + trigger.repeats_every
            if trigger.repeats_every and (not trigger.repeats_for or after < trigger.repeats_for):
                self._fire_in(task, trigger, trigger.repeats_every, after)
            elif trigger.repeats_every and trigger.stops_at_end:
                self._later(task, trigger.repeats_for - repeated, lambda: self._stop_all(task))
            self._start_if_it_may(task, trigger)

        self._later(task, seconds, fire)

    def _later(self, task: ScheduledTask, seconds: float, work: Callable[[], None]) -> None:
        task.appointments = [one for one in task.appointments if one.work is not None]
        task.appointments.append(self._clock.call_in(seconds, work))

    def _stop_all(self, task: ScheduledTask) -> None:
        for instance in list(task.instances):
            self._end(instance, TERMINATED)

    # -- instances

    # open: conditions-on-demand
    def _start(self, task: ScheduledTask, time_limit: float) -> None:
        """A new instance, where conditions and the policy for several let it start."""
        if not self._conditions_hold(task.definition):
            task.result = CONDITIONS_NOT_MET
            self._restart_later(task)
            return
        policy = task.definition.instances
        if task.instances and policy == "IgnoreNew":
            return
        if task.instances and policy == "Queue":
            task.queued += 1
            return
        if policy == "StopExisting":
            self._stop_all(task)
        instance = TaskInstance(task)
        task.instances.append(instance)
        if seconds := self._queues():
            task.result = QUEUED
            instance.waits.append(self._clock.call_in(seconds, lambda: self._begin(instance, time_limit)))
        else:
            self._begin(instance, time_limit)

    def _begin(self, instance: TaskInstance, time_limit: float) -> None:
        task = instance.task
        task.result, task.last_run = RUNNING, self._clock.wall()
        limits = [limit for limit in (task.definition.time_limit, time_limit) if limit]
        if limits:
            instance.waits.append(self._clock.call_in(min(limits), lambda: self._end(instance, TERMINATED)))
        instance.program = self._actions(instance)
        # the program is a process of its own: who starts the task goes on at once
        instance.waits.append(self._clock.call_in(0.0, lambda: self._step(instance)))

    def _actions(self, instance: TaskInstance) -> Program:
        """One action after another, whatever the one before has returned ([MS-TSCH] 2.5.6 has no condition)."""
        code = 0
        for action in instance.task.definition.actions:
            code = yield from self.start_program(action, instance.task.definition.user)
        return code

    def _step(self, instance: TaskInstance) -> None:
        if instance.ended or instance.program is None:
            return
        try:
            seconds = next(instance.program)
        except StopIteration as ended:
            self._end(instance, int(ended.value) & 0xFFFFFFFF)
        except NotStarted as error:
            self._end(instance, error.hresult)
            self._restart_later(instance.task)
        else:
            if instance.ended:  # it has stopped its own task, or the host
                instance.program.close()
            else:
                instance.waits.append(self._clock.call_in(seconds, lambda: self._step(instance)))

    def _end(self, instance: TaskInstance, result: int) -> None:
        if instance.ended:
            return
        instance.ended = True
        _cancel(instance.waits)
        task = instance.task
        task.instances.remove(instance)
        task.result = RUNNING if task.instances else result
        if instance.program is not None and inspect.getgeneratorstate(instance.program) != inspect.GEN_RUNNING:
            instance.program.close()
        if task.queued and not task.instances:
            task.queued -= 1
            self._start(task, 0.0)

    def _restart_later(self, task: ScheduledTask) -> None:
        """[MS-TSCH] 2.5.4.2: for a condition that does not hold, and an action that cannot be started; for no exit code."""
        if task.definition.restart_every and task.restarts < task.definition.restarts:
            task.restarts += 1
            self._later(task, task.definition.restart_every,
                        lambda: self._start(task, 0.0) if task.enabled and not task.deleted and self._runs() else None)

    def _conditions_hold(self, task: TaskDefinition) -> bool:
        power = self.power
        return not ((task.not_on_batteries and power.on_batteries) or (task.needs_idle and not power.is_idle)
                    or (task.needs_network and not power.network))

    def _forget(self, task: ScheduledTask) -> None:
        task.deleted = True
        _cancel(task.appointments)
        _cancel(task.moments)
        self._tasks.pop(_key(task.path), None)

    # open: scheduler-stopped
    def require_service(self) -> None:
        """Raises TaskError where the service does not run."""
        if not self._runs():
            raise TaskError(0x80041315)


def _key(path: str) -> str:
    return path.strip("\\").casefold()


def _cancel(appointments: list[Appointment]) -> None:
    for one in appointments:
        one.cancel()
    appointments.clear()


def _nothing_starts(action: ExecAction, user: str) -> Program:
    raise NotStarted(0x80070002)
    yield 0.0
