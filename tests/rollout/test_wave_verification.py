"""What is looked at between waves, with a real server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from ringfence.rollout.wave_checks import parse_check
from ringfence.run.wave_verification import WaveVerification


class Pages(BaseHTTPRequestHandler):
    seen: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(int(self.path.strip("/")))
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
