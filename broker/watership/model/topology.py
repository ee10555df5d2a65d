"""Vhosts, exchanges, queues and bindings as they are declared. Equal values are the same object of the broker."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

Arguments = Mapping[str, Any]

PREDECLARED = (
    ("", "direct"),
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
    ("amq.rabbitmq.trace", "topic"),
    ("amq.topic", "topic"),
)


@dataclass(frozen=True)
class Vhost:
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    default_queue_type: str = "classic"
    protected_from_deletion: bool = False


@dataclass(frozen=True)
class Exchange:
    """stream: of the log, where it keeps messages that wait; 0 for exchanges that keep none. user: who declared it."""

    vhost: str
    name: str
    type: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: Arguments = field(default_factory=dict)
    stream: int = 0
    user: str = "rmq-internal"  # RabbitMQ's name for itself


@dataclass(frozen=True)
class Queue:
    """stream: the queue's stream in the log; 0 for queues that do not survive. node-local queues have an owner
    elsewhere.
    """

    vhost: str
    name: str
    durable: bool = True
    exclusive: bool = False
    auto_delete: bool = False
    arguments: Arguments = field(default_factory=dict)
    stream: int = 0

    @property
    def type(self) -> str:
        return str(self.arguments.get("x-queue-type", "classic"))


@dataclass(frozen=True)
class Binding:
    """destination_type is "queue" or "exchange"."""

    vhost: str
    source: str
    destination: str
    destination_type: str = "queue"
    routing_key: str = ""
    arguments: Arguments = field(default_factory=dict)

    @property
    def properties_key(self) -> str:
        """The name of a binding within its source and destination, as the management API has it.

        "~" for no key and no arguments; the quoted key without arguments; key~hash with them.
        """
        if not self.arguments:
            return quote_plus(self.routing_key).replace("~", "%7E") or "~"
        canonical = json.dumps(self.arguments, sort_keys=True, default=repr).encode()
        digest = base64.urlsafe_b64encode(hashlib.blake2b(canonical, digest_size=6).digest()).decode()
        return f"{quote_plus(self.routing_key).replace('~', '%7E')}~{digest}"

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes two bindings the same one."""
        arguments = json.dumps(self.arguments, sort_keys=True, default=repr)
        return self.source, self.destination_type, self.destination, self.routing_key, arguments


def predeclared(vhost: str) -> list[Exchange]:
    """The exchanges that every vhost has."""
    return [Exchange(vhost, name, kind, internal=name == "amq.rabbitmq.trace") for name, kind in PREDECLARED]
