"""From files and flags to jobs: everything read, rendered and checked before any host is touched."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ringfence import kinds as shipped
from ringfence.deprecations import in_current_names
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Problems, Where, allowed
from ringfence.documents import vault
from ringfence.documents.trust import ALLOW_PROGRAM, Trust, user_file
from ringfence.errors import GuardRefused
from ringfence.inventory import ansible_settings, patterns
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts
from ringfence.model.resource import Kind
from ringfence.model.state import Id
from ringfence.project import settings
from ringfence.project.awaited import Awaited, awaited
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.project import Project, read, read_hosts
from ringfence.project.render import RenderedTasks
from ringfence.project.tags import ANY_TAGS, HOSTS_OF_RUN, SPECIAL_TAGS, TAGS_OF_RUN, Tags
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.host_problems import ProblemsOfHosts
from ringfence.run.memory import rarely_collected
from ringfence.run.of_hosts import OfHosts, apart_problems, tunnels_of
from ringfence.run.policy_from_options import run_policy
from ringfence.run.run_options import RunOptions as RunOptions
from ringfence.secret import Secret
from ringfence.transports import Transport, transport_for
from ringfence.transports.connection_settings import ConnectionSettings, LocalSettings, PsrpSettings
from ringfence.transports.resolve import insecure, missing_packages, misspelt, named_files, named_program, settings_for
from ringfence.types.moments import moment_text
from ringfence.windows.shipped_rules import is_shipped


@dataclass(frozen=True)
class Prepared:
    """A run that is ready: a job a host, what they share, what is worth a warning, and the folder of the project.

    read: the playbooks, inventories and files of variables that were read so far, by their real paths · extra_vars, vault_ids:
    the names of the variables of `-e`, and of the passwords that were given · groups: the hosts of each group of the inventory ·
    project, tags: what was read, and which of its tasks are wanted · hosts: of an inventory that is only looked at those that are
    meant.
    """

    jobs: tuple[HostJob, ...]
    context: RunContext
    warnings: tuple[Diagnostic, ...] = ()
    folder: Path = Path()
    read: Collection[str] = ()
    extra_vars: tuple[str, ...] = ()
    vault_ids: tuple[str, ...] = ()
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)
    project: Project | None = None
    tags: Tags = Tags()  # noqa: RUF009
    hosts: tuple[str, ...] = ()


def prepare(options: RunOptions) -> Prepared:
    """Everything that can be known without a host. Raises InputError with every mistake in every file."""
    with rarely_collected():
        return _prepared(options)


def _prepared(options: RunOptions) -> Prepared:
    found = settings.load(options.project, options.trust)
    files = {os.path.realpath(found.folder / settings.FILE)}
    trust = replace(options.trust.bounded(found.folder, options.named_files), read=files)
    options = options.completed(found)
    kinds = load_kinds(found, trust)
    playbooks = list(options.playbooks or found.playbooks)
    if not playbooks:
        raise InputError([Diagnostic(NOWHERE, "no playbook is given",
                                     "name one (with --playbook where arguments are hosts), or list them under `playbooks` in "
                                     "ringfence.yml")])
    unknown = _not_run(found) if trust.untrusted else {}
    given, not_given = _passwords(options, found)
    passwords = vault.Vault(given)
    project, problems = read(playbooks, kinds={*kinds, *unknown}, inventory=list(options.inventory or found.inventory),
                             extra=options.extra_vars, limit=",".join(options.limit), vault=passwords, trust=trust,
                             tags=Tags.of(options.tags, options.skip_tags), forks=options.forks, verbosity=options.verbosity,
                             enabled=_enabled_plugins(options, found, trust))
    files.difference_update(os.path.realpath(f[1:]) for f in options.extra_vars if f.startswith("@"))  # may be secret
    _check_ansible_settings(options, found, problems, trust)
    tags = Tags.of(options.tags, options.skip_tags)
    declares = DeclarationBuilder(kinds, is_shipped, found.require_scope, moment_text(options.began))
    builder = _JobBuilder(project, declares, tags, [
        *found.warnings, *problems.all, *not_given, *_unlisted_kinds(found, kinds, trust), *_unknown_tags(tags, project)],
        unknown, OfHosts(project, found, options, trust), options)
    jobs = builder.jobs(",".join(options.narrowed))
    builder.problems.extend(apart_problems(jobs, project))
    if not options.allow_empty and not trust.untrusted:
        builder.problems.extend(_empty(jobs, builder.problems.all, options, builder.excluding))
    found_once = builder.problems.all
    if any(d.severity == "error" for d in found_once):
        raise InputError(found_once)
    policy = run_policy(options, found, playbooks, builder.environment)
    context = RunContext(kinds, builder.declare, partial(_way, trust=trust), policy=policy, possible=builder.possible,
                         awaited=builder.awaited)
    return Prepared(
        jobs,
        context,
        found_once,
        found.folder,
        files,
        tuple(map(str, project.extra)),
        tuple(dict.fromkeys(label for label, _ in given)),
        project.inventory.members,
        project,
        tags,
    )


def prepare_hosts(options: RunOptions, pattern: Sequence[str], own_kinds: bool = False, reached: bool = True,
                  variables: bool = True) -> Prepared:
    """The hosts that a pattern means, to look at: what playbooks say does not count, and there need not be one. Variables are
    those that the hosts have in a run; `own_kinds`: objects of the project's own kinds are looked for too; `reached`: the hosts
    are worked on, else what their inventory says is shown and there are no jobs; `variables`: they are looked at, and not names
    alone. Raises InputError with every mistake in inventories and variables."""
    found = settings.load(options.project, options.trust)
    trust = options.trust.bounded(found.folder, options.named_files)
    options = options.completed(found)
    kinds = load_kinds(found, trust) if own_kinds else shipped.load()
    given, not_given = _passwords(options, found)
    project, hosts, problems = read_hosts(
        pattern, beside=Path((*options.playbooks, *found.playbooks, str(found.folder / "site.yml"))[0]).parent,
        inventory=list(options.inventory or found.inventory), extra=options.extra_vars, limit=",".join(options.limit),
        vault=vault.Vault(given), trust=trust, may_be_none=not reached, enabled=_enabled_plugins(options, found, trust),
        forks=options.forks, verbosity=options.verbosity, variables=variables)
    _check_ansible_settings(options, found, problems, trust)
    of_hosts = ProblemsOfHosts()
    of_hosts.extend([*found.warnings, *problems.all, *not_given])
    connections = _Connections(project, of_hosts, options)
    jobs = tuple(HostJob(host, way) for host in hosts if (way := connections.settings(host))) if reached else ()
    found_once = of_hosts.all
    if any(d.severity == "error" for d in found_once):
        raise InputError(found_once)
    context = RunContext(kinds, lambda host, facts: ({}, []), partial(_way, trust=trust), policy=run_policy(options, found, []))
    return Prepared(jobs, context, found_once, found.folder, groups=project.inventory.members, project=project, hosts=hosts)


def _unknown_tags(tags: Tags, project: Project) -> Iterator[Diagnostic]:
    known = project.tags
    for tag in tags.unknown(known):
        yield Diagnostic(NOWHERE, f"no task has the tag {tag}", allowed(tag, known | SPECIAL_TAGS))


def _empty(jobs: Sequence[HostJob], problems: Sequence[Diagnostic], options: RunOptions, excluding: bool) -> Iterator[Diagnostic]:
    """A run that looks at nothing is no success: a report of it would be green for ever. excluding: --limit leaves
    no host of those that are named."""
    if any(d.severity == "error" for d in problems):
        return
    meant = "`--allow-empty` says that it is meant so."
    named = " ".join(options.narrowed)
    if not jobs and excluding:
        yield Diagnostic(NOWHERE, f"{named} and --limit {','.join(options.limit)} have no host in common", "Name hosts in one of "
                         f"the two. {meant}")
    elif not jobs:
        yield Diagnostic(NOWHERE, f"no play is for {named or 'a host'}",
                         f"Look at `hosts` of the plays and at the inventory. {meant}")
    elif not any(job.declared or job.needs_facts for job in jobs):
        names = ", ".join(job.host for job in jobs[:5]) + (" …" if len(jobs) > 5 else "")
        yield Diagnostic(NOWHERE, f"nothing is declared for {names}: no task, or all are left out by tags and conditions", meant)


def _check_ansible_settings(options: RunOptions, found: settings.ProjectSettings, problems: Problems, trust: Trust) -> None:
    if not options.ignore_ansible_cfg:
        told = {name: value for name, value in os.environ.items() if name not in options.heeded}
        ansible_settings.check(found.folder, problems, trust, told)


def _enabled_plugins(options: RunOptions, found: settings.ProjectSettings, trust: Trust) -> tuple[str, ...]:
    """Which inventory plugins are enabled, where Ansible's settings are not to be left alone."""
    return () if options.ignore_ansible_cfg else ansible_settings.enabled_plugins(found.folder, trust)


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


