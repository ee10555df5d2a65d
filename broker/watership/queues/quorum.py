"""What a quorum queue is on one node: durable, for everyone, counting how often a message came back.

After `delivery_limit` returns a message is dead. Two priorities are served 2 to 1, as RabbitMQ 4.0 to 4.2 does.
"""

from __future__ import annotations

from typing import ClassVar

from watership import kernel
from watership.model.errors import NotImplementedHere, PreconditionFailed, ResourceLocked
from watership.model.names import describe
from watership.model.topology import Queue

from .classic import ClassicQueue, Subscription


class QuorumQueue(ClassicQueue):
    type: ClassVar[str] = "quorum"
    takes_global_qos: ClassVar[bool] = False

    @classmethod
    def check(cls, queue: Queue) -> None:
        resource = describe("queue", queue.name, queue.vhost)
        faults = (
            ("non-durable", not queue.durable),
            ("exclusive-owner", queue.exclusive),
            ("auto-delete", queue.auto_delete),
        )
        for name, bad in faults:
            if bad:
                raise PreconditionFailed(f"invalid property '{name}' for {resource}")

    @classmethod
    def make_records(cls, node: kernel.Kernel, queue: Queue) -> kernel.Queue:
        single = bool(queue.arguments.get("x-single-active-consumer"))
        return kernel.Queue(node, queue.name, stream=queue.stream, priorities=1, counting=True, single=single)

    def subscribe(self, subscription: Subscription) -> None:
        """A quorum queue has no exclusive consumers: the wish is not heard, as in RabbitMQ."""
        self.subscriptions.append(subscription)

    def check_get(self) -> None:
        if self.records.single:
            raise ResourceLocked(
                f"cannot obtain access to locked {self.resource}. basic.get operations are not supported by quorum "
                "queues with single active consumer"
            )

    def check_delete(self, *, if_unused: bool, if_empty: bool) -> None:
        if if_unused or if_empty:
            condition = "if-unused" if if_unused else "if-empty"
            raise NotImplementedHere(
                f"cannot delete {self.resource}. queue.delete operations with {condition} flag set are not supported "
                "by quorum queues"
            )
