"""The policy and its inventory as files, and a lab that has it, in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .policy import host_variables, play

ROOT = Path(__file__).parents[2]
PROJECT = "0123456789abcdef"  # the id that owns what a bench makes


def write(folder: Path, inventory: Mapping[str, Mapping[str, Any]], **policy: Any) -> Path:
    """A project: ringfence.yml, one playbook (see policy.play), the hosts with their variables."""
    settings = f"inventory: hosts.yml\nplaybooks: [site.yml]\nproject: {{name: bench, id: {PROJECT!r}}}\n"
    (folder / "ringfence.yml").write_text(settings, encoding="utf-8")
    (folder / "site.yml").write_text(yaml.safe_dump(play(**policy), sort_keys=False), encoding="utf-8")
    hosts = {name: {**variables, **host_variables(i)} for i, (name, variables) in enumerate(inventory.items())}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}, sort_keys=False), encoding="utf-8")
    return folder


@contextlib.contextmanager
def lab(folder: Path, hosts: int, *options: str) -> Iterator[dict[str, Any]]:
    """Simulated hosts in another process: {name: connection variables}."""
    inventory = folder / "lab.yml"
    command = [sys.executable, "-m", "tests.bench.serve", str(inventory), str(hosts), *options]
    with subprocess.Popen(command, cwd=ROOT, env=environment()) as server:
        try:
            while not inventory.exists():
                if server.poll() is not None:
                    raise RuntimeError("the lab did not start")
                time.sleep(0.1)
            yield yaml.safe_load(inventory.read_text(encoding="utf-8"))["all"]["hosts"]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
            inventory.unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """Ours, without what would colour or slow a child down; what is measured is the source beside the bench."""
    return {**os.environ, "PYTHONHASHSEED": "0", "NO_COLOR": "1",
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests" / "helpers")))}


def worker(*arguments: str, python: Sequence[str] = ()) -> dict[str, Any]:
    """What a fresh process of tests.bench.worker measured of itself. Raises RuntimeError with what it printed."""
    command = [sys.executable, *python, "-m", "tests.bench.worker", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    found: dict[str, Any] = yaml.safe_load(done.stdout.splitlines()[-1])
    return found
