"""Who asks over HTTP, and RabbitMQ's four kinds of no."""

from __future__ import annotations

import base64
import binascii

from watership.broker import Broker
from watership.broker.access import is_loopback
from watership.model.errors import LoginRefused
from watership.model.users import User

from .api import AdminError, Tag

# Each tag includes those before it, as far as the management API goes.
INCLUDED: dict[str, frozenset[str]] = {
    "management": frozenset({"management", "policymaker", "monitoring", "administrator"}),
    "policymaker": frozenset({"policymaker", "administrator"}),
    "monitoring": frozenset({"monitoring", "administrator"}),
    "administrator": frozenset({"administrator"}),
}
TITLES = {"monitoring": "monitor"}


class NoCredentials(AdminError):
    """401 that asks for a login."""

    def __init__(self) -> None:
        super().__init__(401, "not_authorized", "Not_Authorized")


def basic(header: str | None) -> tuple[str, str]:
    """User and password of an Authorization header. Raises NoCredentials."""
    if not header or header[:6].lower() != "basic ":
        raise NoCredentials
    try:
        user, colon, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise NoCredentials from None
    if not colon:
        raise NoCredentials
    return user, password


def authenticate(broker: Broker, name: str, password: str, source: str) -> User:
    """source: the peer's address. Raises AdminError 401."""
    try:
        return broker.access.login(name, password, mechanism="Basic", from_loopback=is_loopback(source), source=source)
    except LoginRefused:
        raise AdminError(401, "not_authorized", "Not_Authorized") from None


def authorise(user: User, tag: Tag) -> None:
    """Raises AdminError 401 when the user has none of the tags that open a verb."""
    if tag != "none" and not INCLUDED[tag] & set(user.tags):
        raise AdminError(401, "not_authorised", f"Not {TITLES.get(tag, tag)} user")
