"""`ringfence inventory`: groups and hosts as Ansible's own program shows them, and the variables of a host with their places."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_lab import Cli

ANSIBLE = shutil.which("ansible-inventory") or shutil.which("ansible-inventory", path=str(Path(sys.executable).parent))
HOSTS = """\
all:
  vars: {region: eu}
  hosts: {lonely: }
  children:
    servers:
      children:
        web:
          hosts:
            web1: {ansible_host: 10.0.0.1, ansible_password: plain}
            web2:
        db: {hosts: {db1: }}
    web_of_servers: {children: {web: }}
"""


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.write({"hosts.yml": HOSTS, "group_vars/web.yml": "ports: [80, 443]\nsite: \"{{ region }}-web\"\n",
                "host_vars/web1.yml": "region: us\napi_token: {a: b}\n", "ringfence.yml": "inventory: hosts.yml\n"})
    return made


def test_groups(cli: Cli) -> None:
    said = cli("inventory", "graph")
    assert said.out.splitlines() == [
        "@all:", "  |--@servers:", "  |  |--@db:", "  |  |  |--db1", "  |  |--@web:", "  |  |  |--web1", "  |  |  |--web2",
        "  |--@ungrouped:", "  |  |--lonely", "  |--@web_of_servers:", "  |  |--@web:", "  |  |  |--web1", "  |  |  |--web2"]
    assert cli("inventory", "graph", "db").out == "@db:\n  |--db1\n"
    groups = json.loads(cli("inventory", "graph", "--output", "json").out)["result"]["groups"]
    assert groups["servers"] == {"hosts": [], "children": ["web", "db"]}
    wrong = cli("inventory", "graph", "dbs")
    assert (wrong.code, "there is no group dbs" in wrong.err) == (1, True)


@pytest.mark.skipif(ANSIBLE is None, reason="no ansible-inventory on the PATH")
def test_groups_as_ansible_shows_them(cli: Cli) -> None:
    assert ANSIBLE
    theirs = subprocess.run([ANSIBLE, "-i", "hosts.yml", "--graph"], cwd=cli.folder, stdout=subprocess.PIPE, check=True)
    assert sorted(cli("inventory", "graph").out.split()) == sorted(theirs.stdout.decode().split())


def test_the_variables_of_a_host(cli: Cli) -> None:
    said = cli("inventory", "host", "web1")
    assert said.code == 0
    assert said.out.splitlines()[0] == "# web1: servers, web, web_of_servers"
    assert yaml.safe_load(said.out) == {
        "ansible_host": "10.0.0.1", "ansible_password": "********", "api_token": "********", "ports": [80, 443], "region": "us",
        "site": "{{ region }}-web"}
    lines = dict(line.split(": ", 1) for line in said.out.splitlines()[1:])
    assert lines["region"].split("# ") == ["us".ljust(lines["region"].index("#")), "host_vars/web1.yml:1"]
    assert lines["site"].endswith("# group_vars/web.yml:2")
    found = json.loads(cli("inventory", "host", "web1", "--output", "json").out)["result"]
    assert found["variables"]["ports"] == {"value": [80, 443], "file": "group_vars/web.yml", "line": 1}
    assert "plain" not in said.out + json.dumps(found)


def test_a_vaulted_value_is_masked_without_its_password(cli: Cli) -> None:
    vaulted = "!vault \"$ANSIBLE_VAULT;1.1;AES256\\n3030\""
    cli.write({"host_vars/web2.yml": f"key: {vaulted}\nmap: {{inner: {vaulted}}}\n"})
    said = cli("inventory", "host", "web2")
    assert (said.code, said.err) == (0, "")
    assert yaml.safe_load(said.out)["key"] == "********"
    assert yaml.safe_load(said.out)["map"] == {"inner": "********"}


def test_no_such_host(cli: Cli) -> None:
    assert cli("inventory", "host", "web9").code == 1
