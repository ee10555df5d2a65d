"""Whether a definitions document can be imported whole: asked before anything of it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from watership.broker import Broker
from watership.broker.exchanges import exchange_fault
from watership.model import limits
from watership.model.arguments import check_queue
from watership.model.errors import AMQPError
from watership.model.names import check_length, describe
from watership.model.permissions import check_expressions
from watership.model.topology import Exchange, Queue
from watership.queues import TYPES as TYPES_OF_QUEUES
from watership.routing import kind_of

from .api import AdminError
from .local.policies import check_parameter, check_policy, policy_value
from .local.users import algorithm, check_password, password_hash
from .local.vhosts import QUEUE_TYPES

NEEDED = {
    "users": ("name",),
    "vhosts": ("name",),
    "permissions": ("user", "vhost", "configure", "write", "read"),
    "topic_permissions": ("user", "vhost", "exchange", "write", "read"),
    "policies": ("name", "vhost", "pattern", "definition"),
    "parameters": ("name", "vhost", "component", "value"),
    "exchanges": ("name", "vhost", "type"),
    "queues": ("name", "vhost"),
    "bindings": ("source", "vhost", "destination"),
    "global_parameters": ("name", "value"),
}
TYPES: tuple[tuple[tuple[str, ...], tuple[type, ...]], ...] = (
    (("name", "vhost", "user", "type", "source", "destination", "destination_type", "routing_key"), (str,)),
    (("configure", "write", "read", "password_hash", "hashing_algorithm", "description"), (str,)),
    (("default_queue_type",), (str,)),
    (("password",), (str, type(None))),
    (("durable", "auto_delete", "internal", "protected_from_deletion"), (bool,)),
    (("arguments", "metadata"), (dict,)),
    (("limits",), (dict, list)),
    (("tags",), (str, list)),
)
PLAIN = {str: "a string", bool: "true or false", dict: "an object", list: "a list", type(None): "null"}


def bad(section: str, text: str) -> AdminError:
    return AdminError(400, "bad_request", f"{section}: {text}")


def check(broker: Broker, document: Mapping[str, Any]) -> None:
    """Raises AdminError 400 for a document that could not be imported whole."""
    check_shapes(document)
    metadata = broker.metadata
    vhosts = metadata.vhosts.keys() | {v["name"] for v in document.get("vhosts", [])}
    users = metadata.users.keys() | {u["name"] for u in document.get("users", [])}
    ends = {
        "exchange": {(x["vhost"], x["name"]) for x in document.get("exchanges", [])},
        "queue": {(q["vhost"], q["name"]) for q in document.get("queues", [])},
    }
    made = {(x["vhost"], x["name"]): of_document(x) for x in document.get("exchanges", [])}
    checks: Mapping[str, Callable[[Any], None]] = {
        "vhosts": check_vhost,
        "users": partial(check_user, broker),
        "permissions": partial(check_permission, users, ("configure", "write", "read"), "permissions"),
        "topic_permissions": partial(check_permission, users, ("write", "read"), "topic_permissions"),
        "policies": check_one_policy,
        "parameters": check_one_parameter,
        "exchanges": check_exchange,
        "queues": check_one_queue,
        "bindings": partial(check_binding, broker, ends, made),
    }
    for section, check_one in checks.items():
        for item in document.get(section, []):
            if "vhost" in item and item["vhost"] not in vhosts:
                raise bad(section, f"vhost '{item['vhost']}' does not exist")
            check_one(item)


def check_shapes(document: Mapping[str, Any]) -> None:
    """Raises AdminError 400 for a section that is no list, an item that lacks a field, a field of a wrong type."""
    for section, fields in NEEDED.items():
        items = document.get(section, [])
        if not isinstance(items, list):
            raise bad(section, "must be a list")
        for item in items:
            missing = [f for f in fields if not isinstance(item, dict) or f not in item]
            if missing:
                raise bad(section, f"{', '.join(missing)} missing in {item}")
            check_types(section, item)
            check_types(section, item.get("metadata", {}))


def check_types(section: str, item: Mapping[str, Any]) -> None:
    """Raises AdminError 400 for a field of the wrong type."""
    for names, kinds in TYPES:
        for name in names:
            if name in item and not isinstance(item[name], kinds):
                expected = " or ".join(PLAIN[kind] for kind in kinds)
                raise bad(section, f"{name} must be {expected} in {item}")


def check_user(broker: Broker, user: dict[str, Any]) -> None:
    with as_invalid("users"):
        if "password_hash" in user:
            password_hash(user)
            algorithm(user)
        elif user.get("password"):
            check_password(broker, user["password"])
    given = user.get("limits") or {}
    if not isinstance(given, dict):
        raise bad("users", f"limits must be an object in {user}")
    if problem := limits.fault(given, limits.USER_LIMITS, "user-limits"):
        raise bad("users", problem)


def check_vhost(vhost: Mapping[str, Any]) -> None:
    kind = {**vhost, **vhost.get("metadata", {})}.get("default_queue_type", "classic")
    if kind not in QUEUE_TYPES:
        raise bad("vhosts", f"{kind} is not a valid queue type")
    items = vhost.get("limits") or {}
    if isinstance(items, list):
        if not all(isinstance(i, dict) and {"name", "value"} <= set(i) for i in items):
            raise bad("vhosts", f"limits must be an object, or a list of names and values, in {vhost}")
        items = {str(i["name"]): i["value"] for i in items}
    if problem := limits.fault(items, limits.VHOST_LIMITS, "limits"):
        raise bad("vhosts", problem)


def check_permission(users: set[str], operations: tuple[str, ...], section: str, permission: Mapping[str, Any]) -> None:
    if permission["user"] not in users:
        raise bad(section, f"user '{permission['user']}' does not exist")
    if problem := check_expressions(**{name: permission[name] for name in operations}):
        raise bad(section, problem)


def check_one_policy(policy: Mapping[str, Any]) -> None:
    with as_invalid("policies"):
        check_policy(policy["vhost"], policy["name"], policy_value(policy), operator=False)


def check_one_parameter(item: Mapping[str, Any]) -> None:
    with as_invalid("parameters"):
        check_parameter(item["vhost"], item["component"], item["name"], item["value"])


def check_exchange(exchange: Mapping[str, Any]) -> None:
    with in_section("exchanges"):
        check_length("exchange", exchange["name"])
    if fault := exchange_fault(of_document(exchange)):
        raise bad("exchanges", fault)


def check_one_queue(queue: Mapping[str, Any]) -> None:
    arguments = queue.get("arguments", {})
    if arguments.get("x-queue-type", queue.get("type")) == "stream":
        resource = describe("queue", queue["name"], queue["vhost"])
        raise bad("queues", f"queue type 'stream' of {resource} is not available in this version; use classic")
    with in_section("queues"):
        check_length("queue", queue["name"])
        check_queue(queue["name"], queue["vhost"], arguments)
        kind = str(arguments.get("x-queue-type", queue.get("type", "classic")))
        if kind in TYPES_OF_QUEUES:
            durable, auto_delete = queue.get("durable", True), queue.get("auto_delete", False)
            TYPES_OF_QUEUES[kind].check(Queue(queue["vhost"], queue["name"], durable, auto_delete=auto_delete))


def of_document(item: Mapping[str, Any]) -> Exchange:
    return Exchange(item["vhost"], item["name"], item["type"], arguments=item.get("arguments", {}))


def check_key(broker: Broker, binding: Mapping[str, Any], new: Exchanges) -> None:
    """Raises AdminError 400 for a binding that its exchange would not take."""
    name = (binding["vhost"], binding["source"])
    source = new.get(name) or broker.metadata.exchanges.get(name[0], {}).get(name[1])
    if source is None or not binding["source"]:
        return
    routing = kind_of(source.type, source.arguments)
    arguments = binding.get("arguments", {})
    if routing is not None and (fault := routing.binding_fault(binding.get("routing_key", ""), arguments)):
        raise bad("bindings", fault)


Ends = Mapping[str, set[tuple[str, str]]]
Exchanges = Mapping[tuple[str, str], Exchange]


def check_binding(broker: Broker, names: Ends, made: Exchanges, binding: Mapping[str, Any]) -> None:
    """names, made: what the document itself declares."""
    vhost, metadata = binding["vhost"], broker.metadata
    kind = binding.get("destination_type", "queue")
    if kind not in names:
        raise bad("bindings", f"destination_type must be queue or exchange, not '{kind}'")
    with in_section("bindings"):
        check_length("routing key", binding.get("routing_key", ""))
    ends = [(kind, binding["destination"])] + ([("exchange", binding["source"])] if binding["source"] else [])
    for what, name in ends:
        known = metadata.queues if what == "queue" else metadata.exchanges
        predeclared = what == "exchange" and name.startswith("amq.")
        if name not in known.get(vhost, {}) and (vhost, name) not in names[what] and not predeclared:
            raise bad("bindings", f"no {describe(what, name, vhost)}")
    check_key(broker, binding, made)


@contextmanager
def as_invalid(section: str) -> Iterator[None]:
    """What a verb would refuse inside is said of the section."""
    try:
        yield
    except AdminError as error:
        raise bad(section, error.reason.strip()) from None


@contextmanager
def in_section(section: str) -> Iterator[None]:
    """What the broker refuses inside is said of the section."""
    try:
        yield
    except AMQPError as error:
        raise bad(section, error.explanation) from None
    except RecursionError:
        raise bad(section, "arguments are nested too deeply") from None
