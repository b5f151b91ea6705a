"""What an encrypted inventory says is masked wherever it could be seen: in listings, and in what is told of a connection."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_lab import Cli, undisturbed

from ringfence.documents.vault import encrypt
from ringfence.secret import Secret
from ringfence.transports import transport_for
from ringfence.transports.resolve import settings_for
from ringfence.transports.way_in import way_in

FORMS = {  # how each names a host with a port
    "hosts.yml": "all: {hosts: {'web1:PORT': {ansible_host: 127.0.0.1}}, vars: {ansible_connection: KIND, ansible_user: carol, "
                 "ansible_password: p}}\n",
    "hosts.ini": "web1:PORT ansible_host=127.0.0.1\n[all:vars]\nansible_connection=KIND\nansible_user=carol\n"
                 "ansible_password=p\n",
    "hosts.toml": "[all.hosts.'web1:PORT']\nansible_host = '127.0.0.1'\n[all.vars]\nansible_connection = 'KIND'\n"
                  "ansible_user = 'carol'\nansible_password = 'p'\n"}
SECRETS = ("127.0.0.1", "carol")


@pytest.fixture
def port() -> Iterator[str]:
    """One at which nobody listens, while it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield str(taken.getsockname()[1])


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["psrp", "ssh"])
def cli(form: str, port: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> Cli:
    text = encrypt(FORMS[form].replace("PORT", port).replace("KIND", request.param), Secret("right"))
    play = "- hosts: all\n  tasks: [{firewall_rule: {name: a, state: absent}}]\n"
    settings = f"inventory: {form}\nplaybooks: site.yml\nvault_password_file: pw\n"
    return undisturbed(tmp_path, capsys, monkeypatch, {"ringfence.yml": settings, form: text, "site.yml": play, "pw": "right\n"})


def test_listings(cli: Cli, port: str) -> None:
    for arguments in (("list",), ("list", "--yaml"), ("host", "web1"), ("graph",), ("list", "--output", "json")):
        said = cli("inventory", *arguments)
        assert said.code == 0, said.err
        assert "web1" in said.out
        assert [one for one in (*SECRETS, port) if one in said.out + said.err] == []
    shown = json.loads(cli("inventory", "list", "--show-secrets").out)["_meta"]["hostvars"]["web1"]
    assert (str(shown["ansible_port"]), shown["ansible_user"]) == (port, "carol")


@pytest.mark.parametrize("arguments", [("plan",), ("ping",), ("doctor", "web1"), ("plan", "--output", "json"), ("plan", "-vvv")])
def test_a_host_that_is_not_reached(arguments: tuple[str, ...], cli: Cli, port: str) -> None:
    said = cli(*arguments)
    assert "connection refused" in said.out + said.err, said
    assert [one for one in (*SECRETS, port) if one in said.out + said.err] == []


def test_a_port_that_does_not_count_is_told_of_a_clear_inventory_alone(cli: Cli, form: str, port: str) -> None:
    twice = "all: {hosts: {'web1:47011': }, children: {g: {hosts: {'web1:47012': }}}}\n"
    cli.write({form: twice if form == "hosts.yml" else "web1:47011\nweb1:47012\n" if form == "hosts.ini" else
               "[all.hosts]\n'web1:47011' = {}\n[g.hosts]\n'web1:47012' = {}\n"})
    assert "the port 47012 does not count" in cli("inventory", "graph").err
    cli.write({form: encrypt((cli.folder / form).read_text(), Secret("right"))})
    said = cli("inventory", "graph")
    assert (said.code, [one for one in ("47011", "47012") if one in said.out + said.err]) == (0, [])


def test_everything_of_a_way_in(port: str) -> None:
    """Short values too, and those that stand inside of others: jump hosts, and arguments of OpenSSH."""
    names = {"ansible_host": "10.0.0.7", "ansible_port": 22, "ansible_user": "me", "ringfence_ssh_jump": "tom@127.0.0.1:PORT",
             "ansible_ssh_common_args": "-o UserKnownHostsFile=/x/known -o StrictHostKeyChecking=no"}
    secret = {name: Secret(str(value).replace("PORT", port)) for name, value in names.items()}
    settings = settings_for("h", {"ansible_connection": "ssh", **secret})
    with pytest.raises(Exception, match="connection refused") as refused:
        transport_for(settings).run(None)  # type: ignore[arg-type]
    told = f"{refused.value} {way_in(settings)}"
    assert [one for one in ("10.0.0.7", "'me'", "tom", "127.0.0.1", port, "22") if one in told] == []


@pytest.mark.parametrize(("name", "value"), [
    ("ringfence_ssh_jump", "jump1 jump2"), ("ansible_ssh_common_args", "-i /no/such/key"), ("ansible_port", "geheim"),
    ("ringfence_powershell", "C:/geheim geheim/pwsh.exe"), ("ansible_connection", "geheim")])
def test_mistakes(name: str, value: str) -> None:
    variables = {"ansible_connection": "ssh", name: Secret(value)}
    with pytest.raises(Exception, match=name) as wrong:
        settings_for("h", variables)
    assert [word for word in (*value.split(), "/no/such/key") if len(word) > 3 and word in str(wrong.value)] == []
