"""cmd.exe on a simulated host runs one line; nothing of batch files is known.

Every wait is a `yield` of its seconds, so that whoever runs it can go on meanwhile, or stop it there. What errorlevel becomes is
told by Microsoft's "Windows Commands" and, for the commands of cmd.exe itself, by SS64 ("CMD errorlevels") and the tables that
somebody published of tests on Windows 8.1 (stackoverflow.com/a/34987886). What it does not know fails with a message, never
silently.
"""

import ntpath
import re
from collections.abc import Callable
from dataclasses import replace

from ringfence.lab.command_prompt.command_parser import (
    CommandBlock,
    CommandNode,
    CommandPair,
    ConditionalCommand,
    NotParsed,
    Redirection,
    SimpleCommand,
    parse_line,
)
from ringfence.lab.command_prompt.internal_commands import COMMANDS
from ringfence.lab.command_prompt.output_streams import IntoFile, Kept, Nowhere, Stream
from ringfence.lab.command_prompt.percent_variables import with_values
from ringfence.lab.command_prompt.prompt import Ended, Prompt, Run, Streams
from ringfence.lab.command_prompt.windows_programs import PROGRAMS
from ringfence.lab.machine.machine_files import FileError

LONGEST_LINE = 8191  # characters (Microsoft, KB830473)
NOT_RECOGNIZED = 9009  # what errorlevel becomes where a name is no command (SS64, "CMD errorlevels")
# What cmd.exe itself then ends with. open: unknown-command-code
CODE_OF_UNKNOWN = 1
CMD = r"c:\windows\system32\cmd.exe"
_SPECIAL = re.compile(r"[&<>()@^|]")


def run_line(prompt: Prompt, line: str, streams: Streams) -> Run:
    """Runs a line; the value is the errorlevel that it leaves."""
    if len(line) > LONGEST_LINE:
        streams.err.write("The command line is too long.\r\n")
        return 1
    try:
        node = parse_line(with_values(line, prompt.variable))
    except NotParsed as refused:
        streams.err.write(f"{refused}\r\n")
        prompt.errorlevel = 1
        return 1
    try:
        if node is not None:
            yield from _run(prompt, node, streams)
    except Ended:
        pass
    return prompt.errorlevel


def _run(prompt: Prompt, node: CommandNode, streams: Streams) -> Run:
    match node:
        case SimpleCommand():
            return (yield from _redirected(prompt, node.redirections, streams, lambda to: _command(prompt, node.text, to)))
        case CommandBlock():
            return (yield from _redirected(prompt, node.redirections, streams, lambda to: _run(prompt, node.body, to)))
        case CommandPair():
            return (yield from _pair(prompt, node, streams))
        case ConditionalCommand():
            chosen = node.then if _holds(prompt, node) else node.otherwise
            return 0 if chosen is None else (yield from _run(prompt, chosen, streams))


def _pair(prompt: Prompt, node: CommandPair, streams: Streams) -> Run:
    if node.operator == "|":
        return (yield from _pipe(prompt, node, streams))
    code = yield from _run(prompt, node.left, streams)
    if (node.operator == "&&" and code) or (node.operator == "||" and not code):
        return code
    return (yield from _run(prompt, node.right, streams))


def _pipe(prompt: Prompt, node: CommandPair, streams: Streams) -> Run:
    """Each side is a cmd.exe of its own (SS64, "Pipes"): what it sets is gone with it, but for the last errorlevel."""
    between = Kept()
    for side, to in ((node.left, Streams(streams.stdin, between, streams.err)), (node.right, None)):
        own = replace(prompt, variables=dict(prompt.variables))
        try:
            code = yield from _run(own, side, to or Streams(between.text, streams.out, streams.err))
        except Ended:
            code = own.errorlevel
    prompt.errorlevel = code
    return code


def _holds(prompt: Prompt, node: ConditionalCommand) -> bool:
    left, right = node.left, node.right
    if node.test == "exist":
        holds = bool(prompt.machine.files.matching(prompt.path(left))) or left.casefold() == "nul"
    elif node.test == "errorlevel":
        holds = left.isdigit() and prompt.errorlevel >= int(left)
    elif node.test == "defined":
        holds = prompt.variable(left) is not None
    elif node.test == "cmdextversion":
        holds = left.isdigit() and int(left) <= 2
    else:
        holds = _compared(node.test, left, right, node.ignores_case)
    return holds is not node.negated


def _redirected(prompt: Prompt, redirections: tuple[Redirection, ...], streams: Streams, work: Callable[[Streams], Run]) -> Run:
    to = Streams(streams.stdin, streams.out, streams.err)
    try:
        for one in redirections:
            _redirect(prompt, one, to)
        return (yield from work(to))
    except FileError as error:
        streams.err.write(f"{error}\r\n")
        prompt.errorlevel = 1
        return 1


