"""All hosts are read and checked before one is written: a mistake that only a host shows ends the run, a refusal only holds its
host."""

from pathlib import Path

import pytest
from cli_lab import RULES, Cli, fleet, written
from documents import document_in, hosts_in

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


def test_what_is_as_declared_is_read_once_and_what_is_changed_four_times(cli: Cli) -> None:
    """The first look, the read before the write, the write, the proof."""
    with fleet(cli, 2):
        declare(cli, RULE + "10.0.0.1}")
        changed = hosts_in(cli("apply", "--yes", "--output", "json").out)
        assert {h["connections"] for h in changed.values()} == {4}
        same = hosts_in(cli("apply", "--yes", "--output", "json").out)
        assert {(h["status"], h["connections"]) for h in same.values()} == {("in_sync", 1)}
        alone = hosts_in(cli("apply", "--yes", "-l", "web1", "--output", "json").out)
        assert alone["web1"]["connections"] == 1
