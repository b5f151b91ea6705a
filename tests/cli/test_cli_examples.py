"""The example playbooks, on the example inventory, against simulated hosts: applied, proven, and nothing left to do."""

import re
from pathlib import Path

import pytest
from cli_lab import Cli, fleet

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["site", "baseline", "servers", "workstations"])
def test_example(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    with fleet(cli, 5):
        where = ("-i", str(ROOT / "inventory"), "-i", "hosts.yml", str(ROOT / "playbooks" / f"{name}.yml"))
        valid = cli("validate", *where)
        assert (valid.code, valid.err) == (0, ""), valid
        applied = cli("apply", *where, "--yes", "--diff")
        assert applied.code == 0, applied
        assert all(re.fullmatch(r"\[\d/\d\] \w+  (changed|in sync) .*", line) for line in applied.err.splitlines()), applied
        assert " changed" in applied.out
        assert cli("drift", *where).code == 0


def test_variables_of_groups_and_hosts_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    with fleet(cli, 5):
        said = cli("plan", "-i", str(ROOT / "inventory"), "-i", "hosts.yml", str(ROOT / "playbooks" / "site.yml"),
                   "-l", "web1:web3", "-t", "web", "--output", "json")
        assert said.code == 0
        assert '"local_port":["80","443","8443"]' in said.out  # web3 has one more
        assert said.out.count('"remote_address":["10.0.0.0/8","fd00:10::/32"]') == 2  # web1 is on the boundary
