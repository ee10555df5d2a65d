"""User: someone who may connect, with a password from a Secret, and permissions in vhosts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from .resource import (
    AGE,
    MESSAGE,
    READY,
    Column,
    Expression,
    Kind,
    Limit,
    ObjectName,
    Rule,
    SecretReference,
    Spec,
    TopologySpec,
    VhostName,
)


class PasswordSecret(Spec, frozen=True, kw_only=True):
    """One key of a Secret in the namespace of the User."""

    name: Annotated[str, Meta(description="Name of the Secret.", min_length=1)]
    key: Annotated[str, Meta(description="The key that holds the password.", min_length=1)] = "password"


class UserPermission(Spec, frozen=True, kw_only=True):
    """What the user may do in one vhost."""

    vhost: VhostName = "/"
    configure: Expression = ""
    write: Expression = ""
    read: Expression = ""


class UserLimits(Spec, frozen=True, kw_only=True):
    """What a user may have open at once."""

    connections: Annotated[Limit, Meta(description="Connections; -1 is no limit.")] = msgspec.UNSET
    channels: Annotated[Limit, Meta(description="Channels of all connections; -1 is no limit.")] = msgspec.UNSET


class UserSpec(TopologySpec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="User",
        plural="users",
        short=("usr",),
        description="A user of a broker. Without a Secret of its own it is given a password in the Secret "
        "NAME-user-credentials. A changed Secret changes the password; "
        "another value of the annotation watership.dev/rotate-password makes a new one.",
        immutable=("name",),
        columns=(Column("Tags", ".spec.tags", priority=1), READY, MESSAGE, AGE),
        rules=(
            Rule(
                "!has(self.passwordSecret) || !has(self.importCredentialsSecret)",
                "spec.passwordSecret and spec.importCredentialsSecret exclude each other",
            ),
        ),
        status={
            "username": {"type": "string", "description": "Name of the user in the broker."},
            "credentials": {
                "type": "object",
                "description": "The Secret with the credentials, as RabbitMQ's operator shows it.",
                "properties": {"name": {"type": "string"}},
            },
            "vhosts": {
                "type": "array",
                "description": "Vhosts in which spec.permissions were given.",
                "items": {"type": "string"},
            },
            "rotation": {"type": "string", "description": "The annotation for which the password was made last."},
        },
    )

    name: Annotated[
        ObjectName | msgspec.UnsetType,
        Meta(description="Name of the user in the broker; by default the object's name."),
    ] = msgspec.UNSET
    tags: Annotated[
        list[Literal["administrator", "monitoring", "policymaker", "management", "impersonator"]],
        Meta(description="What the user may do in the management API; an impersonator may publish as another user."),
    ] = []
    password_secret: Annotated[
        PasswordSecret | msgspec.UnsetType, Meta(description="The Secret that holds the password.")
    ] = msgspec.UNSET
    import_credentials_secret: Annotated[
        SecretReference | msgspec.UnsetType,
        Meta(
            description="A Secret with the keys username, and passwordHash (as in definitions.json, with "
            "hashingAlgorithm when it is not rabbit_password_hashing_sha256) or password. With an empty passwordHash "
            "no password opens it; with the username alone a password is made up. The name may change: the user of "
            "the old name is then deleted.",
        ),
    ] = msgspec.UNSET
    permissions: Annotated[list[UserPermission], Meta(description="Permissions, one entry per vhost.")] = []
    limits: Annotated[UserLimits, Meta(description="Limits; one that is not given is lifted.")] = UserLimits()
