"""TLS on every port, and what certificates say: who logs in, what is served, who is trusted."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import struct
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pika
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pika.credentials import ExternalCredentials
from tests.broker.process import Broker, NotStarted, free_ports

from watership.broker.certificates import login_name
from watership.config import ConfigError, load
from watership.server.description import suite


class Site:
    """A broker that serves TLS alone but for its API, and a folder with its authority's certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA(organization_name="Hares")
        self.amqps, self.https, self.metrics = free_ports(3)
        self.authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        files = {"cacertfile": "ca.pem", "certfile": "server.pem", "keyfile": "server.pem"}
        lines = [f"listeners.ssl.1 = 127.0.0.1:{self.amqps}"]
        for prefix in ("ssl_options", "management.ssl", "prometheus.ssl"):
            lines += [f"{prefix}.{key} = {folder}/{name}" for key, name in files.items()]
        lines += [f"management.ssl.port = {self.https}", f"prometheus.ssl.port = {self.metrics}"]
        lines += ["prometheus.ssl.verify = verify_peer", "prometheus.ssl.fail_if_no_peer_cert = true"]
        lines += ["ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = false"]
        lines += [
            "ssl_options.depth = 1",
            "ssl_options.honor_cipher_order = true",
            "ssl_options.honor_ecc_order = true",
        ]
        lines += ["ssl_options.client_renegotiation = false", "ssl_options.secure_renegotiate = true"]
        lines += [
            "ssl_options.reuse_sessions = false",
            "ssl_options.versions.1 = tlsv1.3",
            "ssl_cert_login_from = common_name",
        ]
        lines += [f"auth_mechanisms.{n} = {m}" for n, m in enumerate(("PLAIN", "AMQPLAIN", "ANONYMOUS", "EXTERNAL"))]
        self.broker = Broker(folder, "\n".join(lines) + "\n")
        self.broker.start()

    def certificate(self, name: str, authority: trustme.CA | None = None) -> Path:
        """A client's, in a file."""
        made = (authority or self.authority).issue_cert(f"{name}@hares", common_name=name)
        path = self.folder / f"{name}.pem"
        made.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def trusting(self, certificate: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if certificate:
            context.load_cert_chain(certificate)
        return context

    def connect(self, certificate: Path | None = None, **more: Any) -> pika.BlockingConnection:
        options = pika.SSLOptions(self.trusting(certificate), "localhost")
        return pika.BlockingConnection(pika.ConnectionParameters("localhost", self.amqps, ssl_options=options, **more))

    def get(self, port: int, path: str, certificate: Path | None = None) -> bytes:
        request = urllib.request.Request(f"https://localhost:{port}{path}")
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        with urllib.request.urlopen(request, context=self.trusting(certificate), timeout=20) as answer:
            return answer.read()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("tls"))
    yield site
    site.broker.end()


def test_a_certificate_logs_its_user_in(site: Site) -> None:
    site.broker.admin("PUT", "/users/hazel", {"tags": ""})
    site.broker.admin("PUT", "/permissions/%2F/hazel", {"configure": ".*", "write": ".*", "read": ".*"})
    with site.connect(site.certificate("hazel"), credentials=ExternalCredentials()) as connection:
        channel = connection.channel()
        channel.queue_declare("q")
        channel.confirm_delivery()
        channel.basic_publish("", "q", bytes(1_000_000))
        assert len(channel.basic_get("q", auto_ack=True)[2]) == 1_000_000
        [shown] = [c for c in site.broker.admin("GET", "/connections") if c["user"] == "hazel"]
    assert shown["auth_mechanism"] == "EXTERNAL"
    assert (shown["ssl"], shown["ssl_protocol"]) == (True, "tlsv1.3")
    assert shown["ssl_cipher"] == "aes_256_gcm"
    assert shown["peer_cert_subject"].startswith("CN=hazel,")
    assert "O=Hares" in shown["peer_cert_issuer"]


def test_a_certificate_of_nobody_and_none_at_all(site: Site) -> None:
    for certificate in (site.certificate("stranger"), None):
        with pytest.raises(pika.exceptions.ProbableAuthenticationError, match="mechanism EXTERNAL"):
            site.connect(certificate, credentials=ExternalCredentials())
    said = site.broker.said()
    assert "EXTERNAL names nobody: the peer presented no certificate" in said


