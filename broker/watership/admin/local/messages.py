"""Messages taken out of a queue to look at them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from watership.admin.api import AdminError, Json
from watership.kernel import Fetched, fetch
from watership.model.errors import AccessRefused, AMQPError, NotFound
from watership.wire.amqp091 import properties as basic_properties
from watership.wire.amqp091.table import Reader

from .base import Verbs, bad

ACKMODES = ("ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false")


class MessageVerbs(Verbs):
    async def get_messages(self, vhost: str, queue: str, body: Json) -> list[Json]:
        """Up to `count` messages; what becomes of them afterwards, `ackmode` says."""
        count, ackmode, encoding, truncate = wanted(body)
        try:
            live = self.vhost(vhost).readable(self.actor(vhost), queue)
            live.check_get()
        except NotFound:
            raise AdminError(404, "not_found", "queue_not_found") from None
        except AccessRefused as error:
            raise AdminError(401, "not_authorised", error.reply_text) from None
        except AMQPError as error:
            raise bad(f"{error.code} {error.reply_text}") from None
        acknowledges = ackmode.startswith("ack")
        fetched: list[Fetched] = []
        shown = []
        while len(fetched) < count and (one := fetch(live.records, ack=True)) is not None:
            fetched.append(one)
            shown.append(view(one, live.records.ready, encoding=encoding, truncate=truncate))
        for one in fetched:
            one.settle(ack=acknowledges, requeue=ackmode.endswith("requeue_true"))
        await self.broker.durable()
        return shown


def wanted(body: Json) -> tuple[int, str, str, int | None]:
    """count, ackmode, encoding, truncate. Raises AdminError 400."""
    if absent := [f"{{key_missing,{name}}}" for name in ("count", "ackmode", "encoding") if name not in body]:
        raise bad(f"[{','.join(absent)}]")
    ackmode, encoding = str(body["ackmode"]), str(body["encoding"])
    if ackmode not in ACKMODES:
        raise bad(f"Invalid ackmode value: {ackmode}. Valid values are: {', '.join(ACKMODES)}")
    if encoding not in ("auto", "base64"):
        raise bad("Unsupported encoding. Please use auto or base64.")
    truncate = body.get("truncate")
    return whole(body["count"], "count"), ackmode, encoding, None if truncate is None else whole(truncate, "truncate")


def whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).isdigit():
        raise bad(f"{name} must be a whole number, not {value!r}")
    return int(value)


def view(one: Fetched, left: int, *, encoding: str, truncate: int | None) -> Json:
    reader = Reader(one.tail)
    exchange, key = reader.shortstr(), reader.shortstr()
    payload, how = encoded(one.body[:truncate], encoding)
    return {
        "payload_bytes": len(one.body),
        "redelivered": one.redelivered,
        "exchange": exchange,
        "routing_key": key,
        "message_count": left,
        "properties": plain(basic_properties.decode(one.properties)) or [],  # so do clients know it
        "payload": payload,
        "payload_encoding": how,
    }


def encoded(octets: bytes, encoding: str) -> tuple[str, str]:
    if encoding == "auto":
        try:
            return octets.decode(), "string"
        except UnicodeDecodeError:
            pass
    return base64.b64encode(octets).decode(), "base64"


def plain(value: Any) -> Any:
    """A property in JSON's words: timestamps as seconds, octets as base64."""
    match value:
        case Mapping():
            return {name: plain(held) for name, held in value.items()}
        case list():
            return [plain(item) for item in value]
        case bytes():
            return base64.b64encode(value).decode()
        case None | bool() | int() | float() | str():
            return value
    return int(value.timestamp()) if hasattr(value, "timestamp") else float(value)
