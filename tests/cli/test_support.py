"""`ringfence support`: what helps others, and nothing that tells whose it is."""

import json
import os
import stat
from pathlib import Path

import pytest
from cli_lab import Cli
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.redaction import Redaction

SECRETS = ("dc7.fabrikam.example", "web-berlin-1", "10.77.3.9", "FABRIKAM\\anna", "hunter2", "fabrikam-rdp", "Fabrikam Policy",
           "berlin", "anna@fabrikam.example", "fd00:77::9", "{0A1B2C3D-1111-2222-3333-444455556666}",
           "S-1-5-21-1111111111-2222222222-3333333333-1001")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.write({
        "ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\nforks: 7\n"
                         "project: {name: Fabrikam Policy, id: 0123456789abcdef}\n",
        "hosts.yml": "all: {children: {berlin: {hosts: {web-berlin-1: {ansible_host: 10.77.3.9, ansible_user: 'FABRIKAM\\anna', "
                     "ansible_password: hunter2, ansible_psrp_auth: ntlm}}}}}\n",
        "site.yml": "- hosts: berlin\n  tasks:\n    - firewall_rule: {name: fabrikam-rdp, protocol: tcp, local_port: 3389, "
                    "remote_address: 10.77.0.0/16}\n"})
    return made


def bundle(cli: Cli) -> str:
    said = cli("support", "bundle.json")
    assert (said.code, said.err) == (0, "")
    return (cli.folder / "bundle.json").read_text(encoding="ascii")


def test_what_helps_is_in_it_and_names_are_not(cli: Cli) -> None:
    text = bundle(cli)
    told = json.loads(text)
    assert told["about"]["packages"]["pypsrp"]
    assert told["project"] == {"hosts": 1, "groups": 3, "declared": {"firewall_rule": 1}, "ways": {"psrp": 1},
                               "wait_for_facts": 0, "files": 3}
    assert told["settings"] == {"forks": 7}
    assert [name for name in SECRETS if name.casefold() in text.casefold()] == []
    assert stat.S_IMODE(os.stat(cli.folder / "bundle.json").st_mode) == 0o600
    assert cli("support", "bundle.json").code == 1  # nothing is overwritten


def test_mistakes_are_told_without_their_names(cli: Cli) -> None:
    cli.write({"site.yml": "- hosts: berlin\n  tasks:\n    - firewall_rule: {name: fabrikam-rdp, protokol: tcp, remote_address: "
               "dc7.fabrikam.example}\n"})
    text = bundle(cli)
    told = json.loads(text)
    assert told["project"] is None
    assert any("protokol" in problem["summary"] for problem in told["problems"])
    assert "dc7.fabrikam.example" not in text


def test_what_runs_ended_with_is_told(cli: Cli) -> None:
    assert cli("apply", "--yes").code != 0  # nobody is there
    (run,) = json.loads(bundle(cli))["runs"]
    assert (run["command"], run["statuses"]) == ("apply", {"unreachable": 1})
    assert run["errors"][0]["kind"] == "no_answer" or run["errors"][0]["kind"]
    assert "10.77.3.9" not in json.dumps(run)


@pytest.mark.parametrize(("text", "hidden"), [
    ("web-berlin-1: connection refused: 10.77.3.9:5985", "<host-1>: connection refused: <address-1>:5985"),
    ("10.77.3.9 and 10.77.3.10 and 10.77.3.9", "<address-1> and <address-2> and <address-1>"),
    ("127.0.0.1:5985", "127.0.0.1:5985"),
    ("CORP\\anna at dc7.corp.local", "<account-1> at <name-1>"),
    ("C:\\Windows\\System32", "C:\\Windows\\System32"),
    ("S-1-5-21-1-2-3-500 and S-1-5-18", "<sid-1> and S-1-5-18"),
    ("fd00:77::9 at 12:30:45", "<address-1> at 12:30:45"),
    ("ringfence 0.1.0, python 3.11.7, site.yml:12", "ringfence 0.1.0, python 3.11.7, site.yml:12"),
    ("WEB-BERLIN-1 is web-berlin-12", "<host-1> is web-berlin-12"),
])
def test_one_name_is_one_word(text: str, hidden: str) -> None:
    assert Redaction([("web-berlin-1", "host")]).text(text) == hidden


@given(st.lists(st.sampled_from(["web-berlin-1", "10.77.3.9", "x", " ", ":", "dc7.corp.local", "CORP\\anna"]), max_size=12))
def test_no_name_is_left(parts: list[str]) -> None:
    hidden = Redaction([("web-berlin-1", "host")]).text(" ".join(parts))
    assert not any(name in hidden for name in ("web-berlin-1", "10.77.3.9", "dc7.corp.local", "CORP\\anna"))
