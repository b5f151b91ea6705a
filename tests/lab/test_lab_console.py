"""A hand in the lab: commands as people type them, and what becomes of the host."""

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_tasks import task

from ringfence.lab import POLICY, Machine, SimulatedHost, machine
from ringfence.lab.console import channel
from ringfence.lab.console.command_line import NotUnderstood, parse
from ringfence.lab.console.host_console import CmdletError, HostConsole

RULES = POLICY + r"\FirewallRules"


@pytest.fixture
def web1() -> Machine:
    return machine("web1")


@pytest.fixture
def console(web1: Machine) -> HostConsole:
    return HostConsole(web1, lambda: None)


@pytest.mark.parametrize(("line", "name", "parameters", "values"), [
    ("Get-Service", "Get-Service", {}, []),
    ("Stop-Service mpssvc", "Stop-Service", {}, ["mpssvc"]),
    ("X-Y -Name 'it''s' -On", "X-Y", {"Name": "it's", "On": True}, []),
    ('X-Y -Name "a ""b"" c"', "X-Y", {"Name": 'a "b" c'}, []),
    ("X-Y -P 80, 443 ,8000-8080 -Q 1", "X-Y", {"P": ["80", "443", "8000-8080"], "Q": "1"}, []),
    ("X-Y -Confirm:$false -P $true", "X-Y", {"Confirm": False, "P": True}, []),
    ("X-Y -Adjust -1.00:00:00", "X-Y", {"Adjust": "-1.00:00:00"}, []),
])
def test_a_line(line: str, name: str, parameters: Mapping[str, Any], values: list[Any]) -> None:
    found = parse(line)
    assert (found.name, found.parameters, found.values) == (name, parameters, values)


@pytest.mark.parametrize("line", [
    "", "   ", "dir", "Get-X | Remove-X", "Get-X; Get-Y", "X-Y -P (1)", "X-Y -P $x", "X-Y -P 1,", "X-Y -P ,1", "X-Y -P 1 -P 2",
    "X-Y 'open", 'X-Y "$env:x"', "X-Y -P {1}", "X-Y > f"])
