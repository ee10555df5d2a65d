"""What some exchanges keep besides their bindings: messages that wait, the last few, ids that were seen.

x-delayed-message    messages with a header x-delay wait that many milliseconds and are routed then
x-recent-history     the last messages, for whoever binds later; lost with the broker, as in RabbitMQ
deduplication        any exchange with x-message-deduplication: ids of messages, as LavinMQ has it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from watership import kernel
from watership.model.topology import Exchange
from watership.queues.deaths import copies
from watership.routing import DELAYED, Seen
from watership.wire.amqp091 import properties as basic_properties
from watership.wire.amqp091.table import Reader

if TYPE_CHECKING:
    from .vhost import VirtualHost

HISTORY = 20  # messages that x-recent-history keeps unless told otherwise
LONGEST = 2**32 - 1  # milliseconds of x-delay


class Memory:
    """Of one exchange. Only exchanges that need one have one: `wanted` tells."""

    def __init__(self, vhost: VirtualHost, exchange: Exchange) -> None:
        self.vhost = vhost
        self.exchange = exchange
        self.seen = Seen.wanted(exchange.arguments)
        self.history: kernel.Queue | None = None
        self.delay: kernel.Delay | None = None
        node = vhost.broker.kernel
        if exchange.type == "x-recent-history":
            self.history = kernel.Queue(node, exchange.name)
            self.history.configure(max_length=exchange.arguments.get("x-recent-history-length", HISTORY))
        if exchange.type == DELAYED:
            self.delay = kernel.Delay(node, exchange.name, stream=exchange.stream)
            self.delay.configure(on_dead=self.release)
            vhost.broker.attach(exchange.stream, self.delay)

    @staticmethod
    def wanted(exchange: Exchange) -> bool:
        return exchange.type in ("x-recent-history", DELAYED) or Seen.wanted(exchange.arguments) is not None

    def route(self, keys: list[str], message: Mapping[str, Any]) -> kernel.Route:
        """Where a message goes that is published to this exchange now."""
        headers = message.get("headers", {})
        if self.seen is not None and not self.seen.is_new(headers, self.vhost.broker.loop.time()):
            return kernel.Route((), silent=True)
        if self.delay is not None and (delay := delay_of(headers)) > 0:
            return kernel.Route((self.delay,), delay=delay)
        keep = self.history is not None and not headers.get("x-recent-history-no-store")
        also = (self.history,) if self.history is not None and keep else ()
        return kernel.Route(self.vhost.targets(self.exchange.name, keys, message), also=also)

    def release(self, _reason: str, tail: bytes, properties: bytes, body: bytes, *_marks: bool) -> bool:
        """A message has waited long enough (kernel.OnDead)."""
        reader = Reader(tail)
        exchange, key = reader.shortstr(), reader.shortstr()
        message = basic_properties.decode(properties)
        headers = message.get("headers", {})
        keys = [key, *copies(headers, "CC")]
        changed = basic_properties.edit(properties, {"x-delay": -delay_of(headers)})
        publish = b"\0\0" + tail + b"\0"
        for queue in self.vhost.targets(exchange, keys, message):
            queue.publish(publish, changed, body)
        return True

    def bound(self, destination: str) -> None:
        """A queue has been bound: it is given what the exchange remembers."""
        queue = self.vhost.live.get(destination)
        if self.history is not None and queue is not None:
            self.history.copy_to(queue.records)

    def close(self) -> None:
        """The exchange is deleted, and what waits in it."""
        for records in (self.history, self.delay):
            if records is not None:
                records.close()
        self.vhost.broker.store.detach(self.exchange.stream)


def delay_of(headers: Mapping[str, Any]) -> int:
    """Milliseconds that a message asks to wait; 0 for none or nonsense."""
    value = headers.get("x-delay", 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    return min(int(value), LONGEST)
