"""The transports against the lab's servers: every way to log on, JEA, quotas, and a real PowerShell behind WinRM."""

import json
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import batch_of, open_transport
from cryptography.hazmat.primitives import serialization
from faulty import echo
from host_script import PWSH, needs_pwsh
from lab_servers import OPERATOR, PASSWORD, USER, EchoHost

from ringfence.batch import Batch, Call
from ringfence.errors import FAILURES, HostError, Unreachable
from ringfence.lab import command_shell
from ringfence.lab.session import Dropped
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.ssh.sshd import SshServerSettings
from ringfence.lab.winrm.winrm_logon import AuthMethods
from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.secret import Secret
from ringfence.transports import CountingTransport, Transport

BATCH = batch_of(Call("Facts.Read", {"text": "ä€😀_x000D_\u0001" * 1000}))
LARGE = batch_of(Call("Facts.Read", {"text": random.Random(1).randbytes(600_000).hex()}))  # more than any message takes
SHORT = {"ansible_psrp_operation_timeout": 2, "ansible_psrp_read_timeout": 15, "ansible_timeout": 15,
         "ringfence_batch_timeout": 60, "ansible_psrp_ignore_proxy": True}


def echoing() -> EchoHost:
    return EchoHost(act=echo)


@contextmanager
def reached(host: EchoHost | None = None, more: dict[str, Any] | None = None, **lab: Any) -> Iterator[CountingTransport]:
    """A transport to a host of a lab of its own."""
    with SimulatedFleet([host or echoing()], **lab) as running:
        yield open_transport("LAB1", {**running.running["LAB1"].variables, **SHORT, **(more or {})})


def works(transport: Transport, batch: Batch = BATCH) -> bool:
    return bool(transport.run(batch)[0] == batch.calls[0].args)


def fails(transport: Transport, kind: str, said: str = "", sent: bool = False, batch: Batch = BATCH) -> None:
    with pytest.raises(HostError) as caught:
        transport.run(batch)
    error = caught.value
    assert (error.kind, isinstance(error, Unreachable)) == (kind, not sent), str(error)
    assert said in str(error)
    assert FAILURES[kind][1] in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(("auth", "https"), [
    ("basic", False), ("basic", True), ("ntlm", False), ("ntlm", True), ("negotiate", False), ("negotiate", True),
    ("certificate", True)])
def test_psrp(auth: str, https: bool) -> None:
    with reached(auth=auth, https=https) as transport:
        assert works(transport)
        assert works(transport)
        assert transport.round_trips == 2


def test_client_key_with_a_password(tmp_path: Path) -> None:
    with SimulatedFleet([echoing()], auth="certificate", https=True) as lab:
        given = {**lab.running["LAB1"].variables, **SHORT}
        key = serialization.load_pem_private_key(Path(given["ansible_psrp_certificate_key_pem"]).read_bytes(), None)
        path = tmp_path / "key.pem"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.BestAvailableEncryption(b"geheim")))
        given["ansible_psrp_certificate_key_pem"] = str(path)
        assert works(open_transport("LAB1", {**given, "ansible_psrp_certificate_key_password": Secret("geheim")}))
        fails(open_transport("LAB1", {**given, "ansible_psrp_certificate_key_password": "falsch"}),
              "authentication", str(path))
        fails(open_transport("LAB1", given), "authentication", str(path))


def test_message_encryption_over_https_too() -> None:
    with reached(auth="ntlm", https=True, more={"ansible_psrp_message_encryption": "always"}) as transport:
        assert works(transport)


def test_winrm_names() -> None:
    with SimulatedFleet([echoing()], auth="ntlm") as lab:
        given = lab.running["LAB1"].variables
        transport = open_transport("LAB1", {
            "ansible_connection": "winrm", "ansible_winrm_host": given["ansible_host"],
            "ansible_winrm_port": given["ansible_port"], "ansible_winrm_user": USER, "ansible_winrm_password": PASSWORD,
            "ansible_winrm_scheme": "http", "ansible_winrm_transport": "ntlm"})
        assert works(transport)


@pytest.mark.parametrize("auth", ["basic", "ntlm", "negotiate"])
def test_wrong_password(auth: str) -> None:
    with reached(auth=auth, more={"ansible_password": "falsch"}) as transport:
        fails(transport, "authentication", f"{USER} with {auth}")


def test_method_that_the_host_does_not_take() -> None:
    with reached(auth="ntlm", winrm=WinRMSettings(methods=AuthMethods(negotiate=False))) as transport:
        fails(transport, "authentication", "ntlm is not offered")


def test_not_an_administrator() -> None:
    with reached(winrm=WinRMSettings(not_administrators=frozenset([USER]))) as transport:
        fails(transport, "authorization", "Access is denied")


def test_jea() -> None:
    settings = WinRMSettings(endpoints={"ringfence": OPERATOR}, not_administrators=frozenset([USER]))
    with reached(winrm=settings, more={"ringfence_endpoint": "ringfence"}) as transport:
        assert works(transport)


def test_endpoints_that_are_not_what_they_should_be() -> None:
    settings = WinRMSettings(endpoints={"ringfence": OPERATOR})
    with reached(winrm=settings, more={"ringfence_endpoint": "ringfenze"}) as transport:
        fails(transport, "endpoint", "ringfenze")
    with reached(winrm=settings, more={"ringfence_endpoint": "Microsoft.PowerShell"}) as transport:
        fails(transport, "endpoint", "does not offer Invoke-RingfenceBatch", sent=True)
    with reached(winrm=settings, more={"ansible_psrp_configuration_name": "ringfence"}) as transport:
        fails(transport, "language_mode", "no-language mode", sent=True)


