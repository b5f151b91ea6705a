"""docs/reference/templates.md: the filters, tests and lookups that there are, and those of Ansible that are left out."""

from collections.abc import Iterable, Iterator, Mapping

from ringfence.templates.ansible_collections import COLLECTIONS
from ringfence.templates.environment import environment
from ringfence.templates.lookups import GLOBALS, LOOKUPS
from ringfence.templates.template_reasons import (
    ABSENT,
    ABSENT_LOOKUPS,
    ABSENT_STATEMENTS,
    ABSENT_VARIABLES,
    NOT_NOW,
    WITHOUT_HEADER,
)

_HEAD = [
    "# Templates", "",
    "<!-- generated from src/ringfence/templates: change it there -->", "",
    "Jinja2, with the filters, tests and lookups of ansible-core 2.19 and of two collections, by their short names and their",
    "full ones (`ansible.builtin.combine`, `ansible.utils.ipaddr`). What they answer is compared with what Ansible answers",
    "(`tests/cases/ansible`). Of ringfence alone is `public`: what stands before it",
    "[may be shown](../guide/playbooks.md#secrets) although it is computed of a secret.", ""]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names) if name.isidentifier())


def _left_out(absent: Mapping[str, str]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in absent.items():
        by_reason.setdefault(reason, []).append(name)
    yield from (f"| {_listed(names)} | {reason.replace('|', chr(92) + '|')} |" for reason, names in by_reason.items())


def page() -> str:
    """The text of the page."""
    env, lines = environment(), [*_HEAD]
    for kind, table, number in (("Filters", env.filters, 0), ("Tests", env.tests, 1)):
        of_others = {name for parts in COLLECTIONS.values() for name in parts[number]}
        lines += [f"## {kind}", "", f"{_listed(set(table) - of_others)}.", ""]
        for collection, parts in COLLECTIONS.items():
            lines += [f"Of `{collection}`: {_listed(parts[number])}.", ""] if parts[number] else []
    functions = [name for name in GLOBALS if name not in ("lookup", "query", "q", "now")]
    lines += ["## Lookups", "", "`lookup('NAME', …)`, `query('NAME', …)` (a list): "
              f"{_listed(LOOKUPS)}. Functions: {_listed([*functions, 'range', 'dict', 'namespace'])}.", ""]
    lines += ["## Left out", "", "Each is told by name, with the reason.", "", "| filters and tests | |", "|---|---|",
              *_left_out(ABSENT), "", "| lookups | |", "|---|---|", *_left_out(ABSENT_LOOKUPS), "",
              "| variables and functions | |", "|---|---|", *_left_out({"now": NOT_NOW, **ABSENT_VARIABLES}), "",
              "| statements | |", "|---|---|", *_left_out(ABSENT_STATEMENTS), f"| `#jinja2:` | {WITHOUT_HEADER} |", ""]
    return "\n".join(lines)
