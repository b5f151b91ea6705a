"""Scheduled tasks, files, time and the domain, as a real PowerShell on a simulated host finds them."""

from collections.abc import Iterator
from typing import Any

import pytest
from host_script import PWSH, needs_pwsh
from lab_tasks import task
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ringfence.lab import POLICY, Machine, machine
from ringfence.lab.simulated_fleet import SimulatedFleet

pytestmark = needs_pwsh
FOLDER = r"C:\ProgramData\ringfence"
NAMED = r"-TaskPath '\ringfence\' -TaskName undo"


class Session:
    """A session on a host."""

    def __init__(self, on: Machine, pool: RunspacePool) -> None:
        self.on, self._pool = on, pool

    def run(self, text: str) -> list[Any]:
        """What a text gives, which has to end without an error."""
        shell = PowerShell(self._pool).add_script("$ErrorActionPreference = 'Stop'\n" + text)
        said = shell.invoke()
        assert not shell.had_errors, [str(e) for e in shell.streams.error]
        return list(said)

    def fails(self, text: str) -> str:
        """`category id` of the error that ends a text."""
        caught = f"try {{ {text}; 'nothing' }} catch {{ \"$($_.CategoryInfo.Category) $($_.FullyQualifiedErrorId)\" }}"
        return str(self.run(caught)[-1])


@pytest.fixture(scope="module")
def here() -> Iterator[Session]:
    on = machine("web1", domain="corp.example")
    with SimulatedFleet([on], pwsh=PWSH) as lab:
        variables = lab.running["web1"].variables
        client = WSMan("127.0.0.1", port=variables["ansible_port"], username=variables["ansible_user"],
                       password=variables["ansible_password"], ssl=False, auth="ntlm", no_proxy=True)
        with client, RunspacePool(client) as pool:
            yield Session(on, pool)


def registered(here: Session, xml: str) -> str:
    here.on.files.make_folder(FOLDER)
    for path in (one.path for one in here.on.tasks.tasks()):
        here.on.tasks.unregister(path)
    return f"Register-ScheduledTask {NAMED} -Xml @'\n{xml}\n'@ "


def test_a_task_from_its_registration_to_its_end(here: Session) -> None:
    trigger = "<RegistrationTrigger><Delay>PT1H</Delay></RegistrationTrigger>"
    xml = task(trigger, command=r"%SystemRoot%\System32\cmd.exe", arguments=rf'/d /s /c "echo a> {FOLDER}\ran& exit /b 7"')
    assert here.run(registered(here, xml) + "| ForEach-Object { \"$($_.TaskPath)$($_.TaskName) $($_.State)\" }") == [
        r"\ringfence\undo Ready"]
    assert here.fails(f"Register-ScheduledTask {NAMED} -Xml '{xml.replace(chr(39), chr(39) * 2)}'") == (
        "ResourceExists HRESULT 0x800700b7,Register-ScheduledTask")
    shown = f"$task = Get-ScheduledTask {NAMED} -ErrorAction Stop; $task.Actions[0].Arguments; $task.Principal.UserId"
    assert here.run(shown) == [rf'/d /s /c "echo a> {FOLDER}\ran& exit /b 7"', "S-1-5-18"]
    info = f"$info = Get-ScheduledTaskInfo {NAMED}; $info.LastTaskResult; $info.LastRunTime.ToUniversalTime().Year"
    assert here.run(info) == [0x41303, 1999]
    waits = f"while ((Get-ScheduledTaskInfo {NAMED}).LastTaskResult -in 0x41301, 0x41303) {{ Start-Sleep -Milliseconds 20 }}\n"
    assert here.run(f"Start-ScheduledTask {NAMED}\n{waits}{info}")[0] == 7
    assert here.run(f"Test-Path -LiteralPath '{FOLDER}\\ran'") == [True]
    assert here.run(f"Unregister-ScheduledTask {NAMED} -Confirm:$false") == []
    missing = "ObjectNotFound CmdletizationQuery_NotFound_TaskName"
    assert here.fails(f"Get-ScheduledTask {NAMED} -ErrorAction Stop") == f"{missing},Get-ScheduledTask"
    assert here.fails(f"Unregister-ScheduledTask {NAMED} -Confirm:$false") == f"{missing},Unregister-ScheduledTask"
    for verb in ("Start", "Stop"):
        assert here.fails(f"{verb}-ScheduledTask {NAMED}") == f"ObjectNotFound HRESULT 0x80070002,{verb}-ScheduledTask"
    assert here.run(f"@(Get-ScheduledTask {NAMED} -ErrorAction SilentlyContinue).Count") == [0]


