"""The firehose: while a vhost is traced, each message that comes in or goes out is published once more, its body with
headers that tell its way, to the vhost's exchange amq.rabbitmq.trace (RabbitMQ's rabbit_trace).

publish.EXCHANGE   what clients publish
deliver.QUEUE      what consumers and basic.get are given

It is not kept over a restart. A channel that is not traced has no tap, which the kernel sees in one comparison.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from watership.queues.deaths import copies
from watership.wire.amqp091 import properties as basic_properties
from watership.wire.amqp091.table import Reader

if TYPE_CHECKING:
    from .vhost import VirtualHost

EXCHANGE = "amq.rabbitmq.trace"


class Tap:
    """Of one channel (kernel.Tap). connection: its name."""

    def __init__(self, vhost: VirtualHost, *, connection: str, channel: int, user: str) -> None:
        self.vhost = vhost
        self.about = {"vhost": vhost.name, "connection": connection, "channel": channel, "user": user}
        self.waiting: deque[tuple[str, dict[str, Any], bytes]] = deque()

    def published(self, publish: bytes, queues: list[str], properties: bytes, body: bytes) -> None:
        reader = Reader(publish, 2)
        exchange, key = reader.shortstr(), reader.shortstr()
        self.keep(f"publish.{exchange}", exchange, key, properties, body, {"routed_queues": queues})

    def delivered(self, queue: str, tail: bytes, properties: bytes, body: bytes, redelivered: bool) -> None:
        reader = Reader(tail)
        exchange, key = reader.shortstr(), reader.shortstr()
        self.keep(f"deliver.{queue}", exchange, key, properties, body, {"redelivered": int(redelivered)})

    def keep(
        self, trace: str, exchange: str, key: str, properties: bytes, body: bytes, more: Mapping[str, Any]
    ) -> None:
        """Until the loop's next turn: right now the kernel is in the middle of something. Traces are not traced."""
        if exchange == EXCHANGE:
            return
        decoded = basic_properties.decode(properties)
        headers = {
            "exchange_name": exchange,
            "routing_keys": [key, *copies(decoded.get("headers", {}), "CC")],
            "properties": decoded,
            "node": self.vhost.broker.node,
            **self.about,
            **more,
        }
        if not self.waiting:
            self.vhost.broker.loop.call_soon(self.pass_on)
        self.waiting.append((trace, headers, body))

    def pass_on(self) -> None:
        while self.waiting:
            key, headers, body = self.waiting.popleft()
            written = key.encode()[:255]
            publish = b"\0\0" + bytes((len(EXCHANGE),)) + EXCHANGE.encode() + bytes((len(written),)) + written + b"\0"
            properties = basic_properties.encode({"headers": headers})
            for queue in self.vhost.targets(EXCHANGE, [key], {}):
                queue.publish(publish, properties, body)
