"""Everything of a project may be vaulted, and every way of Ansible to say the passwords counts."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_lab import Cli, on_terminal, undisturbed
from core import cases

from ringfence.documents.vault import encrypt
from ringfence.secret import Secret

HOSTS = {"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n", "hosts.yml": "all: {hosts: {web1: }}\n", "pw": "right\n"}
CANARY = "10.0.0.7"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return undisturbed(tmp_path, capsys, monkeypatch, HOSTS)


def vaulted(text: str, label: str = "", password: str = "right") -> str:
    return encrypt(text, Secret(password), label)


def write(cli: Cli, files: dict[str, str]) -> None:
    value = vaulted(CANARY).strip().replace("\n", "\\n")
    cli.write({name.removeprefix("vaulted "): vaulted(text) if name.startswith("vaulted ") else text.replace("{VALUE}", value)
               for name, text in files.items()})


@pytest.mark.parametrize("case", cases("vault_places"), ids=lambda case: case["name"])
def test_places(cli: Cli, case: dict[str, Any]) -> None:
    write(cli, case["files"])
    said = cli("render", "web1", "--output", "json", "--vault-password-file", "pw")
    for mistake in case.get("mistakes", ()):
        assert mistake in said.err
    if "values" in case:
        assert said.code == 0, said.err
        (made,) = json.loads(said.out)["result"]["hosts"][0]["declarations"]
        assert case["values"].items() <= made["values"].items()
    else:
        assert said.code == 1
        assert CANARY not in said.out + said.err
    if any(name.startswith("vaulted ") or "!vault" in text for name, text in case["files"].items()):
        assert "no vault password" in cli("validate").err


def test_of_a_file_without_its_password_no_more_is_told(cli: Cli) -> None:
    """That its variables are not there is no other mistake."""
    cli.write({"site.yml": PLAY, "group_vars/all.yml": vaulted("word: clear\n"),
               "hosts.yml": "all: {hosts: {web1: {ansible_user: '{{ who }}', ansible_connection: ssh}}}\n"})
    for arguments in ((), ("--vault-password-file", "ringfence.yml")):
        said = cli("validate", *arguments)
        assert (said.code, said.err.count("error:"), "not defined" in said.err) == (1, 1, False), said.err


PLAY = "- hosts: web1\n  tasks:\n    - {firewall_rule: {name: r, state: absent}, when: word == 'clear'}\n"


def program(path: Path, text: str) -> None:
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o700)


@pytest.mark.parametrize(("flags", "environment"), [
    (("--vault-password-file", "pw"), {}), (("--vault-pass-file", "pw"), {}), (("--vault-id", "pw"), {}),
    (("--vault-id", "prod@pw"), {}), (("--vault-id", "@pw"), {}), (("--vault-id", "dev@wrong", "--vault-id", "prod@pw"), {}),
    (("--vault-id", "prod@ask-client.py"), {}), (("--vault-password-file", "ask.py"), {}),
    ((), {"ANSIBLE_VAULT_PASSWORD_FILE": "pw"}), ((), {"ANSIBLE_VAULT_IDENTITY_LIST": "dev@wrong, prod@pw"}),
    ((), {"ANSIBLE_VAULT_IDENTITY_LIST": "dev@wrong", "ANSIBLE_VAULT_PASSWORD_FILE": "pw"}),
    (("--vault-password-file", "pw"), {"ANSIBLE_VAULT_IDENTITY_LIST": "dev@wrong"}),
    ((), {"RINGFENCE_VAULT_ID": "prod@pw"}), ((), {"RINGFENCE_VAULT_PASSWORD_FILE": "pw"})])
def test_ways_to_say_a_password(cli: Cli, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...],
                                environment: dict[str, str]) -> None:
    cli.write({"site.yml": PLAY, "group_vars/all.yml": vaulted("word: clear\n", "prod"), "wrong": "wrong"})
    program(cli.folder / "ask.py", "print('right')")
    program(cli.folder / "ask-client.py", "import sys\nprint('right' if sys.argv[1:] == ['--vault-id', 'prod'] else 'wrong')")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = cli("render", "web1", *flags)
    assert said.code == 0, said.err
    assert "state: absent" in said.out


@pytest.mark.parametrize(("flags", "reason"), [
    (("--vault-id", "prod@none"), "cannot read the vault password: No such file"),
    (("--vault-id", "prod@text"), "cannot read the vault password: Exec format error\n    The file is executable"),
    (("--vault-id", "prod@wrong"), "no vault password fits this value\n    It was encrypted for the vault id prod; passwords "
                                   "tried: prod."),
    (("--vault-id", "prod@prompt"), "there is nobody to ask"), (("--ask-vault-pass",), "there is nobody to ask")])
def test_ways_that_lead_to_none(cli: Cli, flags: tuple[str, ...], reason: str) -> None:
    cli.write({"site.yml": PLAY, "group_vars/all.yml": vaulted("word: clear\n", "prod"), "wrong": "wrong", "text": "right\n"})
    (cli.folder / "text").chmod(0o700)
    said = cli("validate", *flags)
    assert said.code == 1
    assert reason in said.err


@pytest.mark.parametrize("flags", [("--ask-vault-pass",), ("-J",), ("--vault-id", "prod@prompt"), ("--vault-id", "@prompt"),
                                   ("--vault-id", "prompt")])
def test_a_password_that_is_typed(cli: Cli, flags: tuple[str, ...]) -> None:
    cli.write({"site.yml": PLAY, "group_vars/all.yml": vaulted("word: clear\n", "prod")})
    code, shown = on_terminal(cli, "right\n", "validate", *flags, question="ault password")
    assert (code, "right" in shown) == (0, False), shown


def test_an_untrusted_project_is_checked_without_its_vaults(cli: Cli) -> None:
    write(cli, {"vaulted site.yml": PLAY})
    said = cli("validate", "--untrusted", "--allow-empty")
    assert "site.yml: warning: not checked: an encrypted file" in said.err
    assert os.fspath(cli.folder) not in said.out
