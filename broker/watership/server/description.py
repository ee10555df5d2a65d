"""A connection as the management API shows it."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from cryptography import x509

from watership.broker import certificates
from watership.wire.amqp091.states import State

if TYPE_CHECKING:
    from .connection import ClientConnection

PLAIN = dict.fromkeys(
    (
        *("ssl_protocol", "ssl_key_exchange", "ssl_cipher", "ssl_hash"),
        *("peer_cert_subject", "peer_cert_issuer", "peer_cert_validity", "peer_cert_serial_number"),
    )
)


def described(client: ClientConnection) -> dict[str, object]:
    wire = client.wire
    state = "blocked" if client.blocked else "running"
    return {
        "name": client.name,
        "user": client.user,
        "user_who_performed_action": client.user,
        "vhost": client.vhost,
        "user_provided_name": client.properties.get("connection_name", ""),
        "state": state if client.state is State.RUNNING else "closing",
        "type": "network",
        "protocol": "AMQP 0-9-1",
        "auth_mechanism": client.mechanism,
        "host": client.here[0],
        "port": client.here[1],
        "peer_host": client.peer[0],
        "peer_port": client.peer[1],
        **encryption(client.tls),
        "channels": len(client.channels),
        "channel_max": client.channel_max,
        "frame_max": wire.frame_max,
        "timeout": client.heartbeat_seconds,
        "connected_at": int(client.connected_at * 1000),
        "client_properties": client.properties,
        **dict(zip(("recv_oct", "send_oct", "recv_cnt", "send_cnt"), client.traffic(), strict=True)),
        "send_pend": wire.unsent,
    }


def encryption(tls: ssl.SSLObject | None) -> dict[str, object]:
    """Protocol, ciphers, and who the peer's certificate says it is."""
    if tls is None:
        return {"ssl": False, **PLAIN}
    shown: dict[str, object] = {"ssl": True, **PLAIN, **suite((tls.cipher() or ("",))[0])}
    shown["ssl_protocol"] = (tls.version() or "").lower()
    if (der := tls.getpeercert(binary_form=True)) is not None:
        peer = certificates.of(x509.load_der_x509_certificate(der))
        shown |= {"peer_cert_subject": peer.subject, "peer_cert_issuer": peer.issuer}
        shown |= {"peer_cert_validity": peer.validity, "peer_cert_serial_number": peer.serial.upper()}
    return shown


def suite(name: str) -> dict[str, str]:
    """OpenSSL's name of a cipher suite, taken apart as RabbitMQ shows it: ECDHE-RSA-AES256-GCM-SHA384, or TLS 1.3's
    TLS_AES_256_GCM_SHA384."""
    found = re.fullmatch(r"(?P<kx>.+?)[-_](?P<cipher>(?:AES|CHACHA20|CAMELLIA|ARIA).*?)(?:[-_](?P<hash>SHA\d*))?", name)
    if found is None:
        return {}
    exchange, cipher = found["kx"].replace("-", "_").lower(), found["cipher"].replace("-", "_").lower()
    cipher = re.sub(r"(aes|camellia|aria)(\d)", r"\1_\2", cipher)
    aead = any(mode in cipher for mode in ("gcm", "ccm", "poly1305"))
    return {
        "ssl_key_exchange": "any" if exchange == "tls" else exchange,
        "ssl_cipher": cipher,
        "ssl_hash": "aead" if aead else (found["hash"] or "").lower(),
    }
