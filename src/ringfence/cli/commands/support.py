"""ringfence support: what helps others to find out what went wrong, without what it is about."""

import contextlib
import getpass
import importlib.metadata
import json
import locale
import os
import platform
import re
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from ringfence import __version__, kinds
from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, RunDir, SecretOptions, SelectionOptions, TrustOptions
from ringfence.cli.own_words import own_words
from ringfence.cli.prepared import prepared, trust_of
from ringfence.cli.project_names import ProjectNames, told_in
from ringfence.cli.redaction import Redaction
from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.documents.trust import Trust
from ringfence.errors import ExitCode
from ringfence.files import write_private
from ringfence.formats.data import diagnostic_data
from ringfence.project import settings
from ringfence.run.past_runs import PastRun, past_runs
from ringfence.run.prepare import Prepared

EXAMPLES = """
ringfence support support.json       then read it, and attach it to what you report
"""
MAX_RUNS = 10  # of the last ones, that are told
MAX_TOLD_PROBLEMS = 200  # mistakes and warnings that are told
NOTE = ("Made by `ringfence support`, for a report of a defect. Names of hosts, groups, objects, people, domains and addresses "
        "became words with numbers; rules, values of variables and secrets are not in it. Texts of messages are: read it before "
        "you send it.")
UNREAD = " Not all files of the project could be read: names that stand there alone may be left in them."
_QUOTED = re.compile(r"""(['"])(?!<)(.{1,200}?)\1""")
_AFTER_KIND = frozenset({
    "and", "are", "at", "for", "has", "in", "is", "of", "on", "or", "that", "there", "was", "where", "which", "with", "takes",
    "needs", "names"})


def support(console: Console, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
            file: Annotated[str, Argument(metavar="FILE", help="Where to; a new file.")], run_dir: RunDir = "") -> ExitCode:
    """Write what helps to find a defect, names hidden: versions, settings, mistakes, the last runs. Sends nothing."""
    if Path(file).exists():
        raise usage_error("there is such a file already", "name another one", Where(file))
    run, problems = _looked_at(console, selection, secrets, trusted)
    trust = trust_of(trusted)
    past: list[PastRun] = []
    said: dict[str, Any] = {}
    with contextlib.suppress(InputError):
        found = settings.load(Path.cwd(), trust)
        said = {name: one.value for name, one in found.run.items() if name != "extra_vars"}
        past = list(islice(past_runs(found.folder, run_dir, found.project), MAX_RUNS))
    mistakes, runs = [diagnostic_data(p) for p in problems[:MAX_TOLD_PROBLEMS]], [_run(one) for one in past]
    written, unread = _written(selection, secrets, trust)
    everything = "\n".join(_texts([said, mistakes, runs]))
    named = ((problem["host"], "host") for problem in mistakes if problem["host"])
    hide = Redaction([*_names(run, past), *named, *((name, "word") for name in told_in(written, everything))])
    told = {"note": NOTE + (UNREAD if unread else ""), "about": _about(), "settings": hide.data(said),
            "project": hide.data(_project(run)),
            "problems": [_without_names(one, hide, unread) for one in mistakes],
            "problems_left": max(0, len(problems) - MAX_TOLD_PROBLEMS), "runs": hide.data(runs)}
    try:
        write_private(file, [json.dumps(told, indent=1), "\n"])
    except OSError as error:
        raise InputError([Diagnostic(Where(file), error.strerror or str(error))]) from None
    console.show({"written": file}, f"{file}: read it before you send it to anybody\n")
    return ExitCode.IN_SYNC


def _looked_at(console: Console, selection: SelectionOptions, secrets: SecretOptions,
               trusted: TrustOptions) -> tuple[Prepared | None, tuple[Diagnostic, ...]]:
    """The project as far as it can be read, and what is wrong with it. That is told in the file, not on the terminal."""
    console.quiet = True
    try:
        run = prepared(console, [], selection, secrets, trusted, connects=False)
        return run, run.warnings
    except InputError as error:
        return None, error.diagnostics


def _written(selection: SelectionOptions, secrets: SecretOptions, trust: Trust) -> tuple[list[str], bool]:
    """What may be a name on the command line and in the files of the project, and whether there may be more of them."""
    file = settings.find(Path.cwd())
    folder = Path(os.path.relpath(file.parent)) if file else None
    named = [*selection.inventory, *(one.removeprefix("@") for one in (*secrets.extra_vars, *selection.limit))]
    reader = ProjectNames(replace(trust, programs=()).bounded(folder or Path(), named))
    said = (*selection.limit, *selection.tags, *selection.skip_tags, *secrets.extra_vars)
    return [*(name for one in said for name in reader.of_text(one, expression=True)), *(
        name for one in said for name in reader.of_text(one)), *reader.of_project(folder, selection.inventory)], reader.unread


