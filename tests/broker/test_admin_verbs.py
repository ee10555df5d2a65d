"""Every verb of the admin protocol, done in a broker here and over HTTP in a broker process: with the same results."""

from __future__ import annotations

import asyncio
import io
import socket
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.broker.process import Broker as BrokerProcess

from watership.admin.api import BY_NAME, AdminError
from watership.admin.client import Client
from watership.admin.local import LocalAdmin
from watership.broker import Broker
from watership.config import Address, load

Step = tuple[str, tuple[Any, ...], dict[str, bool]]


def do(verb: str, *arguments: Any, **options: bool) -> Step:
    return verb, arguments, options


RIGHTS = {"configure": ".*", "write": "^w", "read": ""}
HASH = "fFzUPeG9Jq6yM2QyMnJDP3bvq7dYfNC3Hq2Gz8Q2kUFE7FOm"
NODE = f"rabbit@{socket.gethostname()}"
ODD = "a/b ~%#é"  # a key, or a name, with what has a meaning in paths
STORIES: dict[str, list[Step]] = {
    "cluster": [
        do("get_overview"),
        do("get_version"),
        do("whoami"),
        do("get_cluster_name"),
        do("put_cluster_name", {"name": "hares"}),
        do("put_cluster_name", {}),
        do("get_cluster_name"),
        do("list_nodes"),
        do("get_node", "nobody@nowhere"),
        do("list_extensions"),
        do("list_feature_flags"),
        do("enable_feature_flag", "quorum_queue", {}),
        do("enable_feature_flag", "nope", {}),
        do("list_deprecated_features"),
        do("put_queue", "/", "transient", {}),
        do("list_used_deprecated_features"),
        do("rebalance_queues", {}),
        do("watch"),
        do("reset_statistics"),
        do("reset_node_statistics", "nobody@nowhere"),
        do("list_certificates"),
        do("get_effective_config"),
        do("backup"),
    ],
    "maintenance": [
        do("drain_node", "nobody@nowhere"),
        do("drain_node", NODE),
        do("drain_node", NODE),
        do("check_is_in_service"),
        do("revive_node", NODE),
        do("check_is_in_service"),
        do("suspend_listeners", NODE),
        do("resume_listeners", NODE),
        do("get_node_memory", "nobody@nowhere"),
        do("put_config", "heartbeat", {"value": "17"}),
        do("put_config", "heartbeat", {"value": "often"}),
        do("put_config", "frame_max", {"value": "8192"}),
        do("put_config", "heartbeat", {}),
        do("reload_config"),
        do("rotate_logs"),
    ],
    "logins": [
        do("get_auth"),
        do("login", {"username": "guest", "password": "guest"}),
        do("login", {"username": "guest", "password": "wrong"}),
        do("login", {"username": "guest", "password": ["guest"]}),
        do("login", {}),
        do("logout"),
        do("hash_password", "secret"),
        do("list_attempts", NODE),
        do("list_attempts_by_source", NODE),
        do("list_attempts", "nobody@nowhere"),
        do("reset_attempts", NODE),
        do("reset_attempts_by_source", NODE),
    ],
    "vhosts": [
        do("put_vhost", "one/two", {"description": "d", "tags": "a,b"}),
        do("put_vhost", "one/two", {"tags": ["c"], "default_queue_type": "quorum"}),
        do("put_vhost", "one/two", {"default_queue_type": "nope"}),
        do("get_vhost", "one/two"),
        do("get_vhost", "nope"),
        do("list_vhosts"),
        do("list_vhost_permissions", "one/two"),
        do("list_vhost_permissions", "nope"),
        do("protect_vhost", "nope"),
        do("protect_vhost", "one/two"),
        do("get_vhost", "one/two"),
        do("delete_vhost", "one/two"),
        do("unprotect_vhost", "one/two"),
        do("start_vhost", "one/two", "nobody@nowhere"),
        do("start_vhost", "one/two", NODE),
        do("delete_vhost", "one/two"),
        do("delete_vhost", "one/two"),
    ],
    "policies": [
        do("put_policy", "/", "p", {"definition": {"max-length": 1}}),
        do("put_policy", "/", "p", {"pattern": "^a"}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {}}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {"nope": 1}}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {"max-length": -1}}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {"overflow": "x"}}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {"max-length": 1}, "priority": "x"}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {"max-length": 1}, "apply-to": "x"}),
        do("put_policy", "nope", "p", {"pattern": "^a", "definition": {"max-length": 1}}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {"max-length": 1}, "priority": 3}),
        do("put_policy", "/", "p", {"pattern": "^a", "definition": {"max-length": 2}, "apply-to": "queues"}),
        do("get_policy", "/", "p"),
        do("get_policy", "/", "nope"),
        do("list_policies"),
        do("list_vhost_policies", "/"),
        do("list_vhost_policies", "nope"),
        do("put_operator_policy", "/", "o", {"pattern": "^a", "definition": {"dead-letter-exchange": "x"}}),
        do("put_operator_policy", "/", "o", {"pattern": "^a", "definition": {"max-length": 1}}),
        do("get_operator_policy", "/", "o"),
        do("list_operator_policies"),
        do("list_vhost_operator_policies", "/"),
        do("put_queue", "/", "a1", {"durable": True}),
        do("get_queue", "/", "a1"),
        do("get_definitions"),
        do("list_parameters"),
        do("delete_queue", "/", "a1"),
        do("delete_policy", "/", "p"),
        do("delete_policy", "/", "p"),
        do("delete_operator_policy", "/", "o"),
    ],
    "parameters": [
        do("put_parameter", "shovel", "/", "x", {"value": {"a": 1}}),
        do("put_parameter", "policy", "/", "x", {}),
        do("put_parameter", "vhost-limits", "/", "limits", {"value": {"max-queues": 5}}),
        do("get_parameter", "vhost-limits", "/", "limits"),
        do("get_parameter", "vhost-limits", "/", "nope"),
        do("list_component_parameters", "vhost-limits"),
        do("list_vhost_parameters", "vhost-limits", "/"),
        do("delete_parameter", "vhost-limits", "/", "limits"),
        do("put_global_parameter", "x", {"v": 1}),
        do("put_global_parameter", "x", {"value": {"a": [1]}}),
        do("get_global_parameter", "x"),
        do("list_global_parameters"),
        do("delete_global_parameter", "x"),
        do("delete_global_parameter", "x"),
    ],
    "limits": [
        do("put_vhost_limit", "/", "max-queues", {"value": 5}),
        do("put_vhost_limit", "/", "max-nope", {"value": 5}),
        do("put_vhost_limit", "/", "max-queues", {"value": "x"}),
        do("put_vhost_limit", "nope", "max-queues", {"value": 5}),
        do("list_vhost_limits"),
        do("get_vhost_limits", "/"),
        do("delete_vhost_limit", "/", "max-queues"),
        do("get_vhost_limits", "/"),
        do("get_vhost_limits", "nope"),
        do("put_user_limit", "guest", "max-channels", {"value": 50}),
        do("put_user_limit", "guest", "nope", {"value": 50}),
        do("put_user_limit", "nobody", "max-channels", {"value": 50}),
        do("list_user_limits"),
        do("get_user_limits", "guest"),
        do("get_user", "guest"),
        do("delete_user_limit", "guest", "max-channels"),
        do("delete_user_limit", "nobody", "max-channels"),
        do("get_user_limits", "guest"),
        do("get_user_limits", "nobody"),
    ],
    "topic permissions": [
        do("put_topic_permission", "/", "guest", {"write": "^a", "read": ".*"}),
        do("put_topic_permission", "/", "guest", {"exchange": "amq.topic", "write": "^(", "read": ".*"}),
        do("put_topic_permission", "/", "nobody", {"exchange": "amq.topic", "write": "^a", "read": ".*"}),
        do("put_topic_permission", "/", "guest", {"exchange": "amq.topic", "write": "^a", "read": ".*"}),
        do("put_topic_permission", "/", "guest", {"exchange": "amq.topic", "write": "^b", "read": ".*"}),
        do("put_topic_permission", "/", "guest", {"exchange": "other", "write": "", "read": ""}),
        do("list_topic_permissions"),
        do("list_vhost_topic_permissions", "/"),
        do("list_user_topic_permissions", "guest"),
        do("list_user_topic_permissions", "nobody"),
        do("list_user_vhost_topic_permissions", "/", "guest"),
        do("list_user_vhost_topic_permissions", "/", "nobody"),
        do("get_topic_permissions", "/", "guest", "amq.topic"),
        do("delete_topic_permission", "/", "guest", "amq.topic"),
        do("delete_topic_permission", "/", "guest", "amq.topic"),
        do("delete_topic_permissions", "/", "guest"),
        do("list_topic_permissions"),
    ],
    "messages": [
        do("put_queue", "/", "m", {}),
        do("publish", "/", "amq.default", {"routing_key": "m", "payload": "hello", "payload_encoding": "string"}),
        do("get_messages", "/", "m", {"ackmode": "ack_requeue_true", "encoding": "auto"}),
        do("get_messages", "/", "m", {"count": 1, "ackmode": "nope", "encoding": "auto"}),
        do("get_messages", "/", "m", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "nope"}),
        do("get_messages", "/", "m", {"count": "x", "ackmode": "ack_requeue_true", "encoding": "auto"}),
        do("get_messages", "/", "m", {"count": 2, "ackmode": "ack_requeue_true", "encoding": "auto"}),
        do(
            "get_messages",
            "/",
            "m",
            {"count": 1, "ackmode": "reject_requeue_true", "encoding": "base64", "truncate": 3},
        ),
        do("get_messages", "/", "m", {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}),
        do("get_messages", "/", "m", {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}),
        do("get_messages", "/", "nope", {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}),
        do("delete_queue", "/", "m"),
    ],
    "users": [
        do("put_user", "carrot", {"password": "p", "tags": "management,custom"}),
        do("put_user", "carrot", {"tags": ["monitoring"]}),
        do("put_user", "leek", {"password_hash": HASH, "tags": ""}),
        do("put_user", "turnip", {"password": "p"}),
        do("put_user", "turnip", {"password": "p", "tags": 1}),
        do("put_user", "turnip", {"password": "p", "password_hash": HASH, "tags": ""}),
        do("put_user", "turnip", {"password_hash": "!", "tags": ""}),
        do("put_user", "turnip", {"password_hash": HASH, "hashing_algorithm": "rot13", "tags": ""}),
        do("get_user", "leek"),
        do("get_user", "turnip"),
        do("list_users"),
        do("list_users_without_permissions"),
        do("put_permission", "/", "carrot", RIGHTS),
        do("put_permission", "/", "carrot", RIGHTS),
        do("put_permission", "/", "nobody", RIGHTS),
        do("put_permission", "/", "carrot", {"configure": "", "write": ""}),
        do("put_permission", "/", "carrot", {**RIGHTS, "read": "["}),
        do("get_permission", "/", "carrot"),
        do("get_permission", "/", "leek"),
        do("list_permissions"),
        do("list_user_permissions", "carrot"),
        do("list_user_permissions", "nobody"),
        do("delete_permission", "/", "carrot"),
        do("delete_permission", "/", "carrot"),
        do("delete_user", "carrot"),
        do("delete_user", "carrot"),
        do("delete_users", {"users": ["leek", "nobody"]}),
        do("delete_users", {}),
        do("list_users"),
    ],
    "exchanges": [
        do(
            "put_exchange",
            "/",
            "logs",
            {"type": "topic", "durable": True, "arguments": {"alternate-exchange": "other"}},
        ),
        do(
            "put_exchange",
            "/",
            "logs",
            {"type": "topic", "durable": True, "arguments": {"alternate-exchange": "other"}},
        ),
        do("put_exchange", "/", "logs", {"type": "fanout", "durable": True}),
        do("put_exchange", "/", "logs", {"type": "topic", "durable": "yes"}),
        do("put_exchange", "/", "odd", {"type": "no such kind"}),
        do("put_exchange", "/", "amq.own", {}),
        do("put_exchange", "/", "amq.default", {}),
        do("put_exchange", "nope", "logs", {}),
        do("get_exchange", "/", "logs"),
        do("get_exchange", "/", "amq.default"),
        do("get_exchange", "/", "nope"),
        do("list_exchanges"),
        do("list_vhost_exchanges", "/"),
        do("list_vhost_exchanges", "nope"),
        do("publish", "/", "logs", {"routing_key": "a.b", "payload": "x", "properties": {}}),
        do("publish", "/", "nope", {"routing_key": "a.b", "payload": "x", "properties": {}}),
        do("publish", "/", "logs", {"routing_key": "a.b", "payload": "*", "payload_encoding": "base64"}),
        do("delete_exchange", "/", "logs", if_unused=True),
        do("delete_exchange", "/", "logs"),
        do("delete_exchange", "/", "amq.direct"),
    ],
    "queues": [
        do("put_queue", "/", ODD, {"durable": True, "arguments": {"x-max-length": 5}}),
        do("put_queue", "/", ODD, {"durable": True, "arguments": {"x-max-length": 5}}),
        do("put_queue", "/", ODD, {"durable": True, "arguments": {"x-max-length": 6}}),
        do("put_queue", "/", ODD, {}),
        do("put_queue", "/", "bad", {"arguments": {"x-max-length": -1}}),
        do("put_queue", "/", "bad", {"arguments": 1}),
        do("put_queue", "/", "amq.own", {}),
        do("put_queue", "nope", "q", {}),
        do("get_queue", "/", ODD),
        do("get_queue", "/", "nope"),
        do("publish", "/", "amq.default", {"routing_key": ODD, "payload": "eA==", "payload_encoding": "base64"}),
        do("list_queues"),
        do("list_detailed_queues"),
        do("list_user_queues", "guest"),
        do("get_messages", "/", ODD, {"count": 5, "ackmode": "ack_requeue_true", "encoding": "auto"}),
        do("get_messages", "/", ODD, {"count": "1", "ackmode": "reject_requeue_true", "encoding": "base64"}),
        do("get_messages", "/", ODD, {"count": 1}),
        do("get_messages", "/", ODD, {"count": 1, "ackmode": "nope", "encoding": "auto"}),
        do("get_messages", "/", ODD, {"count": 1, "ackmode": "ack_requeue_true", "encoding": "nope"}),
        do("get_messages", "/", ODD, {"count": -1, "ackmode": "ack_requeue_true", "encoding": "auto"}),
        do("get_messages", "/", "nope", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}),
        do("act_on_queue", "/", ODD, {}),
        do("act_on_queue", "/", ODD, {"action": "sync"}),
        do("put_queue", "/", "quorum", {"durable": True, "arguments": {"x-queue-type": "quorum"}}),
        do("get_quorum_status", "/", "quorum"),
        do("get_quorum_status", "/", ODD),
        do("get_quorum_status", "/", "nope"),
        do("add_quorum_replica", "/", "quorum", {}),
        do("add_quorum_replica", "/", "quorum", {"node": NODE}),
        do("delete_quorum_replica", "/", "quorum", {"node": NODE}),
        do("delete_quorum_replica", "/", "quorum", {"node": "nobody@nowhere"}),
        do("grow_quorum_queues", "nobody@nowhere", {}),
        do("grow_quorum_queues", NODE, {}),
        do("shrink_quorum_queues", NODE),
        do("list_vhost_queues", "/"),
        do("list_vhost_queues", "nope"),
        do("list_queue_bindings", "/", ODD),
        do("list_consumers"),
        do("list_vhost_consumers", "/"),
        do("delete_queue", "/", ODD, if_empty=True),
        do("purge_queue", "/", ODD),
        do("purge_queue", "/", "nope"),
        do("delete_queue", "/", ODD, if_empty=True, if_unused=True),
        do("delete_queue", "/", ODD),
    ],
    "bindings": [
        do("put_queue", "/", "q", {"durable": True}),
        do("post_binding", "/", "amq.direct", "q", "q", {"routing_key": ODD}),
        do("post_binding", "/", "amq.direct", "q", "q", {"routing_key": "~"}),
        do("post_binding", "/", "amq.direct", "q", "q", {}),
        do("post_binding", "/", "amq.headers", "q", "q", {"routing_key": "k", "arguments": {"x-match": "any", "a": 1}}),
        do("post_binding", "/", "amq.headers", "q", "q", {"arguments": {"x-match": "most"}}),
        do("post_binding", "/", "amq.direct", "e", "amq.fanout", {"routing_key": "e"}),
        do("post_binding", "/", "amq.direct", "x", "q", {}),
        do("post_binding", "/", "nope", "q", "q", {}),
        do("post_binding", "/", "amq.direct", "q", "nope", {}),
        do("post_binding", "/", "amq.default", "q", "q", {}),
        do("list_bindings"),
        do("list_vhost_bindings", "/"),
        do("list_queue_bindings", "/", "q"),
        do("list_bindings_between", "/", "amq.direct", "q", "q"),
        do("list_exchange_bindings", "/", "amq.direct", "source"),
        do("list_exchange_bindings", "/", "amq.fanout", "destination"),
        do("list_exchange_bindings", "/", "amq.fanout", "middle"),
        do("get_binding", "/", "amq.direct", "q", "q", "a%2Fb+%7E%25%23%C3%A9"),
        do("delete_binding", "/", "amq.direct", "q", "q", "a%2Fb+%7E%25%23%C3%A9"),
        do("delete_binding", "/", "amq.direct", "q", "q", "a%2Fb+%7E%25%23%C3%A9"),
        do("delete_binding", "/", "amq.direct", "q", "q", "~"),
        do("delete_binding", "/", "amq.direct", "e", "amq.fanout", "e"),
        do("list_bindings_between", "/", "amq.direct", "q", "q"),
        do("delete_exchange", "/", "amq.headers"),
    ],
    "everything at once": [
        do("put_queue", "/", "q", {"durable": True}),
        do("put_exchange", "/", "x", {"durable": True}),
        do("post_binding", "/", "x", "q", "q", {"routing_key": "k"}),
        do("snapshot"),
        do("snapshot_vhost", "/"),
        do("snapshot_vhost", "nope"),
        do("get_definitions"),
        do("get_all_configuration"),
        do("get_vhost_definitions", "/"),
        do("get_vhost_definitions", "nope"),
        do(
            "post_definitions",
            {"vhosts": [{"name": "new"}], "queues": [{"name": "a", "vhost": "new", "durable": True}]},
        ),
        do("post_definitions", {"queues": [{"name": "a", "vhost": "nope"}]}),
        do("post_definitions", {"queues": [{"name": "a"}]}),
        do("post_definitions", {"bindings": [{"source": "x", "vhost": "/", "destination": "nope"}]}),
        do("post_definitions", {"permissions": [{"user": "guest", "vhost": "/", **RIGHTS, "write": "["}]}),
        do("post_all_configuration", {"vhosts": [{"name": "new"}]}),
        do("post_vhost_definitions", "new", {"exchanges": [{"name": "e", "type": "fanout", "durable": True}]}),
        do("post_vhost_definitions", "nope", {}),
        do("post_vhost_definitions", "new", {"queues": "many"}),
        do("snapshot"),
    ],
    "connections": [
        do("list_connections"),
        do("list_vhost_connections", "/"),
        do("list_vhost_connections", "nope"),
        do("get_connection", "127.0.0.1:1 -> 127.0.0.1:2"),
        do("list_connection_channels", "nope"),
        do("list_sessions", "nope"),
        do("list_channels"),
        do("list_user_connections", "guest"),
        do("list_vhost_channels", "/"),
        do("get_channel", "nope"),
        do("delete_connection", "nope"),
        do("delete_user_connections", "nobody"),
    ],
    "health": [
        do("check_alarms"),
        do("check_local_alarms"),
        do("check_virtual_hosts"),
        do("check_port_listener", "2"),
        do("check_port_listener", "http"),
        do("check_protocol_listener", "stomp"),
        do("check_is_in_service"),
        do("check_ready"),
        do("check_connection_limit"),
        do("check_cluster_size"),
        do("check_quorum_critical"),
        do("check_metadata"),
        do("check_metadata_data"),
        do("check_leaders"),
        do("check_matching_leaders", "^q"),
        do("check_vhost_leaders", "/"),
        do("check_vhost_matching_leaders", "/", "^q"),
        do("check_node"),
        do("check_named_node", "nobody@nowhere"),
        do("check_certificate_expiration", "1", "months"),
        do("check_certificate_expiration", "1", "moons"),
        do("check_certificate_expiration", "soon", "days"),
        do("check_aliveness", "/"),
        do("check_aliveness", "nope"),
    ],
}
# These differ between any two brokers, or from one moment to the next; of get_node the name is one of them.
VOLATILE = {"listeners", "contexts", "os_pid", "fd_used", "mem_used", "uptime", "disk_free", "db_dir", "memory"}
VOLATILE |= {
    "revision",
    "id",
    "proc_used",
    "context_switches",
    "gc_num",
    "io_sync_count",
    "io_write_count",
    "io_write_bytes",
}
VOLATILE |= {"config_files", "log_files"}
# Of these only the form is compared: they tell of the broker's own ports and of who logged in.
UNLIKE = {"get_effective_config", "list_attempts", "list_attempts_by_source"}