def _redirect(prompt: Prompt, one: Redirection, to: Streams) -> None:
    """Raises FileError."""
    stream: Stream
    if one.target.startswith("&"):
        stream = to.err if one.target == "&2" else to.out
    elif one.target.casefold() in ("nul", "nul:"):
        stream = Nowhere()
    elif one.handle:
        stream = IntoFile(prompt.machine.files, prompt.path(one.target), one.append)
    if one.handle == 0:
        to.stdin = "" if one.target.casefold() == "nul" else prompt.read(one.target)
    elif one.handle == 1:
        to.out = stream
    elif one.handle == 2:
        to.err = stream


def _command(prompt: Prompt, text: str, streams: Streams) -> Run:
    text = text.lstrip()
    own = re.match(r"([A-Za-z]+)(?=$|[\s,;=./\\:+(\[\"])", text)
    if own and own[1].lower() in COMMANDS:
        result = COMMANDS[own[1].lower()](prompt, text[own.end():], streams)
        if result.errorlevel is not None:
            prompt.errorlevel = result.errorlevel
        return result.code
    quoted = re.match(r'"([^"]*)"?|([^\s,;="]+)', text)
    name = (quoted[1] or quoted[2] or "") if quoted else text
    rest = text[quoted.end():] if quoted else ""
    program = prompt.found(name)
    if program is None:
        yield 0.0
        return _not_found(prompt, name, streams)
    if ntpath.basename(program).casefold() in {p.casefold() for p in prompt.machine.faults.denied_programs}:
        streams.err.write("This program is blocked by group policy. For more information, contact your system administrator."
                          "\r\n")
        prompt.errorlevel = 1
        return 1
    started = cmd if program.casefold() == CMD else PROGRAMS.get(program.casefold())
    if started is None:
        streams.err.write(f"The simulated host cannot run {program}.\r\n")
        prompt.errorlevel = 1
        return 1
    prompt.errorlevel = yield from started(prompt, rest.strip(), streams)
    return prompt.errorlevel


def _not_found(prompt: Prompt, name: str, streams: Streams) -> int:
    prompt.errorlevel = NOT_RECOGNIZED
    if ("\\" in name or ":" in name) and not prompt.machine.files.exists(ntpath.dirname(prompt.path(name))):
        streams.err.write("The system cannot find the path specified.\r\n")
        prompt.errorlevel = 1
    else:
        streams.err.write(f"'{name}' is not recognized as an internal or external command,\r\noperable program or batch "
                          "file.\r\n")
    return prompt.errorlevel


def _compared(test: str, left: str, right: str, ignores_case: bool) -> bool:
    if test == "==":
        return left.casefold() == right.casefold() if ignores_case else left == right
    sides: tuple[int, int] | tuple[str, str]
    if re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right):
        sides = int(left), int(right)
    else:
        sides = (left.casefold(), right.casefold()) if ignores_case else (left, right)
    less, equal = sides[0] < sides[1], sides[0] == sides[1]  # type: ignore[operator]
    holds = {"equ": equal, "neq": not equal, "lss": less, "leq": less or equal, "gtr": not less and not equal, "geq": not less}
    return holds[test]


def cmd(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    """cmd.exe with its arguments: /d, /s, /q, /e:on and /c; the value is its exit code."""
    prompt = replace(prompt, errorlevel=0, variables=dict(prompt.variables))
    strips, autorun, rest = False, True, arguments.lstrip()
    while found := re.match(r"/([A-Za-z?])(:\w+)?\s*", rest):
        switch, rest = found[1].lower(), rest[found.end():]
        if switch in ("c", "r"):
            return (yield from _one_line(prompt, rest, strips, autorun, streams))
        if switch == "s":
            strips = True
        elif switch == "d":
            autorun = False
        elif switch not in ("q", "e", "a"):
            streams.err.write(f"cmd.exe of the simulated host does not know /{switch}\r\n")
            return 1
    streams.err.write("cmd.exe of the simulated host runs one line: cmd /c LINE\r\n")
    return 1


# Microsoft, "cmd": with /s the first and the last quote go; without it they stay where they are around the name of a program
def _one_line(prompt: Prompt, line: str, strips: bool, autorun: bool, streams: Streams) -> Run:
    line = line.strip(" \t") if line[:1] != '"' else line.rstrip(" \t")
    if line.startswith('"') and (strips or not _keeps_quotes(prompt, line)):
        last = line.rfind('"')
        line = line[1:last] + line[last + 1:] if last else line[1:]
    if autorun and (first := prompt.machine.registry.get(r"SOFTWARE\Microsoft\Command Processor", "AutoRun")):
        yield from run_line(prompt, str(first), streams)
    code = yield from run_line(prompt, line, streams)
    return CODE_OF_UNKNOWN if code == NOT_RECOGNIZED else code


def _keeps_quotes(prompt: Prompt, line: str) -> bool:
    """Microsoft, "cmd": exactly one pair of quotes, nothing special between them, a space there, and the name of a program."""
    inside = re.fullmatch(r'"([^"]*)".*', line)
    return bool(inside and line.count('"') == 2 and not _SPECIAL.search(inside[1]) and " " in inside[1]
                and prompt.found(inside[1]))
