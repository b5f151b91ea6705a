"""WS-Management envelopes and the faults that Windows answers with.

Fault numbers are those of wsmerror.h (ERROR_WSMAN_…), their subcodes those of DSP0226 and MS-WSMV 2.2.
"""

import base64
import re
import uuid
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
POWERSHELL = "http://schemas.microsoft.com/powershell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail"
WMI_ERROR = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"

CREATE, DELETE, GET = (f"{TRANSFER}/{verb}" for verb in ("Create", "Delete", "Get"))
COMMAND, SEND, RECEIVE, SIGNAL = (f"{SHELL}/{verb}" for verb in ("Command", "Send", "Receive", "Signal"))

_ENVELOPE = (f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:x="{TRANSFER}" '
             f'xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">'
             "<s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:{id}</a:MessageID>"
             f"<a:To>{ADDRESSING}/role/anonymous</a:To><a:RelatesTo>{{relates}}</a:RelatesTo></s:Header>"
             "<s:Body>{body}</s:Body></s:Envelope>")


class Fault(Exception):
    """A refusal in WS-Management's form. `wmi`: newer services put the number into an MSFT_WmiError instead."""

    def __init__(self, code: int, subcode: str, text: str, detail: str = "", sender: bool = True,
                 wmi: bool = False) -> None:
        self.code, self.subcode, self.text, self.detail = code, subcode, text, detail
        self.sender, self.wmi = sender, wmi
        super().__init__(text)

    def xml(self, machine: str) -> str:
        """The s:Fault element."""
        if self.wmi:
            detail = (f'<p:MSFT_WmiError xmlns:p="{WMI_ERROR}"><p:Message>{escape(self.text)}</p:Message>'
                      f"<p:error_Code>{self.code}</p:error_Code></p:MSFT_WmiError>")
        else:
            detail = (f'<f:WSManFault xmlns:f="{FAULT}" Code="{self.code}" Machine={quoteattr(machine)}>'
                      f"<f:Message>{escape(self.text)}</f:Message></f:WSManFault>")
        if self.detail:
            detail = f"<w:FaultDetail>{DETAIL}/{self.detail}</w:FaultDetail>{detail}"
        return (f"<s:Fault><s:Code><s:Value>s:{'Sender' if self.sender else 'Receiver'}</s:Value>"
                f"<s:Subcode><s:Value>{self.subcode}</s:Value></s:Subcode></s:Code>"
                f'<s:Reason><s:Text xml:lang="en-US">{escape(self.text)}</s:Text></s:Reason>'
                f"<s:Detail>{detail}</s:Detail></s:Fault>")


def timed_out() -> Fault:
    """Nothing happened within the OperationTimeout: the client simply asks again."""
    return Fault(2150858793, "w:TimedOut", "The WS-Management service cannot complete the operation within the time "
                 "specified in OperationTimeout.  ", sender=False)


def no_shell(shell: str) -> Fault:
    """The shell is gone or never was."""
    return Fault(2150858843, "w:InvalidSelectors", f"The request for the Windows Remote Shell with ShellId {shell} "
                 "failed because the shell was not found on the server. Possible causes are: the specified ShellId is "
                 "incorrect or the shell no longer exists on the server. Provide the correct ShellId or create a new "
                 "shell and retry the operation. ", "UnexpectedSelectors")


def no_command(command: str) -> Fault:
    """The command is not (any more) one of the shell's."""
    return Fault(2150859141, "w:InvalidParameter", "The WS-Management service cannot process the request because the "
                 f"CommandId {command} was not found in the shell. ")


def no_resource(uri: str) -> Fault:
    """No such endpoint: a session configuration that nobody registered, or a wrong resource URI."""
    return Fault(2150858811, "a:DestinationUnreachable", "The WS-Management service cannot process the request. The "
                 f"resource URI ({uri}) was not found in the WS-Management catalog. The catalog contains the metadata "
                 "that describes resources, or logical endpoints. ", "InvalidResourceURI")


def no_action(action: str) -> Fault:
    """An action that this service does not have."""
    return Fault(2150858753, "a:ActionNotSupported", f"The action {action} is not supported by the service. ")


def bad_request(text: str) -> Fault:
    """An envelope that cannot be understood."""
    return Fault(2150858817, "w:SchemaValidationError", "The WS-Management service cannot process the request because "
                 f"the XML is invalid: {text} ")


def access_denied() -> Fault:
    """The account is known but has no right to the endpoint."""
    return Fault(5, "w:AccessDenied", "Access is denied. ")


def too_many_shells() -> Fault:
    """MaxShellsPerUser."""
    return Fault(2150859236, "w:QuotaLimit", "The WS-Management service cannot process the request. The maximum number "
                 "of concurrent shells for this user has been exceeded. Close existing shells or raise the quota for "
                 "this user. ")


def too_many_commands() -> Fault:
    """MaxConcurrentCommandsPerShell; commands count until they are terminated."""
    return Fault(2150859241, "w:InternalError", "The WS-Management service cannot process the request. The maximum "
                 "number of concurrent commands per shell has been exceeded. Retry the request later or raise the "
                 "Maximum Commands per Shell quota. ", sender=False, wmi=True)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a request says. `timeout` in seconds; `body` is the first element inside s:Body."""

    action: str
    resource: str
    message: str
    timeout: float
    shell: str
    body: ElementTree.Element | None

    def element(self, name: str) -> ElementTree.Element:
        """The body, which must be the shell element `name`. Raises Fault."""
        if self.body is None or self.body.tag != f"{{{SHELL}}}{name}":
            raise bad_request(f"the body of {self.action} has to be {name}")
        return self.body


def parse(data: bytes) -> Envelope:
    """Read a request. Raises Fault."""
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise bad_request(str(error)) from None
    header, body = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None:
        raise bad_request("there is no SOAP envelope with a body")
    if header is None:
        header = ElementTree.Element("none")
    text = {child.tag: (child.text or "").strip() for child in header}
    shell = next((s.text or "" for s in header.iterfind(f"{{{WSMAN}}}SelectorSet/{{{WSMAN}}}Selector")
                  if s.get("Name", "").casefold() == "shellid"), "")
    return Envelope(text.get(f"{{{ADDRESSING}}}Action", ""), text.get(f"{{{WSMAN}}}ResourceURI", ""),
                    text.get(f"{{{ADDRESSING}}}MessageID", ""),
                    seconds(text.get(f"{{{WSMAN}}}OperationTimeout", ""), 60.0), shell.strip().upper(),
                    body[0] if len(body) else None)


def respond(action: str, body: str, relates: str) -> bytes:
    """A response envelope."""
    message = str(uuid.uuid4()).upper()
    return _ENVELOPE.format(action=action, id=message, relates=escape(relates), body=body).encode()


def from_base64(text: str) -> bytes:
    """Bytes of a stream element; white space is allowed. Raises Fault."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise bad_request(f"a stream is not base64: {error}") from None


def to_base64(data: bytes) -> str:
    """The text of a stream element."""
    return base64.b64encode(data).decode()


_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def seconds(duration: str, default: float) -> float:
    """Seconds of an XML duration such as PT20S or PT1H; `default` where it is none."""
    match = _DURATION.fullmatch(duration)
    if not match or not any(match.groups()):
        return default
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
