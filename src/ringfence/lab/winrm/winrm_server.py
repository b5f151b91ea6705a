"""A WinRM service: HTTP(S) in front, WS-Management in the middle, an engine behind each shell."""

import logging
import os
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from spnego.channel_bindings import GssChannelBindings

from ringfence import batch
from ringfence.lab import command_shell
from ringfence.lab.certificates import CertificateFiles
from ringfence.lab.listeners import Acceptor, Connections, Listener, Verdict, reset_on_close
from ringfence.lab.session import PowerShellStart, ServedHost, Session, StartPowerShell, batch_runner
from ringfence.lab.winrm import http_messages, soap
from ringfence.lab.winrm.authentication import SOAP_TYPE, AuthMethods, CannotDecrypt, Logon, LogonAccounts, LogonDenied
from ringfence.lab.winrm.psrp_endpoint import PowerShellEndpoint
from ringfence.lab.winrm.pwsh_relay import PowerShellRelay
from ringfence.lab.winrm.shells import Caller, Outbox, Shell, ShellEngine, Shells
from ringfence.lab.winrm.winrs import ProcessEngine

HTTP_PORT, HTTPS_PORT = 5985, 5986
MIME_OVERHEAD = 65536  # the limit is for the envelope, not for the parts that encryption wraps around it
CMD = f"{soap.SHELL}/cmd"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WinRMSettings:
    """How a host's WinRM service is configured; the names are Windows' own where it has them.

    `endpoints`: JEA endpoints (NoLanguage mode, one function), beside the default one. `not_administrators`: accounts that
    the default endpoint refuses; `not_elevated`: administrators with a filtered token. `pwsh`: a real PowerShell behind the
    default endpoint, in `environment`; or as `start` says for each session, behind JEA endpoints too. `silent`: a refused packet
    is dropped instead of answered with a reset.
    """

    methods: AuthMethods = field(default_factory=AuthMethods)
    max_envelope_sizekb: int = 500
    max_shells_per_user: int = 30
    max_concurrent_commands_per_shell: int = 1000
    idle_timeout: float = 7200.0
    default_endpoint: str = "Microsoft.PowerShell"
    endpoints: frozenset[str] = frozenset()
    not_administrators: frozenset[str] = frozenset()
    not_elevated: frozenset[str] = frozenset()
    pwsh: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    start: StartPowerShell | None = None
    script: Callable[[], str] = batch.script
    silent: bool = False


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
        self._shells = Shells(self.settings.max_shells_per_user, self.settings.max_concurrent_commands_per_shell)
        self.management_port = HTTPS_PORT if tls else HTTP_PORT
        self.listener: Listener = acceptor.listen(self._serve, self._judge, port)
        self.port = self.listener.port

    def _judge(self) -> Verdict:
        if self.host.admits(self.management_port, self.host.controller_address):
            return "accept"
        return "silent" if self.settings.silent else "reset"

    def drop(self) -> None:
        """Cut every connection and lose every shell, as a power loss does."""
        self.listener.connections.drop()
        self._shells.close()

    def close(self) -> None:
        """Stop listening, end shells and connections."""
        self._shells.close()
        self.listener.close()
        self._accounts.close()

    # HTTP

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
            status, reply = self._respond(request.body, None)
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
        status, reply = self._respond(body, Caller(user, remote_port))
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

    # WS-Management

    def _respond(self, data: bytes, caller: Caller | None) -> tuple[int, bytes]:
        relates = ""
        try:
            request = soap.parse(data)
            relates = request.message
            if request.body is not None and request.body.tag == f"{{{soap.IDENTITY}}}Identify":
                return 200, _IDENTIFIED
            if caller is None:
                raise soap.access_denied()
            body = self._act(request, caller)
        except soap.Fault as fault:
            return 500, soap.respond("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", fault.xml(self.host.name), relates)
        return 200, soap.respond(request.action + "Response", body, relates)

    def _act(self, request: soap.Envelope, caller: Caller) -> str:
        if request.action == soap.CREATE:
            return self._create(request, caller)
        if request.action == soap.GET and request.resource.startswith(soap.CONFIG):
            return (f'<cfg:Config xmlns:cfg="{soap.CONFIG}"><cfg:MaxEnvelopeSizekb>{self.settings.max_envelope_sizekb}'
                    "</cfg:MaxEnvelopeSizekb><cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms></cfg:Config>")
        verb = {soap.GET: self._get, soap.DELETE: self._delete, soap.COMMAND: self._command, soap.SEND: self._send,
                soap.RECEIVE: self._receive, soap.SIGNAL: self._signal}.get(request.action)
        if verb is None:
            raise soap.no_action(request.action)
        return verb(request, self._shells.find(request.shell, caller.user))

    def _create(self, request: soap.Envelope, caller: Caller) -> str:
        element = request.element("Shell")
        endpoint = self._endpoint(request.resource, caller)
        self._shells.reserve(caller.user)
        outbox = Outbox()
        engine = self._engine(endpoint, caller, outbox)
        idle = soap.seconds(_text(element, "IdleTimeOut"), self.settings.idle_timeout)
        shell = Shell(element.get("ShellId", "").upper() or str(uuid.uuid4()).upper(), caller.user, request.resource,
                      min(idle, self.settings.idle_timeout), engine, outbox)
        creation = element.find(f"{{{soap.POWERSHELL}}}creationXml")
        try:
            engine.open(soap.from_base64(creation.text or "") if creation is not None else b"")
        except soap.Fault:
            engine.close()
            raise
        self._shells.add(shell)
        return (f"<x:ResourceCreated><a:Address>http://{self.host.name}:{self.management_port}/wsman</a:Address>"
                f"<a:ReferenceParameters><w:ResourceURI>{escape(shell.resource)}</w:ResourceURI><w:SelectorSet>"
                f'<w:Selector Name="ShellId">{escape(shell.id)}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
                f"</x:ResourceCreated>{self._describe(shell, element)}")

    def _endpoint(self, resource: str, caller: Caller) -> str:
        """Which engine a resource URI means: "cmd", "default", or the name of a JEA endpoint. Raises Fault."""
        name = resource.removeprefix(f"{soap.POWERSHELL}/").casefold()
        restricted = caller.user in self.settings.not_administrators
        if resource == CMD or name == self.settings.default_endpoint.casefold():
            if restricted:
                raise soap.access_denied()
            return "cmd" if resource == CMD else "default"
        if name in {endpoint.casefold() for endpoint in self.settings.endpoints}:
            return name
        raise soap.no_resource(resource)

    def _engine(self, endpoint: str, caller: Caller, outbox: Outbox) -> ShellEngine:
        start = self.listener.connections.start
        is_jea = endpoint not in ("cmd", "default")
        # A JEA endpoint runs as a virtual administrator, whoever calls.
        elevated = is_jea or caller.user not in self.settings.not_elevated
        session = Session("psrp", caller.user, elevated, self.host.controller_address, caller.remote_port,
                          self.host.address, self.management_port)
        execute = batch_runner(self.host, session)
        powershell = self.settings.start(session, is_jea) if self.settings.start else PowerShellStart(self.settings.environment)
        if endpoint == "cmd":
            settings = command_shell.ShellSettings(pwsh=self.settings.pwsh, environment=powershell.environment,
                                                   first=powershell.text, script=self.settings.script)
            return ProcessEngine(settings, execute, start)
        if self.settings.pwsh is not None and (self.settings.start or not is_jea):
            return PowerShellRelay(self.settings.pwsh, powershell.environment, outbox, start, powershell.text)
        return PowerShellEndpoint(execute, self.settings.script() if endpoint == "default" else None, outbox, start)

    def _describe(self, shell: Shell, element: ElementTree.Element) -> str:
        now = time.monotonic()
        fields = {"ShellId": shell.id, "ResourceUri": shell.resource, "Owner": f"{self.host.name}\\{shell.owner}",
                  "ClientIP": self.host.controller_address, "IdleTimeOut": f"PT{shell.idle:.3f}S",
                  "InputStreams": _text(element, "InputStreams") or "stdin",
                  "OutputStreams": _text(element, "OutputStreams") or "stdout", "State": "Connected",
                  "ShellRunTime": f"P0DT0H0M{int(now - shell.started)}S",
                  "ShellInactivity": f"P0DT0H0M{int(now - shell.used)}S"}
        inside = "".join(f"<rsp:{name}>{escape(value)}</rsp:{name}>" for name, value in fields.items())
        return f"<rsp:Shell>{inside}</rsp:Shell>"

    def _get(self, request: soap.Envelope, shell: Shell) -> str:
        del request
        return self._describe(shell, ElementTree.Element("none"))

    def _delete(self, request: soap.Envelope, shell: Shell) -> str:
        del request
        self._shells.remove(shell)
        return ""

    def _command(self, request: soap.Envelope, shell: Shell) -> str:
        line = request.element("CommandLine")
        id = (line.get("CommandId") or str(uuid.uuid4())).upper()
        arguments = [a.text or "" for a in line.iterfind(f"{{{soap.SHELL}}}Arguments")]
        outbox = self._shells.command(shell, id)
        try:
            shell.engine.command(id, _text(line, "Command"), arguments, outbox)
        except soap.Fault:
            shell.commands.pop(id, None)
            raise
        return f"<rsp:CommandResponse><rsp:CommandId>{id}</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, request: soap.Envelope, shell: Shell) -> str:
        for stream in request.element("Send").iterfind(f"{{{soap.SHELL}}}Stream"):
            id = stream.get("CommandId", "").upper()
            shell.outbox_of(id)
            shell.engine.send(id, stream.get("Name", ""), soap.from_base64(stream.text or ""),
                              stream.get("End", "").casefold() == "true")
        return "<rsp:SendResponse/>"

    def _receive(self, request: soap.Envelope, shell: Shell) -> str:
        desired = request.element("Receive").find(f"{{{soap.SHELL}}}DesiredStream")
        id = desired.get("CommandId", "").upper() if desired is not None else ""
        outbox = shell.outbox_of(id)
        shell.waiting += 1
        try:
            items, code = outbox.take(request.timeout)
        finally:
            shell.waiting -= 1
            shell.used = time.monotonic()
        if code is not None and not items and not id:
            raise soap.no_shell(shell.id)
        of = f' CommandId="{id}"' if id else ""
        streams = "".join(f'<rsp:Stream Name="{name}"{of}>{soap.to_base64(data)}</rsp:Stream>' for name, data in items)
        return f"<rsp:ReceiveResponse>{streams}{_state(id, code)}</rsp:ReceiveResponse>"

    def _signal(self, request: soap.Envelope, shell: Shell) -> str:
        signal = request.element("Signal")
        id, code = signal.get("CommandId", "").upper(), _text(signal, "Code")
        if id and id in shell.commands:
            shell.engine.signal(id, code)
            if code.casefold().endswith("/terminate"):
                shell.commands.pop(id, None)
        return "<rsp:SignalResponse/>"


