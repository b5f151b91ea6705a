"""WinRM's HTTP, bounded: pypsrp's own layer with the time, memory and trust that a host deserves who may be hostile.

pypsrp reads what comes, as long as it comes. Here every response is read in pieces up to a limit and to the deadline
of the batch, nothing is decompressed, no redirect is followed, no XML with a document type (entity bombs) is parsed.
"""

import functools
import http.client
import itertools
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.request import getproxies

import requests
from pypsrp.exceptions import WinRMError, WinRMTransportError
from pypsrp.wsman import NAMESPACES, WSMan, WSManAction, _TransportHTTP
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from ringfence.errors import HostError
from ringfence.transports.deadline import Deadline
from ringfence.transports.soap_text import soap_text

T = TypeVar("T", bytes, range)
_REDIRECTS = (301, 302, 303, 307, 308)

# MS-WSMV 2.2.9.1; pypsrp makes a pattern of the boundary, so it must not be the host's to choose
_SEALED = re.compile(r'multipart/(x-multi-)?encrypted;\s*protocol="[\w/.-]+";\s*boundary="Encrypted Boundary"', re.IGNORECASE)


BEFORE_AUTHENTICATION = 2**20  # bytes of all responses before authentication, their headers included
_MAX_CONTINUED = 20  # times "100 Continue" before one response: http.client reads on as long as they come
_SOAP = f"{{{NAMESPACES['s']}}}"
_RELATES_TO = f"{_SOAP}Header/{{{NAMESPACES['wsa']}}}RelatesTo"
_SESSION_ID = f"{{{NAMESPACES['wsmv']}}}SessionId"
_LANGUAGES = (f"{{{NAMESPACES['wsman']}}}Locale", f"{{{NAMESPACES['wsmv']}}}DataLocale")
_ROOM: dict[tuple[int, int], int] = {}  # see BoundedWSMan
_ROUNDS = 20  # responses in which authentication has to come to its end; NTLM takes three


