"""A stranger's branch is safe to look at: every attack works where the project is trusted, and none where it is not."""

import os
from pathlib import Path
from typing import Any

import pytest
from cli_lab import KIND_THAT_MARKS, SMALL_PROJECT, Cli
from core import cases
from faulty import Server
from plan_texts import plan_text

from ringfence.documents import trust, trust_file, vault
from ringfence.secret import Secret

TOKEN = "Tr0ub4dor"
OUTSIDE = {"../outside": TOKEN, "../outside.yml": f"token: {TOKEN}\n", "../folder/a.yml": f"token: {TOKEN}\n",
           "../outside.cfg": f"[defaults]\nhash_behaviour = {TOKEN}\n", "../kinds/x.py": KIND_THAT_MARKS}
CONNECTING = (["plan"], ["apply", "--yes"], ["apply", "--check"], ["drift"], ["status"])


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TOKEN", TOKEN)
    (tmp_path / "project").mkdir()
    made = Cli(tmp_path / "project", capsys)
    made.write(SMALL_PROJECT | OUTSIDE)
    return made


def put(cli: Cli, files: dict[str, str]) -> None:
    """The files of an attack."""
    for name, text in files.items():
        path = cli.folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if text.startswith("->"):
            path.symlink_to(text.removeprefix("->"))
            continue
        if text == "VAULTED FILE":
            text = vault.encrypt(f"token: {TOKEN}\nansible_user: u", Secret("none"))
        if text == "VAULTED":
            lines = vault.encrypt("none", Secret(TOKEN)).splitlines()
            value = "".join(f"      {line}\n" for line in lines)
            text = f"all:\n  hosts: {{web1: }}\n  vars:\n    ansible_port: !vault |\n{value}"
        if text.startswith("SHOW "):
            text = f'- hosts: web1\n  tasks:\n    - firewall_rule: {{name: a, action: "{{{{ {text.removeprefix("SHOW ")} }}}}"}}'
        path.write_text(text + "\n")
        path.chmod(0o755 if text.startswith("#!") else 0o644)


def got(cli: Cli, said: Any) -> set[str]:
    """What an attack got: whether its code ran, and what was told."""
    ran = {"runs"} if (cli.folder / "ran").exists() else set[str]()
    (cli.folder / "ran").unlink(missing_ok=True)
    return ran | {said.out + said.err}


@pytest.mark.parametrize("case", cases("untrusted"), ids=lambda case: case["attack"])
def test_attacks(case: dict[str, Any], cli: Cli) -> None:
    put(cli, case["files"])
    arguments = ["validate", *case.get("arguments", ())]
    assert any(case["gets"] in found for found in got(cli, cli(*arguments))), "the attack does not work at all"
    said = cli(*arguments, "--untrusted")
    assert not any(case["gets"] in found for found in got(cli, said)), said
    assert TOKEN not in said.out + said.err
    assert case["told"] in said.err
    assert said.code == (0 if case["told"] in ("", "not checked") else 1), said


def test_what_was_not_checked_is_listed(cli: Cli) -> None:
    cli.write({"modules/zones.py": KIND_THAT_MARKS.replace("'x'", "'zone'"),
               "ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "modules: modules\n",
               "hosts.yml": "all: {hosts: {web1: {ansible_psrp_auth: basic, ansible_user: u, "
                            "ansible_password: \"{{ lookup('env', 'TOKEN') }}\"}}}\n",
               "site.yml": "- hosts: all\n  tasks:\n    - zone: {name: a}\n    - firewall_rule: {name: a, state: absent}\n"
                           "    - firewall_rule: {name: b, local_port: \"{{ lookup('env', 'TOKEN') }}\", action: perhaps}\n"})
    said = cli("validate", "--untrusted")
    assert said.code == 1
    assert "site.yml:3: warning: not checked: zone" in said.err
    assert "Its code at modules/zones.py:3 does not run" in said.err
    assert "hosts.yml:1: warning: not checked: ansible_password (host web1)" in said.err
    assert "site.yml:5: warning: not checked: this needs the facts of a host, the environment or a vault password" in said.err
    assert "'perhaps'" in said.err  # a mistake beside what cannot be checked is found
    cli.write({"site.yml": (cli.folder / "site.yml").read_text().replace(", action: perhaps", "")})
    said = cli("validate", "--untrusted")
    assert said.code == 0
    assert said.out == "valid: 1 declaration for 1 host, 3 warnings\n"


def test_vaulted_values_are_not_checked_without_a_password(cli: Cli) -> None:
    vaulted = vault.encrypt("hidden", Secret("right")).replace("\n", "\n      ")
    cli.write({"hosts.yml": "all:\n  hosts: {web1: }\n  vars:\n    ansible_user: u\n"
                            f"    ansible_password: !vault |\n      {vaulted}\n", "password": "right"})
    said = cli("validate", "--untrusted")
    assert (said.code, "warning: not checked: ansible_password" in said.err) == (0, True), said.err
    assert cli("validate").code == 1
    assert cli("validate", "--untrusted", "--vault-password-file", "password").err == ""


