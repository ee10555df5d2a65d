"""Dead letters of a vhost: from the queue where a message died to where its queue's rules send it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from watership.queues import ClassicQueue
from watership.queues.deaths import copies, is_cycle, record_death
from watership.wire.amqp091 import properties as basic_properties
from watership.wire.amqp091.table import Long, Reader

if TYPE_CHECKING:
    from .vhost import VirtualHost

log = logging.getLogger("watership.broker")


class DeadLetters:
    def __init__(self, vhost: VirtualHost) -> None:
        self.vhost = vhost
        self.cycles: set[tuple[str, str]] = set()  # told of once

    def take(
        self,
        queue: ClassicQueue,
        reason: str,
        tail: bytes,
        properties: bytes,
        body: bytes,
        died: bool,
        redelivered: bool,
    ) -> bool:
        """One message (kernel.OnDead). False: it reached nobody and the queue's rules ask to try again."""
        rules = queue.settings
        exchange = rules.dead_letter_exchange
        if exchange is None:
            return True
        if exchange and exchange not in self.vhost.exchanges.declared:
            return not rules.at_least_once
        reader = Reader(tail)
        origin, key = reader.shortstr(), reader.shortstr()
        decoded = basic_properties.decode(properties)
        before = decoded.get("headers", {})
        keys = [key, *copies(before, "CC")]
        headers = record_death(
            before,
            queue=queue.name,
            reason=reason,
            exchange=origin,
            keys=keys,
            now=time.time(),
            expiration=decoded.get("expiration"),
            known=died,
        )
        for death in headers["x-death"]:
            death["count"] = Long(death["count"])
        sent = keys if rules.dead_letter_key is None else [rules.dead_letter_key]
        route = self.vhost.route_content(exchange, sent, {**decoded, "headers": headers})
        targets = list(route.queues)
        if reason != "rejected":
            targets = [t for t in targets if not self.in_cycle(queue, t, headers)]
        changes = {name: value for name, value in headers.items() if before.get(name) is not value}
        changed = basic_properties.edit(properties, changes, expiration=None)
        publish = b"\0\0" + b"".join(bytes((len(n),)) + n for n in (exchange.encode(), sent[0].encode())) + b"\0"
        seen = redelivered or reason in ("rejected", "delivery_limit")  # RabbitMQ shows what a consumer has seen
        marks: dict[str, Any] = {"died": True, "redelivered": seen, "delay": route.delay}
        accepted = [target.publish(publish, changed, body, **marks) for target in targets]
        return not rules.at_least_once or (bool(accepted) and all(accepted))

    def in_cycle(self, queue: ClassicQueue, target: object, headers: dict[str, object]) -> bool:
        name = getattr(target, "name", "")
        if not is_cycle(headers, name):
            return False
        if (queue.name, name) not in self.cycles:
            self.cycles.add((queue.name, name))
            log.warning(
                "%s: a message that goes round to queue '%s' without being rejected was dropped; said only once",
                queue.resource,
                name,
            )
        return True
