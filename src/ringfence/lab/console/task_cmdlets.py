"""The cmdlets of the module ScheduledTasks that show and steer tasks, as they are typed on a simulated host."""

from collections.abc import Callable

from ringfence.lab.console.command_line import NotUnderstood, TypedCommand
from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.scheduled_tasks import NEVER, ScheduledTask, TaskScheduler
from ringfence.lab.machine.task_definition import TaskError
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.netsecurity.wildcards import matcher

_STEERED: dict[str, Callable[[TaskScheduler, str], None]] = {
    "start-scheduledtask": TaskScheduler.run, "stop-scheduledtask": TaskScheduler.stop,
    "unregister-scheduledtask": TaskScheduler.unregister,
    "enable-scheduledtask": lambda tasks, path: tasks.enable(path, True),
    "disable-scheduledtask": lambda tasks, path: tasks.enable(path, False)}
TASK_CMDLETS = ("Get-ScheduledTask", "Start-ScheduledTask", "Stop-ScheduledTask", "Enable-ScheduledTask", "Disable-ScheduledTask",
                "Unregister-ScheduledTask")


def task_cmdlet(machine: Machine, command: TypedCommand) -> str:
    """What one of TASK_CMDLETS says. Raises NotUnderstood, CmdletError."""
    given = {name.lower(): str(value) for name, value in command.parameters.items()}
    name, path = given.pop("taskname", str(command.values[0]) if command.values else "*"), given.pop("taskpath", "*")
    if others := set(given) - {"confirm", "erroraction"}:
        raise NotUnderstood(f"-{min(others)}: {command.name} takes -TaskName and -TaskPath here")
    fits, in_folder = matcher(name), matcher(path)
    found = [task for task in machine.tasks.tasks()
             if fits(task.path.rpartition("\\")[2]) and in_folder(task.path.rpartition("\\")[0] + "\\")]
    if command.name.lower() == "get-scheduledtask":
        return "".join(_shown(machine, task) for task in found)
    if not found:
        raise CmdletError("ObjectNotFound", f"CmdletizationQuery_NotFound_TaskName,{command.name}",
                          f"No MSFT_ScheduledTask objects found with property 'TaskName' equal to '{name}'.")
    try:
        for task in found:
            _STEERED[command.name.lower()](machine.tasks, task.path)
    except TaskError as error:
        raise CmdletError("NotSpecified", f"HRESULT 0x{error.hresult:08x},{command.name}", str(error), error.hresult) from None
    machine.clock.run_due()
    return ""


def _shown(machine: Machine, task: ScheduledTask) -> str:
    ran = "never ran" if task.last_run == NEVER else f"ran {task.last_run:%Y-%m-%d %H:%M:%S}"
    due = min((one.at for one in (*task.appointments, *task.moments) if one.work), default=None)
    until = "" if due is None else f", starts in {max(0, round(due - machine.clock.now()))} s"
    return f"{task.path}  {task.state}  {ran}, result 0x{task.result:x}{until}\n"