def test_a_task_is_stopped_and_sorts_of_xml_are_refused(here: Session) -> None:
    here.run(registered(here, task(arguments='/d /s /c "ping -n 999 ::1"')) + "| Out-Null")
    state = f'"$((Get-ScheduledTask {NAMED}).State)"'
    assert here.run(f"Start-ScheduledTask {NAMED}; {state}; Stop-ScheduledTask {NAMED}; {state}") == ["Running", "Ready"]
    assert here.run(f"(Get-ScheduledTaskInfo {NAMED}).LastTaskResult") == [0x41306]
    assert here.run(f"Disable-ScheduledTask {NAMED}; {state}; Enable-ScheduledTask {NAMED}; {state}") == ["Disabled", "Ready"]
    assert here.fails("Register-ScheduledTask x -Xml '<Task'") == "NotSpecified HRESULT 0x8004131a,Register-ScheduledTask"


def test_files_with_a_drive_letter_are_those_of_the_host(here: Session) -> None:
    if here.on.files.exists(FOLDER):
        here.on.files.delete(FOLDER, whole=True)
    here.on.files.make_folder(FOLDER)
    here.run(f"New-Item -ItemType File -Path '{FOLDER}\\a' | Out-Null")
    assert here.fails(f"New-Item -ItemType File -Path '{FOLDER}\\A' -ErrorAction Stop").startswith("WriteError NewItemIOError")
    here.run(f"Rename-Item -LiteralPath '{FOLDER}\\a' -NewName 'b' -ErrorAction Stop")
    assert here.run(f"Test-Path -LiteralPath '{FOLDER}\\a'; Test-Path -LiteralPath '{FOLDER}\\B'") == [False, True]
    assert here.fails(f"Rename-Item -LiteralPath '{FOLDER}\\a' -NewName 'c'").startswith("InvalidOperation InvalidOperation")
    here.run(f"New-Item -ItemType File -Path '{FOLDER}\\a' | Out-Null")
    assert here.fails(f"Rename-Item -LiteralPath '{FOLDER}\\a' -NewName 'b'").startswith("WriteError RenameItemIOError")
    assert sorted(here.run(f"Get-ChildItem -LiteralPath '{FOLDER}' | ForEach-Object Name")) == ["a", "b"]
    here.run(f"Remove-Item -LiteralPath '{FOLDER}\\a' -Force")
    assert here.fails(f"Remove-Item -LiteralPath '{FOLDER}\\a' -Force").startswith("ObjectNotFound PathNotFound")
    here.run(f"Remove-Item -LiteralPath '{FOLDER}\\a' -Force -ErrorAction SilentlyContinue")
    here.run(f"Remove-Item -LiteralPath '{FOLDER}\\b'")
    assert here.run("Test-Path -LiteralPath Function:\\Open-RingfenceFolder; Test-Path Function:\\Nosuch") == [True, False]


def test_what_has_no_cmdlet(here: Session) -> None:
    on = here.on
    if on.files.exists(FOLDER):
        on.files.delete(FOLDER, whole=True)
    here.run(f"Open-RingfenceFolder '{FOLDER}'; Open-RingfenceFolder '{FOLDER}'")
    assert on.files.security(FOLDER).startswith("O:BAD:P(")
    on.files.find(FOLDER).sddl += "(A;;FA;;;BU)"  # type: ignore[union-attr]
    assert here.fails(f"Open-RingfenceFolder '{FOLDER}'") == "InvalidOperation ringfence.undo"
    on.files.find(FOLDER).points_elsewhere = True  # type: ignore[union-attr]
    assert here.fails(f"Open-RingfenceFolder '{FOLDER}'") == "InvalidOperation ringfence.undo"
    assert here.fails(f"Read-RingfenceHive '{FOLDER}\\p.wfw'") == "InvalidOperation ringfence.undo"
    up = here.run("Get-RingfenceUptime")[0]
    on.clock.advance(1000)
    assert here.run("Get-RingfenceUptime")[0] > up + 1000
    assert here.run("(Get-Date).ToUniversalTime().ToString('s')")[0][:15] == f"{on.clock.wall():%Y-%m-%dT%H:%M:%S}"[:15]


def test_the_domain_is_reached_where_policy_lets_it(here: Session) -> None:
    on = here.on
    reached = "Test-RingfenceDomain corp.example"
    assert here.run(reached) == ["10.99.0.1"]
    on.surroundings.domain_controllers = ("10.99.0.2", "10.99.0.3")
    on.registry.set(POLICY + r"\FirewallRules", "b", "v2.31|Action=Block|Active=TRUE|Dir=Out|RA4=10.99.0.2|Name=b|")
    assert here.run(reached) == ["10.99.0.3"]
    assert here.fails("Test-RingfenceDomain other.example").startswith("NotSpecified SocketException")
