"""What happens in a history: read from tests/cases/histories.yml, or drawn."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .expected import Rule, Task

NAMES = ("rdp", "web", "db", "mon")
PORTS = (7001, 7002)
ENDS = (3_700, 7_300, 14_500)  # seconds after the beginning; nothing happens at just that moment
PROJECTS = ("corp", "site")
OFTEN = {"apply": 36, "approved": 8, "cut": 8, "by hand": 14, "time": 12, "rollback": 14, "release": 3, "move": 3, "retire": 2,
         "cloned": 2, "by default": 3}


@dataclass(frozen=True)
class Step:
    """What happens: a verb of the history, by whom, and with what."""

    verb: str
    project: str = "corp"
    tasks: tuple[Task, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(map(str, (self.verb, self.project, *self.tasks, self.more or "")))


def read(rows: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Those that are written down (tests/cases/histories.yml)."""
    return [_read(dict(row)) for row in rows]


def _read(row: dict[str, Any]) -> Step:
    verb = next(iter(row))
    by = row.pop(verb)
    if verb == "by hand":
        ((name, said),) = by.items()
        return Step(verb, "", more={"name": name, "rule": _said(said)})
    tasks = tuple(Task(name, **{**said, "rule": _said(said["rule"])}) if isinstance(said, dict) else Task(name, _said(said))
                  for name, said in row.pop("tasks", {}).items())
    return Step(verb, by, tasks, {"prune": "created", "full": True, "inputs": "a", "revert_after": 300, "accepts": False,
                                  **row})


def _said(rule: object) -> Rule | None:
    words = str(rule).split()
    return Rule(int(words[0]), "block" if "block" in words else "allow", "off" not in words) if rule is not None else None


def steps(number: int) -> list[Step]:
    """Those of a history that is drawn."""
    rng = random.Random(number)
    plays = {project: dict[str, Task]() for project in PROJECTS}
    return [_step(rng, plays) for _ in range(rng.randint(4, 9))]


def _step(rng: random.Random, plays: dict[str, dict[str, Task]]) -> Step:
    project = rng.choice(["corp", "corp", "corp", "site"])
    verb = rng.choices(list(OFTEN), [*OFTEN.values()])[0]
    if verb in ("apply", "approved", "cut"):
        return _run(rng, verb, project, plays[project])
    if verb in ("rollback", "move", "retire"):
        return Step(verb, project)
    return Step(verb, project, more=_by_others(rng, verb))


def _by_others(rng: random.Random, verb: str) -> dict[str, Any]:
    """What a step has to say that is no run of a project."""
    said: dict[str, dict[str, Any]] = {
        "time": {"seconds": rng.choice((1_800, 3_600, 9_000))}, "by default": {"action": rng.choice(("allow", "block"))},
        "by hand": {"name": rng.choice(NAMES), "rule": rng.choice((None, _rule(rng), _rule(rng)))},
        "release": {"name": rng.choice(NAMES)}, "cloned": {}}
    return said[verb]


def _run(rng: random.Random, verb: str, project: str, play: dict[str, Task]) -> Step:
    """A run of a project whose tasks are those of its last one, but for one or two."""
    for name in rng.sample(NAMES, rng.choice((0, 1, 1, 2))):
        if name in play and rng.random() < 0.4:
            del play[name]
        else:
            play[name] = _task(rng, name)
    olds = [task.renamed_from for task in play.values()]
    tasks = tuple(task for name, task in play.items() if not (task.renamed_from and (
        task.renamed_from in play or olds.count(task.renamed_from) > 1)))
    chosen: dict[str, Any] = {"prune": rng.choices(("created", "report", "restore", "all", "never"), (8, 2, 2, 2, 1))[0],
              "full": rng.random() < 0.85, "inputs": "b" if rng.random() < 0.1 else "a", "accepts": rng.random() < 0.3,
              "revert_after": rng.choice((0, 300))}
    if verb == "approved":
        between = rng.choice(("by hand", "by hand", "time"))
        chosen["between"] = Step(between, more=_by_others(rng, between))
    if verb == "cut":
        chosen |= {"batch": rng.randint(0, 5), "after": rng.random() < 0.5, "for_good": rng.random() < 0.5}
    return Step(verb, project, tasks, chosen)


def _rule(rng: random.Random) -> Rule:
    return Rule(rng.choice(PORTS), rng.choice(("allow", "allow", "block")), rng.random() < 0.85)


def _task(rng: random.Random, name: str) -> Task:
    rule = None if rng.random() < 0.15 else _rule(rng)
    if rule and rng.random() < 0.15:
        return Task(name, rule, keep=True)
    task = Task(name, rule, adopt=rule is not None and rng.random() < 0.15)
    if rule and rng.random() < 0.35:
        return replace(task, until=rng.choice(ENDS), by_host=rng.random() < 0.7)
    others = [other for other in NAMES if other != name]
    return replace(task, renamed_from=rng.choice(others)) if rule and rng.random() < 0.15 else task
