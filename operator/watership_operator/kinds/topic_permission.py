"""TopicPermission: which routing keys a user may publish to and bind at a topic exchange."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from .permission import STATUS, USER_RULE, UserRights
from .resource import AGE, MESSAGE, READY, Column, Expression, Kind, Spec


class TopicRights(Spec, frozen=True, kw_only=True):
    """Regular expressions over routing keys; an empty one matches nothing."""

    exchange: Annotated[str, Meta(description="The topic exchange.", max_length=255)]
    write: Annotated[Expression, Meta(description="Routing keys that may be published with.")] = ""
    read: Annotated[Expression, Meta(description="Routing keys that may be bound with.")] = ""


class TopicPermissionSpec(UserRights, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="TopicPermission",
        plural="topicpermissions",
        short=("tperm",),
        description="Which routing keys a user may publish to and bind at a topic exchange, "
        "on top of the user's permissions. It waits for the user and the vhost.",
        immutable=("user", "userReference", "vhost", "permissions.exchange"),
        columns=(
            Column("User", ".spec.user"),
            Column("User object", ".spec.userReference.name", priority=1),
            Column("Vhost", ".spec.vhost"),
            Column("Exchange", ".spec.permissions.exchange"),
            READY,
            MESSAGE,
            AGE,
        ),
        rules=(USER_RULE,),
        status=STATUS,
    )

    permissions: Annotated[TopicRights, Meta(description="What the user may do at one exchange.")]
