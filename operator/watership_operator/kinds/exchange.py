"""Exchange: an exchange in a vhost of a broker."""

from __future__ import annotations

from typing import Annotated, ClassVar

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


class ExchangeSpec(TopologySpec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="Exchange",
        plural="exchanges",
        short=("xch",),
        description="An exchange of a broker. "
        "It is declared when its broker is there, and repaired when it goes missing.",
        immutable=("name", "vhost", "type", "durable", "autoDelete", "internal", "arguments"),
        columns=(Column("Type", ".spec.type"), READY, MESSAGE, AGE),
    )

    name: Annotated[
        ObjectName | msgspec.UnsetType,
        Meta(description="Name of the exchange in the broker; by default the object's name."),
    ] = msgspec.UNSET
    vhost: VhostName = "/"
    type: Annotated[str, Meta(description="direct, fanout, topic or headers.", min_length=1)] = "direct"
    durable: Annotated[bool, Meta(description="Whether it survives a restart of the broker.")] = True
    auto_delete: Annotated[bool, Meta(description="Whether it goes with its last binding.")] = False
    internal: Annotated[bool, Meta(description="Whether only bindings reach it, not publishers.")] = False
    arguments: Arguments = {}
