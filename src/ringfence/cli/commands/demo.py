"""ringfence demo: the whole road on five simulated hosts, told as it goes."""

import contextlib
import io
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.cli.app import run
from ringfence.cli.command import usage_error
from ringfence.cli.commands.init import project_files
from ringfence.cli.commands.lab import LabTransport, machines, simulation
from ringfence.cli.console import Console
from ringfence.lab import POLICY, Machine
from ringfence.run.patience import clocks_moved
from ringfence.run_settings import VARIABLE_PREFIX
from ringfence.views.format import unstyled

EXAMPLES = """
ringfence demo
"""
HOSTS = 5
INVENTORY = "inventory/lab.yml"
OOPS = "playbooks/oops.yml"
_OOPS = """\
- name: Nothing comes in
  hosts: web1
  tasks:
    - firewall_rule: {name: oops, action: block, protocol: tcp, local_port: any, remote_address: any}
"""
Run = Callable[[Sequence[str]], int]


@dataclass
class Story:
    """What was told so far: commands with the exit codes that were expected and came."""

    console: Console
    run: Run
    hosts: Sequence[Machine]
    steps: list[dict[str, object]] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Narration."""
        if self.console.for_people:
            self.console.write("".join(f"{self.console.style(f'# {line}', 'strong')}\n" for line in text.splitlines()))

    def step(self, arguments: str, expected: int, *, writes: bool) -> None:
        """Run a command. Raises InputError where it ends otherwise than it should, or writes where it should not."""
        words = [*arguments.split(), *(["--no-color"] if self.console.style is unstyled else [])]
        before = self._written()
        if self.console.for_people:
            self.console.write(f"\n$ ringfence {arguments}\n")
            code = self.run(words)
            self.console.write(f"(exit code {code})\n\n")
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                code = self.run(words)
        wrote = self._written() != before
        self.steps.append({"command": f"ringfence {arguments}", "expected": expected, "exit_code": code, "wrote": wrote})
        if code != expected or wrote != writes:
            did = "wrote" if wrote else "did not write"
            raise usage_error(f"the demo went wrong: ringfence {arguments} ended with {code} instead of {expected} and {did}",
                        "please report this, with what stands above")

    def _written(self) -> list[int]:
        """How often each host's registry was written, as the lab itself counts."""
        return [host.registry.generation for host in self.hosts]


def demo(console: Console) -> int:
    """Start five simulated hosts (WinRM and SSH), and walk plan, apply, tampering, drift and apply on them."""
    started, hosts = time.monotonic(), machines(HOSTS)
    story = Story(console, run, hosts)
    clocks = clocks_moved([host.clock.advance for host in hosts])  # nobody wants to wait five minutes
    with _project(), simulation(hosts, LabTransport.mixed) as lab, clocks:
        Path(INVENTORY).touch(0o600)
        Path(INVENTORY).write_text(lab.inventory(), encoding="utf-8")
        _walk(story)
    story.tell(f"Every step ended as it should, after {time.monotonic() - started:.1f} s.")
    story.tell("Next, with a policy and hosts of your own: ringfence init my-policy, ringfence lab up --help"
               "\n(after `make demo` it is in .venv: first `. .venv/bin/activate`).")
    if not console.for_people:
        console.show({"steps": story.steps, "exit_code": 0}, "")
    return 0


def _walk(story: Story) -> None:
    story.tell(f"{HOSTS} simulated hosts are up: Windows Server 2022 and Windows 11, each with its built-in rules, reached\n"
               "over WinRM and over SSH. The project is the one that `ringfence init` writes; its playbook says:")
    story.tell("".join(f"\n  {line}" for line in project_files("demo")["playbooks/site.yml"].splitlines()))
    story.tell("\nIs it right, as far as that is known without a host?")
    story.step(f"validate -i {INVENTORY}", 0, writes=False)
    story.tell("What would change?")
    story.step(f"plan -i {INVENTORY}", 0, writes=False)
    story.tell("Make it so. Each host is read again over a new connection: what is declared has to be there.")
    story.step(f"apply -i {INVENTORY} --yes", 0, writes=True)
    story.tell("Once more: there is nothing to do, and nothing is written.")
    story.step(f"apply -i {INVENTORY} --yes", 0, writes=False)
    _tamper({host.name: host for host in story.hosts})
    story.tell("Meanwhile somebody opens RDP to the world on web1, turns the public profile's firewall off on pc2, deletes the\n"
               "RDP rule on web3, and brings Telnet back on pc4. What is different now?")
    story.step(f"drift -i {INVENTORY}", 2, writes=False)
    story.tell("Put it right.")
    story.step(f"apply -i {INVENTORY} --yes --diff", 0, writes=True)
    story.step(f"drift -i {INVENTORY}", 0, writes=False)
    Path(OOPS).write_text(_OOPS, encoding="utf-8")
    story.tell(f"A policy that locks everybody out, ringfence included ({OOPS}):")
    story.tell("".join(f"\n  {line}" for line in _OOPS.splitlines()))
    story.step(f"apply -i {INVENTORY} -l web1 --yes {OOPS}", 4, writes=False)
    story.tell("It is refused before anything is written. Whoever forces it is locked out, and nobody reaches the host: but it\n"
               "has armed an undo before the first write, and nobody comes back to confirm. After some minutes (the clocks of\n"
               "the simulated hosts are moved ahead) it has the policy that it had before.")
    story.step(f"apply -i {INVENTORY} -l web1 --yes --force lockout {OOPS}", 6, writes=True)
    story.step(f"drift -i {INVENTORY} -l web1", 0, writes=False)


def _tamper(hosts: dict[str, Machine]) -> None:
    """What an administrator might do at the host itself, done in its registry."""
    rules = POLICY + r"\FirewallRules"
    rule = str(hosts["web1"].registry.get(rules, "corp-rdp"))
    hosts["web1"].registry.set(rules, "corp-rdp", re.sub(r"RA4=[^|]*\|", "", rule))
    hosts["pc2"].registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
    hosts["web3"].registry.unset(rules, "corp-rdp")
    hosts["pc4"].registry.set(rules, "old-telnet", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=Telnet|")


@contextlib.contextmanager
def _project() -> Iterator[None]:
    """A new project as the current folder. What the environment says of the user's own runs does not count."""
    own = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith((VARIABLE_PREFIX, "ANSIBLE_"))}
    with tempfile.TemporaryDirectory(prefix="ringfence-demo-") as folder:
        before = os.getcwd()
        for name, content in project_files("demo").items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.update(own)


def normalised(transcript: str) -> str:
    """A transcript in which times are 0, and ports and runs the same, so that two runs read the same."""
    shown = re.sub(r"\d+\.\d\d$", "0.00", transcript, flags=re.MULTILINE)
    shown = re.sub(r"(10\.99\.0\.1 port |127\.0\.0\.1:)\d+", r"\g<1>50000", shown)
    shown = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "20261126T115712Z-3f9a1c", shown)
    return re.sub(r"\d+\.\d s\b", "0.0 s", shown)
