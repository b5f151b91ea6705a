"""One measurement in a fresh process: `python -m tests.bench.worker NAME …` prints what it cost as one line of JSON."""

import base64
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ringfence.batch import Batch, Call, Reply, script
from ringfence.project import read
from ringfence.resource import Resource
from ringfence.run import converge, fleet
from ringfence.run.converge import Job
from ringfence.run.prepare import Prepared, Request, prepare
from ringfence.transports import psrp, ssh  # noqa: F401 (imports are no part of what is measured)
from ringfence.windows.read import STORES

from .measure import peak_mb
from .policy import strings

FORKS = 5


def main(name: str, *arguments: str) -> None:
    imported = time.process_time()
    works: dict[str, Callable[..., dict[str, Any]]] = {"plan": plan, "bare": bare, "memory": memory, "apply": apply, "wire": wire}
    found = works[name](*arguments)
    print(json.dumps({"cpu": time.process_time() - imported, "peak": peak_mb(), **found}))


def plan(project: str) -> dict[str, Any]:
    """A plan of all hosts of a project."""
    return _run(prepare(Request(Path(project))), converge.plan)


def apply(project: str) -> dict[str, Any]:
    return _run(prepare(Request(Path(project))), converge.apply)


def _run(run: Prepared, work: Callable[..., Any], forks: int = FORKS) -> dict[str, Any]:
    states, rules, trips, errors = Counter[str](), 0, 0, list[str]()
    for result in fleet.each(run.jobs, partial(work, kinds=run.kinds), forks):
        states[result.status] += 1
        rules, trips = rules + result.declared, trips + result.trips
        errors += [f"{result.host}: {e}" for e in (result.error, *result.diagnostics) if e]
    return {"states": dict(states), "declared": rules, "trips": trips, "errors": errors[:3]}


def bare(project: str) -> dict[str, Any]:
    """The same batch to the same hosts through nothing but pypsrp; the reply is received and left alone."""
    run, _ = read([Path(project) / "site.yml"], kinds={"firewall_rule", "firewall_profile"},
                  inventory=[str(Path(project) / "hosts.yml")])
    targets = [run.variables(name)[0] for name in run.hosts]
    start, code = time.process_time(), script()
    with ThreadPoolExecutor(FORKS) as pool:
        received = list(pool.map(partial(_bare_session, code=code), targets))
    return {"cpu": time.process_time() - start, "sessions": len(received), "received": sum(received)}


def _bare_session(variables: dict[str, Any], code: str) -> int:
    line = Batch((Call("Facts.Read"), Call("Policy.Read", {"stores": list(STORES)}),
                  Call("Account.Resolve", {"names": []}))).encode()
    connection = WSMan(variables["ansible_host"], port=variables["ansible_port"], username=variables["ansible_user"],
                       password=variables["ansible_password"], ssl=variables["ansible_psrp_protocol"] == "https", no_proxy=True,
                       auth=variables["ansible_psrp_auth"], encryption=variables.get("ansible_psrp_message_encryption", "auto"))
    with connection, RunspacePool(connection) as pool:
        shell = PowerShell(pool)
        shell.add_script(code)
        shell.add_parameter("Batch", line)
        (output,) = shell.invoke()
        assert str(output).startswith("<<ringfence:")
        return len(str(output))


def wire(project: str, command: str) -> dict[str, Any]:
    """A plan or an apply, and what the transports carried for it."""
    run = prepare(Request(Path(project)))
    ways: list[Any] = []

    def counted(job: Job) -> Any:
        ways.append(job.connect())
        return ways[-1]

    jobs = tuple(replace(job, connect=partial(counted, job)) for job in run.jobs)
    found = _run(replace(run, jobs=jobs), {"plan": converge.plan, "apply": converge.apply}[command])
    totals = {name: sum(getattr(way, name) for way in ways) for name in ("round_trips", "bytes_sent", "bytes_received")}
    return {**found, **totals}


def memory(project: str, forks: str) -> dict[str, Any]:
    """A plan of a fleet in memory: each host answers from what is declared for it, every third one with differences."""
    run = prepare(Request(Path(project)))
    prepared = peak_mb()
    builtin = [[name, "String", text] for name, text in strings(300)]
    jobs = (replace(job, connect=partial(_Answers, job, i, builtin)) for i, job in enumerate(run.jobs))
    return {"prepared": prepared, **_run(replace(run, jobs=jobs), converge.plan, int(forks))}  # type: ignore[arg-type]


class _Answers:
    """A host that has what is declared for it, encoded as it would come over the wire."""

    def __init__(self, job: Job, number: int, builtin: list[list[str]]) -> None:
        self.job, self.number, self.builtin = job, number, builtin

    def run(self, batch: Batch) -> Reply:
        rules, profiles = list(self.builtin), list[Any]()
        for want in self.job.declared().values():
            assert want.resource is not None
            if want.id.kind == "firewall_rule":
                rules.append([want.resource.name, "String", self._string(want.resource)])
            else:
                key = {"domain": "DomainProfile", "private": "StandardProfile", "public": "PublicProfile"}[want.id.name]
                profiles.append([key, [["EnableFirewall", "DWord", 1], ["DefaultInboundAction", "DWord", 1]]])
        values = [{"computer": self.job.host, "elevated": True}, {"local": [["FirewallRules", rules], *profiles]}, {}]
        said = {"ringfence": 1, "run": batch.run, "replies": [{"ok": True, "value": v} for v in values]}
        return batch.read(b"<<ringfence:" + base64.b64encode(gzip.compress(json.dumps(said).encode(), 1)) + b">>")

    def _string(self, rule: Resource) -> str:
        text = rule.kind.write_string(rule)
        return text.replace("Active=TRUE", "Active=FALSE") if self.number % 3 == 0 else text


if __name__ == "__main__":
    main(*sys.argv[1:])
