"""Connection variables: what they mean, and every mistake at once."""

import http.client
import os
import ssl
from pathlib import Path
from typing import Any

import pytest
import urllib3.exceptions
from batches import open_transport
from chance import by_chance
from hypothesis import given
from hypothesis import strategies as st

from ringfence.batch import Failure
from ringfence.diagnostics import InputError
from ringfence.errors import FAILURES
from ringfence.secret import Secret
from ringfence.transports import failures
from ringfence.transports.connection_settings import TRANSPORTS, LocalSettings, PsrpSettings, SshSettings
from ringfence.transports.connection_variables import rows
from ringfence.transports.psrp import wsman_settings
from ringfence.transports.resolve import insecure, missing_packages, settings_for
from ringfence.transports.ssh_args import Jump
from ringfence.views import connection_docs

ROOT = Path(__file__).parents[2]
LOGON = {"ansible_user": "admin", "ansible_password": "geheim"}


def psrp(**variables: Any) -> PsrpSettings:
    made = settings_for("srv1", {**LOGON, **variables})
    assert isinstance(made, PsrpSettings)
    return made


def ssh(**variables: Any) -> SshSettings:
    made = settings_for("srv1", {"ansible_connection": "ssh", **variables})
    assert isinstance(made, SshSettings)
    return made


def mistakes(**variables: Any) -> list[str]:
    """The texts of the diagnostics, each of which names the host."""
    with pytest.raises(InputError) as caught:
        settings_for("srv1", variables)
    assert all(d.host == "srv1" and d.detail for d in caught.value.diagnostics)
    assert "geheim" not in str(caught.value)
    return [f"{d.summary} | {d.detail}" for d in caught.value.diagnostics]


def test_defaults_are_those_of_ansible() -> None:
    made = psrp()
    assert (made.host, made.port, made.protocol, made.ssl, made.path) == ("srv1", 5986, "https", True, "wsman")
    assert (made.auth, made.cert_validation, made.message_encryption) == ("negotiate", "validate", "auto")
    assert (made.connection_timeout, made.read_timeout, made.operation_timeout) == (30, 30, 20)
    assert (made.retries, made.backoff, wsman_settings(made)["max_envelope_size"]) == (0, 2, 153600)
    assert (made.configuration_name, made.endpoint, made.negotiate_service) == ("Microsoft.PowerShell", None, "WSMAN")
    assert (ssh().port, ssh().powershell, ssh().host_key_policy) == (22, "powershell.exe", "strict")
    assert ssh().known_hosts == os.path.expanduser("~/.ssh/known_hosts")


@pytest.mark.parametrize(("given", "port", "protocol"), [
    ({}, 5986, "https"), ({"ansible_port": 5985}, 5985, "http"), ({"ansible_port": "5986"}, 5986, "https"),
    ({"ansible_port": 443}, 443, "https"), ({"ansible_psrp_protocol": "http"}, 5985, "http"),
    ({"ansible_psrp_protocol": "HTTPS", "ansible_port": 5985}, 5985, "https"),
    ({"ansible_port": 1, "ansible_psrp_port": 2}, 2, "https")])
def test_port_and_protocol(given: dict[str, Any], port: int, protocol: str) -> None:
    made = psrp(**given)
    assert (made.port, made.protocol) == (port, protocol)


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        (None, PsrpSettings),
        ("psrp", PsrpSettings),
        ("winrm", PsrpSettings),
        ("ansible.builtin.winrm", PsrpSettings),
        ("ssh", SshSettings),
        ("paramiko_ssh", SshSettings),
        ("smart", SshSettings),
        ("local", LocalSettings),
        ("LOCAL", LocalSettings),
    ],
)
def test_connection(connection: str | None, kind: type) -> None:
    assert type(settings_for("srv1", {"ansible_connection": connection, **LOGON})) is kind


