"""Ansible Vault: texts that ansible-vault wrote, our own, wrong ones; passwords from files and programs."""

from pathlib import Path
from typing import Any

import pytest

from ringfence.diagnostics import InputError, Problems, Where
from ringfence.documents import local_programs, yaml
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.vault import Vault, Vaulted, encrypt, passwords
from ringfence.secret import Secret, revealed_all

# Written by ansible-vault of ansible-core 2.19 with the password "correct horse"; the text is "hunter2 é".
OLD = """$ANSIBLE_VAULT;1.1;AES256
32313733333134303364363336636563313737313333306361356135666331613037323237373834
3638396337333863663339323230356263653261376535350a613739303431663834333231313064
64326631336235373466343731386161653766336630303361336334663762333334346535636538
6332333262653137310a326330303262666130306165623738393237333966333238363265316135
3732
"""
NEW = """$ANSIBLE_VAULT;1.2;AES256;prod
31383739306634346633376330376137333036623432626636383437386236643136303864316432
3062386665353638643736353563623362373136386335390a333365643336613934373366623135
39346336643863396531633239333564623561363139656432633662313666353661643333323934
6131323532303365620a666433643931333430333538616433346335383162323437343966363366
3439
"""
RIGHT, WRONG = Secret("correct horse"), Secret("battery staple")
AT = Where("vars.yml", 3)


@pytest.mark.parametrize("text", [OLD, NEW, OLD.replace("\n", "\r\n"), NEW.strip()])
def test_what_ansible_wrote(text: str) -> None:
    vault = Vault([("other", WRONG), ("prod", RIGHT)])
    assert vault.decrypt(Vaulted(text, AT)).reveal() == "hunter2 é"


def test_what_ansible_writes_is_what_we_write() -> None:
    salt = bytes.fromhex(bytes.fromhex(OLD.split("\n", 1)[1].replace("\n", "")).split(b"\n")[0].decode())
    assert encrypt("hunter2 é", RIGHT, salt=salt) == OLD
    assert Vaulted(NEW).label == "prod"
    assert Vaulted(OLD).label == "default"


@pytest.mark.parametrize("text", ["", "x" * 15, "x" * 16, "é\n" * 1000])
def test_round_trip(text: str) -> None:
    vault = Vault([("default", RIGHT)])
    assert vault.decrypt(Vaulted(encrypt(text, RIGHT))).reveal() == text
    assert vault.decrypt(Vaulted(encrypt(text, RIGHT, "lab"))).reveal() == text


@pytest.mark.parametrize(("keys", "text", "told"), [
    ([], OLD, "an encrypted value, but no vault password"),
    ([("default", WRONG)], NEW, "no vault password fits this value"),
    ([("default", RIGHT)], "x", "not an encrypted value"),
    ([("default", RIGHT)], "$ANSIBLE_VAULT", "not an encrypted value"),
    ([("default", RIGHT)], "$ANSIBLE_VAULT;1.0;AES\n3030", "the vault format 1.0;AES is not known"),
    ([("default", RIGHT)], "$ANSIBLE_VAULT;1.1;AES256\n303", "the encrypted value is damaged"),
    ([("default", RIGHT)], "$ANSIBLE_VAULT;1.1;AES256\n3030", "the encrypted value is damaged"),
    ([("default", RIGHT)], OLD.replace("3732\n", "3733\n"), "no vault password fits this value"),
])
def test_what_cannot_be_decrypted_is_told_with_its_place(keys: list[tuple[str, Secret]], text: str, told: Any) -> None:
    with pytest.raises(InputError) as raised:
        Vault(keys).decrypt(Vaulted(text, AT))
    (diagnostic,) = raised.value.diagnostics
    assert (diagnostic.where, diagnostic.summary) == (AT, told)
    assert "horse" not in str(diagnostic)


