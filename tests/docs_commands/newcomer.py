"""`make newcomer`: README, followed word for word by somebody who has nothing, in a fresh clone and with the wheel alone.

The commands are those of its blocks, in their order, in an empty home; of the ways to install it, `make demo` in the clone, and
the venv of the table for the wheel. It fails where a command ends otherwise than README says, and where the first applied policy
takes more than two minutes. The clone is of the last commit: what is not committed, a newcomer does not get.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .blocks import ROOT, blocks, commands
from .reading import LAB, begin_lab
from .terminal import Terminal

README = "README.md"
TOUR = "## Five minutes"
_VENV = re.compile(r"^\| venv, on Linux and macOS \| `([^`]+)`, then `([^`]+)` \|$", re.MULTILINE)
SECONDS = 120.0  # to the first applied policy
NOT_WANTED = ("RINGFENCE_", "ANSIBLE_", "PYTHON", "VIRTUAL_ENV", "MAKE", "NO_COLOR", "FORCE_COLOR")
NOT_RUN = ("make test",)  # what a newcomer may leave out


class Newcomer:
    """Somebody at a terminal, with a clock."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal, self._began = terminal, time.monotonic()
        self.applied = 0.0  # seconds to the first applied policy

    def follow(self, text: str, expected: int = 0) -> None:
        """Type a command. Raises SystemExit where it ends otherwise than README says."""
        if text.startswith(LAB):
            begin_lab(self.terminal, text)
            code, shown = 0, list[str]()
        else:
            code, shown = self.terminal.enter(text, 2 * SECONDS)
        taken = time.monotonic() - self._began
        print(f"{taken:6.1f} s  $ {text.partition('  #')[0].rstrip()}", flush=True)
        if code != expected:
            sys.exit("\n".join([f"README says that it ends with {expected}; it ended with {code}, after:", *shown]))
        if not self.applied and text.startswith("ringfence apply"):
            if not any(re.fullmatch(r"\d+ hosts: \d+ changed; .*", line) for line in shown):
                sys.exit("\n".join(["it changed no hosts:", *shown]))
            self.applied = taken


def told(page: str, begin: int, end: int) -> list[tuple[str, int]]:
    """The commands of a part of README, with what they end with."""
    return [(command.text, command.exit_code) for block in blocks(page) if begin < block.line < end
            for command in commands(block) if command.text.split("  #")[0].strip() not in NOT_RUN]


def venv(text: str) -> list[str]:
    """What README's table says for a venv."""
    row = _VENV.search(text)
    return list(row.groups()) if row else sys.exit("README has no row for a venv on Linux any more")


def tour_of(text: str) -> int:
    """The line at which the tour begins."""
    return text[:text.index(TOUR)].count("\n") + 1


def by_clone(newcomer: Newcomer, tour: int) -> None:
    newcomer.follow(f"git clone --quiet {shlex.quote(str(ROOT))} ringfence && cd ringfence")
    for text, code in told(README, 0, tour):
        newcomer.follow(text, code)


def by_wheel(newcomer: Newcomer, wheel: Path, text: str) -> None:
    for command in venv(text):
        newcomer.follow(command.replace("'.[lab]'", f"'{wheel}[lab]'"))


@contextlib.contextmanager
def somebody() -> Iterator[Newcomer]:
    """Somebody with an empty home, in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="ringfence-newcomer-") as name:
        home, folder = Path(name) / "home", Path(name) / "here"
        home.mkdir()
        folder.mkdir()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(NOT_WANTED)}
        environment |= {"HOME": str(home), "TMPDIR": str(home), "TERM": "dumb", "LANG": "C.UTF-8",
                        "PATH": os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if ".venv" not in p)}
        with Terminal(folder, home / "terminal", environment) as terminal:
            yield Newcomer(terminal)


def built(folder: Path) -> Path:
    """The wheel of the last commit."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=clone, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return next(folder.glob("*.whl"))


def main() -> None:
    text = (ROOT / README).read_text(encoding="utf-8")
    tour = tour_of(text)
    with tempfile.TemporaryDirectory(prefix="ringfence-wheel-") as name:
        wheel = built(Path(name))
        for way in ("a clone", "the wheel"):
            print(f"with {way}:", flush=True)
            with somebody() as newcomer:
                if way == "a clone":
                    by_clone(newcomer, tour)
                else:
                    by_wheel(newcomer, wheel, text)
                for command, code in told(README, tour, sys.maxsize):
                    newcomer.follow(command, code)
            print(f"the first policy was applied after {newcomer.applied:.1f} s")
            if newcomer.applied > SECONDS:
                sys.exit(f"that is more than {SECONDS:.0f} s")


if __name__ == "__main__":
    main()
