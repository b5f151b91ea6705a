"""A project as a whole: inventory, playbooks, variables, and what they mean for each host."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Problems, Where
from ringfence.documents import variable_files
from ringfence.documents.trust import Trust
from ringfence.documents.vault import Vault
from ringfence.documents.yaml import Map, Seq
from ringfence.inventory import patterns, readers
from ringfence.inventory.inventory import LOCALHOST, Host, Inventory
from ringfence.project.playbook import PlaybookReader
from ringfence.project.plays import Play
from ringfence.project.render import RenderedTasks, TaskRenderer, render
from ringfence.project.tags import ANY_TAGS, Tags
from ringfence.secret import contains_secret
from ringfence.templates.budget import (
    LOOK,
    SCOPE,
    OverBudget,
    RenderError,
    UndefinedFacts,
    UntrustedLookup,
    charge,
    exhausted,
    one_budget,
    undefined,
)
from ringfence.templates.compile import template
from ringfence.templates.host_facts import host_facts
from ringfence.templates.lazy import FACTS, HostVars
from ringfence.templates.scope import Scope
from ringfence.templates.values import OMIT
from ringfence.types.base import SECRET_SHOWN, shown_by

_NAMES = 100  # mappings of variables of which the names of connections are remembered
CONNECTION_PREFIXES = ("ansible_", "ringfence_")  # what the names of connection variables begin with


@dataclass(frozen=True, eq=False, slots=True)
class _PlayHosts:
    """A play with the hosts it is for."""

    play: Play
    hosts: Mapping[str, None]
    steps: tuple[TaskRenderer, ...]
    magic: Mapping[str, Any]


MAGIC: Mapping[str, Any] = {
    "ansible_version": {"full": "2.19.0", "major": 2, "minor": 19, "revision": 0, "string": "2.19.0"},
    "ansible_check_mode": False, "ansible_diff_mode": False}
"""Ansible's variables of each run, in the language of this version. Check mode is off: plans and what is made of them are one."""
FORKS_OF_ANSIBLE = 5  # ansible-core 2.19, lib/ansible/config/base.yml, DEFAULT_FORKS: what a run has without --forks
Chosen = tuple[Mapping[str, None], Seq]
"""The hosts of a pattern, to look up and in their order."""


