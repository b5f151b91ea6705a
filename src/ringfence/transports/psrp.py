"""PowerShell remoting (PSRP over WinRM) with pypsrp: one runspace pool, one pipeline, one batch."""

import contextlib
import functools
import os
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from pypsrp.messages import CreatePipeline, InitRunspacePool, Message, MessageType, SessionCapability
from pypsrp.powershell import Fragmenter, PowerShell, RunspacePool
from pypsrp.serializer import Serializer
from spnego.exceptions import SpnegoError

from ringfence import files
from ringfence.batch import Batch, Reply
from ringfence.batch.jea import FUNCTION
from ringfence.errors import HostError, Unreachable
from ringfence.secret import revealed
from ringfence.transports.connection_settings import PsrpSettings
from ringfence.transports.deadline import Deadline
from ringfence.transports.failures import (
    connect_with_retries,
    host_error,
    kind_from_fault,
    kind_from_network,
    kind_from_text,
    without_secrets,
)
from ringfence.transports.http import BoundedSession, BoundedWSMan, without_document_type
from ringfence.transports.loggers import silence_loggers

_FIRST_ENVELOPE = 153_600  # bytes; what pypsrp begins with, and raises to 512000 once the host has said that it speaks PSRP 2.2
_CLOSING = 10.0  # seconds that closing a shell may take once the answer is there
_HTTP = {
    403: ("authorization", "HTTP 403"),
    407: ("authentication", "HTTP 407, the proxy wants a password"),
    413: ("quota", "HTTP 413, a message is larger than the host's MaxEnvelopeSizekb: lower ansible_psrp_max_envelope_size"),
    503: ("connection_refused", "HTTP 503, the WinRM service does not run"),
}

_KERBEROS = ("krb5", "gssapi")  # packages that are not always there
_KEY_MISFIT = re.compile("PEM lib|is encrypted|KEY_VALUES_MISMATCH|key values mismatch")