def test_passwords_still_work_over_tls_and_others_authorities_do_not(site: Site) -> None:
    site.connect().close()
    foreign = site.certificate("fox", trustme.CA())
    with pytest.raises((pika.exceptions.AMQPConnectionError, ssl.SSLError, OSError)):
        site.connect(foreign)


def test_a_chain_deeper_than_depth_is_refused(site: Site) -> None:
    child = site.authority.create_child_ca()
    site.connect(site.certificate("near", child)).close()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        site.connect(site.certificate("far", child.create_child_ca()))


def test_external_is_offered_over_tls_alone(site: Site) -> None:
    for port, offered in ((site.broker.port, b"PLAIN AMQPLAIN ANONYMOUS"), (site.amqps, b" ANONYMOUS EXTERNAL")):
        with socket.create_connection(("localhost", port), 20) as peer:
            if port == site.amqps:
                peer = site.trusting().wrap_socket(peer, server_hostname="localhost")  # noqa: PLW2901
            peer.sendall(b"AMQP\x00\x00\x09\x01")
            start = b""
            while b"en_US" not in start:
                start += peer.recv(4096)
            peer.close()
        assert offered + b"\x00\x00\x00\x05en_US" in start


def test_no_session_can_be_resumed_where_that_is_off(site: Site) -> None:
    """management.ssl has the default, which shows that the question is a good one."""
    for port, question, resumable in (
        (site.amqps, b"AMQP\x00\x00\x09\x01", False),
        (site.https, b"GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n", True),
    ):
        with socket.create_connection(("localhost", port), 20) as plain:
            peer = site.trusting().wrap_socket(plain, server_hostname="localhost")
            peer.sendall(question)
            assert peer.recv(4096)
            assert (peer.session is not None and peer.session.has_ticket) is resumable
            peer.close()


class Anonymous:
    TYPE = "ANONYMOUS"
    erase_on_connect = False

    def response_for(self, _start: object) -> tuple[str, bytes]:
        return self.TYPE, b""

    def erase_credentials(self) -> None: ...


def test_anonymous_is_whoever_the_configuration_says(site: Site) -> None:
    pika.credentials.VALID_TYPES.append(Anonymous)
    with site.broker.connect(credentials=Anonymous()):
        [shown] = [c for c in site.broker.admin("GET", "/connections") if c["auth_mechanism"] == "ANONYMOUS"]
    assert shown["user"] == "guest"


def test_management_and_metrics_speak_tls_too(site: Site) -> None:
    overview = json.loads(site.get(site.https, "/api/overview"))
    assert {"https", "https/prometheus", "amqp/ssl"} <= {one["protocol"] for one in overview["listeners"]}
    assert b"rabbitmq_identity_info" in site.get(site.metrics, "/metrics", site.certificate("scraper"))
    with pytest.raises((ssl.SSLError, OSError)):
        site.get(site.metrics, "/metrics")


def fingerprints(site: Site) -> set[str]:
    return {c["fingerprint"] for c in site.broker.admin("GET", "/certificates")}


def on_the_wire(port: int) -> str:
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(SHA256()).hex(":").upper()


def test_what_is_served_can_be_asked_for_and_renewed_everywhere_without_dropping_a_connection(site: Site) -> None:
    ports = {site.amqps, site.https, site.metrics}
    shown = site.broker.admin("GET", "/certificates")
    assert {c["port"] for c in shown} == ports
    [before] = fingerprints(site)
    assert {on_the_wire(port) for port in ports} == {before}
    assert all(c["expires_at"] > time.time() for c in shown)
    assert f'fingerprint="{before}"' in site.get(site.metrics, "/metrics", site.certificate("scraper")).decode()
    stays = site.connect()
    site.authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(site.folder / "server.pem"))
    until(lambda: fingerprints(site) != {before})
    [after] = fingerprints(site)
    assert {on_the_wire(port) for port in ports} == {after}
    stays.channel().queue_declare("still here")
    stays.close()


def test_an_authority_that_is_taken_away_is_trusted_no_more(site: Site) -> None:
    """Last of the module: the authority changes for good."""
    certificate = site.certificate("hazel")
    authority = (site.folder / "ca.pem").read_text()

    def refused() -> bool:
        context = ssl.create_default_context(cadata=authority)
        context.load_cert_chain(certificate)
        options = pika.SSLOptions(context, "localhost")
        try:
            pika.BlockingConnection(pika.ConnectionParameters("localhost", site.amqps, ssl_options=options)).close()
        except (pika.exceptions.AMQPError, ssl.SSLError, OSError):
            return True
        return False

    until(lambda: not refused())
    trustme.CA().cert_pem.write_to_path(str(site.folder / "ca.pem"))
    until(refused)


