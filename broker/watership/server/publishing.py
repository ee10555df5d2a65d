"""What the kernel asks about messages on their way in: where they go, and whether their properties may say that.

The common message asks once per (exchange, routing key). One with copies, a direct reply-to, an odd expiration or
through an exchange that looks at headers asks each time.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from watership import kernel
from watership.model.arguments import type_name
from watership.model.errors import AMQPError, NotImplementedHere, PreconditionFailed, SyntaxFailure
from watership.model.settings import TEN_YEARS
from watership.queues.deaths import copies
from watership.wire.amqp091 import properties as basic_properties
from watership.wire.amqp091.table import Reader

from .replies import PSEUDO_QUEUE

if TYPE_CHECKING:
    from .channel import ClientChannel

MANDATORY, IMMEDIATE = 1, 2
PUBLISH = (60, 40)


def publish_arguments(publish: bytes) -> tuple[str, str, int]:
    """Exchange, routing key, and the octet of bits."""
    reader = Reader(publish, 2)
    exchange, key, bits = reader.shortstr(), reader.shortstr(), reader.octet()
    if reader.at != reader.end:
        raise SyntaxFailure("basic.publish has octets behind its last argument")
    return exchange, key, bits


def route(channel: ClientChannel, publish: bytes) -> kernel.Route:
    """Raises NotFound, AccessRefused, NotImplementedHere."""
    exchange, key, bits = publish_arguments(publish)
    if bits & IMMEDIATE:
        raise NotImplementedHere("immediate=true", method=PUBLISH)
    try:
        return channel.vhost.route(channel.actor, exchange, key)
    except AMQPError as error:
        error.method = PUBLISH
        raise


def refine(channel: ClientChannel, publish: bytes, properties: bytes) -> tuple[kernel.Route, bytes | None]:
    """The route of one message, and its properties if they have to change."""
    exchange, key, _ = publish_arguments(publish)
    decoded = basic_properties.decode(properties)
    headers = decoded.get("headers", {})
    try:
        check(channel, decoded)
        keys = [key, *carbon(headers, "CC"), *carbon(headers, "BCC")]
        changes: dict[str, Any] = {}
        if decoded.get("reply_to") == PSEUDO_QUEUE:
            changes["reply_to"] = reply_address(channel)
        if "expiration" in decoded and decoded["expiration"].startswith("+"):
            changes["expiration"] = str(int(decoded["expiration"]))
    except AMQPError as error:
        error.method = PUBLISH
        raise
    changed_headers: dict[str, Any] = {"BCC": None} if "BCC" in headers else {}
    if stamps := channel.connection.broker.stamps:
        at = time.time()
        changed_headers |= stamps.headers(headers, at)
        changes |= stamps.properties(decoded, at)
    changed = basic_properties.edit(properties, changed_headers, **changes) if changes or changed_headers else None
    return channel.vhost.route_content(exchange, keys, decoded), changed


def carbon(headers: dict[str, Any], name: str) -> list[str]:
    """Raises PreconditionFailed for a CC or BCC that is no array."""
    value = headers.get(name, [])
    if not isinstance(value, list):
        raise PreconditionFailed(f'invalid message: {{unacceptable_type_in_header,"{name}",{type_name(value)}}}')
    return copies(headers, name)


def reply_address(channel: ClientChannel) -> str:
    if channel.replies is None:
        raise PreconditionFailed("fast reply consumer does not exist")
    return channel.replies.address


def validate(channel: ClientChannel, properties: bytes) -> None:
    """Properties that name a user. Raises PreconditionFailed."""
    try:
        check(channel, basic_properties.decode(properties))
    except AMQPError as error:
        error.method = PUBLISH
        raise


def check(channel: ClientChannel, decoded: dict[str, Any]) -> None:
    user = decoded.get("user_id")
    if user is not None and user != channel.actor.user and not channel.connection.may_impersonate:
        raise PreconditionFailed(f"user_id property set to '{user}' but authenticated user was '{channel.actor.user}'")
    expiration = decoded.get("expiration")
    if expiration is not None and (term := expiration_fault(expiration)):
        raise PreconditionFailed(f"invalid expiration '{expiration}': {term}")


def expiration_fault(text: str) -> str | None:
    """RabbitMQ's term for an expiration that is no number of milliseconds."""
    match = re.match(r"[+-]?\d+", text)
    if not match:
        return "no_integer"
    if match.end() < len(text):
        return f'{{leftover_string,"{text[match.end() :]}"}}'
    value = int(text)
    if value < 0:
        return f"{{value_negative,{value}}}"
    return f"{{value_too_large,{value}}}" if value > TEN_YEARS else None