def test_what_is_not_understood_is_said(line: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(line)


@given(st.text(max_size=80))
def test_any_text_is_understood_or_not(text: str) -> None:
    with contextlib.suppress(NotUnderstood):
        parse(text)


def test_cmdlets_change_policy_and_the_event_log_says_who(console: HostConsole, web1: Machine) -> None:
    console.run("New-NetFirewallRule -Name hack -DisplayName 'My hack' -Direction Inbound -Action Allow -Protocol TCP "
                "-LocalPort 8080,9090 -Confirm:$false")
    assert web1.registry.get(RULES, "hack") == (
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=8080|LPort=9090|Name=My hack|")
    console.run("Set-NetFirewallProfile -Profile Public -Enabled False")
    assert web1.registry.get(POLICY + r"\PublicProfile", "EnableFirewall") == 0
    assert console.run("Get-NetFirewallRule -Name HA*").startswith("hack  v2.31|")
    events = [json.dumps(event.data) for event in web1.event_logs.firewall.records]
    assert any("hack" in data and r"powershell.exe" in data for data in events)
    console.run("Remove-NetFirewallRule -DisplayName 'My hack'")
    assert web1.registry.get(RULES, "hack") is None


def test_windows_refuses_as_it_does(console: HostConsole, web1: Machine) -> None:
    with pytest.raises(CmdletError, match="nope"):
        console.run("Remove-NetFirewallRule -Name nope")
    console.run("Stop-Service MPSSVC")
    with pytest.raises(CmdletError):
        console.run("Remove-NetFirewallRule -Name CoreNet-IGMP-In")
    assert "stopped  mpssvc\n" in console.run("Get-Service")
    console.run("Start-Service -Name mpssvc")
    console.run("Remove-NetFirewallRule -Name CoreNet-IGMP-In")
    assert console.show()["removed"] == ["CoreNet-IGMP-In"]


@pytest.mark.parametrize("line", ["Get-Process", "Remove-Item x", "Set-NetFirewallRule corp", "Stop-Service nosuch", "Set-Date",
                                  "Set-Date -Adjust soon", "Restart-Computer -Seconds later", "Get-NetFirewallRule -Group x"])
def test_what_is_not_there_is_said(line: str, console: HostConsole) -> None:
    with pytest.raises(NotUnderstood):
        console.run(line)


def test_power_cables_and_time(web1: Machine) -> None:
    cuts: list[int] = []
    console, host = HostConsole(web1, lambda: cuts.append(1)), SimulatedHost(web1)
    assert host.admits(5985, "10.99.0.1")
    console.run("Disable-NetAdapter -Name Ethernet")
    assert (host.admits(5985, "10.99.0.1"), console.show()["adapters"][0]["status"]) == (False, "unplugged")
    console.run("Enable-NetAdapter -Name Ethernet")
    assert host.admits(5985, "10.99.0.1")
    console.run("Restart-NetAdapter Ethernet")
    assert (host.admits(5985, "10.99.0.1"), len(cuts)) == (True, 2)
    console.run("Stop-Service mpssvc")
    console.run("Restart-Computer -Seconds 0.2")
    assert not host.admits(5985, "10.99.0.1")
    until = time.monotonic() + 20
    while not host.admits(5985, "10.99.0.1"):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert web1.services["mpssvc"] == "running"
    console.run("Set-Date -Adjust 1:00:00")
    console.run("Set-Date -Adjust -1.00:00:30")
    assert web1.clock.offset == 3600 - 86430


def with_task(web1: Machine) -> HostConsole:
    """A console of a host that has a task for in ten minutes."""
    SimulatedHost(web1)
    trigger = "<RegistrationTrigger><Delay>PT10M</Delay></RegistrationTrigger>"
    web1.tasks.register(r"\ringfence\undo", task(trigger, arguments='/d /s /c "type nul > C:\\done & exit /b 3"'))
    return HostConsole(web1, lambda: None)


def test_time_is_made_to_pass(web1: Machine) -> None:
    console = with_task(web1)
    assert console.run("Get-ScheduledTask") == "\\ringfence\\undo  Ready  never ran, result 0x41303, starts in 600 s\n"
    assert console.pass_time(590).count("\n") == 1
    assert not web1.files.exists(r"C:\done")
    assert console.pass_time(20).endswith("a task has run C:\\Windows\\System32\\cmd.exe: 3\n")
    assert console.pass_time(20).count("\n") == 1
    assert web1.files.exists(r"C:\done")
    shown = console.show()
    assert (shown["clock_offset"], shown["uptime"] >= 630) == (630, True)
    assert shown["tasks"] == [{"path": r"\ringfence\undo", "state": "Ready", "result": 3}]


def test_tasks_are_steered(web1: Machine) -> None:
    console = with_task(web1)
    console.run(r"Start-ScheduledTask -TaskPath \ringfence\ -TaskName undo")
    assert web1.files.exists(r"C:\done")
    console.run("Disable-ScheduledTask undo")
    with pytest.raises(CmdletError, match="disabled"):
        console.run("Start-ScheduledTask undo")
    console.run("Unregister-ScheduledTask undo -Confirm:$false")
    assert console.run("Get-ScheduledTask") == ""
    with pytest.raises(CmdletError, match="undo"):
        console.run("Unregister-ScheduledTask undo -Confirm:$false")
    with pytest.raises(NotUnderstood, match="-TaskName and -TaskPath"):
        console.run("Get-ScheduledTask -State Ready")


def test_lines_for_cmd(web1: Machine) -> None:
    console = with_task(web1)
    assert console.run(r"netsh advfirewall export C:\p.wfw") == "Ok.\n\n"
    assert "p.wfw" in console.run("dir C:\\")
    assert console.run(r"schtasks /query /tn \ringfence\undo").startswith(r"\ringfence\undo")
    assert console.run(r"schtasks.exe /delete /tn \ringfence\undo /f").startswith("SUCCESS")
    assert console.run(r"reg query HKLM\SOFTWARE\nosuch").startswith("ERROR")
    assert console.run("type nul > C:\\x && exit /b 5") == "errorlevel 5\n"
    assert console.run("ping -n 11 ::1 >nul") == ""
    assert round(web1.clock.ahead) == 10


def test_a_host_is_turned_off(web1: Machine) -> None:
    console, host = with_task(web1), SimulatedHost(web1)
    assert console.run("Stop-Computer").startswith("web1 is off")
    assert not host.admits(5985, "10.99.0.1")
    assert console.show()["adapters"][0]["status"] == "off"
    web1.power_on()
    console.pass_time(700)
    assert not web1.files.exists(r"C:\done")  # the delay of its task is lost


def test_what_is_shown_is_what_changed(console: HostConsole) -> None:
    assert console.show()["objects"] == {}
    console.run("Set-NetFirewallRule -Name RemoteDesktop-UserMode-In-TCP -Enabled True")
    assert list(console.show()["objects"]["NetFirewallRule"]) == ["RemoteDesktop-UserMode-In-TCP"]
    assert len(console.show("corenet-*")["objects"]["NetFirewallRule"]) > 5


# -- the way to it

def test_who_has_the_key_is_answered_and_nobody_else(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "folder", lambda: tmp_path)
    with channel.announced(("web1",), "", lambda question: {"ok": True, "got": question.get("line")}):
        (lab,) = channel.labs()
        assert lab.ask({"line": "ü" * 100_000})["got"] == "ü" * 100_000
        with pytest.raises(ValueError, match="no whole line"):
            channel.RunningLab(lab.pid, lab.port, "wrong", lab.hosts, "").ask({"line": "x"})
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b"\xff\n", b'{"key": 1}\n'):
            with socket.create_connection(("127.0.0.1", lab.port), 5) as sock:
                sock.sendall(said)
                assert sock.recv(100) == b""
        assert lab.state() == "runs"
    assert channel.labs() == []
    assert lab.state() == "gone"


def test_what_a_killed_lab_left_is_removed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "folder", lambda: tmp_path)
    (tmp_path / "1.json").write_text('{"pid": 1, "port": 1, "key": "k", "hosts": ["web1"], "inventory": ""}', encoding="ascii")
    (tmp_path / "2.json").write_text("{", encoding="ascii")
    assert channel.labs() == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_suspended_lab_comes_back_to_stays(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its port takes connections, and nobody answers."""
    monkeypatch.setattr(channel, "folder", lambda: tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "1.json").write_text(json.dumps({"pid": 1, "port": silent.getsockname()[1], "key": "k", "hosts": ["web1"],
                                                     "inventory": ""}), encoding="ascii")
        known = channel._read(tmp_path / "1.json")
        assert known is not None
        assert known.state(0.2) == "silent"
        monkeypatch.setattr(channel.RunningLab, "state", lambda lab: "silent")
        assert channel.labs() == []
    assert [path.name for path in tmp_path.iterdir()] == ["1.json"]


BLOCKED, PASSES, OPEN = "it is blocked\n", "it passes\n", "it is not decided"


@pytest.mark.parametrize(("line", "said"), [
    (r"Test-Flow -RemoteAddress 10.99.0.1 -LocalPort 4711 -Program C:\x.exe -RemotePort 50000", BLOCKED),
    ("Test-Flow -Direction inbound -Protocol TCP -RemoteAddress 10.99.0.1 -LocalPort 5985 -Program System -RemotePort 9", PASSES),
    ("Test-Flow -RemoteAddress 10.99.0.1 -LocalPort 4711", OPEN),
    ("Test-Flow -Direction Outbound -RemoteAddress 8.8.8.8", PASSES),
    ("Test-Flow -Protocol ICMPv4 -IcmpType 13 -RemoteAddress 10.99.0.1 -Program System", BLOCKED),
    (r"Test-Flow -Protocol UDP -remoteaddress 10.99.0.1 -LocalPort 9 -RemotePort 9 -Program C:\x.exe -User S-1-5-18", BLOCKED)])
def test_a_flow_is_asked_about(console: HostConsole, line: str, said: str) -> None:
    assert console.run(line).startswith(said)


def test_who_a_flow_is_of(console: HostConsole, web1: Machine) -> None:
    web1.registry.set(RULES, "admins", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=4711|LUAuth=D:(A;;CC;;;BA)|")
    asked = r"Test-Flow -RemoteAddress 10.99.0.1 -LocalPort 4711 -RemotePort 9 -InterfaceAlias ethernet -Program C:\x.exe -User "
    assert console.run(asked + "Administrator,Administrators") == PASSES
    assert console.run(asked + "SYSTEM") == BLOCKED


@pytest.mark.parametrize(("line", "why"), [
    ("Test-Flow", "needs -RemoteAddress"), ("Test-Flow -RemoteAddress x", "does not appear to be an IPv4"),
    ("Test-Flow -RemoteAddress 10.0.0.1 -LocalPort 70000", "-LocalPort 70000 is not understood"),
    ("Test-Flow -RemoteAddress 10.0.0.1 -Direction up", "-Direction up is not understood"),
    ("Test-Flow -RemoteAddress 10.0.0.1 -Port 1", "-Port: Test-Flow takes -Direction"), ("Test-Flow in", "'in': Test-Flow takes"),
    ("Test-Flow -RemoteAddress 10.0.0.1 -Security Good", "is not understood"),
    ("Test-Flow -RemoteAddress 10.0.0.1 -InterfaceAlias Office", "web1 has no adapter Office: Ethernet"),
    ("Test-Flow -RemoteAddress 10.0.0.1 -User Nobody1", "Nobody1")])
def test_what_is_no_flow_is_said(console: HostConsole, line: str, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        console.run(line)
