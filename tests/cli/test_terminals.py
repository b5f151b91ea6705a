"""Text reaches whoever reads it: every encoding, terminals that cannot draw, long runs without one, and the logs of CIs."""

import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli_lab import PROGRAM, Cli, environment, fleet, on_terminal, undisturbed

from ringfence.cli import console, progress
from ringfence.cli.ci_logs import CI_LOGS, LONG
from ringfence.cli.streams import OBEYED_BY, GuardedStream, spell_out
from ringfence.errors import Unreachable
from ringfence.lab import POLICY
from ringfence.report import HostResult

PROJECT = {"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n", "hosts.yml": "all: {hosts: {web1: }}\n",
           "site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, state: absent}\n"}
MANY = "- hosts: all\n  tasks:\n    - firewall_rule: {name: '{{ item }}', protocol: tcp, local_port: 80}\n" \
       f"      loop: [{', '.join(f'a{n}' for n in range(LONG))}]\n"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    for log in CI_LOGS:
        monkeypatch.delenv(log.variable, raising=False)
    return undisturbed(tmp_path, capsys, monkeypatch, PROJECT)


def run(cli: Cli, *arguments: str, **more: Any) -> "subprocess.CompletedProcess[bytes]":
    variables = {name: more.pop(name) for name in list(more) if name.isupper()}
    return subprocess.run([*PROGRAM, *arguments], cwd=cli.folder, env=environment(**variables), timeout=60, check=False,
                          **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})


def written(stream: io.TextIOWrapper, encoding: str = "utf-8") -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(encoding)


# ------------------------------------------------------------------------------------------------------------- encodings

