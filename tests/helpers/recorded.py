"""Runs on a host of the lab that leave a record, as those of the program do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hosts import LabHost

from ringfence.errors import ExitCode
from ringfence.model.declaration import Declarations
from ringfence.report import HostResult, Report, RunInfo
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.journal import Journal, runs_folder

Work = Callable[[HostJob, RunContext], HostResult]


def recorded_run(host: LabHost, folder: Path, work: Work, declared: Declarations | None = None) -> HostResult:
    """What becomes of the host in a run under its policy; the record is in the folder of the project."""
    info = RunInfo(host.policy.run_id, "apply", datetime.now(UTC))
    journal = Journal(runs_folder(folder) / f"{info.run_id}.jsonl", info, ["srv1"])
    context = replace(host.context(), possible=lambda host, facts: frozenset(), recorder=journal)
    result = work(host.job(declared or {}), context)
    journal.on_result(result)
    journal.close(Report(), 0.0, ExitCode.IN_SYNC)
    return result
