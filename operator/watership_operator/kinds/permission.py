"""Permission: what a user may do in a vhost."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from .resource import (
    AGE,
    MESSAGE,
    READY,
    Column,
    Expression,
    Kind,
    ObjectName,
    Rule,
    Spec,
    TopologySpec,
    VhostName,
)

USER_RULE = Rule(
    "has(self.user) != has(self.userReference)",
    "spec names either a user of the broker (user) or a User object (userReference), exactly one of them",
)
STATUS = {"user": {"type": "string", "description": "Name in the broker of the user that it is for."}}


class UserReference(Spec, frozen=True, kw_only=True):
    """A User object in the namespace of the object that names it."""

    name: Annotated[str, Meta(description="Name of the User object.", min_length=1)]


class UserRights(TopologySpec, frozen=True, kw_only=True):
    """Whose rights, and where: Permission and TopicPermission alike."""

    user: Annotated[ObjectName | msgspec.UnsetType, Meta(description="Name of a user in the broker.")] = msgspec.UNSET
    user_reference: Annotated[
        UserReference | msgspec.UnsetType,
        Meta(description="Instead of user: a User object, whose name in the broker is then taken."),
    ] = msgspec.UNSET
    vhost: VhostName = "/"


class Rights(Spec, frozen=True, kw_only=True):
    """Regular expressions over the names of queues and exchanges; an empty one matches nothing."""

    configure: Annotated[Expression, Meta(description="Which may be declared and deleted.")] = ""
    write: Annotated[Expression, Meta(description="Which may be published to and bound.")] = ""
    read: Annotated[Expression, Meta(description="Which may be consumed from and bound to.")] = ""


class PermissionSpec(UserRights, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="Permission",
        plural="permissions",
        short=("perm",),
        description="What a user may do in a vhost. It waits for both. "
        "The same can stand in spec.permissions of a User.",
        immutable=("user", "userReference", "vhost"),
        columns=(
            Column("User", ".spec.user"),
            Column("User object", ".spec.userReference.name", priority=1),
            Column("Vhost", ".spec.vhost"),
            READY,
            MESSAGE,
            AGE,
        ),
        rules=(USER_RULE,),
        status=STATUS,
    )

    permissions: Annotated[Rights, Meta(description="What the user may do.")] = Rights()
