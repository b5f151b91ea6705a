"""Inventories as people write them -> groups and hosts. Each source goes through a chain of readers, as with Ansible: the first
that can read it counts, and of the others nothing does."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.diagnostics import InputError, Where
from ringfence.documents.variable_files import VariableFiles
from ringfence.inventory import ansible_inventory, host_list, ini_inventory, script_inventory, toml_inventory, yaml_inventory
from ringfence.inventory.draft import Draft
from ringfence.inventory.inventory import Inventory
from ringfence.inventory.inventory_source import InventorySource

IGNORED_ENDINGS = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
_SECTION_LINE = re.compile(r"^\[[^\[\]{},]+\][ \t]*(?:#.*)?$", re.MULTILINE)
_IGNORED_NAMES = ("group_vars", "host_vars", "vars_plugins")


@dataclass(frozen=True, slots=True)
class InventoryReader:
    """One form. fits: looks whether a source may have it · read: puts it into a draft, which has the mistakes · final: one that
    fits is none of the forms after it, whatever is wrong with it."""

    fits: Callable[[InventorySource], bool]
    read: Callable[[InventorySource, Draft], None]
    final: bool = False


Chain = Mapping[str, InventoryReader]
"""Readers by their names, in their order."""
READERS: Chain = {  # by their names in Ansible, in the order of its `enable_plugins`
    "host_list": InventoryReader(host_list.fits, host_list.read, final=True),
    "script": InventoryReader(script_inventory.fits, script_inventory.read, final=True),
    "auto": InventoryReader(ansible_inventory.fits, ansible_inventory.read),
    "yaml": InventoryReader(yaml_inventory.fits, yaml_inventory.read),
    "ini": InventoryReader(ini_inventory.fits, ini_inventory.read),
    "toml": InventoryReader(toml_inventory.fits, toml_inventory.read),
}


def load(sources: Sequence[str], files: VariableFiles, enabled: Sequence[str] = ()) -> Inventory:
    """The inventory of several sources (`-i`), later ones adding to and overriding earlier ones. Mistakes go to
    `files.problems`; the caller raises them. enabled: the names of inventory plugins that may read them, in their order; without
    any all of READERS."""
    inventory, chain = Inventory(files), _chain(enabled)
    by_ansible: list[str] = []
    for given in reversed(dict.fromkeys(reversed(sources))):  # one that is given twice counts as the later
        source = InventorySource(given, inventory)
        if not source.lists_hosts:
            inventory.folders.append(source.path if source.path.is_dir() else source.path.parent)
        if files.trust.ansible_reads:
            by_ansible.append(given if source.lists_hosts else source.file)
        elif source.path.is_dir():
            _folder(source.path, inventory, chain)
        else:
            _source(source, chain)
    if by_ansible:
        _by_ansible(by_ansible, inventory)
    inventory.finish()
    return inventory


def _chain(enabled: Sequence[str]) -> Chain:
    """The readers that are enabled. A plugin that is named reads its own configurations, as `auto` reads all of them."""
    names = [re.sub(r"ansible\.(builtin|legacy)\.", "", name) for name in enabled] or list(READERS)
    return {name: READERS[name] for name in (name if name in READERS else "auto" for name in names)}


def _folder(folder: Path, inventory: Inventory, chain: Chain) -> None:
    if reason := inventory.files.trust.unreadable(folder):
        inventory.problems.error(Where(os.fspath(folder)), reason)
        return
    for inner in sorted(folder.iterdir(), key=lambda p: p.name):
        if inner.name.startswith(".") or inner.name in _IGNORED_NAMES or inner.name.endswith(IGNORED_ENDINGS):
            continue
        if inner.is_dir():
            _folder(inner, inventory, chain)
        else:
            _source(InventorySource(os.fspath(inner), inventory), chain)


def _source(source: InventorySource, chain: Chain) -> None:
    inventory, problems = source.inventory, source.inventory.problems
    if not source.lists_hosts and not _is_readable(source):
        return
    failed: dict[str, Draft] = {}
    for name, reader in chain.items():
        if not reader.fits(source):
            continue
        draft = _draft(source, reader)
        if not draft.problems.failed:
            problems.extend(draft.problems.all)
            inventory.take(draft)
            inventory.sources.append(source.given if source.lists_hosts else source.file)
            return
        failed[name] = draft
        if reader.final:
            break
    if not failed:
        problems.error(Where(source.file), f"no inventory of a form that is read: {', '.join(chain)}",
                       "`enable_plugins` in ansible.cfg or ANSIBLE_INVENTORY_ENABLED says which are; --ignore-ansible-cfg: all.")
        return
    nearest = _nearest(source, failed)
    problems.extend(nearest.problems.all)
    inventory.take(nearest)  # what could be read, so that groups in a circle are told at the same time


def _is_readable(source: InventorySource) -> bool:
    """Whether the file may be read, and can be; what stands in the way is told."""
    problems, trust = source.inventory.problems, source.inventory.files.trust
    if reason := trust.unreadable(source.path):
        problems.error(Where(source.file), reason)
        return False
    trust.has_read(source.path)
    if not source.is_script and source.read[0] is None:
        problems.extend(source.read[1].all)
        return False
    return True


def _draft(source: InventorySource, reader: InventoryReader) -> Draft:
    """What a reader makes of a source, mistakes among it. Raises InputError where all inventories are too much work."""
    draft = Draft(source.file, source.inventory.pay)
    try:
        reader.read(source, draft)
    except InputError:  # more mistakes than are told; or too much work, which is not of this form alone
        source.inventory.problems.check()
    if source.sealed:
        draft.hide(source.sealed)
    return draft


def _nearest(source: InventorySource, failed: Mapping[str, Draft]) -> Draft:
    """What was read in the form that the source most looks like."""
    first = next((line for line in map(str.strip, source.text.splitlines()) if line and line[0] not in "#;"), "")
    in_words = ":" not in first and first[:1] not in ("{", "-", "&", "%", "")
    looks = "ini" if in_words or first.startswith("[") or _SECTION_LINE.search(source.text) else "yaml"
    likely = (*(("auto",) if "auto" in failed and _is_plugin(source) else ()), "script", "host_list", "toml",
              *(("yaml",) if source.ending in (".yml", ".yaml", ".json") else ()), looks, *failed)
    return next(failed[name] for name in likely if name in failed)


def _is_plugin(source: InventorySource) -> bool:
    data = source.yaml[0]
    return isinstance(data, dict) and isinstance(data.get("plugin"), str)


def _by_ansible(sources: Sequence[str], inventory: Inventory) -> None:
    """Let Ansible read all sources, where the user lets it run."""
    if inventory.files.trust.untrusted:
        inventory.problems.error(Where(ansible_inventory.PROGRAM), "it does not run for an untrusted project")
        return
    draft = Draft("", inventory.pay)
    ansible_inventory.read_all(sources, draft)
    inventory.problems.extend(draft.problems.all)
    if not draft.problems.failed:
        inventory.take(draft)
