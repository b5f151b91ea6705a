"""schtasks.exe on a simulated host (Microsoft, "schtasks"): /delete, /query, /run, /end and /change /enable or /disable."""

import re

from ringfence.lab.command_prompt.prompt import Prompt, Run, Streams
from ringfence.lab.machine.scheduled_tasks import ScheduledTask
from ringfence.lab.machine.task_definition import TaskError


def schtasks(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    """0: it is done; 1: it failed."""
    words = [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', arguments)]
    switches = [w.lower() for w in words if w.startswith("/")]
    verb = switches[0] if switches else "/query"
    at = next((n for n, w in enumerate(words) if w.lower() == "/tn"), -1)
    name = words[at + 1] if 0 <= at < len(words) - 1 else ""
    yield 0.0
    if verb not in ("/query", "/delete", "/run", "/end", "/change") or (not name and verb != "/query"):
        streams.err.write("ERROR: Invalid syntax. schtasks.exe of the simulated host has /query, /delete, /run, /end and "
                          "/change, with /tn NAME.\r\n")
        return 1
    if verb != "/query" and not prompt.elevated:
        streams.err.write("ERROR: Access is denied.\r\n")
        return 1
    scheduler = prompt.machine.tasks
    try:
        if verb == "/query":
            _show([scheduler.find(name)] if name else scheduler.tasks(), switches, streams)
            return 0
        task = scheduler.find(name)
        if verb == "/delete":
            if "/f" not in switches:  # it asks, and nobody answers
                streams.out.write(f'WARNING: Are you sure you want to remove the task "{name}" (Y/N)? ')
                return 1
            scheduler.unregister(name)
            streams.out.write(f'SUCCESS: The scheduled task "{task.path}" was successfully deleted.\r\n')
        elif verb == "/run":
            scheduler.run(name)
            streams.out.write(f'SUCCESS: Attempted to run the scheduled task "{name}".\r\n')
        elif verb == "/end":
            scheduler.stop(name)
            streams.out.write(f'SUCCESS: The scheduled task "{name}" has been terminated successfully.\r\n')
            yield 0.0  # it may have been the task of this very process
        else:
            scheduler.enable(name, "/enable" in switches)
            streams.out.write(f'SUCCESS: The parameters of scheduled task "{name}" have been changed.\r\n')
    except TaskError as error:
        missing = error.hresult == 0x80070002 and verb in ("/delete", "/change")
        streams.err.write(f'ERROR: The specified task name "{name}" does not exist in the system.\r\n' if missing else
                          f"ERROR: {error}\r\n")
        return 1
    return 0


def _show(tasks: list[ScheduledTask], switches: list[str], streams: Streams) -> None:
    if "/xml" in switches:
        streams.out.write("".join(f"{task.definition.xml}\r\n" for task in tasks))
        return
    if not tasks:
        streams.out.write("INFO: There are no scheduled tasks presently available at your access level.\r\n")
    for task in tasks:
        streams.out.write(f"{task.path:<40} {task.state:<10} 0x{task.result:x} {task.last_run:%Y-%m-%d %H:%M:%S}\r\n")