def until(holds: Any) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "not within 30 s"
        time.sleep(0.1)


# What a certificate's names are


def made(*names: x509.NameAttribute, alternative: list[x509.GeneralName]) -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name(names)).issuer_name(x509.Name([]))
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("source", "kind", "index", "name"),
    [
        ("distinguished_name", "dns", 0, "EMAILADDRESS=h@w.down,CN=ha\\,zel,O=Hares,C=GB"),
        ("common_name", "dns", 0, "ha,zel"),
        ("subject_alternative_name", "dns", 0, "one.example"),
        ("subject_alternative_name", "dns", 1, "two.example"),
        ("subject_alternative_name", "dns", 2, None),
        ("subject_alternative_name", "email", 0, "h@w.down"),
        ("subject_alternative_name", "ip", 0, "10.0.0.1"),
        ("subject_alternative_name", "uri", 0, "spiffe://down/hazel"),
        ("subject_alternative_name", "other_name", 0, "hazel"),
    ],
)
def test_every_way_to_name_a_user(source: str, kind: str, index: int, name: str | None) -> None:
    text = b"hazel"
    der = made(
        x509.NameAttribute(NameOID.COUNTRY_NAME, "GB"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hares"),
        x509.NameAttribute(NameOID.COMMON_NAME, "ha,zel"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "h@w.down"),
        alternative=[
            x509.DNSName("one.example"),
            x509.RFC822Name("h@w.down"),
            x509.DNSName("two.example"),
            x509.IPAddress(ip_address("10.0.0.1")),
            x509.UniformResourceIdentifier("spiffe://down/hazel"),
            x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), struct.pack("BB", 0x0C, 5) + text),
        ],
    )
    assert login_name(der, source, san_type=kind, san_index=index) == name


@pytest.mark.parametrize(
    ("name", "exchange", "cipher", "hashed"),
    [
        ("TLS_AES_256_GCM_SHA384", "any", "aes_256_gcm", "aead"),
        ("TLS_CHACHA20_POLY1305_SHA256", "any", "chacha20_poly1305", "aead"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "ecdhe_rsa", "aes_128_gcm", "aead"),
        ("ECDHE-ECDSA-AES256-SHA384", "ecdhe_ecdsa", "aes_256", "sha384"),
    ],
)
def test_cipher_suites_are_taken_apart(name: str, exchange: str, cipher: str, hashed: str) -> None:
    assert suite(name) == {"ssl_key_exchange": exchange, "ssl_cipher": cipher, "ssl_hash": hashed}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("ssl_options.client_renegotiation = true", "expected false: OpenSSL offers nothing else"),
        ("ssl_options.secure_renegotiate = false", "expected true: OpenSSL offers nothing else"),
        ("ssl_options.dh = abc", "cannot be set in this version"),
        ("ssl_options.honor_cipher_order = true\nssl_options.honor_ecc_order = false", "must be equal"),
        ("ssl_options.reuse_sessions = false", "offer nothing else with ssl_options.versions.1 = tlsv1.3"),
        ("ssl_options.verify = verify_peer", "ssl_options.cacertfile must name the authorities"),
        ("ssl_options.fail_if_no_peer_cert = true", "ssl_options.verify must be verify_peer"),
    ],
)
def test_what_tls_cannot_do_is_refused(tmp_path: Path, lines: str, sentence: str) -> None:
    path = tmp_path / "rabbitmq.conf"
    path.write_text(f"ssl_options.certfile = a\nssl_options.keyfile = a\n{lines}\n")
    with pytest.raises(ConfigError, match=sentence):
        load(path)


def test_a_cipher_that_openssl_does_not_know_stops_the_start(tmp_path: Path) -> None:
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "s.pem"))
    broker = Broker(
        tmp_path,
        f"listeners.ssl.1 = 127.0.0.1:{free_ports(1)[0]}\nssl_options.certfile = {tmp_path}/s.pem\n"
        f"ssl_options.keyfile = {tmp_path}/s.pem\nssl_options.ciphers.1 = ROT13\n",
    )
    with pytest.raises(NotStarted, match="OpenSSL takes none of these ciphers"):
        broker.start()
