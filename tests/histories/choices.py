"""One project through the program, run after run: tasks come and go, and runs choose among them by tags, hosts, playbooks and
values. What a run chooses is there after it; what any full run would declare on a host stays there, and what none would goes with
a full one that is like the last (docs/guide/what-ringfence-removes.md, "When a task goes"; tags as Ansible has them).
"""

import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cli_lab import RULES, Cli

from ringfence.lab import Machine

HOSTS = {"all": {"web1", "pc2", "web3"}, "servers": {"web1", "web3"}, "web1": {"web1"}}
FILES = ("site.yml", "more.yml")
WHENS = {"": "", "on": "on | default(false) | bool", "here": "inventory_hostname == 'web1'",
         "alone": "ansible_play_hosts | length == 1", "tagged": "'x' in ansible_run_tags",
         "environment": "lookup('env', 'OF_HISTORY') == 'on'"}
LOOPS = {"": "", "two": ["a", "b"], "hosts": "{{ ansible_play_hosts }}", "given": "{{ given | default('g') | split(',') }}"}


@dataclass(frozen=True)
class Said:
    """A task: one rule, or one for each item."""

    name: str
    file: str
    hosts: str
    tags: tuple[str, ...] = ()
    when: str = ""
    loop: str = ""

    def names(self, host: str, run: "Run") -> set[str]:
        """The rules that it declares for a host, whatever its tags say."""
        play = HOSTS[self.hosts] & run.hosts
        holds = {"": True, "on": run.on, "here": host == "web1", "alone": len(play) == 1, "tagged": "x" in run.tags,
                 "environment": run.environment}[self.when]
        items = {"": [""], "two": ["-a", "-b"], "hosts": [f"-{one}" for one in play],
                 "given": [f"-{one}" for one in (run.given or "g").split(",")]}[self.loop]
        return {f"{self.name}{item}" for item in items} if holds and host in play else set()

    @property
    def asks_for_choice(self) -> bool:
        """Whether the choice of hosts or tags decides what it says."""
        return self.when in ("alone", "tagged") or self.loop == "hosts"

    def written(self, prefix: str) -> dict[str, Any]:
        said = {"name": f"{prefix}-{self.name}" + "-{{ item }}" * bool(self.loop), "protocol": "tcp", "local_port": 8443,
                "remote_address": "10.0.0.0/8"}
        beside = {"tags": list(self.tags), "when": WHENS[self.when], "loop": LOOPS[self.loop]}
        return {"firewall_rule": said, **{word: value for word, value in beside.items() if value}}


@dataclass(frozen=True)
class Run:
    """What one run is given."""

    tags: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    limit: str = ""
    on: bool = False
    given: str = ""
    environment: bool = False
    files: tuple[str, ...] = FILES
    by_plan: bool = False  # it is planned into a file first

    @property
    def hosts(self) -> set[str]:
        return HOSTS[self.limit or "all"]

    @property
    def is_full(self) -> bool:
        return not self.tags and not self.skipped and self.files == FILES

    @property
    def as_if_full(self) -> "Run":
        """The same with all hosts and all tags."""
        return Run(on=self.on, given=self.given, environment=self.environment)

    def inputs(self, tasks: Iterable[Said]) -> tuple[Any, ...]:
        """The values that decide what is declared."""
        asks = any(said.when == "environment" for said in tasks)
        return self.on, self.given, asks, asks and self.environment

    def chooses(self, said: Said) -> bool:
        """Whether it runs a task, by its tags and its file."""
        tags = set(said.tags)
        wanted = bool(tags & set(self.tags)) or ("always" in tags) if self.tags else True
        never = "never" in tags and not tags & set(self.tags)
        return said.file in self.files and wanted and not never and not tags & set(self.skipped)

    @property
    def arguments(self) -> list[str]:
        """What `plan`, `apply` and `drift` are given."""
        found = list(self.files if self.files != FILES else ())
        for flag, values in (("-t", self.tags), ("--skip-tags", self.skipped), ("-l", (self.limit,) if self.limit else ())):
            found += [word for value in values for word in (flag, value)]
        return found + self.values

    @property
    def values(self) -> list[str]:
        """What is said again where a plan is applied."""
        found = ["--allow-empty", *(("-e", "on=true") if self.on else ())]
        return found + (["-e", f"given={self.given}"] if self.given else [])


def declared(tasks: Iterable[Said], host: str, run: Run) -> set[str]:
    """What a run declares for a host."""
    return {name for said in tasks if run.chooses(said) for name in said.names(host, run)}


def could_be(tasks: Iterable[Said], host: str, run: Run) -> set[str]:
    """What a full run declares there by some choice of tags."""
    full = run.as_if_full
    return {name for said in tasks for tags in ((), ("x",)) for name in said.names(host, Run(
        tags, on=full.on, given=full.given, environment=full.environment))}


