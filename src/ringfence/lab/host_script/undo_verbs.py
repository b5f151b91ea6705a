"""The undo of a run on a simulated host, as the verbs of Undo answer, and what it keeps from writing.

How far it is, empty files say by their names: RUN.arming, exported, armed, firing, again, confirmed. Who renames one, has it.
"""

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.lab.host_script.project_ledgers import DENIAL, READABLE, ROOT, may_open, own_key
from ringfence.lab.host_script.session_facts import require_64_bits
from ringfence.lab.host_script.undo_folder import hive_counts, open_folder, undo_refusal
from ringfence.lab.host_script.undo_task_text import task_text
from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.machine_files import FileError
from ringfence.lab.machine.scheduled_tasks import HAS_NOT_RUN, QUEUED, READY, RUNNING, ScheduledTask
from ringfence.lab.machine.task_definition import TaskError
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.registry.hive import POLICY
from ringfence.lab.session import Session

_KEY, _TASK = ROOT + r"\undo", r"\ringfence\undo"
_STEPS = ("arming", "exported", "armed", "firing", "again", "confirmed")
_RULES = ("FirewallRules", "ConSecRules", "MainModeRules")  # keys of which each value is a rule
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_LOOKS_EACH = 0.2  # seconds between two looks at how far the task is
_EXPORT_SECONDS, _FIRE_SECONDS = 60, 240
With = Mapping[str, Any]


