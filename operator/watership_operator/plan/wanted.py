"""One object of each kind as the broker would show it: what it is called, how to declare it, and how a live one
differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from watership.model.arguments import QUEUE_ARGUMENTS, inequivalent, inequivalent_property
from watership.model.names import describe
from watership_operator.kinds import Resource

Identity = tuple[str, ...]


def broker_name(resource: Resource) -> str:
    name = resource.spec.name
    return resource.name if name is msgspec.UNSET else str(name)


def canonical(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, default=str)


@dataclass(frozen=True)
class Wanted:
    """identity: what makes two objects the same one in the broker. put and delete: calls of the admin protocol."""

    identity: Identity
    title: str
    put: tuple[str, tuple[Any, ...]]
    delete: tuple[str, tuple[Any, ...]]


def exchange(resource: Resource) -> Wanted:
    spec, name = resource.spec, broker_name(resource)
    body = {
        "type": spec.type,
        "durable": spec.durable,
        "auto_delete": spec.auto_delete,
        "internal": spec.internal,
        "arguments": dict(spec.arguments),
    }
    return Wanted(
        ("exchange", spec.vhost, name),
        describe("exchange", name, spec.vhost),
        ("put_exchange", (spec.vhost, name, body)),
        ("delete_exchange", (spec.vhost, name)),
    )


def exchange_difference(wanted: Wanted, live: Mapping[str, Any]) -> str | None:
    """The broker's words for a redeclaration that it would refuse."""
    body = wanted.put[1][-1]
    for field in ("type", "durable", "auto_delete", "internal"):
        if body[field] != live[field]:
            return inequivalent_property(wanted.title, field, current=live[field], received=body[field])
    return inequivalent(wanted.title, live["arguments"], body["arguments"], ["alternate-exchange"])


def queue(resource: Resource) -> Wanted:
    spec, name = resource.spec, broker_name(resource)
    body = {"durable": spec.durable, "auto_delete": spec.auto_delete, "arguments": spec.all_arguments()}
    return Wanted(
        ("queue", spec.vhost, name),
        describe("queue", name, spec.vhost),
        ("put_queue", (spec.vhost, name, body)),
        ("delete_queue", (spec.vhost, name)),
    )


def queue_difference(wanted: Wanted, live: Mapping[str, Any]) -> str | None:
    body = wanted.put[1][-1]
    for field in ("durable", "auto_delete"):
        if body[field] != live[field]:
            return inequivalent_property(wanted.title, field, current=live[field], received=body[field])
    kind = live.get("type", "classic")
    compared = [name for name, row in QUEUE_ARGUMENTS.items() if kind[:1] in row.types]
    default = {"x-queue-type": "classic"}
    current = {**default, "x-queue-type": kind, **live["arguments"]}
    return inequivalent(wanted.title, current, {**default, **body["arguments"]}, compared)


def binding(resource: Resource) -> Wanted:
    spec = resource.spec
    letter = spec.destination_type[0]
    body = {"routing_key": spec.routing_key, "arguments": dict(spec.arguments)}
    title = (
        f"binding from exchange '{spec.source}' to {spec.destination_type} '{spec.destination}' "
        f"with key '{spec.routing_key}' in vhost '{spec.vhost}'"
    )
    return Wanted(
        binding_identity(
            spec.vhost, spec.source, spec.destination_type, spec.destination, spec.routing_key, spec.arguments
        ),
        title,
        ("post_binding", (spec.vhost, spec.source, letter, spec.destination, body)),
        ("delete_binding", (spec.vhost, spec.source, letter, spec.destination)),
    )


def binding_identity(
    vhost: str, source: str, kind: str, destination: str, key: str, arguments: Mapping[str, Any]
) -> Identity:
    return ("binding", vhost, source, kind, destination, key, canonical(arguments))


def user(resource: Resource, name: str) -> Wanted:
    return Wanted(("user", name), f"user '{name}'", ("put_user", (name, {})), ("delete_user", (name,)))
