"""The commands of cmd.exe itself. Of each its errorlevel; the code that && and || look at may be another (`rd`)."""

import ntpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from ringfence.lab.command_prompt.command_parser import SEPARATORS
from ringfence.lab.command_prompt.prompt import Ended, Prompt, Streams
from ringfence.lab.machine.machine_files import FileError


@dataclass(frozen=True, slots=True)
class Result:
    """code: what && and || look at · errorlevel: None leaves it as it was."""

    code: int
    errorlevel: int | None


_DONE, _FAILED, _NOTHING = Result(0, 0), Result(1, 1), Result(0, None)
Command = Callable[[Prompt, str, Streams], Result]
_SYNTAX = "The syntax of the command is incorrect."


def _arguments(text: str) -> tuple[list[str], list[str]]:
    """(switches in lower case, other words without their quotes)."""
    words = re.findall(rf'(?:"[^"]*"?|[^{SEPARATORS}"])+', text)
    switches = [part.lower() for word in words if word.startswith("/") for part in re.findall(r"/[^/]+", word)]
    return switches, [word.replace('"', "") for word in words if not word.startswith("/")]


def _refused(streams: Streams, why: object) -> Result:
    streams.err.write(f"{why}\r\n")
    return _FAILED


def _cd(prompt: Prompt, text: str, streams: Streams) -> Result:
    """Microsoft, "cd": another drive needs /d."""
    changes_drive = bool(re.match(r"\s*/d(?=\s|$)", text, re.IGNORECASE))
    target = re.sub(r"^\s*/d(?=\s|$)", "", text, flags=re.IGNORECASE).strip().replace('"', "")
    if not target:
        streams.out.write(f"{prompt.folder}\r\n")
        return _DONE
    path = prompt.path(target)
    there = prompt.machine.files.find(path)
    if there is None:
        return _refused(streams, "The system cannot find the path specified.")
    if not there.folder:
        return _refused(streams, "The directory name is invalid.")
    if changes_drive or path[:2].casefold() == prompt.folder[:2].casefold():
        prompt.folder = path if len(path) > 2 else path + "\\"
    return _DONE


def _ren(prompt: Prompt, text: str, streams: Streams) -> Result:
    """Microsoft, "ren": the new name stands alone; of a name that is taken, and of one that is not there, it says so."""
    _, words = _arguments(text)
    if len(words) != 2 or "\\" in words[1] or ":" in words[1]:
        return _refused(streams, _SYNTAX)
    if any(c in words[0] + words[1] for c in "*?"):
        return _refused(streams, "ren of the simulated host knows no wildcards.")
    try:
        prompt.machine.files.rename(prompt.path(words[0]), words[1])
    except FileError as error:
        return _refused(streams, "A duplicate file name exists, or the file\r\ncannot be found." if error.code == 183 else error)
    return _DONE


def _del(prompt: Prompt, text: str, streams: Streams) -> Result:
    """SS64, "DEL": that nothing was there to be deleted, or could not be, is told and is no error; /a: hidden files too."""
    switches, words = _arguments(text)
    if not words or set(switches) - {"/q", "/f", "/p", "/s", "/a"}:
        return _refused(streams, _SYNTAX)
    for word in words:
        path = prompt.path(word)
        if (there := prompt.machine.files.find(path)) and there.folder:
            path += "\\*"
        found = [(p, one) for p, one in prompt.machine.files.matching(path)
                 if not one.folder and (not one.hidden or "/a" in switches)]
        if not found:
            streams.err.write(f"Could Not Find {path}\r\n")
        for one, _ in found:
            try:
                prompt.machine.files.delete(one, force="/f" in switches)
            except FileError as error:
                streams.err.write(f"{one}\r\n{error}\r\n")
    return _DONE


def _md(prompt: Prompt, text: str, streams: Streams) -> Result:
    _, words = _arguments(text)
    if not words:
        return _refused(streams, _SYNTAX)
    for word in words:
        if prompt.machine.files.exists(prompt.path(word)):
            return _refused(streams, f"A subdirectory or file {word} already exists.")
        try:
            prompt.machine.files.make_folder(prompt.path(word))
        except FileError as error:
            return _refused(streams, error)
    return _DONE


