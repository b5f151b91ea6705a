"""A batch through a PowerShell process, at the other end of SSH or here: what is started, said, read and understood.

The command line is short and made of characters that cmd.exe, PowerShell and bash leave alone; script and data follow
on standard input, a line each, for cmd.exe takes no more than 8,191 characters on its command line.
"""

import base64
import contextlib
import functools
import html
import re
import threading
from collections.abc import Callable

from ringfence.batch import Batch, Reply
from ringfence.batch.bootstrap import bootstrap
from ringfence.errors import HostError
from ringfence.transports.failures import host_error, kind_from_text

MAX_ERRORS = 256 * 1024  # bytes of the standard error of a host that are kept

_NOT_FOUND = (126, 127, 9009)  # exit codes of bash (cannot run, not found) and of cmd.exe
_NOISE = re.compile(r"\s+At (?:line|.{1,260}?):\d+ char:\d+.*|\s\+ CategoryInfo .*", re.DOTALL)


def command(powershell: str) -> list[str]:
    """The words of the command line."""
    return [powershell, "-NoProfile", "-NonInteractive", "-EncodedCommand", bootstrap()]


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
        tail = max(0, len(self.data) - last - 1)
        if self.data.find(b">>", tail) < 0:
            return False
        start = self.data.find(b"<<ringfence")
        return start >= 0 and self.data.find(b">>", max(start, tail)) >= 0


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
        if error.kind != "protocol" or b"<<ringfence" in output:
            raise
        silent = error
    words = error_text(errors) or error_text(output)
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
    text = errors.decode("utf-8", "replace")
    if "#< CLIXML" in text:
        clixml_errors = "".join(re.findall(r'<S S="[Ee]rror">(.*?)</S>', text, re.DOTALL))
        around = re.sub(r"#< CLIXML\s*(<Objs\b.*?</Objs>)?", " ", text, flags=re.DOTALL)
        clixml_errors = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), html.unescape(clixml_errors))
        text = f"{clixml_errors} {around}".encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
