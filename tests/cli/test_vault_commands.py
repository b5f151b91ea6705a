"""`ringfence vault`: the files that Ansible's own program makes and reads, and passwords that are typed."""

import io
import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from cli_lab import PROGRAM, Cli, environment

ANSIBLE = shutil.which("ansible-vault") or shutil.which("ansible-vault", path=str(Path(sys.executable).parent))
needs_ansible = pytest.mark.skipif(ANSIBLE is None, reason="ansible-vault is not installed")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.write({"password": "open sesame\n", "other": "another one\n", "secrets.yml": "a: 1\nü: zwei\n"})
    return made


def text(cli: Cli, name: str = "secrets.yml") -> str:
    return (cli.folder / name).read_text(encoding="utf-8")


def mode(cli: Cli, name: str) -> int:
    return stat.S_IMODE((cli.folder / name).stat().st_mode)


def editor(cli: Cli, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that is a Python script: `path` is the file."""
    program = cli.folder / "editor.py"
    program.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n{script}\n", encoding="utf-8")
    monkeypatch.setenv("VISUAL", f"'{sys.executable}' '{program}'")


def typed(cli: Cli, answers: Sequence[str], *arguments: str) -> tuple[int, str]:
    """Run in front of a terminal, where somebody types answers to what is asked."""
    controller, terminal = pty.openpty()
    with subprocess.Popen([*PROGRAM, *arguments], cwd=cli.folder, env=environment(), start_new_session=True,
                          preexec_fn=_own_terminal, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = ""
        for answer in answers:
            while not shown.rstrip(" ").endswith(":") and (more := _more(controller)):
                shown += more
            os.write(controller, f"{answer}\n".encode())
            shown += _more(controller)
        while more := _more(controller):
            shown += more
        code = process.wait(60)
    os.close(controller)
    return code, shown


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _more(controller: int) -> str:
    try:
        return os.read(controller, 65536).decode(errors="replace")
    except OSError:  # Linux says so when the other side is gone
        return ""


def test_there_and_back(cli: Cli) -> None:
    before = text(cli)
    os.chmod(cli.folder / "secrets.yml", 0o640)
    assert cli("vault", "encrypt", "--vault-password-file", "password", "secrets.yml").code == 0
    assert text(cli).startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert mode(cli, "secrets.yml") == 0o640
    shown = cli("vault", "view", "--vault-password-file", "password", "secrets.yml")
    assert (shown.code, shown.out) == (0, before)
    assert cli("vault", "decrypt", "--vault-password-file", "password", "secrets.yml").code == 0
    assert (text(cli), mode(cli, "secrets.yml")) == (before, 0o600)


def test_the_password_of_the_project_serves(cli: Cli) -> None:
    cli.write({"ringfence.yml": "vault_id: prod@password\n"})
    assert cli("vault", "encrypt", "secrets.yml").code == 0
    assert text(cli).startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert cli("vault", "view", "secrets.yml").out == "a: 1\nü: zwei\n"


def test_one_of_several_passwords(cli: Cli) -> None:
    both = ("--vault-id", "a@password", "--vault-id", "b@other")
    said = cli("vault", "encrypt", *both, "secrets.yml")
    assert (said.code, "--encrypt-vault-id says which one: a, b" in said.err) == (1, True)
    assert cli("vault", "encrypt", *both, "--encrypt-vault-id", "b", "secrets.yml").code == 0
    assert cli("vault", "view", "--vault-id", "b@other", "secrets.yml").code == 0
    assert cli("vault", "encrypt", *both, "--encrypt-vault-id", "c", "ringfence.yml").code == 1


def test_a_new_password(cli: Cli) -> None:
    cli("vault", "encrypt", "--vault-password-file", "password", "secrets.yml")
    said = cli("vault", "rekey", "--vault-password-file", "password", "--new-vault-id", "x@other", "secrets.yml")
    assert (said.code, text(cli).splitlines()[0]) == (0, "$ANSIBLE_VAULT;1.2;AES256;x")
    assert cli("vault", "view", "--vault-password-file", "password", "secrets.yml").code == 1
    assert cli("vault", "view", "--vault-password-file", "other", "secrets.yml").code == 0


def test_an_editor(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = cli.folder / "seen"
    editor(cli, f"pathlib.Path({str(seen)!r}).write_text(str(path)); path.write_text('new: 1\\n')", monkeypatch)
    assert cli("vault", "create", "--vault-id", "p@password", "vault/new.yml").code == 0
    assert text(cli, "vault/new.yml").startswith("$ANSIBLE_VAULT;1.2;AES256;p\n")
    assert not Path(seen.read_text(encoding="utf-8")).exists()  # the text in the clear is gone
    editor(cli, "path.write_text(path.read_text() + 'more: 2\\n')", monkeypatch)
    assert cli("vault", "edit", "--vault-password-file", "password", "vault/new.yml").code == 0
    assert text(cli, "vault/new.yml").startswith("$ANSIBLE_VAULT;1.2;AES256;p\n")  # it keeps its label
    assert cli("vault", "view", "--vault-password-file", "password", "vault/new.yml").out == "new: 1\nmore: 2\n"
    before = text(cli, "vault/new.yml")
    editor(cli, "pass", monkeypatch)
    assert "not changed" in cli("vault", "edit", "--vault-password-file", "password", "vault/new.yml").err
    assert text(cli, "vault/new.yml") == before
    editor(cli, "path.write_text('lost'); sys.exit(3)", monkeypatch)
    said = cli("vault", "edit", "--vault-password-file", "password", "vault/new.yml")
    assert (said.code, "ended with 3" in said.err, text(cli, "vault/new.yml")) == (1, True, before)
    monkeypatch.setenv("VISUAL", "no-such-editor")
    assert "cannot be run" in cli("vault", "edit", "--vault-password-file", "password", "vault/new.yml").err
    assert cli("vault", "create", "--vault-id", "p@password", "vault/new.yml").code == 1  # there is one


@pytest.mark.parametrize(("arguments", "says"), [
    (("view", "secrets.yml"), "it is not encrypted"),
    (("decrypt", "secrets.yml"), "it is not encrypted"),
    (("view", "no.yml"), "No such file or directory"),
    (("encrypt", "binary"), "it is no text in UTF-8"),
    (("encrypt", "vaulted"), "it is encrypted already"),
    (("view", "damaged"), "the encrypted value is damaged"),
    (("view", "."), "Is a directory"),
])
def test_mistakes_leave_everything_as_it_is(arguments: Sequence[str], says: str, cli: Cli) -> None:
    (cli.folder / "binary").write_bytes(b"\xff\xfe\x00")
    cli.write({"damaged": "$ANSIBLE_VAULT;1.1;AES256\n00\n", "vaulted": "a: 1\n"})
    cli("vault", "encrypt", "--vault-password-file", "password", "vaulted")
    before = {path.name: path.read_bytes() for path in cli.folder.iterdir()}
    said = cli("vault", *arguments, "--vault-password-file", "password")
    assert (said.code, says in said.err, said.out) == (1, True, "")
    assert {path.name: path.read_bytes() for path in cli.folder.iterdir()} == before


def test_of_several_files_none_is_written_where_one_is_wrong(cli: Cli) -> None:
    before = text(cli)
    assert cli("vault", "encrypt", "--vault-password-file", "password", "secrets.yml", "no.yml").code == 1
    assert text(cli) == before


def test_a_value_for_a_file_of_variables(cli: Cli) -> None:
    done = subprocess.run([*PROGRAM, "vault", "encrypt-string", "--vault-id", "v@password", "--name", "ansible_password"],
                          input=b"s3cret", cwd=cli.folder, env=environment(), stdout=subprocess.PIPE, check=True)
    cli.write({"group_vars/all.yml": done.stdout.decode(), "site.yml": "- hosts: all\n  tasks:\n    - ipsec_phase1_auth_set: "
               "{name: x, proposal: [{machine: true, pre_shared_key: '{{ ansible_password }}'}]}\n"})
    assert cli("validate", "-i", "web1,", "--vault-id", "v@password", "site.yml").code == 0
    assert "no vault password fits" in cli("validate", "-i", "web1,", "--vault-id", "v@other", "site.yml").err
    assert b"s3cret" not in done.stdout


@pytest.mark.parametrize("name", ["my: var", "true", "- a", "x #c", "a\nb", "ü", "7", "'", "ansible_password"])
def test_the_name_of_a_value_is_a_key_whatever_it_is(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"s3cret")))
    said = cli("vault", "encrypt-string", "--vault-password-file", "password", "--name", name)
    assert said.code == 0, said
    (key,) = yaml.safe_load(said.out.replace("!vault ", ""))
    assert key == name


def test_a_stream(cli: Cli) -> None:
    def piped(word: str, given: bytes) -> bytes:
        return subprocess.run([*PROGRAM, "vault", word, "--vault-password-file", "password", "-"], input=given, cwd=cli.folder,
                              env=environment(), stdout=subprocess.PIPE, check=True).stdout

    assert piped("decrypt", piped("encrypt", b"a: 1\n")) == b"a: 1\n"


def test_what_is_typed_is_typed_twice_and_never_shown(cli: Cli) -> None:
    before = text(cli)
    code, shown = typed(cli, ["one", "two"], "vault", "encrypt", "secrets.yml")
    assert (code, "the two passwords are not the same" in shown, text(cli)) == (1, True, before)
    code, shown = typed(cli, ["typed pass", "typed pass"], "vault", "encrypt", "--vault-id", "dev@prompt", "secrets.yml")
    assert (code, text(cli).splitlines()[0], "typed pass" in shown) == (0, "$ANSIBLE_VAULT;1.2;AES256;dev", False)
    code, shown = typed(cli, ["typed pass"], "vault", "view", "-J", "secrets.yml")
    assert (code, "a: 1" in shown) == (0, True)
    code, shown = typed(cli, ["wrong"], "vault", "view", "secrets.yml")
    assert (code, "no vault password fits" in shown) == (1, True)


def test_nobody_to_ask(cli: Cli) -> None:
    for said in (cli("vault", "view", "secrets.yml"), cli("vault", "view", "--ask-vault-pass", "secrets.yml"),
                 cli("validate", "-i", "web1,", "--vault-id", "dev@prompt", "site.yml"), cli("ping", "-i", "web1,", "-k")):
        assert (said.code, "nobody to ask" in said.err) == (1, True), said


@needs_ansible
@pytest.mark.parametrize("label", ["", "dev"])
def test_ansible_reads_it_and_it_reads_ansibles(label: str, cli: Cli) -> None:
    assert ANSIBLE
    given = ["--vault-id", f"{label}@password"] if label else ["--vault-password-file", "password"]
    run = {"cwd": cli.folder, "check": True, "stdout": subprocess.PIPE}
    cli("vault", "encrypt", *given, "secrets.yml")
    assert subprocess.run([ANSIBLE, "view", *given, "secrets.yml"], **run).stdout.decode() == "a: 1\nü: zwei\n"  # type: ignore[call-overload]
    subprocess.run([ANSIBLE, "rekey", *given, "--new-vault-password-file", "other", "secrets.yml"], **run)  # type: ignore[call-overload]
    shown = cli("vault", "view", "--vault-password-file", "other", "secrets.yml")
    assert yaml.safe_load(shown.out) == {"a": 1, "ü": "zwei"}


def test_a_value_on_the_command_line_is_refused_and_not_repeated(cli: Cli) -> None:
    """It stands in the shell's history already; a log need not have it too."""
    said = cli("vault", "encrypt-string", "S3cret-9", "--name", "x")
    assert said.code == 1
    assert "S3cret-9" not in said.out + said.err
    assert "pipe it in, or be asked for it" in said.err
