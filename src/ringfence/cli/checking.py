"""Before the first host of a run is written, all of them are read and checked: a mistake that only a host shows ends the run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from ringfence.cli.console import Console
from ringfence.cli.options import FleetOptions
from ringfence.errors import ExitCode
from ringfence.report import HostResult
from ringfence.run.fleet import FleetRun
from ringfence.run.host_job import HostJob
from ringfence.run.host_pool import HostWork
from ringfence.run.journal import Journal
from ringfence.run.open_pool import open_pool
from ringfence.views.format import all_names, count


class CheckableWork(Protocol):
    """What is done to a host; not `write`: it is only read and planned."""

    def __call__(self, job: HostJob, write: bool = True) -> HostResult: ...


@dataclass
class CheckedHosts:
    """What came of the first look. done: hosts to which nothing has to be written, or may be · invalid: those on which what is
    declared is wrong · to_write: those that are to be written, {host: what looking at it took} · not_begun: those that were not
    looked at, for the run was interrupted."""

    done: list[HostResult] = field(default_factory=list)
    invalid: list[HostResult] = field(default_factory=list)
    to_write: dict[str, HostResult] = field(default_factory=dict)
    not_begun: tuple[str, ...] = ()


def check_then_write(console: Console, jobs: Sequence[HostJob], work: CheckableWork, hosts: FleetOptions,
                     show: Callable[..., ExitCode], before: Sequence[HostResult], journal: Journal) -> ExitCode:
    """`work` on all hosts once all were read and checked; on none where what is declared is wrong on one of them.

    show: shows the work on some hosts, as show_run does · before: results of hosts that need no work.
    """
    seen = _check(console, jobs, partial(work, write=False), hosts, journal)
    before = [*before, *seen.done]
    if seen.invalid:
        tell_invalid(console, [result.host for result in seen.invalid])
        return show((), work, before=[*before, *seen.invalid], held=[*seen.to_write, *seen.not_begun])
    left = [job for job in jobs if job.host in seen.to_write]
    return show(left, partial(_looked_at_before, work=work, seen=seen), before=before, held=seen.not_begun)


def tell_invalid(console: Console, hosts: Sequence[str]) -> None:
    """Say why nothing is written."""
    console.say(f"error: nothing is written to any host: what is declared is wrong on {count(len(hosts), 'host')} "
                f"({all_names(hosts)}), which only the host shows")


def _check(console: Console, jobs: Sequence[HostJob], look: HostWork, hosts: FleetOptions,
           journal: Journal) -> CheckedHosts:
    found = CheckedHosts()
    with (journal.interruption.heard(), open_pool(jobs, look, hosts.forks, hosts.processes, journal) as pool,
          console.progress(len(jobs), "read") as advance):
        fleet = FleetRun(jobs, look, hosts.forks, (), journal, pool)
        for result in fleet.results():
            advance(result)
            if result.status == "invalid":
                found.invalid.append(result)
            elif result.waits:  # what is to be changed is not kept: a fleet of any size fits
                found.to_write[result.host] = HostResult(result.host, connections=result.connections, seconds=result.seconds)
            else:
                found.done.append(result)
    found.not_begun = fleet.not_begun
    return found


def _looked_at_before(job: HostJob, work: CheckableWork, seen: CheckedHosts) -> HostResult:
    """What came of a host, with what the first look at it took."""
    result, before = work(job), seen.to_write[job.host]
    return replace(result, connections=result.connections + before.connections,
                   seconds=round(result.seconds + before.seconds, 3))
