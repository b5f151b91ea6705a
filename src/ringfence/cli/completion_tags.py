"""The tags of playbooks, read as text for completion: what is wrong with them nobody wants to hear at a Tab."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Problems
from ringfence.documents import yaml
from ringfence.documents.trust import Trust
from ringfence.documents.yaml import Map

_IMPORTS = ("import_playbook", "import_tasks")
_INNER = ("tasks", "block")
MAX_FILES = 100  # playbooks and what they import that are read for one Tab


def tags(playbooks: Sequence[str], trust: Trust) -> set[str]:
    """Every tag of plays, blocks and tasks, of imported ones too, that is written out."""
    found: set[str] = set()
    waiting, seen = [Path(p) for p in playbooks], set[str]()
    while waiting and len(seen) < MAX_FILES:
        path = waiting.pop()
        if (real := os.path.realpath(path)) in seen or trust.unreadable(path):
            continue
        seen.add(real)
        for step in _steps(yaml.load(path, Problems())):
            found.update(_words(step.get("tags")))
            waiting += [path.parent / name for key in _IMPORTS for name in _words(step.get(key))]
    return found


def _steps(tree: Any) -> Iterator[Map]:
    """Plays, blocks and tasks, at any depth."""
    for step in tree if isinstance(tree, list) else ():
        if isinstance(step, Map):
            yield step
            for key in _INNER:
                yield from _steps(step.get(key))


def _words(value: Any) -> Iterable[str]:
    """The words of a list, or of a text with commas; none that a template would make."""
    listed = value if isinstance(value, list) else [value]
    parts = (part.strip() for one in listed if isinstance(one, str) for part in one.split(","))
    return [part for part in parts if part and "{{" not in part]
