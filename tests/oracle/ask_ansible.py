"""Runs under the Python of an environment with ansible-core, and imports nothing of ours: questions on standard input, one JSON
object a line, answers on standard output.

{"folder", "arguments"}: what `ansible-inventory` prints; {"folder", "sources", "patterns"}: the hosts of each pattern.
Each question is a process of its own, forked of one that has imported Ansible.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from typing import Any

os.environ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "1"
os.environ["ANSIBLE_LOCAL_TEMP"] = os.environ["ANSIBLE_HOME"] = tempfile.mkdtemp()

from ansible.cli.inventory import InventoryCLI  # type: ignore[import-not-found]
from ansible.errors import AnsibleError  # type: ignore[import-not-found]
from ansible.inventory.manager import InventoryManager  # type: ignore[import-not-found]
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-not-found]


def listing(arguments: list[str]) -> Any:
    """What it prints; None where it fails."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(AnsibleError, SystemExit):
        InventoryCLI(["ansible-inventory", *arguments]).run()
    return json.loads(said.getvalue()) if said.getvalue() else None


def hosts(sources: list[str], patterns: list[str]) -> Any:
    """The names of each pattern in their order; None where it is an error."""
    inventory = InventoryManager(DataLoader(), sources)
    found: list[Any] = []
    for pattern in patterns:
        try:
            found.append([host.name for host in inventory.get_hosts(pattern)])
        except (AnsibleError, IndexError):
            found.append(None)
    return found


def answer(question: dict[str, Any]) -> Any:
    """What Ansible says."""
    os.chdir(question["folder"])
    return hosts(question["sources"], question["patterns"]) if "patterns" in question else listing(question["arguments"])


def main() -> None:
    """Answer until nothing is asked any more."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with open(writing, "w", encoding="utf-8") as stream:
                json.dump(answer(json.loads(line)), stream)
            os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as stream:
            said = stream.read()
        os.waitpid(child, 0)
        print(said or '"crash"', flush=True)


main()