def test_quotas() -> None:
    with reached(winrm=WinRMSettings(max_shells_per_user=0)) as transport:
        fails(transport, "quota", "shells")
    with reached(winrm=WinRMSettings(max_concurrent_commands_per_shell=0)) as transport:
        fails(transport, "quota", "concurrent commands per shell", sent=True)
    with reached(winrm=WinRMSettings(max_envelope_sizekb=20)) as transport:
        fails(transport, "quota", "MaxEnvelopeSizekb", sent=True)
    with reached(winrm=WinRMSettings(max_envelope_sizekb=20), more={"ansible_psrp_max_envelope_size": 20 * 1024}) as transport:
        assert works(transport)


@pytest.mark.parametrize(("kilobytes", "given"), [(500, None), (150, 150), (100, 100), (500, 150), (500, 500)])
def test_messages_as_large_as_a_host_takes(kilobytes: int, given: int | None) -> None:
    """`MaxEnvelopeSizekb` × 1024 is what the variable holds, whatever it is."""
    more = {"ansible_psrp_max_envelope_size": given * 1024} if given else {}
    with reached(winrm=WinRMSettings(max_envelope_sizekb=kilobytes), more=more) as transport:
        assert works(transport, LARGE)


def test_a_message_that_is_larger_than_a_host_takes() -> None:
    with reached(winrm=WinRMSettings(max_envelope_sizekb=150)) as transport:
        fails(transport, "quota", "MaxEnvelopeSizekb", sent=True, batch=LARGE)


def test_shells_are_closed() -> None:
    """Whether a batch ends well or not: else the host runs into its quota."""
    host = echoing()
    with reached(host, winrm=WinRMSettings(max_shells_per_user=1)) as transport:
        for act in (echo, lambda line: "garbage", echo, lambda line: "<<ringfence-fatal:script:no>>", echo):
            host.act = act
            if act is echo:
                assert works(transport)
            else:
                with pytest.raises(HostError):
                    transport.run(BATCH)


@pytest.mark.parametrize("over", ["psrp", "ssh"])
def test_host_that_drops_the_connection(over: str) -> None:
    def drop(line: str) -> str:
        raise Dropped("power is gone")
    with reached(EchoHost(act=drop), transport=over) as transport:
        fails(transport, "connection_lost", sent=True)


@pytest.mark.parametrize("over", ["psrp", "ssh"])
def test_host_that_does_not_let_us_in(over: str) -> None:
    with reached(EchoHost(act=echo, open=False), transport=over) as transport:
        fails(transport, "network")


@pytest.mark.parametrize("shell", ["cmd", "powershell", "bash"])
@pytest.mark.parametrize("by_key", [False, True])
def test_ssh(shell: command_shell.ShellKind, by_key: bool) -> None:
    settings = SshServerSettings(
        shell=command_shell.ShellSettings(default_shell=shell, banner="Hello >>\nWorld <<\n", progress=True),
        auth_banner="Authorised people only\n",
    )
    with reached(transport="ssh", by_key=by_key, ssh=settings) as transport:
        assert works(transport)


@pytest.mark.parametrize("shell", ["cmd", "powershell", "bash"])
def test_no_powershell(shell: command_shell.ShellKind) -> None:
    settings = SshServerSettings(shell=command_shell.ShellSettings(default_shell=shell))
    for name in ("pwsh", "C:\\nowhere\\pwsh.exe"):
        if shell == "bash" and "\\" in name:
            continue
        with reached(transport="ssh", ssh=settings, more={"ringfence_powershell": name}) as transport:
            fails(transport, "powershell", sent=True)


def test_ssh_by_way_of_another_host() -> None:
    with ExitStack() as stack:
        target, gate = (stack.enter_context(SimulatedFleet([host], transport="ssh")) for host in (echoing(), EchoHost("GATE")))
        to, by = target.running["LAB1"].variables, gate.running["GATE"].variables
        known = to["ansible_ssh_known_hosts"]
        with open(known, "a", encoding="ascii") as file, open(by["ansible_ssh_known_hosts"], encoding="ascii") as other:
            file.write(other.read())
        transport = open_transport("LAB1", {
            **to, "ringfence_ssh_jump": f"{USER}@127.0.0.1:{by['ansible_port']}", "ringfence_ssh_jump_password": PASSWORD})
        assert works(transport)


# a real PowerShell behind WinRM



@needs_pwsh
@pytest.mark.parametrize("over", ["psrp", "ssh"])
def test_real_powershell(over: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSModulePath", str(Path(__file__).parents[1] / "pwsh" / "modules"))  # has a Get-CimInstance
    batch = batch_of(Call("Facts.Read"), Call("No.Such", {"text": "ä€😀_x000D_" + "x" * 200_000}))
    lab = ({"winrm": WinRMSettings(pwsh=PWSH)} if over == "psrp" else
           {"transport": "ssh", "ssh": SshServerSettings(shell=replace(command_shell.ShellSettings(), pwsh=PWSH,
                                                                 environment=dict(os.environ)))})
    with reached(**lab) as transport:
        reply = transport.run(batch)
    assert reply[0]["powershell"]
    error = reply.answers[1].error
    assert error is not None
    assert (error.category, error.id) == ("InvalidArgument", "ringfence.verb")
    assert json.dumps(error.message)