def test_files_that_stay_encrypted_are_listed_and_what_may_be_in_them(cli: Cli) -> None:
    rule = "    - firewall_rule: {name: %s, state: absent}\n"
    defined = "    - firewall_rule: {name: d, state: absent}\n      when: token is defined\n"
    cli.write({"group_vars/all.yml": vault.encrypt("token: hidden\nansible_user: u\n", Secret("right")), "password": "right",
               "ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "vault_password_file: not-here\n",
               "hosts.yml": "all: {hosts: {web1: {ansible_psrp_auth: basic, known: k, ansible_password: p}}}\n",
               "site.yml": "- hosts: all\n  tasks:\n" + rule % "'{{ token }}'" + rule % "'{{ other | default(1) }}'"
               + rule % "'{{ known }}'" + rule % "'{{ known.key }}'" + defined})
    assert cli("validate").code == 1
    said = cli("validate", "--untrusted")
    assert "group_vars/all.yml: warning: not checked: an encrypted file" in said.err
    assert "not-here: warning: not checked: cannot read the vault password" in said.err
    assert "site.yml:3: warning: not checked" in said.err
    assert "the same at site.yml:4, site.yml:8" in said.err
    assert "error" in said.err  # what is wrong in any case stays wrong
    assert "site.yml:6: error" in said.err
    assert "hidden" not in said.err
    cli.write({"site.yml": "- hosts: all\n  tasks:\n" + defined + rule % "'{{ known }}'"})
    said = cli("validate", "--untrusted")
    assert (said.code, said.out) == (0, "valid: 1 declaration for 1 host, 3 warnings\n"), said.err
    said = cli("validate", "--untrusted", "--vault-password-file", "password")
    assert (said.out, said.err) == ("valid: 2 declarations for 1 host\n", "")


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_a_kind_that_is_a_link_to_a_device_is_not_read(listed: bool, cli: Cli) -> None:
    """The first would be read for ever, the second waits for a writer."""
    cli.write({"ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "modules: modules\n" * listed, "modules/a.py": KIND_THAT_MARKS})
    (cli.folder / "modules" / "b.py").symlink_to("/dev/zero")
    os.mkfifo(cli.folder / "modules" / "c.py")
    assert cli("validate", "--untrusted").code == 0


def test_files_that_the_user_names_are_read(cli: Cli) -> None:
    cli.write({"../fleet/hosts.yml": "all: {hosts: {web9: }}\n", "../fleet/group_vars/all.yml": "port: 443\n",
               "site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, protocol: tcp, local_port: '{{ port }}'}\n"})
    said = cli("validate", "--untrusted", "-i", "../fleet/hosts.yml", "-e", "@../outside.yml")
    assert (said.code, said.out) == (0, "valid: 1 declaration for 1 host\n")


@pytest.mark.parametrize("command", CONNECTING, ids=" ".join)
def test_no_host_is_connected_to(command: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(lambda sock: None) as server:
        cli.write({"hosts.yml": f"all: {{hosts: {{web1: {{ansible_host: 127.0.0.1, ansible_port: {server.port}, "
                                "ansible_connection: ssh, ansible_password: a}}}\n"})
        cli(*command)
        assert server.connections
        before = server.connections
        said = cli(*command, "--untrusted")
        assert (said.code, server.connections) == (1, before)
        assert "an untrusted project leads to no host" in said.err
        monkeypatch.setenv(trust.UNTRUSTED, "1")
        assert cli(*command).code == 1
        assert server.connections == before


def test_a_plan_file_names_nothing_outside_and_is_not_even_read(cli: Cli) -> None:
    cli.write({"a.plan.json": plan_text("web1", playbooks=["site.yml"], inventory=["hosts.yml"], limit=["@../outside"])})
    for flags, reason in (([], "limit names '@../outside'"), (["--untrusted"], "an untrusted project leads to no host")):
        said = cli("apply", "--list-hosts", "a.plan.json", *flags)
        assert (said.code, reason in said.err, TOKEN in said.err) == (1, True, False)


def test_nothing_that_the_user_allows_makes_an_untrusted_project_run(cli: Cli) -> None:
    folder = cli.folder
    cli.write({"../config/ringfence/trust.yml": f"directories: [{folder}]\nprograms: [{folder}]\n",
               "modules/x.py": KIND_THAT_MARKS,
               "ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "modules: modules\nvault_password_file: vault.sh\n"})
    put(cli, {"vault.sh": "#!/bin/sh\ntouch ran\necho a"})
    allowed = ("--trust-dir", str(folder), "--allow-program", str(folder))
    assert "runs" in got(cli, cli("validate", *allowed))
    assert "runs" not in got(cli, cli("validate", "--untrusted", *allowed))


@pytest.mark.parametrize(("value", "on"), [("1", True), ("yes", True), ("no", True), ("0", False), ("", False)])
def test_the_environment_switches_it_on(value: str, on: bool) -> None:
    assert trust_file.load(environment={trust.UNTRUSTED: value, "XDG_CONFIG_HOME": "/nowhere"}).untrusted == on
    assert trust_file.load(untrusted=True, environment={trust.UNTRUSTED: value, "XDG_CONFIG_HOME": "/nowhere"}).untrusted