class Project:
    """Made by `load`. Reading it never changes what it gives; hosts may be rendered from several threads."""

    def __init__(self, inventory: Inventory, extra: Map, vault: Vault, targets: Sequence[_PlayHosts],
                 hostvars: Callable[[Path | None], HostVars], warnings: tuple[Diagnostic, ...],
                 of_run: Mapping[str, Any], left: frozenset[str] | None = None, beside: Path | None = None,
                 refused_names: Iterable[Any] = ()) -> None:
        self._beside = beside  # the folder of playbooks that were not read, whose group_vars/ and host_vars/ count all the same
        self.inventory, self.extra, self.vault, self.warnings, self.left = inventory, extra, vault, warnings, left
        self._targets, self._hostvars, self._of_run = targets, hostvars, of_run
        self._mute = frozenset(undefined(name) for name in refused_names)  # what is told of their keys already
        self._steps: dict[Tags, list[tuple[TaskRenderer, ...]]] = {}
        self._names: dict[int, tuple[Map, Sequence[str]]] = {}

    @property
    def trust(self) -> Trust:
        """What of this machine templates may read."""
        return self.inventory.files.trust

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of all hosts that a play is for, after `--limit`, in the order of the plays."""
        return tuple(dict.fromkeys(h for target in self._targets for h in target.hosts))

    @property
    def tags(self) -> frozenset[str]:
        """Every tag of a task, of its blocks and of its play."""
        return frozenset(tag for target in self._targets for step in target.steps for tag in step.source.tags)

    @property
    def plays(self) -> tuple[tuple[Play, tuple[str, ...]], ...]:
        """Each play with the names of its hosts."""
        return tuple((target.play, tuple(target.hosts)) for target in self._targets)

    @property
    def literals(self) -> RenderedTasks:
        """Every task of every play, whether a host wants it or not, with those of its values that are the same on all hosts."""
        steps = [step for target in self._targets for step in target.steps if step.source.assertion is None]
        return RenderedTasks((), partial=tuple(s.literal for s in steps if s.fixed is None),
                             undecided=tuple(s.fixed for s in steps if s.fixed is not None))

    @property
    def run_keys(self) -> frozenset[str]:
        """Those of RUN_KEYS that some play says."""
        return frozenset(key for target in self._targets for key in target.play.of_run)

    def of_run(self, name: str, key: str) -> tuple[Any, tuple[Diagnostic, ...]]:
        """What plays say of the run on a host, by one of RUN_KEYS, and where they do not agree; None where no play says it."""
        said = [(t.play.of_run[key], t.play.of_run.at(key)) for t in self._targets if key in t.play.of_run and name in t.hosts]
        wrong = (Diagnostic(where, f"{key} is {_said(value)} here and {_said(said[0][0])} at {said[0][1]}, in two plays for one "
                            "host", "Plays that share a host have to agree.", host=name)
                 for value, where in said[1:] if value != said[0][0])
        return said[0][0] if said else None, tuple(wrong)

    def host(self, name: str) -> Host:
        """A host with its raw variables, as the first play that is for it sees them. Raises KeyError."""
        beside = next((t.play.folder for t in self._targets if name in t.hosts), self._beside)
        return self.inventory.get(name, beside)

    def render(self, name: str, facts: Mapping[str, Any] | None = None, tags: Tags = Tags()) -> RenderedTasks:  # noqa: B008
        """What all plays together mean for a host.

        `facts` is what the host told (`ringfence_facts` and `ansible_facts` in templates), or None where it was not
        asked yet: then what needs facts is in `needs_facts`. Nothing is raised for mistakes: they are in `diagnostics`,
        each with its place.
        """
        found: list[RenderedTasks] = []
        facts = None if facts is None else host_facts(facts)
        with one_budget():
            for target, steps in zip(self._targets, self._chosen(tags), strict=True):
                if name in target.hosts and not exhausted():
                    found.append(self._render(target, steps, name, facts, tags == ANY_TAGS))
        if len(found) == 1:
            return found[0]
        return RenderedTasks(tuple(t for r in found for t in r.tasks),
                             tuple(dict.fromkeys(d for r in found for d in r.diagnostics)),
                             tuple(dict.fromkeys(w for r in found for w in r.needs_facts)),
                             tuple(t for r in found for t in r.partial), tuple(t for r in found for t in r.undecided),
                             tuple(w for r in found for w in r.unseen), dict(x for r in found for x in r.decided_by.items()),
                             dict(x for r in found for x in r.environment.items()))

    def _chosen(self, tags: Tags) -> list[tuple[TaskRenderer, ...]]:
        if tags not in self._steps:
            self._steps[tags] = [tuple(s for s in target.steps if tags.selects(s.source.tags)) for target in self._targets]
        return self._steps[tags]

    def _render(self, target: _PlayHosts, steps: Sequence[TaskRenderer], name: str,
                facts: Mapping[str, Any] | None, every: bool) -> RenderedTasks:
        try:
            scope = self._scope(target, name, facts)
            if files := self._vars_files(target.play, scope):
                scope = self._scope(target, name, facts, files)
        except UndefinedFacts as error:
            return RenderedTasks((), needs_facts=(error.where,), unseen=(error.where,))
        except RenderError as error:
            where = target.play.where if error.where == NOWHERE else error.where
            return RenderedTasks((), (Diagnostic(where, error.summary, error.detail, host=name),))
        except InputError as error:
            return RenderedTasks((), error.diagnostics)
        found = render(steps, scope, name, every)
        if self._mute:
            found = replace(found, diagnostics=tuple(d for d in found.diagnostics if d.summary not in self._mute))
        return found

    def _scope(self, target: _PlayHosts, name: str, facts: Mapping[str, Any] | None, files: Map = Map()) -> Scope:  # noqa: B008
        """What a host sees in a play. Raises OverBudget."""
        host = self.inventory.get(name, target.play.folder)
        layers = host.variables
        charge(SCOPE)
        for above in filter(None, (target.play.variables, files, self.extra)):
            charge(len(layers) + len(above))
            layers = above.merged_over(layers)
        return Scope(layers, {**self.inventory.magic(name), **target.magic}, facts, self.vault, trust=self.trust,
                     defaults=Map({"ansible_host": name}))

    def _vars_files(self, play: Play, scope: Scope) -> Map:
        """The variables of a play's files, later over earlier. Raises RenderError, InputError."""
        found = Map()
        for entry, where in play.vars_files:
            paths = [scope.render(e, where) for e in (entry if isinstance(entry, Seq) else [entry])]
            if contains_secret(paths):
                raise RenderError(f"vars_files: {SECRET_SHOWN}", shown_by(paths), where)
            names = list(map(str, paths))
            charge(2 * LOOK * len(names) + len(found))
            variables, wrong = self.inventory.files.read(_vars_file(play, names, where, self.trust), where)
            if any(d.severity == "error" for d in wrong):
                raise InputError(wrong)
            found = variables.merged_over(found)
        return found

    def variables(self, name: str, accepts: Callable[[str], bool] | None = None,
                  ) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
        """The rendered variables of a host whose names `wanted` accepts: without it those of connections, that is all
        that begin with one of CONNECTION. Vaulted values are Secrets. Facts are not needed and not known here."""
        values: dict[str, Any] = {}
        wrong: list[Diagnostic] = []
        with one_budget():
            scope = self._scope_of_connection(name)
            for key in filter(accepts, scope.variables) if accepts else self._connection_names(scope.variables):
                if key in FACTS:
                    continue
                try:
                    value = scope.render(scope.variables[key], scope.where(key))
                    if value is not OMIT:
                        values[key] = value
                except UntrustedLookup as error:
                    wrong.append(Diagnostic(scope.where(key), f"not checked: {key}", error.summary, "warning", name))
                except RenderError as error:
                    where = scope.where(key) if error.where == NOWHERE else error.where
                    wrong.append(Diagnostic(where, error.summary, error.detail, host=name))
                    if isinstance(error, OverBudget):
                        break
        return values, tuple(wrong)

    def _connection_names(self, variables: Map) -> Sequence[str]:
        """Which variables may be of connections; looked for once where hosts have the same."""
        known = self._names.get(id(variables))
        if known is None or known[0] is not variables:
            if len(self._names) >= _NAMES:
                self._names.clear()
            known = self._names[id(variables)] = variables, [n for n in variables if n.startswith(CONNECTION_PREFIXES)]
        return known[1]

    def _scope_of_connection(self, name: str) -> Scope:
        """What counts for the connection to a host: what the first play sees that is for it."""
        target = next((t for t in self._targets if name in t.hosts), None)
        if target:
            return self._scope(target, name, None)
        magic = {**self._of_run, **self.inventory.magic(name), "omit": OMIT, "hostvars": self._hostvars(self._beside),
                 "playbook_dir": os.path.abspath(self._beside or "")}
        variables = self.inventory.get(name, self._beside).variables
        return Scope(self.extra.merged_over(variables), magic, None, self.vault, trust=self.trust,
                     defaults=Map({"ansible_host": name}))


