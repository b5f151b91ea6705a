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


NAMED = {  # every name has zq in it, in every place of a project that has names
    "ringfence.yml": "inventory: zq-inv\nplaybooks: [playbooks/zq-play.yml]\nrequire_scope: true\n"
                     "project: {name: ZQ Holding AG, id: 0123456789abcdef}\n",
    "zq-inv/hosts.yml": "all: {children: {zq_payroll_zurich: {hosts: {zq-sql01: {ansible_host: zq-db.corp.zqq}, "
                        "'zqweb[1:2]': }}}}\n",
    "zq-inv/zq-more.ini": "[zq_ini]\nzqini1 zq_port=1\n",
    "zq-inv/group_vars/zq_payroll_zurich.yml": "zq_nets: {zq-sql02: 10.1.0.0/16, zq net: [zq-a]}\nzq_site: zqtown\n",
    "zq-inv/host_vars/zq-sql01.yml": "zq_of_host: zq value with words\n",
    "roles/zqrole/tasks/main.yml": "- firewall_rule: {name: zq of role, protocol: tcp}\n",
    "playbooks/zq-play.yml": """
- name: zq play of acme
  hosts: zq_payroll_zurich:&zq_payroll_zurich
  tags: [zqtag]
  vars: {zq_own: {zq-key: 5}, zqpart: zqleft}
  tasks:
    - name: zq task
      firewall_rule: {name: zq-takeover-vpn3, protocol: tcp, local_port: 22, group: zq group, description: zq words}
      when: zq_of_host == 'zq value with words'
    - firewall_rule: {name: "zq {{ zqpart }} {{ zq_site }}-x", protocol: tcp, local_port: 23, remote_address: 10.0.0.1}
      loop: [zq-one, {zqk: zqv}]
"""}
_TASK = "    - firewall_rule: {%s}\n"


@pytest.mark.parametrize(("file", "content"), [
    ("", ""),
    *((("playbooks/zq-play.yml"), "+" + _TASK % task) for task in (
        'name: a, protocol: tcp, local_port: "{{ zq_nets[inventory_hostname] }}"', "name: a, action: zqalow",
        "name: zq-b, protocol: zqq",
        "name: zq-takeover-vpn3, protocol: udp", 'name: "zq {{ zqpart }} zqtown-x", protocol: udp',
        'name: "{{ zqpart }}-{{ zq_site }}", protocol: tcp', 'name: "{{ zq_undefined }}"', 'name: "{{ zq_own.zqnothing }}"',
        'name: "{{ zq_site | int }}", local_port: "{{ zq_of_host }}"', "name: zq name, remote_address: zq-db.corp.zqq",
        'name: "{{ lookup(\'file\', \'zqq/secret.txt\') }}"', "program: 'C:\\\\zqq\\\\zqq.exe', protokol: tcp, name: zqq",
        "name: [zq-list-1, zq-list-1], protocol: tcp", 'name: "{% zqq %}"', f"name: {'zqq ' * 90}, action: {'zqq ' * 90}")),
    ("playbooks/zq-play.yml", "+    - import_tasks: zq-gone.yml\n"),
    ("playbooks/zq-play.yml", "+    - import_role: {name: zq_gone}\n    - import_role: {name: zqrole}\n"),
    ("playbooks/zq-play.yml", "+- hosts: zq_nobody:zqweb3\n  tasks: []\n"),
    ("playbooks/zq-play.yml", "+    - firewall_rule: {name: zq-broken, zqq: [}\n"),
    ("playbooks/zq-play.yml", "+  - firewall_rule: {name: zq-broken-too}\n"),
    ("playbooks/zq-play.yml", "+    - assert: {that: zq_site == 'zqq'}\n"),
    ("zq-inv/hosts.yml", "all: {children: {zq_payroll_zurich: {hosts: [zq-sql01]}}}\n"),
    ("zq-inv/hosts.yml", "all: {children: {zq_payroll_zurich: {hosts: {'zqq[5:1]': , zq-sql01: {ansible_port: zqport}}, "
                         "childs: {zqq: }}}}\n"),
    ("zq-inv/hosts.yml", "all: {children: {zq_payroll_zurich: {hosts: {zq-sql01: \n"),
    ("zq-inv/zq-more.ini", "[zq_ini\nzqini1 zq_port='1\n"),
    ("zq-inv/host_vars/zq-sql01.yml", "zq_of_host: {zqq: [\n"),
    ("zq-inv/host_vars/zq-sql01.yml", "ansible_connection: zqcom\nansible_psrp_auth: zqauth\nansible_psrp_authh: 1\n"),
    ("ringfence.yml", "+limit: zqnobody\n"),
    ("ringfence.yml", "+modules: zqmodules\n"),
    ("ringfence.yml", "+limit: [zq-sql01, zq_gone]\ntags: [zqgone, zqtag]\n"),
    ("ringfence.yml", "+vault_id: zqq@zq-pass\n"),
])
def test_no_name_of_a_project_with_a_mistake_is_left(file: str, content: str, cli: Cli) -> None:
    cli.write(NAMED)
    if file:
        cli.write({file: NAMED[file] + content[1:] if content[:1] == "+" else content})
    text = bundle(cli)
    told = json.loads(text)
    assert told["problems"]
    assert [line for line in text.splitlines() if "zq" in line.casefold()] == []
    severities = {one["severity"] for one in told["problems"]}
    assert severities <= {"error", "warning", "note"}


def test_no_name_of_the_command_line_is_left(cli: Cli) -> None:
    cli.write(NAMED | {"zq-extra.yml": "zq_extra: zqthing\n"})
    for number, flags in enumerate((["-l", "zqnobody:zqweb1"], ["-t", "zqgone,zqtag"], ["-i", "zqone,zqtwo"],
                                    ["-e", "zq_site=zqx y"], ["-e", "@zq-gone.yml"], ["-e", "@zq-extra.yml"],
                                    ["-i", "zq-gone.yml"])):
        assert cli("support", f"{number}.json", *flags).code == 0
        assert "zq" not in (cli.folder / f"{number}.json").read_text(encoding="ascii").casefold()


def test_words_that_the_bundle_is_made_of_are_no_names(cli: Cli) -> None:
    words = ("summary", "detail", "file", "error", "severity", "message", "Error", "İ")
    cli.write({"hosts.yml": "all: {children: {berlin: {hosts: {summary: {detail: severity, file: message}}}}}\n",
               "site.yml": "- hosts: berlin\n  tasks:\n" + "".join(
                   f"    - firewall_rule: {{name: {word}, protokol: tcp, group: {word}}}\n" for word in words)})
    told = json.loads(bundle(cli))
    assert {tuple(one) for one in told["problems"]} == {("severity", "file", "line", "summary", "detail", "host")}
    assert {one["severity"] for one in told["problems"]} <= {"error", "warning"}


def test_names_that_cannot_be_read_are_told_of(cli: Cli) -> None:
    assert "may be left" not in json.loads(bundle(cli))["note"]
    cli.write({"site.yml": "- hosts: berlin\n  tasks: [\n"})
    said = cli("support", "second.json")
    assert (said.code, "may be left" in json.loads((cli.folder / "second.json").read_text())["note"]) == (0, True)


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
