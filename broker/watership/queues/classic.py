"""The classic queue: on one node, durable or not, for one connection or all.

What it knows beyond its records is who consumes from it, the rules it lives by and when it was last used. It decides
when a queue that deletes itself is due; the vhost does the deleting. A queue type is a class like this one; the
kernel's records are the same for all.
"""

from __future__ import annotations

import time
from asyncio import TimerHandle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from watership import kernel
from watership.model.errors import AccessRefused, PreconditionFailed, ResourceLocked
from watership.model.names import describe
from watership.model.policies import Policy
from watership.model.settings import Settings, settings
from watership.model.topology import Queue
from watership.routing import Seen
from watership.wire.amqp091.properties import headers_of

# reason, exchange and routing key as two short strings, properties, body, whether x-death is the broker's own, whether
# somebody may have seen it before
OnDead = Callable[[str, bytes, bytes, bytes, bool, bool], bool]


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

    @property
    def priority(self) -> int:
        value = self.arguments.get("x-priority", 0)
        return value if isinstance(value, int) else 0

    def end(self) -> None:
        """No further deliveries."""
        if self.consumer is not None:
            self.consumer.cancel()
            self.consumer = None


class ClassicQueue:
    """declared: its definition. records: its messages. owner: the connection of an exclusive queue."""

    type: ClassVar[str] = "classic"
    takes_global_qos: ClassVar[bool] = True

    def __init__(self, declared: Queue, records: kernel.Queue, owner: object | None = None) -> None:
        self.declared = declared
        self.records = records
        self.owner = owner
        self.subscriptions: list[Subscription] = []
        if seen := Seen.wanted(declared.arguments):
            records.gate = lambda properties: seen.is_new(headers_of(properties), time.monotonic())
        self.settings = Settings()
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        self.used_at = 0.0  # on the loop's clock, for x-expires
        self.timer: TimerHandle | None = None  # rings when the queue may have expired

    @classmethod
    def check(cls, queue: Queue) -> None:
        """A declaration's properties. Raises PreconditionFailed."""

    @classmethod
    def make_records(cls, node: kernel.Kernel, queue: Queue) -> kernel.Queue:
        """The kernel's part of a declared queue."""
        return kernel.Queue(
            node,
            queue.name,
            stream=queue.stream,
            priorities=queue.arguments.get("x-max-priority", 0),
            single=bool(queue.arguments.get("x-single-active-consumer")),
        )

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def resource(self) -> str:
        return describe("queue", self.declared.name, self.declared.vhost)

    def configure(self, policy: Mapping[str, Any], operator: Mapping[str, Any], on_dead: OnDead) -> None:
        """The rules from now on. policy, operator: definitions that match. on_dead: takes dead letters where there is
        somewhere to send them."""
        rules = self.settings = settings(self.declared.arguments, policy, operator, quorum=self.type == "quorum")
        self.records.configure(
            ttl=-1 if rules.message_ttl is None else rules.message_ttl,
            max_length=-1 if rules.max_length is None else rules.max_length,
            max_bytes=-1 if rules.max_bytes is None else rules.max_bytes,
            overflow=rules.overflow,
            delivery_limit=-1 if rules.delivery_limit is None else rules.delivery_limit,
            on_dead=None if rules.dead_letter_exchange is None else on_dead,
        )

    def expires_at(self) -> float | None:
        """When the queue goes if nobody uses it, on the loop's clock. None: it stays."""
        if self.settings.expires is None or self.subscriptions:
            return None
        return self.used_at + self.settings.expires / 1000

    def check_owner(self, connection: object | None, *, exclusive: bool | None = None) -> None:
        """Exclusive queues are locked for every other connection (405). exclusive: as a declaration wants it."""
        strict = exclusive is not None and exclusive != self.declared.exclusive
        if strict or (self.declared.exclusive and self.owner is not connection):
            raise ResourceLocked(
                f"cannot obtain exclusive access to locked {self.resource}. It could be originally declared on another "
                "connection or the exclusive property value does not match that of the original declaration."
            )

    def check_get(self) -> None:
        """basic.get. Raises ResourceLocked."""

    def check_delete(self, *, if_unused: bool, if_empty: bool) -> None:
        """queue.delete. Raises PreconditionFailed."""
        if if_unused and self.subscriptions:
            raise PreconditionFailed(f"{self.resource} in use")
        if if_empty and self.records.ready:
            raise PreconditionFailed(f"{self.resource} not empty")

    def subscribe(self, subscription: Subscription) -> None:
        """Raises AccessRefused when this or an existing consumer wants the queue for itself."""
        taken = any(s.exclusive for s in self.subscriptions) or (subscription.exclusive and self.records.single)
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
