"""The HTML report of 500 hosts with 300 changes each: its size, the memory of making it, how soon it can be used in a browser.

Where all hosts are alike, where one change is another on each, and where all are.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from browsers import ARGUMENTS, program
from playwright.sync_api import sync_playwright

from .measure import Line, Skipped
from .project import worker

HOSTS, RULES = 500, 300
MB, PEAK_MB, READY, FOUND = 5.0, 300.0, 2.0, 0.5
SEARCH = """() => new Promise((found) => {
  const field = document.querySelector("[name=q]"), start = performance.now();
  new MutationObserver(() => found(performance.now() - start)).observe(document.querySelector(".count"), { childList: true });
  field.value = "srv0123";
  field.dispatchEvent(new Event("input"));
})"""


def run() -> Iterator[Line | Skipped]:
    with tempfile.TemporaryDirectory() as folder:
        for differing, what in ((0, "all alike"), (1, "one differs per host"), (RULES, "all differ per host")):
            file = Path(folder) / f"{differing}.html"
            cost = worker("html", str(file), str(HOSTS), str(RULES), str(differing))
            yield Line(f"page of {HOSTS} × {RULES}, {what}", cost["bytes"] / 1e6, "MB", MB)
            yield Line("peak memory of making it", cost["peak"], "MB", PEAK_MB, against=f"{cost['seconds']:.1f} s of CPU")
            if program() is None:
                yield Skipped("when it can be used", "there is no Chromium")
                continue
            for view in ("changes", "table"):
                ready, found = used(file, view)
                yield Line(f"it can be used, {view}", ready, "s", READY)
                yield Line("a host is searched for, waiting for the typist included", found, "s", FOUND)


def used(file: Path, view: str) -> tuple[float, float]:
    """Seconds until the page is ready, and from a word in its search to what that finds; the least of several."""
    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        for _ in range(5):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{file.as_uri()}#view={view}")
            page.wait_for_selector("html[data-ready]")
            ready = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
            times.append((ready / 1000, page.evaluate(SEARCH) / 1000))
            page.close()
        browser.close()
    return min(ready for ready, _ in times), min(found for _, found in times)
