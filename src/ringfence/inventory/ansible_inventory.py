"""Inventories that the user's own `ansible-inventory` reads, as a program of its own: configurations of inventory plugins
(`plugin: …`), and with `--engine ansible` all of them.

It reads no group_vars/ and host_vars/ (ANSIBLE_VARS_ENABLED is empty), so that these stay files here, vaults among them; what it
prints with `--export` is what the inventories themselves say. It heeds ansible.cfg, and so runs what that names.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ringfence.diagnostics import Problems, Where
from ringfence.documents.local_programs import ProgramFailed, run_program
from ringfence.documents.yaml import Map, Seq
from ringfence.files import MAX_DOCUMENT
from ringfence.inventory.draft import Draft
from ringfence.inventory.inventory import Inventory
from ringfence.inventory.inventory_source import InventorySource
from ringfence.inventory.listing import plain
from ringfence.inventory.script_inventory import MAX_TOLD_STDERR, ProgramText, add_variables, fill, hostvars, mapping_of_json

PROGRAM = "ansible-inventory"
MAX_PLUGIN_SECONDS = 600  # seconds that ansible-inventory may take: plugins ask clouds
_READS_VARIABLES = "use_vars_plugins"  # constructed makes groups of variables in group_vars/, which Ansible reads then


def fits(source: InventorySource) -> bool:
    """Whether it is the configuration of a plugin."""
    return not source.lists_hosts and source.names_plugin


def read(source: InventorySource, draft: Draft) -> None:
    """What a plugin makes of its configuration, and of the inventories before it."""
    data, problems = source.yaml
    draft.problems.extend(problems.all)
    if not isinstance(data, Map) or not isinstance(data.get("plugin"), str):
        draft.problems.error(Where(source.file), "it names no inventory plugin")
        return
    known, where = source.inventory, data.at("plugin")
    reason, way_out = known.files.trust.refuses_inventory(source.path, f"read by {PROGRAM} and the plugin {data['plugin'][:60]}")
    if reason or known.problems.failed:  # it would be asked of half an inventory
        draft.problems.error(where, reason or "not read, as an inventory before it has mistakes", way_out)
        return
    sources = [*known.sources, source.file]
    listed = _listed(sources, where, draft.problems, of_files=bool(data.get(_READS_VARIABLES)))
    if listed is not None:
        _fill(draft, listed)
        _leave_out_known(draft, known)


def read_all(sources: Sequence[str], draft: Draft) -> None:
    """All inventories at once. Texts that Ansible takes for templates are some: from 2.19 on it says of all others that they are
    none."""
    listed = _listed(sources, Where(PROGRAM), draft.problems)
    if listed is not None:
        _fill(draft, _trusted(listed))


def _listed(sources: Sequence[str], where: Where, problems: Problems, of_files: bool = False) -> Map | None:
    """What the program prints; of_files: it reads group_vars/ and host_vars/ too."""
    program = shutil.which(PROGRAM)
    if program is None:
        problems.error(where, f"{PROGRAM} reads this inventory, and is not on the PATH",
                       "Install ansible-core with the plugin's collection beside ringfence.")
        return None
    command = [program, *(word for source in sources for word in ("-i", source)), "--list", "--export"]
    environment = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", "ANSIBLE_NOCOLOR": "1",
                   "ANSIBLE_FORCE_COLOR": "0"}
    if not of_files:
        environment["ANSIBLE_VARS_ENABLED"] = ""
    try:
        done = run_program(command, MAX_DOCUMENT, MAX_PLUGIN_SECONDS, environment)
    except ProgramFailed as error:
        problems.error(where, f"{PROGRAM} {error}")
        return None
    if done.code:
        problems.error(where, f"{PROGRAM} ended with exit code {done.code}", f"It says: {done.stderr[-MAX_TOLD_STDERR:]}")
        return None
    return mapping_of_json(done.stdout, where, f"what {PROGRAM} prints", problems, done.stderr)


def _fill(draft: Draft, listed: Map) -> None:
    ordered = Map({name: listed[name] for name in _in_order(listed)}, listed.where)
    hosts = fill(draft, ordered)
    add_variables(draft, hosts, hostvars(listed, draft.problems))


def _in_order(listed: Mapping[str, Any]) -> Iterator[str]:
    """The groups, parents first: it prints them in the order of their names."""
    todo, seen = ["all"], {"all"}
    while todo:
        name = todo.pop()
        group = listed.get(name)
        if not isinstance(group, Map):
            continue
        yield name
        children = group.get("children")
        new = [c for c in children if isinstance(c, str) and c not in seen] if isinstance(children, list) else []
        seen.update(new)
        todo += reversed(new)


def _leave_out_known(draft: Draft, known: Inventory) -> None:
    """Forget what earlier inventories say themselves, as they were read here with places and templates."""
    for name, group in draft.groups.items():
        mine = known.groups.get(name)
        if mine is not None:
            group.variables = _other(group.variables, mine.variables)
            group.priority = None if group.priority == mine.priority else group.priority
    for name, entry in draft.hosts.items():
        if name in known.entries:
            entry.variables = _other(entry.variables, known.entries[name].variables)


def _other(variables: Map, known: Map) -> Map:
    said = {k: v for k, v in variables.items() if k not in known or _comparable(plain(v)) != _comparable(plain(known[k]))}
    return Map(said, variables.where)


def _comparable(value: Any) -> Any:
    """A value of JSON, whether its texts are marked as unsafe or not."""
    if isinstance(value, dict):
        only = next(iter(value.values())) if value.keys() == {"__ansible_unsafe"} else None
        return only if only is not None else {str(k): _comparable(v) for k, v in value.items()}
    return [_comparable(v) for v in value] if isinstance(value, list) else value


def _trusted(value: Any) -> Any:
    """Texts that the program printed without a mark as ordinary ones, which may be templates."""
    if isinstance(value, Map):
        return Map({k: _trusted(v) for k, v in value.items()}, value.where, value.locations)
    if isinstance(value, Seq):
        return Seq(map(_trusted, value), value.where)
    return str(value) if isinstance(value, ProgramText) else value
