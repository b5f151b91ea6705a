"""The lab's WinRM service, met by clients that know nothing of it: pypsrp, pywinrm, and raw sockets."""

import base64
import importlib.util
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from lab_servers import COMMAND, PASSWORD, SCRIPT, STDIN, USER, EchoHost, framed, invoke, piped, wsman
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from winrm.protocol import Protocol
from winrm_services import JEA, PLAIN, SEALED_ONLY, Serve, fault, host_of

from ringfence.lab.certificates import Authority
from ringfence.lab.session import Dropped
from ringfence.lab.winrm.winrm_logon import AuthMethods
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings


@pytest.mark.parametrize(("auth", "settings"), [("basic", PLAIN), ("ntlm", SEALED_ONLY), ("negotiate", SEALED_ONLY)])
def test_a_batch_travels_over_http(serve: Serve, auth: str, settings: WinRMSettings) -> None:
    service = serve(settings=settings)
    shell = invoke(wsman(service.port, auth), "the batch")
    assert shell.output == [framed("the batch")]
    assert not shell.had_errors
    [(batch, session)] = host_of(service).runs
    assert batch == "the batch"
    assert (session.transport, session.user, session.elevated) == ("psrp", USER, True)
    assert (session.remote_address, session.local_address, session.local_port) == ("10.9.9.9", "10.9.9.1", 5985)
    assert host_of(service).asked == [(5985, "10.9.9.9")]


