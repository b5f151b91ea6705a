"""A command line on a simulated host, as sshd or WinRS hands it to the default shell.

One program is known: PowerShell with ringfence's bootstrap as its encoded command. The shell's own manners are kept:
what quoting means, how long a line may be, and what it says to a program that it does not find.
"""

import base64
import binascii
import contextlib
import os
import re
import select
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from xml.sax.saxutils import escape

from ringfence import batch
from ringfence.batch.bootstrap import BOOTSTRAP

ShellKind = Literal["cmd", "powershell", "bash"]

WINDOWS_POWERSHELL = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
EXECUTABLES = frozenset({"powershell", "powershell.exe", WINDOWS_POWERSHELL.casefold()})
CMD_LIMIT = 8191  # characters of a command line under cmd.exe
PROCESS_LIMIT = 32767  # characters that CreateProcess takes

_CLIXML = '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">{0}</Objs>'
_PROGRESS = _CLIXML.format(
    '<Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T>'
    '</TN><MS><I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1'
    '</PI><PC>-1</PC><T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj>')


class StandardInput(Protocol):
    """Standard input."""

    def readline(self, size: int = -1, /) -> bytes: ...

    def read(self, size: int = -1, /) -> bytes: ...


Write = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """How command lines are run on a host.

    `banner` is printed before anything else, `progress` puts CLIXML progress on standard error. `executables`: the
    names under which PowerShell is found, in lower case. `pwsh`: path of a real PowerShell that then does the work, in
    the given environment, after the text `first` where its command is an encoded one.
    """

    default_shell: ShellKind = "cmd"
    banner: str = ""
    progress: bool = False
    executables: frozenset[str] = EXECUTABLES
    pwsh: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    first: str = ""
    scripts: Callable[[], Sequence[str]] = batch.scripts.scripts


class CommandFailed(Exception):
    """The command line ends here: what goes to standard error, and the exit code."""

    def __init__(self, text: str, code: int) -> None:
        self.text, self.code = text, code
        super().__init__(text)


class BootstrapFatal(Exception):
    """The bootstrap says in plain text why it cannot go on."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"<<ringfence-fatal:{kind}:{detail}>>")


def run(line: str, settings: ShellSettings, execute: Callable[[str], str], stdin: StandardInput, stdout: Write, stderr: Write,
        is_wanted: Callable[[], bool]) -> int:
    """Run a command line; `execute` turns a batch line into the reply. Returns the exit code; passes on ConnectionError.

    A real process is killed as soon as it is no longer wanted: the client went away, or asked for its end.
    """
    if settings.banner:
        stdout(settings.banner.replace("\n", "\r\n").encode())
    try:
        executable, arguments = split(line, settings.default_shell)
        if executable.casefold() not in settings.executables:
            raise _not_found(executable, settings.default_shell)
        if settings.pwsh is not None:
            command = [settings.pwsh, *_with_text_first(settings.first, arguments)]
            return _run_process(command, settings.environment, stdin, stdout, stderr, is_wanted)
        _check_bootstrap(arguments)
        if settings.progress:
            stderr(_PROGRESS.encode())
        reply = execute(_batch_line(stdin, settings.scripts()))
    except BootstrapFatal as fatal:
        reply = str(fatal)
    except CommandFailed as failed:
        stderr(failed.text.encode())
        return failed.code
    stdout(reply.encode("utf-8") + b"\r\n")
    return 0


def split(line: str, shell: ShellKind) -> tuple[str, list[str]]:
    """The program and its arguments as the shell understands the line. Raises CommandFailed."""
    if shell == "bash":
        try:
            parts = shlex.split(line)
        except ValueError as error:
            raise CommandFailed(f"bash: -c: line 1: {error}\n", 2) from None
        return (parts[0], parts[1:]) if parts else ("", [])
    if len(line) > (CMD_LIMIT if shell == "cmd" else PROCESS_LIMIT):
        raise CommandFailed("The command line is too long.\r\n", 1)
    if shell == "powershell":
        line = line.strip()
        if line.startswith("&"):
            line = line[1:].lstrip()
        elif line[:1] in ('"', "'"):
            raise CommandFailed("Unexpected token in expression or statement.\r\n    + CategoryInfo          : ParserError: (:) "
                                "[], ParentContainsErrorRecordException\r\n    + FullyQualifiedErrorId : UnexpectedToken\r\n", 1)
        parts = re.findall(r""""([^"]*)"|'([^']*)'|(\S+)""", line)
        words = ["".join(part) for part in parts]
    else:
        words = ["".join(part) for part in re.findall(r'"([^"]*)"|(\S+)', line)]
    return (words[0], words[1:]) if words else ("", [])