def load(playbooks: Sequence[str | Path], *, kinds: Collection[str], inventory: Sequence[str] = (),
         extra: Sequence[str] = (), limit: str = "", vault: Vault | None = None,
         trust: Trust = Trust()) -> Project:
    """A project from files, without a mistake in them; see `read`. Raises InputError with every mistake of every file,
    sorted by place. Warnings are in `Project.warnings`."""
    project, problems = read(playbooks, kinds=kinds, inventory=inventory, extra=extra, limit=limit, vault=vault,
                             trust=trust)
    problems.check()
    return project


def read_hosts(pattern: Sequence[str], *, beside: Path, inventory: Sequence[str] = (), extra: Sequence[str] = (), limit: str = "",
               vault: Vault | None = None, trust: Trust = Trust(), may_be_none: bool = False,
               enabled: Sequence[str] = (), forks: int | None = None, verbosity: int = 0,
               variables: bool = True) -> tuple[Project, tuple[str, ...], Problems]:
    """A project of which no playbook is read, and the hosts that a pattern means (without one: all), after `--limit`.

    `beside`: the folder of its playbooks; `may_be_none`: that there is no host is no mistake; `variables`: they are read now, so
    that mistakes in their files are told; what `read` says of the other arguments and of InputError holds here too.
    """
    project, problems = read([], kinds=(), inventory=inventory, extra=extra, limit=limit, vault=vault, trust=trust, beside=beside,
                             enabled=enabled, forks=forks, verbosity=verbosity)
    left = project.left
    hosts = [h for h in patterns.select(project.inventory, pattern or "all", problems) if left is None or h in left]
    for name in hosts if variables else ():
        project.inventory.get(name, beside)
    if not hosts and not may_be_none and not problems.failed:
        problems.error(NOWHERE, f"no host is meant by {', '.join(pattern) or 'all'}",
                       "`ringfence inventory list` shows which hosts are.")
    return project, tuple(hosts), problems


