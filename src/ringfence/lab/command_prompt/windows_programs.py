"""The programs of Windows that cmd.exe of a simulated host finds beside itself, by where they are; arguments as typed."""

import re
from collections.abc import Callable

from ringfence.lab.command_prompt import network_shell, powershell_program, registry_program, task_program
from ringfence.lab.command_prompt.prompt import Prompt, Run, Streams
from ringfence.lab.machine.machine_files import FileError

Program = Callable[[Prompt, str, Streams], Run]


# Microsoft, "find": 0 where a line was found, 1 where none was, 2 where it was called wrongly
def _find(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    said = re.fullmatch(r'((?:/[A-Za-z]+\s*)*)"((?:[^"]|"")*)"\s*(.*)', arguments)
    switches = re.findall(r"/([A-Za-z]+)", said[1].lower()) if said else []
    if said is None or set("".join(switches)) - set("vcni"):
        streams.err.write("FIND: Parameter format not correct\r\n")
        return 2
    wanted, names, found = said[2].replace('""', '"'), re.findall(r'"([^"]*)"|(\S+)', said[3]), 0
    texts: list[tuple[str, str]] = [("", streams.stdin or "")]
    if names:
        texts = []
        for name in ("".join(pair) for pair in names):
            try:
                texts.append((name, prompt.read(name)))
            except FileError:
                streams.err.write(f"File not found - {name.upper()}\r\n")
    for name, text in texts:
        if name:
            streams.out.write(f"\r\n---------- {name.upper()}{': ' if 'c' in switches else ''}")
            streams.out.write("" if "c" in switches else "\r\n")
        hits = _lines(text, wanted, "i" in switches, "v" in switches)
        found += len(hits)
        if "c" in switches:
            streams.out.write(f"{len(hits)}\r\n")
        else:
            streams.out.write("".join(f"[{n}]{line}\r\n" if "n" in switches else f"{line}\r\n" for n, line in hits))
    yield 0.0
    return 0 if found else 1


def _lines(text: str, wanted: str, ignores_case: bool, without: bool) -> list[tuple[int, str]]:
    """(number, line) of those that hold a text, or do not; an empty one is in none (SS64, "FIND")."""
    key = wanted.casefold() if ignores_case else wanted
    found = ((n, line, bool(key) and key in (line.casefold() if ignores_case else line))
             for n, line in enumerate(text.splitlines(), 1))
    return [(n, line) for n, line, holds in found if holds is not without]


# Microsoft, "attrib"
def _attrib(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    yield 0.0
    flags = re.findall(r"(?:^|\s)([+-][A-Za-z])(?=\s|$)", arguments)
    path = re.sub(r"(?:^|\s)[+-][A-Za-z](?=\s|$)", "", arguments).strip()
    found = prompt.machine.files.matching(prompt.path(path or "*"))
    if not found:
        streams.out.write(f"File not found - {prompt.path(path)}\r\n")
        return 1
    for whole, one in found:
        for flag in flags:
            if flag[1].lower() == "r":
                one.read_only = flag[0] == "+"
            elif flag[1].lower() == "h":
                one.hidden = flag[0] == "+"
        if not flags:
            streams.out.write(f"A   {'H' if one.hidden else ' '}{'R' if one.read_only else ' '}               {whole}\r\n")
    return 0


# Microsoft, "sc query": 1060 is ERROR_SERVICE_DOES_NOT_EXIST
def _sc(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    yield 0.0
    said = re.fullmatch(r'query\s+"?([^"\s]+)"?', arguments.strip(), re.IGNORECASE)
    if said is None:
        streams.err.write("sc.exe of the simulated host answers `sc query NAME` alone.\r\n")
        return 1639
    name = next((s for s in prompt.machine.services if s.casefold() == said[1].casefold()), None)
    if name is None:
        streams.out.write("[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\r\n\r\nThe specified service does not exist as "
                          "an installed service.\r\n\r\n")
        return 1060
    runs = prompt.machine.services[name] == "running"
    streams.out.write(f"\r\nSERVICE_NAME: {name}\r\n        TYPE               : 20  WIN32_SHARE_PROCESS\r\n"
                      f"        STATE              : {'4  RUNNING' if runs else '1  STOPPED'}\r\n")
    return 0


# Microsoft, "ping": one echo a second; of a host only itself answers
def _ping(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    count = re.search(r"[-/]n\s+(\d+)", arguments)
    target = next((w for w in re.sub(r"[-/][nwl]\s+\d+", "", arguments).split() if w[0] not in "-/"), "")
    if not target:
        streams.err.write("\r\nUsage: ping [-n count] target_name\r\n")
        return 1
    number = int(count[1]) if count else 4
    answers = target.casefold() in ("127.0.0.1", "::1", "localhost", prompt.machine.address, prompt.machine.name.casefold())
    for turn in range(number):
        yield 0.0 if turn == 0 else 1.0
        streams.out.write(f"Reply from {target}: bytes=32 time<1ms TTL=128\r\n" if answers else "Request timed out.\r\n")
    return 0 if answers else 1


# Microsoft, "timeout"; with its input redirected it ends at once (SS64, "TIMEOUT")
def _timeout(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    said = re.search(r"(?:/t\s+)?(-?\d+)", arguments, re.IGNORECASE)
    if streams.stdin is not None:
        streams.err.write("ERROR: Input redirection is not supported, exiting the process immediately.\r\n")
        return 1
    if said is None or not -1 <= int(said[1]) <= 99999:
        streams.err.write("ERROR: Invalid value for timeout (/T) specified. Valid range is -1 to 99999 seconds.\r\n")
        return 1
    yield float(max(0, int(said[1])))
    return 0


_SYSTEM32 = r"c:\windows\system32"
PROGRAMS: dict[str, Program] = {
    rf"{_SYSTEM32}\{name}": program for name, program in {
        "attrib.exe": _attrib, "find.exe": _find, "netsh.exe": network_shell.netsh, "ping.exe": _ping,
        "reg.exe": registry_program.reg, "sc.exe": _sc, "schtasks.exe": task_program.schtasks, "timeout.exe": _timeout,
        r"windowspowershell\v1.0\powershell.exe": powershell_program.powershell}.items()}
