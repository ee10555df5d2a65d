"""The classic queue: on one node, durable or not, for one connection or all.

What it knows beyond its records is who consumes from it. It decides when a queue that deletes itself is due; the
vhost does the deleting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watership import kernel
from watership.model.errors import AccessRefused, ResourceLocked
from watership.model.names import describe
from watership.model.topology import Queue


@dataclass(eq=False)
class Subscription:
    """One basic.consume. `cancelled` is called when the broker ends it, not when its client does."""

    tag: str
    channel: str  # the channel's name, "CONNECTION (NUMBER)"
    cancelled: Callable[[], None]
    no_ack: bool = False
    exclusive: bool = False
    prefetch: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)
    consumer: kernel.Consumer | None = None

    def end(self) -> None:
        """No further deliveries."""
        if self.consumer is not None:
            self.consumer.cancel()
            self.consumer = None


class ClassicQueue:
    """declared: its definition. records: its messages. owner: the connection of an exclusive queue."""

    def __init__(self, declared: Queue, records: kernel.Queue, owner: object | None = None) -> None:
        self.declared = declared
        self.records = records
        self.owner = owner
        self.subscriptions: list[Subscription] = []

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def resource(self) -> str:
        return describe("queue", self.declared.name, self.declared.vhost)

    def check_owner(self, connection: object | None, *, exclusive: bool | None = None) -> None:
        """Exclusive queues are locked for every other connection (405). exclusive: as a declaration wants it."""
        strict = exclusive is not None and exclusive != self.declared.exclusive
        if strict or (self.declared.exclusive and self.owner is not connection):
            raise ResourceLocked(
                f"cannot obtain exclusive access to locked {self.resource}. It could be originally declared on another "
                "connection or the exclusive property value does not match that of the original declaration."
            )

    def subscribe(self, subscription: Subscription) -> None:
        """Raises AccessRefused when this or an existing consumer wants the queue for itself."""
        taken = any(s.exclusive for s in self.subscriptions)
        if taken or (subscription.exclusive and self.subscriptions):
            raise AccessRefused(f"{self.resource} in exclusive use")
        self.subscriptions.append(subscription)

    def unsubscribe(self, subscription: Subscription) -> bool:
        """Ends a subscription. True when the queue deletes itself now."""
        subscription.end()
        if subscription in self.subscriptions:
            self.subscriptions.remove(subscription)
            return self.declared.auto_delete and not self.subscriptions
        return False

    def close(self) -> int:
        """The queue is deleted: its consumers are told. Returns how many messages were ready."""
        ready = int(self.records.ready)
        ended, self.subscriptions = self.subscriptions, []
        for subscription in ended:
            subscription.end()
        self.records.close()
        for subscription in ended:
            subscription.cancelled()
        return ready
