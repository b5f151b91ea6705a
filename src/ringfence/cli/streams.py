"""Standard streams that are closed, full, or have lost their reader; that cannot say every character; that a CI reads along."""

import codecs
import contextlib
import io
import os
import re
import select
import stat
import sys
from typing import Any, TextIO

SPELT_OUT = {  # what is written of ours where an encoding lacks it (code pages of Windows, ASCII)
    "→": "->", "←": "<-", "…": "...", "·": ".", "•": "*", "–": "-", "—": "-", "−": "-", "─": "-", "━": "-", "×": "x", "≤": "<=",
    "≥": ">=", "≈": "~", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " "}
OBEYED_BY = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""Variables of CIs that take commands from what a program prints (GitHub Actions "workflow commands", Azure Pipelines "logging
commands", TeamCity "service messages"): set a variable of the job, mask its log, upload a file."""
_COMMAND = re.compile(r"((?:^|\r)[^\w!-~\n\r]*:)(?=:)|(##\w*)\[", re.MULTILINE)
_UNDECIDED = re.compile(r"[^\w!-~]*:?")  # a line that may become a command yet
_LOOK_UP = 0.2  # seconds
_SPELLED, _ASCII = "ringfence.spelled", "ringfence_ascii"


def open_closed_streams() -> None:
    """Nothing in place of each standard stream that the caller closed: else the next file or socket would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (it is closed with the process)


def typed_line() -> str:
    """A line from standard input. A signal that comes right before a read begins interrupts none, so that nothing is read before
    something is there: in between signals are looked for."""
    with contextlib.suppress(OSError, ValueError):  # Windows waits for sockets alone
        while not select.select([sys.stdin], [], [], _LOOK_UP)[0]:
            pass
    return sys.stdin.readline()


def mute(stream: TextIO) -> None:
    """What is still buffered has no reader: let it go nowhere, so that the interpreter ends in silence."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unsaid = error.object[error.start:error.end]
    return "".join(SPELT_OUT.get(c) or c.encode("unicode_escape").decode() for c in unsaid), error.end


def _plain_ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII by another name: click takes a stream that calls itself ASCII for a mistake, and writes UTF-8 to it."""
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(known.encode, known.decode, known.streamreader, known.streamwriter, known.incrementalencoder,
                            known.incrementaldecoder, name=name) if name == _ASCII else None


codecs.register_error(_SPELLED, _spelled)
codecs.register(_plain_ascii)


def spell_out(stream: TextIO) -> None:
    """Arrows, dots and the like are spelt where the encoding of a stream has none, all else is written as its code: what is
    written is never a question mark, and never a traceback."""
    if isinstance(stream, io.TextIOWrapper):
        ascii = codecs.lookup(stream.encoding).name == "ascii"
        stream.reconfigure(encoding=_ASCII if ascii else None, errors=_SPELLED)


class GuardedStream(io.TextIOWrapper):
    """A stream whose text is no command for the CI that reads it, whoever wrote the names in it: a rule on a host may be called
    `::set-output …`. `json`: the text is JSON, which means the same afterwards; of other text a blank is put into what would be a
    command. `command` writes what shall be one."""

    json = False
    _line = ""  # the last line so far, as it was written; of a long one the end behind something that is seen

    def write(self, text: str, /) -> int:
        begun = self._line  # another thread may write too
        whole = _COMMAND.sub(self._defused, begun + text)
        super().write(whole[len(begun):])
        line = whole[max(whole.rfind("\n"), whole.rfind("\r")) + 1:]
        self._line = line if _UNDECIDED.fullmatch(line) else f"x{line[-100:]}"
        return len(text)

    def command(self, line: str) -> None:
        """A command of ours, on a line of its own."""
        super().write("\n" * bool(self._line) + line + "\n")
        self._line = ""

    def _defused(self, found: "re.Match[str]") -> str:
        bracket = "\\u005b" if self.json else " ["
        return f"{found[1]} " if found[1] else found[2] + bracket


def guard_streams() -> None:
    """Say every character, and nothing that a CI would obey."""
    obeyed = any(os.environ.get(name) for name in OBEYED_BY)
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if obeyed and hasattr(stream, "buffer") and not goes_into_file(stream):
            stream = GuardedStream(stream.buffer, stream.encoding, stream.errors, line_buffering=stream.line_buffering,
                                   write_through=name == "stderr")
            setattr(sys, name, stream)
        spell_out(stream)


def goes_into_file(stream: TextIO) -> bool:
    """Whether what is written is kept in a file of the caller's, and is no log."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
