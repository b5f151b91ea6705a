"""Kerberos against a real KDC. Skipped where krb5 is not installed (tests/helpers/kerberos_realm.py)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kerberos_realm import NAME, NEEDS_A_KDC, PASSWORD, USER
from lab_servers import SCRIPT, EchoHost, framed, invoke, wsman
from pypsrp.exceptions import AuthenticationError

from ringfence.lab.certificates import Authority
from ringfence.lab.listeners import Acceptor
from ringfence.lab.winrm.winrm_logon import AuthMethods
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings

pytestmark = NEEDS_A_KDC

SETTINGS = WinRMSettings(scripts=lambda: (SCRIPT,), methods=AuthMethods(basic=False, unencrypted=False))


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
