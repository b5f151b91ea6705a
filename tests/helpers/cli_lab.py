"""Calling the program in this process, and a fleet for it to work on."""

import contextlib
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli.app import run
from ringfence.cli.commands.lab import groups, machines
from ringfence.lab import POLICY, Machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.simulated_host import SimulatedHost
from ringfence.run.patience import clocks_moved

PROGRAM = [sys.executable, "-m", "ringfence.cli"]
RULES = POLICY + r"\FirewallRules"
PLAYBOOK = """\
- hosts: all
  tasks:
    - firewall_profile: {profiles: [domain, private, public], enabled: true, default_inbound_action: block}
    - firewall_rule: {name: corp-rdp, protocol: tcp, local_port: 3389, remote_address: [10.0.0.1, 10.0.0.3]}
      tags: [rdp]
    - firewall_rule: {name: old-telnet, state: absent}
"""
SETTINGS = "inventory: hosts.yml\nplaybooks: site.yml\nproject: {name: test, id: 0123456789abcdef}\n"
SMALL_PROJECT = {"ringfence.yml": SETTINGS, "hosts.yml": "all: {hosts: {web1: }}\n",
           "site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, state: absent}\n"}
# leaves a file where it runs
KIND_THAT_MARKS = "open('ran', 'w').close()\n'''\n@resource('x')\n'''\n"


@dataclass(frozen=True)
class Output:
    """What the program printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass
class Cli:
    """The program, in a project folder of its own."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Output:
        self.capsys.readouterr()
        with contextlib.chdir(self.folder):
            code = run(arguments)
        out, err = self.capsys.readouterr()
        return Output(code, out, err)

    def write(self, files: dict[str, str]) -> None:
        """Put files into the folder."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


@contextlib.contextmanager
def fleet(cli: Cli, number: int = 3, **options: Any) -> Iterator[dict[str, Machine]]:
    """Simulated hosts web1, pc2, web3 …, and a project for them in the folder of `cli`."""
    hosts = machines(number)
    clocks = clocks_moved([host.clock.advance for host in hosts])
    with SimulatedFleet(hosts, **{"transport": "ssh", "groups": groups(hosts)} | options) as lab, clocks:
        cli.write({"hosts.yml": lab.inventory(), "site.yml": PLAYBOOK,
                   "ringfence.yml": SETTINGS})
        yield {host.name: host for host in hosts}


def journals(cli: Cli) -> list[Path]:
    """The records of the runs of a project, the last one last: two may have begun in one second."""
    return sorted((cli.folder / ".ringfence" / "runs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


def stuck(monkeypatch: pytest.MonkeyPatch, host: str, lab: dict[str, Machine]) -> tuple[threading.Event, threading.Event]:
    """A host that does not answer the first time that it is written, until it may: (it is being written, it may answer)."""
    called, free = threading.Event(), threading.Event()
    run = SimulatedHost.run

    def slow(self: SimulatedHost, batch: str, session: Any) -> str:
        answer = run(self, batch, session)
        if self.machine is lab[host] and self.machine.registry.generation > generation and not called.is_set():
            called.set()
            free.wait(60)
        return answer

    generation = lab[host].registry.generation
    monkeypatch.setattr(SimulatedHost, "run", slow)
    return called, free


def written(hosts: dict[str, Machine]) -> list[int]:
    """How often the registry of each host was written."""
    return [host.registry.generation for host in hosts.values()]


def environment(**more: str) -> dict[str, str]:
    """The environment for a subprocess: nothing that changes how output looks."""
    left_out: Sequence[str] = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")
    return {k: v for k, v in os.environ.items() if k not in left_out} | more


@contextlib.contextmanager
def start(cli: Cli, *arguments: str, **options: Any) -> "Iterator[subprocess.Popen[str]]":
    """The program, which does not outlive a test that fails."""
    settings: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
    with subprocess.Popen([*PROGRAM, *arguments], text=True, cwd=cli.folder, **settings | options) as process:
        try:
            yield process
        finally:
            process.kill()


def on_terminal(cli: Cli, answer: str, *arguments: str, question: str = "[y/N]", **more: str) -> tuple[int, str]:
    """Run in front of a terminal, answer the question; returns exit code and what the terminal shows."""
    controller, terminal = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    with start(cli, *arguments, **streams, env=environment(**{"TERM": "xterm", **more})) as process:
        os.close(terminal)
        shown = _until(controller, lambda text: question in text) if answer else ""
        os.write(controller, answer.encode())
        shown += _until(controller, lambda text: False)
        code = process.wait(60)
    os.close(controller)
    return code, shown


def _until(controller: int, enough: Callable[[str], bool]) -> str:
    shown = b""
    while not enough(shown.decode(errors="replace")):
        try:
            more = os.read(controller, 65536)
        except OSError:  # Linux says so when the other side is gone
            break
        if not more:
            break
        shown += more
    return shown.decode(errors="replace")


def undisturbed(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                project: dict[str, str]) -> Cli:
    """The program in a project, without what the surroundings say of runs."""
    for name in [n for n in os.environ if n.startswith(("RINGFENCE_", "ANSIBLE_"))]:
        monkeypatch.delenv(name)
    made = Cli(folder, capsys)
    made.write(project)
    return made
