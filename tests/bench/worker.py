"""One measurement in a fresh process: `python -m tests.bench.worker NAME …` prints what it cost as one line of JSON."""

import base64
import gzip
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import browsers
import html_pages
from host_texts import slowest
from hostile_replies import REPLIES, answers, context, framed, honest, job, largest, planned
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ringfence.batch import MAX_REPLY, Batch, Call, Reply
from ringfence.batch.scripts import script
from ringfence.diagnostics import Problems, Where
from ringfence.documents.trust import Trust
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.vault import Vault
from ringfence.errors import ExitCode
from ringfence.files import write_private
from ringfence.formats.plan_file import PlanEncoder, PlanHead, decode
from ringfence.inventory import readers as inventories
from ringfence.kinds import load
from ringfence.model.state import Change, id_of
from ringfence.plan.obstacles import DeclaredObject
from ringfence.project.project import read
from ringfence.report import HostResult, Report, RunInfo
from ringfence.run import fleet
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import HostJob
from ringfence.run.journal import Journal
from ringfence.run.prepare import Prepared, RunOptions, prepare
from ringfence.run.reply_memory import ReplyMemory
from ringfence.transports import psrp, ssh  # noqa: F401 (imports are no part of what is measured)
from ringfence.transports.way_in import WayIn
from ringfence.views.table import REPORTS, VIEWS
from ringfence.views.view import ViewOptions
from ringfence.windows.read import policy_call

from . import in_processes
from .answers import HOST, Answers
from .measure import now_mb, peak_from_now, peak_mb
from .policy import RULES, rule_properties, strings

FORKS = 5


def options(project: str) -> RunOptions:
    """A run of a project whose local hosts may start the PowerShell that the lab wrote for them."""
    return RunOptions(Path(project), trust=Trust(programs=(os.path.realpath(tempfile.gettempdir()),)))


def main(name: str, *arguments: str) -> None:
    load()  # modules that a run imports by their names: what is imported is not measured
    imported = time.process_time()
    works: dict[str, Callable[..., dict[str, Any]]] = {
        "plan": plan, "bare": bare, "memory": memory, "apply": apply, "wire": wire, "replies": replies, "reply": reply,
        "inventory": inventory, "replies_at_once": replies_at_once, "texts": texts, "among": among,
        "large": large, "document": document, "html": html, "browse": browse, "journal": journal,
        "record": in_processes.record, "waiting": waiting,
        "in_processes": in_processes.plan, "write_plan": write_plan, "read_plan": read_plan, "report": report}
    found = works[name](*arguments)
    print(json.dumps({"cpu": time.process_time() - imported, "peak": peak_mb(), **found}))


def inventory(path: str) -> dict[str, Any]:
    """The variables of every host of an inventory."""
    before = now_mb()
    peak_from_now()
    start = time.process_time()
    found = inventories.load([path], VariableFiles(Vault(), Problems()))
    seen = sum(len(found.get(host).variables) for host in found)
    return {"seconds": time.process_time() - start, "grown": peak_mb() - before, "variables": seen}


def plan(project: str) -> dict[str, Any]:
    """A plan of all hosts of a project."""
    return _run(prepare(options(project)), plan_host)


def apply(project: str) -> dict[str, Any]:
    return _run(prepare(options(project)), apply_host)


def _run(run: Prepared, work: Callable[..., Any], forks: int = FORKS) -> dict[str, Any]:
    states, rules, trips, errors = Counter[str](), 0, 0, list[str]()
    for result in fleet.run_all(run.jobs, partial(work, context=run.context), forks):
        states[result.status] += 1
        rules, trips = rules + result.declared, trips + result.connections
        errors += [f"{result.host}: {e}" for e in (result.error, *result.diagnostics) if e]
    return {"states": dict(states), "declared": rules, "trips": trips, "errors": errors[:3]}


