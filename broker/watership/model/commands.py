"""Changes of metadata, one frozen command each, and how the log carries them.

The state of the broker's metadata is what these commands, applied in their order, make of nothing
(watership.broker.metadata does it). They are deterministic: whatever is random or depends on time (a salt, a stream's
number) is a value in the command.

A field with a default may be added at any time: an older program refuses a command with a field that it does not know.
VERSION rises when what could be written before gets another meaning. Version 1: JSON, an object with the command's name
under "command" and the version under "v". What arguments hold and JSON has no word for is an object with one key:
$octets, $timestamp (seconds since 1970), $decimal; a table with a key that begins with $ is $table, a list of pairs, so
that no client can imitate them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as fields_of
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from .permissions import Permission, TopicPermission
from .topology import Binding, Exchange, Queue, Vhost
from .users import User

VERSION = 1


@dataclass(frozen=True)
class PutVhost:
    vhost: Vhost


@dataclass(frozen=True)
class DeleteVhost:
    """Takes the permissions, exchanges, queues and bindings in it along."""

    name: str


@dataclass(frozen=True)
class PutUser:
    user: User


@dataclass(frozen=True)
class DeleteUser:
    """Takes the user's permissions along."""

    name: str


@dataclass(frozen=True)
class PutPermission:
    permission: Permission


@dataclass(frozen=True)
class DeletePermission:
    user: str
    vhost: str


@dataclass(frozen=True)
class DeclareExchange:
    exchange: Exchange


@dataclass(frozen=True)
class DeleteExchange:
    """Takes its bindings along, in both directions."""

    vhost: str
    name: str


@dataclass(frozen=True)
class DeclareQueue:
    queue: Queue


@dataclass(frozen=True)
class DeleteQueue:
    """Takes its bindings along."""

    vhost: str
    name: str


@dataclass(frozen=True)
class Bind:
    binding: Binding


@dataclass(frozen=True)
class Unbind:
    binding: Binding


@dataclass(frozen=True)
class SetParameter:
    """A global parameter, such as the cluster's name. value None: it is gone."""

    name: str
    value: Any


@dataclass(frozen=True)
class SetVhostParameter:
    """A runtime parameter of a vhost: component policy, operator_policy, vhost-limits and others. value None: it is
    gone."""

    vhost: str
    component: str
    name: str
    value: Any


@dataclass(frozen=True)
class PutTopicPermission:
    topic_permission: TopicPermission


@dataclass(frozen=True)
class DeleteTopicPermission:
    """exchange None: those of all exchanges."""

    user: str
    vhost: str
    exchange: str | None = None


Command = (
    PutVhost
    | DeleteVhost
    | PutUser
    | DeleteUser
    | PutPermission
    | DeletePermission
    | DeclareExchange
    | DeleteExchange
    | DeclareQueue
    | DeleteQueue
    | Bind
    | Unbind
    | SetParameter
    | SetVhostParameter
    | PutTopicPermission
    | DeleteTopicPermission
)
KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        PutVhost,
        DeleteVhost,
        PutUser,
        DeleteUser,
        PutPermission,
        DeletePermission,
        DeclareExchange,
        DeleteExchange,
        DeclareQueue,
        DeleteQueue,
        Bind,
        Unbind,
        SetParameter,
        SetVhostParameter,
        PutTopicPermission,
        DeleteTopicPermission,
    )
}
NOUNS: dict[str, type[Any]] = {
    "vhost": Vhost,
    "user": User,
    "permission": Permission,
    "topic_permission": TopicPermission,
    "exchange": Exchange,
    "queue": Queue,
    "binding": Binding,
}


class UnknownCommand(Exception):
    """The log holds a command of a newer version of Watership. command: its name, and what is new in it."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"the log holds the command {command}: start the version of Watership that wrote it, or a newer one"
        )


def encode(command: Command) -> bytes:
    fields = {"command": type(command).__name__, "v": VERSION, **asdict(command)}
    return json.dumps(as_json(fields), separators=(",", ":")).encode()


def decode(data: bytes) -> Command:
    """Raises UnknownCommand for a name, version or field that this program does not know."""
    fields = json.loads(data, object_hook=from_json)
    name, version = fields.pop("command"), fields.pop("v")
    if version > VERSION or name not in KINDS:
        raise UnknownCommand(f"{name} of version {version}; this program knows version {VERSION}")
    command: Command = made(KINDS[name], {k: noun(name, k, v) for k, v in fields.items()}, name)
    return command


def noun(command: str, field: str, value: Any) -> Any:
    if field not in NOUNS or not isinstance(value, dict):
        return value
    if "tags" in value:
        value = {**value, "tags": tuple(value["tags"])}
    return made(NOUNS[field], value, command)


def made(kind: type[Any], values: dict[str, Any], command: str) -> Any:
    if unknown := sorted(values.keys() - {field.name for field in fields_of(kind)}):
        raise UnknownCommand(f"{command} with {', '.join(unknown)}, which this program does not know")
    return kind(**values)


def as_json(value: object) -> Any:
    """A value of a field table in JSON's words. Raises TypeError for one that no field table holds."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            fields = {str(name): as_json(held) for name, held in value.items()}
            return {"$table": list(fields.items())} if any(name.startswith("$") for name in fields) else fields
        case list() | tuple():
            return [as_json(item) for item in value]
        case bytes() | bytearray():
            return {"$octets": base64.b64encode(value).decode()}
        case datetime():
            return {"$timestamp": int(value.timestamp())}
        case Decimal():
            return {"$decimal": str(value)}
    raise TypeError(f"{type(value).__name__} cannot be kept in the log")


def from_json(fields: dict[str, Any]) -> Any:
    """What as_json made, innermost first. An object that it cannot have made stays as it is."""
    match fields:
        case {"$table": list(pairs), **rest} if not rest:
            return dict(pairs)
        case {"$octets": str(octets), **rest} if not rest:
            return base64.b64decode(octets)
        case {"$timestamp": int(seconds), **rest} if not rest:
            return datetime.fromtimestamp(seconds, UTC)
        case {"$decimal": str(number), **rest} if not rest:
            return Decimal(number)
    return fields
