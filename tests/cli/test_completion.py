"""Answers to a Tab: from the table of commands and from the project in the current folder, without running any of it."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_lab import KIND_THAT_MARKS, Cli, environment
from core import cases
from host_script import needs_pwsh

from ringfence.cli import completion
from ringfence.cli.command_tree import command_tree
from ringfence.documents.vault import encrypt
from ringfence.secret import Secret

CASES = cases("completion")
PROJECT = {
    "ringfence.yml": "inventory: hosts.yml\nplaybooks: playbooks/site.yml\nmodules: modules\nvault_password_file: password\n",
    "hosts.yml": "all:\n  children:\n    web: {hosts: {'web[1:2]': }}\n    db: {hosts: {db1: , db2: {x: !vault none}}}\n"
                 "  hosts: {'$(touch ran)': , 'a b': , 'x;y': , --yes: , 'back`tick': }\n",
    "other.yml": "all: {hosts: {lonely: }}\n",
    "playbooks/site.yml": "- hosts: all\n  tags: baseline\n  tasks:\n    - {firewall_rule: {name: a}, tags: [rdp, '{{ no }}']}\n"
                          "    - import_tasks: tasks.yml\n    - {block: [{nosuch: {}, tags: of-block}]}\n"
                          "- {import_playbook: site.yml}\n- {import_playbook: more.yml, tags: [imported]}\n",
    "playbooks/tasks.yml": "- {firewall_rule: {name: b}, tags: of-tasks}\n",
    "playbooks/more.yml": "- {hosts: all}\n",
    "playbooks/second.yml": "- {hosts: all, tags: second}\n",
    "playbooks/notes.txt": "",
    "modules/mine.py": KIND_THAT_MARKS,
    "password": "#!/bin/sh\ntouch ran\n",
}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    for name in [n for n in os.environ if n.startswith(("RINGFENCE_", "ANSIBLE_"))]:
        monkeypatch.delenv(name)
    made = Cli(tmp_path, capsys)
    made.write(PROJECT)
    (tmp_path / "password").chmod(0o700)
    return made


def offered(cli: Cli, line: str, shell: str = "bash") -> list[str]:
    with contextlib.chdir(cli.folder):
        return [found.value for found in completion.answer(line, shell)[1]]


def test_an_inventory_that_may_run_does_not_run_for_a_tab(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"ringfence.yml": "", "hosts.sh": "#!/bin/sh\ntouch ran\necho '{\"g\": [\"h\"]}'\n"})
    (cli.folder / "hosts.sh").chmod(0o700)
    monkeypatch.setenv("RINGFENCE_ALLOW_PROGRAM", str(cli.folder))
    assert "g" in cli("inventory", "graph", "-i", "hosts.sh").out
    (cli.folder / "ran").unlink()
    assert "g" not in offered(cli, "ringfence plan -i hosts.sh -l ")
    assert not (cli.folder / "ran").exists()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_cases(case: dict[str, Any], cli: Cli) -> None:
    found = offered(cli, case["line"])
    assert set(case["gives"]) <= set(found)
    assert not case.get("only") or len(found) == len(case["gives"])
    assert not set(case.get("not", ())) & set(found)
    assert not (cli.folder / "ran").exists()


def test_it_is_known_of_each_value_whether_it_can_be_completed() -> None:
    commands = list(command_tree().walk())
    arguments = {a.value for command in commands for a in command.arguments}
    values = arguments | {o.value for command in commands for o in command.options if o.value and not o.words}
    assert values - {"show"} == set(completion.COMPLETERS)


def ask(cli: Cli, line: str, shell: str = "zsh", **more: str) -> "subprocess.CompletedProcess[str]":
    asked = {completion.SHELL: shell, completion.LINE: line, completion.WORD: ""}
    return subprocess.run([sys.executable, "-m", "ringfence.cli"], cwd=cli.folder, env=environment(**asked, **more),
                          capture_output=True, text=True, timeout=60, check=False)


def test_words_have_their_meaning_beside_them(cli: Cli) -> None:
    assert "plan\tShow what would change on the hosts, and change nothing" in ask(cli, "ringfence ").stdout.splitlines()
    assert ask(cli, "ringfence ", "bash").stdout.splitlines()[0] == "init"
    assert "web\tgroup, hosts: 2" in ask(cli, "ringfence ping ").stdout.splitlines()


BROKEN = {
    "settings": {"ringfence.yml": "inventory: [hosts.yml\n"},
    "settings of another form": {"ringfence.yml": "- inventory\n"},
    "inventory": {"hosts.yml": "all: [\n"},
    "inventory of another form": {"hosts.yml": "- web1\n"},
    "playbook": {"playbooks/site.yml": "- hosts: [all\n"},
    "playbook of another form": {"playbooks/site.yml": "hosts: {tags: [[x]]}\n"},
    "binary": {"hosts.yml": "\0\x1b[31m", "playbooks/site.yml": "\0"},
    "deep": {"hosts.yml": "{a: " * 5000, "playbooks/site.yml": "[" * 5000},
}


@pytest.mark.parametrize("files", BROKEN.values(), ids=BROKEN)
def test_nothing_is_said_of_a_broken_project(files: dict[str, str], cli: Cli) -> None:
    cli.write(files)
    for line in ("ringfence plan -l ", "ringfence plan -t ", "ringfence plan "):
        done = ask(cli, line)
        assert done.stderr == ""
        assert "\x1b" not in done.stdout
    assert ask(cli, "ringfence pl").stdout.split()[0] == "plan"
    assert not (cli.folder / "ran").exists()


def test_a_vault_stays_closed(cli: Cli) -> None:
    vaulted = encrypt("ansible_user: u", Secret("right"))
    cli.write({"group_vars/all.yml": vaulted, "hosts.yml": "all: {hosts: {web1: }}\n"})
    done = ask(cli, "ringfence plan -l w")
    assert (done.returncode, done.stdout, done.stderr) == (0, "web1\thost\n", "")
    assert not (cli.folder / "ran").exists()


def test_a_foreign_project_is_not_read(cli: Cli) -> None:
    (cli.folder / "ringfence.yml").chmod(0o666)
    assert ask(cli, "ringfence plan -l w").stdout == ""
    assert "web1" in ask(cli, f"ringfence plan --trust-dir {cli.folder} -l w").stdout
    assert "web1" in ask(cli, "ringfence plan --untrusted -l w").stdout


def test_inventories_of_the_environment(cli: Cli) -> None:
    assert ask(cli, "ringfence plan -l lo", RINGFENCE_INVENTORY="other.yml").stdout == "lonely\thost\n"


# ------------------------------------------------------------------------------------------------------------ in real shells

BASH = """
eval "$(ringfence completion bash)"
tab() { COMP_LINE="$1"; COMP_POINT=${#1}; _ringfence ringfence "$2"; echo "${COMPREPLY[*]}"; }
tab 'ringfence pl' pl
tab 'ringfence plan --output=js' js
tab 'ringfence plan -l all:d' d
tab "ringfence plan -l 'all:!d" 'all:!d'
tab 'ringfence plan -i pl' pl
"""
POWERSHELL = """
ringfence completion powershell | Out-String | Invoke-Expression
foreach ($line in 'ringfence pl', 'ringfence plan --output=js', 'ringfence plan -l web1,d', "ringfence plan -l 'all:!d") {
    (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText -join ' '
}
(TabExpansion2 -inputScript 'ringfence ledger sh' -cursorColumn 19).CompletionMatches.ToolTip
"""
FISH = """
ringfence completion fish | source
for line in "ringfence pl" "ringfence plan --output=js" "ringfence plan -l all:d" "ringfence plan -l 'all:!d"
    complete -C "$line" | string replace -r '\\t.*' '' | string join ' '
end
"""


def in_shell(cli: Cli, *program: str, **more: str) -> list[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(program, cwd=cli.folder, env=environment(PATH=path, **more), capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash(cli: Cli) -> None:
    assert in_shell(cli, "bash", "--norc", "-c", BASH) == ["plan", "json jsonl", "db1 db2 db", "all:!db1 all:!db2 all:!db", ""]


@needs_pwsh
def test_powershell(cli: Cli) -> None:
    assert in_shell(cli, "pwsh", "-NoProfile", "-NonInteractive", "-Command", POWERSHELL) == [
        "plan", "--output=json --output=jsonl", "db1 db2 db", "all:!db1 all:!db2 all:!db",
        "Show what the project owns on hosts, how it came to it, and what other projects own there"]


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish")
def test_fish(cli: Cli) -> None:
    assert in_shell(cli, "fish", "--no-config", "-c", FISH) == [
        "plan", "--output=json --output=jsonl", "all:db all:db1 all:db2", "all:!db all:!db1 all:!db2"]


ZSH = """
import os, pty, signal
signal.alarm(40)
pid, terminal = pty.fork()
if not pid:
    os.execvp("zsh", ["zsh", "-f", "-i"])
def until(text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 65536)
    return seen
os.write(terminal, b'PS1="> "; autoload -Uz compinit; compinit -u -D; eval "$(ringfence completion zsh)"; echo REA""DY\\n')
until(b"READY")
for line, completed in ((b"ringfence pl", b"an"), (b"ringfence plan -l all:d", b"b"), (b"ringfence plan --output=js", b"on")):
    os.write(terminal, line + b"\\t")
    until((line + completed)[1:])  # it writes the first letter twice
    os.write(terminal, b"\\x15")
    print((line + completed).decode())
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
def test_zsh(cli: Cli) -> None:
    assert in_shell(cli, sys.executable, "-c", ZSH, TERM="xterm") == [
        "ringfence plan", "ringfence plan -l all:db", "ringfence plan --output=json"]


def test_the_scripts_are_printed(cli: Cli) -> None:
    for shell in completion.SHELLS:
        said = cli("completion", shell)
        assert (said.code, said.err) == (0, "")
        assert completion.SHELL in said.out
    said = cli("completion", "powershel")
    assert (said.code, said.err.splitlines()[0]) == (1, "error: there is no completion for powershel; did you mean powershell?")
