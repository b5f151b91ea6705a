"""The task of an undo as the host script registers it: its own text, out of the part of the script that has it.

So a host without a PowerShell runs the very line that a real one would run.
"""

import re
from functools import cache
from xml.sax.saxutils import escape

from ringfence.batch import scripts
from ringfence.lab.host_script.undo_folder import undo_refusal
from ringfence.lab.machine.machine import Machine

_ENTITIES = {'"': "&quot;", "'": "&apos;"}  # beside those that every XML escapes (SecurityElement.Escape)


@cache
def _texts() -> tuple[str, str]:
    """The XML of the task and the line of its action, with places for what differs."""
    part = scripts.part_text("undo_task")
    xml = re.search(r"^\$undoXml = @'\n(.*?)\n'@", part, re.DOTALL | re.MULTILINE)
    listed = re.search(r"^\$undoLine = @\([^\n]*\n(.*?)\) -join ' '", part, re.DOTALL | re.MULTILINE)
    assert xml
    assert listed
    named = dict(re.findall(r"^\$(undo\w+) = '([^'\n]*)'$", part, re.MULTILINE))
    pieces = re.findall(r"""^\s*(?:'((?:[^'\n]|'')*)'|"((?:[^"`\n]|`.)*)")""", listed[1], re.MULTILINE)
    line = " ".join(plain.replace("''", "'") if plain else _interpolated(rich, named) for plain, rich in pieces)
    return xml[1], line


def _interpolated(text: str, named: dict[str, str]) -> str:
    """What stands between double quotes in PowerShell: variables, and characters behind a backtick."""
    return re.sub(r"`(.)|\$(\w+)", lambda found: found[1] or named[found[2]], text)


def task_text(machine: Machine, run: str, delay: int) -> str:
    """The XML of the task for a run on this machine. Raises CmdletError."""
    guid = str(machine.registry.get(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid") or "")
    if not re.fullmatch("[0-9A-Fa-f-]{36}", guid) or not re.fullmatch(r"[\w-]{1,63}", machine.name):
        raise undo_refusal(f"this machine is not told from others: '{guid}', '{machine.name}'")
    xml, line = _texts()
    line = line.replace("{run}", run).replace("{machine}", guid).replace("{computer}", machine.name)
    return xml.replace("{delay}", str(delay)).replace("{line}", escape(line, _ENTITIES))