class UndoOfBatch:
    """What one batch knows of the undo: whose is armed, and until when it may write."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._run, self._until = "", 0.0
        self.verbs: Mapping[str, Callable[[With, Session], Any]] = {
            "Undo.Read": lambda arguments, session: self.read(session), "Undo.Arm": self.arm, "Undo.Continue": self.carry_on,
            "Undo.Confirm": self.confirm, "Undo.Fire": self.fire}

    def require_armed(self, session: Session) -> None:
        """Before each write: the undo of this run waits still, and no other run has one. Raises CmdletError."""
        require_64_bits(self.machine)
        if not self._run:
            self._require_no_other(session)
        elif self._step(self._run) != "armed":
            raise undo_refusal("this host has begun to undo it")
        elif self.machine.clock.uptime() > self._until:
            raise undo_refusal("it took longer than was thought: the time that is left is for the way back")

    def _require_no_other(self, session: Session) -> None:
        if not may_open(self.machine, _KEY, session):
            raise CmdletError("PermissionDenied", "ringfence.undo_unread",
                              f"whether an undo waits here is not known: HKLM\\{_KEY}: {DENIAL}")
        run, state = (self.machine.registry.get(_KEY, name) for name in ("Run", "State"))
        if state in ("arming", "armed", "firing") and (other := self.read(session)["task"] if session.elevated else run):
            raise _busy(other)

    # -- the verbs

    def read(self, session: Session) -> dict[str, Any]:
        """How far the undo is. Raises CmdletError."""
        if not session.elevated:
            raise CmdletError("PermissionDenied", "ringfence.undo", "who is no administrator sees no task of SYSTEM")
        if not may_open(self.machine, _KEY, session):
            raise CmdletError("PermissionDenied", "System.Security.SecurityException", DENIAL)
        names = ("Run", "State", "Project", "Armed")
        found: dict[str, Any] = {name.lower(): self.machine.registry.get(_KEY, name) for name in names}
        task = self._task(session)
        line = task.definition.actions[0].arguments if task and task.definition.actions else ""
        whose = re.search(r"(\S+)\.armed", line)
        found["task"] = None if task is None else whose[1] if whose else ""
        found["step"] = self._step(found["task"] or str(found["run"] or ""))
        return found

    def arm(self, arguments: With, session: Session) -> dict[str, Any]:
        """Registers the task and has it export. Raises CmdletError."""
        require_64_bits(self.machine)
        run, delay, begun = _run_of(arguments), int(arguments.get("delay") or 0), self.machine.clock.uptime()
        project = str(arguments.get("project") or "")
        if not re.fullmatch("[0-9a-f-]{0,64}", project):
            raise _wrong(f"no project has the id '{project}'")
        if not 10 <= delay <= 86400:
            raise _wrong(f"{delay} is no number of seconds from 10 to 86400")
        _require_elevated(session)
        open_folder(self.machine, self._folder)
        self._make(f"{self._folder}\\{run}.arming")
        try:
            self.machine.tasks.register(_TASK, task_text(self.machine, run, delay))
        except TaskError as error:
            self.machine.files.delete(f"{self._folder}\\{run}.arming")
            if error.hresult != 0x800700B7:
                raise undo_refusal(f"the task that undoes it was not registered: {error}") from None
            raise _busy(self.read(session)["task"]) from None
        try:
            counts = self._export(run, project, session)
        except CmdletError:
            self._remove(run, session)
            self._write({"State": "dropped"}, session)
            raise
        self._run, self._until = run, begun + int(arguments.get("write_seconds") or 0)
        return {"exported": counts, "seconds": round(self.machine.clock.uptime() - begun)}

    def carry_on(self, arguments: With, session: Session) -> None:
        """A batch that writes under an undo that another has armed. Raises CmdletError."""
        self._run, self._until = _run_of(arguments), float("inf")
        self.require_armed(session)

    def confirm(self, arguments: With, session: Session) -> dict[str, Any]:
        """The run is good: its undo goes, unless it has begun. Raises CmdletError."""
        require_64_bits(self.machine)
        run, found = _run_of(arguments), self.read(session)
        if not self._go_on(run, "armed", "confirmed", session) and self._step(run) != "confirmed":
            if (found["run"], found["state"]) == (run, "confirmed"):
                return found
            raise undo_refusal(f"the undo of the run is not armed any more: {self._step(run)}, {found['run'] or ''} "
                               f"{found['state'] or ''}")
        self._remove(run, session)
        self._write({"Run": run, "State": "confirmed"}, session)
        return self.read(session)

    def fire(self, arguments: With, session: Session) -> dict[str, Any]:
        """Undoes the run now. Raises CmdletError."""
        require_64_bits(self.machine)
        run = _run_of(arguments)
        if self._step(run) in ("armed", "firing", "again"):
            self._wait(run, "none", _FIRE_SECONDS, session, again=True)
        return self.read(session)

    # -- its parts

    @property
    def _folder(self) -> str:
        return self.machine.environment["ProgramData"] + r"\ringfence"

    def _step(self, run: str) -> str:
        return next((step for step in _STEPS if self.machine.files.exists(f"{self._folder}\\{run}.{step}")), "none")

    def _make(self, path: str) -> None:
        if self.machine.files.exists(path):
            raise CmdletError("WriteError", "NewItemIOError,New-Item", f"The file '{path}' already exists.")
        try:
            self.machine.files.write(path, b"")
        except FileError as error:
            raise CmdletError("WriteError", "NewItemIOError,New-Item", str(error)) from None

    def _go_on(self, run: str, step: str, to: str, session: Session) -> bool:
        """Whether it was at a step, and is at another now."""
        if not session.elevated:
            return False
        try:
            self.machine.files.rename(f"{self._folder}\\{run}.{step}", f"{run}.{to}")
        except FileError:
            return False
        self.machine.files.sync(f"{self._folder}\\{run}.{to}")
        return True

    def _task(self, session: Session) -> ScheduledTask | None:
        try:
            found = self.machine.tasks.find(_TASK)
        except TaskError as error:
            if error.hresult == 0x80070002:
                return None
            raise CmdletError("NotSpecified", f"HRESULT 0x{error.hresult:08x},Get-ScheduledTask", str(error),
                              error.hresult) from None
        return found if session.elevated else None

    def _export(self, run: str, project: str, session: Session) -> dict[str, int]:
        """The task exports the policy as SYSTEM; then it is armed. Raises CmdletError."""
        self._write({"Run": run, "State": "arming", "Project": project,
                     "Armed": f"{self.machine.clock.wall():%Y-%m-%dT%H:%M:%S}Z"}, session)
        self._start()
        if (step := self._wait(run, "exported", _EXPORT_SECONDS, session)) != "exported":
            raise undo_refusal(f"netsh has exported nothing in a minute: {step}")
        counts = hive_counts(self.machine, f"{self._folder}\\{run}.wfw")
        for leaf in _RULES:
            key = self.machine.registry.key(f"{POLICY}\\{leaf}")
            if counts.get(leaf, 0) < (rules := len(key.values) if key else 0):
                raise undo_refusal(f"of {rules} values in {leaf} netsh has exported {counts.get(leaf, 0)}")
        self._remove_files(run, others=True)
        self.machine.files.sync(f"{self._folder}\\{run}.wfw")
        if not self._go_on(run, "exported", "armed", session):
            raise undo_refusal("it took longer to arm than the undo waits")
        self._write({"State": "armed"}, session)
        return counts

    def _wait(self, run: str, until: str, seconds: int, session: Session, *, again: bool = False) -> str:
        """The step that the task came to, or got stuck at; the time it needs goes by on the clock of the machine."""
        end = self.machine.clock.uptime() + seconds
        while True:
            self.machine.clock.advance(_LOOKS_EACH)
            step, task = self._step(run), self._task(session)
            if step == until or task is None:
                return step
            if task.state not in ("Queued", "Running"):
                if not again and task.result not in (0, READY, RUNNING, HAS_NOT_RUN, QUEUED):
                    raise undo_refusal(f"what undoes it, run as SYSTEM, ended with {task.result}")
                if again:
                    self._start()
            if self.machine.clock.uptime() >= end:
                return step

    def _start(self) -> None:
        try:
            self.machine.tasks.run(_TASK)
        except TaskError as error:
            category = "ObjectNotFound" if error.hresult == 0x80070002 else "NotSpecified"
            id = f"HRESULT 0x{error.hresult:08x},Start-ScheduledTask"
            raise CmdletError(category, id, str(error), error.hresult) from None

    def _remove(self, run: str, session: Session) -> None:
        """The task first: it would do nothing without the files."""
        task = self._task(session)
        if task and task.definition.actions and f"{run}.armed" in task.definition.actions[0].arguments:
            self.machine.tasks.unregister(_TASK)
        self._remove_files(run, others=False)

    def _remove_files(self, run: str, *, others: bool) -> None:
        """Those of the run, or of all others."""
        for name in self.machine.files.names(self._folder):
            whose, dot, _ = name.partition(".")
            if dot and _RUN.fullmatch(whose) and (whose != run) is others:
                with contextlib.suppress(FileError):
                    self.machine.files.delete(f"{self._folder}\\{name}", force=True)

    def _write(self, values: Mapping[str, str], session: Session) -> None:
        own_key(self.machine, _KEY, session, READABLE)
        for name, text in values.items():
            self.machine.registry.set(_KEY, name, text)
        self.machine.registry.flush()


def _run_of(arguments: With) -> str:
    run = str(arguments.get("run") or "")
    if not _RUN.fullmatch(run):
        raise _wrong(f"no run has the id '{run}'")
    return run


def _require_elevated(session: Session) -> None:
    if not session.elevated:
        raise CmdletError("PermissionDenied", "UnauthorizedAccess", "Access to the path is denied.")


def _wrong(message: str) -> CmdletError:
    return undo_refusal(message, "InvalidArgument")


def _busy(run: object) -> CmdletError:
    return CmdletError("ResourceExists", "ringfence.busy", f"the undo of run {run} is under way here")