@dataclass
class Choices:
    """A project in a folder, on a fleet. settled: {host: the values of the last full run that came there,
    where that is certain}."""

    cli: Cli
    hosts: Mapping[str, Machine]
    prefix: str
    settled: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def rules(self, host: str) -> set[str]:
        """Those of the project that a host has."""
        key = self.hosts[host].registry.key(RULES)
        return {value.name.removeprefix(f"{self.prefix}-") for value in key.values.values()
                if value.name.startswith(f"{self.prefix}-")} if key else set()

    def write(self, tasks: Iterable[Said]) -> None:
        for file in FILES:
            plays = [{"hosts": hosts, "tasks": [said.written(self.prefix) for said in tasks
                                                if (said.file, said.hosts) == (file, hosts)]} for hosts in HOSTS]
            self.cli.write({file: json.dumps([play for play in plays if play["tasks"]])})

    def wrong(self, tasks: list[Said], run: Run) -> str:
        """What is not as the guide says after one more run; empty where all is."""
        self.write(tasks)
        before = {host: self.rules(host) for host in self.hosts}
        with environment("on" if run.environment else None):
            if run.by_plan:
                self.cli("plan", "-o", "plan.json", *run.arguments)
                said = self.cli("apply", "--yes", "plan.json", *run.values)
            else:
                said = self.cli("apply", "--yes", *run.arguments)
            if said.code:
                return f"ends with {said.code}: {said.err[-1500:]}{said.out[-500:]}"
            told = self.cli("drift", *run.arguments)
        if told.code and all(self.settled.get(host) == run.inputs(tasks) for host in run.hosts):
            return f"it has come, and differs: {told.code} {told.out[-1500:]}{told.err[-500:]}"
        return next(filter(None, (self._wrong_on(host, before[host], tasks, run) for host in self.hosts)), "")

    def _wrong_on(self, host: str, before: set[str], tasks: list[Said], run: Run) -> str:
        after, wanted = self.rules(host), declared(tasks, host, run)
        if host not in run.hosts or not any(host in HOSTS[said.hosts] and said.file in run.files for said in tasks):
            return f"{host} is none of its hosts, and was changed" if after != before else ""
        if missing := wanted - after:
            return f"{host} lacks {missing}"
        if more := after - before - wanted:
            return f"{host} has {more}, which nothing declares"
        gone, could = before - after, could_be(tasks, host, run)
        if gone & could:
            return f"{host}: {gone & could} went, and a full run declares them"
        inputs, last = run.inputs(tasks), self.settled.get(host)
        if gone and not (run.is_full and last in (None, inputs)):
            return f"{host}: {gone} went, and the run was {'none like the last' if run.is_full else 'not full'}"
        asks_for_choice = any(said.asks_for_choice for said in tasks)
        if run.is_full and asks_for_choice:  # then it may have counted as full, or not
            self.settled.pop(host, None)
        elif run.is_full:
            self.settled[host] = inputs
        stays = after - could
        if run.is_full and last == inputs and stays and not asks_for_choice:
            return f"{host}: {stays} stay, and no run declares them"
        return ""


@contextmanager
def environment(value: str | None) -> Iterator[None]:
    """The variable that tasks ask for, as long as it lasts."""
    if value is not None:
        os.environ["OF_HISTORY"] = value
    try:
        yield
    finally:
        os.environ.pop("OF_HISTORY", None)


def drawn(number: int) -> list[tuple[list[Said], Run]]:
    """Tasks and the run of them, some after another: each time a task or two have come, gone or changed."""
    rng = random.Random(number)
    tasks, found = dict[str, Said](), []
    for _ in range(rng.randint(3, 6)):
        for name in rng.sample(("rdp", "web", "db"), rng.choice((0, 1, 1, 2))):
            if name in tasks and rng.random() < 0.5:
                del tasks[name]
            else:
                tasks[name] = _said(rng, name)
        found.append(([*tasks.values()], _run(rng, tasks.values())))
    return found


def _said(rng: random.Random, name: str) -> Said:
    tags = rng.choice(((), (), ("x",), ("y",), ("never", "x"), ("always",)))
    plain = rng.random() < 0.4
    return Said(name, rng.choice(FILES), rng.choice(list(HOSTS)), tags, "" if plain else rng.choice(list(WHENS)),
                "" if plain else rng.choice(list(LOOPS)))


def _run(rng: random.Random, tasks: Iterable[Said]) -> Run:
    known = sorted({tag for said in tasks for tag in said.tags} & {"x", "y"})
    run = Run(limit=rng.choice(("", "", "", "servers", "web1")), on=rng.random() < 0.2, given=rng.choice(("", "", "", "g,h")),
              environment=rng.random() < 0.2)
    if known and rng.random() < 0.3:
        chosen = (rng.choice(known),)
        return replace(run, tags=chosen) if rng.random() < 0.6 else replace(run, skipped=chosen)
    run = replace(run, by_plan=rng.random() < 0.3)
    return replace(run, files=FILES[:1] if rng.random() < 0.1 else FILES)
