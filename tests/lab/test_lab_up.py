"""A fleet of simulated hosts is started, reached by ringfence's own transports, and gone again."""

import os
import threading
import time
import warnings
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh
from lab_servers import PASSWORD, SCRIPT, USER, EchoHost

from ringfence.batch import Call
from ringfence.lab import command_shell, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.ssh.sshd import SshServerSettings
from ringfence.lab.winrm.winrm_settings import WinRMSettings


def variables(lab: SimulatedFleet) -> dict[str, dict[str, Any]]:
    """The hosts of the inventory as a reader of YAML sees them."""
    hosts: dict[str, dict[str, Any]] = yaml.safe_load(lab.inventory())["all"]["hosts"]
    return hosts


@pytest.mark.parametrize("how", [
    {"auth": "ntlm"}, {"auth": "basic"}, {"auth": "negotiate"}, {"auth": "basic", "https": True},
    {"auth": "ntlm", "https": True}, {"auth": "certificate", "https": True}, {"transport": "ssh"},
    {"transport": "ssh", "by_key": True}, {"transport": "mixed"},
])
def test_the_inventory_leads_to_the_hosts(how: dict[str, Any]) -> None:
    machines = [machine(f"host{n}", address=f"10.99.0.{n + 10}/24") for n in range(2)]
    with SimulatedFleet(machines, **how) as lab:
        for name, found in variables(lab).items():
            reply = open_transport(name, found).run(batch_of(Call("Facts.Read"), Call("Management.Read")))
            facts = {**reply[0], **reply[1]}
            assert facts["computer"].casefold() == name
            assert facts["elevated"] is True
            assert facts["management"]["remote_address"] == "10.99.0.1"
            assert facts["management"]["local_address"] == f"10.99.0.{int(name[-1]) + 10}"
            assert facts["management"]["local_port"] in (22, 5985, 5986)


@needs_pwsh
@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_real_powershell_runs_the_host_script(transport: Literal["psrp", "ssh"]) -> None:
    environment = {**os.environ, "PSModulePath": str(Path(__file__).parents[1] / "pwsh" / "modules")}  # has a Get-CimInstance
    shell = command_shell.ShellSettings(pwsh=PWSH, environment=environment)
    with SimulatedFleet([machine("real")], transport, winrm=WinRMSettings(pwsh=PWSH, environment=environment),
                        ssh=SshServerSettings(shell=shell)) as lab:
        [found] = variables(lab).values()
        reply = open_transport("real", found).run(batch_of(Call("Facts.Read"), Call("Management.Read"), Call("No.Verb")))
    facts = {**reply[0], **reply[1]}
    assert facts["language_mode"] == "FullLanguage"
    assert facts["management"]["transport"] == transport
    assert facts["management"]["remote_address"] == ("10.99.0.1" if transport == "ssh" else None)
    assert reply.answers[2].error is not None
    assert reply.answers[2].error.id == "ringfence.verb"


def test_a_hundred_hosts_cost_little() -> None:
    before = set(threading.enumerate())  # one of another test may still end
    hosts = [EchoHost(f"h{n}") for n in range(120)]
    winrm = WinRMSettings(scripts=lambda: (SCRIPT,))
    ssh = SshServerSettings(shell=command_shell.ShellSettings(scripts=lambda: (SCRIPT,)))
    with SimulatedFleet(hosts, "mixed", winrm=winrm, ssh=ssh) as lab:
        assert len(set(threading.enumerate()) - before) == 1
        assert len({found["ansible_port"] for found in variables(lab).values()}) == 120
        began = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - began < 0.1
    assert set(threading.enumerate()) <= before


def test_groups_and_awkward_names() -> None:
    host = EchoHost("Ж1", accounts={"user: x": "#'\"\n123", USER: PASSWORD})
    with SimulatedFleet([host], groups={"web": ["Ж1"], "none": []}) as lab:
        read = yaml.safe_load(lab.inventory())["all"]
        assert read["hosts"]["Ж1"]["ansible_user"] == "user: x"
        assert read["hosts"]["Ж1"]["ansible_password"] == "#'\"\n123"
        assert read["children"] == {"web": {"hosts": {"Ж1": None}}, "none": {"hosts": {}}}


def test_nothing_is_left_behind() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with SimulatedFleet([EchoHost("a"), EchoHost("b")], "mixed", https=True, by_key=True) as lab:
            files = [Path(v) for found in variables(lab).values() for v in found.values() if "/" in str(v)]
            assert files
            assert all(file.exists() for file in files)
            assert all(file.stat().st_mode & 0o077 == 0 for file in files if file.suffix == ".key")
        assert not any(file.exists() for file in files)


def test_a_busy_port_undoes_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    calls = []

    def failing(*args: Any, **more: Any) -> Any:
        calls.append(args)
        raise OSError("no port is left")

    monkeypatch.setattr("ringfence.lab.simulated_fleet.SshServer", failing)
    with pytest.raises(OSError, match="no port is left"), SimulatedFleet([EchoHost("a"), EchoHost("b")], "mixed"):
        pass
    assert calls
    assert threading.active_count() == before
