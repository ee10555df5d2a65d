"""OperatorPolicy: limits that whoever runs the broker puts on queues, whatever their policies say."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from .policy import COLUMNS, IMMUTABLE, PatternSpec
from .resource import Kind


class OperatorPolicySpec(PatternSpec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="OperatorPolicy",
        plural="operatorpolicies",
        short=("opol",),
        description="Limits for all queues of a vhost whose names match a pattern, set by whoever runs the broker: "
        "of a policy's value and this one the smaller holds.",
        columns=COLUMNS,
        immutable=IMMUTABLE,
    )

    apply_to: Annotated[
        Literal["queues", "classic_queues", "quorum_queues", "streams"], Meta(description="What it is for.")
    ] = "queues"
