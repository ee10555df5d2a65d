"""Vhost: a virtual host of a broker, with its limits."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from .resource import (
    AGE,
    MESSAGE,
    READY,
    Column,
    Kind,
    Limit,
    ObjectName,
    Spec,
    TopologySpec,
)


class VhostLimits(Spec, frozen=True, kw_only=True):
    """What may be open in a vhost at once."""

    connections: Annotated[Limit, Meta(description="Connections; -1 is no limit.")] = msgspec.UNSET
    queues: Annotated[Limit, Meta(description="Queues; -1 is no limit.")] = msgspec.UNSET


class VhostSpec(TopologySpec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="Vhost",
        plural="vhosts",
        short=("vh",),
        description="A virtual host of a broker. Deleting it deletes every queue in it, with its messages; "
        "deletionPolicy: Retain keeps them.",
        immutable=("name",),
        columns=(Column("Vhost", ".spec.name", priority=1), READY, MESSAGE, AGE),
    )

    name: Annotated[
        ObjectName | msgspec.UnsetType,
        Meta(description="Name of the vhost in the broker; by default the object's name."),
    ] = msgspec.UNSET
    description: Annotated[
        str | msgspec.UnsetType, Meta(description="What it is for; left as it is when not given.")
    ] = msgspec.UNSET
    tags: Annotated[list[str], Meta(description="Words for people and tools.")] = []
    default_queue_type: Annotated[
        Literal["classic", "quorum", "stream"] | msgspec.UnsetType,
        Meta(description="Type of queues that are declared without one; left as it is when not given."),
    ] = msgspec.UNSET
    tracing: Annotated[
        bool | msgspec.UnsetType,
        Meta(
            description="Whether a copy of each message goes to the exchange amq.rabbitmq.trace, also after the "
            "broker's restart; left as it is when not given."
        ),
    ] = msgspec.UNSET
    limits: Annotated[VhostLimits, Meta(description="Limits; one that is not given is lifted.")] = VhostLimits()
