"""`ringfence ping` through real WinRM, SSH and local processes: what is there, what is missing, and what to do."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_lab import Cli, Output
from documents import host_in
from host_script import PWSH, needs_pwsh
from lab_servers import AUDITOR, OPERATOR

from ringfence import __version__
from ringfence.batch import Batch, Call
from ringfence.batch.scripts import script_named
from ringfence.cli.commands.lab import groups, machines
from ringfence.errors import FAILURES
from ringfence.lab import Machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.ssh.sshd import SshServerSettings
from ringfence.lab.winrm.winrm_settings import WinRMSettings

EVERYBODY = frozenset({"Administrator"})
BOTH = {"ringfence": OPERATOR, "ringfence-audit": AUDITOR,
        "old": replace(OPERATOR, exported=replace(OPERATOR.exported, version="0.0.1")),
        "oldest": replace(OPERATOR, without=frozenset({"Session.Read"}))}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@contextmanager
def hosts_up(cli: Cli, number: int = 1, **options: Any) -> Iterator[dict[str, Machine]]:
    """Simulated hosts, and nothing but an inventory of them."""
    hosts = machines(number)
    with SimulatedFleet(hosts, **{"groups": groups(hosts)} | options) as lab:
        cli.write({"hosts.yml": lab.inventory()})
        yield {host.name: host for host in hosts}


def ping(cli: Cli, *arguments: str) -> Output:
    return cli("ping", "-i", "hosts.yml", *arguments)


def told(cli: Cli, *arguments: str) -> dict[str, Any]:
    """The one host of the JSON document, which fits its schema."""
    return host_in(ping(cli, "--output", "json", *arguments).out, "examination")


def levels(host: dict[str, Any]) -> dict[str, str]:
    return {one["check"]: one["level"] for one in host["checks"]}


@pytest.mark.parametrize(("transport", "way"), [
    ("psrp", "psrp 127.0.0.1:{port}, ntlm as Administrator, encrypted messages"),
    ("ssh", "ssh 127.0.0.1:{port}, password as Administrator, SSH")])
def test_a_good_host_is_one_line(cli: Cli, transport: str, way: str) -> None:
    with hosts_up(cli, transport=transport):
        port = yaml.safe_load((cli.folder / "hosts.yml").read_text())["all"]["hosts"]["web1"]["ansible_port"]
        said = ping(cli)
        first, last = said.out.splitlines()
        assert said.code == 0
        assert first.startswith(f"web1  reachable  {way.format(port=port)}  web1\\Administrator, elevated  "
                                "Windows Server 2022 Standard 20348, PowerShell 5.1.20348.1  ")
        assert last.startswith("1 host: 1 reachable; ")
        host = told(cli)
        assert host["session"]["account"] == "web1\\Administrator"
        assert set(levels(host).values()) == {"ok"}


def test_https_and_what_was_agreed_on(cli: Cli) -> None:
    with hosts_up(cli, https=True, auth="negotiate"):
        assert "negotiate (ntlm) as Administrator, TLS  " in ping(cli).out


def test_a_host_is_sent_the_least_text() -> None:
    ours = {"facts": Call("Facts.Read"), "session": Call("Session.Read")}
    assert Batch(ours).script == script_named("prober")
    assert len(script_named("prober")) < len(script_named("reader"))


def test_nothing_that_writes_is_sent_and_nobody_is_asked_twice(cli: Cli) -> None:
    """The simulated hosts run ringfence's own scripts and no other; what writes is none of this one."""
    with hosts_up(cli, 2, transport="mixed") as hosts:
        assert ping(cli).code == 0
        assert [host.counters.batches for host in hosts.values()] == [1, 1]