@pytest.mark.parametrize(("variables", "kind"), [
    ({}, PsrpSettings),
    ({"ansible_shell_type": "powershell"}, SshSettings),
    ({"ansible_shell_type": "cmd", "ansible_connection": "psrp"}, PsrpSettings),
    ({"ansible_port": 22}, SshSettings),
    ({"ansible_port": "22"}, SshSettings),
    ({"ansible_port": 2222}, PsrpSettings),
    ({"ansible_port": 5986}, PsrpSettings),
    ({"ansible_ssh_port": 2222}, SshSettings),
    ({"ansible_ssh_common_args": "-J jump"}, SshSettings),
    ({"ansible_ssh_common_args": None}, PsrpSettings),
    ({"ansible_ssh_common_args": "-J jump", "ansible_psrp_protocol": "https"}, PsrpSettings),
    ({"ansible_port": 22, "ansible_winrm_transport": "ntlm"}, PsrpSettings),
    ({"ansible_host": "h", "ansible_timeout": 3}, PsrpSettings),
    ({"ringfence_ssh_agent": False}, PsrpSettings),
])
def test_the_connection_where_nobody_says_it(variables: dict[str, Any], kind: type) -> None:
    assert type(settings_for("srv1", {**LOGON, **variables})) is kind


def test_what_the_words_of_pywinrm_mean(tmp_path: Path) -> None:
    """pywinrm, transport.py: "ssl" takes a client certificate where there is one, and else basic."""
    pem = tmp_path / "c.pem"
    pem.write_text("pem")
    https = {"ansible_connection": "winrm", "ansible_winrm_transport": "ssl", "ansible_winrm_scheme": "https", **LOGON}
    assert psrp(**https).auth == "basic"
    made = psrp(**https, ansible_winrm_cert_pem=str(pem), ansible_winrm_cert_key_pem=str(pem))
    assert (made.auth, made.certificate_pem) == ("certificate", str(pem))
    assert psrp(**https, ansible_winrm_ca_trust_path="legacy_requests").ca_cert is None
    assert psrp(**https, ansible_winrm_ca_trust_path=str(tmp_path)).ca_cert == str(tmp_path)


def test_names_of_winrm_count_with_winrm_only() -> None:
    given = {"ansible_winrm_port": 15986, "ansible_winrm_scheme": "https", "ansible_winrm_transport": ["ntlm", "basic"],
             "ansible_winrm_server_cert_validation": "ignore", "ansible_winrm_read_timeout_sec": "70",
             "ansible_winrm_operation_timeout_sec": 60, "ansible_winrm_path": "/wsman", "ansible_winrm_host": "h"}
    made = psrp(ansible_connection="winrm", **given)
    assert (made.port, made.auth, made.cert_validation, made.path, made.host) == (15986, "ntlm", "ignore", "wsman", "h")
    assert (made.read_timeout, made.operation_timeout) == (70, 60)
    assert psrp(**given) == psrp()
    assert settings_for("s", {"ansible_user": "a", "ansible_winrm_password": "p"}) == settings_for(
        "s", {"ansible_user": "a", "ansible_password": "p"})


@pytest.mark.parametrize(("value", "flag"), [
    (True, True), (False, False), ("yes", True), ("No", False), (1, True), ("0", False), ("on", True), ("f", False)])
def test_flags(value: Any, flag: bool) -> None:
    assert psrp(ansible_psrp_ignore_proxy=value).ignore_proxy is flag


def test_variables_of_others_are_none_of_our_business() -> None:
    assert psrp(ringfence_facts={"os": {}}, ansible_ssh_pipelining=True, ansible_ssh_host_key_rsa_public="AAAA",
                ansible_winrm_kinit_cmd="kinit", jump_hosts=[1]) == psrp()


