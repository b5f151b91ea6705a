"""What a reader of the documentation types does what the page says: every command block, in order, against simulated hosts."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from host_script import PWSH
from typer import Exit, TyperException

from ringfence.cli.app import COMMANDS, SUBCOMMANDS, command_of

from .blocks import CONSOLE, PAGES, POWERSHELL, ROOT, SHELL, Block, Command, blocks, code_spans, commands, is_shown
from .terminal import Terminal
from .warm import warm_program

TABLE = yaml.safe_load((ROOT / "tests" / "cases" / "docs_commands.yml").read_text(encoding="utf-8"))
TYPED = [page for page in PAGES if any(block.language in (SHELL, CONSOLE) for block in blocks(page))]
JQ = Path(__file__).with_name("jq_program.py")
READ = "$wrong = $null; $null = [Management.Automation.Language.Parser]::ParseInput($env:TEXT, [ref]$null, [ref]$wrong); $wrong"
UP = "; Ctrl-C ends them"  # ready, as `ringfence lab up` says
PROJECT = """\
ringfence init . > /dev/null
rm inventory/hosts.yml
git init -q -b main && git add -A && git commit -qm 'The policy'
"""
# a command of ringfence in what is not a shell: jobs of pipelines, crontabs, PowerShell, code spans
CALL = re.compile(r"(?:^|&& |; |run: |- |\| |& )ringfence ([^\n|;&>#]*)", re.MULTILINE)


@pytest.fixture(scope="module")
def program() -> Iterator[Path]:
    """A folder with `ringfence`, and what pages use beside it."""
    with warm_program() as folder:
        found = folder / "jq"
        found.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {JQ} \"$@\"\n", encoding="utf-8")
        found.chmod(0o755)
        yield folder


@pytest.fixture
def terminal(program: Path, tmp_path: Path) -> Iterator[Terminal]:
    """In an empty folder of somebody who has nothing yet."""
    home, folder = tmp_path / "home", tmp_path / "work" / "firewall-policy"
    home.mkdir()
    folder.mkdir(parents=True)
    people = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
              for what, value in (("NAME", "Anna"), ("EMAIL", "anna@example.com"))}
    environment = {"PATH": f"{program}:{os.environ['PATH']}", "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8",
                   "TERM": "dumb", "COLUMNS": "130", "PAGER": "cat", **people}
    with Terminal(folder, home / "terminal", environment) as found:
        yield found


def begun(terminal: Terminal, page: str) -> None:
    """What is there before somebody begins to read."""
    row = TABLE["pages"].get(page, {})
    if row.get("begins") == "nothing":
        return
    entered(terminal, PROJECT)
    if (said := row.get("lab", "--hosts 3")) != "none":
        lab(terminal, f"ringfence lab up {said} --inventory inventory/hosts.yml")
    entered(terminal, row.get("before", ":") + "\ngit add -A && git commit -q --allow-empty -m 'The hosts'")


def entered(terminal: Terminal, text: str) -> None:
    code, shown = terminal.enter(text)
    assert code == 0, "\n".join(shown)


def lab(terminal: Terminal, command: str) -> None:
    assert UP in "".join(said := terminal.beside(command, UP)), "\n".join(said)


@pytest.mark.parametrize("page", TYPED)
def test_a_page(page: str, terminal: Terminal) -> None:
    begun(terminal, page)
    for block in blocks(page):
        if block.title:
            written(terminal, block)
        for command in commands(block):
            if not reason(command, page):
                typed(terminal, command)


def typed(terminal: Terminal, command: Command) -> None:
    """Type a command: it ends as the page says, and shows what the page shows."""
    if command.text.startswith("ringfence lab up"):
        lab(terminal, command.text)
        return
    code, shown = terminal.enter(command.text)
    said = "\n".join(shown)
    assert code == command.exit_code, f"{command.place}: {command.text}\nended with {code}:\n{said}"
    if command.shown is not None:
        assert is_shown(command.shown, shown), f"{command.place}: {command.text}\nshows\n{said}"


def written(terminal: Terminal, block: Block) -> None:
    """A block with a title is a file of the project, and right."""
    path = terminal.folder / block.title
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    if block.title.startswith("playbooks/"):
        entered(terminal, f"ringfence validate {shlex.quote(block.title)}")


def reason(command: Command, page: str) -> str:
    """Why a command is not run; empty where it is."""
    rows = (row for row in TABLE["left_out"] if row["page"] == page)
    return next((row["reason"] for row in rows if command.text.startswith(row["begins"])), "")


def test_nothing_is_left_out_that_is_not_there() -> None:
    """Each row of the table is of a page and a command that are there still."""
    assert set(TABLE["pages"]) - set(TYPED) == set()
    stale = [row for row in TABLE["left_out"] or () if not any(
        command.text.startswith(row["begins"]) for block in blocks(row["page"]) for command in commands(block))]
    assert stale == []
    assert [row for row in TABLE["left_out"] or () if len(row["reason"]) < 10] == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_that_are_run(page: str) -> None:
    """Not in one without a language, or with another name of one, which nobody types for the test."""
    other = [b for b in blocks(page) if b.language in ("", "bash", "shell", "shell-session", "zsh", "pwsh")]
    assert [f"{page}:{b.line}" for b in other if b.language or re.search(r"^(\$ )?ringfence ", b.text, re.MULTILINE)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_understood(page: str) -> None:
    """Its words are commands, flags and arguments, in blocks that are run nowhere and in the middle of the text too."""
    texts = [(b.line, b.text) for b in blocks(page) if b.language in (POWERSHELL, "cron", "yaml", SHELL, CONSOLE)]
    texts = [(line, re.sub(r"^\$ ", "", text, flags=re.MULTILINE).replace("\\\n", " ")) for line, text in texts]
    wrong = [f"{page}:{line}: ringfence {words}: {said}" for line, text in [*texts, *code_spans(page)]
             for words in CALL.findall(text) if (said := misunderstood(words))]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_is_one(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    texts = [b.text for b in blocks(page) if b.language == SHELL] + [span for _, span in code_spans(page)]
    assert {name for text in texts for name in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)} - targets == set()


def misunderstood(said: str) -> str:
    """Why the program would not take these words; empty where it does. A `…` stands for what the page leaves out."""
    words = shlex.split(said, comments=True)
    name, sub = [*words, "", ""][:2]
    if not words or name in ("…", "--version", "--help"):
        return ""
    if name not in COMMANDS:
        return "no such command"
    called, words = command_of(name, {}), words[1:]
    if name in SUBCOMMANDS and words:
        if sub not in SUBCOMMANDS[name]:
            return "no such command"
        called, words = called.commands[sub], words[1:]
    if "…" in said or not words:
        return ""
    try:
        called.make_context(name, words)
    except TyperException as error:
        return error.format_message()
    except Exit:  # --help
        pass
    return ""


@pytest.mark.parametrize(("said", "why"), [
    ("plan -l web -o FILE", ""), ("ledger show HOST", ""), ("plan", ""), ("drift …", ""), ("ledger", ""), ("--version", ""),
    ("plam", "no such command"), ("ledger shew HOST", "no such command"), ("plan --lmit web", "No such option"),
    ("lab up --hosts many", "valid integer"), ("plan -l", "requires an argument"), ("ledger show", "")])
def test_what_is_no_command_is_found(said: str, why: str) -> None:
    assert (why in misunderstood(said)) if why else misunderstood(said) == ""


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == POWERSHELL for b in blocks(page))])
def test_powershell_is_whole(page: str) -> None:
    """It is for Windows, where nobody runs it: PowerShell reads it, and nothing in it is newer than Windows PowerShell 5.1."""
    for block in blocks(page):
        if block.language == POWERSHELL:
            assert not re.search(r"&&|\|\||\?\?|\?\.", block.text), f"{page}:{block.line}"
            if PWSH:
                done = subprocess.run([PWSH, "-NoProfile", "-NonInteractive", "-Command", READ], text=True, check=True,
                                      capture_output=True, env=os.environ | {"TEXT": block.text})
                assert done.stdout.strip() == "", f"{page}:{block.line}: {done.stdout}"
