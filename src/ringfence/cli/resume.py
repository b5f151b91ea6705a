"""Going on with a run that did not come to its end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ringfence.cli.command import usage_error
from ringfence.cli.options import OwnershipOptions, RecordOptions, RolloutOptions, SelectionOptions, TrustOptions
from ringfence.cli.prepared import prune_of, selection_of, trust_of
from ringfence.formats.plan_file import OPTIONS, decode_options
from ringfence.project import settings
from ringfence.run.past_runs import past_run


@dataclass(frozen=True, slots=True)
class ResumedRun:
    """How a run was made that is gone on with. left: the hosts that are not known to be done · waves: those of the run."""

    files: list[str]
    selection: SelectionOptions
    ownership: OwnershipOptions
    rollout: RolloutOptions
    left: Sequence[str]
    waves: Sequence[Sequence[str]]


def resumed(resume: str, record: RecordOptions, trusted: TrustOptions, now: ResumedRun) -> ResumedRun:
    """A run that is to be gone on with; `now`: what the command line says. Raises InputError."""
    if now.files or now.selection != SelectionOptions([], [], [], []):
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
    try:
        waves = options.get("rollout", {})
        found = replace(now, rollout=now.rollout.completed(waves if isinstance(waves, dict) else {}), left=past.left,
                        waves=past.waves)
        if not now.rollout.verify and any(check.kind == "command" for check in found.rollout.verify):
            raise usage_error(f"the run {past.run_id} had a command run after its waves, which a record alone may not",
                              "Give its --verify again, all of them.")
        if plan := options.get("plan_file"):
            return replace(found, files=[str(plan)])
        again = decode_options({name: value for name, value in options.items() if name in OPTIONS})
    except (ValueError, KeyError, TypeError) as error:
        raise usage_error(f"the record of the run {past.run_id} is damaged: {error}") from None
    return replace(found, files=[*again["playbooks"]], selection=selection_of(again),
                   ownership=replace(now.ownership, prune=prune_of(again)))
