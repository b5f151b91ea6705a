"""From flags to a prepared run: what `validate`, `plan`, `apply` and `drift` have in common."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import (
    InventoryOptions,
    OwnershipOptions,
    RolloutOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
)
from ringfence.cli.resolved_settings import COMMAND_LINE
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.documents.trust import Trust
from ringfence.errors import ExitCode
from ringfence.run.project_state import project_state
from ringfence.run.run_options import RunOptions
from ringfence.run_settings import SETTINGS, InventoryEngine, PruneMode

if TYPE_CHECKING:  # what reads projects is imported when one is read: --help need not wait for it
    from ringfence.model.resource import Kind
    from ringfence.run.prepare import Prepared

NOTHING_SAID = OwnershipOptions([])


def prepared(console: Console, playbooks: Sequence[str], selection: SelectionOptions, secrets: SecretOptions,
             trusted: TrustOptions, connects: bool = True, ownership: OwnershipOptions = NOTHING_SAID,
             narrowed: Sequence[str] = (), decided: bool = False, rollout: RolloutOptions | None = None) -> "Prepared":
    """Everything read, rendered and checked; warnings are shown. `connects`: hosts will be connected to ·
    `narrowed`: of the selected ones only these · `decided`: see RunOptions. Raises InputError with every mistake."""
    from ringfence.run.prepare import prepare

    options = _options(console, playbooks, selection, secrets, trusted, connects)
    if rollout:
        options = replace(options, rollout=rollout.of_waves, window=rollout.window)
    found = prepare(replace(options, **{**asdict(ownership), "prune": ownership.prune or ""}, narrowed=narrowed,
                            decided=decided))
    if connects and found.context.policy.project is None:
        found = replace(found, warnings=(*found.warnings, _nothing_is_owned(found)))
    return _told(console, found, options, connects)


def _nothing_is_owned(found: "Prepared") -> Diagnostic:
    from ringfence.project.settings import FILE

    asked = {found.context.policy.prune, *(job.prune for job in found.jobs)} - {None, "report", "never"}
    return Diagnostic(NOWHERE, f"{FILE} has no `project`: nothing is owned in its name" + (
        ", and prune removes nothing" if asked else ""), "Objects that a run makes are anybody's to the next one, and stay when "
        "their task goes. `ringfence init` writes such a block", "warning" if asked else "note")


def prepared_hosts(console: Console, pattern: Sequence[str], which: InventoryOptions, secrets: SecretOptions,
                   trusted: TrustOptions, connects: bool = True, own_kinds: bool = False, reached: bool = True,
                   variables: bool = True) -> "Prepared":
    """The hosts that a pattern means, for commands that only look at them: without playbooks. `reached`: their connections are
    looked at, too; `variables`: and not their names alone. Otherwise as `prepared`."""
    from ringfence.run.prepare import prepare_hosts

    options = _options(console, [], which, secrets, trusted, connects)
    return _told(console, prepare_hosts(options, pattern, own_kinds, reached, variables), options, connects)


def _told(console: Console, found: "Prepared", options: RunOptions, connects: bool) -> "Prepared":
    console.problems(found.warnings)
    console.groups = found.groups
    found = replace(found, warnings=(*console.settings.problems.warnings, *found.warnings))  # those were told before
    console.of_project(partial(project_state, found.folder, found.context.policy.project, not options.trust.untrusted))
    if console.reports.wanted:
        found = replace(found, context=replace(found.context, for_report=True))
    return with_names(found) if connects and (console.for_people or console.reports.wanted) else found


def _options(console: Console, playbooks: Sequence[str], which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions,
             connects: bool) -> RunOptions:
    allowed = replace(trust_of(trusted), named=_named(console), ansible_reads=trusted.engine == InventoryEngine.ansible)
    if allowed.untrusted and connects:
        raise usage_error("an untrusted project leads to no host", "Use `ringfence validate`, or --list-hosts.")
    return RunOptions(project=Path.cwd(), playbooks=playbooks, **asdict(which), extra_vars=secrets.extra_vars,
                      vault=secrets.vault, ask=console.ask_secret, user=secrets.user,
                      password=console.ask_secret("Password of the connection: ") if secrets.ask_pass and connects else None,
                      trust=allowed, connects=connects,
                      ignore_ansible_cfg=trusted.ignore_ansible_cfg, allow_empty=trusted.allow_empty, run_id=console.run_id,
                      began=console.began, heeded=console.settings.heeded, forks=console.settings.of_command("forks"),
                      verbosity=console.settings.of_command("verbose") or 0)


def _named(console: Console) -> tuple[str, ...]:
    """The inventories that the user names, by a flag or a variable: not those of ringfence.yml, of a plan file or of a record."""
    row = SETTINGS["inventory"]
    by_user = console.settings.source("inventory") in (COMMAND_LINE, row.variable, row.ansible)
    named = console.settings.value("inventory", []) if by_user else []
    return tuple(os.path.realpath(os.path.expanduser(path)) for path in named)


def with_names(run: "Prepared") -> "Prepared":
    """The run with what hosts call what they store: asked where somebody is going to see it."""
    from ringfence.run.names import names_on_host

    return replace(run, context=replace(run.context, names=names_on_host))


def plan_options(playbooks: Sequence[str], selection: SelectionOptions, ownership: OwnershipOptions) -> dict[str, list[str]]:
    """How a plan is made, as a plan file keeps it (formats.plan_file.OPTIONS). What loosens a guard is not kept."""
    return {"playbooks": list(playbooks), **asdict(selection), "prune": [str(ownership.prune)] if ownership.prune else []}


def given_selection(console: Console, selection: SelectionOptions) -> SelectionOptions:
    """What the command line itself selects, for runs that were selected before: of a plan file, or of a record."""
    return SelectionOptions(**{name: value if console.settings.given(name) else [] for name, value in asdict(selection).items()})


def selection_of(options: Mapping[str, Sequence[str]]) -> SelectionOptions:
    """The flags with which a plan of these options was made."""
    return SelectionOptions(**{name: [*values] for name, values in options.items() if name not in ("playbooks", "prune")})


def prune_of(options: Mapping[str, Sequence[str]]) -> PruneMode | None:
    """The `--prune` with which a plan of these options was made."""
    return next((PruneMode(mode) for mode in options["prune"]), None)


def trust_of(trusted: TrustOptions) -> Trust:
    """What the user allows. Raises InputError."""
    from ringfence.documents import trust_file

    return trust_file.load(trusted.untrusted, trusted.trust_dir, trusted.allow_program)


def known_kinds(own: bool, trusted: TrustOptions) -> "Mapping[str, Kind]":
    """Our kinds, and where asked for also those of the project that the current folder belongs to. Raises InputError."""
    from ringfence import kinds
    from ringfence.project import settings
    from ringfence.run.prepare import load_kinds

    if not own:
        return kinds.load()
    allowed = trust_of(trusted)
    return load_kinds(settings.load(Path.cwd(), allowed), allowed)


def list_plays(console: Console, run: "Prepared", tasks: bool) -> ExitCode:
    """Ansible's --list-tasks, or else its --list-tags."""
    from ringfence.cli.plays_text import plays_data, tags_text, tasks_text

    plays = run.project.plays if run.project else ()
    console.show(plays_data(plays, run.tags), tasks_text(plays, run.tags) if tasks else tags_text(plays))
    return ExitCode.IN_SYNC


def list_hosts(console: Console, run: "Prepared") -> ExitCode:
    """Ansible's --list-hosts."""
    names = [job.host for job in run.jobs]
    console.show({"hosts": names}, f"  hosts ({len(names)}):\n" + "".join(f"    {name}\n" for name in names))
    return ExitCode.IN_SYNC
