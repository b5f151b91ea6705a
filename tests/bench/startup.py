"""CPU of commands that touch no host: what somebody waits for who asks for help, or a hook before each commit."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import Line, children_cpu
from .policy import RULES
from .project import environment, write

RUNS = 7
LIMITS = {"--version": 100.0, "--help": 200.0, "validate --help": 300.0, "validate": 400.0}  # ms
TABS = {"commands": "ringfence pl", "flags": "ringfence plan --o", "kinds": "ringfence doc fi",
        "properties": "ringfence doc firewall_rule re", "hosts and groups of 500": "ringfence plan -l srv",
        f"tags of {RULES} rules": "ringfence plan -t "}
TAB_LIMIT = 300.0  # ms


def run() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {f"srv{n}": {"ansible_user": "u", "ansible_password": "p"} for n in range(500)})
        for what, line in TABS.items():
            asked = {"_RINGFENCE_COMPLETE": "zsh", "_RINGFENCE_LINE": line}
            yield Line(f"a Tab: {what}", _least(folder, "-m", "ringfence.cli", **asked), "ms", TAB_LIMIT)
        write(Path(folder), {"srv1": {"ansible_user": "u", "ansible_password": "p"}})
        yield Line("Python itself", _least(folder, "-c", "pass"), "ms")
        for arguments, what in (("--version", ""), ("--help", ""), ("validate --help", ""), ("validate", f" of {RULES} rules")):
            yield Line(f"ringfence {arguments}{what}", _least(folder, "-m", "ringfence.cli", *arguments.split()), "ms",
                       LIMITS.get(arguments))


def _least(folder: str, *arguments: str, **more: str) -> float:
    """User and system time of a child in ms, the least of several runs; the first one writes the byte code."""
    times = []
    for _ in range(RUNS):
        before = children_cpu()
        subprocess.run([sys.executable, *arguments], cwd=folder, env=_compiled() | more, stdout=subprocess.DEVNULL, check=True)
        times.append((children_cpu() - before) * 1000)
    return min(times)


def _compiled() -> dict[str, str]:
    """As users have it: compiled once."""
    return {k: v for k, v in environment().items() if k != "PYTHONDONTWRITEBYTECODE"}
