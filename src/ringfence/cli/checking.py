"""Before the first host of a run is written, all of them are read and checked: a mistake that only a host shows ends the run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ringfence.cli.console import Console
from ringfence.report import HostResult
from ringfence.run.fleet import FleetRun
from ringfence.run.host import HostJob
from ringfence.run.journal import Journal
from ringfence.views.format import all_names, count


@dataclass
class CheckedHosts:
    """What came of the first look. done: hosts to which nothing has to be written, or may be · invalid: those on which what is
    declared is wrong · to_write: those that are to be written, {host: what looking at it took}."""

    done: list[HostResult] = field(default_factory=list)
    invalid: list[HostResult] = field(default_factory=list)
    to_write: dict[str, HostResult] = field(default_factory=dict)


def check_hosts(console: Console, jobs: Sequence[HostJob], look: Callable[[HostJob], HostResult], forks: int,
                journal: Journal) -> CheckedHosts:
    """Look at all hosts. look: reads and plans a host, and writes nothing."""
    found = CheckedHosts()
    with journal.interruption.heard(), console.progress(len(jobs), "read") as advance:
        for result in FleetRun(jobs, look, forks, (), journal).results():
            advance()
            if result.status == "invalid":
                found.invalid.append(result)
            elif result.waits:  # what is to be changed is not kept: a fleet of any size fits
                found.to_write[result.host] = HostResult(result.host, connections=result.connections, seconds=result.seconds)
            else:
                found.done.append(result)
    if found.invalid:
        names = all_names([result.host for result in found.invalid])
        console.say(f"error: nothing is written to any host: what is declared is wrong on {count(len(found.invalid), 'host')} "
                    f"({names}), which only the host shows")
    return found


def with_first_look(result: HostResult, before: HostResult | None) -> HostResult:
    """A result with what the first look took."""
    if before is None:
        return result
    return replace(result, connections=result.connections + before.connections,
                   seconds=round(result.seconds + before.seconds, 3))
