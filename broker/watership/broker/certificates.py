"""X.509 certificates: what the broker serves, and who a client's certificate says it is (RabbitMQ's rabbit_ssl)."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

# As RabbitMQ names the parts of a distinguished name; others stand as dotted numbers.
PARTS = {
    NameOID.SURNAME: "SN",
    NameOID.GIVEN_NAME: "GIVENNAME",
    NameOID.INITIALS: "INITIALS",
    NameOID.GENERATION_QUALIFIER: "GENERATIONQUALIFIER",
    NameOID.TITLE: "TITLE",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.PSEUDONYM: "PSEUDONYM",
    NameOID.EMAIL_ADDRESS: "EMAILADDRESS",
    NameOID.STREET_ADDRESS: "STREET",
}
ALTERNATIVES: dict[str, type[x509.GeneralName]] = {
    "dns": x509.DNSName,
    "ip": x509.IPAddress,
    "email": x509.RFC822Name,
    "uri": x509.UniformResourceIdentifier,
    "other_name": x509.OtherName,
}
STRINGS = (0x0C, 0x13, 0x16)  # ASN.1's UTF8String, PrintableString, IA5String


@dataclass(frozen=True)
class Certificate:
    """Times in seconds since 1970; fingerprint: SHA-256 in hexadecimal pairs, as openssl prints it."""

    subject: str
    issuer: str
    serial: str
    fingerprint: str
    begins: float
    ends: float

    @property
    def validity(self) -> str:
        """As /api/connections shows it."""
        return f"{moment(self.begins)} - {moment(self.ends)}"


def moment(at: float) -> str:
    """at: seconds since 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def distinguished(name: x509.Name) -> str:
    return name.rfc4514_string(PARTS)


def of(found: x509.Certificate) -> Certificate:
    return Certificate(
        subject=distinguished(found.subject),
        issuer=distinguished(found.issuer),
        serial=f"{found.serial_number:x}",
        fingerprint=found.fingerprint(SHA256()).hex(":").upper(),
        begins=found.not_valid_before_utc.timestamp(),
        ends=found.not_valid_after_utc.timestamp(),
    )


def in_file(path: str) -> Certificate:
    """The first one of a PEM file: the server's own. Raises OSError or ValueError."""
    return of(x509.load_pem_x509_certificates(Path(path).read_bytes())[0])


def login_name(der: bytes, source: str, *, san_type: str = "dns", san_index: int = 0) -> str | None:
    """Who a client is. source: as ssl_cert_login_from says; san_index counts from 0. None: the certificate has no such
    name."""
    found = x509.load_der_x509_certificate(der)
    if source == "distinguished_name":
        return distinguished(found.subject)
    if source == "common_name":
        return ",".join(str(a.value) for a in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)) or None
    names = alternatives(found, san_type)
    return names[san_index] if san_index < len(names) else None


def alternatives(found: x509.Certificate, san_type: str) -> Sequence[str]:
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [written(name) for name in extension.value if isinstance(name, ALTERNATIVES[san_type])]


def written(name: Any) -> str:
    value = name.value
    if isinstance(value, bytes):  # another name: DER of, as a rule, a short string
        text = value[2:] if value[:1] and value[0] in STRINGS and len(value) == value[1] + 2 else value
        return text.decode(errors="replace")
    return str(value)


def too_deep(connection: ssl.SSLObject, depth: int | None) -> bool:
    """Whether more authorities stand between a client's certificate and its root than `depth`: OpenSSL's own limit
    cannot be set from Python."""
    if depth is None or connection.getpeercert(binary_form=True) is None:
        return False
    # SSLObject has the method from Python 3.13 on; below it, what it wraps does.
    inner = connection if hasattr(connection, "get_verified_chain") else connection._sslobj  # type: ignore[attr-defined]
    return len(inner.get_verified_chain() or ()) > depth + 2  # None: resumed, and looked at when it was new
