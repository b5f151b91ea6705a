"""Runs that write: one at a time for a project, each with its record."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ringfence.cli.console import Console
from ringfence.cli.options import RecordOptions
from ringfence.run.journal import Journal, runs_folder
from ringfence.run.prepare import Prepared
from ringfence.run.run_lock import locked


@contextmanager
def recording(console: Console, run: Prepared, record: RecordOptions, options: Mapping[str, Any] | None = None,
              others: Sequence[str] = ()) -> Iterator[tuple[Prepared, Journal]]:
    """The run, whose hosts are recorded in the journal beside it; nothing is written as long as another run of the project is at
    work. options: how to do it again · others: hosts that it is about, and that need no work. Raises InputError."""
    with locked(run.folder, console.run.run_id, record.lock_timeout, record.run_dir):
        hosts = [*dict.fromkeys([*(job.host for job in run.jobs), *others])]
        path = runs_folder(run.folder, record.run_dir) / f"{console.run.run_id}.jsonl"
        journal = Journal(path, console.run, hosts, options)
        yield replace(run, context=replace(run.context, recorder=journal)), journal
    if journal.problem:
        console.reports.fails(f"the record {path} took no more: {journal.problem}. The run went on to its end")
    if journal.interruption:
        again = f". Go on with: ringfence apply --resume {console.run.run_id}" if options is not None else ""
        console.say(f"record: {path}{again}")
