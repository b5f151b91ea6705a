"""The words that are ringfence's, Ansible's and Windows' own: wherever they stand in a project, they are no names of anything."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from ringfence import kinds
from ringfence.cli.app import CALLS
from ringfence.errors import FAILURES
from ringfence.inventory.listing import MADE_BY_ANSIBLE
from ringfence.project import playbook_keys
from ringfence.project.tags import SPECIAL_TAGS
from ringfence.report import Status
from ringfence.run_settings import SETTINGS
from ringfence.templates.environment import environment
from ringfence.templates.lookups import GLOBALS, LOOKUPS

CONNECTION_NAMES = ("ansible_", "ringfence_")  # what the names of variables of connections and of runs begin with
_OF_LANGUAGE = ("and", "block", "defined", "dict", "elif", "else", "endfor", "endif", "false", "for", "groups", "hostvars",
                "inventory_hostname", "inventory_hostname_short", "is", "item", "none", "not", "null", "omit", "range", "set",
                "true", "undefined")
_OF_FILES = ("all", "children", "defaults", "files", "group_vars", "handlers", "host_vars", "hosts", "inventory", "localhost",
             "ini", "json", "main", "meta", "modules", "playbooks", "ringfence", "roles", "site", "tasks", "templates", "toml",
             "ungrouped", "vars", "yaml", "yml")
_OF_BUNDLES = ("damaged", "done", "error", "errors", "exit_code", "host", "interrupted", "kind", "made", "message", "note",
               "planned", "proven", "run_id", "running", "state", "statuses", "warning")


@cache
def own_words() -> frozenset[str]:
    """All of them, in small letters."""
    return frozenset(word.casefold() for word in _words())


def _words() -> Iterator[str]:
    for kind in kinds.load().values():
        yield kind.name
        properties = [*kind.properties.values(), *(inner for p in kind.proposals if p.proposal
                                                   for inner in p.proposal.kind.properties.values())]
        for p in properties:
            yield p.name
            yield from _allowed(p.type.schema)
    for row in SETTINGS.values():
        yield row.name
        yield from _allowed(row.type.schema)
    for keys in vars(playbook_keys).values():
        if isinstance(keys, tuple | Mapping):
            yield from (key for key in keys if isinstance(key, str))
    env = environment()
    for words in (env.filters, env.tests, GLOBALS, LOOKUPS, MADE_BY_ANSIBLE, SPECIAL_TAGS, FAILURES, get_args(Status), CALLS,
                  _OF_LANGUAGE, _OF_FILES, _OF_BUNDLES):
        yield from words


def _allowed(schema: Any) -> Iterator[str]:
    """The words that a JSON Schema names."""
    if isinstance(schema, Mapping):
        yield from (word for word in (*schema.get("enum", ()), schema.get("const")) if isinstance(word, str))
        for inner in schema.values():
            yield from _allowed(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from _allowed(inner)