def test_patterns_limits_and_nothing(cli: Cli) -> None:
    with hosts_up(cli, 4, transport="mixed") as hosts:
        assert sorted(line.split()[0] for line in ping(cli, "servers", "-l", "web3").out.splitlines()[:-1]) == ["web3"]
        assert ping(cli, "web*", "--list-hosts").out == "  hosts (2):\n    web1\n    web3\n"
        nobody = ping(cli, "nobody")
        assert (nobody.code, nobody.out) == (1, "")
        errors = [line for line in nobody.err.splitlines() if line[0] != " "]
        assert errors == ['error: no host or group matches "nobody"']
        assert "no host is meant by no*" in ping(cli, "no*").err
        assert [host.counters.batches for host in hosts.values()] == [0, 0, 1, 0]


def test_variables_beside_the_playbooks_count_though_no_playbook_is_read(cli: Cli) -> None:
    with hosts_up(cli):
        inventory = yaml.safe_load((cli.folder / "hosts.yml").read_text())
        password = inventory["all"]["hosts"]["web1"].pop("ansible_password")
        cli.write({"inventory/hosts.yml": yaml.safe_dump(inventory), "plays/site.yml": "- nonsense: [\n",
                   "plays/group_vars/all.yml": f"ansible_password: {password}\n",
                   "ringfence.yml": "inventory: inventory/hosts.yml\nplaybooks: plays/site.yml\n"})
        assert cli("ping").code == 0


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_wrong_password(cli: Cli, transport: str) -> None:
    with hosts_up(cli, transport=transport):
        said = ping(cli, "-e", "ansible_password=wrong")
        assert said.code == 5
        assert "web1  unreachable  " in said.out
        assert "authentication failed" in said.out
        assert FAILURES["authentication"][1] in said.out
        host = told(cli, "-e", "ansible_password=wrong")
        assert (host["error"]["kind"], host["error"]["exit_code"]) == ("authentication", 5)
        assert (host["facts"], host["checks"]) == (None, [])


def test_a_closed_port(cli: Cli) -> None:
    with hosts_up(cli), socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.close()
        host = told(cli, "-e", f"ansible_port={port}")
        assert (host["error"]["kind"], host["error"]["exit_code"], host["way_in"]["port"]) == ("connection_refused", 5, port)


def test_another_service(cli: Cli) -> None:
    with hosts_up(cli, transport="ssh"):
        host = told(cli, "-e", "ansible_connection=psrp ansible_psrp_protocol=http ansible_psrp_auth=ntlm")
        assert (host["error"]["kind"], host["error"]["exit_code"]) == ("wrong_service", 5)
        assert host["way_in"]["transport"] == "psrp"


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_restricted_language(cli: Cli, transport: str) -> None:
    with hosts_up(cli, transport=transport) as hosts:
        hosts["web1"].faults.language_mode = "ConstrainedLanguage"
        said = ping(cli)
        assert said.code == 6
        assert "web1  failed  " in said.out
        assert "ConstrainedLanguage" in said.out
        assert FAILURES["language_mode"][1] in said.out


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_session_that_is_not_elevated(cli: Cli, transport: str) -> None:
    with hosts_up(cli, transport=transport, winrm=WinRMSettings(not_elevated=EVERYBODY),
                  ssh=SshServerSettings(not_elevated=EVERYBODY)):
        said = ping(cli)
        assert said.code == 6
        assert "web1\\Administrator, not elevated" in said.out
        assert FAILURES["elevation"][1] in said.out
        assert told(cli)["error"]["kind"] == "elevation"


def test_services_that_do_not_run(cli: Cli) -> None:
    with hosts_up(cli) as hosts:
        services = hosts["web1"].services
        services["IKEEXT"] = "stopped"
        said = ping(cli)
        assert said.code == 0
        assert "note: IKEEXT (IKE and AuthIP IPsec Keying Modules) is stopped: nothing is negotiated" in said.out
        services["mpssvc"] = "stopped"
        said = ping(cli)
        assert said.code == 6
        assert "obstacle: mpssvc (Windows Defender Firewall) is stopped" in said.out
        assert "Start-Service mpssvc; where it is disabled, set Start to 2 in HKLM" in said.out


