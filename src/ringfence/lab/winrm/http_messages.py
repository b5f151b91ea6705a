"""As much of HTTP/1.1 as WinRM uses, on a buffered socket file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE = 65536
MAX_HEADERS = 100
DRAIN = 64 * 2**20  # bytes of a refused body that are still read, so that the refusal arrives

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
           411: "Length Required", 413: "Request Entity Too Large", 415: "Unsupported Media Type",
           500: "Internal Server Error", 501: "Not Implemented", 505: "HTTP Version Not Supported"}


class HttpError(Exception):
    """A request that is refused with a status and no body; the connection ends."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"{status} {REASONS[status]}")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def keep_alive(self) -> bool:
        """HTTP/1.1 keeps the connection unless told otherwise."""
        return self.headers.get("connection", "").casefold() != "close"


def read_request(stream: BinaryIO, limit: int) -> HttpRequest | None:
    """The next request, or None when the peer has closed. `limit`: bytes of body. Raises HttpError."""
    line = stream.readline(MAX_LINE)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not line.endswith(b"\n"):
        raise HttpError(400)
    method, path, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise HttpError(505 if version.startswith("HTTP/") else 400)
    headers = _read_headers(stream)
    if method != "POST":
        raise HttpError(405)
    if "transfer-encoding" in headers:
        raise HttpError(501)
    return HttpRequest(path, headers, _read_body(stream, headers, limit))


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS):
        line = stream.readline(MAX_LINE)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not line.endswith(b"\n"):
            raise HttpError(400)
        headers[name.strip().casefold()] = value.strip()
    raise HttpError(400)


def _read_body(stream: BinaryIO, headers: dict[str, str], limit: int) -> bytes:
    text = headers.get("content-length")
    if text is None:
        raise HttpError(411)
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise HttpError(400)
    length = int(text)
    if length > limit:
        left = min(length, DRAIN)
        while left and (piece := stream.read(min(left, 65536))):
            left -= len(piece)
        raise HttpError(413)
    body = stream.read(length)
    if len(body) < length:
        raise HttpError(400)
    return body


def write_response(stream: BinaryIO, status: int, body: bytes = b"", content_type: str = "",
                   headers: Iterable[tuple[str, str]] = (), keep_alive: bool = True) -> None:
    """Send one response as http.sys would word it."""
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in headers)]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += ["Server: Microsoft-HTTPAPI/2.0", f"Content-Length: {len(body)}"]
    if not keep_alive:
        lines.append("Connection: close")
    stream.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    stream.flush()
