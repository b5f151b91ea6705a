"""A page, read by somebody who types what it says; tests/cases/docs_commands.yml says what is there before."""

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from .blocks import CONSOLE, PAGES, ROOT, SHELL, Block, Command, blocks, commands
from .terminal import Terminal
from .warm import warm_program

TABLE = yaml.safe_load((ROOT / "tests" / "cases" / "docs_commands.yml").read_text(encoding="utf-8"))
TYPED = [page for page in PAGES if any(block.language in (SHELL, CONSOLE) or block.title for block in blocks(page))]
JQ = Path(__file__).with_name("jq_program.py")
LAB = "ringfence lab up"
UP = "; Ctrl-C ends them"  # it is ready
WIDTH = 130
PROJECT = """\
ringfence init . > /dev/null
rm inventory/hosts.yml
git init -q -b main && git add -A && git commit -qm 'The policy'
"""


@contextlib.contextmanager
def programs() -> Iterator[Path]:
    """A folder with `ringfence`, and what pages use beside it."""
    with warm_program() as folder:
        jq = folder / "jq"
        jq.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(JQ))} \"$@\"\n", encoding="utf-8")
        jq.chmod(0o755)
        yield folder


def read(page: str, program: Path, folder: Path) -> Iterator[tuple[Command, int, list[str]]]:
    """Type the commands of a page in order: each with its exit code and the lines that it showed.

    program: a folder with the programs. folder: an empty one. Raises RuntimeError where what is to be there first cannot be made.
    """
    home, project = folder / "home", folder / "work" / "firewall-policy"
    home.mkdir()
    project.mkdir(parents=True)
    with Terminal(project, home / "terminal", environment(program, home)) as terminal:
        begin(terminal, page)
        for block in blocks(page):
            if block.title:
                write(terminal, block)
            for command in commands(block):
                if command.text.startswith(LAB):
                    begin_lab(terminal, command.text)
                elif not reason(command, page):
                    yield command, *terminal.enter(command.text)


def environment(program: Path, home: Path) -> dict[str, str]:
    """That of somebody who has nothing yet."""
    people = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
              for what, value in (("NAME", "Anna"), ("EMAIL", "anna@example.com"))}
    return {"PATH": f"{program}:{os.environ['PATH']}", "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "TERM": "dumb",
            "COLUMNS": str(WIDTH), "PAGER": "cat", **people}


def begin(terminal: Terminal, page: str) -> None:
    """What is there before somebody begins to read."""
    row = TABLE["pages"].get(page, {})
    if row.get("begins") == "nothing":
        return
    do(terminal, PROJECT)
    if (hosts := row.get("lab", "--hosts 1")) != "none":
        begin_lab(terminal, f"{LAB} {hosts} --inventory inventory/hosts.yml")
    do(terminal, row.get("before", ":") + "\ngit add -A && git commit -q --allow-empty -m 'The hosts'")


def do(terminal: Terminal, text: str) -> None:
    """What has to succeed. Raises RuntimeError."""
    code, shown = terminal.enter(text)
    if code:
        raise RuntimeError(f"{text}\nended with {code}:\n" + "\n".join(shown))


def begin_lab(terminal: Terminal, command: str) -> None:
    """Simulated hosts, in a terminal beside this one. Raises RuntimeError."""
    shown = terminal.beside(command, UP)
    if not any(UP in line for line in shown):
        raise RuntimeError(f"{command}\n" + "\n".join(shown))


def write(terminal: Terminal, block: Block) -> None:
    """A block with a title is a file of the project; playbooks and inventories have to be right. Raises RuntimeError."""
    path = terminal.folder / block.title
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    if block.title.startswith("playbooks/"):
        do(terminal, f"ringfence validate {shlex.quote(block.title)}")
    elif path.parent.name == "inventory":
        do(terminal, f"ringfence inventory graph -i {shlex.quote(block.title)}")


def reason(command: Command, page: str) -> str:
    """Why a command is not run; empty where it is."""
    rows = (row for row in TABLE["left_out"] if row["page"] == page and "begins" in row)
    return next((str(row["reason"]) for row in rows if command.text.startswith(row["begins"])), "")
