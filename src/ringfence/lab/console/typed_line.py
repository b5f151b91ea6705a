"""A line for cmd.exe as the first account of a simulated host types it: what netsh, schtasks, reg and the like say."""

import ntpath
import re

from ringfence.lab.command_prompt.command_line_run import CMD, run_line
from ringfence.lab.command_prompt.internal_commands import COMMANDS
from ringfence.lab.command_prompt.output_streams import Kept
from ringfence.lab.command_prompt.prompt import Prompt, Streams
from ringfence.lab.command_prompt.windows_programs import PROGRAMS
from ringfence.lab.machine.machine import Machine

TYPED_PROGRAMS = tuple(sorted(ntpath.basename(path).removesuffix(".exe") for path in (*PROGRAMS, CMD)))


def is_for_cmd(line: str) -> bool:
    """Whether a line begins with something that cmd.exe knows or finds."""
    word = re.match(r"\s*([A-Za-z]+)(?:\.exe)?(?=$|[\s,;=./\\:(])", line)
    return bool(word) and word[1].lower() in {*COMMANDS, *TYPED_PROGRAMS}  # type: ignore[index]


def typed_line(machine: Machine, line: str) -> str:
    """What it says. The time that it takes goes by on the clock of the host."""
    out = Kept()
    user = next(iter(machine.accounts))
    prompt = Prompt(machine, user, folder="C:\\")
    run = run_line(prompt, line, Streams(None, out, out))
    with machine.lock:
        for seconds in run:
            machine.clock.advance(seconds)
    return out.text.replace("\r\n", "\n") or (f"errorlevel {prompt.errorlevel}\n" if prompt.errorlevel else "")
