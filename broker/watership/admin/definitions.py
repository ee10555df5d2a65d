"""definitions.json: the whole topology as one document, out and in (RabbitMQ's formats).

Importing adds and overwrites users, permissions and vhosts; it never deletes, and never redefines an exchange or queue.
A document that cannot be imported is refused before anything of it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from watership.broker import Broker
from watership.broker.metadata import LIMITS, POLICY, is_durable, is_predeclared
from watership.model.commands import PutTopicPermission, SetParameter
from watership.model.errors import AMQPError
from watership.model.permissions import Permission, TopicPermission
from watership.model.topology import Binding, Exchange, Queue, Vhost
from watership.model.users import DEFAULT_ALGORITHM, User, parse_tags

from . import view
from .api import AdminError, Json
from .definitions_check import check
from .local.policies import policy_value

DIGEST = "imported_definition_hash_value"  # a global parameter: of what was imported at the last start
INTERNAL = "internal_"  # global parameters whose names begin so are of one cluster alone


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
        "explanation": f"Definitions of cluster '{broker.cluster_name}'",
        "original_cluster_name": broker.cluster_name,
        "users": [view.user(u) for u in metadata.users.values()],
        "vhosts": [
            {"name": v.name, "metadata": view.vhost_metadata(v), "limits": metadata.limits(v.name)}
            for v in metadata.vhosts.values()
        ],
        "permissions": [view.permission(p) for p in metadata.permissions.values()],
        "topic_permissions": [view.topic_permission(p) for p in metadata.topic_permissions.values()],
        "parameters": [
            view.parameter(vhost, component, name, value)
            for (vhost, component, name), value in metadata.vhost_parameters.items()
            if component != POLICY
        ],
        "global_parameters": [
            {"name": n, "value": v}
            for n, v in metadata.parameters.items()
            if n != DIGEST and not n.startswith(INTERNAL)
        ],
        "policies": [view.policy(p) for v in vhosts for p in metadata.policies(v)],
        "exchanges": [without(view.exchange(e), "user_who_performed_action") for e in exchanges],
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
            without(view.binding(b), "properties_key") for vhost in vhosts for b in metadata.bindings[vhost].values()
        ],
    }


def exported_vhost(broker: Broker, version: str, vhost: str) -> Json:
    """Format `single_virtual_host`: no object in it names its vhost."""
    everything = exported(broker, version)
    own: Json = {
        section: [without(item, "vhost") for item in cast("list[Json]", everything[section]) if item["vhost"] == vhost]
        for section in IN_VHOST
    }
    declared = broker.metadata.vhosts[vhost]
    explanation = f"Definitions of virtual host '{vhost}'"
    about = {
        "explanation": explanation,
        "description": declared.description,
        "original_vhost_name": vhost,
        "metadata": view.vhost_metadata(declared),
        "limits": broker.metadata.limits(vhost),
    }
    head = {k: v for k, v in everything.items() if k.startswith(("rabbit", "product"))}
    return {**head, "rabbitmq_definition_format": "single_virtual_host", **about, **own}


def without(item: Json, field: str) -> Json:
    return {k: v for k, v in item.items() if k != field}


def in_vhost(vhost: str, document: Mapping[str, Any]) -> Json:
    """A document of one vhost as one of a cluster. Raises AdminError 400."""
    for section in IN_VHOST:
        items = document.get(section, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise AdminError(400, "bad_request", f"{section} must be a list of objects")
    return {section: [{**item, "vhost": vhost} for item in document.get(section, [])] for section in IN_VHOST}


def imported(broker: Broker, user: str, document: Mapping[str, Any]) -> None:
    """Raises AdminError 400 with what is wrong; then nothing has been done."""
    check(broker, document)
    for section, take in SECTIONS:
        for item in document.get(section, ()):
            try:
                take(broker, item)
            except AMQPError as error:
                raise AdminError(
                    400, "bad_request", f"{section}: {item.get('name', '')}: {error.explanation}"
                ) from None
        if section == "vhosts" and user in broker.metadata.users:
            for vhost in document.get("vhosts", ()):
                if (user, vhost["name"]) not in broker.metadata.permissions:
                    broker.put_permission(Permission(user, vhost["name"], ".*", ".*", ".*"))


def put_vhost(broker: Broker, item: Mapping[str, Any]) -> None:
    about = {**item, **item.get("metadata", {})}
    broker.put_vhost(
        Vhost(
            item["name"],
            about.get("description", ""),
            parse_tags(about.get("tags", ())),
            about.get("default_queue_type", "classic"),
            protected_from_deletion=about.get("protected_from_deletion", False),
        )
    )
    if limits := limits_of(item):
        broker.set_parameter(item["name"], LIMITS, "limits", limits)


def limits_of(vhost: Mapping[str, Any]) -> dict[str, Any]:
    """Of a vhost: an object, or a list of names and values in older documents. Raises TypeError, KeyError."""
    given = vhost.get("limits") or {}
    return dict(given) if isinstance(given, dict) else {limit["name"]: limit["value"] for limit in given}


def put_user(broker: Broker, item: Mapping[str, Any]) -> None:
    tags, limits = parse_tags(item.get("tags", ())), item.get("limits") or {}
    if "password_hash" in item:
        algorithm = item.get("hashing_algorithm", DEFAULT_ALGORITHM)
        broker.put_user(User(item["name"], item["password_hash"], algorithm, tags, limits))
    else:
        broker.put_user(replace(broker.user(item["name"], item.get("password"), tags=tags), limits=limits))


def put_permission(broker: Broker, p: Mapping[str, Any]) -> None:
    broker.put_permission(Permission(p["user"], p["vhost"], p["configure"], p["write"], p["read"]))


def put_topic_permission(broker: Broker, p: Mapping[str, Any]) -> None:
    broker.apply(PutTopicPermission(TopicPermission(p["user"], p["vhost"], p["exchange"], p["write"], p["read"])))


def put_global_parameter(broker: Broker, item: Mapping[str, Any]) -> None:
    broker.apply(SetParameter(item["name"], item["value"]))


def put_policy(broker: Broker, item: Mapping[str, Any]) -> None:
    broker.set_parameter(item["vhost"], POLICY, item["name"], policy_value(item))


def put_parameter(broker: Broker, item: Mapping[str, Any]) -> None:
    broker.set_parameter(item["vhost"], item["component"], item["name"], item["value"])


def declare_exchange(broker: Broker, item: Mapping[str, Any]) -> None:
    exchanges = broker.vhosts[item["vhost"]].exchanges
    if item["name"] not in exchanges.declared:
        flags = {flag: item[flag] for flag in ("durable", "auto_delete", "internal") if flag in item}
        exchanges.make(
            Exchange(item["vhost"], item["name"], item["type"], arguments=item.get("arguments", {}), **flags)
        )


def queue_type(item: Mapping[str, Any]) -> str:
    return str(item.get("arguments", {}).get("x-queue-type", item.get("type", "classic")))


def declare_queue(broker: Broker, item: Mapping[str, Any]) -> None:
    vhost = broker.vhosts[item["vhost"]]
    if item["name"] not in vhost.live:
        kind = {"x-queue-type": queue_type(item)} if queue_type(item) != "classic" else {}
        flags = {flag: item[flag] for flag in ("durable", "auto_delete") if flag in item}
        arguments = {**kind, **item.get("arguments", {})}
        vhost.queues.make(Queue(item["vhost"], item["name"], arguments=arguments, **flags))


def bind(broker: Broker, item: Mapping[str, Any]) -> None:
    if item["source"]:
        kind, key = item.get("destination_type", "queue"), item.get("routing_key", "")
        ends = (item["vhost"], item["source"], item["destination"])
        broker.vhosts[item["vhost"]].bindings.make(Binding(*ends, kind, key, item.get("arguments", {})))


IN_VHOST = ("parameters", "policies", "exchanges", "queues", "bindings")
SECTIONS: tuple[tuple[str, Callable[[Broker, Mapping[str, Any]], None]], ...] = (  # in the order of their dependence
    ("vhosts", put_vhost),
    ("users", put_user),
    ("permissions", put_permission),
    ("topic_permissions", put_topic_permission),
    ("global_parameters", put_global_parameter),
    ("policies", put_policy),
    ("parameters", put_parameter),
    ("exchanges", declare_exchange),
    ("queues", declare_queue),
    ("bindings", bind),
)
