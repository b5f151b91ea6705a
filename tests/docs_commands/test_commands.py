"""What a reader of the documentation types does what the page says: every command block, in order, against simulated hosts."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click import ClickException
from click.exceptions import Exit
from host_script import needs_pwsh, pwsh

from ringfence.cli.app import COMMANDS, SUBCOMMANDS, command_of

from .blocks import CONSOLE, PAGES, POWERSHELL, ROOT, SHELL, Block, blocks, code_spans, commands, is_shown
from .reading import TABLE, TYPED, programs, read

READ = "$wrong = $null; $null = [Management.Automation.Language.Parser]::ParseInput($env:TEXT, [ref]$null, [ref]$wrong); $wrong"
OTHERS = (POWERSHELL, "cron")
# a command of ringfence in what is not a shell: jobs of pipelines, crontabs, PowerShell, code spans
CALL = re.compile(r"(?:^|&& |; |run: |- |\| |& )ringfence ([^\n|;&>#]*)", re.MULTILINE)


@pytest.fixture(scope="module")
def program() -> Iterator[Path]:
    """A folder with the programs that pages use."""
    with programs() as folder:
        yield folder


@pytest.mark.docs
@pytest.mark.parametrize("page", TYPED)
def test_a_page(page: str, program: Path, tmp_path: Path) -> None:
    for command, code, shown in read(page, program, tmp_path):
        said = "\n".join(shown)
        assert code == command.exit_code, f"{command.place}: {command.text}\nended with {code}:\n{said}"
        if command.shown is not None:
            assert is_shown(command.shown, shown), f"{command.place}: {command.text}\nshows (`make examples` writes it):\n{said}"


def test_nothing_is_left_out_that_is_not_there() -> None:
    """Each row of the table is of a page and a command that are there still; what no shell runs has a row."""
    assert set(TABLE["pages"]) - set(TYPED) == set()
    rows = TABLE["left_out"]
    stale = [row for row in rows if "begins" in row and not any(
        command.text.startswith(row["begins"]) for block in blocks(row["page"]) for command in commands(block))]
    assert stale == []
    others = {(page, block.language) for page in PAGES for block in blocks(page) if block.language in OTHERS}
    assert {(row["page"], row["language"]) for row in rows if "language" in row} == others
    assert [row for row in rows if len(row["reason"]) < 10] == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_that_are_run(page: str) -> None:
    """Not in one without a language, or with another name of one, which nobody types for the test."""
    other = [b for b in blocks(page) if b.language in ("", "bash", "shell", "shell-session", "zsh", "pwsh")]
    assert [f"{page}:{b.line}" for b in other if b.language or re.search(r"^(\$ )?ringfence ", b.text, re.MULTILINE)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_understood(page: str) -> None:
    """Its words are commands, flags and arguments, in blocks that are run nowhere and in the middle of the text too."""
    texts = [(b.line, b.text) for b in blocks(page) if b.language in (*OTHERS, "yaml", SHELL, CONSOLE)]
    texts = [(line, re.sub(r"^\$ ", "", text, flags=re.MULTILINE).replace("\\\n", " ")) for line, text in texts]
    wrong = [f"{page}:{line}: ringfence {words}: {said}" for line, text in [*texts, *code_spans(page)]
             for words in CALL.findall(text) if (said := misunderstood(words))]
    assert wrong == []


@pytest.mark.parametrize("line", sorted({line for block in blocks("docs/reference/commands.md") for line in re.findall(
    r"^ +ringfence (.*)", block.text, re.MULTILINE)}))
def test_examples_of_help_are_understood(line: str) -> None:
    """What --help shows, without what is said of it behind two blanks, and where it is piped to."""
    assert misunderstood(re.split(r" {2,}| [|>] ", line)[0]) == ""


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
    called: Any = command_of(name, {})
    words = words[1:]
    if name in SUBCOMMANDS and words:
        if sub not in SUBCOMMANDS[name]:
            return "no such command"
        called, words = called.commands[sub], words[1:]
    if "…" in said or not words:
        return ""
    try:
        called.make_context(name, words)
    except ClickException as error:
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


FOR_WINDOWS = [block for page in PAGES for block in blocks(page) if block.language == POWERSHELL]


def test_powershell_is_that_of_windows() -> None:
    """Nothing in it is newer than Windows PowerShell 5.1."""
    assert [f"{b.page}:{b.line}" for b in FOR_WINDOWS if re.search(r"&&|\|\||\?\?|\?\.", b.text)] == []
    assert FOR_WINDOWS


@needs_pwsh
@pytest.mark.parametrize("block", FOR_WINDOWS, ids=lambda block: f"{block.page}:{block.line}")
def test_powershell_is_whole(block: Block) -> None:
    """It is for Windows, where nobody runs it: PowerShell reads it."""
    done = pwsh("-Command", READ, environment={"TEXT": block.text})
    assert (done.returncode, done.stdout.decode().strip()) == (0, "")
