"""The plays of a project, as Ansible's --list-tasks and --list-tags show them."""

from collections.abc import Iterator, Sequence
from typing import Any

from ringfence.formats.data import place_data
from ringfence.project.plays import Play
from ringfence.project.tags import Tags
from ringfence.views.format import count, escaped

PlayHosts = tuple[Play, Sequence[str]]
"""A play, and the names of its hosts."""


def plays_data(plays: Sequence[PlayHosts], tags: Tags) -> dict[str, Any]:
    """The plays for programs, with the tasks that the tags of the run select."""
    return {"plays": [{
        **place_data(play.where), "name": play.name or None, "patterns": list(play.hosts), "hosts": list(hosts),
        "tasks": [{**place_data(t.where), "name": t.name or None, "kind": t.kind, "tags": sorted(t.tags)} for t in play.tasks
                  if tags.selects(t.tags)]} for play, hosts in plays]}


def tasks_text(plays: Sequence[PlayHosts], tags: Tags) -> str:
    """Each play with its tasks, and the tags of each."""
    return "".join(f"{line}\n" for line in _tasks(plays, tags))


def tags_text(plays: Sequence[PlayHosts]) -> str:
    """Each play with all tags that its tasks have."""
    found = ((head, {tag for task in play.tasks for tag in task.tags}) for head, play in _heads(plays))
    return "".join(f"{head}\n      TASK TAGS: {_tags(tags)}\n" for head, tags in found)


def _tasks(plays: Sequence[PlayHosts], tags: Tags) -> Iterator[str]:
    for head, play in _heads(plays):
        yield head
        yield "    tasks:"
        for task in play.tasks:
            if tags.selects(task.tags):
                yield f"      {escaped(task.name or task.kind)}  TAGS: {_tags(task.tags)}  {task.where}"


def _heads(plays: Sequence[PlayHosts]) -> Iterator[tuple[str, Play]]:
    file = None
    for number, (play, hosts) in enumerate(plays, 1):
        before = "" if play.where.file == file else f"\nplaybook: {escaped(play.where.file)}\n\n"
        file = play.where.file
        told = f"{before}  play #{number} ({escaped(':'.join(play.hosts))}): {escaped(play.name)}".rstrip(" :")
        yield f"{told}  [{count(len(hosts), 'host')}]", play


def _tags(tags: Any) -> str:
    return "[" + ", ".join(sorted(map(escaped, tags))) + "]"
