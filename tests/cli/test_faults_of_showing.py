"""A fault in the words for one host costs that host its words: the others are begun, written, shown and recorded."""

import json
from typing import Any

import pytest
from cli_lab import RULES, Cli, fleet, journals
from documents import hosts_in

from ringfence.formats import data
from ringfence.report import HostResult
from ringfence.views import recap
from ringfence.views.findings import FindingsOfHosts
from ringfence.views.grouped_results import GroupedResults
from ringfence.views.text_view import TextView


@pytest.fixture
def cli(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def failing(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """A function that fails where it is asked about the changes of pc2."""
    whole = getattr(owner, name)

    def fails(*arguments: Any, **others: Any) -> Any:
        result = next(a for a in arguments if isinstance(a, HostResult))
        if result.host == "pc2" and result.changes:
            raise TypeError("a fault of ours")
        return whole(*arguments, **others)

    monkeypatch.setattr(owner, name, fails)


def ended(cli: Cli) -> list[Any]:
    """The last event of each record of a run, and the hosts that it has the end of."""
    events = [json.loads(line) for line in journals(cli)[-1].read_text().splitlines()]
    return [events[-1]["event"], sorted(e["host"]["host"] for e in events if e["event"] == "host_end")]


def test_text(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, GroupedResults, "_state")
    failing(monkeypatch, recap, "host_line")
    monkeypatch.setattr(recap, "wave_line", lambda *told: 1 / 0)
    with fleet(cli, 6) as hosts:
        said = cli("apply", "--yes", "--serial", "2", "--order", "inventory")
        assert all(host.registry.get(RULES, "corp-rdp") for host in hosts.values())
    assert said.code == 1
    assert "ringfence itself failed: on showing that it is changed, 4 changes written: TypeError: a fault of ours" in said.out
    assert "please report it" in said.out
    assert "6 hosts: 6 changed" in said.out
    assert {line.split()[1] for line in said.out.splitlines() if line.startswith("pc2  ")} == {"failed"}
    assert ended(cli) == ["run_end", sorted(hosts)]


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_documents(format: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, data, "host_data")
    with fleet(cli, 3) as hosts:
        said = cli("plan", "--output", format)
    whole = [json.loads(line) for line in said.out.splitlines()] if format == "jsonl" else [json.loads(said.out)]
    assert said.code == 1
    found = hosts_in(said.out) if format == "json" else {e["host"]["host"]: e["host"] for e in whole if e["event"] == "host_end"}
    assert {name: host["status"] for name, host in found.items()} == {"web1": "differs", "pc2": "failed", "web3": "differs"}
    assert found["pc2"]["error"]["kind"] == "internal"
    assert set(found) == set(hosts)


def test_reports(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, FindingsOfHosts, "of")
    with fleet(cli, 3):
        said = cli("plan", "--report", "md=a.md", "--report", "junit=a.xml", "--report", "json=a.json")
    assert said.code == 1
    assert "the report a.md does not tell all of pc2: TypeError: a fault of ours" in said.err
    for name in ("a.md", "a.xml"):
        text = (cli.folder / name).read_text()
        assert "a fault of ours" in text
        assert "web3" in text
    assert set(hosts_in((cli.folder / "a.json").read_text())) == {"web1", "pc2", "web3"}


def test_the_end(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: TextView, *told: Any) -> str:
        raise TypeError("a fault of ours")

    monkeypatch.setattr(TextView, "end", fails)
    with fleet(cli, 3):
        said = cli("apply", "--yes", "--report", "md=a.md")
    assert said.code == 1
    assert "error: the end of the run: ringfence itself failed on showing it: TypeError: a fault of ours" in said.err
    assert "3 hosts: 3 changed" in (cli.folder / "a.md").read_text()
    assert ended(cli)[0] == "run_end"


