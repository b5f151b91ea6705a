"""The local transport: against programs that only look like PowerShell, and against a real one where there is one."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh

from ringfence.batch import Call, Reply
from ringfence.errors import FAILURES, HostError, Unreachable
from ringfence.transports import process

BATCH = batch_of(Call("Facts.Read"))
PRELUDE = f"""#!{sys.executable}
import base64, gzip, json, os, sys, subprocess, time
def frame(said): return "<<ringfence:" + base64.b64encode(gzip.compress(json.dumps(said).encode())).decode() + ">>"
def read():
    sys.stdin.readline()
    return json.loads(gzip.decompress(base64.b64decode(sys.stdin.readline())))
def echo(told): return frame({{"ringfence": 2, "run": told["run"],
                               "replies": [{{"ok": True, "value": call["verb"]}} for call in told["calls"]]}})
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are POSIX scripts")


def program(tmp_path: Path, text: str) -> str:
    """An executable Python script."""
    path = tmp_path / "powershell"
    path.write_text(PRELUDE + text)
    path.chmod(0o755)
    return str(path)


def run(executable: str, **more: Any) -> Reply:
    return open_transport("here", {"ansible_connection": "local", "ringfence_powershell": executable,
                                  "ringfence_batch_timeout": 60, **more}).run(BATCH)


def fails(executable: str, kind: str, said: str = "", sent: bool = True, **more: Any) -> HostError:
    with pytest.raises(HostError) as caught:
        run(executable, **more)
    error = caught.value
    assert (error.kind, isinstance(error, Unreachable)) == (kind, not sent), str(error)
    assert said in str(error)
    assert "\n" not in str(error)
    assert FAILURES[kind][1] in str(error)
    return error


def test_works(tmp_path: Path) -> None:
    text = "told = read()\nassert sys.argv[1:4] == ['-NoProfile', '-NonInteractive', '-EncodedCommand']\nprint(echo(told))"
    transport = open_transport("here", {"ansible_connection": "local",
                                       "ringfence_powershell": program(tmp_path, text)})
    assert transport.run(BATCH)[0] == "Facts.Read"
    assert (transport.name, transport.round_trips) == ("local", 1)
    assert transport.bytes_sent > transport.bytes_received > 50


def test_not_there(tmp_path: Path) -> None:
    fails(str(tmp_path / "nothing"), "powershell", "no such file", sent=False)
    (tmp_path / "text").write_text("not executable")
    fails(str(tmp_path / "text"), "powershell", "permission denied", sent=False)
    (tmp_path / "text").chmod(0o755)
    fails(str(tmp_path / "text"), "powershell", "exec format error", sent=False)


def test_large_input_that_is_not_read(tmp_path: Path) -> None:
    batch = batch_of(Call("Net.Call", {"text": "x" * 3_000_000}))
    executable = program(tmp_path, "print('no', file=sys.stderr); sys.exit(3)")
    with pytest.raises(HostError) as caught:
        open_transport("here", {"ansible_connection": "local", "ringfence_powershell": executable}).run(batch)
    assert (caught.value.kind, "no" in str(caught.value)) == ("script", True)


def test_hangs_with_children(tmp_path: Path) -> None:
    """The children of the process end with it."""
    executable = program(tmp_path, f"""
child = subprocess.Popen(["sleep", "60"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
time.sleep(60)""")
    began = time.monotonic()
    fails(executable, "no_answer", "1.5 s", ringfence_batch_timeout=1.5)
    assert time.monotonic() - began < 6
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1]:
            return
        time.sleep(0.05)
    pytest.fail("a child is still there")


def test_a_child_that_keeps_the_pipe(tmp_path: Path) -> None:
    executable = program(tmp_path, """
subprocess.Popen(["sleep", "3"], start_new_session=True)
print(echo(read()))""")
    began = time.monotonic()
    assert run(executable)[0]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_flood(tmp_path: Path, stream: str) -> None:
    executable = program(tmp_path, f"""
told = read()
for n in range(200): sys.{stream}.write("x" * 65536)
print(echo(told))""")
    if stream == "stdout":
        fails(executable, "too_large", ringfence_max_reply=1_000_000)
    else:
        assert run(executable, ringfence_max_reply=1_000_000)[0]


@pytest.mark.parametrize(("text", "kind", "said"), [
    ("", "protocol", "no reply"),
    ("print('hello')", "protocol", "hello"),
    ("print(echo(read())[:60])", "protocol", "no reply"),
    ("print(frame({'ringfence': 7}))", "version", "there 7"),
    ("print('<<ringfence-fatal:language_mode:the session runs in NoLanguage>>')", "language_mode", "NoLanguage"),
    ("sys.stderr.write('Cannot load: running scripts is disabled on this system.'); sys.exit(1)", "execution_policy", ""),
    ("sys.stderr.write('\\x1b[31;1mError\\x1b[0m: \\tno\\n'); sys.exit(1)", "script", "Error: no"),
    ("os.kill(os.getpid(), 9)", "script", "exit code -9"),
])
def test_answers_that_are_none(tmp_path: Path, text: str, kind: str, said: str) -> None:
    fails(program(tmp_path, text), kind, said)


@pytest.mark.parametrize(("powershell", "system", "kept"), [
    ("powershell.exe", "nt", False), ("PowerShell", "nt", False),
    (r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "nt", False),
    ("pwsh", "nt", True), (r"C:\powershell\7\pwsh.exe", "nt", True), ("powershell.exe", "posix", True)])
def test_windows_powershell_makes_its_own_module_path(powershell: str, system: str, kept: bool) -> None:
    """Windows' names of variables know no case; the rest is inherited."""
    given = {"PSModulePath": "of PowerShell 7", "Path": "p", "SystemRoot": "r"}
    got = process.environment(powershell, given, system)
    assert ("PSModulePath" in got) == kept
    assert {name: got[name] for name in ("Path", "SystemRoot")} == {"Path": "p", "SystemRoot": "r"}
    assert ("psmodulepath" in process.environment(powershell, {"psmodulepath": "x"}, system)) == kept


def test_a_program_here_inherits_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_TEST_VARIABLE", "seen")
    text = "told = read()\nprint(echo(told) if os.environ.get('RINGFENCE_TEST_VARIABLE') == 'seen' else 'lost')"
    assert run(program(tmp_path, text))[0] == "Facts.Read"


# a real PowerShell



@needs_pwsh
def test_real_powershell() -> None:
    batch = batch_of(Call("Account.Resolve", {"names": []}), Call("No.Such", {"text": "ä€😀" + "x" * 2_000_000}))
    reply = open_transport("here", {"ansible_connection": "local", "ringfence_powershell": "pwsh"}).run(batch)
    assert reply[0] == {}
    error = reply.answers[1].error
    assert error is not None
    assert error.category == "InvalidArgument"
    assert json.dumps(error.message)


@needs_pwsh
def test_real_powershell_in_a_restricted_language(tmp_path: Path) -> None:
    """The bootstrap looks at the language mode first; what restricts it here stands for an application control policy."""
    wrapper = tmp_path / "pwsh"
    restrict = "$ExecutionContext.SessionState.LanguageMode = 'ConstrainedLanguage'; "
    wrapper.write_text(f"""#!{sys.executable}
import base64, os, sys
text = {restrict!r} + base64.b64decode(sys.argv[-1]).decode("utf-16-le")
os.execv({PWSH!r}, [{PWSH!r}, *sys.argv[1:-1], base64.b64encode(text.encode("utf-16-le")).decode()])
""")
    wrapper.chmod(0o755)
    fails(str(wrapper), "language_mode", "ConstrainedLanguage")
