"""What a host answers: found in what it printed, weighed before anything is built of it, and read. Pure.

A reply is bounded by what it becomes here, not only by its bytes: a few KB of gzip can hold millions of empty lists. So
its bytes, lists, objects and members are counted while it is inflated in pieces, and only what is small enough is kept.
"""

import binascii
import json
import re
import zlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.errors import FAILURES, HostError

WIRE_VERSION, WIRE_MINOR = 2, 2  # a minor adds verbs, arguments or members; what is there keeps its meaning
OLDEST_MINOR = max(0, WIRE_MINOR - 2)  # of endpoints that are still understood
UNKNOWN_VERB = "ringfence.verb"  # the error id of a verb that the script there does not have
CHANGED_MEANWHILE = "ringfence.changed"  # that of a change of what is not as its call expects it
WRONG_BITS = "ringfence.bits"  # that of every call that writes, in a 32-bit PowerShell
MISSING_COMMAND = ("CommandNotFound", "CouldNotAutoload")  # how the id begins where the session lacks a command
MAX_REPLY = 24 * 2**20  # bytes of JSON in an answer (ringfence_max_reply); 50,000 rules are 15 to 20 MB
MAX_NESTING = 32  # lists and objects in each other; a reply of the host script has about ten
MAX_ERROR_TEXT = 2000  # characters of an error message that are kept

# what is counted, and how many bytes of the largest reply there have to be for each: 50,000 rules are 50,000 lists, have 50,000
# names in braces, and a million commas and bars
_COUNTED = {"lists": (b"[", 400), "objects": (b"{", 200), "members": (b",:|", 20)}
_PLAIN = bytes(set(range(256)) - set(b"".join(signs for signs, _ in _COUNTED.values())))  # bytes that are not counted
_RATIO = 400  # bytes of JSON from one of gzip, beyond the first 4 MiB: 50,000 rules that differ in a number alone give 100
_CHUNK = 2**16
_KEPT = 2**20  # bytes of JSON that stay while they are weighed, which most hosts never exceed; longer ones are inflated again

# An escape, and that of half a pair of characters; or parts of paths (`C:\\udp`). Such patterns are found quicker than texts.
_HALF, _HALF_IN_TEXT = re.compile(rb"\\u[dD]"), re.compile(r"\\u[dD]")
_FRAME, _FATAL, _END = b"<<ringfence:", b"<<ringfence-fatal:", b">>"
_WIDER, _WIDE = bytes(range(0xF0, 0x100)), bytes(range(0xC4, 0xF0))  # how characters of four and of two bytes in memory begin


@dataclass(frozen=True, slots=True)
class Failure:
    """What a host said of a call that failed: PowerShell's category, its error id, the message."""

    category: str
    id: str
    message: str
    code: int | None = None

    @property
    def is_lack(self) -> bool:
        """Whether nothing was refused: the script there does not know the verb, or its session lacks the command."""
        return self.id == UNKNOWN_VERB or self.id.startswith(MISSING_COMMAND)


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one call: `value` where `error` is None."""

    value: Any = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answers to the calls of a batch, by their labels; a stopped batch has fewer of them."""

    answers: Mapping[Any, Answer]

    def __getitem__(self, label: Hashable) -> Any:
        """The value of a call that has to succeed. Raises HostError."""
        answer = self.answers[label]
        if answer.error:
            raise HostError("endpoint" if answer.error.is_lack else "script", answer.error.message)
        return answer.value

    def succeeded(self, label: Hashable) -> bool:
        """Whether the call was made, and has not failed."""
        return (answer := self.answers.get(label)) is not None and answer.error is None


def answers(output: bytes, run_id: str, limit: int, admit: Callable[[int], object]) -> list[Answer]:
    """The answers in what a host printed. Raises HostError, whatever the host sent.

    limit: bytes of JSON, from which all other bounds follow · admit: told before anything is built how many bytes of memory it
    will take about; it may wait until there is room.
    """
    packed = _packed(output)
    try:
        data = binascii.a2b_base64(packed.translate(None, b" \t\r\n"), strict_mode=True)
        weight, pieces = _weight(data, limit)
        admit(weight)
        text = b"".join(pieces or _inflated(data)).decode()
        document, may_have_halves = json.loads(text, parse_constant=_no_number), "\\u" in text and _HALF_IN_TEXT.search(text)
        del text  # it is as large as what was made of it
        _check_depth(document)
        if may_have_halves:
            _make_whole(document)
        if document["ringfence"] != WIRE_VERSION:
            raise HostError("version", f"here {WIRE_VERSION}, there {str(document['ringfence'])[:20]}")
        if document["run"] != run_id:
            raise HostError("protocol", "the reply belongs to another run")
        return [_answer(one) for one in document["replies"]]
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HostError("protocol", f"damaged reply: {str(error)[:200]}") from None