def test_secrets_stay_hidden() -> None:
    made = psrp(ansible_password=Secret("geheim"), ansible_port=Secret("1234"), ansible_user=Secret("admin"))
    assert made.port == 1234
    assert made.password == Secret("geheim")
    assert psrp().password == Secret("geheim")  # clear text too
    assert "geheim" not in repr(made) + repr(psrp())


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    found = mistakes(
        ansible_user="admin", ansible_password="geheim", ansible_port="https", ansible_psrp_auth="kerberoast",
        ansible_psrp_protocol="ftp", ansible_psrp_cert_validation="maybe", ansible_psrp_ca_cert=str(tmp_path / "none"),
        ansible_psrp_read_timeout=5, ansible_psrp_messageencryption="always", ringfence_enpoint="x",
        ansible_psrp_ignore_proxy="perhaps", ansible_psrp_max_envelope_size=1, ringfence_cert_fingerprint="00:11",
        ansible_psrp_reconnection_retries=True, ansible_psrp_path=["a"], ringfence_batch_timeout=Secret("geheim"))
    for expected in (
            "ansible_psrp_messageencryption: no such variable | did you mean ansible_psrp_message_encryption?",
            "ringfence_enpoint: no such variable | did you mean ringfence_endpoint?",
            "ansible_port: 'https' is not a whole number | allowed: a whole number from 1 to 65,535",
            "ansible_psrp_auth: 'kerberoast' is not known | allowed: one of negotiate, basic, ntlm, kerberos, credssp, "
            "certificate",
            "ansible_psrp_protocol: 'ftp' is not known", "ansible_psrp_cert_validation: 'maybe' is not known",
            "does not exist | allowed: the path of a file", "is not more than the operation timeout of 20 s",
            "ansible_psrp_ignore_proxy: 'perhaps' is neither yes nor no",
            "ansible_psrp_max_envelope_size: 1 is out of range", "'00:11' is not a SHA-256 fingerprint",
            "ansible_psrp_reconnection_retries: true is not a whole number", "ansible_psrp_path: ['a'] is not a text",
            "ringfence_batch_timeout: the secret value is not a number of seconds"):
        assert any(expected in text for text in found), expected
    assert len(found) == 14


@pytest.mark.parametrize(("given", "said"), [
    ({"ansible_connection": "telnet"}, "ansible_connection: 'telnet' is not known | allowed: one of psrp, ssh, local, winrm"),
    ({"ansible_psrp_auth": "basic", "ansible_port": 5985}, "basic over http cannot encrypt"),
    ({"ansible_psrp_auth": "basic", "ansible_psrp_message_encryption": "always"}, "always is not possible with basic"),
    ({"ansible_psrp_auth": "certificate"}, "ansible_psrp_certificate_pem: is needed"),
    ({"ansible_psrp_auth": "certificate"}, "ansible_psrp_certificate_key_pem: is needed"),
    ({"ansible_psrp_auth": "certificate", "ansible_port": 5985}, "certificate needs https"),
    ({"ansible_psrp_auth": "ntlm", "ansible_password": None}, "is needed with ansible_psrp_auth: ntlm"),
    ({"ansible_port": 5985, "ringfence_cert_fingerprint": "00" * 32}, "only checked with https"),
    ({"ansible_psrp_proxy": "socks5://x"}, "ansible_psrp_proxy: is not an http or https URL"),
    ({"ringfence_endpoint": "a/b"}, "ringfence_endpoint: is not the name of an endpoint"),
    ({"ansible_password": True}, "ansible_password: the secret value is not a text"),
    ({"ansible_host": "a\nb"}, "has control characters"),
    ({"ansible_host": " "}, "ansible_host: ' ' is empty"),
    ({"ansible_host": "a b/c?d@e"}, "ansible_host: 'a b/c?d@e' is not the name or address of a host"),
    ({"ansible_host": "-oProxyCommand=x"}, "is not the name or address of a host"),
    ({"ansible_host": "a..b"}, "is not the name or address of a host"),
    ({"ansible_host": "a" * 64}, "is not the name or address of a host"),
    ({"ansible_host": "a." * 127 + "a"}, "is not the name or address of a host"),
    ({"ansible_host": "$(x)"}, "is not the name or address of a host"),
    ({"ansible_host": "a:b"}, "is not the name or address of a host"),
    ({"ansible_connection": "ssh", "ansible_host": "a,b"}, "is not the name or address of a host"),
    ({"ansible_connection": "ssh", "ringfence_ssh_jump": "u@a;b"}, "is not the name or address of a host"),
    ({"ansible_user": True}, "write it in quotes"),
    ({"ringfence_whatever": 1}, "ringfence_whatever: no such variable"),
    ({"ansible_connection": "ssh", "ringfence_powershell": "C:\\Program Files\\x.exe"}, "C:\\Progra~1"),
    ({"ansible_connection": "ssh", "ringfence_powershell": "pwsh;rm"}, "not every shell"),
    ({"ansible_connection": "ssh", "ringfence_endpoint": "rf"}, "JEA endpoints are reached over PSRP only"),
    ({"ansible_connection": "local", "ringfence_endpoint": "rf"}, "JEA endpoints are reached over PSRP only"),
    ({"ansible_connection": "ssh", "ansible_ssh_common_args": "-o ProxyCommand='nc %h'"}, "ringfence_ssh_jump"),
    ({"ansible_connection": "ssh", "ansible_ssh_common_args": "-o 'UserKnownHostsFile=~/.ssh/known_hosts ~/.ssh/fleet'"},
     "names more than one file"),
    ({"ansible_connection": "ssh", "ansible_ssh_common_args": "-o 'x"}, "cannot be read (no closing quotation)"),
    ({"ansible_connection": "ssh", "ansible_ssh_common_args": "-i /no/such/key"}, "/no/such/key does not exist"),
    ({"ansible_connection": "ssh", "ringfence_ssh_jump": "a b"}, "jump host that cannot be read, number 1"),
    ({"ansible_connection": "ssh", "ringfence_ssh_jump": "a:99999"}, "jump host that cannot be read"),
    ({"ansible_connection": "ssh", "ringfence_host_key_policy": "lax"}, "one of strict, accept-new, off"),
])
def test_mistakes(given: dict[str, Any], said: str) -> None:
    assert any(said in text for text in mistakes(**{**LOGON, **given})), mistakes(**{**LOGON, **given})


