"""Every reader of what others wrote, as a function of one text, through the same functions as the program."""

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import paramiko
from core import KINDS, cases, declared, task
from documents import RUN
from every_use import state_of, used
from faulty import frame
from hosts import LabHost
from wfp_xml import dump_text, flow_of

from ringfence.batch import Batch, Reply
from ringfence.cli import app
from ringfence.diagnostics import InputError, Where
from ringfence.documents import vault
from ringfence.errors import PRECEDENCE, ExitCode
from ringfence.formats.events import EventEncoder
from ringfence.inventory.draft import Draft
from ringfence.inventory.listing import plain
from ringfence.inventory.script_inventory import add_variables, fill, hostvars, mapping_of_json
from ringfence.model.state import Change
from ringfence.policy.arbitration import Arbiter
from ringfence.report import HostResult, Report
from ringfence.run.hosts_before import hosts_before
from ringfence.run.past_runs import past_runs
from ringfence.run.rollback import rollback
from ringfence.run.who_changed import drift_host
from ringfence.secret import Secret
from ringfence.transports import known_hosts
from ringfence.types import sddl
from ringfence.views.table import VIEWS
from ringfence.views.view import ViewOptions
from ringfence.windows.policy_events import LOGS
from ringfence.windows.wfp_dump import read_wfp_dump
from ringfence.windows.wfp_rules import policy_of_dump

ROOT = Path(__file__).parents[2]
RUNS = {"ringfence.yml": "inventory: hosts.yml\nplaybooks: [site.yml]\n",
        "site.yml": "- hosts: all\n  tasks: [{firewall_rule: {name: a, state: absent}}]\n",
        "hosts.yml": "all: {hosts: {web1: {ansible_connection: local}}, vars: {x: [a, b]}}\n", "password": "right"}


class Broken(Exception):
    """What a reader must not do."""


@dataclass(frozen=True)
class Reader:
    """A reader: what it reads where all is right, how often it is asked beside others, and whether its texts are trees."""

    name: str
    run: Callable[[str], None]
    seeds: list[str]
    weight: int
    trees: list[Any] = field(default_factory=list)


# ---------------------------------------------------------------------------------- files, through the program's commands

def program(*arguments: str) -> None:
    """A command of the program in this process and folder. Raises Broken where it shows a defect."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app.run(arguments)
    said = out.getvalue() + err.getvalue()
    if "ringfence itself failed" in said or "Traceback" in said:
        raise Broken(said[:2000])
    if code not in PRECEDENCE:
        raise Broken(f"exit code {code}")
    if code == ExitCode.ERROR and not said.strip():
        raise Broken("an error without a word")


def file_reader(name: str, path: str, trees: list[str], weight: int, command: tuple[str, ...] = ("validate",), *,
                texts: list[str] | None = None, made: Callable[[str], str] = str) -> Reader:
    """What reads a file of a small project. `trees` are names of seeds; `made`: the file's text from the text that is mutated."""
    def run(text: str) -> None:
        try:
            Path(path).write_bytes(made(text).encode("utf-8", "surrogatepass"))
            program(*command)
        finally:
            restore(path)
    return Reader(name, run, texts or [], weight, [TREES[tree] for tree in trees])


def restore(path: str) -> None:
    """The file of the small project again, or none."""
    if path in RUNS:
        Path(path).write_text(RUNS[path])
    else:
        Path(path).unlink(missing_ok=True)


def argument_reader(flag: str, seeds: list[str], weight: int) -> Reader:
    """What reads the argument of a flag."""
    return Reader(f"argument {flag}", lambda text: program("validate", f"{flag}={text}".replace("\0", "")), seeds, weight)


SEEDS = cases("soak_seeds")
TREES, TEXTS = SEEDS["trees"], SEEDS["texts"]


def _encrypted(text: str) -> str:
    return vault.encrypt(text.encode("utf-8", "replace").decode(), Secret("right"))