@pytest.mark.parametrize(("offset", "level", "word"), [
    (0, "ok", "agrees"), (200, "note", "fast"), (-200, "note", "slow"), (400, "obstacle", "fast"), (-400, "obstacle", "slow")])
def test_the_clock(cli: Cli, offset: int, level: str, word: str) -> None:
    with hosts_up(cli) as hosts:
        hosts["web1"].clock.offset = offset
        [clock] = [one for one in told(cli)["checks"] if one["check"] == "clock"]
        assert clock["level"] == level
        assert word in clock["found"]


def test_a_powershell_of_32_bits(cli: Cli) -> None:
    with hosts_up(cli) as hosts:
        hosts["web1"].surroundings.bits = 32
        said = ping(cli)
        assert (said.code, "obstacle: 32-bit PowerShell on 64-bit Windows" in said.out) == (6, True), said.out


def test_endpoints_of_least_privilege(cli: Cli) -> None:
    with hosts_up(cli, winrm=WinRMSettings(endpoints=BOTH, not_administrators=EVERYBODY)):
        assert ping(cli).code == 5  # not the default endpoint
        said = ping(cli, "-e", "ringfence_endpoint=ringfence")
        assert said.code == 0, said.out
        assert ", endpoint ringfence  WinRM Virtual Users\\WinRM VA_1_web1_Administrator, elevated  " in said.out
        assert told(cli, "-e", "ringfence_endpoint=ringfence")["session"]["module_version"] == __version__
        said = ping(cli, "-e", "ringfence_endpoint=ringfence-audit")
        assert said.code == 0
        assert "note: the endpoint only reads" in said.out
        assert said.out.count("note:") == 1
        said = ping(cli, "-e", "ringfence_endpoint=nosuch")
        assert said.code == 5
        assert FAILURES["endpoint"][1] in said.out


@pytest.mark.parametrize(("name", "said"), [
    ("old", f"old is of ringfence 0.0.1, and this is {__version__}"), ("oldest", "oldest is of an older ringfence")])
def test_an_endpoint_of_an_older_release(cli: Cli, name: str, said: str) -> None:
    with hosts_up(cli, winrm=WinRMSettings(endpoints=BOTH)):
        seen = ping(cli, "-e", f"ringfence_endpoint={name}")
        assert seen.code == 0
        assert f"note: {said}" in seen.out
        assert "Export the endpoint anew" in seen.out


@needs_pwsh
@pytest.mark.parametrize("transport", ["psrp", "ssh", "local"])
def test_with_a_real_powershell(cli: Cli, transport: str) -> None:
    winrm = WinRMSettings(endpoints=BOTH)
    with hosts_up(cli, transport=transport, pwsh=PWSH, winrm=winrm) as hosts:
        hosts["web1"].services["PolicyAgent"] = "stopped"
        variables = yaml.safe_load((cli.folder / "hosts.yml").read_text())["all"]["hosts"]["web1"]
        allowed = ["--allow-program", variables["ringfence_powershell"]] if transport == "local" else []
        host = told(cli, *allowed)
        assert host["session"]["account"] == "web1\\Administrator"
        assert levels(host) == dict.fromkeys(levels(host), "ok") | {"services": "note"}
        if transport == "psrp":
            host = told(cli, "-e", "ringfence_endpoint=ringfence-audit")
            assert host["session"]["module"] == "RingfenceAudit"
            assert [one["level"] for one in host["checks"] if one["check"] == "endpoint"] == ["ok", "note"]
        if transport == "local":
            assert ping(cli).code == 4  # a program that a project names


@pytest.mark.parametrize("command", ["status", "show", "doctor", "compare-defaults"])
def test_what_only_looks_at_a_host_needs_no_project_either(command: str, cli: Cli) -> None:
    with hosts_up(cli) as hosts:
        said = cli(command, next(iter(hosts)), "-i", "hosts.yml")
    assert (said.code, said.err) == (2 if command == "compare-defaults" else 0, "")
    assert not (cli.folder / "ringfence.yml").exists()
