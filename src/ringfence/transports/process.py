"""A batch through a PowerShell process, at the other end of SSH or here: what is started, said, read and understood.

The command line is short and made of characters that cmd.exe, PowerShell and bash leave alone; script and data follow
on standard input, a line each, for cmd.exe takes no more than 8,191 characters on its command line.
"""

import base64
import contextlib
import functools
import html
import os
import re
import threading
from collections.abc import Callable, Mapping

from ringfence.batch import Batch, Reply
from ringfence.batch.bootstrap import bootstrap
from ringfence.errors import HostError
from ringfence.transports.failures import host_error, kind_from_text

_BEGIN = b"<<ringfence"
MAX_ERRORS = 256 * 1024  # bytes of the standard error of a host that are kept

_NOT_FOUND = (126, 127)  # exit codes of bash: cannot run, not found; cmd.exe ends with 1 and names the command
MAX_WORDS = 8000  # characters of standard error that are looked at: enough for an error of PowerShell and what stands around it
_NOISE = re.compile(r"\sAt (?:line|.{1,260}?):\d{1,9} char:\d.*|\s\+ CategoryInfo .*", re.DOTALL)
_CLIXML = "#< CLIXML"
_ESCAPE, _COLOUR = re.compile(r"_x([0-9A-Fa-f]{4})_"), re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def command(powershell: str) -> list[str]:
    """The words of the command line."""
    return [powershell, "-NoProfile", "-NonInteractive", "-EncodedCommand", bootstrap()]


def environment(powershell: str, inherited: Mapping[str, str], system: str = os.name) -> Mapping[str, str]:
    """What a PowerShell on this machine inherits. Windows PowerShell gets no PSModulePath: one that comes from PowerShell 7,
    through a process between them, leads it to modules that it cannot load; without one it makes its own (Microsoft,
    about_PSModulePath; PowerShell/PowerShell#27774)."""
    windows_powershell = re.split(r"[\\/]", powershell)[-1].lower() in ("powershell", "powershell.exe")
    if system != "nt" or not windows_powershell:
        return inherited
    return {name: value for name, value in inherited.items() if name.upper() != "PSMODULEPATH"}


@functools.cache
def _script_line(script: str) -> bytes:
    return base64.b64encode(script.encode())


def standard_input(batch: Batch) -> bytes:
    """What the bootstrap reads: the script, then the batch."""
    return _script_line(batch.script) + b"\n" + batch.encode().encode() + b"\n"


class StreamReader:
    """A thread that reads a stream to its end, to a whole answer, or to `limit` bytes, by `read(size)`.

    `discard` goes on reading, so that the other side is not held up, but keeps no more. `done` is set at the end.
    """

    def __init__(self, read: Callable[[int], bytes], limit: int, discard: bool = False) -> None:
        self.data, self.done, self.too_much = bytearray(), threading.Event(), False
        self._start = -1  # of the answer in what came so far
        self._read, self._limit, self._discard = read, limit, discard
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError):  # closed under us when the time is over
            while chunk := self._read(65536):
                self.data += chunk[:self._limit + 1 - len(self.data)]
                self.too_much = len(self.data) > self._limit
                if not self._discard and (self.too_much or self.complete(len(chunk))):
                    break
        self.done.set()

    def complete(self, last: int) -> bool:
        """Whether a whole answer is there; looks at the `last` bytes first, for it is asked often."""
        if self._start < 0:
            self._start = self.data.find(_BEGIN, max(0, len(self.data) - last - len(_BEGIN)))
        tail = max(self._start, len(self.data) - last - 1)
        return self._start >= 0 and self.data.find(b">>", tail) >= 0


def parse_reply(batch: Batch, output: bytes, errors: bytes, status: int | None, executable: str, where: str,
               max_reply: int) -> Reply:
    """The reply in what the process left. Raises HostError of the kind that its words and exit code point to."""
    try:
        return _parse_reply(batch, output, errors, status, executable, max_reply)
    except HostError as error:
        raise host_error(where, True, error.kind, error.detail) from None


def _parse_reply(batch: Batch, output: bytes, errors: bytes, status: int | None, executable: str,
                max_reply: int) -> Reply:
    try:
        return batch.decode(output, max_reply)
    except HostError as error:
        if error.kind != "protocol" or _BEGIN in output:
            raise
        silent = error
    words = error_text(errors) or error_text(bytes(output[:MAX_ERRORS]))
    kind = kind_from_text(words)
    if kind in (None, "powershell") and (status in _NOT_FOUND or (status and executable.lower() in words.lower())):
        raise HostError("powershell", _NOISE.sub("", words) or executable)
    if not words and status:
        raise HostError("script", f"{executable} ended with exit code {status} and said nothing")
    if not error_text(errors):
        raise silent
    raise HostError(kind or "script", _NOISE.sub("", words))


def error_text(errors: bytes) -> str:
    """The text in what PowerShell wrote: errors out of CLIXML (MS-PSRP 2.2.5.1), colours and control characters gone."""
    text = errors[:MAX_ERRORS].decode("utf-8", "replace")
    if _CLIXML in text:
        first, *rest = text.split(_CLIXML)
        around = [first, *(one.partition("</Objs>")[2] if one.lstrip().startswith("<Objs") else one for one in rest)]
        tags = (one.partition('">') for one in text.split('<S S="')[1:])
        clixml_errors = "".join(said.partition("</S>")[0] for stream, _, said in tags if stream.lower() == "error")
        clixml_errors = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), html.unescape(clixml_errors[:MAX_WORDS]))
        text = f"{clixml_errors} {' '.join(around)}".encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _COLOUR.sub("", text[:MAX_WORDS])
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
