"""Who is calling: Basic, Negotiate (NTLM, Kerberos where GSSAPI is installed), CredSSP and client certificates.

Authentication belongs to the connection: once its handshake is done, later requests on it need no header. What Negotiate
agreed on also seals the messages (MS-WSMV 2.2.9.1).
"""

import base64
import binascii
import contextlib
import hashlib
import importlib.util
import os
import re
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spnego
import spnego._ntlm
from spnego._ntlm_raw.crypto import ntowfv1
from spnego.channel_bindings import GssChannelBindings

from ringfence.lab.session import find_account

MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
BOUNDARY = b"--Encrypted Boundary"
SOAP_TYPE = "application/soap+xml;charset=UTF-8"

# pyspnego looks the acceptor's accounts up in the file that the environment names: one for the whole process. A lab has
# hosts with accounts of their own, so here each thread has a file while it takes a step of a handshake. (Changing the
# environment for that moment breaks other threads, which may be reading it.)
_MINE = threading.local()
_OF_THE_PROCESS = spnego._ntlm._get_credential_file


def _credential_file() -> str | None:
    path: str | None = getattr(_MINE, "path", None) or _OF_THE_PROCESS()
    return path


spnego._ntlm._get_credential_file = _credential_file


class LogonDenied(Exception):
    """Not authenticated: HTTP 401."""


class CannotDecrypt(Exception):
    """An encrypted message that cannot be opened: HTTP 400."""


class LogonAccounts:
    """The accounts of one host, also as the file that NTLM acceptors read."""

    def __init__(self, read: Callable[[], Mapping[str, str]], computer: str) -> None:
        self._read, self.computer = read, computer
        self._lock = threading.Lock()
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._written: dict[str, str] = {}

    def find(self, user: str) -> str | None:
        """The account that a user name means."""
        return find_account(self._read(), user, self.computer)

    def check(self, user: str, password: str) -> str | None:
        """The account, when name and password are right."""
        account = self.find(user)
        return account if account is not None and self._read()[account] == password else None

    @contextlib.contextmanager
    def acceptor(self) -> Iterator[None]:
        """While this is entered, NTLM acceptors of this thread know these accounts and no others."""
        with self._lock:
            _MINE.path = str(self._file())
        try:
            yield
        finally:
            _MINE.path = None

    def _file(self) -> Path:
        now = dict(self._read())
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="ringfence-lab-")
        path = Path(self._directory.name, "accounts")
        if now != self._written or not path.exists():
            path.touch(0o600)
            path.write_text("".join(self._lines(now)), encoding="utf-8")
            self._written = now
        return path

    def _lines(self, accounts: Mapping[str, str]) -> Iterator[str]:
        """Lines in smbpasswd's format: a local account may be named with or without its computer."""
        for name, password in accounts.items():
            known_as = [name] if "\\" in name or "@" in name else [name, f".\\{name}", f"{self.computer}\\{name}"]
            digest = base64.b16encode(ntowfv1(password)).decode()
            yield from (f"{alias}:0:{'0' * 32}:{digest}:[U]:LCT-0\n" for alias in known_as)

    def close(self) -> None:
        """Remove the file."""
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None


@dataclass(frozen=True, slots=True)
class AuthMethods:
    """What a service accepts. `certificates`: SHA-256 fingerprint of a client certificate in hex → account.

    `credssp` is off as on Windows. `unencrypted`: Windows' AllowUnencrypted. `strict_binding`: Windows'
    CbtHardeningLevel Strict; here the relaxed level does not look at channel bindings at all.
    """

    basic: bool = True
    negotiate: bool = True
    credssp: bool = False
    unencrypted: bool = True
    certificates: Mapping[str, str] | None = None
    strict_binding: bool = False