def comparable(result: Any, key: str = "") -> Any:
    if isinstance(result, dict):
        return {k: comparable(v, k) for k, v in result.items() if k not in VOLATILE}
    if isinstance(result, list):
        return [comparable(item) for item in result if not is_cluster_id(item)]
    if isinstance(result, tuple):
        return tuple(comparable(item) for item in result)
    return "salted" if key in ("password_hash", "ok") and result not in ("", HASH) else result


def is_cluster_id(item: Any) -> bool:
    """A broker gets it when it starts to listen, and the one here does not."""
    return isinstance(item, dict) and item.get("name") == "internal_cluster_id"


async def outcome(admin: Any, step: Step) -> tuple[Any, ...]:
    verb, arguments, options = step
    try:
        done = getattr(admin, verb)(*arguments, **options)
        result = await (anext(done) if BY_NAME[verb].feed else done)
        if verb == "backup":
            return "result", await contents(result)
        return "result", type(result) if verb in UNLIKE else result
    except AdminError as error:
        reason = error.reason.partition("there are")[0]  # ports differ
        return "refused", error.status, error.error, reason


async def contents(backup: Any) -> list[str]:
    """The names of the files in it."""
    octets = b"".join([piece async for piece in backup])
    await backup.close()
    with tarfile.open(fileobj=io.BytesIO(octets)) as tar:
        return tar.getnames()


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalAdmin]:
    folder = tmp_path / "local"
    folder.mkdir()
    broker = Broker.open(load(), folder, asyncio.get_running_loop())
    broker.listening = [("amqp", Address("127.0.0.1", 1))]
    yield LocalAdmin(broker, broker.metadata.users["guest"])
    broker.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path)
    process.start()
    yield process
    process.end()


@pytest.mark.parametrize("story", STORIES)
async def test_verb_does_the_same_here_and_over_http(story: str, local: LocalAdmin, process: BrokerProcess) -> None:
    async with Client(f"http://127.0.0.1:{process.management}", "guest", "guest") as client:
        for step in STORIES[story]:
            here, there = await outcome(local, step), await outcome(client, step)
            assert comparable(there) == comparable(here), step
            assert there[0] == "result" or there[3], f"{step} is refused without a reason"


def test_stories_leave_no_verb_out() -> None:
    told = {verb for story in STORIES.values() for verb, _, _ in story}
    assert told == set(BY_NAME)
