"""How the actions of scheduled tasks run on a simulated host: programs that are found by their paths, with nobody before them."""

import ntpath

from ringfence.lab.command_prompt.command_line_run import CMD, cmd
from ringfence.lab.command_prompt.output_streams import Kept
from ringfence.lab.command_prompt.prompt import SYSTEM, Prompt, Run, Streams
from ringfence.lab.command_prompt.windows_programs import PROGRAMS
from ringfence.lab.machine.machine import Machine, RanProgram
from ringfence.lab.machine.scheduled_tasks import NotStarted, StartProgram
from ringfence.lab.machine.task_definition import ExecAction

_NOT_FOUND, _DENIED = 0x80070002, 0x800704EC  # ERROR_FILE_NOT_FOUND, ERROR_ACCESS_DISABLED_BY_POLICY


def starts_programs(machine: Machine) -> StartProgram:
    """What starts the programs of a machine's tasks: variables are expanded in what an action says (IExecAction)."""

    def start(action: ExecAction, user: str) -> Run:
        prompt = Prompt(machine, user, elevated=user.upper() in (SYSTEM, "SYSTEM", "NT AUTHORITY\\SYSTEM"))
        if action.folder:
            prompt.folder = machine.expanded(action.folder)
        program = prompt.found(machine.expanded(action.command).strip('"'))
        started = cmd if program and program.casefold() == CMD else PROGRAMS.get((program or "").casefold())
        if program is None or started is None:
            raise NotStarted(_NOT_FOUND)
        if ntpath.basename(program).casefold() in {name.casefold() for name in machine.faults.denied_programs}:
            raise NotStarted(_DENIED)
        said = Kept()
        code, ended = -1, False
        try:
            code = yield from started(prompt, action.arguments, Streams(None, said, said))
            ended = True
        finally:
            text = said.text if ended else said.text + "(ended before its time)"
            machine.ran.append(RanProgram(program, action.arguments, text, code))
        return code

    return start
