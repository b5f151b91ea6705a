"""powershell.exe on a simulated host: `-Command TEXT`, with the little of the language that tasks of ringfence use.

Commands one after another, `try {} catch {}` (about_Try_Catch_Finally), `if ([-not] (…)) {}` (about_If), `exit N`; of what failed
`$_.CategoryInfo.Category`. A value is a word, a text in single quotes, or characters by their numbers. It ends with 1 where an
error stopped it (about_PowerShell_exe, -Command). What it does not know fails with a message, never silently.
"""

import re
from dataclasses import dataclass

from ringfence.lab.command_prompt.prompt import SYSTEM, Prompt, Run, Streams
from ringfence.lab.console.command_line import NotUnderstood, TypedCommand, parse
from ringfence.lab.console.task_cmdlets import TASK_CMDLETS, task_cmdlet
from ringfence.lab.netsecurity import dispatch
from ringfence.lab.netsecurity.change_events import logged
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, system_error
from ringfence.lab.netsecurity.parameter_binding import cmdlets

_CHARACTERS = re.compile(r"\(-join \[char\[\]\]\(([\d,]+)\)\)")
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_CATEGORY = re.compile(r"\$_\.CategoryInfo\.Category -(eq|ne) '(\w+)'")
_SWITCHES = re.compile(r"\s*-(NoProfile|NonInteractive|NoLogo)\b", re.IGNORECASE)
_COMMON = ("erroraction", "confirm")


class _Exit(Exception):
    """The command `exit`."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def powershell(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    """Its exit code. It takes a second to start."""
    yield 1.0
    while switch := _SWITCHES.match(arguments):
        arguments = arguments[switch.end():]
    said = re.fullmatch(r'\s*-Command\s+"((?:[^"\\]|\\.)*)"\s*', arguments, re.IGNORECASE)
    try:
        if said is None:
            raise NotUnderstood('powershell.exe of the simulated host takes -NoProfile, -NonInteractive and -Command "TEXT"')
        with prompt.machine.lock:
            _Script(prompt, streams, said[1]).run()
    except _Exit as ended:
        return ended.code
    except (NotUnderstood, CmdletError) as error:
        streams.err.write(f"{error}\r\n")
        return 1
    return 0


@dataclass
class _Script:
    prompt: Prompt
    streams: Streams
    text: str

    def run(self, failed: CmdletError | None = None) -> None:
        """Its statements, one after another. failed: what `$_` is. Raises _Exit, NotUnderstood, CmdletError."""
        rest = self.text.strip()
        while rest:
            rest = self._statement(rest, failed).lstrip("; \r\n")

    def _statement(self, text: str, failed: CmdletError | None) -> str:
        """Runs the first one; what is left."""
        if found := re.match(r"try\s*(?={)", text):
            tried, rest = _enclosed(text[found.end():])
            caught = re.match(r"\s*catch\s*(?={)", rest)
            if caught is None:
                raise NotUnderstood("try without catch")
            handled, rest = _enclosed(rest[caught.end():])
            try:
                self._block(tried).run(failed)
            except CmdletError as error:
                self._block(handled).run(error)
            return rest
        if found := re.match(r"if\s*(?=\()", text):
            condition, rest = _enclosed(text[found.end():])
            body, rest = _enclosed(rest.lstrip())
            if self._holds(condition, failed):
                self._block(body).run(failed)
            return rest
        end = _end_of_command(text)
        if found := re.fullmatch(r"exit\s+(\d+)\s*", text[:end]):
            raise _Exit(int(found[1]))
        self.streams.out.write(self._command(text[:end]))
        return text[end:]

    def _block(self, text: str) -> "_Script":
        return _Script(self.prompt, self.streams, text)

    def _holds(self, condition: str, failed: CmdletError | None) -> bool:
        condition = condition.strip()
        if condition.startswith("-not "):
            return not self._holds(condition.removeprefix("-not "), failed)
        if (found := _CATEGORY.fullmatch(condition)) and failed:
            return (failed.category == found[2]) is (found[1] == "eq")
        if condition.startswith("("):
            return self._holds(_enclosed(condition)[0], failed)
        return bool(self._command(condition))

    def _command(self, text: str) -> str:
        """What a command says. Raises NotUnderstood, CmdletError where -ErrorAction does not pass over it."""
        command = parse(_CHARACTERS.sub(_as_text, text.strip()))
        given = {name.lower(): str(value).lower() for name, value in command.parameters.items()}
        try:
            return self._cmdlet(command)
        except CmdletError as error:
            if given.get("erroraction") == "stop":
                raise
            if given.get("erroraction") != "silentlycontinue":
                self.streams.err.write(f"{error}\r\n")
            return ""

    def _cmdlet(self, command: TypedCommand) -> str:
        machine = self.prompt.machine
        if not self.prompt.elevated:
            raise CmdletError("PermissionDenied", f"HRESULT 0x80070005,{command.name}", "Access is denied.", 5)
        if command.name.lower() in {name.lower() for name in TASK_CMDLETS}:
            return task_cmdlet(machine, command)
        if command.name.lower() not in cmdlets() or command.name.lower().startswith("get-"):
            raise NotUnderstood(f"powershell.exe of the simulated host does not know {command.name}")
        if not machine.firewall_runs():
            raise system_error(1753).raised_by(command.name)
        given = {name: value for name, value in command.parameters.items() if name.lower() not in _COMMON}
        with logged(machine, SYSTEM, r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"):
            dispatch.call(machine, command.name, given)
        return ""


def _as_text(found: re.Match[str]) -> str:
    text = "".join(chr(int(number)) for number in found[1].split(","))
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # halves of one character are one
    return "'" + text.replace("'", "''") + "'"


def _enclosed(text: str) -> tuple[str, str]:
    """What stands within the brackets with which a text begins, and what behind. Raises NotUnderstood."""
    pairs, depth, at = {"{": "}", "(": ")"}, list[str](), 0
    while at < len(text):
        here = text[at]
        if quoted := _QUOTED.match(text, at):
            at = quoted.end()
            continue
        if here in pairs:
            depth.append(pairs[here])
        elif depth and here == depth[-1]:
            depth.pop()
            if not depth:
                return text[1:at], text[at + 1:]
        at += 1
    raise NotUnderstood("a bracket is not closed")


def _end_of_command(text: str) -> int:
    """Where a command ends: at a semicolon outside of quotes."""
    at = 0
    while at < len(text) and text[at] != ";":
        quoted = _QUOTED.match(text, at)
        at = quoted.end() if quoted else at + 1
    return at