def read(playbooks: Sequence[str | Path], *, kinds: Collection[str], inventory: Sequence[str] = (),
         extra: Sequence[str] = (), limit: str = "", vault: Vault | None = None,
         trust: Trust = Trust(), beside: Path | None = None, tags: Tags = Tags(),  # noqa: B008
         enabled: Sequence[str] = (), forks: int | None = None, verbosity: int = 0) -> tuple[Project, Problems]:
    """A project from files, and what is wrong with them: of a playbook with mistakes the project holds the rest, so
    that its values can be checked at the same time.

    `playbooks` are paths; `kinds` the names of the kinds that tasks may declare; `inventory` the arguments of `-i`,
    `extra` those of `-e`, `limit` that of `--limit`; `tags`, `forks` and `verbosity` what templates see of `-t`, `--skip-tags`,
    `--forks` and `-v`. Raises InputError where the fleet or its variables are not known: what a playbook means could only be
    guessed then. `beside` is for a project without playbooks: see `read_hosts`; `enabled`: see inventory.readers.load.
    """
    problems, vault = Problems(), vault or Vault()
    files = variable_files.VariableFiles(vault, problems, trust)
    extra_variables = variable_files.extra(extra, files)
    fleet = readers.load(inventory, files, enabled)
    known = not problems.failed
    with one_budget():
        reader = PlaybookReader(kinds, files)
        plays = reader.read(playbooks)
    if not known:
        problems.check()
    if not inventory:
        problems.warn(NOWHERE, "no inventory was given: only localhost is known", "Give one with -i FILE.")
    memo: dict[Path | None, HostVars] = {}
    of_run = {**MAGIC, "ansible_forks": forks or FORKS_OF_ANSIBLE, "ansible_verbosity": verbosity,
              "ansible_run_tags": sorted(tags.only), "ansible_skip_tags": sorted(tags.skip),
              "ansible_inventory_sources": [i if "," in i else os.path.abspath(i) for i in inventory],
              **({"ansible_limit": limit} if limit else {})}

    def hostvars(beside: Path | None) -> HostVars:
        if beside not in memo:
            def make(name: str) -> Scope:
                magic = {**of_run, **fleet.magic(name), "omit": OMIT, "playbook_dir": os.path.abspath(beside or "")}
                return Scope(extra_variables.merged_over(fleet.get(name, beside).variables), magic, None, vault, trust=trust)
            memo[beside] = HostVars(fleet.entries, make, LOCALHOST)
        return memo[beside]

    left = patterns.limit(fleet, limit, problems)
    with one_budget():
        chosen: dict[tuple[str, ...], Chosen] = {}
        targets = [_target(play, fleet, extra_variables, vault, left, hostvars(play.folder), problems, chosen, of_run)
                   for play in plays]
        for target in targets:  # every file of variables that counts is read now, so that its mistakes are told now
            for name in target.hosts:
                fleet.get(name, target.play.folder)
            _literal_files(target.play, files)
    made = Project(fleet, extra_variables, vault, targets, hostvars, problems.warnings, of_run, left, beside,
                   reader.refused_names)
    return made, problems


