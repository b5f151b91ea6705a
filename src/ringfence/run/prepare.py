"""From files and flags to jobs: everything read, rendered and checked before any host is touched."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ringfence import kinds as shipped
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Problems, Where
from ringfence.documents import vault
from ringfence.documents.trust import ALLOW_PROGRAM, Trust, user_file
from ringfence.errors import GuardRefused
from ringfence.inventory import ansible_settings
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts
from ringfence.model.resource import Kind
from ringfence.project import Project, Tags, read, read_hosts, settings
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTasks
from ringfence.run.host import HostJob, RunContext
from ringfence.secret import Secret
from ringfence.transports import Transport, transport_for
from ringfence.transports.connection_settings import ConnectionSettings, LocalSettings, PsrpSettings
from ringfence.transports.resolve import insecure, named_files, named_program, settings_for


@dataclass(frozen=True)
class RunOptions:
    """What the command line asked for; what is empty comes from `ringfence.yml` in `project` or above it.

    any_host: the hosts are those of the inventory, named by a play or not; then no playbook is read.
    """

    project: Path
    playbooks: Sequence[str] = ()
    inventory: Sequence[str] = ()
    limit: Sequence[str] = ()
    tags: Sequence[str] = ()
    skip_tags: Sequence[str] = ()
    extra_vars: Sequence[str] = ()
    vault: Sequence[str] = ()
    trust: Trust = Trust()
    ignore_ansible_cfg: bool = False
    any_host: bool = False

    @property
    def named_files(self) -> tuple[str, ...]:
        """The files that the command line names."""
        inventories = [i for i in self.inventory if "," not in i]
        beside = [str(Path(i).parent / name) for i in inventories for name in ("group_vars", "host_vars")]
        return (*self.playbooks, *inventories, *beside, *(f[1:] for f in (*self.extra_vars, *self.limit) if f.startswith("@")))


@dataclass(frozen=True)
class Prepared:
    """A run that is ready: a job a host, what they share, and what is worth a warning."""

    jobs: tuple[HostJob, ...]
    context: RunContext
    warnings: tuple[Diagnostic, ...] = ()


def prepare(options: RunOptions) -> Prepared:
    """Everything that can be known without a host. Raises InputError with every mistake in every file."""
    found = settings.load(options.project, options.trust)
    trust = options.trust.bounded(found.folder, options.named_files)
    kinds = load_kinds(found, trust)
    playbooks = [] if options.any_host else list(options.playbooks or found.playbooks)
    if not playbooks and not options.any_host:
        raise InputError([Diagnostic(NOWHERE, "no playbook is given",
                                     "name one, or list them under `playbooks` in ringfence.yml")])
    unknown = _not_run(found) if trust.untrusted else {}
    passwords = vault.Vault(_passwords(options, found))
    project, problems = read(playbooks, kinds={*kinds, *unknown}, inventory=list(options.inventory or found.inventory),
                             extra=options.extra_vars, limit=",".join(options.limit), vault=passwords, trust=trust)
    _check_ansible_settings(options, found, problems, trust)
    builder = _JobBuilder(project, DeclarationBuilder(kinds), Tags.of(options.tags, options.skip_tags),
                          [*problems.all, *_unlisted_kinds(found, kinds, trust)], unknown)
    hosts = project.known_hosts if options.any_host else project.hosts
    jobs = tuple(job for job in map(builder.job, hosts) if job)
    problems_once = tuple(_once(builder.problems))
    if any(d.severity == "error" for d in problems_once):
        raise InputError(problems_once)
    return Prepared(jobs, RunContext(kinds, builder.declare, partial(_way, trust=trust)), problems_once)


def prepare_hosts(options: RunOptions, pattern: Sequence[str]) -> Prepared:
    """The hosts that a pattern means, to look at: what playbooks say does not count, and there need not be one. Variables are
    those that the hosts have in a run. Raises InputError with every mistake in inventories and variables."""
    found = settings.load(options.project, options.trust)
    trust = options.trust.bounded(found.folder, options.named_files)
    project, hosts, problems = read_hosts(
        pattern, beside=Path((*options.playbooks, *found.playbooks, str(found.folder / "site.yml"))[0]).parent,
        inventory=list(options.inventory or found.inventory), extra=options.extra_vars, limit=",".join(options.limit),
        vault=vault.Vault(_passwords(options, found)), trust=trust)
    _check_ansible_settings(options, found, problems, trust)
    connections = _Connections(project)
    jobs = tuple(HostJob(host, way) for host in hosts if (way := connections.settings(host)))
    problems_once = tuple(_once([*problems.all, *connections.problems]))
    if any(d.severity == "error" for d in problems_once):
        raise InputError(problems_once)
    return Prepared(jobs, RunContext(shipped.load(), lambda host, facts: ({}, []), partial(_way, trust=trust)), problems_once)


def _check_ansible_settings(options: RunOptions, found: settings.ProjectSettings, problems: Problems, trust: Trust) -> None:
    if not options.ignore_ansible_cfg:
        ansible_settings.check(found.folder, problems, trust)


def _way(job: HostJob, trust: Trust) -> Transport:
    """The way to a host. Raises GuardRefused where the user did not allow it, InputError."""
    if trust.untrusted:
        raise GuardRefused("the project is untrusted: no host is connected to")
    if isinstance(job.settings, LocalSettings) and (program := named_program(job.settings)):
        if not os.path.dirname(program) or not trust.allows_program(program):
            raise GuardRefused(f"a project may not run programs here: ringfence_powershell is {program}. Allow it with "
                               f"--allow-program {program}, with {ALLOW_PROGRAM}, or under `programs` in {user_file()}")
        trust.check_owners([Path(program), Path(program).parent])
    return transport_for(job.settings)


def _passwords(options: RunOptions, found: settings.ProjectSettings) -> list[tuple[str, Secret]]:
    """Those of the files that the user names, or else the project. Raises InputError."""
    if options.vault:
        return vault.passwords(list(options.vault), options.trust)
    return vault.passwords([f for f in [found.vault_password_file] if f], options.trust, named_by_user=False)


def load_kinds(found: settings.ProjectSettings, trust: Trust) -> Mapping[str, Kind]:
    """Our kinds and those of the project. Raises InputError where a file of it cannot be loaded, or where somebody else
    may have written it."""
    if trust.untrusted:
        return shipped.load()
    folders = [Path(folder) for folder in found.modules]
    for folder in folders:
        trust.check_owners([folder, *shipped.files(folder)])
    return shipped.load(folders)


def _not_run(found: settings.ProjectSettings) -> Mapping[str, Where]:
    """The own kinds of an untrusted project, by name; their files are looked at, not run."""
    return {name: where for folder in found.modules for name, where in shipped.named_in(Path(folder)).items()}


def _unlisted_kinds(found: settings.ProjectSettings, kinds: Mapping[str, Kind], trust: Trust) -> Iterable[Diagnostic]:
    """What lies where own kinds are kept by custom, and is none without a word in the settings."""
    folder = found.folder / "modules"
    listed = [Path(modules).resolve() for modules in found.modules]
    if folder.resolve() not in listed and not trust.unreadable(folder) and shipped.named_in(folder).keys() - kinds.keys():
        yield Diagnostic(Where(str(folder)), "the kinds in this folder are not loaded",
                         f"Write `modules: modules` into {settings.FILE}, if the project shall run them as code.", "warning")


class _JobBuilder:
    """Makes the jobs of a project's hosts. `problems` has what is wrong with any of them.

    `unknown` are kinds whose code an untrusted project may not run: their tasks are told, and left out.
    """

    def __init__(self, project: Project, builder: DeclarationBuilder, tags: Tags, problems: Iterable[Diagnostic],
                 unknown: Mapping[str, Where]) -> None:
        self.project, self.builder, self.tags, self.unknown = project, builder, tags, unknown
        self.problems = list(problems)
        self._told = frozenset[Diagnostic]()  # what was told before the first host was touched

    def job(self, host: str) -> HostJob | None:
        """The job of one host, or nothing where its connection is not known; its mistakes go to `problems`."""
        declarations, wrong, needs_facts = self._declare(host, None)
        self.problems += wrong
        connections = _Connections(self.project)
        connection = connections.settings(host)
        self.problems += connections.problems
        if connection is None:
            return None
        kept = declarations if self.builder.has_room else None
        return HostJob(host, connection, kept, len(declarations), needs_facts)

    def declare(self, host: str, facts: Facts | None) -> tuple[Declarations, list[Diagnostic]]:
        """What is declared for a host, with its facts where they are known: mistakes, and warnings that are new."""
        declarations, wrong, _ = self._declare(host, facts)
        if not self._told:
            self._told = frozenset(self.problems)
        return declarations, [d for d in wrong if d.severity == "error" or d not in self._told]

    def _declare(self, host: str, facts: Facts | None) -> tuple[Declarations, list[Diagnostic], bool]:
        rendered = self.project.render(host, None if facts is None else facts.raw, self.tags)
        declarations, wrong = self.builder.declarations(task for task in rendered.tasks if task.kind not in self.unknown)
        values = [d for task in rendered.partial if task.kind not in self.unknown for d in self.builder.value_problems(task)]
        return declarations, [*rendered.diagnostics, *wrong, *values, *self._unchecked(rendered)], bool(rendered.needs_facts)

    def _unchecked(self, rendered: RenderedTasks) -> Iterable[Diagnostic]:
        """What cannot be told of an untrusted project."""
        if not self.project.trust.untrusted:
            return
        for task in (*rendered.tasks, *rendered.partial):
            if task.kind in self.unknown:
                yield Diagnostic(task.where, f"not checked: {task.kind}",
                                 f"Its code at {self.unknown[task.kind]} does not run for an untrusted project.", "warning")
        for where in rendered.needs_facts:
            yield Diagnostic(where, "not checked: this needs the facts of a host, the environment or a vault password",
                             severity="warning")


class _Connections:
    """How the hosts of a project are reached. `problems` has what is wrong with that."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.problems: list[Diagnostic] = []

    def settings(self, host: str) -> ConnectionSettings | None:
        """Those of one host, or nothing where they cannot be known."""
        variables, problems = self.project.variables(host)
        problems += tuple(self._outside(host, variables))
        self.problems += problems
        if any(d.severity == "error" for d in problems):
            return None
        try:
            made = settings_for(host, variables)
            self.problems += insecure(host, made)
            return made
        except InputError as error:
            if problems:  # what is missing or does not fit may be what was not looked up; nobody connects with this
                return PsrpSettings(host=host)
            self.problems += [replace(d, host=host) for d in error.diagnostics]
            return None

    def _outside(self, host: str, variables: Mapping[str, Any]) -> Iterable[Diagnostic]:
        """The files that the variables of an untrusted project may not name."""
        trust = self.project.trust
        for name, path in named_files(variables) if trust.untrusted else ():
            if os.path.isabs(path) or path[:1] in "~$%" or trust.unreadable(os.path.expandvars(path)):
                yield Diagnostic(NOWHERE, f"{name}: {path[:80]!r} is no path inside of the project, which is untrusted",
                                 "Name it relative to the current folder.", host=host)


def _once(problems: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """Each problem once, however many hosts have it, in the order of the places."""
    hosts: dict[Diagnostic, list[str]] = {}
    for d in problems:
        hosts.setdefault(replace(d, host=""), []).append(d.host)
    for d in sorted(hosts, key=lambda d: (d.where, d.summary)):
        named = list(dict.fromkeys(filter(None, hosts[d])))
        yield replace(d, host=named[0] + (f" and {len(named) - 1} more" if len(named) > 1 else "") if named else "")
