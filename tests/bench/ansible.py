"""ansible-core that does nothing once per rule (`raw`, over SSH), against a plan of all rules; both per rule and host.

What both take to start is not counted: Ansible's cost of a task is the difference between a long and a short play, with the ssh
that it starts for each (the connection that it keeps open outlives it, and is not counted). Ours is all that a plan takes from
the first file on, divided by its hosts and rules: reading the project, logging on, reading the hosts, and comparing.
Python and its libraries are loaded before, and servers run in processes of their own on both sides. Each round measures ours
before and after theirs: what disturbs the one disturbs the other. Told is the median of the rounds.
"""

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from .measure import Line, Skipped, children_cpu
from .policy import RULES
from .project import ROOT, environment, lab, worker, write

SHORT, LONG, RUNS, HOSTS, LIMIT = 5, 45, 5, 10, 500.0


def run() -> Iterator[Line | Skipped]:
    program = Path(sys.executable).parent / "ansible-playbook"
    if not program.exists():
        yield Skipped("ansible-core, one raw task per rule", "it is not installed: pip install -e '.[bench]'")
        return
    if shutil.which("ssh") is None:
        yield Skipped("ansible-core, one raw task per rule", "there is no ssh on the PATH: install openssh-client")
        return
    with (tempfile.TemporaryDirectory() as folder, _ssh_server(Path(folder)), tempfile.TemporaryDirectory() as project,
          lab(Path(project), HOSTS, "ssh") as hosts):
        write(Path(project), hosts)
        worker("apply", project)
        pairs = [_round(program, Path(folder), project) for _ in range(RUNS)]
    theirs, ours = (statistics.median(pair[i] for pair in pairs) * 1000 for i in (0, 1))
    times = sorted(theirs / ours for theirs, ours in pairs)
    yield Line("ansible-core: CPU per task and host", theirs, "ms")
    yield Line(f"ringfence over SSH: CPU per rule and host ({HOSTS} × {RULES})", ours, "ms")
    yield Line("less CPU than ansible-core", statistics.median(times), "×", LIMIT, least=True,
               against=f"{times[0]:.0f} to {times[-1]:.0f}")


def _round(program: Path, folder: Path, project: str) -> tuple[float, float]:
    """CPU seconds of a task, and of a rule, on one host."""
    def ours() -> float:
        cpu: float = worker("plan", project)["cpu"]
        return cpu / HOSTS / RULES

    before = [ours() for _ in range(2)]
    theirs = _per_task(program, folder)
    return theirs, statistics.mean([*before, *(ours() for _ in range(2))])


@contextlib.contextmanager
def _ssh_server(folder: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-m", "tests.bench.sshd", str(folder)], cwd=ROOT, env=environment()) as server:
        try:
            while not (folder / "port").exists():
                if server.poll() is not None:
                    raise RuntimeError("the SSH server did not start")
                time.sleep(0.05)
            yield
        finally:
            server.terminate()
            server.wait(10)


def _per_task(program: Path, folder: Path) -> float:
    """CPU seconds that one more task on one more host costs."""
    return (_cpu(program, folder, LONG) - _cpu(program, folder, SHORT)) / (LONG - SHORT)


def _cpu(program: Path, folder: Path, tasks: int) -> float:
    host = {"ansible_host": "127.0.0.1", "ansible_port": int((folder / "port").read_text()), "ansible_user": "bench",
            "ansible_ssh_private_key_file": str(folder / "key"), "ansible_connection": "ssh",
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"}
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"name": f"Rule {i}", "raw": "exit 0"} for i in range(tasks)]}]
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"srv": host}}}), encoding="utf-8")
    (folder / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    before = children_cpu()
    done = subprocess.run([str(program), "-i", "hosts.yml", "play.yml"], cwd=folder, capture_output=True, text=True, check=False,
                          env={**environment(), "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"), "ANSIBLE_HOME": str(folder / "home")})
    if done.returncode or f"ok={tasks} " not in done.stdout:
        raise RuntimeError(f"ansible-playbook: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return children_cpu() - before
