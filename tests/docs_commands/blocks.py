"""The code blocks of a page, and the commands in them.

A block of `sh` is commands. A block of `console` has commands after `$ `, each with what it shows; a line `…` stands for any
number of lines. A comment that says `exit code N` is what a command ends with; where there is none it is 0. A block with a title
(```` ```yaml title="playbooks/site.yml" ````) is a file.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
SHELL, CONSOLE, POWERSHELL = "sh", "console", "powershell"
PAGES = [p.relative_to(ROOT).as_posix() for p in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))]
ANY_LINES = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block. line: of its fence in the page."""

    page: str
    line: int
    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a block. shown: the lines that it shows, where the page says it."""

    place: str
    text: str
    exit_code: int
    shown: tuple[str, ...] | None = None


def blocks(page: str, root: Path = ROOT) -> list[Block]:
    """The fenced blocks of a page, those in lists too."""
    found = []
    for token in _tokens(page, root):
        if token.type == "fence" and token.map:
            language, _, rest = token.info.strip().partition(" ")
            title = re.search(r'title="([^"]+)"', rest)
            found.append(Block(page, token.map[0] + 1, language, title[1] if title else "", token.content))
    return found


def code_spans(page: str, root: Path = ROOT) -> list[tuple[int, str]]:
    """What stands between backticks in the text: (line of the paragraph, text)."""
    return [(token.map[0] + 1 if token.map else 0, child.content)
            for token in _tokens(page, root) for child in token.children or () if child.type == "code_inline"]


@cache
def _tokens(page: str, root: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse((root / page).read_text(encoding="utf-8"))


def commands(block: Block) -> list[Command]:
    """What is typed in a block, in order. A command may go on over several lines: in quotes, or after a backslash."""
    if block.language not in (SHELL, CONSOLE):
        return []
    return [Command(f"{block.page}:{number}", text, _exit_code(text), shown)
            for number, text, shown in (_console(block) if block.language == CONSOLE else _script(block))]


def _script(block: Block) -> Iterator[tuple[int, str, None]]:
    number, lines = 0, list[str]()
    for at, line in enumerate(block.text.splitlines(), block.line + 1):
        if not lines and (not line.strip() or line.lstrip().startswith("#")):
            continue
        number = number if lines else at
        lines.append(line)
        if _whole("\n".join(lines)):
            yield number, "\n".join(lines), None
            lines = []
    if lines:
        raise ValueError(f"{block.page}:{number}: this command does not end")


def _console(block: Block) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    number, typed, shown = 0, "", list[str]()
    for at, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            if typed:
                yield number, typed, tuple(shown)
            number, typed, shown = at, line[2:], []
        elif line.startswith("> ") and not _whole(typed):
            typed += f"\n{line[2:]}"
        elif not typed:
            raise ValueError(f"{block.page}:{at}: before the first command of a console block")
        else:
            shown.append(line)
    yield number, typed, tuple(shown)


def _whole(command: str) -> bool:
    """Whether a command ends here."""
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return not command.endswith("\\")


def _exit_code(command: str) -> int:
    said = re.search(r"#.*\bexit code (\d+)", command)
    return int(said[1]) if said else 0


def is_shown(expected: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether lines are what a page says they are: `…` stands for any number of them."""
    pattern = "".join("(?:.*\n)*" if line == ANY_LINES else re.escape(line) + "\n" for line in steady(expected))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in steady(lines))) is not None


def steady(lines: Sequence[str]) -> list[str]:
    """Lines without what is different in each run: times, dates, ids of runs, GUIDs, ports, and which host ended first."""
    found, ended = list[str](), list[str]()
    for line in [*map(_steady, lines), None]:
        if line is not None and (one := re.fullmatch(r"\[ *\d+(/\d+\] .*)", line)):
            ended.append(f"[N{one[1]}")
            continue
        found += sorted(ended)
        ended.clear()
        found += [] if line is None else [line]
    return found


def _steady(line: str) -> str:
    line = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN", line)
    line = re.sub(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", "GUID", line)
    line = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?", "TIME", line)
    line = re.sub(r"\b\d+\.\d{1,2}(?= s\b|$)", "0.0", line)
    line = re.sub(r"\bport \d{5}\b", "port PORT", line)
    return re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", line).rstrip()
