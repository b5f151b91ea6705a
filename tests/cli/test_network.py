"""ringfence talks to your hosts and to what you configure, and to nobody else: the interpreter itself tells."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_lab import SMALL_PROJECT, Cli, environment, fleet
from faulty import Server, always, response

# PEP 578: an event for each name that is resolved and each address that is connected or sent to, whatever library does it
PROGRAM = """
import json, sys
seen = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        seen.append([event, repr(arguments[1])])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        seen.append([event, repr(arguments[0])])
sys.addaudithook(hook)
from ringfence.cli.app import run
told = []
for command in json.loads(sys.argv[1]):
    told.append([int(run(command)), seen.copy()])
    seen.clear()
print(json.dumps(told), file=sys.stderr)
"""


def contacts(folder: Path, *commands: list[str], **more: str) -> list[tuple[int, set[str]]]:
    """The exit code of each command of one process, and whom it talked to; the first has what importing does as well."""
    without = {k: v for k, v in environment(**more).items() if k.lower() not in ("http_proxy", "https_proxy", "ssh_auth_sock")
               or k in more}
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(commands)], cwd=folder, env=without, capture_output=True,
                          text=True, timeout=60, check=False)
    return [(code, {f"{event.removeprefix('socket.')} {whom}" for event, whom in seen})
            for code, seen in json.loads(done.stderr.splitlines()[-1])]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def test_with_hosts(cli: Cli) -> None:
    commands = [["plan"], ["apply", "--yes"], ["drift"], ["status"], ["compare-defaults"], ["show"]]
    with fleet(cli, 3):
        hosts = yaml.safe_load((cli.folder / "hosts.yml").read_text().replace("!unsafe", ""))["all"]
        ports = {int(p) for p in _values(hosts, "ansible_port")}
        assert len(ports) == 3
        told = contacts(cli.folder, *commands)
    wanted = {f"connect ('127.0.0.1', {port})" for port in ports} | {"getaddrinfo '127.0.0.1'"}
    for command, (code, seen) in zip(commands, told, strict=True):
        assert (command, code in (0, 2), seen) == (command, True, wanted)


def test_without_hosts(cli: Cli) -> None:
    cli.write(SMALL_PROJECT)
    commands = ["validate", "validate --untrusted", "plan --list-hosts", "doc firewall_rule", "doc --own", "schema -o out",
                "init new", "jea export jea", "--version", "--help"]
    told = contacts(cli.folder, *map(str.split, commands))
    assert dict(zip(commands, told, strict=True)) == {command: (0, set()) for command in commands}


def test_a_proxy_is_what_you_configure(cli: Cli) -> None:
    with Server(always(response(503))) as proxy:
        cli.write(SMALL_PROJECT | {"hosts.yml": "all: {hosts: {web1.example: {ansible_psrp_auth: ntlm, ansible_user: u, "
                                                "ansible_password: p, ansible_psrp_protocol: http}}}\n"})
        [(code, seen)] = contacts(cli.folder, ["plan"], http_proxy=f"http://127.0.0.1:{proxy.port}")
        assert (code, seen) == (5, {"getaddrinfo '127.0.0.1'", f"connect ('127.0.0.1', {proxy.port})"})


def _values(tree: object, key: str) -> list[str]:
    """The values of a key anywhere in a tree."""
    if not isinstance(tree, dict):
        return []
    return [v for k, v in tree.items() if k == key] + [f for v in tree.values() for f in _values(v, key)]
