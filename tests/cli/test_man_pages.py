"""Man pages: what is in them, and that roff reads it as it was meant."""

import re
import shutil
import subprocess
from functools import cache

import pytest

from ringfence.cli import man_pages
from ringfence.cli.app import CALLS
from ringfence.cli.command_tree import command_tree
from ringfence.cli.man_pages import roff

pages = cache(man_pages.pages)


def test_each_command_has_one() -> None:
    groups = {call.split()[0] for call in CALLS}
    assert set(pages()) == {"ringfence.1", *(f"ringfence-{name.replace(' ', '-')}.1" for name in groups | set(CALLS))}


def plain(text: str) -> str:
    """What is read of a line of roff, fonts apart."""
    text = re.sub(r"\\\[u([0-9A-F]{4,})\]", lambda m: chr(int(m[1], 16)), re.sub(r"\\f[BIR]", "", text)).replace("\\&", "")
    for character, escape in man_pages._ESCAPED.items():
        text = text.replace(escape, character)
    return text


def test_a_page_says_what_help_says() -> None:
    for command in command_tree().walk():
        shown = plain(pages()[f"{command.name.replace(' ', '-')}.1"])
        for option in command.options:
            assert ", ".join(option.flags) in shown
            assert option.meaning.replace("`", "") in shown
        for argument in command.arguments:
            assert argument.meaning.replace("`", "") in shown
        for example in command.examples:
            assert example in shown
        assert all(part in shown for part in (".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXIT STATUS", ".SH SEE ALSO"))
    assert "RINGFENCE_FORKS" in plain(pages()["ringfence-plan.1"])
    assert "ringfence-ledger-show (1)" in plain(pages()["ringfence-ledger.1"])


@pytest.mark.parametrize(("text", "shown"), [
    (r"C:\Windows", r"C:\eWindows"), ("--no-diff", r"\-\-no\-diff"), ("it's `x`", r"it\(aqs \(gax\(ga"), ("…", r"\[u2026]"),
    ("~/.config ^", r"\(ti/.config \(ha"), ("𝒳", r"\[u1D4B3]")])
def test_escapes(text: str, shown: str) -> None:
    assert roff(text) == shown
    assert plain(shown) == text


def test_no_text_is_a_request() -> None:
    assert man_pages._line(".SH x") == r"\&.SH x"
    for text in pages().values():
        text.encode("ascii")
        requests = {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))}
        assert requests <= {'.\\"', ".TH", ".SH", ".TP", ".PP", ".B", ".BR", ".nf", ".fi", ".nh", ".ad"}


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_groff_has_nothing_to_say() -> None:
    whole = "".join(pages().values())
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=whole, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    shown = re.sub(".\x08|\x1b\\[[0-9;]*m", "", done.stdout)
    assert "ringfence plan [OPTION]... [PLAYBOOK]..." in shown
    assert "finance:!boundary" in shown
    assert r"ringfence completion fish > ~/.config/fish/completions/ringfence.fish" in shown


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
def test_mandoc_has_nothing_to_say() -> None:
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input="".join(pages().values()), capture_output=True,
                          text=True, timeout=60, check=False)
    told = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line and "TH" not in line]
    assert told == []