def _not_found(executable: str, shell: ShellKind) -> CommandFailed:
    if shell == "bash":
        return CommandFailed(f"bash: line 1: {executable}: command not found\n", 127)
    if shell == "powershell":
        return CommandFailed(f"{executable} : The term '{executable}' is not recognized as the name of a cmdlet, function, "
                             "script file, or operable program. Check the spelling of the name, or if a path was included, "
                             "verify that the path is correct and try again.\r\n", 1)
    if "\\" in executable:
        return CommandFailed("The system cannot find the path specified.\r\n", 1)
    return CommandFailed(f"'{executable}' is not recognized as an internal or external command,\r\noperable program or batch "
                         "file.\r\n", 1)


def _with_text_first(first: str, arguments: list[str]) -> list[str]:
    """The arguments with `first` before the text of an encoded command."""
    if not first or len(arguments) < 2 or arguments[-2].casefold() != "-encodedcommand":
        return arguments
    try:
        text = base64.b64decode(arguments[-1], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return arguments
    return [*arguments[:-1], base64.b64encode((first + text).encode("utf-16-le")).decode("ascii")]


def _check_bootstrap(arguments: list[str]) -> None:
    """Accept the bootstrap and nothing else. Raises CommandFailed as powershell.exe words it."""
    switches = [a.casefold() for a in arguments[:-1]]
    if not arguments or switches != ["-noprofile", "-noninteractive", "-encodedcommand"]:
        raise CommandFailed("This simulated host runs ringfence's bootstrap only: -NoProfile -NonInteractive -EncodedCommand "
                            "BASE64.\r\n", 1)
    try:
        text = base64.b64decode(arguments[-1], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        raise CommandFailed("Cannot process the command because the value specified with -EncodedCommand is not properly "
                            "encoded. The value must be Base64 encoded.\r\n", 1) from None
    if text != BOOTSTRAP:
        raise CommandFailed(clixml_error("This simulated host runs ringfence's bootstrap and no other command."), 1)


def _batch_line(stdin: StandardInput, scripts: Sequence[str]) -> str:
    """The batch line, after the script that has to be a constant one. Raises CommandFailed or BootstrapFatal."""
    lines = [line.strip() for line in iter(stdin.readline, b"") if line.strip()]
    if len(lines) < 2:
        raise BootstrapFatal("script", "standard input was cut short")
    try:
        text = base64.b64decode(lines[0], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise BootstrapFatal("script", 'Exception calling "FromBase64String" with "1" argument(s): "The input is not a valid '
                             'Base-64 string."') from None
    if text.replace("\r\n", "\n") not in {script.replace("\r\n", "\n") for script in scripts}:
        raise CommandFailed(clixml_error("This simulated host runs ringfence's own script and no other."), 1)
    return lines[1].decode("ascii", "replace")


def clixml_error(text: str) -> str:
    """An error as powershell.exe writes it on a redirected standard error."""
    return _CLIXML.format(f'<S S="Error">{escape(text)}_x000D__x000A_</S>')


def _run_process(command: list[str], environment: Mapping[str, str], stdin: StandardInput, stdout: Write, stderr: Write,
                 is_wanted: Callable[[], bool]) -> int:
    """Run a process and copy its streams."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(environment)) as process:
        into, out, err = process.stdin, process.stdout, process.stderr
        assert into is not None
        assert out is not None
        assert err is not None

        def feed() -> None:
            with contextlib.suppress(OSError, ValueError):  # the child ended before it read everything
                while piece := stdin.readline(1 << 20):
                    into.write(piece)
                    into.flush()
                into.close()

        sinks = {out.fileno(): stdout, err.fileno(): stderr}
        threading.Thread(target=feed, daemon=True).start()
        try:
            while sinks:
                ready, _, _ = select.select(list(sinks), [], [], 0.5)
                for fd in ready:
                    if piece := os.read(fd, 65536):
                        sinks[fd](piece)
                    else:
                        del sinks[fd]
                if not ready and not is_wanted():
                    process.kill()
        except OSError:  # nobody listens any more
            process.kill()
        return process.wait()
