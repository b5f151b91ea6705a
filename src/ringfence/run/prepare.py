"""From files and flags to jobs: everything read, rendered and checked before any host is touched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ringfence import kinds as shipped
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.documents import vault
from ringfence.documents.trust import Trust
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts
from ringfence.model.resource import Kind
from ringfence.project import Project, Tags, read, settings
from ringfence.project.declare import DeclarationBuilder
from ringfence.run.host import HostJob, RunContext
from ringfence.transports import transport_for
from ringfence.transports.connection_settings import ConnectionSettings
from ringfence.transports.resolve import settings_for


@dataclass(frozen=True)
class RunOptions:
    """What the command line asked for; what is empty comes from `ringfence.yml` in `project` or above it."""

    project: Path
    playbooks: Sequence[str] = ()
    inventory: Sequence[str] = ()
    limit: Sequence[str] = ()
    tags: Sequence[str] = ()
    skip_tags: Sequence[str] = ()
    extra_vars: Sequence[str] = ()
    vault: Sequence[str] = ()
    trust: Trust = Trust()  # noqa: RUF009 - it is frozen


@dataclass(frozen=True)
class Prepared:
    """A run that is ready: a job a host, what they share, and what is worth a warning."""

    jobs: tuple[HostJob, ...]
    context: RunContext
    warnings: tuple[Diagnostic, ...] = ()


def prepare(options: RunOptions) -> Prepared:
    """Everything that can be known without a host. Raises InputError with every mistake in every file."""
    found = settings.load(options.project, options.trust)
    kinds = load_kinds(found, options.trust)
    playbooks = list(options.playbooks or found.playbooks)
    if not playbooks:
        raise InputError([Diagnostic(NOWHERE, "no playbook is given",
                                     "name one, or list them under `playbooks` in ringfence.yml")])
    passwords = vault.passwords(list(options.vault) or [v for v in [found.vault_password_file] if v])
    project, problems = read(playbooks, kinds=set(kinds), inventory=list(options.inventory or found.inventory),
                             extra=options.extra_vars, limit=",".join(options.limit), vault=vault.Vault(passwords))
    builder = _JobBuilder(project, DeclarationBuilder(kinds), Tags.of(options.tags, options.skip_tags),
                          [*problems.all, *_unlisted_kinds(found, kinds)])
    jobs = tuple(job for job in map(builder.job, project.hosts) if job)
    problems_once = tuple(_once(builder.problems))
    if any(d.severity == "error" for d in problems_once):
        raise InputError(problems_once)
    return Prepared(jobs, RunContext(kinds, builder.declare, lambda job: transport_for(job.settings)), problems_once)


def load_kinds(found: settings.ProjectSettings, trust: Trust) -> Mapping[str, Kind]:
    """Our kinds and those of the project. Raises InputError where a file of it cannot be loaded, or where somebody else
    may have written it."""
    folders = [Path(folder) for folder in found.modules]
    for folder in folders:
        trust.check_owners([folder, *shipped.files(folder)])
    return shipped.load(folders)


def _unlisted_kinds(found: settings.ProjectSettings, kinds: Mapping[str, Kind]) -> Iterable[Diagnostic]:
    """What lies where own kinds are kept by custom, and is none without a word in the settings."""
    folder = found.folder / "modules"
    if shipped.named_in(folder).keys() - kinds.keys():
        yield Diagnostic(Where(str(folder)), "the kinds in this folder are not loaded",
                         f"Write `modules: modules` into {settings.FILE}, if the project shall run them as code.", "warning")


class _JobBuilder:
    """Makes the jobs of a project's hosts. `problems` has what is wrong with any of them."""

    def __init__(self, project: Project, builder: DeclarationBuilder, tags: Tags, problems: Iterable[Diagnostic]) -> None:
        self.project, self.builder, self.tags = project, builder, tags
        self.problems = list(problems)
        self._told = frozenset[Diagnostic]()  # what was told before the first host was touched

    def job(self, host: str) -> HostJob | None:
        """The job of one host, or nothing where its connection is not known; its mistakes go to `problems`."""
        declarations, wrong, needs_facts = self._declare(host, None)
        self.problems += wrong
        connection = self._settings(host)
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
        declarations, wrong = self.builder.declarations(rendered.tasks)
        values = [d for task in rendered.partial for d in self.builder.value_problems(task)]
        return declarations, [*rendered.diagnostics, *wrong, *values], bool(rendered.needs_facts)

    def _settings(self, host: str) -> ConnectionSettings | None:
        variables, undefined = self.project.variables(host)
        self.problems += undefined
        if undefined:
            return None
        try:
            return settings_for(host, variables)
        except InputError as error:
            self.problems += [replace(d, host=host) for d in error.diagnostics]
            return None


def _once(problems: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """Each problem once, however many hosts have it, in the order of the places."""
    hosts: dict[Diagnostic, list[str]] = {}
    for d in problems:
        hosts.setdefault(replace(d, host=""), []).append(d.host)
    for d in sorted(hosts, key=lambda d: (d.where, d.summary)):
        named = list(dict.fromkeys(filter(None, hosts[d])))
        yield replace(d, host=named[0] + (f" and {len(named) - 1} more" if len(named) > 1 else "") if named else "")
