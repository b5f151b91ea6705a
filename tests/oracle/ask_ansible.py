"""Runs under the Python of an environment with ansible-core, and imports nothing of ours: questions on standard input, one JSON
object a line, answers on standard output.

{"arguments"}: what `ansible-inventory` prints · {"sources", "patterns"}: the hosts of each pattern · {"templates", "variables"}:
what each comes to · {"play", "record"}: what its tasks come to, as recording_action.py notes it · {"names"}: the names of
filters, tests, lookups and variables. Each is answered in its "folder", by a process of its own, forked of one that has
imported Ansible; "enabled" are the plugins that may read inventories.
"""

import contextlib
import importlib
import io
import json
import os
import pkgutil
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from ansible import constants, template  # type: ignore[import-not-found]
from ansible.cli.inventory import InventoryCLI  # type: ignore[import-not-found]
from ansible.cli.playbook import PlaybookCLI  # type: ignore[import-not-found]
from ansible.errors import AnsibleError  # type: ignore[import-not-found]
from ansible.inventory.manager import InventoryManager  # type: ignore[import-not-found]
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-not-found]
from ansible.plugins import lookup  # type: ignore[import-not-found]
from ansible.plugins.loader import init_plugin_loader  # type: ignore[import-not-found]

TRUST: Callable[[str], str] = getattr(template, "trust_as_template", str)  # before 2.19 every text is a template

EACH_TIME = re.compile(r" at 0x[0-9a-f]+|(?<=__omit_place_holder__)[0-9a-f]+")  # what differs each time


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


def trusted(value: Any) -> Any:
    """Every text as one that Ansible reads as a template."""
    if isinstance(value, str):
        return TRUST(value)
    if isinstance(value, list):
        return [trusted(one) for one in value]
    return {k: trusted(v) for k, v in value.items()} if isinstance(value, dict) else value


def templates(texts: list[str], variables: dict[str, Any]) -> Any:
    """Of each {value: …}, or {error: true}."""
    init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(os.getcwd())
    templar = template.Templar(loader=loader, variables=trusted(variables))

    def one(text: str) -> Any:
        try:
            return {"value": json.loads(json.dumps(templar.template(TRUST(text))))}
        except Exception:
            return {"error": True}
    return [one(text) for text in texts]


def play(arguments: list[str], record: str) -> Any:
    """{tasks: what those of the host `one` say}, or {error: true}."""
    os.environ["RINGFENCE_ORACLE"] = record
    Path(record).touch()
    try:
        failed = PlaybookCLI(["ansible-playbook", *arguments]).run()
    except (AnsibleError, SystemExit):
        failed = 1
    lines = [json.loads(line) for line in Path(record).read_text(encoding="utf-8").splitlines()]
    return {"error": True} if failed else {"tasks": [said for host, said in lines if host == "one"]}


def names() -> Any:
    """Filters, tests and lookups of Ansible itself and of Jinja2, and the variables that Ansible makes."""
    env = jinja2.Environment()
    return [sorted(_named("filter", "FilterModule", "filters") | set(env.filters)),
            sorted(_named("test", "TestModule", "tests") | set(env.tests)),
            sorted(m.name for m in pkgutil.iter_modules(lookup.__path__)), sorted(constants.INTERNAL_STATIC_VARS)]


def _named(folder: str, cls: str, method: str) -> set[str]:
    """The names that the modules of a folder of plugins offer."""
    package: Any = importlib.import_module(f"ansible.plugins.{folder}")
    modules = [importlib.import_module(f"ansible.plugins.{folder}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    return {name for module in modules if hasattr(module, cls) for name in getattr(getattr(module, cls)(), method)()}


def answer(question: dict[str, Any]) -> Any:
    """What Ansible says."""
    os.chdir(question["folder"])
    constants.INVENTORY_ENABLED = question.get("enabled", constants.INVENTORY_ENABLED)
    if "patterns" in question:
        return hosts(question["sources"], question["patterns"])
    if "templates" in question:
        return templates(question["templates"], question["variables"])
    if "play" in question:
        return play(question["play"], question["record"])
    if "names" in question:
        return names()
    constants.INVENTORY_ANY_UNPARSED_IS_FAILED = True
    return listing(question["arguments"])


def main() -> None:
    """Answer until nothing is asked any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            with open(writing, "w", encoding="utf-8") as stream:
                json.dump(answer(json.loads(line)), stream)
            os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as stream:
            said = stream.read()
        os.waitpid(child, 0)
        print(EACH_TIME.sub("", said) or '"crash"', flush=True)


main()
