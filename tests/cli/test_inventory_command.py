"""`ringfence inventory`: groups and hosts as Ansible's own program shows them, and the variables of a host with their places."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_lab import Cli

from ringfence.documents.vault import encrypt
from ringfence.secret import Secret

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


def test_groups_need_no_password_of_variables(cli: Cli) -> None:
    cli.write({"group_vars/web.yml": encrypt("ports: [80]\n", Secret("pw"))})
    assert (cli("inventory", "graph").code, cli("inventory", "list").code) == (0, 1)


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
    said = cli("inventory", "host", "web9")
    assert (said.code, "did you mean web" in said.err) == (1, True)


@pytest.mark.parametrize(("name", "number", "hosts"), [
    ("servers", 3, "web1, web2, db1"), ("all", 4, "lonely, web1"), ("web*", 2, "web1, web2"), ("web1,db1", 2, "web1, db1")])
def test_the_variables_of_several_hosts_are_not_those_of_one(name: str, number: int, hosts: str, cli: Cli) -> None:
    said = cli("inventory", "host", name)
    assert (said.code, said.out) == (1, "")
    assert f"error: {name} is not one host, but {number} hosts: {hosts}" in said.err
    assert "this is a defect" not in said.err.lower()


def test_a_pattern_of_one_host_means_that_one(cli: Cli) -> None:
    for pattern in ("db", "db*", "servers:!web"):
        assert cli("inventory", "host", pattern).out == cli("inventory", "host", "db1").out
    found = json.loads(cli("inventory", "host", "web", "-l", "web2", "--output", "json").out)["result"]
    assert (found["host"], found["groups"]) == ("web2", ["servers", "web", "web_of_servers"])


def test_groups_of_some_hosts(cli: Cli) -> None:
    assert cli("inventory", "graph", "-l", "db1").out == "@all:\n  |--@servers:\n  |  |--@db:\n  |  |  |--db1\n"
    assert cli("inventory", "graph", "web", "-l", "web2").out == "@web:\n  |--web2\n"
    groups = json.loads(cli("inventory", "graph", "-l", "db1", "--output", "json").out)["result"]["groups"]
    assert groups == {"all": {"hosts": [], "children": ["servers"]}, "servers": {"hosts": [], "children": ["db"]},
                      "db": {"hosts": ["db1"], "children": []}}


def test_keys_of_several_kinds(cli: Cli) -> None:
    cli.write({"host_vars/web2.yml": "vlan_names: {1: default, mgmt: x, null: [{2: y, a: z}]}\n"})
    named = {"1": "default", "mgmt": "x", "null": [{"2": "y", "a": "z"}]}
    for found in (json.loads(cli("inventory", "list").out),
                  json.loads(cli("inventory", "list", "--output", "json").out)["result"]["inventory"]):
        assert found["_meta"]["hostvars"]["web2"]["vlan_names"] == named
    told = json.loads(cli("inventory", "host", "web2", "--output", "json").out)["result"]["variables"]
    assert told["vlan_names"]["value"] == named
    assert yaml.safe_load(cli("inventory", "host", "web2").out)["vlan_names"] == {
        1: "default", "mgmt": "x", None: [{2: "y", "a": "z"}]}


# ------------------------------------------------------------------------------------------------------------------------ list

PASSWORD, VAULTED = "correct horse", encrypt("hunter2", Secret("correct horse"))
SEALED = "secret_word: !vault |\n" + "".join(f"  {line}\n" for line in VAULTED.splitlines())


@pytest.fixture
def secretive(cli: Cli) -> Cli:
    """With a value that is vaulted, and a file of variables that is."""
    cli.write({"host_vars/web2.yml": SEALED + "text: !unsafe '{{ x }}'\n", "password": PASSWORD,
               "group_vars/db.yml": encrypt("db_word: hunter3\n", Secret(PASSWORD)),
               "ringfence.yml": "inventory: hosts.yml\nvault_password_file: password\n"})
    return cli


def test_a_listing_hides_secrets(secretive: Cli) -> None:
    said = secretive("inventory", "list")
    assert said.code == 0, said
    found = json.loads(said.out)
    assert found["all"] == {"children": ["ungrouped", "servers", "web_of_servers"]}
    assert found["servers"] == {"children": ["web", "db"]}
    hosts = found["_meta"]["hostvars"]
    assert hosts["web1"] == {"ansible_host": "10.0.0.1", "ansible_password": "********", "api_token": "********",
                             "ports": [80, 443], "region": "us", "site": "{{ region }}-web"}
    assert hosts["web2"]["secret_word"] == "********"
    assert hosts["web2"]["text"] == {"__ansible_unsafe": "{{ x }}"}
    assert hosts["db1"]["db_word"] == "********"
    assert json.loads(secretive("inventory", "list", "--output", "json").out)["result"]["inventory"] == found


def test_a_listing_shows_secrets_to_who_asks_for_them(secretive: Cli) -> None:
    hosts = json.loads(secretive("inventory", "list", "--show-secrets").out)["_meta"]["hostvars"]
    assert (hosts["web1"]["ansible_password"], hosts["web1"]["api_token"]) == ("plain", {"a": "b"})
    assert hosts["web2"]["secret_word"] == {"__ansible_vault": VAULTED}  # encrypted, as in Ansible's
    assert hosts["db1"]["db_word"] == "hunter3"
    said = secretive("inventory", "host", "web2", "--show-secrets")
    assert yaml.safe_load(said.out)["secret_word"] == "hunter2"
    assert "hunter2" not in secretive("inventory", "host", "web2").out


@pytest.mark.parametrize("call", [["RINGFENCE_SHOW_SECRETS"], ["ringfence.yml"]])
def test_only_the_command_line_shows_secrets(call: list[str], secretive: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    if call == ["ringfence.yml"]:
        secretive.write({"ringfence.yml": "inventory: hosts.yml\nvault_password_file: password\nshow_secrets: true\n"})
    else:
        monkeypatch.setenv("RINGFENCE_SHOW_SECRETS", "1")
    said = secretive("inventory", "list")
    assert "hunter3" not in said.out + said.err
    assert '"plain"' not in said.out


def test_secrets_need_their_password(secretive: Cli) -> None:
    secretive.write({"ringfence.yml": "inventory: hosts.yml\n", "group_vars/db.yml": "{}"})
    said = secretive("inventory", "host", "web2", "--show-secrets")
    assert (said.code, said.out) == (1, "")
    assert "host_vars/web2.yml:1: error: an encrypted value, but no vault password" in said.err


def test_a_listing_as_yaml_is_an_inventory(secretive: Cli) -> None:
    said = secretive("inventory", "list", "--yaml", "--show-secrets")
    assert "secret_word: !vault |" in said.out
    assert "text: !unsafe" in said.out
    secretive.write({"again/hosts.yml": said.out})
    again = secretive("inventory", "list", "--show-secrets", "-i", "again/hosts.yml")
    assert json.loads(again.out) == json.loads(secretive("inventory", "list", "--show-secrets").out)


def test_a_listing_of_some(cli: Cli) -> None:
    found = json.loads(cli("inventory", "list", "-l", "web1", "-e", "port=1").out)
    assert found["_meta"]["hostvars"].keys() == {"web1"}
    assert found["_meta"]["hostvars"]["web1"]["port"] == "1"
    assert found["web"] == {"hosts": ["web1"]}


def test_other_hosts_and_no_hosts_are_shown(cli: Cli) -> None:
    cli.write({"hosts.yml": "all: {hosts: {box: {ansible_connection: docker, ansible_port: abc}}}\n"})
    assert json.loads(cli("inventory", "list").out)["_meta"]["hostvars"] == {"box": {"ansible_connection": "docker",
                                                                                    "ansible_port": "abc"}}
    assert cli("inventory", "graph").out == "@all:\n  |--@ungrouped:\n  |  |--box\n"
    cli.write({"hosts.yml": "all: {hosts: }\n"})
    said = cli("inventory", "list")
    assert (said.code, json.loads(said.out)) == (0, {"_meta": {"hostvars": {}}, "all": {"children": ["ungrouped"]}})


@pytest.mark.parametrize("text", ["[box]\nw1 word=hunter4\n[box:vars]\nport=5986\n",
                                  "box: {hosts: {w1: {word: hunter4}}, vars: {port: 5986}}\n"])
def test_an_encrypted_inventory(text: str, secretive: Cli) -> None:
    secretive.write({"sealed": encrypt(text, Secret(PASSWORD))})
    said = secretive("inventory", "list", "-i", "sealed")
    assert json.loads(said.out)["_meta"]["hostvars"] == {"w1": {"word": "********", "port": "********"}}, said
    shown = secretive("inventory", "list", "-i", "sealed", "--show-secrets")
    assert json.loads(shown.out)["_meta"]["hostvars"] == {"w1": {"word": "hunter4", "port": 5986}}
    secretive.write({"sealed": encrypt(text.replace("box", "[bo x", 1), Secret(PASSWORD))})
    said = secretive("inventory", "list", "-i", "sealed")
    assert (said.code, "sealed:1: error: the encrypted file has a mistake in this line" in said.err) == (1, True), said
    assert "hunter4" not in said.err
    assert "bo x" not in said.err
    secretive.write({"ringfence.yml": "inventory: hosts.yml\n"})
    assert "sealed: error: an encrypted value, but no vault password" in secretive("inventory", "list", "-i", "sealed").err