def file_readers() -> list[Reader]:
    """All that read files and arguments."""
    playbooks = [p.read_text() for p in sorted((ROOT / "playbooks").glob("*.yml"))]
    inline = "a: !vault |\n" + "".join(f"  {line}\n" for line in _encrypted("hidden").splitlines())
    unlocked = ("validate", "--vault-password-file", "password")
    encrypted = _encrypted("a: 1\nb: [x, {c: d}]\n")
    return [
        file_reader("playbook", "site.yml", ["playbook"], 30, texts=playbooks),
        file_reader("inventory", "hosts.yml", ["inventory"], 25, texts=[(ROOT / "inventory/hosts.yml").read_text()]),
        file_reader("inventory in INI form", "hosts", [], 8, ("validate", "-i", "hosts"), texts=[TEXTS["ini"]]),
        file_reader("inventory in TOML", "hosts.toml", [], 4, ("validate", "-i", "hosts.toml"), texts=[TEXTS["toml"]]),
        Reader("what an inventory script prints", printed_inventory, [], 4, [TREES["script"]]),
        file_reader("variables", "group_vars/all.yml", ["variables"], 10),
        file_reader("untrusted", "hosts.yml", ["inventory"], 8, ("validate", "--untrusted")),
        file_reader("settings", "ringfence.yml", ["settings"], 10),
        file_reader("tasks", "none.yml", ["tasks"], 5, ("validate", "imports.yml")),
        file_reader("encrypted file", "group_vars/all.yml", [], 6, unlocked, texts=[encrypted]),
        file_reader("encrypted value", "group_vars/all.yml", [], 6, unlocked, texts=[inline]),
        file_reader("what is in an encrypted file", "group_vars/all.yml", ["secret variables"], 2, unlocked, made=_encrypted),
        file_reader("plan file", "a.json", ["plan"], 15, ("apply", "--check", "a.json")),
        file_reader("hosts of a plan file", "a.json", ["plan"], 5, ("apply", "--list-hosts", "a.json")),
        file_reader("file of -e", "extra", ["extra"], 5, ("validate", "-e", "@extra")),
        file_reader("file of --limit", "limit", [], 5, ("validate", "--limit", "@limit"), texts=[TEXTS["patterns"]]),
        file_reader("settings of Ansible", "ansible.cfg", [], 4, texts=[TEXTS["ansible.cfg"]]),
        file_reader("the user's trust", "config/ringfence/trust.yml", ["trust"], 4),
        file_reader("vault password", "password", [], 2, unlocked, texts=["right"]),
        *(argument_reader(flag, seeds, 4) for flag, seeds in SEEDS["arguments"].items()),
    ]


def printed_inventory(text: str) -> None:
    """What an inventory script, or ansible-inventory, prints."""
    draft = Draft("hosts.sh", lambda steps, where, what: None)
    with contextlib.suppress(InputError):
        groups = mapping_of_json(text.encode("utf-8", "surrogatepass"), Where("hosts.sh"), "it", draft.problems)
        if groups is not None:
            add_variables(draft, fill(draft, groups), hostvars(groups, draft.problems))
            json.dumps([plain(entry.variables) for entry in draft.hosts.values()])


