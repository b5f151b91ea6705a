"""`make examples`: what the commands of the documentation show, written below them where it is another by now.

    python -m tests.docs_commands [PAGE …]

What stood below such a command is replaced whole: cut it to what matters, with a line `…` in the place of the rest.
"""

import sys
import tempfile
from pathlib import Path

from .blocks import CONSOLE, ROOT, blocks, commands, is_shown
from .reading import TYPED, programs, read


def main(pages: list[str]) -> None:
    with programs() as program:
        for page in pages:
            with tempfile.TemporaryDirectory(prefix="ringfence-page-") as folder:
                changed = renew(page, program, Path(folder))
            print(f"{page}: {changed} of its examples changed")


def renew(page: str, program: Path, folder: Path) -> int:
    """Write what commands show into a page; how many show something else."""
    path = ROOT / page
    lines = path.read_text(encoding="utf-8").splitlines()
    told = {command.place: command for block in blocks(page) if block.language == CONSOLE for command in commands(block)}
    other = []
    for command, code, shown in read(page, program, folder):
        if code != command.exit_code:
            print(f"{command.place}: {command.text}\nended with {code}:", *shown, sep="\n")
        if command.place in told and not is_shown(command.shown or (), shown):
            other.append((command, shown))
    for command, shown in reversed(other):  # from the end, so that numbers of lines hold
        first = int(command.place.rpartition(":")[2]) + command.text.count("\n")
        margin = lines[first - 1][:-len(lines[first - 1].lstrip())]
        lines[first:first + len(command.shown or ())] = [(margin + line).rstrip() for line in shown]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(other)


if __name__ == "__main__":
    main(sys.argv[1:] or TYPED)
