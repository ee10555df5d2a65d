"""One object of each kind as the broker would show it: what it is called, how to declare it, and how a live one
differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


Call = tuple[str, tuple[Any, ...]]  # a verb of the admin protocol, and its arguments
Live = Mapping[str, Any]


def never(_live: Live) -> None:
    return None


def nothing(_live: Live) -> list[Call]:
    return []


@dataclass(frozen=True)
class Wanted:
    """identity: what makes two objects the same one in the broker. put: the calls that make it. needs: identities and
    titles of what has to be there first. refusal: why what is there cannot be made into it. repairs: the calls that
    make what is there into it. keeps: why it must not be deleted yet. options: of the deletion. status: what to
    remember about it."""

    identity: Identity
    title: str
    put: tuple[Call, ...]
    delete: Call
    needs: tuple[tuple[Identity, str], ...] = ()
    refusal: Callable[[Live], str | None] = never
    repairs: Callable[[Live], list[Call]] = nothing
    keeps: Callable[[Live], str | None] = never
    options: Mapping[str, bool] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)


def vhost_of(name: str) -> tuple[Identity, str]:
    return ("vhost", name), f"vhost '{name}'"


def end(kind: str, vhost: str, name: str) -> tuple[Identity, str]:
    """An exchange or a queue that a binding needs."""
    return (kind, vhost, name), describe(kind, name, vhost)


def limit_calls(wanted: Mapping[str, Any], live: Mapping[str, Any], *, of: str, name: str) -> list[Call]:
    """of: vhost or user. A limit that is not wanted is lifted."""
    puts: list[Call] = [
        (f"put_{of}_limit", (name, limit, {"value": value}))
        for limit, value in wanted.items()
        if live.get(limit) != value
    ]
    return puts + [(f"delete_{of}_limit", (name, limit)) for limit in live if limit not in wanted]


def limits_of(limits: Any) -> dict[str, int]:
    """The fields of a struct of limits that are given, as the broker names them."""
    return {f"max-{name}": value for name, value in msgspec.to_builtins(limits).items()}


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
        (("put_exchange", (spec.vhost, name, body)),),
        ("delete_exchange", (spec.vhost, name)),
        needs=(vhost_of(spec.vhost),),
        refusal=lambda live: exchange_difference(describe("exchange", name, spec.vhost), body, live),
    )


def exchange_difference(title: str, body: Mapping[str, Any], live: Live) -> str | None:
    """The broker's words for a redeclaration that it would refuse."""
    for name in ("type", "durable", "auto_delete", "internal"):
        if body[name] != live[name]:
            return inequivalent_property(title, name, current=live[name], received=body[name])
    return inequivalent(title, live["arguments"], body["arguments"], ["alternate-exchange"])


def queue(resource: Resource) -> Wanted:
    spec, name = resource.spec, broker_name(resource)
    body = {"durable": spec.durable, "auto_delete": spec.auto_delete, "arguments": spec.all_arguments()}
    return Wanted(
        ("queue", spec.vhost, name),
        describe("queue", name, spec.vhost),
        (("put_queue", (spec.vhost, name, body)),),
        ("delete_queue", (spec.vhost, name)),
        needs=(vhost_of(spec.vhost),),
        refusal=lambda live: queue_difference(describe("queue", name, spec.vhost), body, live),
        keeps=lambda live: kept(spec, describe("queue", name, spec.vhost), live),
        options={} if spec.type == "quorum" else {o: True for o in CONDITIONS if getattr(spec, f"delete_{o}")},
    )


CONDITIONS = {"if_empty": "messages", "if_unused": "consumers"}  # option of a deletion: what must not be there


def kept(spec: Any, title: str, live: Live) -> str | None:
    """Looked at beforehand: a broker deletes no quorum queue on conditions."""
    for option, count in CONDITIONS.items():
        if getattr(spec, f"delete_{option}") and live.get(count):
            setting = "delete" + option.title().replace("_", "")
            return f"waits for {title} to have no {count}: it has {live[count]}, and {setting} is set"
    return None


def queue_difference(title: str, body: Mapping[str, Any], live: Live) -> str | None:
    for name in ("durable", "auto_delete"):
        if body[name] != live[name]:
            return inequivalent_property(title, name, current=live[name], received=body[name])
    kind = live.get("type", "classic")
    compared = [name for name, row in QUEUE_ARGUMENTS.items() if kind[:1] in row.types]
    default = {"x-queue-type": "classic"}
    current = {**default, "x-queue-type": kind, **live["arguments"]}
    return inequivalent(title, current, {**default, **body["arguments"]}, compared)


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
        (("post_binding", (spec.vhost, spec.source, letter, spec.destination, body)),),
        ("delete_binding", (spec.vhost, spec.source, letter, spec.destination)),
        needs=(
            vhost_of(spec.vhost),
            end("exchange", spec.vhost, spec.source),
            end(spec.destination_type, spec.vhost, spec.destination),
        ),
    )


def binding_identity(
    vhost: str, source: str, kind: str, destination: str, key: str, arguments: Mapping[str, Any]
) -> Identity:
    return ("binding", vhost, source, kind, destination, key, canonical(arguments))


def user(resource: Resource, name: str) -> Wanted:
    """What it takes to make one is in `users`: its password is in a Secret."""
    return Wanted(("user", name), f"user '{name}'", (), ("delete_user", (name,)))
