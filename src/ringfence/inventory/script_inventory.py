"""Inventories that are programs: with `--list` they print groups as JSON, with `--host NAME` the variables of a host.

Form: ansible-core 2.19, lib/ansible/plugins/inventory/script.py. What they print is data of other systems: no text of it is a
template here, whatever Ansible makes of it.
"""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.diagnostics import Problems, Where, describe
from ringfence.documents.local_programs import ProgramFailed, run_program
from ringfence.documents.vault import Vaulted
from ringfence.documents.yaml import MAX_DEPTH, Map, Seq, Unsafe
from ringfence.files import MAX_DOCUMENT
from ringfence.inventory.draft import Draft
from ringfence.inventory.inventory_source import InventorySource

MAX_SCRIPT_SECONDS = 300  # seconds that an inventory script may take, with all its calls
MAX_TOLD_STDERR = 1000  # characters of what a script says of its mistakes that are told
UNSAFE_MEMBER, VAULT_MEMBER = "__ansible_unsafe", "__ansible_vault"
_SECTIONS = ("hosts", "vars", "children")


class ProgramText(Unsafe):
    """A text that a program printed as any other: no template, though nobody marked it so."""

    __slots__ = ()


def fits(source: InventorySource) -> bool:
    """Whether it is a program."""
    return source.is_script


def read(source: InventorySource, draft: Draft) -> None:
    """Its groups, where the user lets it run."""
    reason, way_out = source.inventory.files.trust.refuses_inventory(source.path, "a program")
    if reason:
        draft.problems.error(Where(draft.source), reason, way_out)
        return
    script = _Script(source, draft.problems)
    if (groups := script.printed("--list")) is not None:
        hosts = fill(draft, groups)
        if not draft.problems.failed:
            add_variables(draft, hosts, script.variables(groups, hosts))


class _Script:
    """Calls of one script."""

    def __init__(self, source: InventorySource, problems: Problems) -> None:
        self.path, self.where, self.problems = source.path.absolute(), Where(source.file), problems
        self.until = time.monotonic() + MAX_SCRIPT_SECONDS

    def printed(self, *words: str) -> Map | None:
        """The mapping that it prints; None where it does not."""
        try:
            done = run_program([self.path, *words], MAX_DOCUMENT, max(0.0, self.until - time.monotonic()))
        except ProgramFailed as error:
            self.problems.error(self.where, f"the inventory script {error}", f"It is called with {' '.join(words)}, and has "
                                f"{MAX_SCRIPT_SECONDS} seconds for all that it is asked.")
            return None
        if done.code:
            self.problems.error(self.where, f"the inventory script ended with exit code {done.code}",
                                f"It says: {done.stderr[-MAX_TOLD_STDERR:]}" if done.stderr else "It says nothing.")
            return None
        if done.stderr:
            self.problems.warn(self.where, f"the inventory script says: {done.stderr[:MAX_TOLD_STDERR]}")
        if words[0] != "--list" and not done.stdout.strip():
            return Map(where=self.where)
        return mapping_of_json(done.stdout, self.where, f"what the inventory script prints with {' '.join(words)}", self.problems,
                               done.stderr)

    def variables(self, groups: Map, hosts: Iterable[str]) -> Mapping[str, Any]:
        """Those of all hosts: of `_meta`, or of a call for each."""
        meta = groups.get("_meta")
        if isinstance(meta, Map) and "hostvars" in meta:
            return hostvars(groups, self.problems)
        found: dict[str, Map] = {}
        for name in hosts:
            variables = self.printed("--host", name)
            if variables is None:  # it will not do better for the next
                break
            found[name] = variables
        return found


def mapping_of_json(data: bytes, where: Where, what: str, problems: Problems, stderr: str = "") -> Map | None:
    """A mapping that a program printed, its texts as ProgramText; None with a mistake where it is none."""
    try:
        value = _value(json.loads(data), where, 0)
    except (ValueError, RecursionError) as error:
        reason = "its lists and mappings are too deep" if isinstance(error, RecursionError) else str(error)[:200]
        problems.error(where, f"{what} is no JSON: {reason}", f"It says: {stderr[-MAX_TOLD_STDERR:]}" if stderr else "")
        return None
    if not isinstance(value, Map):
        problems.error(where, f"{what} is a mapping of groups, not {describe(value)}")
        return None
    return value


def _value(value: Any, where: Where, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        return ProgramText(value)
    if isinstance(value, list):
        return Seq((_value(v, where, depth + 1) for v in value), where)
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (name, text), = value.items()
        if isinstance(text, str) and name == UNSAFE_MEMBER:
            return Unsafe(text)
        if isinstance(text, str) and name == VAULT_MEMBER:
            return Vaulted(text, where)
    return Map({k: _value(v, where, depth + 1) for k, v in value.items()}, where)


def fill(draft: Draft, groups: Map) -> Mapping[str, None]:
    """Put groups that a program printed into a draft. Given are the hosts in them."""
    hosts: dict[str, None] = {}
    for name, data in groups.items():
        if name != "_meta":
            _group(draft, str(name), data, hosts)
    return hosts


def _group(draft: Draft, name: str, data: Any, hosts: dict[str, None]) -> None:
    where = Where(draft.source)
    draft.group(name, where)
    if not isinstance(data, Map):
        data = Map({"hosts": data}, where)
    elif not any(key in data for key in _SECTIONS):
        data = Map({"hosts": [name], "vars": data}, where)
    listed, variables, children = data.get("hosts", []), data.get("vars", Map()), data.get("children", [])
    for section, value, expected in (("hosts", listed, list), ("vars", variables, dict), ("children", children, list)):
        if not isinstance(value, expected):
            draft.problems.error(where, f"{section} of the group {name[:60]} is {'a mapping' if expected is dict else 'a list'}, "
                                 f"not {describe(value)}")
            return
    if wrong := next((n for n in (*listed, *children) if not isinstance(n, str) or not n), None):
        draft.problems.error(where, f"in the group {name[:60]} a name is {describe(wrong)}, not a text")
        return
    for host in map(str, listed):
        draft.host(host, name, where)
        hosts[host] = None
    if variables:
        draft.group_variables(name, variables)
    for child in map(str, children):
        draft.group(child, where)
        draft.child(name, child, where)


def hostvars(groups: Map, problems: Problems) -> Map:
    """The variables of hosts that stand beside the groups."""
    meta = groups.get("_meta")
    found = meta.get("hostvars") if isinstance(meta, Map) else None
    if isinstance(found, Map):
        return found
    problems.error(groups.where, f"_meta.hostvars is a mapping of hosts, not {describe(found)}")
    return Map()


def add_variables(draft: Draft, hosts: Iterable[str], variables: Mapping[str, Any]) -> None:
    """Lay the variables of hosts over what the draft has; of hosts that no group has there are none, as with Ansible."""
    for name in hosts:
        of_host = variables.get(name, Map())
        if isinstance(of_host, Map):
            draft.hosts[name].lay_over(of_host)
        else:
            draft.problems.error(Where(draft.source), f"the variables of {name[:60]} are a mapping, not {describe(of_host)}")
