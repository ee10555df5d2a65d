"""Binding: from an exchange to a queue or another exchange."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .resource import AGE, MESSAGE, READY, Arguments, Column, Kind, TopologySpec, VhostName


class BindingSpec(TopologySpec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="Binding",
        plural="bindings",
        short=("bnd",),
        description="A binding of a broker. It waits for both its ends, and follows them when they are made again.",
        immutable=("vhost", "source", "destination", "destinationType", "routingKey", "arguments"),
        columns=(
            Column("Source", ".spec.source"),
            Column("Destination", ".spec.destination"),
            READY,
            MESSAGE,
            AGE,
        ),
    )

    vhost: VhostName = "/"
    source: Annotated[str, Meta(description="The exchange that messages come from.", min_length=1, max_length=255)]
    destination: Annotated[str, Meta(description="The queue or exchange they go to.", min_length=1, max_length=255)]
    destination_type: Annotated[Literal["queue", "exchange"], Meta(description="What the destination is.")] = "queue"
    routing_key: Annotated[str, Meta(description="The binding key.", max_length=255)] = ""
    arguments: Arguments = {}
