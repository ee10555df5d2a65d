"""Keys and certificates of a cluster's own authority: ECDSA P-256, PEM."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .plan.certificates import Pair

EARLIER = dt.timedelta(minutes=5)  # clocks differ


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - EARLIER)
    return made.not_valid_after(now + dt.timedelta(days=days))


def pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), text.decode())


class Issuer:
    """What plan.certificates asks for."""

    def authority(self, name: str, *, now: dt.datetime, days: int) -> Pair:
        """A new authority, signed by itself."""
        key, subject = ec.generate_private_key(ec.SECP256R1()), name_of(name)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        made = builder(subject, key, now, days).issuer_name(subject)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(usage, critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return pair(made.sign(key, hashes.SHA256()), key)

    def leaf(self, authority: Pair, names: Sequence[str], *, now: dt.datetime, days: int) -> Pair:
        """A server's certificate with a key of its own, for these DNS names."""
        signer = x509.load_pem_x509_certificate(authority.certificate.encode())
        signing = serialization.load_pem_private_key(authority.key.encode(), None)
        assert isinstance(signing, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        made = builder(name_of(names[0]), key, now, days).issuer_name(signer.subject)
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        made = made.add_extension(alternatives, critical=False).add_extension(usage, critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
        return pair(made.sign(signing, hashes.SHA256()), key)