def _packed(output: bytes) -> bytes:
    """What stands in the last frame. Only searched for, never matched: output is long and the host's to choose."""
    fatal, frame = output.rfind(_FATAL), output.rfind(_FRAME)
    start = max(fatal, frame)
    end = output.find(_END, start) if start >= 0 else -1
    if end >= 0 and fatal > frame:
        kind, _, detail = output[fatal + len(_FATAL):min(end, fatal + MAX_ERROR_TEXT)].decode("ascii", "replace").partition(":")
        raise HostError(kind if kind in FAILURES else "script", detail)
    found = output[frame + len(_FRAME):end] if end >= 0 else b""
    if not found:
        raise HostError("protocol", f"no reply in {len(output)} bytes: {_excerpt(output)}")
    return found


def _inflated(data: bytes) -> Iterator[bytes]:
    """The JSON in pieces. Raises zlib.error, ValueError."""
    gunzip = zlib.decompressobj(wbits=31)
    for at in range(0, len(data), _CHUNK):
        left = data[at:at + _CHUNK]
        while left and not gunzip.eof:
            yield gunzip.decompress(left, _CHUNK)
            left = gunzip.unconsumed_tail
    while not gunzip.eof:  # what it still holds
        if not (piece := gunzip.decompress(b"", _CHUNK)):
            raise ValueError("cut short")
        yield piece


def _weight(data: bytes, limit: int) -> tuple[int, list[bytes]]:
    """About how many bytes of memory a reply will take with all that is made of it; and the JSON of a short one. Raises HostError
    where it is too large."""
    size, wide, found, pieces, end = 0, 1, dict.fromkeys(_COUNTED, 0), list[bytes](), b""
    for piece in _inflated(data):
        size += len(piece)
        if size > limit:
            raise HostError("too_large", f"more than {limit} bytes")
        if size > max(2**22, _RATIO * len(data)):
            raise HostError("too_large", f"{len(data)} bytes of gzip that become more than {_RATIO} times as many")
        pieces.append(piece)
        if size > _KEPT:
            pieces.clear()
        counted = piece.translate(None, _PLAIN)
        for what, (signs, bytes_each) in _COUNTED.items():
            found[what] += len(counted) - len(counted.translate(None, signs))
            if found[what] * bytes_each > max(limit, 2**20):
                raise HostError("too_large", f"more than {max(limit, 2**20) // bytes_each} {what}")
        if wide < 4:
            wide = _width(end + piece, wide)
            end = piece[-2:]  # an escape may begin there
        if size * wide > 2 * limit:
            raise HostError("too_large", f"more than {2 * limit // wide} bytes with characters that take {wide} bytes each")
    return 2 * size * wide + 2500 * found["lists"] + 250 * found["objects"] + 90 * found["members"], pieces


def _width(piece: bytes, known: int) -> int:
    """The bytes that a character of its texts may take in memory, or of those before it: 1, 2 or 4. Other patterns would take
    several times as long."""
    if _HALF.search(piece) or _has(piece, _WIDER):
        return 4
    return 2 if known == 2 or b"\\u" in piece or _has(piece, _WIDE) else 1


def _has(piece: bytes, which: bytes) -> bool:
    return not piece.isascii() and len(piece.translate(None, which)) < len(piece)


def _check_depth(document: Any) -> None:
    level, depth = [document] if isinstance(document, dict | list) else [], 0
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise ValueError(f"lists and objects nested more than {MAX_NESTING} deep")
        level = [v for node in level for v in (node.values() if node.__class__ is dict else node)
                 if v.__class__ is dict or v.__class__ is list]


def _make_whole(node: Any) -> None:
    """No halves of character pairs: Windows' strings may hold such, but no file and no terminal takes them. Only by escapes can
    JSON say them."""
    if isinstance(node, dict):
        pairs = [(_whole(k), v) for k, v in node.items()]
        node.clear()
        node.update(pairs)
    places: Any = node.items() if isinstance(node, dict) else enumerate(node)
    for place, value in places:
        if isinstance(value, str):
            node[place] = _whole(value)
        elif isinstance(value, list | dict):
            _make_whole(value)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _answer(reply: Mapping[str, Any]) -> Answer:
    if reply["ok"] is True:
        return Answer(reply.get("value"))
    error, code = reply["error"], reply["error"].get("code")
    return Answer(error=Failure(str(error["category"])[:100], str(error["id"])[:500], str(error["message"])[:MAX_ERROR_TEXT],
                                code if isinstance(code, int) else None))


def _excerpt(output: bytes) -> str:
    text = output[:200].decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else " " for c in text) or "nothing"
