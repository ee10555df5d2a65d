"""definitions.json: the whole topology as one document, out and in (RabbitMQ's format `cluster`).

Importing adds and overwrites users, permissions and vhosts; it never deletes, and never redefines an exchange or a queue. A document that
cannot be imported is refused before anything of it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from watership.broker import Broker
from watership.broker.metadata import is_durable, is_predeclared
from watership.model.arguments import check_queue
from watership.model.commands import SetParameter
from watership.model.errors import AMQPError
from watership.model.permissions import Permission
from watership.model.topology import Binding, Exchange, Queue, Vhost
from watership.model.users import DEFAULT_ALGORITHM, User, parse_tags
from watership.routing import kind_of

from . import view
from .api import AdminError, Json


def exported(broker: Broker, version: str) -> Json:
    metadata = broker.metadata
    vhosts = list(metadata.vhosts)
    queues = [q for v in vhosts for q in metadata.queues[v].values() if is_durable(q)]
    exchanges = [e for v in vhosts for e in metadata.exchanges[v].values() if not is_predeclared(e)]
    return {
        "rabbit_version": version,
        "rabbitmq_version": version,
        "product_name": "RabbitMQ",
        "product_version": version,
        "rabbitmq_definition_format": "cluster",
        "original_cluster_name": broker.cluster_name,
        "users": [view.user(u) for u in metadata.users.values()],
        "vhosts": [
            {"name": v.name, "description": v.description, "tags": list(v.tags), "limits": []}
            for v in metadata.vhosts.values()
        ],
        "permissions": [view.permission(p) for p in metadata.permissions.values()],
        "topic_permissions": [],
        "parameters": [],
        "global_parameters": [{"name": n, "value": v} for n, v in metadata.parameters.items()],
        "policies": [],
        "exchanges": [view.exchange(e) for e in exchanges],
        "queues": [
            {
                "name": q.name,
                "vhost": q.vhost,
                "type": q.type,
                "durable": q.durable,
                "auto_delete": q.auto_delete,
                "arguments": dict(q.arguments),
            }
            for q in queues
        ],
        "bindings": [
            {k: v for k, v in view.binding(b).items() if k != "properties_key"}
            for vhost in vhosts
            for b in metadata.bindings[vhost].values()
        ],
    }


def imported(broker: Broker, user: str, document: Mapping[str, Any]) -> None:
    """Raises AdminError 400 with what is wrong; then nothing has been done."""
    check(broker, document)
    for vhost in document.get("vhosts", ()):
        tags = parse_tags(vhost.get("tags", ()))
        broker.put_vhost(Vhost(vhost["name"], vhost.get("description", ""), tags))
        if (user, vhost["name"]) not in broker.metadata.permissions and user in broker.metadata.users:
            broker.put_permission(Permission(user, vhost["name"], ".*", ".*", ".*"))
    for item in document.get("users", ()):
        broker.put_user(user_of(broker, item))
    for p in document.get("permissions", ()):
        broker.put_permission(Permission(p["user"], p["vhost"], p["configure"], p["write"], p["read"]))
    for parameter in document.get("global_parameters", ()):
        broker.apply(SetParameter(parameter["name"], parameter["value"]))
    for section, declare in TOPOLOGY:
        for item in document.get(section, ()):
            try:
                declare(broker, item)
            except AMQPError as error:
                raise AdminError(
                    400, "bad_request", f"{section}: {item.get('name', '')}: {error.explanation}"
                ) from None


def user_of(broker: Broker, item: Mapping[str, Any]) -> User:
    tags = parse_tags(item.get("tags", ()))
    if "password_hash" in item:
        return User(item["name"], item["password_hash"], item.get("hashing_algorithm", DEFAULT_ALGORITHM), tags)
    return broker.user(item["name"], item.get("password"), tags=tags)


def declare_exchange(broker: Broker, item: Mapping[str, Any]) -> None:
    exchanges = broker.vhosts[item["vhost"]].exchanges
    if item["name"] not in exchanges.declared:
        flags = {flag: item[flag] for flag in ("durable", "auto_delete", "internal") if flag in item}
        exchanges.make(
            Exchange(item["vhost"], item["name"], item["type"], arguments=item.get("arguments", {}), **flags)
        )


def declare_queue(broker: Broker, item: Mapping[str, Any]) -> None:
    vhost = broker.vhosts[item["vhost"]]
    if item["name"] not in vhost.live:
        kind = {"x-queue-type": item["type"]} if item.get("type", "classic") != "classic" else {}
        flags = {flag: item[flag] for flag in ("durable", "auto_delete") if flag in item}
        arguments = {**kind, **item.get("arguments", {})}
        vhost.queues.make(Queue(item["vhost"], item["name"], arguments=arguments, **flags))


def bind(broker: Broker, item: Mapping[str, Any]) -> None:
    if item["source"]:
        kind, key = item.get("destination_type", "queue"), item.get("routing_key", "")
        ends = (item["vhost"], item["source"], item["destination"])
        broker.vhosts[item["vhost"]].bindings.make(Binding(*ends, kind, key, item.get("arguments", {})))


TOPOLOGY: tuple[tuple[str, Callable[[Broker, Mapping[str, Any]], None]], ...] = (
    ("exchanges", declare_exchange),
    ("queues", declare_queue),
    ("bindings", bind),
)
NEEDED = {
    "users": ("name",),
    "vhosts": ("name",),
    "permissions": ("user", "vhost", "configure", "write", "read"),
    "exchanges": ("name", "vhost", "type"),
    "queues": ("name", "vhost"),
    "bindings": ("source", "vhost", "destination"),
    "global_parameters": ("name", "value"),
}


def check(broker: Broker, document: Mapping[str, Any]) -> None:
    """Raises AdminError 400 for a document that could not be imported whole."""
    vhosts = set(broker.metadata.vhosts)
    for section, fields in NEEDED.items():
        items = document.get(section, [])
        if not isinstance(items, list):
            raise AdminError(400, "bad_request", f"{section} must be a list")
        for item in items:
            missing = [f for f in fields if not isinstance(item, dict) or f not in item]
            if missing:
                raise AdminError(400, "bad_request", f"{section}: {', '.join(missing)} missing in {item}")
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


def check_ends(broker: Broker, binding: Mapping[str, Any], names: Mapping[str, set[tuple[str, str]]]) -> None:
    vhost, metadata = binding["vhost"], broker.metadata
    kind = binding.get("destination_type", "queue")
    ends = [(kind, binding["destination"])] + ([("exchange", binding["source"])] if binding["source"] else [])
    for what, name in ends:
        known = metadata.queues if what == "queue" else metadata.exchanges
        predeclared = what == "exchange" and name.startswith("amq.")
        if name not in known.get(vhost, {}) and (vhost, name) not in names[what] and not predeclared:
            raise AdminError(400, "bad_request", f"bindings: no {what} '{name}' in vhost '{vhost}'")
