"""Exchanges, and publishing to one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from watership.admin import view
from watership.admin.api import AdminError, Json
from watership.broker import VirtualHost
from watership.broker.statistics import OF_EXCHANGE, of_exchange
from watership.model.errors import AMQPError, NotFound
from watership.model.topology import Exchange
from watership.wire.amqp091 import properties as basic_properties

from .base import Verbs, arguments, bad, brokers_words, exchange_name, flag, missing, routing_key, text


class ExchangeVerbs(Verbs):
    def declared_exchange(self, vhost: str, exchange: str) -> Exchange:
        """Raises AdminError 404."""
        found = self.vhost(vhost).exchanges.declared.get(exchange_name(exchange))
        if found is None:
            raise missing()
        return found

    async def list_exchanges(self) -> list[Json]:
        return [item for v in self.visible() for item in self.exchanges_of(v)]

    async def list_vhost_exchanges(self, vhost: str) -> list[Json]:
        return self.exchanges_of(self.vhost(vhost))

    def exchanges_of(self, live: VirtualHost) -> list[Json]:
        return [self.shown_exchange(e, live) for e in live.exchanges.declared.values()]

    def shown_exchange(self, declared: Exchange, live: VirtualHost) -> Json:
        """message_stats only once something was published to it."""
        shown = view.exchange(declared, live.exchanges.policy(declared))
        flow = live.exchanges.flows.get(declared.name)
        if flow is None:
            return shown
        shown["message_stats"] = dict(zip(OF_EXCHANGE, of_exchange(flow), strict=True))
        return self.moving(shown, flow, OF_EXCHANGE, frozenset(("message_stats",)))

    async def get_exchange(self, vhost: str, exchange: str) -> Json:
        found = self.declared_exchange(vhost, exchange)
        shown = self.shown_exchange(found, self.broker.vhosts[vhost])
        return {**shown, "incoming": [], "outgoing": []} if self.asked.statistics else shown

    async def put_exchange(self, vhost: str, exchange: str, body: Json) -> bool:
        """type is direct, durable and the other flags false unless given."""
        exchanges = self.target(vhost).exchanges
        with brokers_words():
            new = exchanges.declare(
                self.actor(vhost),
                exchange_name(exchange),
                type=text(body, "type", "direct"),
                durable=flag(body, "durable"),
                auto_delete=flag(body, "auto_delete"),
                internal=flag(body, "internal"),
                arguments=arguments(body),
            )
        await self.broker.durable()
        return new

    async def delete_exchange(self, vhost: str, exchange: str, *, if_unused: bool = False) -> None:
        found = self.declared_exchange(vhost, exchange)
        with brokers_words():
            self.vhost(vhost).exchanges.delete(self.actor(vhost), found.name, if_unused=if_unused)
        await self.broker.durable()

    async def publish(self, vhost: str, exchange: str, body: Json) -> Json:
        """Gives {"routed": bool}: whether a queue took the message."""
        live = self.vhost(vhost)
        given: Any = body.get("properties") or {}
        properties, payload = message(body, given)
        name, key = exchange_name(exchange), routing_key(body)
        try:
            routed = live.publish(self.actor(vhost), name, key, properties, payload, message=given)
        except NotFound:
            raise AdminError(404, "not_found", "exchange_not_found") from None
        except AMQPError as error:
            raise bad(f"{error.code} {error.reply_text}") from None
        await self.broker.durable()
        return {"routed": routed}


def message(body: Json, properties: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Properties and payload of a publish, encoded. Raises AdminError 400."""
    given, encoding = text(body, "payload"), text(body, "payload_encoding", "string")
    if encoding not in ("string", "base64"):
        raise bad(f"unsupported_encoding: payload_encoding is string or base64, not '{encoding}'")
    try:
        encoded = basic_properties.encode(properties)
        payload = base64.b64decode(given, validate=True) if encoding == "base64" else given.encode()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise bad(f"properties or payload cannot be encoded: {error}") from None
    return encoded, payload