_IDENTIFIED = (f'<s:Envelope xml:lang="" xmlns:s="{soap.SOAP}"><s:Header/><s:Body><wsmid:IdentifyResponse '
               f'xmlns:wsmid="{soap.IDENTITY}"><wsmid:ProtocolVersion>{soap.WSMAN}</wsmid:ProtocolVersion>'
               "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor><wsmid:ProductVersion>OS: 0.0.0 SP: 0.0 "
               "Stack: 3.0</wsmid:ProductVersion></wsmid:IdentifyResponse></s:Body></s:Envelope>").encode()


def _state(id: str, code: int | None) -> str:
    if not id:
        return ""
    state = f"{soap.SHELL}/CommandState/{'Running' if code is None else 'Done'}"
    rest = "" if code is None else f"<rsp:ExitCode>{code}</rsp:ExitCode>"
    return f'<rsp:CommandState CommandId="{id}" State="{state}">{rest}</rsp:CommandState>'


def _text(element: ElementTree.Element, name: str) -> str:
    return (element.findtext(f"{{{soap.SHELL}}}{name}") or "").strip()


def _tls(pair: CertificateFiles, client_ca: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _binding(pair: CertificateFiles) -> GssChannelBindings:
    return GssChannelBindings(application_data=b"tls-server-end-point:" + pair.hash)