@pytest.mark.parametrize("auth", ["basic", "ntlm", "negotiate"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_batch_travels_over_https(serve: Serve, tmp_path: Path, auth: str, strict: bool) -> None:
    authority = Authority(tmp_path)
    settings = replace(PLAIN, methods=AuthMethods(unencrypted=False, strict_binding=strict))
    service = serve(settings=settings, tls=authority.server(["localhost", "127.0.0.1"]))
    shell = invoke(wsman(service.port, auth, ssl=True, cert_validation=str(authority.path)), "b")
    assert shell.output == [framed("b")]
    assert host_of(service).runs[0][1].local_port == 5986


def test_channel_bindings_are_checked_when_strict(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    service = serve(settings=replace(PLAIN, methods=AuthMethods(strict_binding=True)), tls=authority.server(["127.0.0.1"]))
    with pytest.raises(AuthenticationError):
        invoke(wsman(service.port, "ntlm", ssl=True, cert_validation=str(authority.path), negotiate_send_cbt=False), "b")


def test_messages_are_encrypted_inside_tls_when_asked(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    service = serve(tls=authority.server(["127.0.0.1"]))
    client = wsman(service.port, "ntlm", ssl=True, cert_validation=str(authority.path), encryption="always")
    assert invoke(client, "b").output == [framed("b")]


def test_an_untrusted_certificate_is_noticed(serve: Serve, tmp_path: Path) -> None:
    service = serve(tls=Authority(tmp_path).server(["127.0.0.1"]))
    with pytest.raises(requests.exceptions.SSLError):
        invoke(wsman(service.port, ssl=True), "b")


def test_a_certificate_logs_on(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    mine, other = authority.client(USER), authority.client("somebody")
    settings = replace(PLAIN, methods=AuthMethods(basic=False, certificates={mine.fingerprint: USER}))
    service = serve(settings=settings, tls=authority.server(["127.0.0.1"]), client_ca=str(authority.path))

    def client(pair: Any) -> WSMan:
        return wsman(service.port, "certificate", ssl=True, cert_validation=str(authority.path),
                     certificate_pem=str(pair.certificate), certificate_key_pem=str(pair.key))

    assert invoke(client(mine), "b").output == [framed("b")]
    assert host_of(service).runs[0][1].user == USER
    with pytest.raises(AuthenticationError):
        invoke(client(other), "b")


@pytest.mark.parametrize("auth", ["basic", "ntlm", "negotiate"])
@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD), (USER, "")])
def test_wrong_credentials_are_refused(serve: Serve, auth: str, user: str, password: str) -> None:
    with pytest.raises(AuthenticationError):
        invoke(wsman(serve().port, auth, user=user, password=password), "b")


@pytest.mark.parametrize("user", ["ADMINISTRATOR", ".\\administrator", "lab1\\Administrator"])
@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_local_account_has_several_names(serve: Serve, user: str, auth: str) -> None:
    service = serve()
    invoke(wsman(service.port, auth, user=user), "b")
    assert host_of(service).runs[0][1].user == USER


def test_domain_accounts_and_changed_passwords(serve: Serve) -> None:
    host = EchoHost(accounts={"CORP\\ops": "one", "ops@corp.example": "one"})
    service = serve(host)
    for user in ("corp\\ops", "OPS@corp.example"):
        assert invoke(wsman(service.port, "ntlm", user=user, password="one"), "b").output
    host.accounts = {"CORP\\ops": "two"}
    assert invoke(wsman(service.port, "ntlm", user="CORP\\ops", password="two"), "b").output
    with pytest.raises(AuthenticationError):
        invoke(wsman(service.port, "ntlm", user="CORP\\ops", password="one"), "b")


def test_accounts_of_two_hosts_are_not_mixed_up(serve: Serve) -> None:
    services = [serve(EchoHost(f"H{n}", accounts={"a": f"password {n}"})) for n in range(8)]
    outcomes: list[object] = []

    def log_on(service: WinRMServer, n: int) -> None:
        try:
            outcomes.extend(invoke(wsman(service.port, "ntlm", user="a", password=f"password {n}"), str(n)).output)
        except AuthenticationError:
            outcomes.append("refused")

    threads = [threading.Thread(target=log_on, args=(s, n + wrong)) for n, s in enumerate(services) for wrong in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted([framed(str(n)) for n in range(8)] + ["refused"] * 8)


def test_clear_text_is_refused_unless_allowed(serve: Serve) -> None:
    service = serve(settings=SEALED_ONLY)
    with pytest.raises(AuthenticationError):
        invoke(wsman(service.port, "basic"), "b")
    with pytest.raises(WinRMTransportError, match="500"):
        invoke(wsman(service.port, "ntlm", encryption="never"), "b")
    assert host_of(service).runs == []


CREDSSP = pytest.param("credssp", marks=pytest.mark.skipif(not importlib.util.find_spec("requests_credssp"),
                                                           reason="needs requests-credssp"))


@pytest.mark.parametrize("auth", ["basic", "ntlm", CREDSSP])
def test_two_megabytes_each_way(serve: Serve, auth: str) -> None:
    batch = base64.b64encode(bytes(range(256)) * 5859).decode()
    service = serve(settings=replace(PLAIN, methods=AuthMethods(credssp=True)))
    assert invoke(wsman(service.port, auth), batch).output == [framed(batch)]
    assert host_of(service).runs[0][0] == batch


def test_an_envelope_above_the_limit_is_refused(serve: Serve) -> None:
    service = serve(settings=replace(PLAIN, max_envelope_sizekb=100))
    with wsman(service.port, max_envelope_size=512000) as client, RunspacePool(client) as pool:
        shell = PowerShell(pool).add_script(SCRIPT)
        with pytest.raises(WinRMTransportError, match="413"):
            shell.invoke(piped("x" * 200_000))
    with wsman(service.port) as client:
        client.update_max_payload_size()
        assert client.max_envelope_size == 100 * 1024


def test_errors_of_the_default_endpoint(serve: Serve) -> None:
    service = serve()
    shell = invoke(wsman(service.port), "b", script="Get-Process")
    assert shell.had_errors
    assert "ringfence's own script" in str(shell.streams.error[0])
    shell = invoke(wsman(service.port), "b", command="Get-Process")
    assert shell.streams.error[0].fq_error == "CommandNotFoundException"
    assert host_of(service).runs == []


def test_a_restricted_endpoint_runs_one_function(serve: Serve) -> None:
    service = serve(EchoHost(accounts={USER: PASSWORD, "helper": "p"}), replace(JEA, not_administrators=frozenset({"helper"})))
    client = wsman(service.port, "ntlm", user="helper", password="p")
    shell = invoke(client, "b", "ringfence", command="invoke-ringfencebatch")
    assert shell.output == [framed("b")]
    assert host_of(service).runs[0][1].elevated


@pytest.mark.parametrize(("run", "id", "text"), [
    ({"script": SCRIPT}, "ScriptsNotAllowed", "no-language mode"),
    ({"command": "Get-Process"}, "CommandNotFoundException", "The term 'Get-Process' is not recognized"),
])
def test_a_restricted_endpoint_runs_nothing_else(serve: Serve, run: dict[str, str], id: str, text: str) -> None:
    service = serve(settings=JEA)
    shell = invoke(wsman(service.port), "b", "Ringfence", **run)
    assert shell.state == PSInvocationState.FAILED
    assert shell.streams.error[0].fq_error == id
    assert text in str(shell.streams.error[0])
    assert host_of(service).runs == []


def test_a_second_command_or_parameter_is_refused(serve: Serve) -> None:
    service = serve(settings=JEA)
    with wsman(service.port) as client, RunspacePool(client, configuration_name="Ringfence") as pool:
        shell = PowerShell(pool)
        shell.add_cmdlet("Invoke-RingfenceBatch").add_cmdlet("Out-File")
        shell.invoke()
        assert "'Out-File' is not recognized" in str(shell.streams.error[0])
        shell = PowerShell(pool)
        shell.add_cmdlet("Invoke-RingfenceBatch").add_parameter("Path", "b")
        shell.invoke()
        assert shell.streams.error[0].fq_error == "NamedParameterNotFound,Invoke-RingfenceBatch"
    assert host_of(service).runs == []


def test_faults_of_access(serve: Serve) -> None:
    service = serve(settings=replace(PLAIN, not_administrators=frozenset({USER})))
    with fault(5):
        invoke(wsman(service.port, "ntlm"), "b")
    with fault(2150858811):
        invoke(wsman(service.port, "ntlm"), "b", "Nowhere")


def test_quotas(serve: Serve) -> None:
    service = serve(settings=replace(PLAIN, max_shells_per_user=1, max_concurrent_commands_per_shell=2))
    with wsman(service.port) as client, RunspacePool(client) as pool:
        with fault(2150859236):
            invoke(wsman(service.port), "b")
        shells = [PowerShell(pool).add_script(SCRIPT) for _ in range(4)]
        shells[0].invoke(piped("b"))
        shells[1].invoke(piped("b"))
        with pytest.raises(WSManFaultError, match="maximum number of concurrent commands per shell"):
            shells[2].invoke(piped("b"))
        shells[0].close()  # only a terminated command makes room
        assert shells[3].invoke(piped("b")) == [framed("b")]
    assert invoke(wsman(service.port), "b").output


def test_idle_shells_go_away(serve: Serve) -> None:
    service = serve(settings=replace(PLAIN, idle_timeout=0.2, max_shells_per_user=1))
    with wsman(service.port) as client:
        pool = RunspacePool(client)
        pool.open()
        time.sleep(0.4)
        with fault(2150858843):
            pool.close()
    assert invoke(wsman(service.port), "b").output


def test_a_slow_host_is_waited_for(serve: Serve) -> None:
    def slow(batch: str) -> str:
        time.sleep(2.5)
        return framed(batch)

    service = serve(EchoHost(act=slow))
    assert invoke(wsman(service.port, "ntlm", operation_timeout=1), "b").output == [framed("b")]


def test_a_running_batch_can_be_stopped(serve: Serve) -> None:
    go = threading.Event()

    def wait(batch: str) -> str:
        go.wait(10)
        return framed(batch)

    service = serve(EchoHost(act=wait))
    with wsman(service.port) as client, RunspacePool(client) as pool:
        shell = PowerShell(pool).add_script(SCRIPT)
        shell.begin_invoke(piped("b"))
        shell.stop()
        go.set()
        said = b""
        while b"PipelineStopped" not in said:
            said += pool.shell.receive("stdout", command_id=shell.id)[2]["stdout"]
        assert b"ringfence" not in said


def test_a_host_may_cut_the_connection(serve: Serve) -> None:
    def cut(batch: str) -> str:
        raise Dropped("power")

    service = serve(EchoHost(act=cut))
    with wsman(service.port) as client:
        pool = RunspacePool(client)
        pool.open()
        shell = PowerShell(pool).add_script(SCRIPT)
        with pytest.raises(requests.exceptions.ConnectionError):
            shell.invoke(piped("b"))


def test_a_closed_firewall_resets_new_connections_only(serve: Serve) -> None:
    service = serve()
    with wsman(service.port) as client:
        pool = RunspacePool(client)
        pool.open()
        host_of(service).open = False
        with pytest.raises(requests.exceptions.ConnectionError):
            invoke(wsman(service.port), "b")
        assert PowerShell(pool).add_script(SCRIPT).invoke(piped("b")) == [framed("b")]
        service.drop()
        with pytest.raises(requests.exceptions.ConnectionError):
            PowerShell(pool).add_script(SCRIPT).invoke(piped("b"))
        host_of(service).open = True
        with fault(2150858843):
            pool.close()


def test_a_closed_firewall_may_stay_silent(serve: Serve) -> None:
    service = serve(EchoHost(open=False), replace(PLAIN, silent=True))
    with pytest.raises(requests.exceptions.ReadTimeout):
        invoke(wsman(service.port, read_timeout=0.3), "b")


def test_credssp(serve: Serve) -> None:
    credssp = pytest.importorskip("requests_credssp.exceptions")
    service = serve(settings=replace(PLAIN, methods=AuthMethods(negotiate=False, unencrypted=False, credssp=True)))
    assert invoke(wsman(service.port, "credssp"), "b").output == [framed("b")]
    with pytest.raises(credssp.NTStatusException, match="0x8009030c"):  # SEC_E_LOGON_DENIED
        invoke(wsman(service.port, "credssp", password="wrong"), "b")
    assert len(host_of(service).runs) == 1


def test_a_message_that_was_tampered_with(serve: Serve) -> None:
    service = serve()
    with wsman(service.port, "ntlm") as client:
        pool = RunspacePool(client)
        pool.open()
        assert client.transport.encryption is not None
        context = client.transport.encryption.context
        wrap = context.wrap_winrm

        def spoil(message: bytes) -> Any:
            header, data, padding = wrap(message)
            return header, bytes([data[0] ^ 1]) + data[1:], padding

        context.wrap_winrm = spoil
        with pytest.raises(WinRMTransportError, match="400"):
            pool.close()


@pytest.mark.parametrize(("transport", "settings"), [("ntlm", SEALED_ONLY), ("basic", PLAIN)])
def test_a_second_client_over_winrs(serve: Serve, tmp_path: Path, transport: Any, settings: WinRMSettings) -> None:
    service = serve(settings=settings)
    protocol = Protocol(f"http://127.0.0.1:{service.port}/wsman", transport, USER, PASSWORD, proxy=None,
                        ca_trust_path=str(tmp_path),
                        message_encryption="never" if transport == "basic" else "always")
    shell = protocol.open_shell()
    command = protocol.run_command(shell, COMMAND)
    protocol.send_command_input(shell, command, STDIN + b"the batch\r\n", end=True)
    assert protocol.get_command_output(shell, command) == (framed("the batch").encode() + b"\r\n", b"", 0)
    protocol.cleanup_command(shell, command)
    command = protocol.run_command(shell, "ipconfig")
    out, error, code = protocol.get_command_output(shell, command)
    assert (out, code) == (b"", 1)
    assert b"'ipconfig' is not recognized" in error
    protocol.close_shell(shell)


def test_the_listening_port_is_free_again(serve: Serve) -> None:
    service = serve()
    with socket.create_connection(("127.0.0.1", service.port)):
        service.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port)).close()