def test_a_difference_in_every_encoding(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        assert cli("apply", "--yes").code == 0
        hosts["web1"].registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
        for encoding, arrow, nothing in (("utf-8", "→", "·"), ("cp1252", "->", "·"), ("cp437", "->", "·"), ("ascii", "->", ".")):
            done = run(cli, "plan", PYTHONIOENCODING=f"{encoding}:strict")
            assert (done.returncode, done.stderr) == (0, b"")
            shown = done.stdout.decode(encoding)
            assert f" {arrow} " in shown
            assert f" {nothing} " in shown
            assert "?" not in shown


@pytest.mark.parametrize("arguments", [["--help"], ["doc", "firewall_rule", "package"], ["validate", "nosuch-…-日.yml"]])
def test_nothing_is_a_question_mark(arguments: list[str], cli: Cli) -> None:
    shown = {encoding: run(cli, *arguments, PYTHONIOENCODING=encoding) for encoding in ("utf-8", "ascii")}
    texts = {encoding: (done.stdout + done.stderr).decode(encoding) for encoding, done in shown.items()}
    assert "Traceback" not in texts["ascii"]
    assert "?" not in texts["ascii"]
    assert "…" in texts["utf-8"]
    assert "..." in texts["ascii"]


@pytest.mark.parametrize(("text", "encoding", "shown"), [
    ("a → b … c · d", "ascii", "a -> b ... c . d"), ("Tür 日", "cp437", "Tür \\u65e5"), ("“x” ≤ 1", "cp1252", "“x” <= 1"),
    ("€", "cp437", "\\u20ac"), ("\udcff", "utf-8", "\\udcff"), ("𝒳", "ascii", "\\U0001d4b3")])
def test_spelt_out(text: str, encoding: str, shown: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    spell_out(stream)
    stream.write(text)
    assert written(stream, encoding) == shown


# ------------------------------------------------------------------------------------------------------------- terminals

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def test_a_dumb_terminal_gets_no_control_characters(cli: Cli) -> None:
    with fleet(cli, 3):
        for command in (["apply", "--yes"], ["doc", "firewall_rule"]):
            _, shown = on_terminal(cli, "", *command, TERM="dumb")
            assert shown
            assert not CONTROL.search(shown), command
        assert CONTROL.search(on_terminal(cli, "", "drift", TERM="xterm")[1])


@pytest.mark.parametrize("legacy", [True, False])
def test_an_old_console_of_windows_shows_no_codes(legacy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(console, "ON_WINDOWS", True)
    monkeypatch.setattr("rich.console.detect_legacy_windows", lambda: legacy)
    assert console.coloured(Terminal(), False) is not legacy


def test_a_bar_counts_what_failed_and_what_changed(cli: Cli) -> None:
    with fleet(cli, 4) as hosts:
        text = (cli.folder / "hosts.yml").read_text(encoding="utf-8")
        (cli.folder / "hosts.yml").write_text(re.sub(r"ansible_port: \d+", "ansible_port: 1", text, count=1), encoding="utf-8")
        code, shown = on_terminal(cli, "", "drift", "--no-color", COLUMNS="100")
    assert code == 5
    assert hosts
    assert re.search(r"drift .* 4/4 .*1 failed, 3 with changes", shown)


def test_what_is_counted() -> None:
    counted = progress.RunProgress(500, "plan")
    for number in range(120):
        counted.count(HostResult(f"h{number}", error=Unreachable("timeout", "") if number < 3 else None))
    assert counted.line == "plan: 120 of 500 hosts, 3 failed"


def test_a_line_now_and_then_without_a_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "BETWEEN_LINES", 0.01)
    with fleet(cli, 3):
        said = cli("plan")
        assert re.search(r"^plan: \d of 3 hosts", said.err, re.MULTILINE)
        assert cli("plan", "-q").err == ""
        assert json.loads(cli("plan", "--output", "json").out)["exit_code"] == 0


def test_no_line_in_a_short_run(cli: Cli) -> None:
    with fleet(cli, 2):
        assert cli("plan").err == ""


# ------------------------------------------------------------------------------------------------------ the logs of CIs

def guarded(*parts: str, json: bool = False) -> str:
    stream = GuardedStream(io.BytesIO(), "utf-8")
    stream.json = json
    for part in parts:
        assert stream.write(part) == len(part)
    return written(stream)


@pytest.mark.parametrize(("parts", "shown"), [
    (["::set-output name=a::b\n"], ": :set-output name=a::b\n"),
    (["x\n  ::error::b\n"], "x\n  : :error::b\n"),
    (["x\r::error::b\n"], "x\r: :error::b\n"),
    (["\u00ad\u034f\u200b::error::b\n"], "\u00ad\u034f\u200b: :error::b\n"),
    ([":", ":error::b\n"], ": :error::b\n"),
    (["  ", ":", ":", "error::b\n"], "  : :error::b\n"),
    (["a ::1 and fe80::1\n"], "a ::1 and fe80::1\n"),
    (["a ", "::1\n"], "a ::1\n"),
    (["a" * 2000, "::1\n"], "a" * 2000 + "::1\n"),
    (["  rule ##vso[task.setvariable variable=a]b\n"], "  rule ##vso [task.setvariable variable=a]b\n"),
    (["a ##", "vso", "[task.x]\n"], "a ##vso [task.x]\n"),
    (["##[group]a\n##[add-mask]b"], "## [group]a\n## [add-mask]b"),
    (["##teamcity[x]"], "##teamcity [x]"),
    (["a # b ## c [d]\n"], "a # b ## c [d]\n"),
    (["::x\n", "::y\n", "z::\n"], ": :x\n: :y\nz::\n"),
])
def test_what_is_no_command(parts: list[str], shown: str) -> None:
    assert guarded(*parts) == shown
    assert guarded("".join(parts)) == shown


def test_guarded_json_means_the_same() -> None:
    data = {"name": "##vso[task.x]", "more": ["::x", "a##[b]"]}
    text = guarded(json.dumps(data), "\n", json=True)
    assert "##vso[" not in text
    assert json.loads(text) == data


def test_a_guarded_stream_is_as_fast_for_a_long_line() -> None:
    """A document of JSON is one line, written in parts: what a part costs does not grow with what was written before."""
    stream = GuardedStream(io.BytesIO(), "utf-8")
    for _ in range(20_000):
        stream.write('{"host": "web1"}, ')
    assert len(stream._line) < 200


@pytest.mark.parametrize("variable", OBEYED_BY)
def test_names_of_strangers_are_no_commands(variable: str, cli: Cli) -> None:
    for arguments in (["validate", "::error::nosuch.yml"], ["validate", "##vso[task.x].yml", "--output", "json"]):
        before = cli(*arguments)
        assert re.search(r"^\s*::|##\w*\[", before.out + before.err, re.MULTILINE)
        done = run(cli, *arguments, **{variable: "true"})
        assert done.returncode == 1
        assert not re.search(r"^\s*::|##\w*\[", done.stdout.decode() + done.stderr.decode(), re.MULTILINE)
    assert json.loads(done.stdout)["diagnostics"] == json.loads(before.out)["diagnostics"] != []


def test_a_file_gets_what_was_said(cli: Cli, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        run(cli, "validate", "##[x].yml", stderr=out, GITHUB_ACTIONS="true")
    assert "##[x].yml: " in (tmp_path / "out").read_text(encoding="utf-8")


MARKS = {
    "GITHUB_ACTIONS": (r"::group::plan of 1 host\n", r"::endgroup::\n"),
    "TF_BUILD": (r"##\[group\]plan of 1 host\n", r"##\[endgroup\]\n"),
    "GITLAB_CI": (r"\x1b\[0Ksection_start:\d+:ringfence_plan_of_1_host\[collapsed=true\]\r\x1b\[0Kplan of 1 host\n",
                  r"\x1b\[0Ksection_end:\d+:ringfence_plan_of_1_host\r\x1b\[0K\n"),
    "BUILDKITE": (r"--- plan of 1 host\n", r"\+\+\+ plan of 1 host: the sum\n"),
}


def test_long_text_folds_in_the_log_of_a_ci(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MARKS.keys() == {log.variable for log in CI_LOGS}
    with fleet(cli, 1):
        cli.write({"site.yml": MANY})
        assert cli("plan").out.count("\n") > LONG
        for variable, (begin, end) in MARKS.items():
            with monkeypatch.context() as patched:
                patched.setenv(variable, "true")
                found = re.fullmatch(f"{begin}(.*)\n{end}(.*)\n", cli("plan").out, re.DOTALL)
            assert found, variable
            assert "firewall_rule a99" in found[1]
            assert found[2].startswith("plan: 100 to create")
            assert found[2].count("\n") < 3
        assert run(cli, "plan", GITHUB_ACTIONS="true").stdout.startswith(b"::group::plan of 1 host\n")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        for arguments in (["--no-fold"], ["--output", "json"], ["--list-hosts"]):
            assert "::group::" not in cli("plan", *arguments).out
        with (tmp_path / "out").open("wb") as out:
            run(cli, "plan", stdout=out, GITHUB_ACTIONS="true")
        assert "::group::" not in (tmp_path / "out").read_text(encoding="utf-8")
        cli.write({"site.yml": MANY.partition("loop: ")[0] + "loop: [b]\n"})
        assert "::group::" not in cli("plan").out
