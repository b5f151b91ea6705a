"""Inventories in TOML: a table for each group, with the tables hosts and vars and the list children.

Form: ansible-core 2.19, lib/ansible/plugins/inventory/toml.py.
"""

import datetime
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.diagnostics import Where, allowed, describe
from ringfence.documents.yaml import Map, Seq
from ringfence.inventory.draft import Draft
from ringfence.inventory.inventory_source import InventorySource

_KEY = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_KEYS = rf"{_KEY}(?:[ \t]*+\.[ \t]*+{_KEY})*+"
_PLACE = re.compile(rf"[ \t]*+(?:\[[ \t]*+(?P<table>{_KEYS})[ \t]*+\]|(?P<key>{_KEYS})[ \t]*+=)")
_AT = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_DEPTH = 4  # names on the way to a variable: group, hosts, host, variable


def fits(source: InventorySource) -> bool:
    """Whether its name says so."""
    return not source.lists_hosts and source.ending == ".toml"


def read(source: InventorySource, draft: Draft) -> None:
    """Its groups. TOML tells no places of values: they are looked for in the text."""
    try:
        data = tomllib.loads(source.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = _AT.search(str(error))
        line = int(at[1]) if at and at[1] else source.text.count("\n") + 1
        draft.problems.error(Where(draft.source, line), f"not TOML: {_AT.sub('', str(error))[:200]}")
        return
    if not data:
        draft.problems.error(Where(draft.source), "the inventory is empty", "A group is a table: [web.hosts.web1].")
    elif data.get("plugin"):
        draft.problems.error(Where(draft.source), "inventory plugins are configured in YAML", "Write a file that ends in .yml.")
    tables = _Tables(draft, _places(source.text))
    for name, group in data.items():
        tables.group(name, group)


def _places(text: str) -> dict[tuple[str, ...], int]:
    """The line in which each table and key is named first, by the names on the way to it."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _PLACE.match(line):
            names = tuple(name.strip("\"'") for name in re.findall(_KEY, match["table"] or match["key"])[:_DEPTH])
            table = names if match["table"] else table
            names = names if match["table"] else (*table, *names)
            for depth in range(1, len(names) + 1):
                found.setdefault(names[:depth], number)
    return found


class _Tables:
    """Reads groups into a draft. places: see `_places`."""

    def __init__(self, draft: Draft, places: Mapping[tuple[str, ...], int]) -> None:
        self.draft, self.problems, self.places = draft, draft.problems, places

    def where(self, *names: str) -> Where:
        """The line that says the last of some names, or else one before it: `[web.hosts.web1]`, `web1 = `."""
        known = (self.places[names[:depth]] for depth in range(len(names), 0, -1) if names[:depth] in self.places)
        return Where(self.draft.source, next(known, 1))

    def group(self, name: str, data: Any) -> None:
        where = self.where(name)
        if not isinstance(data, dict):
            self.problems.error(where, f'the group "{name[:60]}" is a table, not {describe(data)}',
                                "Allowed: children, hosts, vars.")
            return
        self.draft.group(name, where)
        readers: dict[str, Callable[[str, Any], None]] = {"vars": self.variables, "children": self.children, "hosts": self.hosts}
        for key, value in data.items():
            if key not in readers:
                self.problems.error(self.where(name, key), f'unknown key "{key[:60]}" in the group "{name[:60]}"',
                                    allowed(key, readers))
            elif not isinstance(value, list if key == "children" else dict):
                self.problems.error(self.where(name, key), f"{key} is {'a list' if key == 'children' else 'a table'}, not "
                                    f"{describe(value)}")
            else:
                readers[key](name, value)

    def variables(self, name: str, data: dict[str, Any]) -> None:
        self.draft.group_variables(name, _value(data, self.where(name, "vars")))

    def children(self, name: str, data: list[Any]) -> None:
        where = self.where(name, "children")
        for child in data:
            if not isinstance(child, str) or not child:
                self.problems.error(where, f"the name of a group is a text, not {describe(child)}")
            else:
                self.draft.group(child, where)
                self.draft.child(name, child, where)

    def hosts(self, name: str, data: dict[str, Any]) -> None:
        for pattern, variables in data.items():
            where = self.where(name, "hosts", pattern)
            if isinstance(variables, dict) and pattern:
                self.draft.hosts_of(pattern, name, where, _value(variables, where))
            else:
                self.problems.error(where, f'the variables of "{pattern[:60]}" are a table, not {describe(variables)}',
                                    f"Write {pattern[:60]} = {{}} where it has none.")


def _value(value: Any, where: Where) -> Any:
    """A value of TOML as one of variables: dates and times are texts, as YAML has them."""
    if isinstance(value, dict):
        return Map({k: _value(v, where) for k, v in value.items()}, where)
    if isinstance(value, list):
        return Seq((_value(v, where) for v in value), where)
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value