def _without_names(problem: dict[str, Any], hide: Redaction, unread: bool) -> dict[str, Any]:
    """A problem without the names that are known by their place alone: what stands behind a kind, and where files are `unread`
    whatever stands in quotes."""
    own, names = own_words(), "|".join(kinds.load())
    problem = {key: hide.data(value) for key, value in problem.items()}
    behind = re.compile(rf"\b({names})(: (?=[^:\n]{{1,200}}: )[^:\n]+| [^\s:,;()]+)")

    def hidden(match: re.Match[str]) -> str:
        lead, name = (": ", match[2][2:]) if match[2].startswith(":") else (" ", match[2][1:])
        known = re.split(r"[.\[\s]", name)[0].casefold() in own or name in _AFTER_KIND or name.startswith("<")
        return match[0] if known else f"{match[1]}{lead}{hide.word(name, 'object')}"

    def text(told: str) -> str:
        told = behind.sub(hidden, told)
        return _QUOTED.sub(lambda m: m[0] if m[2].casefold() in own else f"{m[1]}{hide.word(m[2], 'word')}{m[1]}", told) if (
            unread) else told

    return {**problem, "summary": text(problem["summary"]), "detail": text(problem["detail"])}


def _texts(value: Any) -> Iterator[str]:
    """All texts in plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for one in pair for text in _texts(one))
    elif isinstance(value, list | tuple):
        yield from (text for one in value for text in _texts(one))


def _about() -> dict[str, Any]:
    """The program and what it runs on."""
    packages = {}
    for requirement in importlib.metadata.requires("ringfence") or ():
        name = re.split(r"[^\w-]", requirement)[0]
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = importlib.metadata.version(name)
    return {"ringfence": __version__, "python": platform.python_version(), "implementation": platform.python_implementation(),
            "system": platform.system(), "release": platform.release(), "machine": platform.machine(), "cores": os.cpu_count(),
            "encodings": {"stdout": sys.stdout.encoding, "preferred": locale.getpreferredencoding(False)},
            "terminal": sys.stdout.isatty(), "packages": packages}


def _project(run: Prepared | None) -> dict[str, Any] | None:
    """How large it is, and how hosts are reached; nothing of what it says."""
    if run is None:
        return None
    declared = Counter(id.kind for job in run.jobs for id in job.declarations or ())
    ways = Counter(type(job.settings).__name__.removesuffix("Settings").lower() for job in run.jobs)
    return {"hosts": len(run.jobs), "groups": len(run.groups), "declared": dict(declared), "ways": dict(ways),
            "wait_for_facts": sum(job.needs_facts for job in run.jobs), "files": len(run.read)}


def _run(one: PastRun) -> dict[str, Any]:
    """A run without what it changed."""
    errors = Counter((str(error.get("kind")), str(error.get("message"))[:300]) for host in one.hosts.values()
                     if isinstance(error := host.data.get("error"), dict))
    counts = {name: sum(host.count(name) for host in one.hosts.values()) for name in ("planned", "made", "proven")}
    return {"run_id": one.run_id, "command": one.begin.get("command"), "ringfence": one.begin.get("ringfence"),
            "state": one.state, "exit_code": one.end.get("exit_code"), "damaged": one.damaged,
            "statuses": dict(Counter(h.status for h in one.hosts.values())), **counts,
            "errors": [{"kind": kind, "message": message, "hosts": n} for (kind, message), n in errors.most_common(20)]}


def _names(run: Prepared | None, past: list[PastRun]) -> Iterator[tuple[str, str]]:
    """What is known to be a name."""
    yield from ((name, "host") for one in past for name in one.hosts)
    yield from ((part, "folder") for part in (Path.home().name, Path.cwd().name) if part)
    with contextlib.suppress(OSError, KeyError, ImportError):
        yield getpass.getuser(), "user"
    yield socket.gethostname(), "machine"
    for one in past:
        if isinstance(project := one.begin.get("project"), dict) and isinstance(name := project.get("name"), str):
            yield name, "project"
    if run is None:
        return
    if run.context.policy.project:
        yield run.context.policy.project.name, "project"
        yield run.context.policy.project.id, "project"
    yield from ((name, "group") for name in run.groups if name not in ("all", "ungrouped"))
    yield from ((name, "host") for names in run.groups.values() for name in names)
    for job in run.jobs:
        yield job.host, "host"
        yield from ((str(said), "address") for field in ("host", "address") if (said := getattr(job.settings, field, "")))
        yield from ((str(said), "user") for field in ("user",) if (said := getattr(job.settings, field, "")))
        for id, declared in (job.declarations or {}).items():
            yield getattr(declared, "name", "") or getattr(getattr(declared, "resource", None), "name", "") or id.name, "object"
