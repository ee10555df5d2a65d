"""The verbs of the admin protocol: name, route, who may use it, what it does. All else is derived from this table.

Paths, fields and status codes are those of RabbitMQ's management API; `snapshot` is ours. A verb's parameters are the
words in its path, in their order; verbs with a body take it last. `get` and `list` verbs give what the route's body is;
`put` verbs give whether the object is new; `delete` verbs give nothing; `post` verbs what their doc says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict

Json = dict[str, object]
MARK = "X-Watership-Mark"  # the header that tells a backup's mark
Tag = Literal["none", "management", "policymaker", "monitoring", "administrator"]


class AdminError(Exception):
    """The broker refused. status as HTTP has it; reason in the broker's words; fields: what else the answer says."""

    OWN = ("status", "error", "reason", "self")

    def __init__(self, status: int, error: str, reason: str, **fields: object) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason
        self.fields = fields


class Unreachable(Exception):
    """A sentence about why there was no answer."""


class Backup(Protocol):
    """A tar of the data directory, piece by piece. mark: the log's position; what was confirmed before is in it."""

    mark: int

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def close(self) -> None:
        """Also when it was not read to its end."""


class Snapshot(TypedDict):
    """Everything that is declared, without predeclared exchanges and the default exchange's bindings.

    revision: watching since then misses nothing; "" where nothing can be watched.
    """

    revision: str
    product_version: str
    node: str
    cluster_name: str
    vhosts: list[Json]
    users: list[Json]
    permissions: list[Json]
    topic_permissions: list[Json]
    policies: list[Json]
    operator_policies: list[Json]
    limits: list[Json]
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
    pages: bool = False  # a list that can be asked for page by page
    text: bool = False  # answers plain text
    stream: bool = False  # answers octets, piece by piece
    asked: bool = False  # a POST that answers 200 with what was asked for
    feed: bool = False  # answers server-sent events for as long as anyone reads

    @property
    def endless(self) -> bool:
        return self.feed or self.stream

    @property
    def kind(self) -> str:
        """The media type of what it answers."""
        if self.feed:
            return "text/event-stream"
        if self.stream:
            return "application/x-tar"
        return "text/plain" if self.text else "application/json"

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


