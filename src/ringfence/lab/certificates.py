"""Certificates for HTTPS listeners and for client logons, made at start and valid for days only."""

import datetime
import hashlib
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# szOID_NT_PRINCIPAL_NAME: Windows maps a client certificate by the user principal name in its alternative names.
_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate and its private key as PEM files; `fingerprint` is SHA-256 in hex."""

    certificate: Path
    key: Path
    fingerprint: str

    @property
    def hash(self) -> bytes:
        """The hash that tls-server-end-point channel bindings carry (RFC 5929 section 4.1)."""
        return bytes.fromhex(self.fingerprint)


class Authority:
    """A throw-away certificate authority that writes into a directory."""

    def __init__(self, directory: Path, name: str = "ringfence lab") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                              key_encipherment=False, data_encipherment=False, key_agreement=False,
                              encipher_only=False, decipher_only=False)
        self._certificate = (
            self._builder(self._name, self._key.public_key(), authority=True).add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256()))
        self.path = directory / "ca.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, names: Sequence[str]) -> CertificateFiles:
        """A server certificate for host names and addresses."""
        return self._issue(names[0], [_alternative(n) for n in names], ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, user: str) -> CertificateFiles:
        """A client certificate whose principal name is the user."""
        text = user.encode()
        principal = x509.OtherName(_UPN, bytes([0x0C, len(text)]) + text)
        return self._issue(user, [principal], ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(self, name: str, names: Sequence[x509.GeneralName], usage: x509.ObjectIdentifier) -> CertificateFiles:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        certificate = (
            self._builder(subject, key.public_key(), authority=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256()))
        digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
        files = CertificateFiles(self._directory / f"{digest[:16]}.pem", self._directory / f"{digest[:16]}.key", digest)
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        with open(os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
        return files

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, authority: bool) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=7))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False))


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