@pytest.mark.parametrize("name", ["srv1", "srv1.example.com.", "10.0.0.1", "::1", "[fe80::1%eth0]", "bücher.example", "a_b"])
@pytest.mark.parametrize("way", ["psrp", "ssh"])
def test_names_and_addresses(way: str, name: str) -> None:
    for host, more in ((name, {}), ("srv1", {"ansible_host": name})):
        made = settings_for(host, {**LOGON, "ansible_connection": way, **more})
        assert made.host == name.strip("[]")


def test_a_name_in_the_inventory_that_is_none_needs_an_address() -> None:
    with pytest.raises(InputError, match="the name of the host is not the name or address of a host"):
        settings_for("a b", LOGON)
    assert settings_for("a b", {**LOGON, "ansible_host": "10.0.0.1"}).host == "10.0.0.1"
    assert settings_for("a b", {"ansible_connection": "local"}).host == "a b"


@pytest.mark.parametrize(("given", "told"), [
    ({}, []),
    ({"ansible_connection": "ssh"}, []),
    ({"ansible_connection": "ssh", "ansible_host_key_checking": "no"}, ["the keys of SSH hosts are not checked"]),
    ({"ansible_psrp_cert_validation": "ignore"}, ["TLS certificates are not checked"]),
    ({"ansible_psrp_cert_validation": "ignore", "ringfence_cert_fingerprint": "a" * 64}, []),
    ({"ansible_port": 5985}, []),
    ({"ansible_port": 5985, "ansible_psrp_message_encryption": "never"}, ["messages are sent in clear text over http ("]),
    ({"ansible_port": 5985, "ansible_psrp_message_encryption": "never", "ansible_psrp_auth": "basic"},
     ["messages are sent in clear text over http, and so is the password"]),
    ({"ansible_psrp_message_encryption": "never"}, []),
])
def test_what_is_insecure_is_told(given: dict[str, Any], told: list[str]) -> None:
    found = list(insecure("srv1", settings_for("srv1", {**LOGON, **given})))
    assert all(d.severity == "warning" and d.host == "srv1" and d.detail for d in found)
    assert len(found) == len(told)
    assert all((d.summary + " (").startswith(t) for d, t in zip(found, told, strict=True))


