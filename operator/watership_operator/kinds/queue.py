"""Queue: a queue in a vhost of a broker."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from .resource import (
    AGE,
    MESSAGE,
    READY,
    Arguments,
    Column,
    Kind,
    ObjectName,
    TopologySpec,
    VhostName,
)


class QueueSpec(TopologySpec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="Queue",
        plural="queues",
        short=("que",),
        description="A queue of a broker. "
        "It is declared when its broker is there, and declared again when it goes missing.",
        immutable=("name", "vhost", "type", "durable", "autoDelete", "arguments"),
        columns=(Column("Queue", ".spec.name", priority=1), READY, MESSAGE, AGE),
    )

    name: Annotated[
        ObjectName | msgspec.UnsetType,
        Meta(description="Name of the queue in the broker; by default the object's name."),
    ] = msgspec.UNSET
    vhost: VhostName = "/"
    type: Annotated[
        Literal["classic", "quorum", "stream"] | msgspec.UnsetType,
        Meta(
            description="Queue type; by default the vhost's, which is classic. A stream needs a broker that has them, "
            "which a BrokerCluster is not in this version; one behind a connectionSecret can be."
        ),
    ] = msgspec.UNSET
    durable: Annotated[bool, Meta(description="Whether it survives a restart of the broker.")] = True
    auto_delete: Annotated[bool, Meta(description="Whether it goes with its last consumer.")] = False
    arguments: Arguments = {}
    delete_if_unused: Annotated[bool, Meta(description="Delete it in the broker only without consumers.")] = False
    delete_if_empty: Annotated[bool, Meta(description="Delete it in the broker only without messages.")] = False

    def all_arguments(self) -> dict[str, Any]:
        """The arguments of the declaration, with the type among them."""
        kind = {} if self.type is msgspec.UNSET else {"x-queue-type": self.type}
        return {**kind, **self.arguments}
