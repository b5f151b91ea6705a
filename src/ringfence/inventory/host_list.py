"""Hosts as a list with commas: `-i web1,web2:5986,`. Ranges in it are hosts too, as with Ansible's advanced_host_list."""

from ringfence.diagnostics import Where
from ringfence.documents.yaml import Map
from ringfence.inventory.draft import Draft
from ringfence.inventory.inventory_source import InventorySource


def fits(source: InventorySource) -> bool:
    """Whether it has a comma and is no file."""
    return source.lists_hosts


def read(source: InventorySource, draft: Draft) -> None:
    """Its hosts, in no group."""
    where = Where(f"-i {source.given[:40]}")
    draft.group("ungrouped", where)
    for name in filter(None, map(str.strip, source.given.split(","))):
        draft.hosts_of(name, "ungrouped", where, Map())
