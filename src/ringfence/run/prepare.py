"""From files and flags to jobs: everything read, rendered and checked before any host is touched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ringfence import kinds as shipped
from ringfence.errors import NOWHERE, Diagnostic, InputError, Where
from ringfence.facts import Facts
from ringfence.project import Project, Tags, read, settings, vault
from ringfence.project.desired import Declarer
from ringfence.resource import Kind
from ringfence.run.converge import Job, Later
from ringfence.state import Desired
from ringfence.transports import way_to


@dataclass(frozen=True)
class Request:
    """What the command line asked for; what is empty comes from `ringfence.yml` in `project` or above it."""

    project: Path
    playbooks: Sequence[str] = ()
    inventory: Sequence[str] = ()
    limit: Sequence[str] = ()
    tags: Sequence[str] = ()
    skip_tags: Sequence[str] = ()
    extra_vars: Sequence[str] = ()
    vault: Sequence[str] = ()


@dataclass(frozen=True)
class Prepared:
    """A run that is ready: a job a host, and what is worth a warning."""

    jobs: tuple[Job, ...]
    kinds: Mapping[str, Kind]
    warnings: tuple[Diagnostic, ...] = ()


def prepare(request: Request) -> Prepared:
    """Everything that can be known without a host. Raises InputError with every mistake in every file."""
    found = settings.load(request.project)
    kinds = kinds_of(found.folder)
    playbooks = list(request.playbooks or found.playbooks)
    if not playbooks:
        raise InputError([Diagnostic(NOWHERE, "no playbook is given",
                                     "name one, or list them under `playbooks` in ringfence.yml")])
    passwords = vault.passwords(list(request.vault) or [v for v in [found.vault_password_file] if v])
    project, wrong = read(playbooks, kinds=set(kinds), inventory=list(request.inventory or found.inventory),
                          extra=request.extra_vars, limit=",".join(request.limit), vault=vault.Vault(passwords))
    problems = list(wrong.all)
    prepare_one = partial(_job, project, Declarer(kinds), Tags.of(request.tags, request.skip_tags), problems)
    jobs = tuple(job for job in map(prepare_one, project.hosts) if job)
    told = tuple(_once(problems))
    if any(d.severity == "error" for d in told):
        raise InputError(told)
    return Prepared(jobs, kinds, told)


def kinds_of(folder: Path) -> Mapping[str, Kind]:
    """Our kinds and those of a project's `modules/`. Raises InputError where a file of it cannot be loaded."""
    modules = folder / "modules"
    try:
        return shipped.load(folder if modules.is_dir() else None)
    except Exception as error:  # the project's own code may do anything
        raise InputError([Diagnostic(Where(str(modules)), f"the project's kinds cannot be loaded: {error}",
                                     f"{type(error).__name__}, raised by a file in that folder")]) from error


def _job(project: Project, declarer: Declarer, tags: Tags, problems: list[Diagnostic], host: str) -> Job | None:
    """The job of one host; its mistakes go to `problems`."""

    def declared(facts: Facts | None) -> tuple[Desired, list[Diagnostic], bool]:
        rendered = project.render(host, None if facts is None else facts.raw, tags)
        desired, wrong = declarer.desired(rendered.tasks)
        values = [d for task in rendered.partial for d in declarer.values(task)]
        return desired, [*rendered.diagnostics, *wrong, *values], bool(rendered.waiting)

    def with_facts(facts: Facts) -> tuple[Desired, list[Diagnostic]]:
        desired, wrong, _ = declared(facts)
        return desired, [d for d in wrong if d.severity == "error" or d not in problems]

    desired, wrong, waiting = declared(None)
    problems += wrong
    variables, undefined = project.variables(host)
    problems += undefined
    if undefined:
        return None
    try:
        connect = way_to(host, variables)
    except InputError as error:
        problems += [replace(d, host=host) for d in error.diagnostics]
        return None
    kept = desired if declarer.room else Later(len(desired), lambda: declared(None)[0])
    return Job(host, kept, connect, with_facts if waiting else None)


def _once(problems: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """Each problem once, however many hosts have it, in the order of the places."""
    hosts: dict[Any, list[str]] = {}
    for d in problems:
        hosts.setdefault(replace(d, host=""), []).append(d.host)
    for d in sorted(hosts, key=lambda d: (d.where, d.summary)):
        named = list(dict.fromkeys(filter(None, hosts[d])))
        yield replace(d, host=named[0] + (f" and {len(named) - 1} more" if len(named) > 1 else "") if named else "")
