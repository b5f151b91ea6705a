"""The lab's WinRM service and messages that are none."""


import pytest
import requests
from lab_servers import PASSWORD, USER, raw, wsman
from pypsrp.powershell import RunspacePool
from winrm_services import Serve, fault

from ringfence.lab.winrm.winrm_server import WinRMServer


@pytest.mark.parametrize(("request_bytes", "status"), [
    (b"nonsense\r\n\r\n", b"400"),
    (b"GET /wsman HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
    (b"POST /wsman HTTP/3.0\r\n\r\n", b"505"),
    (b"POST /wsman HTTP/1.1\r\nno colon here\r\n\r\n", b"400"),
    (b"POST /wsman HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"400"),
    (b"POST /wsman HTTP/1.1\r\n\r\n", b"411"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"400"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999999999999\r\n\r\n", b"400"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", b"413"),
    (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"501"),
    (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"404"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"401"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\nAuthorization: Basic ###\r\n\r\n", b"401"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\nAuthorization: Negotiate AAAA\r\n\r\n", b"401"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\nAuthorization: Digest x\r\n\r\n", b"401"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\nAuthorization: http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/"
     b"https/mutual\r\n\r\n", b"401"),
    (b"POST /wsman HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort", b"400"),
])
def test_malformed_http(serve: Serve, request_bytes: bytes, status: bytes) -> None:
    answer = raw(serve().port, request_bytes)
    assert answer.partition(b"\r\n")[0].split(b" ")[1] == status


def post(service: WinRMServer, body: bytes, **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"http://127.0.0.1:{service.port}/wsman", body, timeout=5,
                            auth=None if headers else (USER, PASSWORD),
                            headers={"Content-Type": "application/soap+xml;charset=UTF-8"} | headers)


@pytest.mark.parametrize(("body", "code"), [
    (b"<", "2150858817"),
    (b"<a/>", "2150858817"),
    (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>', "2150858753"),
])
def test_malformed_envelopes(serve: Serve, body: bytes, code: str) -> None:
    answer = post(serve(), body)
    assert answer.status_code == 500
    assert f'Code="{code}"' in answer.text


def test_anybody_may_ask_who_is_there(serve: Serve) -> None:
    identify = (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><i:Identify xmlns:i='
                b'"http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd"/></s:Body></s:Envelope>')
    service = serve()
    answer = post(service, identify, WSMANIDENTIFY="unauthenticated")
    assert "Microsoft Corporation" in answer.text
    assert 'Code="5"' in post(service, identify.replace(b"Identify", b"Other"), WSMANIDENTIFY="unauthenticated").text


def test_fragments_that_are_none(serve: Serve) -> None:
    service = serve()
    with wsman(service.port) as client:
        pool = RunspacePool(client)
        pool.open()
        with fault(2150858817):
            pool.shell.send("stdin", b"\xff" * 40)
        with fault(2150859141):
            pool.shell.receive(command_id="8CB8BB28-7B8F-4F3A-8E9A-000000000001")
        pool.close()
