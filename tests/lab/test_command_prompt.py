"""Lines of cmd.exe on a simulated host, and what they do with its files, registry and tasks."""

from typing import Any

import pytest
from core import cases
from lab_machine import host
from lab_prompt import FOLDER, typed

from ringfence.lab import Machine
from ringfence.lab.command_prompt.command_line_run import LONGEST_LINE, cmd
from ringfence.lab.command_prompt.output_streams import Kept
from ringfence.lab.command_prompt.prompt import Prompt, Streams


def prepared() -> Machine:
    on = host()
    on.files.make_folder(FOLDER + r"\sub")
    for name, content in (("a.txt", b"alpha\r\nBeta\r\n"), ("b c.txt", b""), ("r1.armed", b""), ("r2.armed", b"")):
        on.files.write(f"{FOLDER}\\{name}", content)
    on.registry.set(r"SOFTWARE\x", "State", "armed")
    return on


@pytest.mark.parametrize("case", cases("lab_cmd"), ids=lambda c: c["line"] or "empty")
def test_a_line(case: dict[str, Any]) -> None:
    on = prepared()
    code, out, err, seconds = typed(on, case["line"] if case.get("raw") else f'/d /s /c "{case["line"]}"')
    assert (out, err, code) == (case.get("says", ""), case.get("complains", ""), case.get("code", 0))
    assert seconds == case.get("takes", 0)
    assert [f for f in case.get("there", ()) if not on.files.exists(f"{FOLDER}\\{f}")] == []
    assert [f for f in case.get("gone", ()) if on.files.exists(f"{FOLDER}\\{f}")] == []


def test_a_line_has_a_length() -> None:
    line = "echo " + "x" * LONGEST_LINE
    assert typed(prepared(), f'/d /s /c "{line}"') == (1, "", "The command line is too long.\r\n", 0)
    assert typed(prepared(), f'/d /s /c "{line[:LONGEST_LINE]}"')[0] == 0


def test_autorun_is_what_slash_d_keeps_away() -> None:
    on = prepared()
    on.registry.set(r"SOFTWARE\Microsoft\Command Processor", "AutoRun", "echo planted")
    assert typed(on, '/s /c "echo a"')[1] == "planted\r\na\r\n"
    assert typed(on, '/d /s /c "echo a"')[1] == "a\r\n"


def test_who_is_no_administrator_changes_nothing() -> None:
    on = prepared()
    for line in (r"reg add HKLM\SOFTWARE\x /v N /d a /f", r"schtasks /delete /tn \x /f", "netsh advfirewall export p.wfw"):
        code, out, err, _ = typed(on, f'/d /s /c "{line}"', user="Guest", elevated=False)
        assert code == 1
        assert "denied" in err or "elevation" in out
    assert on.registry.get(r"SOFTWARE\x", "N") is None
    assert not on.files.exists(r"C:\work\p.wfw")


def test_what_app_control_denies_does_not_start() -> None:
    on = prepared()
    on.faults.denied_programs = ("netsh.exe",)
    assert typed(on, r'/d /s /c "netsh advfirewall export p.wfw || echo no"')[1] == "no\r\n"
    on.faults.denied_programs = ()
    on.files.delete(r"C:\Windows\System32\netsh.exe")
    assert "not recognized" in typed(on, r'/d /s /c "netsh advfirewall export p.wfw"')[2]


def test_a_full_disk_ends_what_writes() -> None:
    on = prepared()
    on.files.room = 3
    code, _, err, _ = typed(on, '/d /s /c "type a.txt > z.txt || exit /b 8"')
    assert (code, err) == (8, "There is not enough space on the disk.\r\n")


def test_a_run_that_is_ended_does_nothing_more() -> None:
    on = prepared()
    run = cmd(Prompt(on, folder=FOLDER), '/d /s /c "del r1.armed & ping -n 9 127.0.0.1 >nul & del r2.armed"',
              Streams(None, Kept(), Kept()))
    while next(run) == 0:
        pass
    run.close()
    assert (on.files.exists(r"C:\work\r1.armed"), on.files.exists(r"C:\work\r2.armed")) == (False, True)
