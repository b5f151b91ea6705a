"""Vaults as Ansible's users have them: names, ports and addresses in them are used, and nothing of them is printed or kept."""

from pathlib import Path

import pytest
import yaml
from cli_lab import Cli, fleet

from ringfence.documents.vault import encrypt
from ringfence.secret import Secret

VAULTED = """\
vault_user: {user}
vault_port: 43389
vault_word: kNr7hunter2
jump_hosts: [198.51.100.7, 198.51.100.8]
site: berlin
users: [{{name: alice, key: "{{{{ vault_word }}}}-alice"}}, {{name: bob, key: kNr7-bob-key}}]
"""
SECRETS = ["43389", "kNr7", "198.51.100.7", "berlin"]
PLAY = """\
- hosts: web1
  tasks:
    - name: rdp at {{ site }}
      firewall_rule: {name: rdp, protocol: tcp, local_port: 3389, remote_address: 10.0.0.1}
      when: site is match('b') and vault_port > 1000
    - ipsec_phase1_auth_set: {name: keys, proposal: {machine: true, pre_shared_key: "{{ vault_word }}-{{ site }}"}}
"""


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def project(cli: Cli, play: str) -> str:
    """A project whose account stands in a vault; the account."""
    inventory = yaml.safe_load((cli.folder / "hosts.yml").read_text())
    host = inventory["all"]["hosts"]["web1"]
    user, host["ansible_user"] = host["ansible_user"], "{{ vault_user }}"
    cli.write({"hosts.yml": yaml.safe_dump(inventory), "site.yml": play, "pw": "pw",
               "group_vars/all.yml": encrypt(VAULTED.format(user=user), Secret("pw")), })
    return str(user)


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_run_with_a_vault_prints_and_keeps_nothing_of_it(cli: Cli, transport: str) -> None:
    flags = ("--vault-password-file", "pw")
    with fleet(cli, 1, transport=transport):
        user = project(cli, PLAY)
        said = [cli(*command, *flags) for command in (
            ("validate", "-vv"), ("render", "web1"), ("render", "web1", "--output", "json"), ("inventory", "host", "web1"),
            ("plan", "-vv", "--log", "log", "-o", "p.json"),
            ("plan", "--output", "json", "--report", "html=r.html", "--report", "md=r.md"),
            ("apply", "--yes", "-vv", "--output", "jsonl"), ("drift", "--output", "json"), ("ping", "web1"), ("doctor", "web1"))]
        assert [one.code for one in said[:-1]] == [0] * (len(said) - 1), [one.err for one in said]
    kept = "".join(path.read_text(errors="replace") for path in cli.folder.rglob("*")
                   if path.is_file() and path.name not in ("pw", "hosts.yml", "site.yml"))
    everything = "".join(one.out + one.err for one in said) + kept
    assert len(everything) > 5000
    assert [secret for secret in SECRETS if secret in everything] == []
    assert f" as {user}" not in everything
    assert "rdp" in everything


@pytest.mark.parametrize(("value", "line"), [
    ("local_port: '{{ vault_port }}'", 2), ("remote_address: '{{ jump_hosts }}'", 4),
    ("remote_address: ['{{ jump_hosts[0] }}']", 4),
    ("description: 'at {{ site }}'", 5), ("enabled: \"{{ site == 'berlin' }}\"", 5), ("state: '{{ vault_word }}'", 3)])
def test_what_is_shown_takes_a_secret_by_word_only(cli: Cli, value: str, line: int) -> None:
    with fleet(cli, 1):
        task = f"- hosts: web1\n  tasks:\n    - firewall_rule: {{name: r, protocol: tcp, remote_port: 1, {value}}}\n"
        project(cli, task)
        said = cli("validate", "--vault-password-file", "pw")
        name = "site" if line == 5 else "vault_port" if line == 2 else "vault_word" if line == 3 else "jump_hosts"
        assert said.code == 1
        assert "site.yml:3: error: firewall_rule: " in said.err
        assert "a secret may not stand here: plans and reports show it" in said.err
        assert f"it comes of {name} (group_vars/all.yml:{line}); where it may be seen, say so: " in said.err
        assert '"{{ NAME | public }}"' in said.err
        assert not [secret for secret in SECRETS if secret in said.out + said.err]


def test_a_secret_that_may_be_seen(cli: Cli) -> None:
    play = """\
- hosts: web1
  tasks:
    - firewall_rule:
        name: "{{ item.name | public }}-{{ site | public }}"
        protocol: tcp
        local_port: "{{ vault_port | public }}"
        remote_address: "{{ jump_hosts | public }}"
      loop: "{{ users }}"
"""
    with fleet(cli, 1):
        project(cli, play)
        said = cli("plan", "--full", "--vault-password-file", "pw")
    assert said.code == 0, said
    for shown in ("alice-berlin", "bob-berlin", "43389", "198.51.100.7-198.51.100.8"):
        assert shown in said.out
    assert "kNr7" not in said.out + said.err


@pytest.mark.parametrize(("where", "play"), [
    ("hosts", "- hosts: '{{ site }}'\n  tasks: []\n"),
    ("vars_files", "- hosts: web1\n  vars_files: ['{{ vault_word }}.yml']\n  tasks: []\n")])
def test_what_messages_show_takes_none(cli: Cli, where: str, play: str) -> None:
    with fleet(cli, 1):
        project(cli, play)
        said = cli("validate", "--vault-password-file", "pw", "-e", "@group_vars/all.yml")
    assert said.code == 1
    assert f"{where}: a secret may not stand here" in said.err
    assert not [secret for secret in SECRETS if secret in said.out + said.err]
