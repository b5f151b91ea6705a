"""The lab's WinRM service with the real PowerShell engine behind it: what pypsrp sends meets the real protocol."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_script import PWSH, needs_pwsh
from lab_servers import COMMAND, PASSWORD, STDIN, USER, EchoHost, wsman
from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import Process, WinRS

from ringfence.lab.listeners import Acceptor
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings

pytestmark = needs_pwsh


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WinRMServer]:
    modules = tmp_path_factory.mktemp("modules")
    module = modules / "Demo" / "Demo.psm1"
    module.parent.mkdir()
    module.write_text("function Get-Demo { [pscustomobject]@{ Name = 'wide'; Home = $env:RINGFENCE_DEMO } }\n")
    environment = {**os.environ, "PSModulePath": str(modules), "RINGFENCE_DEMO": "from outside"}
    with Acceptor() as gate:
        served = WinRMServer(gate, EchoHost(), WinRMSettings(pwsh=PWSH, environment=environment))
        yield served
        served.close()


@pytest.fixture(scope="module", params=["basic", "ntlm"])
def pool(service: WinRMServer, request: pytest.FixtureRequest) -> Iterator[RunspacePool]:
    with wsman(service.port, request.param) as client, RunspacePool(client) as opened:
        yield opened


def test_streams_and_parameters(pool: RunspacePool) -> None:
    shell = PowerShell(pool)
    shell.add_script("param([string]$Batch) \"<$Batch>\"; Write-Warning 'careful'; Write-Error 'bad'; 1..3")
    shell.add_parameter("Batch", "äöü & <x>")
    assert shell.invoke() == ["<äöü & <x>>", 1, 2, 3]
    assert [str(error) for error in shell.streams.error] == ["bad"]
    assert [warning.message for warning in shell.streams.warning] == ["careful"]


def test_an_unknown_command(pool: RunspacePool) -> None:
    shell = PowerShell(pool).add_cmdlet("Get-Nothing")
    shell.invoke()
    assert shell.state == PSInvocationState.FAILED
    assert shell.streams.error[0].fq_error == "CommandNotFoundException"


def test_two_megabytes_each_way(pool: RunspacePool) -> None:
    text = "0123456789abcdef" * 131072
    shell = PowerShell(pool).add_script("param($Batch) $Batch").add_parameter("Batch", text)
    assert shell.invoke() == [text]


def test_the_environment_is_the_callers(pool: RunspacePool) -> None:
    [demo] = PowerShell(pool).add_script("Get-Demo").invoke()
    assert demo.adapted_properties | demo.extended_properties == {"Name": "wide", "Home": "from outside"}


def test_a_running_pipeline_stops(pool: RunspacePool) -> None:
    shell = PowerShell(pool).add_script("Start-Sleep -Seconds 60")
    shell.begin_invoke()
    began = time.monotonic()
    shell.stop()
    said = b""
    while b"PipelineStopped" not in said:
        said += pool.shell.receive("stdout", command_id=shell.id)[2]["stdout"]
    assert time.monotonic() - began < 10
    assert PowerShell(pool).add_script("'alive'").invoke() == ["alive"]


def test_winrs_runs_the_bootstrap(service: WinRMServer) -> None:
    with wsman(service.port, "ntlm", user=USER, password=PASSWORD) as client, WinRS(client) as shell:
        process = Process(shell, COMMAND)
        process.begin_invoke()
        process.send(STDIN + b"the batch\r\n", end=True)
        process.end_invoke()
        assert (process.stdout.strip(), process.stderr, process.rc) == (b"the batch", b"", 0)


def test_the_child_ends_with_its_shell(service: WinRMServer) -> None:
    with wsman(service.port) as client:
        with RunspacePool(client) as pool:
            [process] = PowerShell(pool).add_script("$PID").invoke()
            assert Path(f"/proc/{process}").exists()
        assert not Path(f"/proc/{process}").exists()
