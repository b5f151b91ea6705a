"""cmd.exe of a simulated host, for tests: a line to its end."""

from collections.abc import Iterator
from typing import Any

from ringfence.lab import Machine
from ringfence.lab.command_prompt.command_line_run import cmd
from ringfence.lab.command_prompt.output_streams import Kept
from ringfence.lab.command_prompt.prompt import Prompt, Run, Streams

FOLDER = r"C:\work"


def finished(run: Run) -> tuple[int, float]:
    """The value of a run, and the seconds that it took."""
    seconds, code = 0.0, -1

    def counted() -> Iterator[float]:
        nonlocal code
        code = yield from run

    for waited in counted():
        seconds += waited
    return code, seconds


def typed(on: Machine, arguments: str, **who: Any) -> tuple[int, str, str, float]:
    """(exit code, output, errors, seconds) of cmd.exe with its arguments, in C:\\work."""
    out, err = Kept(), Kept()
    code, seconds = finished(cmd(Prompt(on, folder=FOLDER, **who), arguments, Streams(None, out, err)))
    return code, out.text, err.text, seconds


def said(on: Machine, line: str) -> str:
    """What a line says that has to succeed."""
    code, out, err, _ = typed(on, f'/d /s /c "{line}"')
    assert (code, err) == (0, ""), out
    return out