def _target(play: Play, fleet: Inventory, extra: Map, vault: Vault, left: frozenset[str] | None, hostvars: HostVars,
            problems: Problems, known: dict[tuple[str, ...], Chosen], of_run: Mapping[str, Any]) -> _PlayHosts:
    """A play and its hosts; plays of the same pattern share the hosts, by `known`."""
    scope = Scope(extra.merged_over(play.variables), {"omit": OMIT, "groups": fleet.members}, None, vault,
                  trust=fleet.files.trust).looking_in((Path(os.path.abspath(play.folder)),))
    patterns_of_play: list[str] = []
    for pattern in play.hosts:
        try:
            found = scope.render(pattern, play.hosts_at)
            if contains_secret(found):
                raise RenderError(f"hosts: {SECRET_SHOWN}", shown_by(found))
            patterns_of_play += map(str, found) if isinstance(found, list) else [str(found)]
        except RenderError as error:
            problems.error(play.hosts_at if error.where == NOWHERE else error.where, error.summary, error.detail)
            if isinstance(error, OverBudget):
                problems.check()
    chosen = known.get(tuple(patterns_of_play))
    if chosen is None:
        found = Problems()
        selected = patterns.select(fleet, patterns_of_play, found, play.hosts_at) if patterns_of_play else []
        names = Seq(h for h in selected if left is None or h in left)
        if patterns_of_play and not selected and not found.all:
            found.warn(play.hosts_at, "the play is for no host: its groups are empty, or nothing is left of them")
        chosen = dict.fromkeys(names), names
        if not found.all:
            known[tuple(patterns_of_play)] = chosen
        problems.extend(found.all)
    hosts, names = chosen
    magic = {**of_run, "omit": OMIT, "hostvars": hostvars, "playbook_dir": os.path.abspath(play.folder),
             "ansible_play_name": _name(play, scope) or ",".join(patterns_of_play), **_names_of_roles(play), **dict.fromkeys(
                 ("play_hosts", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch"), names)}
    return _PlayHosts(play, hosts, tuple(TaskRenderer(s, frozenset(extra)) for s in play.tasks), magic)


def _name(play: Play, scope: Scope) -> str:
    """The name of a play; where it cannot be rendered, as written."""
    try:
        return str(scope.render(play.name))
    except RenderError:
        return play.name


def _names_of_roles(play: Play) -> dict[str, Any]:
    return {"ansible_play_role_names": [*play.roles], "role_names": [*play.roles],
            "ansible_dependent_role_names": [*play.dependencies],
            "ansible_role_names": list(dict.fromkeys((*play.roles, *play.dependencies)))}


def _literal_files(play: Play, files: variable_files.VariableFiles) -> None:
    """Read the vars_files whose names need no variables, so that what is wrong with them is told now."""
    for entry, where in play.vars_files:
        names = list(entry) if isinstance(entry, Seq) else [entry]
        if not any(template(n) for n in names):
            try:
                charge(2 * LOOK * len(names))
                files.load(_vars_file(play, names, where, files.trust), where)
            except RenderError as error:
                files.problems.error(where, error.summary, error.detail)
                if isinstance(error, OverBudget):
                    files.problems.check()


def _vars_file(play: Play, names: Sequence[str], where: Where, trust: Trust) -> Path:
    """The first of several names that is a file in the folder `vars` beside the play, or beside it. Raises
    RenderError."""
    candidates = [p for n in names if "\0" not in n for p in (play.folder / "vars" / n, play.folder / n)]
    if reason := next(filter(None, map(trust.unreadable, candidates)), ""):
        raise RenderError(reason, where=where)
    path = next((p for p in candidates if p.is_file()), None)
    if path is None:
        raise RenderError(f"there is no file {' or '.join(names)}",
                          f"Looked in {play.folder / 'vars'} and {play.folder}.", where)
    return path


def _said(value: Any) -> str:
    """What a play says of the run, for people."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
