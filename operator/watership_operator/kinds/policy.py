"""Policy: settings for all queues or exchanges whose names match a pattern."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from .resource import (
    AGE,
    MESSAGE,
    READY,
    Column,
    Kind,
    ObjectName,
    TopologySpec,
    VhostName,
)

Definition = Annotated[
    dict[str, Any],
    Meta(
        description="The settings, as RabbitMQ names them (max-length, message-ttl, ...).",
        extra_json_schema={"x-preserve": True},
    ),
]
COLUMNS = (
    Column("Pattern", ".spec.pattern"),
    Column("Apply to", ".spec.applyTo", priority=1),
    Column("Priority", ".spec.priority", "integer", priority=1),
    READY,
    MESSAGE,
    AGE,
)
IMMUTABLE = ("name", "vhost")


class PatternSpec(TopologySpec, frozen=True, kw_only=True):
    """What both kinds have."""

    name: Annotated[
        ObjectName | msgspec.UnsetType,
        Meta(description="Name of the policy in the broker; by default the object's name."),
    ] = msgspec.UNSET
    vhost: VhostName = "/"
    pattern: Annotated[str, Meta(description="Regular expression over the names that it is for.", min_length=1)]
    priority: Annotated[int, Meta(description="Of several that match, the one with the highest priority holds.")] = 0
    definition: Definition


class PolicySpec(PatternSpec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="Policy",
        plural="policies",
        short=("pol",),
        description="Settings for all queues or exchanges of a vhost whose names match a pattern. "
        "Unlike arguments they can be changed at any time.",
        columns=COLUMNS,
        immutable=IMMUTABLE,
    )

    apply_to: Annotated[
        Literal["queues", "classic_queues", "quorum_queues", "streams", "exchanges", "all"],
        Meta(description="What it is for."),
    ] = "all"
