"""WS-Management: the requests of a WinRM service, and the engine behind each shell."""

import time
import uuid
from collections.abc import Callable
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ringfence.lab import command_shell
from ringfence.lab.session import PowerShellStart, ServedHost, Session, batch_runner
from ringfence.lab.winrm import soap
from ringfence.lab.winrm.psrp_endpoint import PowerShellEndpoint
from ringfence.lab.winrm.pwsh_relay import PowerShellRelay
from ringfence.lab.winrm.shells import Caller, Outbox, Shell, ShellEngine, Shells
from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.lab.winrm.winrs import ProcessEngine

CMD = f"{soap.SHELL}/cmd"


class WsManService:
    """Answers requests for one host. `port` is the one that Windows listens on; `start` runs something in a thread."""

    def __init__(self, host: ServedHost, settings: WinRMSettings, port: int,
                 start: Callable[[Callable[[], None], str], None]) -> None:
        self.host, self.settings, self._port, self._start = host, settings, port, start
        self._shells = Shells(settings.max_shells_per_user, settings.max_concurrent_commands_per_shell)

    def close(self) -> None:
        """End every shell."""
        self._shells.close()

    def respond(self, data: bytes, caller: Caller | None) -> tuple[int, bytes]:
        """HTTP status and envelope for a request; without a caller only Identify is answered."""
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
        return (f"<x:ResourceCreated><a:Address>http://{self.host.name}:{self._port}/wsman</a:Address>"
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
        for registered in self.settings.endpoints:
            if name == registered.casefold():
                return registered
        raise soap.no_resource(resource)

    def _engine(self, endpoint: str, caller: Caller, outbox: Outbox) -> ShellEngine:
        registered = self.settings.endpoints.get(endpoint)
        # A JEA endpoint runs as a virtual account, whoever calls.
        elevated = not registered.groups if registered else caller.user not in self.settings.not_elevated
        session = Session("psrp", caller.user, elevated, self.host.controller_address, caller.remote_port,
                          self.host.address, self._port, registered)
        execute = batch_runner(self.host, session)
        powershell = self.settings.start(session) if self.settings.start else PowerShellStart(self.settings.environment)
        if endpoint == "cmd":
            settings = command_shell.ShellSettings(pwsh=self.settings.pwsh, environment=powershell.environment,
                                                   first=powershell.text, scripts=self.settings.scripts)
            return ProcessEngine(settings, execute, self._start)
        if self.settings.pwsh is not None and (self.settings.start or registered is None):
            return PowerShellRelay(self.settings.pwsh, powershell, outbox, self._start)
        return PowerShellEndpoint(execute, self.settings.scripts() if endpoint == "default" else None, outbox, self._start)

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