@contextlib.contextmanager
def small_project(folder: Path) -> Iterator[None]:
    """The files that the readers find in the current folder; the user's own settings are there too."""
    before = os.environ.copy()
    os.environ.update(XDG_CONFIG_HOME=str(folder / "config"), HOME=str(folder))
    for name in ("group_vars", "config/ringfence"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in {**RUNS, "vars.yml": "v: 1\n", "site2.yml": "[]\n",
                       "imports.yml": "- hosts: all\n  tasks: [{import_tasks: none.yml}]\n"}.items():
        (folder / name).write_text(text)
    with contextlib.chdir(folder):
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


# ------------------------------------------------------------------------------------------------------ what hosts say

def rule_string(text: str) -> None:
    """A string in the registry of a host."""
    rows = [[key, [["a", "String", text]]] for key in ("FirewallRules", "ConSecRules", "MainModeRules")]
    used(state_of(rows), every_plan=False)


def descriptor(text: str) -> None:
    """A security descriptor as people write it."""
    with contextlib.suppress(ValueError):
        sddl.parse(text)


def hosts_line(text: str) -> None:
    """A file of known hosts."""
    path = Path("known_hosts")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    known_hosts.known(str(path), "web1", 22)
    with contextlib.suppress(OSError):
        known_hosts.is_known_hosts(str(path))


@cache
def _answers() -> tuple[LabHost, str]:
    """A host with rules, and what it answered to being read, as JSON."""
    host = LabHost({f"r{n}": case["string"] for n, case in enumerate(cases("firewall_rules")[:8])})
    host.plan(*WANTED)
    return host, json.dumps([{"ok": True, "value": answer.value} for answer in _decoded(host).answers.values()])


def _decoded(host: LabHost) -> Reply:
    return host.batches[0].decode(host.outputs[0].encode())


WANTED = (task("firewall_rule", {"name": "r1", "protocol": "tcp", "local_port": "81", "local_user": ["a\\b"]}),
          task("firewall_profile", {"profiles": "domain", "enabled": True}))


def answer(text: str) -> None:
    """What a host answers to being read: through plan, views and JSON."""
    host, _ = _answers()

    def before(batch: Batch) -> Reply:
        whole = f'{{"ringfence": 2, "run": "{batch.run_id}", "replies": {text}}}'
        return batch.decode(frame(whole.encode("utf-8", "surrogatepass")).encode())

    host.before = before
    try:
        result = host.plan(*WANTED)
    finally:
        host.before = lambda batch: None
        host.batches.clear()
    show(result)


def show(result: HostResult) -> None:
    """In every format."""
    for view in VIEWS.values():
        shown = view(ViewOptions(RUN))
        json.dumps(shown.begin([]) + shown.host(result))


@cache
def _run() -> list[Any]:
    """The record of a run that made and changed rules of every sort, as events."""
    strings = [case["string"] for case in cases("firewall_rules")[:40]]
    state = state_of([["FirewallRules", [[f"r{n}", "String", f"v2.33|{s}"] for n, s in enumerate(strings)]],
                      ["PublicProfile", [["EnableFirewall", "DWord", 7], ["LogFilePath", "String", "x"]]]], everywhere=False)
    changes = [Change(id, r, None if n % 2 else r.replace(enabled=False)) for n, (id, r) in enumerate(state.items())
               if r.kind.storage.removable]
    changes += [Change(id, r, r.kind.create(r.name, {})) for id, r in state.items() if not r.kind.storage.removable]
    encoder, result = EventEncoder(), HostResult("srv1", tuple(changes), frozenset(c.id for c in changes))
    text = encoder.run_begin(RUN, ["srv1"], options={}) + encoder.host("host_end", result) + encoder.run_end(Report(), 1.0, 0)
    return [json.loads(line) for line in text.splitlines()]


def journal(text: str) -> None:
    """The record of a run: told, and a host brought back to before it, as a plan, guarded and shown."""
    with contextlib.suppress(ValueError, TypeError, RecursionError):  # else it is no list of events: the text as it stands
        text = "\n".join(map(json.dumps, json.loads(text)))
    path = Path(".ringfence/runs") / f"{RUN.run_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    program("runs")
    before = hosts_before(list(past_runs(Path())), KINDS)
    host, _ = _answers()
    try:
        result = rollback(host.job({}), host.context(), False, before)
    finally:
        host.batches.clear()
    if result.error is not None and getattr(result.error, "kind", "") == "internal":
        raise Broken(str(result.error))
    show(result)


DRIFTED = task("firewall_rule", {"name": "r1", "state": "absent"})


@cache
def _logs() -> str:
    """What a host answers of its event logs, and of the session, as JSON."""
    events = cases("attributions")
    rows = [{"id": id, "time": f"2026-11-26T{time}Z", "data": {**fields, "RuleId": "r1", "ModifyingUser": "S-1-5-18"}}
            for case in events[:12] for id, time, _, _, fields in case["events"]]
    log = {"enabled": True, "oldest": "2026-11-20T08:00:00Z", "whole": True, "damaged": 0, "events": rows}
    told = {"logs": dict.fromkeys(LOGS, log), "accounts": {"S-1-5-18": "SYSTEM"}, "unread": []}
    return json.dumps([{"ok": True, "value": told}, {"ok": True, "value": {"sid": "S-1-5-18"}}])


def events_answer(text: str) -> None:
    """What a host answers when it is asked who changed it: through drift, views and JSON."""
    host, _ = _answers()

    def before(batch: Batch) -> Reply | None:
        whole = f'{{"ringfence": 2, "run": "{batch.run_id}", "replies": {text}}}'
        return batch.decode(frame(whole.encode("utf-8", "surrogatepass")).encode()) if "events" in batch.calls else None

    host.before = before
    try:
        result = drift_host(host.job(declared(DRIFTED)), host.context(), who=True)
    finally:
        host.before = lambda batch: None
        host.batches.clear()
    if not result.changed_by:
        raise Broken("nothing is said of who changed it")
    show(result)


def filters_of_host(text: str) -> None:
    """A dump of the filtering platform: read, made rules of, and asked about flows."""
    with contextlib.suppress(InputError):
        dump = read_wfp_dump(text)
        policy_of_dump(dump)
        for way in ("inbound", "outbound"):
            Arbiter(dump).arbitrate(flow_of({"way": way, "local_port": 443, "remote_port": 443, "remote_address": "10.0.0.1"}))


def host_readers() -> list[Reader]:
    """All that read what hosts say."""
    strings = [case["string"] for name in ("firewall_rules", "unknown_conditions") for case in cases(name)]
    strings += [case["string"] for case in cases("ipsec_rules") if "string" in case]
    key = paramiko.ECDSAKey.generate()
    line = f"{key.get_name()} {key.get_base64()}"
    return [
        Reader("rule string", rule_string, [f"v2.33|{s}" if not s.startswith("v2") else s for s in strings], 1500),
        Reader("security descriptor", descriptor, SEEDS["descriptors"], 1500),
        Reader("known hosts", hosts_line, [f"web1,10.0.0.1 {line}\n*.x,!y {line}\n@revoked * {line}\n# c\n[web1]:22 {line}\n"
                                           f"|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= {line}\n"], 500),
        Reader("dump of filters", filters_of_host, [dump_text(case) for case in cases("wfp")], 300),
        Reader("answer of a host", answer, [], 100, [json.loads(_answers()[1])]),
        Reader("journal", journal, [], 40, [_run()]),
        Reader("answer about events", events_answer, [], 60, [json.loads(_logs())]),
    ]


__all__ = ["Broken", "Reader", "file_readers", "host_readers", "small_project"]
