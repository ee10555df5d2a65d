"""Logging in: the SASL mechanisms' answers.

PLAIN is RFC 4616; AMQPLAIN a field table without its length; ANONYMOUS is whoever the configuration says, whatever
the answer; EXTERNAL is whom the TLS certificate names, so it is offered over TLS alone.
"""

from __future__ import annotations

import logging
import ssl

from watership.broker.certificates import login_name, too_deep
from watership.config import Config
from watership.model.errors import CommandInvalid, LoginRefused, SyntaxFailure
from watership.wire.amqp091.table import Reader

log = logging.getLogger("watership.connection")
KNOWN = ("PLAIN", "AMQPLAIN", "ANONYMOUS", "EXTERNAL")


def offered(config: Config, tls: ssl.SSLObject | None) -> tuple[str, ...]:
    """The mechanisms, in the order of the configuration."""
    closed = {"EXTERNAL"} if tls is None else set()
    if config["anonymous_login_user"] == "none":
        closed.add("ANONYMOUS")
    return tuple(m for m in config.mechanisms if m not in closed)


def credentials(config: Config, tls: ssl.SSLObject | None, mechanism: str, response: bytes) -> tuple[str, str | None]:
    """User name and password; no password where a certificate says who it is. Raises CommandInvalid for a mechanism
    that is not offered, LoginRefused for an answer that is none."""
    if mechanism not in offered(config, tls):
        raise CommandInvalid(f"{'invalid' if mechanism in KNOWN else 'unknown'} authentication mechanism '{mechanism}'")
    if mechanism == "ANONYMOUS":
        return config["anonymous_login_user"], config["anonymous_login_pass"]
    try:
        if mechanism == "EXTERNAL":
            return external(config, tls), None
        return plain(response) if mechanism == "PLAIN" else amqplain(response)
    except (UnicodeDecodeError, ValueError, KeyError, SyntaxFailure) as error:
        log.warning("an answer to %s names nobody: %s", mechanism, error)
        raise LoginRefused(
            f"Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
        ) from None


def stranger(header: bytes) -> str:
    """What a peer speaks that does not begin with AMQP 0-9-1's header, as the log says it."""
    if header.startswith((b"GET ", b"HEAD ", b"POST ", b"PUT ", b"OPTIONS ", b"DELETE ")):
        return "the client speaks HTTP; the management API has a port of its own"
    if header.startswith(b"\x16\x03"):
        return "the client speaks TLS, this port does not (listeners.ssl)"
    if header.startswith(b"AMQP"):
        return f"the client speaks AMQP {'.'.join(map(str, header[4:]))}, this version speaks 0-9-1"
    return f"the first octets {header!r} are not AMQP 0-9-1"


def plain(response: bytes) -> tuple[str, str]:
    _authorization, user, password = response.split(b"\0")
    return user.decode(), password.decode()


def amqplain(response: bytes) -> tuple[str, str]:
    fields = Reader(len(response).to_bytes(4, "big") + response).table()
    user, password = fields["LOGIN"], fields["PASSWORD"]
    if not isinstance(user, str) or not isinstance(password, str):
        raise ValueError("LOGIN and PASSWORD are strings")
    return user, password


def external(config: Config, tls: ssl.SSLObject | None) -> str:
    """The user whom the client's certificate names. Raises ValueError with what is wrong."""
    certificate = tls.getpeercert(binary_form=True) if tls else None
    if certificate is None:
        raise ValueError("the peer presented no certificate")
    source = config["ssl_cert_login_from"]
    kind, index = config["ssl_cert_login_san_type"], config["ssl_cert_login_san_index"]
    name = login_name(certificate, source, san_type=kind, san_index=index)
    if name is None:
        raise ValueError(f"the certificate has no {source.replace('_', ' ')} that ssl_cert_login_from asks for")
    return name


def untrusted(config: Config, tls: ssl.SSLObject | None) -> bool:
    """Whether the certificate's chain is longer than ssl_options.depth lets it be."""
    return tls is not None and config.tls is not None and too_deep(tls, config.tls.depth)
