"""Kerberos against a real KDC (MIT krb5, Debian: krb5-kdc, krb5-user; Python: gssapi, krb5). Skipped without them."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab_servers import SCRIPT, EchoHost, framed, invoke, wsman
from pypsrp.exceptions import AuthenticationError

from ringfence.lab.certificates import Authority
from ringfence.lab.listeners import Acceptor
from ringfence.lab.winrm.winrm_logon import AuthMethods
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings

REALM, NAME = "LAB.EXAMPLE", "lab1.lab.example"
USER, PASSWORD = f"ops@{REALM}", "a pass phrase"
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
TOOLS = {name: shutil.which(name, path=PATH) for name in ("krb5kdc", "kdb5_util", "kadmin.local")}
MISSING = [name for name, found in TOOLS.items() if not found]
MISSING += [name for name in ("gssapi", "krb5") if not importlib.util.find_spec(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

SETTINGS = WinRMSettings(scripts=lambda: (SCRIPT,), methods=AuthMethods(basic=False, unencrypted=False))
KRB5_CONF = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[dbmodules]
 {realm} = {{
  db_library = db2
 }}
{more}
"""
KDC_CONF = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {directory}/principal
  key_stash_file = {directory}/stash
  acl_file = {directory}/acl
 }}
"""


def tool(name: str, *arguments: str) -> list[str]:
    found = TOOLS[name]
    assert found is not None
    return [found, *arguments]


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A realm with one user and one host, whose keytab this process uses; the variables are set back at the end."""
    directory = tmp_path_factory.mktemp("realm")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    more = os.environ.get("RINGFENCE_KRB5_CONF", "")  # further sections, where krb5 is not installed in its usual place
    (directory / "krb5.conf").write_text(KRB5_CONF.format(realm=REALM, port=port, more=more))
    (directory / "kdc.conf").write_text(KDC_CONF.format(realm=REALM, port=port, directory=directory))
    settings = {"KRB5_CONFIG": "krb5.conf", "KRB5_KDC_PROFILE": "kdc.conf", "KRB5_KTNAME": "keytab", "KRB5CCNAME": "ccache"}
    with pytest.MonkeyPatch.context() as patch:
        for name, file in settings.items():
            patch.setenv(name, str(directory / file))
        subprocess.run(tool("kdb5_util", "create", "-s", "-r", REALM, "-P", "master"), check=True, capture_output=True)
        for query in (f'addprinc -pw "{PASSWORD}" {USER}', f"addprinc -randkey host/{NAME}@{REALM}",
                      f"ktadd -k {directory}/keytab host/{NAME}@{REALM}"):
            subprocess.run(tool("kadmin.local", "-r", REALM, "-q", query), check=True, capture_output=True)
        with subprocess.Popen(tool("krb5kdc", "-n", "-r", REALM), stderr=subprocess.DEVNULL) as kdc:
            try:
                wait_for(port, kdc)
                yield directory
            finally:
                kdc.terminate()


def wait_for(port: int, kdc: "subprocess.Popen[bytes]") -> None:
    """Until the KDC listens."""
    deadline = time.monotonic() + 15
    while kdc.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the KDC did not start")


@pytest.fixture
def service(realm: Path) -> Iterator[WinRMServer]:
    with Acceptor() as gate:
        served = WinRMServer(gate, EchoHost(accounts={USER: "not used", "local": "p"}), SETTINGS)
        yield served
        served.close()


@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
def test_a_ticket_logs_on(service: WinRMServer, auth: str) -> None:
    client = wsman(service.port, auth, user=USER, password=PASSWORD, negotiate_hostname_override=NAME)
    assert invoke(client, "b").output == [framed("b")]
    assert isinstance(service.host, EchoHost)
    assert service.host.runs[0][1].user == USER


def test_a_ticket_logs_on_over_https(realm: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = replace(SETTINGS, methods=replace(SETTINGS.methods, strict_binding=True))
    with Acceptor() as gate:
        served = WinRMServer(gate, EchoHost(accounts={USER: "not used"}), settings, authority.server(["127.0.0.1"]))
        client = wsman(served.port, "kerberos", ssl=True, cert_validation=str(authority.path), user=USER,
                       password=PASSWORD, negotiate_hostname_override=NAME)
        assert invoke(client, "b").output == [framed("b")]
        served.close()


def test_a_local_account_still_uses_ntlm(service: WinRMServer) -> None:
    assert invoke(wsman(service.port, "ntlm", user="local", password="p"), "b").output == [framed("b")]


def test_a_principal_without_account_is_refused(realm: Path) -> None:
    with Acceptor() as gate:
        served = WinRMServer(gate, EchoHost(accounts={"local": "p"}), SETTINGS)
        client = wsman(served.port, "kerberos", user=USER, password=PASSWORD, negotiate_hostname_override=NAME)
        with pytest.raises(AuthenticationError):
            invoke(client, "b")
        served.close()
