"""What is looked at between waves, with a real server."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from process_tree import gone

from ringfence.rollout.wave_checks import parse_check
from ringfence.run.wave_verification import WaveVerification


class Pages(BaseHTTPRequestHandler):
    seen: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(int(self.path.strip("/")))
        if self.path == "/302":
            self.send_header("Location", "/404")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Pages) as found:
        serving = threading.Thread(target=found.serve_forever)
        serving.start()
        yield found.server_port
        found.shutdown()
        serving.join()


@pytest.mark.parametrize(("page", "more", "wrong"), [
    ("200", {}, ""), ("204", {"status": 204}, ""), ("404", {"status": 404}, ""), ("200", {"status": 204}, "it answered 200"),
    ("302", {"status": 302}, ""), ("302", {}, "it answered 404"), ("302", {"status": 200}, "it answered 404"),
    ("404", {}, "it answered 404"), ("503", {}, "it answered 503")])
def test_a_page(page: str, more: dict[str, int], wrong: str, server: int) -> None:
    check = parse_check({"http": f"http://127.0.0.1:{server}/{page}", "within": 0, **more})
    found = WaveVerification(Path(), {}).failures([check], 1, ["web1"])
    assert [wrong in one for one in found] == ([True] if wrong else [])


def test_a_page_of_nobody_and_no_account_for_it(server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's accounts are for the user's programs: a project that names a page gets none of them."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    Pages.seen.clear()
    looked = WaveVerification(Path(), {})
    assert looked.failures([parse_check({"http": f"http://127.0.0.1:{server}/200", "within": 0})], 1, []) == []
    assert Pages.seen == [None]
    (found,) = looked.failures([parse_check({"http": "http://127.0.0.1:1/", "within": 0})], 1, [])
    assert "http http://127.0.0.1:1/: " in found


def test_what_is_blocked(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """That no connection comes about says so where it is refused, lost or led nowhere; not where none was tried."""
    def found(target: str) -> list[str]:
        return WaveVerification(Path(), {}).failures([parse_check({"blocked": target, "within": 0})], 1, ["web1"])

    assert found("127.0.0.1:1") == []
    assert found(f"127.0.0.1:{server}") == [f"blocked 127.0.0.1:{server}: 127.0.0.1: a connection came about"]
    for name in ("no-such-host.invalid", f"{'a' * 64}.invalid"):
        assert len(found(f"{name}:3389")) == 1, name
    for number, blocked in ((errno.EHOSTUNREACH, True), (errno.ENETUNREACH, True), (errno.ETIMEDOUT, True),
                            (errno.ECONNRESET, True), (errno.EMFILE, False), (errno.EPERM, False)):
        def fails(self: socket.socket, where: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(socket.socket, "connect", fails)
        assert (found("127.0.0.1:1") == []) == blocked, number


def test_what_is_blocked_is_so_at_each_address(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (1, server)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **more: both)
    looked = WaveVerification(Path(), {})
    for said, wrong in (({"blocked": "two.example:1"}, ["blocked two.example:1: two.example: a connection came about"]),
                        ({"connect": "two.example:1"}, [])):
        assert looked.failures([parse_check(said | {"within": 0})], 1, []) == wrong


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    program = tmp_path / "slow.sh"
    program.write_text("#!/bin/sh\nsleep 60 &\necho $! > started\nwait\n", encoding="utf-8")
    program.chmod(0o700)
    check = parse_check({"command": ["./slow.sh"], "timeout": 1, "within": 0})
    assert WaveVerification(tmp_path, {}).failures([check], 1, []) == ["command ./slow.sh: it did not end within 1 s"]
    assert gone([int((tmp_path / "started").read_text())])


def test_a_command_tells_the_end_of_what_it_says(tmp_path: Path) -> None:
    check = parse_check({"command": ["sh", "-c", "echo one; echo two >&2; exit 3"], "within": 0})
    assert WaveVerification(tmp_path, {}).failures([check], 1, []) == [f"{check}: it ended with 3: one\ntwo"]
    check = parse_check({"command": ["./none.sh"], "within": 0})
    assert WaveVerification(tmp_path, {}).failures([check], 1, []) == ["command ./none.sh: No such file or directory"]


def test_where_no_file_can_be_made_a_command_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, say: the run goes on to its end."""
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    check = parse_check({"command": ["/bin/true"], "within": 0})
    found = WaveVerification(tmp_path, {}).failures([check], 1, [])
    assert found == ["command /bin/true: No such file or directory"]


@pytest.mark.parametrize("said", [{"connect": 443}, {"blocked": 443}, {"command": ["true"]}])
def test_a_status_is_of_http_alone(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="`status` is of http alone"):
        parse_check({**said, "status": 200})