V = "/vhosts/{vhost}"
M = "/queues/quorum/{vhost}/{queue}"
X = "/exchanges/{vhost}/{exchange}"
Q = "/queues/{vhost}/{queue}"
B = "/bindings/{vhost}/e/{source}/{kind}/{destination}"
P = "/policies/{vhost}/{policy}"
O = "/operator-policies/{vhost}/{policy}"  # noqa: E741
R = "/parameters/{component}/{vhost}/{name}"
T = "/topic-permissions/{vhost}/{user}"
CHECKS = "/health/checks"
L = f"{CHECKS}/quorum-queues-without-elected-leaders"
VERBS: tuple[Verb, ...] = (
    # The node and the cluster
    Verb("get_overview", "GET", "/overview", "management", "versions, totals, listeners"),
    Verb("get_version", "GET", "/version", "none", "the version, as a string"),
    Verb("whoami", "GET", "/whoami", "management", "name and tags of the user who asks"),
    Verb("get_cluster_name", "GET", "/cluster-name", "management", "the cluster's name"),
    Verb("put_cluster_name", "PUT", "/cluster-name", "administrator", "renames the cluster", body=True),
    Verb("list_nodes", "GET", "/nodes", "monitoring", "every node, with memory, disk and descriptors"),
    Verb("get_node", "GET", "/nodes/{node}", "monitoring", "one node"),
    Verb("list_extensions", "GET", "/extensions", "management", "of the management UI: none"),
    Verb("list_feature_flags", "GET", "/feature-flags", "management", "RabbitMQ's, all enabled"),
    Verb("enable_feature_flag", "PUT", "/feature-flags/{flag}/enable", "administrator", "was enabled", body=True),
    Verb("list_deprecated_features", "GET", "/deprecated-features", "management", "what clients may rely on still"),
    Verb("list_used_deprecated_features", "GET", "/deprecated-features/used", "management", "those that are in use"),
    Verb("rebalance_queues", "POST", "/rebalance/queues", "administrator", "one node leads every queue", body=True),
    Verb("reset_statistics", "DELETE", "/reset", "administrator", "forgets the samples, not the totals"),
    Verb("reset_node_statistics", "DELETE", "/reset/{node}", "administrator", "the same"),
    Verb(
        "get_effective_config",
        "GET",
        "/config/effective",
        "administrator",
        "rabbitmq.conf as it is in effect",
        text=True,
    ),
    Verb("put_config", "PUT", "/config/effective/{key}", "administrator", "{value}, until the restart", body=True),
    Verb("reload_config", "POST", "/config/reload", "administrator", "reads rabbitmq.conf again, as SIGHUP does"),
    Verb("rotate_logs", "POST", "/logs/rotate", "administrator", "opens the log file anew"),
    Verb("drain_node", "POST", "/nodes/{node}/drain", "administrator", "maintenance: listeners and clients closed"),
    Verb("revive_node", "POST", "/nodes/{node}/revive", "administrator", "ends maintenance"),
    Verb("suspend_listeners", "POST", "/nodes/{node}/listeners/suspend", "administrator", "no new AMQP clients"),
    Verb("resume_listeners", "POST", "/nodes/{node}/listeners/resume", "administrator", "new AMQP clients again"),
    Verb("get_node_memory", "GET", "/nodes/{node}/memory", "monitoring", "octets by what they are used for"),
    Verb("backup", "GET", "/backup", "administrator", "a consistent copy of the data, as a tar", stream=True),
    # Logging in
    Verb("login", "POST", "/login", "none", "username, password; gives who it is", body=True, asked=True),
    Verb("logout", "DELETE", "/login", "none", "there is no session to end"),
    Verb("get_auth", "GET", "/auth", "none", "how the UI logs in"),
    Verb("hash_password", "GET", "/auth/hash_password/{password}", "administrator", "{ok: its salted hash}"),
    Verb("list_attempts", "GET", "/auth/attempts/{node}", "monitoring", "logins by protocol"),
    Verb("list_attempts_by_source", "GET", "/auth/attempts/{node}/source", "monitoring", "logins by peer address"),
    Verb("reset_attempts", "DELETE", "/auth/attempts/{node}", "monitoring", "counts from 0 again"),
    Verb("reset_attempts_by_source", "DELETE", "/auth/attempts/{node}/source", "monitoring", "the same by address"),
    Verb("list_certificates", "GET", "/certificates", "monitoring", "what the TLS listeners serve, until when"),
    # The topology at once
    Verb("snapshot", "GET", "/snapshot", "administrator", "everything that is declared, in one answer"),
    Verb("snapshot_vhost", "GET", "/snapshot/{vhost}", "administrator", "the same of one vhost"),
    Verb("watch", "GET", "/events", "management", "changes as they happen; since or Last-Event-ID: a place", feed=True),
    Verb("get_definitions", "GET", "/definitions", "administrator", "definitions.json of the cluster"),
    Verb("post_definitions", "POST", "/definitions", "administrator", "imports definitions; never deletes", body=True),
    Verb("get_all_configuration", "GET", "/all-configuration", "administrator", "the same as definitions"),
    Verb("post_all_configuration", "POST", "/all-configuration", "administrator", "the same as definitions", body=True),
    Verb("get_vhost_definitions", "GET", "/definitions/{vhost}", "administrator", "definitions.json of one vhost"),
    Verb("post_vhost_definitions", "POST", "/definitions/{vhost}", "administrator", "imports into a vhost", body=True),
    # Vhosts
    Verb("list_vhosts", "GET", "/vhosts", "management", "vhosts that the user sees"),
    Verb("get_vhost", "GET", "/vhosts/{vhost}", "administrator", "one vhost"),
    Verb("put_vhost", "PUT", "/vhosts/{vhost}", "administrator", "its maker may do all in a new one", body=True),
    Verb("delete_vhost", "DELETE", "/vhosts/{vhost}", "administrator", "deletes a vhost and all in it"),
    Verb("start_vhost", "POST", "/vhosts/{vhost}/start/{node}", "administrator", "it runs already"),
    Verb("protect_vhost", "POST", f"{V}/deletion/protection", "administrator", "refuses to delete it from now on"),
    Verb("unprotect_vhost", "DELETE", f"{V}/deletion/protection", "administrator", "lets it be deleted again"),
    Verb("list_vhost_permissions", "GET", "/vhosts/{vhost}/permissions", "administrator", "who may do what in a vhost"),
    Verb("list_vhost_connections", "GET", "/vhosts/{vhost}/connections", "management", "AMQP connections to a vhost"),
    Verb("list_vhost_channels", "GET", f"{V}/channels", "management", "channels in a vhost"),
    # Users
    Verb("list_users", "GET", "/users", "administrator", "users with tags and password hashes", pages=True),
    Verb("list_users_without_permissions", "GET", "/users/without-permissions", "administrator", "users without any"),
    Verb("delete_users", "POST", "/users/bulk-delete", "administrator", "{users: [names]}", body=True),
    Verb("get_user", "GET", "/users/{user}", "administrator", "one user"),
    Verb("put_user", "PUT", "/users/{user}", "administrator", "password or password_hash, and tags", body=True),
    Verb("delete_user", "DELETE", "/users/{user}", "administrator", "deletes a user; its connections are closed"),
    Verb("list_user_queues", "GET", "/users/{user}/queues", "management", "exclusive queues of a user's connections"),
    Verb("list_user_permissions", "GET", "/users/{user}/permissions", "administrator", "what a user may do where"),
    # Permissions
    Verb("list_permissions", "GET", "/permissions", "administrator", "permissions of all users"),
    Verb("get_permission", "GET", "/permissions/{vhost}/{user}", "administrator", "one user's permissions in a vhost"),
    Verb("put_permission", "PUT", "/permissions/{vhost}/{user}", "administrator", "configure, write, read", body=True),
    Verb("delete_permission", "DELETE", "/permissions/{vhost}/{user}", "administrator", "takes them back"),
    Verb("list_topic_permissions", "GET", "/topic-permissions", "administrator", "of all users"),
    Verb("list_user_vhost_topic_permissions", "GET", T, "administrator", "one user's in one vhost"),
    Verb("get_topic_permissions", "GET", f"{T}/{{exchange}}", "administrator", "the same for one exchange, as a list"),
    Verb("put_topic_permission", "PUT", T, "administrator", "exchange, write, read", body=True),
    Verb("delete_topic_permissions", "DELETE", T, "administrator", "takes them back for all exchanges"),
    Verb("delete_topic_permission", "DELETE", f"{T}/{{exchange}}", "administrator", "takes it back"),
    Verb("list_vhost_topic_permissions", "GET", "/vhosts/{vhost}/topic-permissions", "administrator", "of a vhost"),
    Verb("list_user_topic_permissions", "GET", "/users/{user}/topic-permissions", "administrator", "of a user"),
    # Policies
    Verb("list_policies", "GET", "/policies", "management", "policies of all vhosts"),
    Verb("list_vhost_policies", "GET", "/policies/{vhost}", "management", "policies of one vhost"),
    Verb("get_policy", "GET", P, "policymaker", "one policy"),
    Verb("put_policy", "PUT", P, "policymaker", "pattern, definition, priority, apply-to", body=True),
    Verb("delete_policy", "DELETE", P, "policymaker", "deletes a policy"),
    Verb("list_operator_policies", "GET", "/operator-policies", "management", "operator policies of all vhosts"),
    Verb("list_vhost_operator_policies", "GET", "/operator-policies/{vhost}", "management", "of one vhost"),
    Verb("get_operator_policy", "GET", O, "administrator", "one operator policy"),
    Verb("put_operator_policy", "PUT", O, "administrator", "as a policy; may only limit", body=True),
    Verb("delete_operator_policy", "DELETE", O, "administrator", "deletes an operator policy"),
    # Parameters and limits
    Verb("list_parameters", "GET", "/parameters", "policymaker", "runtime parameters of all vhosts"),
    Verb("list_component_parameters", "GET", "/parameters/{component}", "policymaker", "those of one component"),
    Verb("list_vhost_parameters", "GET", "/parameters/{component}/{vhost}", "policymaker", "those in one vhost"),
    Verb("get_parameter", "GET", R, "policymaker", "one parameter"),
    Verb("put_parameter", "PUT", R, "policymaker", "{value}", body=True),
    Verb("delete_parameter", "DELETE", R, "policymaker", "deletes a parameter"),
    Verb("list_global_parameters", "GET", "/global-parameters", "policymaker", "parameters of the cluster"),
    Verb("get_global_parameter", "GET", "/global-parameters/{name}", "policymaker", "one of them"),
    Verb("put_global_parameter", "PUT", "/global-parameters/{name}", "policymaker", "{value}", body=True),
    Verb("delete_global_parameter", "DELETE", "/global-parameters/{name}", "policymaker", "deletes one"),
    Verb("list_vhost_limits", "GET", "/vhost-limits", "management", "limits of all vhosts that have any"),
    Verb("get_vhost_limits", "GET", "/vhost-limits/{vhost}", "management", "one vhost's, as a list"),
    Verb("put_vhost_limit", "PUT", "/vhost-limits/{vhost}/{name}", "administrator", "{value}", body=True),
    Verb("delete_vhost_limit", "DELETE", "/vhost-limits/{vhost}/{name}", "administrator", "lifts a limit"),
    Verb("list_user_limits", "GET", "/user-limits", "administrator", "limits of all users that have any"),
    Verb("get_user_limits", "GET", "/user-limits/{user}", "management", "one user's, as a list; one's own, or of all"),
    Verb("put_user_limit", "PUT", "/user-limits/{user}/{name}", "administrator", "{value}", body=True),
    Verb("delete_user_limit", "DELETE", "/user-limits/{user}/{name}", "administrator", "lifts a limit"),
    # Exchanges
    Verb("list_exchanges", "GET", "/exchanges", "management", "exchanges of all vhosts", pages=True),
    Verb("list_vhost_exchanges", "GET", "/exchanges/{vhost}", "management", "exchanges of one vhost", pages=True),
    Verb("get_exchange", "GET", X, "management", "one exchange"),
    Verb("put_exchange", "PUT", X, "management", "declares an exchange", body=True),
    Verb("delete_exchange", "DELETE", X, "management", "deletes an exchange", options=("if-unused",)),
    Verb(
        "publish", "POST", f"{X}/publish", "management", "publishes one message; gives {routed}", body=True, asked=True
    ),
    Verb("list_exchange_bindings", "GET", f"{X}/bindings/{{end}}", "management", "as its source or destination"),
    # Queues
    Verb("list_queues", "GET", "/queues", "management", "queues of all vhosts", pages=True),
    Verb("list_detailed_queues", "GET", "/queues/detailed", "management", "with all fields", pages=True),
    Verb("list_vhost_queues", "GET", "/queues/{vhost}", "management", "queues of one vhost", pages=True),
    Verb("get_queue", "GET", Q, "management", "one queue"),
    Verb("put_queue", "PUT", Q, "management", "declares a queue", body=True),
    Verb("delete_queue", "DELETE", Q, "management", "deletes a queue", options=("if-unused", "if-empty")),
    Verb("purge_queue", "DELETE", f"{Q}/contents", "management", "drops its ready messages"),
    Verb("get_messages", "POST", f"{Q}/get", "management", "count, ackmode, encoding, truncate", body=True, asked=True),
    Verb("act_on_queue", "POST", f"{Q}/actions", "management", "no action is known", body=True),
    Verb("get_quorum_status", "GET", "/queues/quorum/{vhost}/{queue}/status", "management", "members and their state"),
    Verb("add_quorum_replica", "POST", f"{M}/replicas/add", "administrator", "{node: name}", body=True),
    Verb("delete_quorum_replica", "DELETE", f"{M}/replicas/delete", "administrator", "{node: name}", body=True),
    Verb(
        "grow_quorum_queues",
        "POST",
        "/queues/quorum/replicas/on/{node}/grow",
        "administrator",
        "a node of all",
        body=True,
    ),
    Verb(
        "shrink_quorum_queues", "DELETE", "/queues/quorum/replicas/on/{node}/shrink", "administrator", "no node of any"
    ),
    Verb("list_queue_bindings", "GET", f"{Q}/bindings", "management", "bindings to a queue"),
    # Bindings; kind is q or e, a queue or an exchange as destination
    Verb("list_bindings", "GET", "/bindings", "management", "bindings of all vhosts"),
    Verb("list_vhost_bindings", "GET", "/bindings/{vhost}", "management", "bindings of one vhost"),
    Verb("list_bindings_between", "GET", B, "management", "bindings of one pair"),
    Verb("post_binding", "POST", B, "management", "routing_key, arguments; gives its properties_key", body=True),
    Verb("get_binding", "GET", f"{B}/{{properties_key}}", "management", "one binding"),
    Verb("delete_binding", "DELETE", f"{B}/{{properties_key}}", "management", "unbinds"),
    # Connections
    Verb("list_connections", "GET", "/connections", "management", "AMQP connections", pages=True),
    Verb("list_user_connections", "GET", "/connections/username/{user}", "management", "those of a user, in short"),
    Verb("delete_user_connections", "DELETE", "/connections/username/{user}", "administrator", "closes all of a user"),
    Verb("get_connection", "GET", "/connections/{connection}", "management", "one AMQP connection"),
    Verb("delete_connection", "DELETE", "/connections/{connection}", "management", "closes a connection (320)"),
    Verb("list_connection_channels", "GET", "/connections/{connection}/channels", "management", "its channels"),
    Verb("list_sessions", "GET", "/connections/{connection}/sessions", "management", "of AMQP 1.0; there are none"),
    Verb("list_channels", "GET", "/channels", "management", "channels of all connections", pages=True),
    Verb("get_channel", "GET", "/channels/{channel}", "management", "one channel, with its consumers"),
    Verb("list_consumers", "GET", "/consumers", "management", "consumers of all queues"),
    Verb("list_vhost_consumers", "GET", "/consumers/{vhost}", "management", "consumers of one vhost's queues"),
    # Health: {status: ok}, or 503
    Verb("check_alarms", "GET", f"{CHECKS}/alarms", "management", "no alarm is in effect"),
    Verb("check_local_alarms", "GET", f"{CHECKS}/local-alarms", "management", "none on this node"),
    Verb("check_virtual_hosts", "GET", f"{CHECKS}/virtual-hosts", "management", "every vhost runs"),
    Verb("check_port_listener", "GET", f"{CHECKS}/port-listener/{{port}}", "management", "something listens there"),
    Verb("check_protocol_listener", "GET", f"{CHECKS}/protocol-listener/{{protocol}}", "management", "it is served"),
    Verb("check_is_in_service", "GET", f"{CHECKS}/is-in-service", "none", "not in maintenance"),
    Verb("check_ready", "GET", f"{CHECKS}/ready-to-serve-clients", "none", "clients are served"),
    Verb("check_connection_limit", "GET", f"{CHECKS}/below-node-connection-limit", "none", "more may connect"),
    Verb("check_cluster_size", "GET", f"{CHECKS}/reached-target-cluster-size", "none", "all nodes are there"),
    Verb("check_quorum_critical", "GET", f"{CHECKS}/node-is-quorum-critical", "management", "may this node stop?"),
    Verb("check_metadata", "GET", f"{CHECKS}/metadata-store/initialized", "management", "metadata is loaded"),
    Verb("check_metadata_data", "GET", f"{CHECKS}/metadata-store/initialized/with-data", "management", "and not empty"),
    Verb("check_leaders", "GET", f"{L}/all-vhosts", "management", "every quorum queue has a leader"),
    Verb("check_matching_leaders", "GET", f"{L}/all-vhosts/pattern/{{pattern}}", "management", "those of that name"),
    Verb("check_vhost_leaders", "GET", f"{L}/vhost/{{vhost}}", "management", "those of one vhost"),
    Verb("check_vhost_matching_leaders", "GET", f"{L}/vhost/{{vhost}}/pattern/{{pattern}}", "management", "both"),
    Verb("check_node", "GET", "/healthchecks/node", "management", "an older way to ask whether a node is well"),
    Verb("check_named_node", "GET", "/healthchecks/node/{node}", "management", "the same"),
    Verb(
        "check_certificate_expiration",
        "GET",
        f"{CHECKS}/certificate-expiration/{{within}}/{{unit}}",
        "management",
        "no certificate in use ends that soon",
    ),
    Verb("check_aliveness", "GET", "/aliveness-test/{vhost}", "management", "an older way to ask for a vhost's health"),
)
BY_NAME = {verb.name: verb for verb in VERBS}