def waiting(project: str, server: str, rounds: int = 5) -> dict[str, Any]:
    """Plans of all hosts, one after the other: the seconds that one takes, and those of them in which nobody computes."""
    run, states, took = prepare(options(project)), Counter[str](), list[tuple[float, float]]()
    for _ in range(rounds):
        begun, used = time.monotonic(), time.process_time() + _cpu_of(server)
        states.update(plan_host(job, run.context).status for job in run.jobs)
        wall = time.monotonic() - begun
        took.append(((wall - time.process_time() - _cpu_of(server) + used) / len(run.jobs), wall / len(run.jobs)))
    least, wall = min(took)
    return {"states": dict(states), "rounds": rounds, "waiting": least, "wall": wall}


def _cpu_of(pid: str) -> float:
    """CPU seconds of a process with all its threads (proc_pid_stat(5))."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


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
    line = Batch({"facts": Call("Facts.Read"), "policy": policy_call(load()), "defaults": Call("Defaults.Read")}).encode()
    connection = WSMan(variables["ansible_host"], port=variables["ansible_port"], username=variables["ansible_user"],
                       password=variables["ansible_password"], ssl=variables["ansible_psrp_protocol"] == "https", no_proxy=True,
                       auth=variables["ansible_psrp_auth"], encryption=variables.get("ansible_psrp_message_encryption", "auto"))
    with connection, RunspacePool(connection) as pool:
        shell = PowerShell(pool)
        shell.add_script(code)
        (output,) = shell.invoke(one for one in [line])
        assert str(output).startswith("<<ringfence:")
        return len(str(output))


def wire(project: str, command: str) -> dict[str, Any]:
    """A plan or an apply, and what the transports carried for it."""
    run = prepare(options(project))
    ways: list[Any] = []

    def counted(job: HostJob) -> Any:
        ways.append(run.context.connect(job))
        return ways[-1]

    found = _run(replace(run, context=replace(run.context, connect=counted)), {"plan": plan_host, "apply": apply_host}[command])
    totals = {name: sum(getattr(way, name) for way in ways) for name in ("round_trips", "bytes_sent", "bytes_received")}
    return {**found, **totals}


def memory(project: str, forks: str) -> dict[str, Any]:
    """A plan of a fleet in memory: each host answers from what is declared for it, every third one with differences."""
    run = prepare(options(project))
    prepared = peak_mb()
    builtin = [[name, "String", text] for name, text in strings(300)]
    numbers = {job.host: i for i, job in enumerate(run.jobs)}

    def connect(job: HostJob) -> Answers:
        return Answers(job, run.context, numbers[job.host], builtin)

    return {"prepared": prepared, **_run(replace(run, context=replace(run.context, connect=connect)), plan_host, int(forks))}


def document(hosts: str) -> dict[str, Any]:
    """A plan of so many hosts that create RULES rules each, as a document and as events; one word of one differs per host."""
    sizes, info = {}, RunInfo("20261126T115712Z-3f9a1c", "plan", datetime.now(UTC))
    for name in ("json", "jsonl"):
        view, report, sizes[name] = VIEWS[name](ViewOptions(info)), Report(), 0
        with tempfile.TemporaryFile("w") as file:
            file.write(view.begin([]))
            for result in _results(int(hosts)):
                report.add(result)
                file.write(view.host(result))
            file.write(view.end(report, 1.0, ExitCode.IN_SYNC))
            file.flush()
            sizes[name] = os.fstat(file.fileno()).st_size
    return {"bytes": sizes["json"], "lines": sizes["jsonl"]}


def html(path: str, hosts: str, rules: str, differing: str) -> dict[str, Any]:
    """The page of a plan of so many hosts and rules, of which so many are like no other host's; what it takes beyond the making
    of the changes themselves."""
    spent, results = 0.0, iter(html_pages.large(int(hosts), int(rules), int(differing)))

    def timed() -> Iterator[HostResult]:
        nonlocal spent
        while True:
            start = time.process_time()
            result = next(results, None)
            spent += time.process_time() - start
            if result is None:
                return
            yield result

    start = time.process_time()
    text = html_pages.page(timed())
    cost = time.process_time() - start - spent
    Path(path).write_text(text, encoding="utf-8")
    return {"bytes": os.path.getsize(path), "seconds": cost}


SEARCH = """() => new Promise((found) => {
  const field = document.querySelector("[name=q]"), start = performance.now();
  new MutationObserver(() => found(performance.now() - start)).observe(document.querySelector(".count"), { childList: true });
  field.value = "srv0123";
  field.dispatchEvent(new Event("input"));
})"""


def browse(path: str, view: str) -> dict[str, Any]:
    """Seconds until a page can be used, and from a word in its search to what that finds; none without a browser."""
    ready, found = list[float](), list[float]()
    if browsers.program() is None:
        return {"ready": ready, "found": found}
    with browsers.chromium() as browser:
        for _ in range(5):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{Path(path).as_uri()}#view={view}")
            page.wait_for_selector("html[data-ready]")
            ready.append(page.evaluate("performance.getEntriesByName('ready')[0].startTime") / 1000)
            found.append(page.evaluate(SEARCH) / 1000)
            page.close()
    return {"ready": ready, "found": found}


def _results(hosts: int) -> Iterator[HostResult]:
    """Hosts that would create RULES rules each; one word of one differs per host."""
    rule = load()["firewall_rule"]
    values = [{n: rule.properties[n].parse(v) for n, v in rule_properties(i) if n != "name" and "{{" not in str(v)}
              for i in range(RULES)]
    for number in range(hosts):
        own = [{**values[0], "description": f"of srv{number}"}, *values[1:]]
        made = [rule.create(f"corp-{i:03}", v) for i, v in enumerate(own)]
        yield HostResult(f"srv{number:04}", tuple(Change(id_of(r), None, r, Where("site.yml", 8)) for r in made))


def report(name: str, hosts: str) -> dict[str, Any]:
    """A report of a plan of so many hosts; what their results take to be made is taken off."""
    view, sums, spent = REPORTS[name](ViewOptions(RunInfo("20261126T115712Z-3f9a1c", "plan", datetime.now(UTC)))), Report(), 0.0
    with tempfile.TemporaryFile("w", encoding="utf-8") as file:
        file.write(view.begin([]))
        for result in _results(int(hosts)):
            told = tuple(DeclaredObject(c.id, c.resource.name, c.where) for c in result.changes)
            begin = time.process_time()
            sums.add(result)
            file.write(view.host(replace(result, declared_objects=told)))
            spent += time.process_time() - begin
        begin = time.process_time()
        file.write(view.end(sums, 1.0, ExitCode.IN_SYNC))
        spent += time.process_time() - begin
        file.flush()
        return {"spent": spent, "bytes": os.fstat(file.fileno()).st_size}


def write_plan(path: str, hosts: str) -> dict[str, Any]:
    """A plan file of so many hosts."""
    encoder = PlanEncoder(b"salt")
    for result in _results(int(hosts)):
        encoder.add(result, WayIn("psrp", "10.0.0.1", 5986, "admin"))
    write_private(path, encoder.text(PlanHead(made_at=datetime.now(UTC))))
    return {"bytes": os.path.getsize(path)}


def read_plan(path: str, hosts: str) -> dict[str, Any]:
    """The same read again, and every host held against it."""
    plan = decode(Path(path).read_text(encoding="ascii"), path, load())
    start = time.process_time()
    stale = [result.host for result in _results(int(hosts)) if plan.approval(result.host).judge(result).error]
    return {"stale": stale, "judged": time.process_time() - start}


def journal(project: str) -> dict[str, Any]:
    """An apply with its journal, and how much of its CPU time that took."""
    run, spent, synced = prepare(options(project)), list[float](), list[int]()
    path = Path(project) / "runs" / "20261126T115712Z-3f9a1c.jsonl"
    sync = os.fsync

    class Timed(Journal):
        def _add(self, event: str, result: HostResult, sync: bool = False) -> None:
            begin = time.thread_time()
            super()._add(event, result, sync)
            spent.append(time.thread_time() - begin)

    def counted(file: Any) -> None:
        synced.append(file)
        sync(file)

    vars(os)["fsync"] = counted
    start = time.process_time()
    record = Timed(path, RunInfo(path.stem, "apply", datetime.now(UTC)), [job.host for job in run.jobs])
    context, states, report = replace(run.context, recorder=record), Counter[str](), Report()
    for result in fleet.FleetRun(run.jobs, partial(apply_host, context=context), FORKS, [record], record).results():
        report.add(result)
        states[result.status] += 1
    record.close(report, 1.0, ExitCode.IN_SYNC)
    whole = time.process_time() - start
    return {"journal": sum(spent), "share": sum(spent) / whole, "states": dict(states), "fsyncs": len(synced),
            "size": path.stat().st_size}


def large(project: str, policy: str) -> dict[str, Any]:
    """A plan of one host whose policy is the JSON text of a file; what it takes to make the answer is taken off."""
    run, started, spent = prepare(options(project)), peak_mb(), [0.0]

    class Host:
        def run(self, batch: Batch) -> Reply:
            begin = time.process_time()
            known = {"Facts.Read": json.dumps({"computer": "large", **HOST}), "Policy.Read": Path(policy).read_text("utf-8")}
            replies = ", ".join(f'{{"ok": true, "value": {known.get(c.verb, "{}")}}}' for c in batch.calls.values())
            said = f'{{"ringfence": 2, "run": "{batch.run_id}", "replies": [{replies}]}}'.encode()
            frame = b"<<ringfence:" + base64.b64encode(gzip.compress(said, 1)) + b">>"
            del known, replies, said
            spent[0] += time.process_time() - begin
            return batch.decode(frame)

    begin = time.process_time()
    found = _run(replace(run, context=replace(run.context, connect=lambda job: Host())), plan_host)
    return {"plan": time.process_time() - begin - spent[0], "before": started, **found}


def replies() -> dict[str, Any]:
    """The hostile replies that there are."""
    return {"names": list(REPLIES)}


def reply(name: str) -> dict[str, Any]:
    """What one of them costs in CPU seconds and MB."""
    output = largest(REPLIES[name], MAX_REPLY) if name in REPLIES else framed("x", answers(honest(50_000)))
    planned(b"")
    before, start = now_mb(), time.process_time()
    peak_from_now()
    result = planned(output)
    assert result.status in ("in_sync", "failed"), result
    return {"spent": time.process_time() - start, "grown": peak_mb() - before}


def among(project: str, *evil: str) -> dict[str, Any]:
    """A plan of a project with all its hosts: when the last of those that are not in `evil` ended, the CPU seconds until then,
    and what became of all."""
    run, start, used, last, spent = prepare(options(project)), time.monotonic(), time.process_time(), 0.0, 0.0
    states: dict[str, Counter[str]] = {"good": Counter(), "evil": Counter()}
    peak_from_now()
    for result in fleet.run_all(run.jobs, partial(plan_host, context=run.context), 20):
        bad = result.host in evil
        states["evil" if bad else "good"][result.status] += 1
        if not bad:
            last, spent = time.monotonic() - start, time.process_time() - used
    return {"last": last, "spent": spent, "states": {name: dict(found) for name, found in states.items()}}


def texts(length: str) -> dict[str, Any]:
    """What the slowest pattern that is matched with texts of hosts costs in CPU seconds, and which it is."""
    spent, which = slowest(int(length))
    return {"spent": spent, "which": which}


def replies_at_once(hosts: str) -> dict[str, Any]:
    """The memory that the largest take together; every host has another one."""
    makers = list(REPLIES.values())
    outputs = {f"evil{i}": largest(makers[i % len(makers)], MAX_REPLY) for i in range(int(hosts))}
    peak_from_now()
    run = context(outputs, ReplyMemory())
    states = Counter(r.status for r in fleet.run_all(map(job, outputs), partial(plan_host, context=run), int(hosts)))
    return {"states": dict(states)}


if __name__ == "__main__":
    main(*sys.argv[1:])