@pytest.mark.parametrize("auth", ["kerberos", "credssp"])
def test_packages_that_are_missing(auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings_for("srv1", {**LOGON, "ansible_psrp_auth": auth})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert [(d.summary, d.detail, d.severity) for d in missing_packages("srv1", made)] == [
        (f"ansible_psrp_auth: {auth} needs a package that is not installed here", f"pip install ringfence[{auth}]", "error")]
    assert not list(missing_packages("srv1", psrp(ansible_psrp_auth="ntlm")))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert not list(missing_packages("srv1", made))


@pytest.mark.parametrize(("text", "jumps"), [
    ("", ()), ("none", ()), ("gate", (Jump("gate"),)), ("me@gate:2222", (Jump("gate", 2222, "me"),)),
    ("ssh://me@gate:22/, [fe80::1%eth0]:23,dom\\u@10.0.0.1",
     (Jump("gate", 22, "me"), Jump("fe80::1%eth0", 23), Jump("10.0.0.1", 22, "dom\\u")))])
def test_jump_hosts(text: str, jumps: tuple[Jump, ...]) -> None:
    assert ssh(ringfence_ssh_jump=text).jump == jumps


def test_arguments_of_openssh(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key")
    args = (f"-C -o ControlMaster=auto -Jgate -i {tmp_path}/key -o 'StrictHostKeyChecking accept-new' -vv "
            "-oUserKnownHostsFile=/hosts -o ProxyJump=second")
    made = ssh(ansible_ssh_common_args=args)
    assert (made.jump, made.host_key_policy, made.known_hosts) == ((Jump("gate"),), "accept-new", "/hosts")
    assert made.private_key_file == f"{tmp_path}/key"
    made = ssh(ansible_ssh_args=args, ringfence_ssh_jump="other", ringfence_known_hosts="/mine",
               ansible_ssh_host_key_checking=True)
    assert (made.jump, made.host_key_policy, made.known_hosts) == ((Jump("other"),), "strict", "/mine")
    made = ssh(ansible_ssh_common_args="""-o 'UserKnownHostsFile="/my hosts"' -o UserKnownHostsFile=/other""")
    assert made.known_hosts == "/my hosts"
    assert ssh(ansible_ssh_common_args="-o UserKnownHostsFile=none").known_hosts == "/dev/null"


@pytest.mark.parametrize(("variables", "policy", "known_hosts"), [
    # what Ansible's ssh plugin gives OpenSSH first counts: ssh_args, host_key_checking: no, ssh_common_args, ssh_extra_args
    ({"args": "-o StrictHostKeyChecking=yes -o UserKnownHostsFile=/a",
      "common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/b"}, "strict", "/a"),
    ({"args": "-o StrictHostKeyChecking=yes", "host_key_checking": False}, "strict", None),
    ({"args": "-o StrictHostKeyChecking=no", "host_key_checking": True}, "strict", None),
    ({"common_args": "-o StrictHostKeyChecking=yes", "host_key_checking": False}, "off", None),
    ({"common_args": "-o StrictHostKeyChecking=no", "host_key_checking": True}, "strict", None),
    ({"common_args": "-o StrictHostKeyChecking=accept-new", "extra_args": "-o StrictHostKeyChecking=no"}, "accept-new", None),
    ({"extra_args": "-o UserKnownHostsFile=/c"}, "strict", "/c"),
])
def test_the_first_argument_counts(variables: dict[str, Any], policy: str, known_hosts: str | None) -> None:
    made = ssh(**{f"ansible_ssh_{name}": value for name, value in variables.items()})
    assert made.host_key_policy == policy
    assert made.known_hosts == (known_hosts or os.path.expanduser("~/.ssh/known_hosts"))


def test_the_first_jump_counts() -> None:
    assert ssh(ansible_ssh_args="-J a", ansible_ssh_common_args="-J b", ansible_ssh_extra_args="-J c").jump == (Jump("a"),)
    assert ssh(ansible_ssh_common_args="-J b", ansible_ssh_extra_args="-J c").jump == (Jump("b"),)


def test_nothing_is_opened() -> None:
    """Transports of hosts that are not there are made at once, a host name need not resolve."""
    for connection in ("psrp", "ssh", "local"):
        transport = open_transport("no-such-host.invalid", {"ansible_connection": connection, **LOGON})
        assert (transport.name, transport.round_trips) == (connection, 0)


_NAMES = sorted({name for kind in TRANSPORTS.values() for row in rows(kind) for name in row.names + row.winrm})


@by_chance(150)
@given(st.dictionaries(st.sampled_from([*_NAMES, "ansible_connection"]),
                       st.none() | st.text(max_size=20) | st.integers() | st.booleans() | st.lists(st.text(max_size=3))
                       | st.sampled_from(["ssh", "winrm", "http", "yes", "5985", "-o a=b"]), max_size=8))
def test_any_values_are_settings_or_mistakes(variables: dict[str, Any]) -> None:
    made: object
    try:
        made = settings_for("srv1", variables)
    except InputError as error:
        made = error
    assert isinstance(made, PsrpSettings | SshSettings | LocalSettings) or (isinstance(made, InputError) and made.diagnostics)


def test_names_are_unique_within_a_transport() -> None:
    for kind in TRANSPORTS.values():
        for connection in ("psrp", "winrm"):
            names = [n for row in rows(kind) for n in row.names + (row.winrm if connection == "winrm" else ())]
            assert len(names) == len(set(names))


@pytest.mark.parametrize(("page", "text"), [("connection-variables.md", connection_docs.variables_page()),
                                            ("failures.md", connection_docs.failures_page())])
def test_reference_pages_are_current(page: str, text: str) -> None:
    assert (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8") == text


def test_failures_of_the_tables_exist() -> None:
    assert set(failures.FAULTS.values()) <= FAILURES.keys()
    assert all(what and advice and not advice.endswith(".") for what, advice in FAILURES.values())


@pytest.mark.parametrize(("failure", "kind"), [
    (Failure("PermissionDenied", "Windows System Error 5,New-NetFirewallRule", "Access is denied.", 5), "authorization"),
    (Failure("NotSpecified", "Windows System Error 1753,New-NetFirewallRule",
             "There are no more endpoints available from the endpoint mapper.", 1753), "service"),
    (Failure("NotSpecified", "HRESULT 0x800706d9", "…", -2147023143), "service"),
    (Failure("PermissionDenied", "x", "Zugriff verweigert", None), "authorization"),
    (Failure("NotSpecified", "x", "…", 740), "elevation"),
    (Failure("InvalidArgument", "HRESULT 0x80070057,New-NetFirewallRule", "The port is wrong", 87), "change_rejected"),
    (Failure("ResourceExists", "Windows System Error 183", "Cannot create a file when that file already exists.", 183),
     "change_rejected"),
    (Failure("ObjectNotFound", "CommandNotFoundException", "The term 'New-NetX' is not recognized", None), "endpoint"),
    (Failure("InvalidArgument", "ringfence.verb", "no verb is named 'Net.Call'", None), "endpoint"),
    (Failure("PermissionDenied", "ringfence.allowlist", "not allowed", None), "script"),
])
def test_kinds_of_calls_that_failed(failure: Failure, kind: str) -> None:
    assert failures.kind_from_call(failure) == kind


@pytest.mark.parametrize("ended", [
    EOFError(), ConnectionResetError(104, "Connection reset by peer"), BrokenPipeError(32, "Broken pipe"),
    http.client.RemoteDisconnected("Remote end closed connection without response"),
    urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer")),
    ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), ssl.SSLZeroReturnError(6, "closed")],
    ids=lambda ended: type(ended).__name__)
def test_a_connection_that_just_ends_is_told_in_the_same_words_however_it_ends(ended: Exception) -> None:
    assert failures.kind_from_network(ended) == ("network", "the host closed the connection")
