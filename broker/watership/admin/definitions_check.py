"""Whether a definitions document can be imported whole: asked before anything of it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watership.broker import Broker
from watership.model.arguments import check_queue
from watership.model.errors import AMQPError
from watership.model.permissions import check_expressions
from watership.routing import kind_of

from .api import AdminError

NEEDED = {
    "users": ("name",),
    "vhosts": ("name",),
    "permissions": ("user", "vhost", "configure", "write", "read"),
    "exchanges": ("name", "vhost", "type"),
    "queues": ("name", "vhost"),
    "bindings": ("source", "vhost", "destination"),
    "global_parameters": ("name", "value"),
}
TYPES: tuple[tuple[tuple[str, ...], type], ...] = (
    (("name", "vhost", "user", "type", "source", "destination", "destination_type", "routing_key"), str),
    (("configure", "write", "read", "password_hash", "hashing_algorithm", "description"), str),
    (("durable", "auto_delete", "internal"), bool),
    (("arguments", "metadata"), dict),
)


def check(broker: Broker, document: Mapping[str, Any]) -> None:
    """Raises AdminError 400 for a document that could not be imported whole."""
    vhosts = set(broker.metadata.vhosts)
    check_shapes(document)
    vhosts |= {v["name"] for v in document.get("vhosts", [])}
    names: dict[str, set[tuple[str, str]]] = {"exchange": set(), "queue": set()}
    for section in ("permissions", "exchanges", "queues", "bindings"):
        for item in document.get(section, []):
            if item["vhost"] not in vhosts:
                raise AdminError(400, "bad_request", f"{section}: vhost '{item['vhost']}' does not exist")
    for exchange in document.get("exchanges", []):
        if kind_of(exchange["type"]) is None:
            raise AdminError(400, "bad_request", f"exchanges: unknown exchange type '{exchange['type']}'")
        names["exchange"].add((exchange["vhost"], exchange["name"]))
    for queue in document.get("queues", []):
        try:
            check_queue(queue["name"], queue["vhost"], queue.get("arguments", {}))
        except AMQPError as error:
            raise AdminError(400, "bad_request", f"queues: {error.explanation}") from None
        names["queue"].add((queue["vhost"], queue["name"]))
    for binding in document.get("bindings", []):
        check_ends(broker, binding, names)


def check_shapes(document: Mapping[str, Any]) -> None:
    """Raises AdminError 400 for a section that is no list, and an item that lacks a field."""
    for section, fields in NEEDED.items():
        items = document.get(section, [])
        if not isinstance(items, list):
            raise AdminError(400, "bad_request", f"{section} must be a list")
        for item in items:
            missing = [f for f in fields if not isinstance(item, dict) or f not in item]
            if missing:
                raise AdminError(400, "bad_request", f"{section}: {', '.join(missing)} missing in {item}")
            check_types(section, item)


def check_types(section: str, item: Mapping[str, Any]) -> None:
    """Raises AdminError 400 for a field of the wrong type."""
    for names, kind in TYPES:
        for name in names:
            if (
                name in item
                and not isinstance(item[name], kind)
                and not (section, name) == ("global_parameters", "value")
            ):
                raise AdminError(400, "bad_request", f"{section}: {name} must be a {kind.__name__} in {item}")
    expressions = {name: item[name] for name in ("configure", "write", "read") if section == "permissions"}
    if problem := check_expressions(**expressions):
        raise AdminError(400, "bad_request", f"{section}: {problem}")
    if section == "queues" and item.get("arguments", {}).get("x-queue-type", item.get("type")) == "stream":
        text = (
            f"queue type 'stream' of queue '{item['name']}' in vhost '{item['vhost']}' is not available in this version"
        )
        raise AdminError(400, "bad_request", f"{section}: {text}; use classic")


def check_ends(broker: Broker, binding: Mapping[str, Any], names: Mapping[str, set[tuple[str, str]]]) -> None:
    vhost, metadata = binding["vhost"], broker.metadata
    kind = binding.get("destination_type", "queue")
    ends = [(kind, binding["destination"])] + ([("exchange", binding["source"])] if binding["source"] else [])
    for what, name in ends:
        known = metadata.queues if what == "queue" else metadata.exchanges
        predeclared = what == "exchange" and name.startswith("amq.")
        if name not in known.get(vhost, {}) and (vhost, name) not in names[what] and not predeclared:
            raise AdminError(400, "bad_request", f"bindings: no {what} '{name}' in vhost '{vhost}'")