class PsrpTransport:
    """Opens a runspace pool for each batch, on a connection of its own."""

    name = "psrp"

    def __init__(self, settings: PsrpSettings) -> None:
        self.settings = settings
        self.round_trips = self.bytes_sent = self.bytes_received = 0
        self.agreed = ""
        self.where = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
        self.configuration = settings.endpoint or settings.configuration_name

    @without_secrets
    def run(self, batch: Batch) -> Reply:
        """Carry `batch`. Raises Unreachable before it was sent, HostError after."""
        silence_loggers("pypsrp", "psrpcore", "urllib3", "requests", "spnego", "requests_credssp")
        # PSRP wraps output in base64 and XML once more
        with Deadline(self.settings.batch_timeout) as deadline:
            link = BoundedSession(deadline, self.settings.wire_limit * 3 // 2, self.settings.max_envelope_size or _FIRST_ENVELOPE)
            try:
                pool = connect_with_retries(lambda: self._open(link), self.settings.retries, self.settings.backoff, deadline)
                output = self._invoke(pool, link, batch)
                self._close(pool)
            finally:
                link.close()
                self.bytes_sent += link.sent
                self.bytes_received += link.received
        self.round_trips += 1
        try:
            return batch.decode(output, self.settings.max_reply)
        except HostError as error:
            raise host_error(self.where, True, error.kind, error.detail) from None

    def _open(self, link: BoundedSession) -> "LinearPool":
        """An open runspace pool. Raises Unreachable."""
        trusted = self.settings.ca_cert if self.settings.ca_cert and not os.path.isdir(self.settings.ca_cert) else None
        for path in filter(None, (trusted, self.settings.certificate_pem, self.settings.certificate_key_pem)):
            try:
                files.read_bytes(path, files.MAX_PEM)  # OpenSSL would read whatever is there
            except (OSError, ValueError) as error:
                raise Unreachable("tls", f"{path} cannot be read ({error})") from None
        try:
            wsman = BoundedWSMan(link, self.settings.cert_fingerprint, **wsman_settings(self.settings))
            pool = LinearPool(wsman, configuration_name=self.configuration)
            pool.open()
            self.agreed = _agreed(getattr(wsman.transport.session, "auth", None))
            return pool
        except Exception as error:
            raise self._failure(error, link, sent=False) from None

    def _invoke(self, pool: "LinearPool", link: BoundedSession, batch: Batch) -> bytes:
        """What the pipeline wrote. From the first message on the batch counts as sent."""
        pipeline = PowerShell(pool)
        if self.settings.endpoint:
            pipeline.add_cmdlet(FUNCTION)
        else:
            # in the global scope its preferences would reach the functions of every module
            pipeline.add_script(batch.script, use_local_scope=True)
        try:
            pipeline.begin_invoke(_input(batch))
            while pipeline.state == PSInvocationState.RUNNING:
                pipeline.poll_invoke()
        except Exception as error:
            failure = self._failure(error, link, sent=True)
            if failure.kind in ("too_large", "protocol"):  # the connection works: end what runs there
                self._close(pool)
            raise failure from None
        output = "\n".join(item for item in pipeline.output if isinstance(item, str))
        if "<<ringfence" not in output and (pipeline.had_errors or pipeline.streams.error):
            raise self._pipeline_failure(pipeline)
        return output.encode("utf-8", "replace")

    def _close(self, pool: "LinearPool") -> None:
        """Close the shell; that it fails is no failure of the batch."""
        transport: Any = pool.connection.transport
        transport.connection_timeout = min(_CLOSING, self.settings.connection_timeout)
        transport.read_timeout = min(_CLOSING, self.settings.read_timeout)
        with contextlib.suppress(Exception):
            pool.close()

    def _pipeline_failure(self, pipeline: Any) -> HostError:
        """The first error that PowerShell wrote instead of an answer."""
        error = pipeline.streams.error[0] if pipeline.streams.error else None
        message = _one_line(error or "the pipeline failed without a word")[:500]
        kind = kind_from_text(f"{message} {_one_line(getattr(error, 'fq_error', '') or '')}")
        if kind == "endpoint":
            message = f"{self.configuration} does not offer {FUNCTION}"
        return host_error(self.where, True, kind if kind not in (None, "powershell") else "script", message)

    def _failure(self, error: Exception, link: BoundedSession, sent: bool) -> HostError:
        """What an exception of any of the libraries means."""
        if isinstance(error, HostError):
            return host_error(self.where, sent, error.kind, error.detail)
        if link.deadline.over:
            return host_error(self.where, sent, "timeout", f"{self.settings.batch_timeout:g} s for the batch are over")
        kind, detail = self._meaning(error)
        return host_error(self.where, sent, kind, detail)

    def _meaning(self, error: Exception) -> tuple[str, str]:
        if isinstance(error, AuthenticationError):
            return "authentication", self._authentication(error)
        if isinstance(error, WSManFaultError):
            message = _one_line(error.reason or error.provider_fault or f"WSMan fault {error.code}")
            kind = kind_from_fault(error.code, f"{message} {_one_line(error.provider_fault or '')}") or "script"
            return kind, f"{self.configuration}: {message}" if kind == "endpoint" else message
        if isinstance(error, WinRMTransportError):
            if error.code == 500 and not error.response_text and self.settings.message_encryption == "never":
                return "wrong_service", "HTTP 500, as from a service whose AllowUnencrypted is off"
            return _HTTP.get(error.code, ("wrong_service", f"HTTP {error.code}"))
        if isinstance(error, ImportError):  # what the host offers alone needs a package
            return "authentication", str(error)[:300]
        if isinstance(error, SpnegoError):
            return "authentication", str(error)[:300]
        if type(error).__module__.partition(".")[0] in _KERBEROS:  # pyspnego lets their errors through
            return "authentication", f"Kerberos: {str(error)[:300]}"
        if self.settings.certificate_key_pem and _KEY_MISFIT.search(str(error)):
            return "authentication", f"{self.settings.certificate_key_pem} does not fit the certificate or its password"
        if isinstance(error, requests.exceptions.ProxyError):
            return "network", "the proxy: " + (kind_from_network(error)[1] or kind_from_network(error)[0])
        if isinstance(error, requests.RequestException | OSError):
            return kind_from_network(error)
        if isinstance(error, WinRMError):
            return kind_from_text(str(error)) or "protocol", str(error)[:300]
        # whatever else parsing hostile bytes may end in
        return "protocol", f"an answer that cannot be read ({type(error).__name__}: {str(error)[:200]})"

    def _authentication(self, error: AuthenticationError) -> str:
        user, auth = self.settings.user or "the default user", self.settings.auth
        _, told, offered = str(error)[:2000].partition("actual: '")
        if told:
            offered = offered.removesuffix("'") or "nothing"
            return f"{auth} is not offered, but: {offered}"
        return f"{user} with {auth}"


def _agreed(auth: Any) -> str:
    """What pypsrp's negotiation came to, kerberos or ntlm; nothing of other ways to authenticate."""
    contexts = getattr(auth, "contexts", None)
    return str(next(iter(contexts.values())).negotiated_protocol or "") if contexts else ""


def _one_line(text: object) -> str:
    """What a host says, cut and on one line."""
    return " ".join(str(text)[:2000].split())


def _input(batch: Batch) -> Iterator[str]:
    """The batch as what is piped into the command: a parameter would be written to transcripts.

    PowerShell transcribes the parameters of what it was told to run; see PowerShell/PowerShell#17788.
    """
    yield batch.encode()


class LinearPool(RunspacePool):
    """A runspace pool that takes messages apart in linear time and keeps warnings of the host to itself."""

    def __init__(self, connection: BoundedWSMan, configuration_name: str) -> None:
        super().__init__(connection, configuration_name=configuration_name)
        self._serializer = _OnceWritingSerializer()
        self._fragmenter = _LinearFragmenter(connection.max_payload_size, self._serializer)

    def _process_runspacepool_warning(self, message: Message) -> None:
        """Nothing: pypsrp would make it a Python warning."""


@dataclass(frozen=True)
class _ConstantMessage:
    """A message by what it depends on: it is the same for all hosts that speak one version."""

    depends_on: tuple[Any, ...]
    message: Any = field(compare=False)


_ESCAPED_BREAK = re.compile(b"(?<!_x005F)_x000A_")  # after an escaped _ it is text


@functools.lru_cache(32)
def _clixml(constant: _ConstantMessage) -> bytes:
    """The message as pypsrp writes it, with line breaks as XML has them: an escape (MS-PSRP 2.2.5.3.2) takes seven bytes for one.

    PowerShell's reader decodes escapes and takes all other text as it stands; clients of other makers write no escapes at all.
    """
    written: Any = Serializer().serialize(constant.message)
    return _ESCAPED_BREAK.sub(b"\n", ET.tostring(written, encoding="utf-8", method="xml"))


class _OnceWritingSerializer(Serializer):
    """pypsrp's, that writes the messages which begin a session once and not for each host: one holds the script."""

    def serialize(self, value: Any, *how: Any, **more: Any) -> Any:
        depends_on: tuple[Any, ...]
        if isinstance(value, CreatePipeline):
            pipeline: Any = value.pipeline
            (one,) = pipeline.commands
            depends_on = one.cmd, one.is_script, one.use_local_scope, one.protocol_version
        elif isinstance(value, InitRunspacePool):
            depends_on = value.min_runspaces, value.max_runspaces
        elif isinstance(value, SessionCapability):
            depends_on = value.protocol_version, value.ps_version, value.serialization_version
        else:
            return super().serialize(value, *how, **more)
        return _clixml(_ConstantMessage((type(value), *depends_on), value))

    def _deserialize_string(self, value: str | None) -> str:
        """A text as it is meant; a reply is long, and nothing is escaped in base64."""
        return value if value and "_" not in value else str(super()._deserialize_string(value))


class _LinearFragmenter(Fragmenter):
    """pypsrp's, whose cost grows with the square of the number of fragments, which the host chooses."""

    _HEADER = struct.Struct(">QQBI")  # MS-PSRP 2.2.4: object, fragment, flags, length

    def __init__(self, max_size: int, serializer: Any) -> None:
        super().__init__(max_size, serializer)
        self._parts: dict[int, list[bytes]] = {}

    def defragment(self, data: bytes) -> list[Message]:
        messages, at = [], 0
        while at < len(data):
            number, fragment, flags, length = self._HEADER.unpack_from(data, at)
            at += self._HEADER.size
            if at + length > len(data):
                raise HostError("protocol", "a fragment is cut short")
            if flags & 1:
                self._parts[number] = []
            parts = self._parts.get(number)
            if parts is None or len(parts) != fragment:
                raise HostError("protocol", "a fragment is missing")
            parts.append(data[at:at + length])
            at += length
            if flags & 2:
                whole = b"".join(self._parts.pop(number))
                without_document_type(whole[40:])  # what is before is a binary header
                if int.from_bytes(whole[4:8], "little") != MessageType.APPLICATION_PRIVATE_DATA:  # nobody asks for it
                    messages.append(Message.unpack(whole, self.serializer))
        return messages


def wsman_settings(settings: PsrpSettings) -> dict[str, Any]:
    """The arguments of pypsrp's WSMan. Here the secrets are revealed."""
    validate: bool | str = settings.ca_cert or True
    if settings.cert_validation == "ignore" or settings.cert_fingerprint:
        validate = False  # a fingerprint says which certificate it has to be; urllib3 checks it
    credssp = {name: getattr(settings, name) for name in (
        "credssp_auth_mechanism", "credssp_disable_tlsv1_2", "credssp_minimum_version")}
    negotiate = {name: getattr(settings, name) for name in (
        "negotiate_delegate", "negotiate_hostname_override", "negotiate_send_cbt", "negotiate_service")}
    return {
        "server": settings.host, "port": settings.port, "ssl": settings.ssl, "path": settings.path,
        "username": settings.user, "password": revealed(settings.password), "auth": settings.auth,
        "cert_validation": validate, "encryption": settings.message_encryption,
        "connection_timeout": settings.connection_timeout, "read_timeout": settings.read_timeout,
        "reconnection_backoff": settings.backoff, "proxy": settings.proxy, "no_proxy": settings.ignore_proxy,
        "max_envelope_size": _envelope(settings), "operation_timeout": settings.operation_timeout,
        "certificate_pem": settings.certificate_pem, "certificate_key_pem": settings.certificate_key_pem,
        "certificate_key_password": revealed(settings.certificate_key_password), **negotiate, **credssp}


def _envelope(settings: PsrpSettings) -> int:
    """The largest message in bytes. One that is given is not raised, and pypsrp knows by the number alone whether it is."""
    given = settings.max_envelope_size
    return _FIRST_ENVELOPE if given is None else _FIRST_ENVELOPE - 1 if given == _FIRST_ENVELOPE else given
