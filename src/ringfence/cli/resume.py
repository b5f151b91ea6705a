"""Going on with a run that did not come to its end."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ringfence.cli.command import usage_error
from ringfence.cli.options import OwnershipOptions, RecordOptions, SelectionOptions, TrustOptions
from ringfence.cli.prepared import prune_of, selection_of, trust_of
from ringfence.formats.plan_file import decode_options
from ringfence.project import settings
from ringfence.run.past_runs import past_run


def resumed(resume: str, record: RecordOptions, trusted: TrustOptions, files: list[str], selection: SelectionOptions,
             ownership: OwnershipOptions,
             ) -> tuple[list[str], SelectionOptions, OwnershipOptions, Sequence[str], Sequence[Sequence[str]]]:
    """How a run was made that is to be gone on with, the hosts that are left, and its waves. Raises InputError."""
    if files or selection != SelectionOptions([], [], [], []):
        raise usage_error("--resume does not go with files, -i, -l, -t or --skip-tags", "They are those of the run.")
    folder = settings.load(Path.cwd(), trust_of(trusted)).folder
    past = past_run(folder, resume, record.run_dir)
    if past.is_running:
        raise usage_error(f"the run {past.run_id} is at work")
    options = past.begin.get("options")
    if not isinstance(options, dict):
        raise usage_error(f"the run {past.run_id} was no apply", "Call its command again.")
    if not past.left:
        raise usage_error(f"the run {past.run_id} is done: no host is left")
    if plan := options.get("plan_file"):
        return [str(plan)], selection, ownership, past.left, past.waves
    try:
        again = decode_options(options)
    except (ValueError, KeyError) as error:
        raise usage_error(f"the record of the run {past.run_id} is damaged: {error}") from None
    return [*again["playbooks"]], selection_of(again), replace(ownership, prune=prune_of(again)), past.left, past.waves