class BoundedSession:
    """What one session over HTTP may use and has used: time, bytes of all responses, bytes of one.

    authenticated: whether the host answered a message; until then it is anybody, and has less.
    """

    def __init__(self, deadline: Deadline, limit: int, envelope: int) -> None:
        self.deadline, self.limit = deadline, limit
        self.largest = max(2 * envelope, 2 * 2**20)  # a response is an envelope, 500 KB by default
        self.sent = self.received = self.responses = 0
        self.authenticated = False
        self.connections: list[Any] = []

    def close(self) -> None:
        """Close every connection, those too that a failure left in use, which closing a session leaves open."""
        for connection in self.connections:
            connection.close()

    def receive(self, response: Any, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body of a urllib3 response in pieces; stands in for its `stream`, which knows no bounds."""
        here = 0
        while piece := response.read(65536, decode_content=False):
            here += len(piece)
            if here > self.largest:
                response.close()
                raise HostError("too_large", f"more than {self.largest} bytes in a response")
            yield piece

    def count(self, piece: T) -> T:
        """What came from the host, and it is counted. Raises HostError."""
        self.received += len(piece)
        if not self.authenticated and self.received > BEFORE_AUTHENTICATION:
            raise HostError("wrong_service", f"more than {BEFORE_AUTHENTICATION} bytes before it authenticated anybody")
        if self.received > self.limit:
            raise HostError("too_large", f"more than {self.limit} bytes")
        return piece


class _CountedStream:
    """The bytes of a connection as http.client reads them, headers and all: it has no bound for responses like 100."""

    def __init__(self, stream: Any, link: BoundedSession) -> None:
        self._stream, self._link = stream, link

    def read(self, *size: int) -> bytes:
        return self._link.count(bytes(self._stream.read(*size)))

    def readline(self, *size: int) -> bytes:
        return self._link.count(bytes(self._stream.readline(*size)))

    def readinto(self, buffer: Any) -> int:
        size: int = self._stream.readinto(buffer)
        self._link.count(range(size))
        return size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _CountedResponse(http.client.HTTPResponse):
    """A response whose bytes are counted by `link`."""

    def __init__(self, sock: Any, link: BoundedSession, **options: Any) -> None:
        super().__init__(sock, **options)
        self.fp: Any = _CountedStream(self.fp, link)
        self._begun = 0

    def _read_status(self) -> tuple[str, int, str]:
        self._begun += 1  # each 100 Continue is followed by another status
        if self._begun > _MAX_CONTINUED:
            raise HostError("protocol", f"more than {_MAX_CONTINUED} times 100 Continue")
        found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        return found


class BoundedAdapter(HTTPAdapter):
    """Sends over connections that the deadline can cut, and hands out responses that are read within bounds."""

    def __init__(self, link: BoundedSession, **pool: Any) -> None:
        self.link, self._extra = link, {name: value for name, value in pool.items() if value is not None}
        self._pool: Any = None
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool, **self._extra)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **pool: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **pool, **self._extra)
        self._watch(manager)
        return manager

    def get_connection_with_tls_context(self, *request: Any, **options: Any) -> Any:
        """The connections to the one URL that all messages of a session go to."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*request, **options)
        return self._pool

    def _watch(self, manager: Any) -> None:
        """Have every connection of a pool manager watched by the deadline from its first byte on."""
        def watched_socket(connection: Any, connect: Callable[[], Any]) -> Any:
            name, deadline = connection._dns_host, self.link.deadline

            def connect_to(address: str) -> Any:
                connection._dns_host = address
                try:
                    return connect()
                finally:  # TLS and the Host header know the host by its name
                    connection._dns_host = name

            addresses = deadline.addresses(name, connection.port, connection.timeout or deadline.left())
            sock = deadline.first(connect_to, addresses)
            deadline.watch(sock)
            return sock

        def watched_connection(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            connection = make(*args, **kwargs)
            self.link.connections.append(connection)
            connection.response_class = functools.partial(_CountedResponse, link=self.link)
            connection._new_conn = functools.partial(watched_socket, connection, connection._new_conn)
            return connection

        def watched_pool(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            pool = make(*args, **kwargs)
            pool.ConnectionCls = functools.partial(watched_connection, pool.ConnectionCls)
            return pool

        manager.pool_classes_by_scheme = {scheme: functools.partial(watched_pool, make)
                                          for scheme, make in manager.pool_classes_by_scheme.items()}

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if self.link.deadline.over:
            raise TimeoutError
        self.link.sent += len(request.body or b"")
        response: Any = super().send(request, *args, **kwargs)
        self.link.responses += 1
        if self.link.responses > _ROUNDS and not self.link.authenticated:
            response.close()
            raise HostError("authentication", f"no end after {_ROUNDS} rounds")
        if response.status_code in _REDIRECTS:
            response.close()
            raise HostError("wrong_service", f"HTTP {response.status_code}, a redirect")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            response.close()
            raise HostError("protocol", "a compressed response, which was not asked for")
        content_type = response.headers.get("content-type", "")
        if content_type.lower().startswith("multipart/") and not _SEALED.fullmatch(content_type):
            response.close()
            raise HostError("protocol", "a response that is not encrypted as WinRM does it")
        # without a charset requests would guess one, at length
        response.encoding = response.encoding or "utf-8"
        response.raw.stream = functools.partial(self.link.receive, response.raw)
        return response


class _Preparer:
    """Stands in for `prepare_request` of a session all of whose messages go to one URL in one way: what they have in common is
    prepared with the first, since that takes longer than to send one."""

    def __init__(self, session: requests.Session) -> None:
        self._session, self._prepare = session, session.prepare_request
        self._first: requests.PreparedRequest | None = None

    def __call__(self, request: requests.Request) -> requests.PreparedRequest:
        if self._first is None:
            self._first = self._prepare(request)
        made = self._first.copy()
        if request.headers:
            made.headers.update(request.headers)
        if self._session.cookies:  # of a proxy that keeps its clients apart
            made.headers.pop("Cookie", None)
            made.prepare_cookies(self._session.cookies)
        made.prepare_body(request.data, None)
        return made


class BoundedHttp(_TransportHTTP):
    """pypsrp's HTTP transport on our adapter, with retries of reading alone."""

    def __init__(self, link: BoundedSession, fingerprint: str | None, **settings: Any) -> None:
        super().__init__(**settings)
        self.link, self.fingerprint = link, fingerprint

    def _build_session(self) -> requests.Session:
        """A session as pypsrp's, without the connections that ours take the place of; the environment is looked through for
        proxies only where it counts, and then once: it takes as long as a message."""
        session = requests.Session()
        session.headers.update({"User-Agent": "Python PSRP Client", "Accept-Encoding": "identity"})
        session.verify = self.cert_validation
        if self.cert_validation is True:
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        elif self.cert_validation is False:
            self._suppress_library_warnings()
        if self.proxy is not None or self.no_proxy:
            proxies: dict[str, Any] = {"https" if self.ssl else "http": False if self.proxy is None else self.proxy}
        else:
            proxies = dict(getproxies()) and get_environ_proxies(self.endpoint)
        session.proxies = proxies
        getattr(self, f"_build_auth_{self.auth}")(session)
        if hook := getattr(session.auth, "response_hook", None):  # of Negotiate, Kerberos and CredSSP
            vars(session.auth)["response_hook"] = functools.partial(self._log_on, hook)
        vars(session)["prepare_request"] = _Preparer(session)
        session.trust_env = False
        session.mount("http://", BoundedAdapter(self.link))
        session.mount("https://", BoundedAdapter(self.link, assert_fingerprint=self.fingerprint,
                                          key_password=self.certificate_key_password))
        return session

    def _log_on(self, hook: Callable[..., Any], response: Any, **options: Any) -> Any:
        """What the library for logging on makes of a response. Tickets are fetched there, from servers that may not answer."""
        if response.status_code != 401:
            return hook(response, **options)
        return self.link.deadline.waited(lambda: hook(response, **options))

    def send(self, message: bytes, *, retries_on_read_timeout: int = 0, timeout: Any = None) -> bytes:
        """Send one message. Only a Receive is sent again (pypsrp says so): WinRM answers it with the same output."""
        for attempt in itertools.count():
            try:
                answer = bytes(super().send(message, timeout=timeout))
                self.link.authenticated = True
                return answer
            except (requests.ReadTimeout, requests.ConnectTimeout):
                if attempt == retries_on_read_timeout or self.link.deadline.over:
                    raise
            self.encryption = None  # a new connection authenticates, and so encrypts, anew
            self.link.deadline.sleep(self.reconnection_backoff * 2**attempt)
        raise AssertionError("unreachable: the count has no end")

    def _send_request(self, request: Any, timeout: Any = None) -> bytes:
        try:
            content = bytes(super()._send_request(request, timeout=timeout))
        except WinRMTransportError as error:
            without_document_type(str(error.response_text).encode())
            raise
        without_document_type(content)
        return content


class BoundedWSMan(WSMan):
    """pypsrp's WSMan over a bounded transport. `settings` are those of pypsrp's WSMan."""

    def __init__(self, link: BoundedSession, fingerprint: str | None, *, max_envelope_size: int, operation_timeout: int,
                 **settings: Any) -> None:
        super().__init__(max_envelope_size=max_envelope_size, operation_timeout=operation_timeout, **settings)
        self.transport = BoundedHttp(link, fingerprint, **settings)

    def invoke(self, action: str, resource_uri: str, resource: ET.Element | None, option_set: Any = None,
               selector_set: Any = None, timeout: int | None = None, *, retries_on_read_timeout: int = 0) -> ET.Element:
        """What the host answers to one message. Raises WSManFaultError, WinRMTransportError, WinRMError."""
        message_id, header = self._create_header(action, resource_uri, option_set, selector_set, timeout)
        envelope = ET.Element(_SOAP + "Envelope")
        envelope.append(header)
        body = ET.SubElement(envelope, _SOAP + "Body")
        if resource is not None:
            body.append(resource)
        try:
            answer: ET.Element = ET.fromstring(self.transport.send(  # HTTP waits longer than the host says that it will take
                soap_text(envelope), retries_on_read_timeout=retries_on_read_timeout, timeout=timeout + 2 if timeout else None))
        except WinRMTransportError as error:
            try:
                raise self._parse_wsman_fault(error.response_text)
            except ET.ParseError:
                raise error from None
        if answer.findtext(_RELATES_TO) != f"uuid:{message_id}":
            raise WinRMError("the answer is to another message: its id does not match")
        return answer

    def _calc_envelope_size(self, max_envelope_size: int) -> int:
        """How much data goes into an envelope: the same for all hosts with addresses of one length."""
        known = (max_envelope_size, len(self.transport.endpoint))
        if known not in _ROOM:
            _ROOM[known] = super()._calc_envelope_size(max_envelope_size)
        return _ROOM[known]

    def _create_header(self, action: str, *args: Any, **options: Any) -> Any:
        """The header of one message: without a session's id, which a client need not send (MS-WSMV 3.2.4.1.23), and with the
        languages only where they count, in the message that makes a shell (MS-WSMV 3.1.4.1.31.2)."""
        message_id, header = super()._create_header(action, *args, **options)
        idle = {_SESSION_ID} if action == WSManAction.CREATE else {_SESSION_ID, *_LANGUAGES}
        for element in [e for e in header if e.tag in idle]:
            header.remove(element)
        return message_id, header


def without_document_type(xml: bytes) -> bytes:
    """`xml` itself. Raises HostError where it has a document type: SOAP and CLIXML never do, entity bombs need one."""
    if b"<!DOCTYPE" in xml or b"\0" in xml:
        raise HostError("protocol", "XML with a document type")
    return xml
