"""A WinRM service: HTTP(S) with authentication and sealed messages in front of WS-Management (wsman_service.py)."""

import logging
import socket
import ssl
from collections.abc import Callable
from typing import BinaryIO, cast

from spnego.channel_bindings import GssChannelBindings

from ringfence.lab.certificates import CertificateFiles
from ringfence.lab.listeners import Acceptor, Connections, Listener, Verdict, reset_on_close
from ringfence.lab.session import ServedHost
from ringfence.lab.winrm import http_messages
from ringfence.lab.winrm.shells import Caller
from ringfence.lab.winrm.winrm_logon import SOAP_TYPE, CannotDecrypt, Logon, LogonAccounts, LogonDenied
from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.lab.winrm.wsman_service import WsManService

HTTP_PORT, HTTPS_PORT = 5985, 5986
MIME_OVERHEAD = 65536  # the limit is for the envelope, not for the parts that encryption wraps around it

log = logging.getLogger(__name__)


class WinRMServer:
    """The WinRM service of one host, listening on one port.

    `tls`: the certificate of an HTTPS listener; `client_ca`: a PEM file, whose certificates may log on.
    """

    def __init__(self, acceptor: Acceptor, host: ServedHost, settings: WinRMSettings | None = None,
                 tls: CertificateFiles | None = None, client_ca: str | None = None, port: int = 0) -> None:
        self.host, self.settings = host, settings or WinRMSettings()
        self._tls = _tls(tls, client_ca) if tls else None
        self._binding = _binding(tls) if tls else None
        self._accounts = LogonAccounts(lambda: host.accounts, host.name)
        self.management_port = HTTPS_PORT if tls else HTTP_PORT
        self._service = WsManService(host, self.settings, self.management_port, self._start)
        self.listener: Listener = acceptor.listen(self._serve, self._judge, port)
        self.port = self.listener.port

    def _start(self, work: Callable[[], None], name: str) -> None:
        self.listener.connections.start(work, name)

    def _judge(self) -> Verdict:
        if self.host.admits(self.management_port, self.host.controller_address):
            return "accept"
        return "silent" if self.settings.silent else "reset"

    def drop(self) -> None:
        """Cut every connection and lose every shell, as a power loss does."""
        self.listener.connections.drop()
        self._service.close()

    def close(self) -> None:
        """Stop listening, end shells and connections."""
        self._service.close()
        self.listener.close()
        self._accounts.close()

    def _serve(self, sock: socket.socket, connections: Connections) -> None:
        if self._tls is not None:
            raw = sock
            raw.settimeout(10)
            sock = self._tls.wrap_socket(raw, server_side=True)
            sock.settimeout(None)
            connections.add(sock)
        try:
            peer = sock if isinstance(sock, ssl.SSLSocket) else None
            logon = Logon(self._accounts, self.settings.methods, self._binding, peer)
            with sock.makefile("rwb") as stream:
                self._talk(cast(BinaryIO, stream), logon, sock.getpeername()[1])
        except ConnectionError:
            reset_on_close(sock)
            raise
        finally:
            connections.discard(sock)

    def _talk(self, stream: BinaryIO, logon: Logon, remote_port: int) -> None:
        limit = self.settings.max_envelope_sizekb * 1024 + MIME_OVERHEAD
        keep = True
        while keep:
            try:
                request = http_messages.read_request(stream, limit)
                if request is None:
                    return
                keep = self._answer(stream, request, logon, remote_port)
            except http_messages.HttpError as error:
                http_messages.write_response(stream, error.status, keep_alive=False)
                return

    def _answer(self, stream: BinaryIO, request: http_messages.HttpRequest, logon: Logon, remote_port: int) -> bool:
        """Answer one request; whether the connection stays."""
        if request.path.partition("?")[0] not in ("/wsman", "/wsman-anon/identify"):
            raise http_messages.HttpError(404)
        if "wsmanidentify" in request.headers:
            status, reply = self._service.respond(request.body, None)
            http_messages.write_response(stream, status, reply, SOAP_TYPE)
            return request.keep_alive
        try:
            user, headers = logon.authenticate(request.headers.get("authorization", ""))
        except LogonDenied as denied:
            log.debug("%s: %s", self.host.name, denied)
            http_messages.write_response(stream, 401, headers=logon.offers)
            return request.keep_alive
        if user is None or not request.body:
            http_messages.write_response(stream, 200 if user else 401, headers=headers)
            return request.keep_alive
        body, sealed = self._open(request, logon)
        if len(body) > self.settings.max_envelope_sizekb * 1024:
            raise http_messages.HttpError(413)
        status, reply = self._service.respond(body, Caller(user, remote_port))
        content_type = SOAP_TYPE
        if sealed:
            content_type, reply = logon.seal(reply)
        http_messages.write_response(stream, status, reply, content_type, headers)
        return request.keep_alive

    def _open(self, request: http_messages.HttpRequest, logon: Logon) -> tuple[bytes, bool]:
        content_type = request.headers.get("content-type", "")
        if content_type.startswith(("multipart/encrypted", "multipart/x-multi-encrypted")):
            try:
                return logon.open(request.body), True
            except CannotDecrypt as error:
                log.debug("%s: %s", self.host.name, error)
                raise http_messages.HttpError(400) from None
        if logon.must_seal:
            raise http_messages.HttpError(500)  # AllowUnencrypted is off: Windows says no more than this
        if not content_type.startswith("application/soap+xml"):
            raise http_messages.HttpError(415)
        return request.body, False


def _tls(pair: CertificateFiles, client_ca: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _binding(pair: CertificateFiles) -> GssChannelBindings:
    return GssChannelBindings(application_data=b"tls-server-end-point:" + pair.hash)