def _passwords(options: RunOptions, found: settings.ProjectSettings) -> tuple[list[tuple[str, Secret]], list[Diagnostic]]:
    """Those of the files that the user names, or else the project; and why an untrusted project's cannot be had, as warnings.
    Raises InputError."""
    if options.vault:
        return vault.passwords(list(options.vault), options.trust, ask=options.ask), []
    try:
        return vault.passwords([*found.vault_password_file, *found.vault_id], options.trust, False, options.ask), []
    except InputError as error:
        if not options.trust.untrusted:
            raise
        return [], [replace(d, summary=f"not checked: {d.summary}", severity="warning") for d in error.diagnostics]


def _way_in(options: RunOptions) -> dict[str, Any]:
    """Connection variables of -u and -k."""
    said = {"ansible_user": options.user, "ansible_password": options.password}
    return {name: value for name, value in said.items() if value}


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

    `unknown` are kinds whose code an untrusted project may not run: their tasks are told, and left out. `of_hosts`: how the
    run goes on each host.
    """

    def __init__(self, project: Project, builder: DeclarationBuilder, tags: Tags, problems: Iterable[Diagnostic],
                 unknown: Mapping[str, Where], of_hosts: OfHosts, options: RunOptions) -> None:
        self.of_hosts, self.options, self.excluding = of_hosts, options, False
        self.environment: dict[str, str | None] = {}  # what tasks read of it
        self.project, self.builder, self.tags, self.unknown = project, builder, tags, unknown
        self.problems = ProblemsOfHosts()
        self.problems.extend(problems)
        self.connections = _Connections(project, self.problems, options)
        self._told = frozenset[Diagnostic]()  # what was told before the first host was touched
        self.problems.extend(self._unwanted(project.literals))  # whatever `when` and tags say of them

    def jobs(self, narrowed: str) -> tuple[HostJob, ...]:
        """Those of all hosts, or of the ones that a pattern leaves."""
        found = Problems()
        flag = "--limit" if self.options.decided else ""
        left, limited = patterns.limit(self.project.inventory, narrowed, found, flag), self.project.left
        self.excluding = left is not None and limited is not None and left.isdisjoint(limited)
        self.problems.extend(found.all)
        return tuple(job for host in self.project.hosts if (left is None or host in left) and (job := self.job(host)))

    def job(self, host: str) -> HostJob | None:
        """The job of one host, or nothing where its connection is not known; its mistakes go to `problems`."""
        declarations, wrong, needs_facts = self._declare(host, None)
        of_host, disagree = self.of_hosts.of(host)
        self.problems.extend([*wrong, *disagree])
        connection = self.connections.settings(host)
        if connection is None:
            return None
        kept = declarations if self.builder.has_room else None
        return HostJob(host, connection, kept, len(declarations), needs_facts, tunnels=tunnels_of(declarations), **of_host)

    def declare(self, host: str, facts: Facts | None) -> tuple[Declarations, list[Diagnostic]]:
        """What is declared for a host, with its facts where they are known: mistakes, and warnings that are new."""
        declarations, wrong, _ = self._declare(host, facts)
        if not self._told:
            self._told = self.problems.known
        return declarations, [d for d in wrong if d.severity == "error" or replace(d, host="") not in self._told]

    def possible(self, host: str, facts: Facts) -> frozenset[Id] | None:
        """The ids of what any choice of tags declares for a host; None where some of it cannot be known: where the choice itself,
        or that of hosts, decides what a task says."""
        rendered = self.project.render(host, facts.raw, ANY_TAGS)
        decide = TAGS_OF_RUN | (HOSTS_OF_RUN if self.project.left is not None else frozenset())
        if not decide.isdisjoint(rendered.decided_by):
            return None
        declarations, wrong = self.builder.declarations(rendered.tasks)
        if rendered.partial or rendered.needs_facts or any(d.severity == "error" for d in (*rendered.diagnostics, *wrong)):
            return None
        return frozenset(declarations)

    def awaited(self, host: str) -> Awaited:
        """What of a host's declarations waits for its facts."""
        return awaited(self.project.render(host, None, self.tags), self.builder, self.unknown)

    def _declare(self, host: str, facts: Facts | None) -> tuple[Declarations, list[Diagnostic], bool]:
        rendered = self.project.render(host, None if facts is None else facts.raw, self.tags)
        declarations, wrong = self.builder.declarations(
            [task for task in rendered.tasks if task.kind not in self.unknown] if self.unknown else rendered.tasks)
        wrong += self._unwanted(rendered)
        self.environment |= rendered.environment
        wrong += (Diagnostic(where, f"{name} may decide what is declared here: no run knows what others declare, and none prunes",
                             "Give tasks tags of their own instead", "warning")
                  for name, where in rendered.decided_by.items() if name in TAGS_OF_RUN)
        return declarations, [*rendered.diagnostics, *wrong, *self._unchecked(rendered)], bool(rendered.needs_facts)

    def _unwanted(self, rendered: RenderedTasks) -> Iterator[Diagnostic]:
        """What is wrong with tasks that are not whole, or of which nobody knows whether they are wanted."""
        for task in (t for t in rendered.partial if t.kind not in self.unknown):
            yield from self.builder.value_problems(task)
        for task in (t for t in rendered.undecided if t.kind not in self.unknown):
            yield from (d for d in self.builder.declare(task).problems if d.severity == "error")

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
    """How the hosts of a project are reached; what is wrong with that goes to `problems`."""

    def __init__(self, project: Project, problems: ProblemsOfHosts, options: RunOptions) -> None:
        self.project, self.problems, self.way_in, self.connects = project, problems, _way_in(options), options.connects

    def settings(self, host: str) -> ConnectionSettings | None:
        """Those of one host, or nothing where they cannot be known."""
        written, problems = self.project.variables(host)
        raw = self.project.host(host).variables
        variables, olds = in_current_names("connection variable", written, raw.at, host)
        if variables.get("ansible_connection") != "local":
            variables = {**self.way_in, **variables}
        problems += tuple(self._outside(host, variables))
        self.problems.extend([*olds, *problems])
        if any(d.severity == "error" for d in (*olds, *problems)):
            return None
        self.problems.extend(replace(d, where=raw.at(_variable(d))) for d in misspelt(host, variables))
        try:
            made = settings_for(host, variables)
            self.problems.extend(insecure(host, made))
            self.problems.extend(replace(d, where=raw.at(_variable(d)), severity="error" if self.connects else "warning")
                                 for d in missing_packages(host, made))
            return made
        except InputError as error:
            # what is missing or does not fit may be what was not looked up; nobody connects with this
            if problems or self.project.vault.sealed:
                return PsrpSettings(host=host)
            self.problems.extend(replace(d, host=host, where=raw.at(_variable(d)) if _variable(d) in raw else d.where)
                                 for d in error.diagnostics)
            return None

    def _outside(self, host: str, variables: Mapping[str, Any]) -> Iterable[Diagnostic]:
        """The files that the variables of an untrusted project may not name."""
        trust = self.project.trust
        for name, path in named_files(variables) if trust.untrusted else ():
            if os.path.isabs(path) or path[:1] in "~$%" or trust.unreadable(os.path.expandvars(path)):
                yield Diagnostic(NOWHERE, f"{name}: {path[:80]!r} is no path inside of the project, which is untrusted",
                                 "Name it relative to the current folder.", host=host)


def _variable(problem: Diagnostic) -> str:
    """The connection variable that a mistake is about: it begins with its name."""
    return problem.summary.partition(":")[0]
