"""SSH: who we are, and who they are: passwords, private keys, agents, known_hosts."""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from chance import by_chance
from faulty import HERE, Server, Ssh
from hypothesis import given
from hypothesis import strategies as st
from ssh_hosts import HOST_KEY, answer, fails, known, new_key, run, variables

from ringfence import files
from ringfence.secret import Secret
from ringfence.transports import known_hosts
from ringfence.transports.resolve import insecure, settings_for

pytestmark = pytest.mark.usefixtures("no_noise")


# who we are

def test_wrong_password(tmp_path: Path) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        error = fails(tmp_path, server.port, "authentication", "admin", ansible_password=Secret("falsch"),
                      ansible_ssh_retries=3)
        assert "falsch" not in str(error)
        assert server.connections == 1


@pytest.mark.parametrize(("kind", "passphrase"), [("ed25519", ""), ("ed25519", "päss"), ("ecdsa", ""), ("rsa", "")])
def test_private_keys(tmp_path: Path, kind: str, passphrase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, key = new_key(kind, passphrase.encode())
    path = tmp_path / "id"
    path.write_text(text)
    ssh = Ssh(answer(), HOST_KEY)
    ssh.keys = {key.get_base64()}
    more: dict[str, Any] = {"ansible_ssh_private_key_passphrase": passphrase} if passphrase else {}
    with Server(ssh) as server:
        without: dict[str, Any] = {"ansible_password": None, **more}
        assert run(tmp_path, server.port, ansible_ssh_private_key_file=str(path), **without)[0]
        assert run(tmp_path, server.port, ansible_ssh_private_key=Secret(text), **without)[0]
        ssh.keys = set()
        fails(tmp_path, server.port, "authentication", "admin", ansible_ssh_private_key_file=str(path), **without)
        # a password beside the key is tried after it
        assert run(tmp_path, server.port, ansible_ssh_private_key_file=str(path), **more)[0]


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "id"
    with Server(Ssh(answer(), HOST_KEY)) as server:
        path.write_text("not a key")
        fails(tmp_path, server.port, "authentication", "no private key", ansible_ssh_private_key_file=str(path))
        path.write_text(new_key(passphrase=b"right")[0])
        fails(tmp_path, server.port, "authentication", "set ansible_ssh_private_key_passphrase",
              ansible_ssh_private_key_file=str(path))
        fails(tmp_path, server.port, "authentication", "passphrase is wrong", ansible_ssh_private_key_file=str(path),
              ansible_ssh_private_key_passphrase="wrong")
        path.write_bytes(b"\xff\xfe")
        fails(tmp_path, server.port, "authentication", "cannot be read", ansible_ssh_private_key_file=str(path))


def test_nothing_to_log_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with Server(Ssh(answer(), HOST_KEY)) as server:
        fails(tmp_path, server.port, "authentication", "neither a password nor a key", ansible_password=None)


@contextlib.contextmanager
def ssh_agent(path: Path, key: paramiko.PKey) -> Iterator[None]:
    """An agent with one key (draft-miller-ssh-agent: 11 identities, 13 sign)."""
    def serve(sock: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error), sock, sock.makefile("rb") as stream:
            while True:
                asked = paramiko.Message(stream.read(struct.unpack(">I", stream.read(4))[0]))
                said = paramiko.Message()
                if asked.get_byte() == b"\x0b":
                    said.add_byte(b"\x0c")
                    said.add_int(1)
                    said.add_string(key.asbytes())
                    said.add_string("comment")
                else:
                    asked.get_binary()
                    said.add_byte(b"\x0e")
                    said.add_string(key.sign_ssh_data(asked.get_binary()).asbytes())
                sock.sendall(struct.pack(">I", len(said.asbytes())) + said.asbytes())

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                serve(listener.accept()[0])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key()[1]
    ssh = Ssh(answer(), HOST_KEY)
    ssh.keys = {key.get_base64()}
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with ssh_agent(tmp_path / "agent", key), Server(ssh) as server:
        assert run(tmp_path, server.port, ansible_password=None)[0]
        fails(tmp_path, server.port, "authentication", ansible_password=None, ringfence_ssh_agent=False)


# who they are

def test_unknown_host_key(tmp_path: Path) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        error = fails(tmp_path, server.port, "host_key", str(tmp_path / "none"),
                      ringfence_known_hosts=str(tmp_path / "none"))
        assert HOST_KEY.fingerprint in str(error)


def test_other_host_key(tmp_path: Path) -> None:
    other = new_key()[1]
    for policy in ("strict", "accept-new"):
        with Server(Ssh(answer(), HOST_KEY)) as server:
            error = fails(tmp_path, server.port, "host_key", ringfence_host_key_policy=policy,
                          ringfence_known_hosts=known(tmp_path, server.port, other))
            assert HOST_KEY.fingerprint in str(error)
            assert other.fingerprint in str(error)


def test_accept_new(tmp_path: Path) -> None:
    path = tmp_path / "new" / "known_hosts"
    more: dict[str, Any] = {"ringfence_known_hosts": str(path)}
    with Server(Ssh(answer(), HOST_KEY)) as server:
        assert run(tmp_path, server.port, ringfence_host_key_policy="accept-new", **more)[0]
        name, _, key = path.read_text().partition(" ")
        assert (name[:3], key) == ("|1|", f"{HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n")
        assert run(tmp_path, server.port, **more)[0]  # known from now on
    path.write_text("somehost ssh-ed25519 AAAA")
    with Server(Ssh(answer(), HOST_KEY)) as server:
        assert run(tmp_path, server.port, ringfence_host_key_policy="accept-new", **more)[0]
        assert path.read_text().startswith("somehost ssh-ed25519 AAAA\n|1|")


def test_nothing_is_remembered_on_the_null_device(tmp_path: Path) -> None:
    known_hosts.remember(os.devnull, "srv1", 22, HOST_KEY)  # and that is no failure
    with Server(Ssh(answer(), HOST_KEY)) as server:
        assert run(tmp_path, server.port,
                   ansible_ssh_common_args="-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/dev/null")[0]


@pytest.mark.parametrize("how", [{"ringfence_host_key_policy": "off"}, {"ansible_host_key_checking": False},
                                 {"ansible_ssh_host_key_checking": "no"},
                                 {"ansible_ssh_common_args": "-o StrictHostKeyChecking=no"}])
def test_off(tmp_path: Path, how: dict[str, Any]) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        other = known(tmp_path, server.port, new_key()[1])
        assert run(tmp_path, server.port, ringfence_known_hosts=other, **how)[0]
    (warning,) = insecure("srv1", settings_for("srv1", variables(tmp_path, server.port, **how)))
    assert warning.summary == "the keys of SSH hosts are not checked (host key policy off)"


@pytest.mark.parametrize("content", [
    "ssh-ed25519 AAAA me@here\n", "no-pty ssh-ed25519 AAAA\n", "restrict,pty ssh-rsa AAAA\n", 'from="10.0.0.1" ssh-rsa AAAA\n',
    "cert-authority ecdsa-sha2-nistp256 AAAA\n", "export PATH=/bin\n", "srv1 ssh-ed25519 AAAA\nalias ls=x\n", "\0", "a b\n"])
def test_no_key_is_added_to_a_file_of_something_else(content: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with Server(Ssh(answer(), HOST_KEY)) as server:
        fails(tmp_path, server.port, "host_key", "it holds something else than known hosts",
              ringfence_known_hosts=str(path), ringfence_host_key_policy="accept-new")
    assert path.read_text() == content


def test_no_key_is_added_to_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "none")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link"):
        with pytest.raises(OSError, match="something else than known hosts"):
            known_hosts.remember(str(path), HERE, 22, HOST_KEY)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("content", [
    "", "\n# comment\n", "no-oslo-1,10.0.0.1 ssh-ed25519 AAAA\n", "@revoked * ssh-rsa AAAA= x y\n",
    "[a]:23 sk-ssh-ed25519@openssh.com AAAA\r\n", "|1|a=|b= ecdsa-sha2-nistp256 AAAA"])
def test_a_key_is_added_to_any_known_hosts(content: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(content, newline="")
    known_hosts.remember(str(path), "Srv1", 22, HOST_KEY)
    assert known_hosts.known(str(path), "srv1", 22).keys == (HOST_KEY,)
    assert path.read_bytes().startswith(content.encode())


def test_revoked(tmp_path: Path) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        path = Path(known(tmp_path, server.port))
        path.write_text(path.read_text() + f"@revoked * {HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n")
        for policy in ("strict", "accept-new"):
            fails(tmp_path, server.port, "host_key", "revoked", ringfence_known_hosts=str(path),
                  ringfence_host_key_policy=policy)


def test_known_hosts_forms(tmp_path: Path) -> None:
    key = f"{HOST_KEY.get_name()} {HOST_KEY.get_base64()}"
    salt = b"0123456789abcdefghij"
    hashed = base64.b64encode(hmac.new(salt, b"srv1.example", hashlib.sha1).digest()).decode()
    path = tmp_path / "known_hosts"
    path.write_text("\n".join([
        "#comment", "", "broken", "srv9 ssh-nothing !!!", "@cert-authority * " + key,
        f"|1|{base64.b64encode(salt).decode()}|{hashed} {key}", "|1|!|! " + key, f"*.web.example,!bad.web.example {key}",
        f"SRV2,10.0.0.? {key}", f"[srv3]:2222 {key}", f"[*.corp]:2222 {key}"]))
    for host, port, there in [
        ("srv1.example", 22, True),
        ("SRV1.EXAMPLE", 22, True),
        ("srv1.example", 23, False),
        ("a.web.example", 22, True),
        ("bad.web.example", 22, False),
        ("srv2", 22, True),
        ("10.0.0.7", 22, True),
        ("10.0.0.77", 22, False),
        ("srv3", 2222, True),
        ("SRV3", 2222, True),
        ("srv3", 22, False),
        ("a.corp", 2222, True),
        ("a.corp", 22, False),
        ("a.corp.x", 2222, False),
        ("srv9", 22, False),
        ("other", 22, False),
    ]:
        assert bool(known_hosts.known(str(path), host, port).keys) == there, (host, port)


def test_what_is_no_line_of_a_host_says_nothing(tmp_path: Path) -> None:
    """A comment that looks like one, half a line, and what is said of others."""
    path, key = tmp_path / "known_hosts", f"{HOST_KEY.get_name()} {HOST_KEY.get_base64()}"
    path.write_text(f"# srv1 {key}\n#srv0,srv1 {key}\nsrv1 {HOST_KEY.get_name()}\n@revoked\n@revoked srv2 {key}\n")
    assert known_hosts.known(str(path), "srv1", 22) == known_hosts.KnownKeys((), frozenset())
    path.write_text(f"srv1 {key}\n@revoked srv2 {key}\n@revoked srv3 {key}\nsrv3 {key}\n")
    assert known_hosts.known(str(path), "srv1", 22) == known_hosts.KnownKeys((HOST_KEY,), frozenset())
    assert known_hosts.known(str(path), "srv3", 22) == known_hosts.KnownKeys((), frozenset({key}))


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path, key = tmp_path / "known_hosts", f"{HOST_KEY.get_name()} {HOST_KEY.get_base64()}"
    for line, moment, there in ((f"srv1 {key}\n", 1, True), (f"srv2 {key}\n", 2, False), (f"srv2,srv1 {key}\n", 2, True)):
        path.write_text(line)
        os.utime(path, (moment, moment))
        assert bool(known_hosts.known(str(path), "srv1", 22).keys) == there


def test_what_is_remembered_is_the_accounts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else may write there says which keys are trusted."""
    monkeypatch.chdir(tmp_path)
    before = os.umask(0)
    try:
        for path in ("known_hosts", "new/known_hosts", "new/known_hosts"):
            known_hosts.remember(path, "srv1", 22, HOST_KEY)
    finally:
        os.umask(before)
    assert [Path(name).stat().st_mode & 0o777 for name in ("known_hosts", "new/known_hosts", "new")] == [0o600, 0o600, 0o700]
    lines = Path("new/known_hosts").read_text().splitlines()
    assert (len(lines), len({line.split()[0] for line in lines})) == (2, 2)  # each with a salt of its own


@pytest.mark.parametrize(("patterns", "there"), [
    (("srv1",), True), (("other", "srv1"), True), (("srv1", "other"), True), (("!srv1", "*"), False), (("*", "!srv1"), False),
    (("!srv2", "*"), True), (("!srv2",), False), (("!*",), False), (("",), False), (("|1|x|y", "srv1"), True),
    (("srv1", "|1|x|y"), True), (("|1|MDEy|AAAA",), False), (("|1|MDEy",), False)])
def test_of_several_patterns_one_has_to_fit_and_none_may_forbid(patterns: tuple[str, ...], there: bool) -> None:
    assert known_hosts.KnownHostsLine("", patterns, "k").matches("srv1") == there


@by_chance(300)
@given(st.text("ab*?", max_size=7), st.text("ab", max_size=7))
def test_wildcards_fit_as_those_of_sshd_do(pattern: str, name: str) -> None:
    wanted = re.fullmatch(pattern.replace("*", ".*").replace("?", "."), name) is not None
    assert known_hosts.KnownHostsLine("", (pattern,), "k").matches(name) == wanted


@by_chance(60)
@given(st.text(max_size=300))
def test_any_known_hosts_is_read(text: str) -> None:
    entries = [known_hosts.KnownHostsLine("", tuple(line.split(",")), "k") for line in text.splitlines()]
    assert all(isinstance(entry.matches("srv1"), bool) for entry in entries)


@pytest.mark.parametrize("what", ["fifo", "device", "large"])
def test_a_known_hosts_that_is_no_file_knows_nobody_and_is_not_waited_for(
        what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "known_hosts"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_text(f"srv1 {HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n" * 10)
        monkeypatch.setattr(files, "MAX_KNOWN_HOSTS", 100)
    assert known_hosts.known(str(path), "srv1", 22).keys == ()
