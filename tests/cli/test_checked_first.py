"""All hosts are read and checked before one is written: a mistake that only a host shows ends the run, a refusal only holds its
host."""

import json
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli, fleet, journals, on_terminal, start, written
from documents import document_in, hosts_in
from junitparser import JUnitXml

from ringfence.lab.simulated_host import SimulatedHost

RULE = "{name: corp-web, protocol: tcp, local_port: 443, remote_address: "


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def declare(cli: Cli, *rules: str) -> None:
    cli.write({"site.yml": "- hosts: all\n  tasks:\n" + "".join(f"    - firewall_rule: {rule}\n" for rule in rules)})


def test_a_mistake_on_one_host_writes_none(cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        declare(cli, RULE + "\"{{ 'nonsense' if ansible_facts.hostname | lower == 'pc2' else '10.0.0.1' }}\"}")
        before = written(hosts)
        said = cli("apply", "--yes", "--output", "json")
        assert (said.code, written(hosts)) == (1, before)
        assert "nothing is written to any host: what is declared is wrong on 1 host (pc2), which only the host shows" in said.err
        document = document_in(said.out, "report")
        assert {n: h["status"] for n, h in hosts_in(said.out).items()} == {"pc2": "invalid"}
        assert sorted(document["result"]["not_begun"]) == ["web1", "web3"]
        recorded = document_in(cli("runs", "show", "last", "--output", "json").out)["result"]["hosts"]
        assert {h["host"]: h["status"] for h in recorded} == {"web1": "not_begun", "pc2": "invalid", "web3": "not_begun"}
        assert cli("apply", "--yes", "-l", "web1").code == 0  # what is right on its own may be done on its own
        assert hosts["web1"].registry.get(RULES, "corp-web")


def test_a_refusal_holds_its_host_alone(cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        declare(cli, RULE + "10.0.0.1}")
        hosts["pc2"].registry.set(RULES, "corp-web", "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=443|Name=theirs|")
        said = cli("apply", "--yes", "--output", "json")
        assert said.code == 4
        assert {n: h["status"] for n, h in hosts_in(said.out).items()} == {"web1": "changed", "pc2": "refused", "web3": "changed"}


def test_a_run_took_as_long_as_its_hosts(cli: Cli) -> None:
    """The first look counts: in text, in data, in the record and in reports."""
    with fleet(cli, 2):
        for status in ("changed", "in_sync"):
            said = cli("apply", "--yes", "--output", "json", "--report", "junit=run.xml", "--report", "md=run.md")
            assert {h["status"] for h in hosts_in(said.out).values()} == {status}
            longest = max(h["seconds"] for h in hosts_in(said.out).values())
            recorded = json.loads(journals(cli)[-1].read_text(encoding="utf-8").splitlines()[-1])
            junit = JUnitXml.fromfile(str(cli.folder / "run.xml"))
            (project,) = [suite for suite in junit if suite.name == "project"]
            seconds = re.search(r"; ([\d.]+) s\*\*", (cli.folder / "run.md").read_text(encoding="utf-8"))
            assert seconds
            assert document_in(said.out, "report")["summary"]["seconds"] > longest - 0.01
            assert recorded["summary"]["seconds"] > longest - 0.01
            assert project.time > longest - 0.01
            assert float(seconds[1]) > longest - 0.06
            times = [suite.time for suite in junit] + [case.time for suite in junit for case in suite if case.time is not None]
            assert times == [round(time, 3) for time in times]


def test_what_is_as_declared_is_read_once_and_what_is_changed_five_times(cli: Cli) -> None:
    """The first look, the read before the write, the write, the proof, the confirmation."""
    with fleet(cli, 2):
        declare(cli, RULE + "10.0.0.1}")
        changed = hosts_in(cli("apply", "--yes", "--output", "json").out)
        assert {h["connections"] for h in changed.values()} == {5}
        same = hosts_in(cli("apply", "--yes", "--output", "json").out)
        assert {(h["status"], h["connections"]) for h in same.values()} == {("in_sync", 1)}
        alone = hosts_in(cli("apply", "--yes", "-l", "web1", "--output", "json").out)
        assert alone["web1"]["connections"] == 1


def test_a_signal_while_hosts_are_looked_at_begins_none(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were looked at and those that were not: nothing is written to either, and both are told."""
    with fleet(cli, 4) as hosts:
        declare(cli, RULE + "10.0.0.1}")
        before, called, free = written(hosts), threading.Event(), threading.Event()
        run = SimulatedHost.run

        def slow(self: SimulatedHost, batch: str, session: Any) -> str:
            if self.machine is hosts["web3"]:
                called.set()
                free.wait(60)
            return run(self, batch, session)

        monkeypatch.setattr(SimulatedHost, "run", slow)
        with start(cli, "apply", "--yes", "-f", "1", "--output", "json") as process:
            assert called.wait(30)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
            free.set()
        assert (process.returncode, written(hosts)) == (143, before)
        result = document_in(out, "report")["result"]
        assert (result["hosts"], sorted(result["not_begun"])) == ([], ["pc2", "pc4", "web1", "web3"])
        assert "interrupted by SIGTERM: 0 hosts done; not begun: pc2 pc4 web1 web3" in err


def test_nobody_is_asked_where_one_host_is_wrong_and_another_away(cli: Cli) -> None:
    """The exit code tells of the host that is away; the mistake holds all others all the same."""
    with fleet(cli, 3) as hosts:
        declare(cli, RULE + "\"{{ 'nonsense' if ansible_facts.hostname | lower == 'pc2' else '10.0.0.1' }}\"}")
        cli.write({"more.yml": "all: {hosts: {gone: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}}}\n"})
        before = written(hosts)
        code, shown = on_terminal(cli, "", "apply", "-i", "hosts.yml", "-i", "more.yml")
        assert (code, written(hosts)) == (5, before)
        assert "[y/N]" not in shown
        assert "nothing is written to any host" in shown
