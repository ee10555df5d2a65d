"""The verbs of the admin protocol: name, route, who may use it, what it does. Everything else is derived from this table.

Paths, fields and status codes are those of RabbitMQ's management API; `snapshot` is ours. A verb's parameters are the words in
its path, in their order; verbs with a body take it last. `get` and `list` verbs give what the route's body is; `put` verbs
give whether the object is new; `delete` verbs give nothing; `post` verbs what their doc says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

Json = dict[str, object]
Tag = Literal["none", "management", "policymaker", "monitoring", "administrator"]


class AdminError(Exception):
    """The broker refused. status as HTTP has it; reason in the broker's own words."""

    def __init__(self, status: int, error: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason


class Unreachable(Exception):
    """A sentence about why there was no answer."""


class Snapshot(TypedDict):
    """Everything that is declared, in one answer. Predeclared exchanges and the default exchange's bindings are left out."""

    product_version: str
    node: str
    cluster_name: str
    vhosts: list[Json]
    users: list[Json]
    permissions: list[Json]
    exchanges: list[Json]
    queues: list[Json]
    bindings: list[Json]


@dataclass(frozen=True)
class Verb:
    name: str
    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    tag: Tag
    doc: str
    body: bool = False
    options: tuple[str, ...] = ()  # names that may stand in the query; true when present

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


VERBS: tuple[Verb, ...] = (
    Verb("get_overview", "GET", "/overview", "management", "versions, totals, listeners"),
    Verb("whoami", "GET", "/whoami", "management", "name and tags of the user who asks"),
    Verb("get_cluster_name", "GET", "/cluster-name", "management", "the cluster's name"),
    Verb("put_cluster_name", "PUT", "/cluster-name", "administrator", "renames the cluster", body=True),
    Verb("list_nodes", "GET", "/nodes", "monitoring", "every node, with memory, disk and descriptors"),
    Verb("get_node", "GET", "/nodes/{node}", "monitoring", "one node"),
    Verb("snapshot", "GET", "/snapshot", "administrator", "everything that is declared, in one answer"),
    Verb("get_definitions", "GET", "/definitions", "administrator", "definitions.json of the cluster"),
    Verb("post_definitions", "POST", "/definitions", "administrator", "imports definitions; never deletes", body=True),
    Verb("list_vhosts", "GET", "/vhosts", "management", "vhosts that the user sees"),
    Verb("get_vhost", "GET", "/vhosts/{vhost}", "management", "one vhost"),
    Verb(
        "put_vhost", "PUT", "/vhosts/{vhost}", "administrator", "makes a vhost; its maker may do all in it", body=True
    ),
    Verb("delete_vhost", "DELETE", "/vhosts/{vhost}", "administrator", "deletes a vhost and all in it"),
    Verb("list_users", "GET", "/users", "administrator", "users with tags and password hashes"),
    Verb("get_user", "GET", "/users/{user}", "administrator", "one user"),
    Verb("put_user", "PUT", "/users/{user}", "administrator", "password or password_hash, and tags", body=True),
    Verb("delete_user", "DELETE", "/users/{user}", "administrator", "deletes a user; its connections are closed"),
    Verb("list_permissions", "GET", "/permissions", "administrator", "permissions of all users"),
    Verb("get_permission", "GET", "/permissions/{vhost}/{user}", "administrator", "one user's permissions in a vhost"),
    Verb("put_permission", "PUT", "/permissions/{vhost}/{user}", "administrator", "configure, write, read", body=True),
    Verb("delete_permission", "DELETE", "/permissions/{vhost}/{user}", "administrator", "takes them back"),
    Verb("list_exchanges", "GET", "/exchanges", "management", "exchanges of all vhosts"),
    Verb("list_vhost_exchanges", "GET", "/exchanges/{vhost}", "management", "exchanges of one vhost"),
    Verb("get_exchange", "GET", "/exchanges/{vhost}/{exchange}", "management", "one exchange"),
    Verb("put_exchange", "PUT", "/exchanges/{vhost}/{exchange}", "management", "declares an exchange", body=True),
    Verb(
        "delete_exchange", "DELETE", "/exchanges/{vhost}/{exchange}", "management", "deletes it", options=("if-unused",)
    ),
    Verb(
        "publish",
        "POST",
        "/exchanges/{vhost}/{exchange}/publish",
        "management",
        "properties, routing_key, payload, payload_encoding; gives {routed}",
        body=True,
    ),
    Verb("list_queues", "GET", "/queues", "management", "queues of all vhosts"),
    Verb("list_vhost_queues", "GET", "/queues/{vhost}", "management", "queues of one vhost"),
    Verb("get_queue", "GET", "/queues/{vhost}/{queue}", "management", "one queue"),
    Verb("put_queue", "PUT", "/queues/{vhost}/{queue}", "management", "declares a queue", body=True),
    Verb(
        "delete_queue",
        "DELETE",
        "/queues/{vhost}/{queue}",
        "management",
        "deletes a queue with its messages",
        options=("if-unused", "if-empty"),
    ),
    Verb("purge_queue", "DELETE", "/queues/{vhost}/{queue}/contents", "management", "drops its ready messages"),
    Verb("list_queue_bindings", "GET", "/queues/{vhost}/{queue}/bindings", "management", "bindings to a queue"),
    Verb("list_bindings", "GET", "/bindings", "management", "bindings of all vhosts"),
    Verb("list_vhost_bindings", "GET", "/bindings/{vhost}", "management", "bindings of one vhost"),
    Verb(
        "post_binding",
        "POST",
        "/bindings/{vhost}/e/{source}/{kind}/{destination}",
        "management",
        "routing_key and arguments; kind is q or e; gives the binding's properties_key",
        body=True,
    ),
    Verb(
        "delete_binding",
        "DELETE",
        "/bindings/{vhost}/e/{source}/{kind}/{destination}/{properties_key}",
        "management",
        "unbinds",
    ),
    Verb("list_connections", "GET", "/connections", "management", "AMQP connections"),
    Verb("delete_connection", "DELETE", "/connections/{connection}", "management", "closes a connection (320)"),
    Verb("list_channels", "GET", "/channels", "management", "channels of all connections"),
    Verb("list_consumers", "GET", "/consumers", "management", "consumers of all queues"),
    Verb("check_alarms", "GET", "/health/checks/alarms", "management", "no alarm is in effect"),
    Verb("check_local_alarms", "GET", "/health/checks/local-alarms", "management", "none on this node"),
    Verb("check_virtual_hosts", "GET", "/health/checks/virtual-hosts", "management", "every vhost runs"),
    Verb("check_port_listener", "GET", "/health/checks/port-listener/{port}", "management", "something listens there"),
    Verb(
        "check_protocol_listener", "GET", "/health/checks/protocol-listener/{protocol}", "management", "amqp is served"
    ),
    Verb("check_is_in_service", "GET", "/health/checks/is-in-service", "management", "not in maintenance"),
    Verb("check_ready", "GET", "/health/checks/ready-to-serve-clients", "management", "clients are served"),
    Verb(
        "check_cluster_size", "GET", "/health/checks/reached-target-cluster-size", "management", "all nodes are there"
    ),
    Verb("check_quorum_critical", "GET", "/health/checks/node-is-quorum-critical", "management", "may this node stop?"),
)
BY_NAME = {verb.name: verb for verb in VERBS}
