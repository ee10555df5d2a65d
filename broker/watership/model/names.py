"""Names of exchanges and queues: how errors print them, what is reserved, what the broker makes up itself."""

from __future__ import annotations

import base64

from .errors import AccessRefused, PreconditionFailed

RESERVED = "amq."
GENERATED = "amq.gen-"


def describe(kind: str, name: str, vhost: str) -> str:
    """As RabbitMQ prints a resource: "queue 'q' in vhost '/'"."""
    return f"{kind} '{name}' in vhost '{vhost}'"


def shown(exchange: str) -> str:
    """The default exchange has no name; in refusals it is printed with one."""
    return exchange or "amq.default"


def clean(name: str) -> str:
    """Carriage returns and line feeds are dropped from names, as RabbitMQ does."""
    return name.replace("\r", "").replace("\n", "")


def check_length(kind: str, name: str) -> None:
    """Raises PreconditionFailed for a name that no short string can carry (it came by HTTP)."""
    if len(name.encode()) > 255:
        raise PreconditionFailed(f"{kind} name is longer than 255 octets: '{name[:32]}...'")


def check_reserved(kind: str, name: str) -> None:
    """Clients may not make up names that begin with amq."""
    if name.startswith(RESERVED):
        raise AccessRefused(f"{kind} name '{name}' contains reserved prefix 'amq.*'")


def generated(random: bytes) -> str:
    """A server-named queue from 16 random octets."""
    return GENERATED + base64.urlsafe_b64encode(random).rstrip(b"=").decode()
