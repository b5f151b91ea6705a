"""A headless Chromium, where the machine has one, and pages opened in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]


def program() -> str | None:
    """The browser of this machine; None where it has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own; a test that needs one is skipped where there is none."""
    if program() is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


class OpenedPage:
    """A page of the report in a browser, and what the browser had to complain about. It asks nobody for anything: what it
    requests is counted."""

    def __init__(self, browser: Browser, file: Path, text: str, fragment: str = "", **context: Any) -> None:
        file.write_text(text, encoding="utf-8")
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **context})
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(f"{file.as_uri()}#{fragment}")
        if context.get("java_script_enabled", True):
            self.page.wait_for_selector("html[data-ready]")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "'TrustedScript' assignment" not in message.text:  # what `evaluate` does
            self.complaints.append(message.text)

    @property
    def fragment(self) -> str:
        """What stands behind # in the address."""
        return str(self.page.evaluate("location.hash.slice(1)"))

    def texts(self, selector: str) -> list[str]:
        """What stands in the elements that can be seen, each on one line."""
        return [" ".join(e.inner_text().split()) for e in self.page.locator(selector).all() if e.is_visible()]
