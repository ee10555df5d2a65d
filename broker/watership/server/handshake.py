"""Logging in: the SASL mechanisms' answers (PLAIN: RFC 4616; AMQPLAIN: a field table without its length)."""

from __future__ import annotations

from watership.model.errors import LoginRefused, SyntaxFailure
from watership.wire.amqp091.table import Reader


def credentials(mechanism: str, response: bytes) -> tuple[str, str]:
    """User name and password. Raises LoginRefused for an answer that is none."""
    try:
        return MECHANISMS[mechanism](response)
    except (UnicodeDecodeError, ValueError, KeyError, SyntaxFailure):
        raise LoginRefused(
            f"Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
        ) from None


def plain(response: bytes) -> tuple[str, str]:
    _authorization, user, password = response.split(b"\0")
    return user.decode(), password.decode()


def amqplain(response: bytes) -> tuple[str, str]:
    fields = Reader(len(response).to_bytes(4, "big") + response).table()
    user, password = fields["LOGIN"], fields["PASSWORD"]
    if not isinstance(user, str) or not isinstance(password, str):
        raise ValueError("LOGIN and PASSWORD are strings")
    return user, password


MECHANISMS = {"PLAIN": plain, "AMQPLAIN": amqplain}