def test_a_changed_ciphertext_fits_no_password() -> None:
    text = encrypt("é", RIGHT, salt=b"s" * 32)
    head, body = text.split("\n", 1)
    salt, mac, data = (bytes.fromhex(p.decode()) for p in bytes.fromhex(body.replace("\n", "")).split(b"\n"))
    broken = b"\n".join(p.hex().encode() for p in (salt, mac, data[:-1] + bytes([data[-1] ^ 1]))).hex()
    with pytest.raises(InputError, match="no vault password fits"):
        Vault([("default", RIGHT)]).decrypt(Vaulted(f"{head}\n{broken}"))


def test_passwords_from_files_and_programs(tmp_path: Path) -> None:
    plain, program, client = tmp_path / "plain", tmp_path / "program", tmp_path / "pass-client.sh"
    plain.write_text("correct horse\n")
    program.write_text("#!/bin/sh\necho 'battery staple'\n")
    client.write_text("#!/bin/sh\necho \"$1 $2\"\n")
    for file in (program, client):
        file.chmod(0o700)
    found = passwords([str(plain), f"prod@{program}", f"lab@{client}"])
    assert [(label, secret.reveal()) for label, secret in found] == [
        ("default", "correct horse"), ("prod", "battery staple"), ("lab", "--vault-id lab")]


@pytest.mark.parametrize(("name", "runs"), [("pass", False), ("pass.txt", False), ("pass.EXE", True), ("pass.cmd", True)])
def test_where_every_file_may_be_executed_the_ending_tells(name: str, runs: bool, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_programs, "POSIX", False)
    path = tmp_path / name
    path.write_text("#!/bin/sh\necho said\n")
    path.chmod(0o700)
    (found,) = passwords([str(path)])
    assert (found[1].reveal() == "said") == runs


def test_passwords_that_cannot_be_had_are_all_told(tmp_path: Path) -> None:
    failing, empty = tmp_path / "failing", tmp_path / "empty"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o700)
    empty.write_text("\n")
    with pytest.raises(InputError) as raised:
        passwords([str(tmp_path / "missing"), str(failing), str(empty), str(tmp_path)])
    told = [d.summary for d in raised.value.diagnostics]
    assert told == ["cannot read the vault password: No such file or directory", "the vault password program failed",
                    "the vault password is empty", "cannot read the vault password: Is a directory"]


def test_encrypted_files_of_variables_hold_secrets(tmp_path: Path) -> None:
    path, problems = tmp_path / "all.yml", Problems()
    path.write_text(encrypt("key: 17\nlist: [a, true, ~]\nmap: {a: '{{ b }}'}\n", RIGHT))
    variables = VariableFiles(Vault([("default", RIGHT)]), problems).load(path)
    assert not problems.failed
    assert variables["key"].reveal() == 17
    assert revealed_all(variables["list"]) == ["a", True, None]
    assert variables["map"].member("a") == Secret("{{ b }}")
    assert variables["list"].member(0).sources == (f"list ({path}:2)",)
    assert "17" not in repr(variables)


@pytest.mark.parametrize("text", ["hunter2: [", "hunter2: 1\nhunter2: 2\n", "- hunter2\n", "a: !hunter2 x\n"])
def test_mistakes_in_encrypted_files_show_nothing_of_them(text: str, tmp_path: Path) -> None:
    path, problems = tmp_path / "all.yml", Problems()
    path.write_text(encrypt(text, RIGHT))
    VariableFiles(Vault([("default", RIGHT)]), problems).load(path)
    with pytest.raises(InputError, match="the encrypted file has a mistake in this line") as raised:
        problems.check()
    assert "hunter2" not in str(raised.value)


def test_tagged_values_stay_encrypted_until_needed() -> None:
    indented = "".join(f"  {line}\n" for line in OLD.splitlines())
    value = yaml.parse(f"a: !vault |\n{indented}", "f.yml", Problems())
    assert value["a"] == Vaulted(OLD, Where("f.yml", 1))
