"""Maps network, WinRM and PowerShell errors to the kinds of errors.FAILURES.

Numbers are those of winerror.h and wsmerror.h (MS-WSMV 2.2.4.43 WSManFault carries them); texts are Windows' English
ones, looked at only where no number or error id decides: WinRM reports PowerShell's own quotas as plain `InternalError`.
"""

import errno
import functools
import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from ringfence.batch import CHANGED_MEANWHILE, Failure
from ringfence.errors import HostError, Unreachable
from ringfence.transports.deadline import Deadline

T = TypeVar("T")
Run = TypeVar("Run", bound=Callable[..., Any])


def without_secrets(run: Run) -> Run:
    """The `run` of a transport, with what came of secrets masked in what it raises."""
    @functools.wraps(run)
    def masked(transport: Any, batch: Any) -> Any:
        try:
            return run(transport, batch)
        except HostError as error:
            raise type(error)(error.kind, transport.settings.shown(error.detail)) from None
    return cast(Run, masked)

FAULTS: dict[int, str] = {
    2: "endpoint",                # ERROR_FILE_NOT_FOUND: the endpoint's host process or plug-in cannot be started
    5: "authorization",           # ERROR_ACCESS_DENIED
    740: "elevation",             # ERROR_ELEVATION_REQUIRED
    1062: "service",              # ERROR_SERVICE_NOT_ACTIVE
    1326: "authentication",       # ERROR_LOGON_FAILURE
    1753: "service",              # EPT_S_NOT_REGISTERED: no endpoint in the mapper, the firewall service is stopped
    0x80070005: "authorization",  # E_ACCESSDENIED; the next two are 1062 and 1753 as HRESULTs
    0x80070426: "service",
    0x800706D9: "service",
    0x80338000: "endpoint",       # ERROR_WSMAN_RESOURCE_NOT_FOUND
    0x80338002: "endpoint",       # ERROR_WSMAN_INVALID_URI
    0x8033803B: "endpoint",       # ERROR_WSMAN_INVALID_RESOURCE_URI: what an unknown session configuration gives
    0x8033803F: "quota",          # ERROR_WSMAN_QUOTA_LIMIT
    0x80338047: "quota",          # ERROR_WSMAN_MAX_ENVELOPE_SIZE
    0x80338048: "quota",          # ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED
    0x80338049: "quota",          # ERROR_WSMAN_SERVER_ENVELOPE_LIMIT
    0x80338105: "authorization",  # ERROR_WSMAN_WMI_PROVIDER_ACCESS_DENIED
    0x80338106: "authorization",  # ERROR_WSMAN_WMI_CANNOT_CONNECT_ACCESS_DENIED
    0x80338111: "quota",          # ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS
    0x803381A5: "quota",          # ERROR_WSMAN_QUOTA_MAX_SHELLS
    0x803381A6: "quota",          # ERROR_WSMAN_QUOTA_MAX_OPERATIONS
    0x803381A7: "quota",          # ERROR_WSMAN_QUOTA_USER
    0x803381A8: "quota",          # ERROR_WSMAN_QUOTA_SYSTEM
    0x803381AB: "quota",          # ERROR_WSMAN_QUOTA_MAX_SHELLUSERS
    0x803381AC: "authorization",  # ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED
    0x803381DD: "authorization",  # ERROR_WSMAN_SERVICE_REMOTE_ACCESS_DISABLED
    0x803381E3: "authorization",  # ERROR_WSMAN_REMOTE_CONNECTION_NOT_ALLOWED
    **dict.fromkeys(range(0x803381E4, 0x803381EB), "quota"),  # ERROR_WSMAN_QUOTA_…_PPQ
}

_TEXTS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), kind) for pattern, kind in (
    (r"Invoke-RingfenceBatch.*(not recognized|CommandNotFound)|CommandNotFound.*Invoke-RingfenceBatch"
     r"|cannot find the .* session configuration", "endpoint"),
    (r"language mode|ConstrainedLanguage|NoLanguage|RestrictedLanguage|no-language|ScriptsNotAllowed"
     r"|syntax is not supported by this runspace", "language_mode"),
    (r"running scripts is disabled|about_Execution_Policies|PSSecurityException|is not digitally signed",
     "execution_policy"),
    (r"MaxEnvelopeSize|MaxConcurrent|MaxShells|MaxMemoryPerShell|\bquota\b|maximum number of .{0,40}(shells|operations"
     r"|commands|users)|allowed a maximum", "quota"),
    (r"requires elevation|run as administrator|not elevated", "elevation"),
    (r"no more endpoints available|service (has not been started|is not running|cannot be started)", "service"),
    (r"Access is denied|access denied|UnauthorizedAccess|registry access is not allowed", "authorization"),
    (r"not recognized as an internal or external command|command not found|No such file or directory"
     r"|cannot find the (path|file) specified|The term '[^']*' is not recognized", "powershell"),
))

MAX_SAID = 600  # characters of what a host says that a message repeats
MAX_LOOKED_AT = 4000  # characters of a text of a host that are looked at: `.*` within a pattern costs the square of them

