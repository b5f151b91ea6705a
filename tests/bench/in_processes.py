"""A plan of a fleet whose answers were made before, so that nothing is measured but the work of the controller."""

import os
import pickle
import resource
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ringfence.batch import Batch, Reply
from ringfence.documents.trust import Trust
from ringfence.errors import ExitCode
from ringfence.report import Report, RunInfo
from ringfence.run.fleet import FleetRun
from ringfence.run.host import plan_host
from ringfence.run.host_job import HostJob
from ringfence.run.open_pool import open_pool
from ringfence.run.prepare import Prepared, RunOptions, prepare
from ringfence.run.recorder import Recorder
from ringfence.views.table import VIEWS
from ringfence.views.view import ViewOptions

from .answers import Answers
from .policy import strings

FORKS, ANSWERS, RUN_ID = 20, "answers.pickle", "0123456789abcdef"
Frames = dict[tuple[str, tuple[str, ...]], bytes]  # (host, the verbs that it was asked) -> what it printed


class _Recording(Answers):
    frames: Frames

    def run(self, batch: Batch) -> Reply:
        batch = replace(batch, run_id=RUN_ID)
        frame = self.frames[self.job.host, _verbs(batch)] = self.frame(batch)
        return batch.decode(frame)


class _Recorded:
    def __init__(self, host: str, frames: Frames) -> None:
        self.host, self.frames = host, frames

    def run(self, batch: Batch) -> Reply:
        return replace(batch, run_id=RUN_ID).decode(self.frames[self.host, _verbs(batch)])


def _verbs(batch: Batch) -> tuple[str, ...]:
    return tuple(call.verb for call in batch.calls.values())


def record(project: str) -> dict[str, Any]:
    """Have every host planned once, and keep what it answered: every third one has differences."""
    run, frames, builtin = _prepared(project), Frames(), [[name, "String", text] for name, text in strings(300)]
    numbers = {job.host: number for number, job in enumerate(run.jobs)}

    def connect(job: HostJob) -> _Recording:
        made = _Recording(job, run.context, numbers[job.host], builtin)
        made.frames = frames
        return made

    states = Counter(plan_host(job, replace(run.context, connect=connect)).status for job in run.jobs)
    (Path(project) / ANSWERS).write_bytes(pickle.dumps(frames))
    return {"states": dict(states)}


def plan(project: str, processes: str) -> dict[str, Any]:
    """A plan in so many processes, with the text that people read: seconds, and CPU seconds of the main process and others."""
    begun = time.process_time()
    run = _prepared(project)
    prepared = time.process_time() - begun
    frames: Frames = pickle.loads((Path(project) / ANSWERS).read_bytes())
    context = replace(run.context, connect=lambda job: _Recorded(job.host, frames))
    work, view = partial(plan_host, context=context), VIEWS["text"](ViewOptions(RunInfo("bench", "plan", datetime.now(UTC))))
    recorder, report, states = Recorder(), Report(), Counter[str]()
    begun, used = time.monotonic(), _cpu()
    with open(os.devnull, "w", encoding="utf-8") as out, open_pool(run.jobs, work, FORKS, int(processes), recorder) as submit:
        for result in FleetRun(run.jobs, work, FORKS, (), recorder, submit=submit).results():
            states[result.status] += 1
            report.add(result)
            out.write(view.host(result))
        out.write(view.end(report, 1.0, ExitCode.IN_SYNC))
    wall = time.monotonic() - begun
    return {"states": dict(states), "wall": wall, "prepared": prepared,
            **{name: now - then for name, now, then in zip(("main", "others"), _cpu(), used, strict=True)}}


def _prepared(project: str) -> Prepared:
    return prepare(RunOptions(Path(project), trust=Trust()))


def _cpu() -> tuple[float, ...]:
    """CPU seconds of this process, and of those that it began and that have ended."""
    return tuple(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