class Logon:
    """The authentication of one connection."""

    def __init__(self, accounts: LogonAccounts, methods: AuthMethods, binding: GssChannelBindings | None,
                 peer: ssl.SSLSocket | None) -> None:
        self._accounts, self._methods, self._peer = accounts, methods, peer
        self._binding = binding if methods.strict_binding else None
        self._context: Any = None
        self._scheme = ""
        self._established: str | None = None

    @property
    def offers(self) -> list[tuple[str, str]]:
        """The WWW-Authenticate headers of a refusal."""
        offers = []
        if self._methods.negotiate:
            offers.append("Negotiate")
            if os.environ.get("KRB5_KTNAME") and importlib.util.find_spec("gssapi"):
                offers.append("Kerberos")
        if self._methods.credssp:
            offers.append("CredSSP")
        if self._basic:
            offers.append('Basic realm="WSMAN"')
        return [("WWW-Authenticate", offer) for offer in offers]

    @property
    def _basic(self) -> bool:
        return self._methods.basic and (self._peer is not None or self._methods.unencrypted)

    def authenticate(self, header: str) -> tuple[str | None, list[tuple[str, str]]]:
        """The account behind a request, or None while a handshake goes on; and headers to answer with. Raises LogonDenied."""
        scheme, _, text = header.partition(" ")
        scheme = next((known for known in _PROTOCOLS if known.casefold() == scheme.casefold()), scheme)
        if not header:
            if self._established is None:
                raise LogonDenied("no credentials")
            return self._established, []
        if header == MUTUAL:
            return self._by_certificate(), []
        if scheme.casefold() == "basic" and self._basic:
            return self._by_password(text), []
        if scheme in _PROTOCOLS and (self._methods.credssp if scheme == "CredSSP" else self._methods.negotiate):
            return self._handshake(scheme, text)
        raise LogonDenied(f"{scheme} is not offered")

    def _by_password(self, text: str) -> str:
        try:
            credentials = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise LogonDenied(str(error)) from None
        try:
            user, _, password = credentials.decode("utf-8").partition(":")
        except UnicodeDecodeError:  # clients do not agree on the encoding (RFC 7617 section 2.1); some send Latin-1
            user, _, password = credentials.decode("latin-1").partition(":")
        account = self._accounts.check(user, password)
        if account is None:
            raise LogonDenied("wrong user or password")
        return account

    def _by_certificate(self) -> str:
        certificate = self._peer.getpeercert(binary_form=True) if self._peer else None
        account = (self._methods.certificates or {}).get(fingerprint(certificate)) if certificate else None
        if account is None or self._accounts.find(account) is None:
            raise LogonDenied("the certificate belongs to no account")
        return account

    def _handshake(self, scheme: str, text: str) -> tuple[str | None, list[tuple[str, str]]]:
        self._established = None
        fresh = self._context is None or self._context.complete
        try:
            with self._accounts.acceptor():
                if fresh:
                    protocol, options = _PROTOCOLS[scheme]
                    self._scheme, self._context = scheme, spnego.server(
                        protocol=protocol, service="http", channel_bindings=self._binding, options=options)
                answer = self._context.step(base64.b64decode(text, validate=True))
        except Exception as error:  # pyspnego raises errors of its own, of struct, of ASN.1: each one is a refusal
            self._context = None
            raise LogonDenied(str(error)) from None
        headers = [("WWW-Authenticate", f"{scheme} {base64.b64encode(answer).decode()}")] if answer else []
        if not self._context.complete:
            return None, headers
        self._established = self._accounts.find(self._context.client_principal or "")
        if self._established is None:
            self._context = None
            raise LogonDenied("the principal has no account here")
        return self._established, headers

    @property
    def seals(self) -> bool:
        """Whether messages can be encrypted on this connection."""
        return self._context is not None and bool(self._context.complete)

    @property
    def must_seal(self) -> bool:
        """Whether a message in clear text has to be refused."""
        return self._peer is None and not self._methods.unencrypted

    def open(self, body: bytes) -> bytes:
        """Decrypt a multipart/encrypted or multipart/x-multi-encrypted body. Raises CannotDecrypt."""
        try:
            preamble, *parts = _PART.split(body)
            if preamble.strip() or not parts or not self.seals:
                raise ValueError("not an encrypted message")
            return b"".join(map(self._open_part, parts))
        except Exception as error:  # whatever the cipher or the parser says: the message is not authentic
            raise CannotDecrypt(str(error)) from None

    def _open_part(self, part: bytes) -> bytes:
        head, _, rest = part.partition(_OCTETS)
        length = int(head.rpartition(b"Length=")[2])
        size = struct.unpack_from("<i", rest)[0]
        data = rest[4 + size:].removesuffix(BOUNDARY + b"--\r\n")
        clear: bytes = self._context.unwrap_winrm(rest[4:4 + size], data)
        if len(clear) != length:
            raise ValueError("the length is not the one announced")
        return clear

    def seal(self, message: bytes) -> tuple[str, bytes]:
        """Content type and body of an encrypted answer."""
        scheme = self._scheme if self._scheme in ("Kerberos", "CredSSP") else "SPNEGO"
        protocol = f"application/HTTP-{scheme}-session-encrypted"
        step = CREDSSP_PART if scheme == "CredSSP" else len(message)
        parts = [message[start:start + step] for start in range(0, len(message), step)]
        sealed: list[bytes] = []
        for part in parts:
            header, data, padding = self._context.wrap_winrm(part)
            sealed += (BOUNDARY, f"\r\n\tContent-Type: {protocol}\r\n\tOriginalContent: type={SOAP_TYPE};Length="
                       f"{len(part) + padding}\r\n".encode(), _OCTETS, struct.pack("<i", len(header)), header, data)
        media = "multipart/encrypted" if len(parts) == 1 else "multipart/x-multi-encrypted"
        return f'{media};protocol="{protocol}";boundary="Encrypted Boundary"', b"".join((*sealed, BOUNDARY, b"--\r\n"))


CREDSSP_PART = 16384  # bytes of a message in one TLS record
_OCTETS = BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n"
_PART = re.compile(BOUNDARY + rb"\r\n\t?Content-Type: application/HTTP-(?:SPNEGO|Kerberos|CredSSP)-session-encrypted\r\n")

# Our own SPNEGO over pyspnego's NTLM, so that the accounts file is honoured even where GSSAPI could do NTLM as well.
_PROTOCOLS = {"Negotiate": ("negotiate", spnego.NegotiateOptions.use_negotiate),
              "Kerberos": ("kerberos", spnego.NegotiateOptions.use_gssapi),
              "CredSSP": ("credssp", spnego.NegotiateOptions.use_negotiate)}


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER form, in hex."""
    return hashlib.sha256(certificate).hexdigest()
