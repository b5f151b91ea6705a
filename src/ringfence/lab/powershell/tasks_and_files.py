"""What a real PowerShell on a simulated host asks about scheduled tasks, files, time and the domain."""

from collections.abc import Callable, Mapping
from typing import Any

from psrpcore import types

from ringfence.lab.enforcement.domain_reach import reached_controllers
from ringfence.lab.host_script.undo_folder import hive_counts, open_folder
from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.machine_files import FileError
from ringfence.lab.machine.scheduled_tasks import ScheduledTask
from ringfence.lab.machine.task_definition import TaskError
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.netsecurity.wildcards import matcher
from ringfence.lab.session import Session

With = Mapping[str, Any]
_CATEGORIES = {0x80070002: "ObjectNotFound", 0x80070005: "PermissionDenied", 0x800700B7: "ResourceExists"}


class TasksAndFiles:
    """The answers of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.verbs: Mapping[str, Callable[[Session, With], Any]] = {
            "task": self._task, "tasks": self._tasks, "path": self._path, "make_file": self._make_file, "rename": self._rename,
            "remove": self._remove, "children": self._children, "folder": self._folder, "hive": self._hive,
            "synced": self._synced, "uptime": lambda session, parameters: machine.clock.uptime(),
            "now": lambda session, parameters: f"{machine.clock.wall():%Y-%m-%dT%H:%M:%S.%fZ}", "controllers": self._controllers,
            "offset": lambda session, parameters: machine.surroundings.utc_offset}

    # -- the module ScheduledTasks: CDXML, whose errors have the HRESULT of the provider in their ids

    def _task(self, session: Session, parameters: With) -> list[dict[str, Any]]:
        """A cmdlet that does something with one task. Raises CmdletError."""
        verb, path = str(parameters["verb"]), _joined(parameters["path"], parameters["name"])
        tasks = self.machine.tasks
        try:
            if not session.elevated:
                raise TaskError(0x80070005)
            if verb == "Register":
                return [_shown(tasks.register(path, str(parameters["xml"]), update=bool(parameters["force"])))]
            if verb == "Info":
                return [self._info(tasks.find(path))]
            if verb in ("Enable", "Disable"):
                tasks.enable(path, verb == "Enable")
            else:
                {"Start": tasks.run, "Stop": tasks.stop, "Unregister": tasks.unregister}[verb](path)
        except TaskError as error:
            raise CmdletError(_CATEGORIES.get(error.hresult, "NotSpecified"), f"HRESULT 0x{error.hresult:08x}", str(error),
                              error.hresult) from None
        return []

    def _tasks(self, session: Session, parameters: With) -> list[dict[str, Any]]:
        """What Get-ScheduledTask shows: nothing of tasks that a session may not see."""
        try:
            self.machine.tasks.require_service()
        except TaskError as error:
            raise CmdletError("NotSpecified", f"HRESULT 0x{error.hresult:08x}", str(error), error.hresult) from None
        names = matcher(str(parameters["name"] or "*"))
        paths = matcher(str(parameters["path"] or "*"))
        return [_shown(task) for task in self.machine.tasks.tasks() if session.elevated
                and names(task.path.rpartition("\\")[2]) and paths(task.path.rpartition("\\")[0] + "\\")]

    def _info(self, task: ScheduledTask) -> dict[str, Any]:
        return {"TaskPath": task.path.rpartition("\\")[0] + "\\", "TaskName": task.path.rpartition("\\")[2],
                "LastTaskResult": types.PSUInt(task.result), "LastRunTime": f"{task.last_run:%Y-%m-%dT%H:%M:%SZ}",
                "NumberOfMissedRuns": types.PSUInt(0)}

    # -- files

    def _path(self, session: Session, parameters: With) -> bool:
        return self.machine.files.exists(str(parameters["path"]))

    def _writes(self, session: Session) -> None:
        if not session.elevated:
            raise CmdletError("PermissionDenied", "UnauthorizedAccess", "Access to the path is denied.")

    def _make_file(self, session: Session, parameters: With) -> None:
        self._writes(session)
        path = str(parameters["path"])
        if self.machine.files.exists(path):
            raise CmdletError("WriteError", "NewItemIOError", f"The file '{path}' already exists.")
        self._done("NewItemIOError", "WriteError", lambda: self.machine.files.write(path, b""))

    def _rename(self, session: Session, parameters: With) -> None:
        self._writes(session)
        path = str(parameters["path"])
        if not self.machine.files.exists(path):
            raise CmdletError("InvalidOperation", "InvalidOperation", f"Cannot rename because item at '{path}' does not exist.")
        self._done("RenameItemIOError", "WriteError", lambda: self.machine.files.rename(path, str(parameters["name"])))

    def _remove(self, session: Session, parameters: With) -> None:
        self._writes(session)
        path = str(parameters["path"])
        if not self.machine.files.exists(path):
            raise CmdletError("ObjectNotFound", "PathNotFound", f"Cannot find path '{path}' because it does not exist.")
        there = self.machine.files.find(path)
        if there and there.hidden and not parameters["force"]:
            raise CmdletError("PermissionDenied", "RemoveFileSystemItemUnAuthorizedAccess",
                              f"Cannot remove item {path}: You do not have sufficient access rights to perform this operation.")
        self._done("RemoveFileSystemItemIOError", "WriteError", lambda: self.machine.files.delete(
            path, force=bool(parameters["force"]), whole=bool(parameters["recurse"])))

    def _done(self, id: str, category: str, work: Callable[[], object]) -> None:
        try:
            work()
        except FileError as error:
            raise CmdletError(category, id, str(error)) from None

    def _children(self, session: Session, parameters: With) -> list[dict[str, Any]] | None:
        there = self.machine.files.find(str(parameters["path"]))
        if there is None:
            return None
        shown = there.inside.values() if there.folder else (there,)
        return [{"Name": one.name, "FullName": f"{parameters['path']}\\{one.name}", "Length": types.PSInt64(one.size),
                 "PSIsContainer": one.folder} for one in shown if not one.hidden or parameters["force"]]

    def _folder(self, session: Session, parameters: With) -> None:
        self._writes(session)
        open_folder(self.machine, str(parameters["path"]))

    def _hive(self, session: Session, parameters: With) -> dict[str, Any]:
        return {path: types.PSInt(count) for path, count in hive_counts(self.machine, str(parameters["path"])).items()}

    def _synced(self, session: Session, parameters: With) -> None:
        self._writes(session)
        try:
            self.machine.files.sync(str(parameters["path"]))
        except FileError:
            raise CmdletError("NotSpecified", "FileNotFoundException", f"Could not find file '{parameters['path']}'.") from None

    def _controllers(self, session: Session, parameters: With) -> list[str]:
        try:
            return reached_controllers(self.machine, str(parameters["domain"]))
        except LookupError as error:
            raise CmdletError("NotSpecified", "SocketException", str(error)) from None


def _joined(path: Any, name: Any) -> str:
    return "\\" + "\\".join(filter(None, (str(path or "").strip("\\"), str(name or "").strip("\\"))))


def _shown(task: ScheduledTask) -> dict[str, Any]:
    """A task as MSFT_ScheduledTask shows it, of its parts those that somebody looks at."""
    definition = task.definition
    return {"TaskPath": task.path.rpartition("\\")[0] + "\\", "TaskName": task.path.rpartition("\\")[2], "URI": task.path,
            "State": task.state, "SecurityDescriptor": definition.sddl,
            "Actions": [{"Execute": one.command, "Arguments": one.arguments, "WorkingDirectory": one.folder or None}
                        for one in definition.actions],
            "Triggers": [{"Enabled": one.enabled, "Delay": f"PT{round(one.delay)}S", "StartBoundary": one.start}
                         for one in definition.triggers],
            "Settings": {"Enabled": task.enabled, "Priority": types.PSUInt(definition.priority),
                         "MultipleInstances": definition.instances},
            "Principal": {"UserId": definition.user}}
