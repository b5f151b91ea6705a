"""ringfence talks to your hosts and to what you configure, and to nobody else: the interpreter itself tells."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_lab import SMALL_PROJECT, Cli, environment, fleet
from faulty import Server, always, response

# PEP 578: an event for each name that is resolved, each address that is connected or sent to or listened at, and each program
# that is started, whatever library does it
# looks at files here
SETTLED = "git --no-optional-locks -c core.fsmonitor=false -c core.hooksPath=/dev/null -c protocol.allow=never -c safe.bare"
HERE = re.compile(r"bind (\('(127\.0\.0\.1|::1)', \d+\)|'.*')")  # or a socket of the file system
PROGRAM = """
import json, sys
seen = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        seen.append([event, repr(arguments[1])])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        seen.append([event, repr(arguments[0])])
    elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork", "os.forkpty"):
        seen.append(["started", " ".join(map(str, arguments[1])) if len(arguments) > 1 else event])
sys.addaudithook(hook)
from ringfence.cli.app import run
told = []
for command in json.loads(sys.argv[1]):
    told.append([int(run(command)), seen.copy()])
    seen.clear()
print("\\n" + json.dumps(told), file=sys.stderr)
"""


def contacts(folder: Path, *commands: list[str], **more: str) -> list[tuple[int, set[str]]]:
    """The exit code of each command of one process, and whom it talked to; the first has what importing does as well."""
    without = {k: v for k, v in environment(**more).items() if k.lower() not in ("http_proxy", "https_proxy", "ssh_auth_sock")
               or k in more}
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(commands)], cwd=folder, env=without, capture_output=True,
                          text=True, timeout=60, check=False)
    return told(done.stderr)


def told(stderr: str) -> list[tuple[int, set[str]]]:
    """What PROGRAM tells at its end."""
    return [(code, _elsewhere(seen)) for code, seen in json.loads(stderr.splitlines()[-1])]


def _elsewhere(seen: list[list[str]]) -> set[str]:
    """What was seen but for a git that looks at the project's folder, and listening on this machine alone."""
    told = {f"{event.removeprefix('socket.')} {whom}" for event, whom in seen}
    return {one for one in told if not one.startswith(f"started {SETTLED}") and not HERE.fullmatch(one)}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def test_with_hosts(cli: Cli) -> None:
    commands = [["ping"], ["plan"], ["apply", "--yes"], ["drift", "--who"], ["status"], ["compare-defaults"], ["show"],
                ["doctor", "all"], ["ledger", "show", "all"]]
    with fleet(cli, 3):
        hosts = yaml.safe_load((cli.folder / "hosts.yml").read_text().replace("!unsafe", ""))["all"]
        ports = {int(p) for p in _values(hosts, "ansible_port")}
        assert len(ports) == 3
        found = contacts(cli.folder, *commands)
    wanted = {f"connect ('127.0.0.1', {port})" for port in ports} | {"getaddrinfo '127.0.0.1'"}
    for command, (code, seen) in zip(commands, found, strict=True):
        assert (command, code in (0, 2), seen) == (command, True, wanted)


def test_without_hosts(cli: Cli) -> None:
    cli.write(SMALL_PROJECT)
    commands = ["validate", "validate --untrusted", "plan --list-hosts", "doc firewall_rule", "doc --own", "schema -o out",
                "init new", "jea export jea", "inventory graph", "render web1", "runs", "support bundle.json",
                "completion bash", "--version", "--help"]
    found = contacts(cli.folder, *map(str.split, commands))
    assert dict(zip(commands, found, strict=True)) == {command: (0, set()) for command in commands}


def test_the_lab_asks_nobody_and_listens_here(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that its hosts are asked for comes from this machine; the demo is the lab and ringfence in one process."""
    [(code, seen)] = contacts(cli.folder, ["demo"])
    assert code == 0
    assert {re.sub(r"\d+\)$", "PORT)", one) for one in seen} == {"connect ('127.0.0.1', PORT)", "getaddrinfo '127.0.0.1'"}
    monkeypatch.setenv("TMPDIR", str(cli.folder))  # where labs say where they are
    monkeypatch.setattr("tempfile.tempdir", None)
    command = json.dumps([["lab", "up", "--inventory", "lab.yml"]])
    with subprocess.Popen([sys.executable, "-c", PROGRAM, command], cwd=cli.folder, env=environment(), text=True,
                          stderr=subprocess.PIPE) as lab:
        try:
            assert lab.stderr
            assert "3 hosts up" in lab.stderr.readline()
            cli.write({"site.yml": SMALL_PROJECT["site.yml"]})
            assert cli("plan", "-i", "lab.yml", "site.yml").code == 0
            assert cli("lab", "show", "web1").code == 0
            lab.send_signal(signal.SIGTERM)
            [(code, seen)] = told(lab.stderr.read())
        finally:
            lab.kill()
    assert (code, seen) == (0, set())


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