def _rd(prompt: Prompt, text: str, streams: Streams) -> Result:
    """What it refuses shows in && and ||, and not in errorlevel (stackoverflow.com/a/34987886, table 1)."""
    switches, words = _arguments(text)
    if not words:
        return _refused(streams, _SYNTAX)
    for word in words:
        try:
            there = prompt.machine.files.find(prompt.path(word))
            if there is not None and not there.folder:
                streams.err.write("The directory name is invalid.\r\n")
                return Result(267, None)
            prompt.machine.files.delete(prompt.path(word), whole="/s" in switches)
        except FileError as error:
            streams.err.write(f"{error}\r\n")
            return Result(error.code, None)
    return _NOTHING


def _echo(prompt: Prompt, text: str, streams: Streams) -> Result:
    said = text[1:]
    if not text.strip() and text[:1] not in (".", ":"):
        streams.out.write("ECHO is on.\r\n")
    elif said.strip().lower() not in ("on", "off"):
        streams.out.write(f"{said}\r\n")
    return _NOTHING


def _type(prompt: Prompt, text: str, streams: Streams) -> Result:
    _, words = _arguments(text)
    if not words:
        return _refused(streams, _SYNTAX)
    for word in words:
        try:
            streams.out.write("" if word.casefold() == "nul" else prompt.read(word))
        except FileError as error:
            return _refused(streams, error)
    return _DONE


def _exit(prompt: Prompt, text: str, streams: Streams) -> Result:
    """Microsoft, "exit": on a command line /b ends it as well."""
    _, words = _arguments(text)
    if words and re.fullmatch(r"-?\d+", words[0]):
        prompt.errorlevel = int(words[0])
    raise Ended


def _set(prompt: Prompt, text: str, streams: Streams) -> Result:
    said = text.strip()
    if said.startswith('"'):
        said = said[1:].rpartition('"')[0] or said[1:]
    name, equals, value = (said if text.strip().startswith('"') else text.lstrip()).partition("=")
    if not equals or name.startswith("/"):
        return _refused(streams, "set of the simulated host takes NAME=VALUE.")
    prompt.variables[name.casefold()] = value
    if not value:
        del prompt.variables[name.casefold()]
    return _DONE


def _dir(prompt: Prompt, text: str, streams: Streams) -> Result:
    """Microsoft, "dir": /b bare names; else date, time, size and name; /a: hidden files too."""
    switches, words = _arguments(text)
    for word in words or ["."]:
        path = prompt.path(word)
        there = prompt.machine.files.find(path)
        found = [(p, one) for p, one in prompt.machine.files.matching(path + "\\*" if there and there.folder else path)
                 if not one.hidden or "/a" in switches]
        if not found and not (there and there.folder):
            return _refused(streams, "File Not Found")
        if "/b" not in switches:
            streams.out.write(f" Directory of {path if there and there.folder else ntpath.dirname(path)}\r\n\r\n")
        for _, one in found:
            size = "<JUNCTION>" if one.points_elsewhere else "<DIR>" if one.folder else f"{one.size:,}"
            streams.out.write(f"{one.name}\r\n" if "/b" in switches else f"{size:>18} {one.name}\r\n")
    return _DONE


def _copy(prompt: Prompt, text: str, streams: Streams) -> Result:
    _, words = _arguments(text)
    if len(words) != 2:
        return _refused(streams, _SYNTAX)
    try:
        source = prompt.machine.files.find(prompt.path(words[0]))
        if source is None or source.folder:
            raise FileError(2)
        target = prompt.path(words[1])
        if (there := prompt.machine.files.find(target)) and there.folder:
            target = f"{target}\\{source.name}"
        prompt.machine.files.write(target, source.content)
    except FileError as error:
        return _refused(streams, error)
    streams.out.write("        1 file(s) copied.\r\n")
    return _DONE


def _ver(prompt: Prompt, text: str, streams: Streams) -> Result:
    streams.out.write(f"\r\nMicrosoft Windows [Version 10.0.{prompt.machine.system.build}]\r\n")
    return _DONE


COMMANDS: dict[str, Command] = {
    "cd": _cd, "chdir": _cd, "ren": _ren, "rename": _ren, "del": _del, "erase": _del, "md": _md, "mkdir": _md, "rd": _rd,
    "rmdir": _rd, "echo": _echo, "type": _type, "exit": _exit, "set": _set, "dir": _dir, "copy": _copy, "ver": _ver}
