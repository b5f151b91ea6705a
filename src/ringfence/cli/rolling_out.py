"""How `apply` goes over its hosts: all are read and checked before the first is written, then wave after wave."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import FleetOptions
from ringfence.errors import ExitCode
from ringfence.report import HostResult
from ringfence.rollout.rollout_policy import ASK
from ringfence.rollout.waves import Apart
from ringfence.run.fleet import FleetRun
from ringfence.run.host_job import HostJob
from ringfence.run.journal import Journal
from ringfence.run.open_pool import open_pool
from ringfence.run.past_runs import DONE_STATUSES, BegunWave
from ringfence.run.prepare import Prepared
from ringfence.run.rollout import HostWork, Rollout, RolloutWave, apart_keys, begun_first, planned_waves
from ringfence.run.same_machine import SameMachine
from ringfence.run.wave_verification import WaveVerification
from ringfence.run_settings import UnreachableHosts
from ringfence.views.format import all_names, count

_HERE = "127.0.0.1"  # where a host without an address is


@dataclass
class CheckedHosts:
    """What came of the first look. done: hosts to which nothing has to be written, or may be · invalid: those on which what is
    declared is wrong · to_write: those that are to be written, {host: what looking at it took, and its facts where they are
    wanted} · not_begun: those that were not looked at, for the run was interrupted · facts: those by which hosts are to be kept
    apart and that some host has; None where nobody looked · seconds: what it took."""

    done: list[HostResult] = field(default_factory=list)
    invalid: list[HostResult] = field(default_factory=list)
    to_write: dict[str, HostResult] = field(default_factory=dict)
    not_begun: tuple[str, ...] = ()
    facts: set[str] | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class GoneOnWith:
    """What is there of a run that is gone on with. waves: the hosts of each, where they hold on · begun: the last one that it
    began · jobs: those of its hosts."""

    waves: Sequence[Sequence[str]] = ()
    begun: BegunWave | None = None
    jobs: Sequence[HostJob] = ()

    def done(self, run: Prepared, before: Sequence[HostResult]) -> list[HostJob]:
        """The hosts of the wave begun last that are done, by the record or by what was seen of them now, and of which that wave
        owes something. before: results of hosts that need no work."""
        left = {job.host for job in run.jobs} | {result.host for result in before}
        left -= {result.host for result in before if result.status in DONE_STATUSES}
        return [job for job in self.jobs if job.host not in left and self.begun and self.begun.is_owed(job.rollout)]

    def recorded(self, hosts: Collection[str], to_write: Collection[str], done: Sequence[HostJob]) -> Sequence[Sequence[str]]:
        """The waves, as long as they begin with somebody: a host of them is done, and will be looked at or was, or one of the
        first is to be written. hosts: those of the run that goes on."""
        first = self.waves[0] if self.waves else ()
        gone = {*(self.begun.hosts if self.begun else ())} - {job.host for job in self.jobs}  # nobody looks at them
        no_canary = {*hosts, *gone} - {job.host for job in done}
        canary = any(host not in no_canary for wave in self.waves for host in wave) or any(host in to_write for host in first)
        return self.waves if canary else ()


def check_policies(console: Console, run: Prepared) -> None:
    """Raises InputError where a run cannot go as its hosts want it: a question to nobody."""
    for policy in dict.fromkeys(job.rollout for job in run.jobs):
        if policy.pause == ASK and not console.can_ask:
            raise usage_error(f"pause: {ASK} asks between two waves, and there is nobody to ask", "give a duration: --pause 10m")


def keeps_facts(run: Prepared) -> bool:
    """Whether waves depend on what hosts say of themselves."""
    return bool(apart_by_facts(run))


def apart_by_facts(run: Prepared) -> tuple[Apart, ...]:
    """What keeps hosts apart by what they say of themselves."""
    policies = dict.fromkeys(job.rollout for job in run.jobs)
    return tuple(dict.fromkeys(one for policy in policies for one in policy.apart if one.fact))


def roll_out(console: Console, run: Prepared, work: HostWork, hosts: FleetOptions, show: Callable[..., ExitCode],
             before: Sequence[HostResult], journal: Journal, *, read: CheckedHosts | None = None,
             again: GoneOnWith | None = None) -> ExitCode:
    """`work` on all hosts once all were read and checked; on none where what is declared is wrong on one of them.

    show: shows the work on some hosts, as show_run does · before: results of hosts that need no work: they are of the run, and
    count among those that may fail · read: what came of the first look, where that was before · again: the run that is gone on
    with; what that left and nobody names any more counts no further.
    """
    apart = apart_by_facts(run)
    seen = read or _read(console, undecided(run, before), partial(work, write=False), hosts, journal, apart)
    before, show = [*before, *seen.done], partial(show, earlier=seen.seconds)
    if seen.invalid:
        tell_invalid(console, [result.host for result in seen.invalid])
        return show((), work, before=[*before, *seen.invalid], held=[*seen.to_write, *seen.not_begun])
    jobs = [job for job in run.jobs if job.host in seen.to_write]
    planned, done = _planned(console, run, jobs, seen, before, again)
    policies = {job.host: job.rollout for job in run.jobs}
    # no play names them: they count everywhere
    strangers = [result for result in before if result.host not in policies and not again]
    total = {policy: number + len(strangers) for policy, number in Counter(policies.values()).items()}
    total = dict.fromkeys((job.rollout for job in done), 0) | total
    failed = [(policies[result.host], result) for result in before if result.host in policies]
    failed += [(policy, result) for policy in total for result in strangers]
    addresses = {job.host: getattr(job.settings, "host", "") or _HERE for job in [*jobs, *done]}
    verification = WaveVerification(run.folder, addresses,
                                    {"RINGFENCE_RUN_ID": console.run_id}, lambda: bool(journal.interruption),
                                    run.context.patience)
    unknown = [one.by for one in apart if seen.facts is not None and one.by not in seen.facts and not again]
    make = partial(Rollout, planned, work, hosts.forks, verification=verification, total=total, seen=seen.to_write,
                   failed=failed, patience=run.context.patience,
                   ignore_unreachable=hosts.unreachable != UnreachableHosts.fail, go_on=console.go_on,
                   stopped=f"apart: no host has the fact {unknown[0]}" if unknown else "")
    if len(planned) > 1:
        journal.rollout([wave.hosts for wave in planned])
    return show(jobs, work, before=before, held=seen.not_begun, rollout=make)


def _planned(console: Console, run: Prepared, jobs: Sequence[HostJob], seen: CheckedHosts, before: Sequence[HostResult],
             again: GoneOnWith | None) -> tuple[tuple[RolloutWave, ...], Sequence[HostJob]]:
    """The waves, and the hosts of them that were done before."""
    again = again or GoneOnWith()
    done = again.done(run, before)
    recorded = again.recorded({*(job.host for job in run.jobs), *(result.host for result in before)}, seen.to_write, done)
    planned = planned_waves(jobs, lambda job: _apart(job, run, seen), console.run_id, recorded)
    # where what was looked at did not hold, nothing more is written until it does, in that wave either
    together = again.begun and recorded and again.begun.verified is not False
    return begun_first(planned, done, frozenset(again.begun.hosts if again.begun and together else ())), done


def undecided(run: Prepared, before: Sequence[HostResult]) -> tuple[HostJob, ...]:
    """The jobs of the hosts of which it is not known yet what becomes of them."""
    known = {result.host for result in before}
    return tuple(job for job in run.jobs if job.host not in known)


def tell_invalid(console: Console, hosts: Sequence[str]) -> None:
    """Say why nothing is written."""
    console.say(f"error: nothing is written to any host: what is declared is wrong on {count(len(hosts), 'host')} "
                f"({all_names(hosts)}), which only the host shows")


def _read(console: Console, jobs: Sequence[HostJob], look: Callable[[HostJob], HostResult], hosts: FleetOptions,
          journal: Journal, apart: Sequence[Apart]) -> CheckedHosts:
    found, facts, began, machines = CheckedHosts(), set[str](), time.monotonic(), SameMachine()
    with (journal.interruption.heard(), open_pool(jobs, look, hosts.forks, hosts.processes, journal) as submit,
          console.progress(len(jobs), "read") as advance):
        fleet = FleetRun(jobs, look, hosts.forks, (), journal, submit=submit, machines=machines)
        for result in fleet.results():
            advance(result)
            facts.update(one.by for one in apart if one.is_known_to(result.facts))
            if result.status == "invalid":
                found.invalid.append(result)
            elif result.waits:  # what is to be changed is not kept: a fleet of any size fits
                found.to_write[result.host] = HostResult(result.host, connections=result.connections, seconds=result.seconds,
                                                         facts=result.facts)
            else:
                found.done.append(replace(result, facts={}))
    for host in machines.refused.keys() & found.to_write.keys():
        found.done.append(replace(found.to_write.pop(host), facts={}, error=machines.refused[host]))
    found.not_begun, found.facts, found.seconds = fleet.not_begun, facts, time.monotonic() - began
    return found


def _apart(job: HostJob, run: Prepared, seen: CheckedHosts) -> frozenset[str]:
    def value(host: str, one: Apart) -> object:
        if one.fact:
            told: object = seen.to_write[host].facts
            for part in one.fact:
                told = told.get(part) if isinstance(told, Mapping) else None
            return told
        assert run.project is not None
        found = run.project.variables(host, lambda variable: variable == one.by)[0].get(one.by)
        return str(found) if found is not None else None

    return apart_keys(job, run.groups, value)