# what a failure is called before a batch was sent, and after
_BEFORE = {"protocol": "wrong_service"}
_AFTER = {
    "timeout": "no_answer",
    "network": "connection_lost",
    "connection_refused": "connection_lost",
    "tls": "connection_lost",
    "wrong_service": "protocol",
}

# before the batch is sent another attempt can do no harm, and for these it may help
_PASSING = ("connection_refused", "timeout", "network", "dns")


def kind_from_text(text: str) -> str | None:
    """The kind of failure that an error text of Windows or PowerShell (with its error id) speaks of."""
    return next((kind for pattern, kind in _TEXTS if pattern.search(text[:MAX_LOOKED_AT])), None)


def kind_from_fault(code: object, text: str) -> str | None:
    """The kind of failure that a WSMan fault or a native error code stands for; `text` where the code says little."""
    return (FAULTS.get(code & 0xFFFFFFFF) if isinstance(code, int) else None) or kind_from_text(text)


def kind_from_call(failure: Failure) -> str:
    """The kind of failure of one call of a batch: why Windows refused it, `changed` where it is about the values."""
    if failure.is_lack:
        return "endpoint"
    if failure.id == CHANGED_MEANWHILE:
        return "changed_meanwhile"
    if failure.id.startswith("ringfence."):
        return "script"
    kind = kind_from_fault(failure.code, f"{failure.message} {failure.id}")
    if kind in ("authorization", "elevation", "service"):
        return kind
    return "authorization" if failure.category == "PermissionDenied" else "change_rejected"


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it was made from, outermost first."""
    seen: set[int] = set()
    waiting = [error]
    while waiting and len(seen) < 50:
        this = waiting.pop(0)
        if id(this) in seen:
            continue
        seen.add(id(this))
        yield this
        inner = (getattr(this, "reason", None), *this.args, this.__cause__, this.__context__)
        waiting += [one for one in inner if isinstance(one, BaseException)]


def kind_from_network(error: BaseException) -> tuple[str, str]:
    """The kind and the words for a failure of the network below, whatever library wrapped it."""
    found = list(causes(error))
    for one in found:
        if isinstance(one, ssl.SSLCertVerificationError):
            return "tls", one.verify_message
        if isinstance(one, socket.gaierror):
            return "dns", str(one.strerror)
        if isinstance(one, ConnectionRefusedError):
            return "connection_refused", ""
        if isinstance(one, ssl.SSLError):
            if re.search("WRONG_VERSION_NUMBER|HTTP_REQUEST|RECORD_LAYER_FAILURE|PACKET_LENGTH", str(one)):
                return "wrong_service", "the port does not speak TLS"
            if not isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                return "tls", (one.reason or str(one)).replace("_", " ").lower()
    for one in found:
        # urllib3's own, as for a fingerprint: no ssl.SSLError is behind it
        if type(one).__name__ == "SSLError" and not any(isinstance(other, ssl.SSLError) for other in found):
            got = re.search('ingerprint.*got "([0-9a-f]+)"', str(found[-1])[:MAX_LOOKED_AT])
            return "tls", f"the certificate's fingerprint is {got[1]}" if got else str(found[-1])
        if isinstance(one, http.client.HTTPException) and not isinstance(
                one, http.client.RemoteDisconnected | http.client.IncompleteRead):
            return "wrong_service", "it does not speak HTTP"
    for one in found:
        if isinstance(one, TimeoutError) or (isinstance(one, OSError) and one.errno == errno.ETIMEDOUT):
            return "timeout", ""
    # a reset is seen as one, or as the end of a stream: which, is chance (urllib3 goes on to read where a write was refused)
    if any(isinstance(one, ConnectionError | EOFError | ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in found):
        return "network", "the host closed the connection"
    for one in found:
        if isinstance(one, OSError) and one.strerror:
            return "network", one.strerror.lower()
    return "network", str(found[-1]) or type(found[-1]).__name__


def host_error(where: str, sent: bool, kind: str, detail: str = "") -> HostError:
    """The error for a failure at `where` (host and port): Unreachable as long as the batch was not `sent`.

    `detail` is what the other side said: of it one line is kept that no terminal can take for a command.
    """
    shown = "".join(c if c.isprintable() else " " for c in detail[:MAX_SAID])
    message = where + (f": {shown}" if shown else "")
    if not sent:
        return Unreachable(_BEFORE.get(kind, kind), message)
    return HostError(_AFTER.get(kind, kind), message)


def connect_with_retries(connect: Callable[[], T], retries: int, backoff: float, deadline: Deadline) -> T:
    """What `connect` gives; tried again up to `retries` times where the failure may pass, pausing ever longer."""
    for attempt in range(retries + 1):
        try:
            return connect()
        except Unreachable as error:
            if attempt == retries or error.kind not in _PASSING or deadline.over:
                raise
        deadline.sleep(backoff * 2**attempt)
    raise AssertionError("unreachable: the loop above returns or raises")
