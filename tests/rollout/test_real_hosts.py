"""A rollout over many simulated hosts with the engine's own work: what fails is restored, what is not begun is untouched, and
nothing is left anywhere."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from core import at, declared
from hosts import LabHost, stored_policy

from ringfence.batch import Batch, Call, Failure
from ringfence.report import HostResult
from ringfence.rollout.rollout_policy import RolloutPolicy
from ringfence.rollout.waves import WaveSize
from ringfence.run.host import apply_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.recorder import Recorder
from ringfence.run.rollout import Rollout, planned_waves
from ringfence.run.wave_verification import WaveVerification
from ringfence.transports.connection_settings import LocalSettings

RULE = at(1, name="r", protocol="tcp", local_port=443, remote_address="10.0.0.0/8")
HOSTS = 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_rollout_leaves(seed: int) -> None:
    rng = Random(seed)
    hosts: dict[str, Any] = {f"h{n}": LabHost({}) for n in range(HOSTS)}
    failing = {name for name in hosts if rng.random() < 0.1}
    for name, host in hosts.items():
        host.policy = replace(host.policy, revert_after=300)
        if name in failing:
            host.refuse = {"r": Failure("InvalidArgument", "x", "no")} if rng.random() < 0.5 else {}
            if not host.refuse:
                host.after_write = lambda host=host: host.remove("r")
    before = {name: stored_policy(host.machine) for name, host in hosts.items()}
    first = hosts["h0"]
    recorder = Recorder()
    context = RunContext(first.context().kinds, lambda host, facts: ({}, []), lambda job: hosts[job.host].connect(job),
                         policy=first.policy, recorder=recorder, patience=first.patience)
    policy = RolloutPolicy((WaveSize(2), WaveSize(30, percent=True)), max_fail_percentage=rng.choice((3.0, 100.0)))
    jobs = [HostJob(name, LocalSettings(), declared(RULE), 1, rollout=policy) for name in hosts]

    def work(job: HostJob, write: bool = True) -> HostResult:
        return apply_host(job, context, write=write)

    rollout = Rollout(planned_waves(jobs, lambda job: frozenset(), "x"), work, 8, (), recorder,
                      verification=WaveVerification(Path(), {}), total={policy: HOSTS}, patience=first.patience)
    results = {result.host: result for result in rollout.results()}
    assert sorted([*results, *rollout.not_begun]) == sorted(hosts)
    statuses = Counter(result.status for result in results.values())
    assert statuses["changed"] == len(results) - len(failing & set(results)), statuses
    assert {results[name].status for name in failing & set(results)} <= {"restored", "failed"}
    for name, host in hosts.items():
        assert host.run(Batch({0: Call("Undo.Read")}))[0]["task"] in (None, ""), name
        assert not [path for path, _ in host.machine.files.walk() if r"\ringfence" + "\\" in path.lower()], name
        done = name in results and results[name].status == "changed"
        assert (stored_policy(host.machine) != before[name]) == done, name
