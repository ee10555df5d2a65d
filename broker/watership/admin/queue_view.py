"""Queues and their consumers as the management API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watership.broker import Broker
from watership.queues import ClassicQueue, Subscription

from .api import Json

# RabbitMQ leaves these out of listings where there is none, and says null of one queue.
OFTEN_NONE = (
    *("policy", "operator_policy", "exclusive_consumer_tag", "single_active_consumer_tag", "head_message_timestamp"),
)
NO_COLLECTION = dict.fromkeys(
    ("fullsweep_after", "max_heap_size", "min_bin_vheap_size", "min_heap_size", "minor_gcs"), -1
)  # of a process of Erlang's; clients expect it


def declaration(live: ClassicQueue, node: str) -> Json:
    """Of a queue, what its declaration and its policies say."""
    declared = live.declared
    return {
        "name": declared.name,
        "vhost": declared.vhost,
        "type": declared.type,
        "durable": declared.durable,
        "auto_delete": declared.auto_delete,
        "exclusive": declared.exclusive,
        "arguments": dict(declared.arguments),
        "node": node,
        "state": "running",
        "policy": live.policy.name if live.policy else None,
        "operator_policy": live.operator_policy.name if live.operator_policy else None,
        "effective_policy_definition": effective(live),
        "internal": False,
        "internal_owner": False,
        **(quorum(live, node) if live.type == "quorum" else {}),
    }


def quorum(live: ClassicQueue, node: str) -> Json:
    members = {"leader": node, "members": [node], "online": [node]}
    return {**members, "delivery_limit": live.settings.delivery_limit, "delayed_retry": "disabled"}


def totals(live: ClassicQueue) -> Json:
    ready, unacked = live.records.ready, live.records.unacked
    return {"messages": ready + unacked, "messages_ready": ready, "messages_unacknowledged": unacked}


def queue(live: ClassicQueue, node: str) -> Json:
    """A queue and what is in it."""
    records, consumers = live.records, live.subscriptions
    waiting, octets = records.ready + records.unacked, records.bytes_ready + records.bytes_unacked
    only = consumers[0].tag if consumers else None
    shown: Json = {
        **declaration(live, node),
        "consumers": len(consumers),
        "consumer_capacity": 1.0 if consumers else 0,
        "consumer_utilisation": 1.0 if consumers else 0,
        "exclusive_consumer_tag": only if consumers and consumers[0].exclusive else None,
        "single_active_consumer_tag": only if records.single else None,
        "head_message_timestamp": None,
        **totals(live),
        "messages_ram": waiting,
        "messages_ready_ram": records.ready,
        "messages_unacknowledged_ram": records.unacked,
        "messages_persistent": waiting if live.declared.durable else 0,
        "message_bytes": octets,
        "message_bytes_ready": records.bytes_ready,
        "message_bytes_unacknowledged": records.bytes_unacked,
        "message_bytes_ram": octets,
        "message_bytes_persistent": octets if live.declared.durable else 0,
        "memory": records.memory,
        "reductions": 0,
        "storage_version": 2,
        "message_stats": queue_stats(live),
    }
    if live.type == "quorum":
        shown |= {"messages_dlx": 0, "message_bytes_dlx": 0, "messages_delayed": 0, "messages_ready_returned": 0}
    return shown


def typed(shown: Json) -> Json:
    """Its type stands among the arguments too."""
    arguments: Any = shown["arguments"]
    return {**shown, "arguments": {"x-queue-type": shown["type"], **arguments}}


def without_none(shown: Json) -> Json:
    """As listings have it: what there is none of is left out."""
    return {k: v for k, v in shown.items() if v is not None or k not in OFTEN_NONE}


def around(live: ClassicQueue, broker: Broker) -> Json:
    """What one queue is shown with: its consumers."""
    consumers = [consumer(live, s, broker) for s in live.subscriptions]
    return {"consumer_details": consumers, "deliveries": [], "incoming": [], "garbage_collection": NO_COLLECTION}


def effective(live: ClassicQueue) -> Json:
    """What the policies that match say together: of numbers the smaller, else the operator's word first."""
    policy = dict(live.policy.definition) if live.policy else {}
    for key, value in (live.operator_policy.definition if live.operator_policy else {}).items():
        both = key in policy and isinstance(value, int)
        policy[key] = min(value, policy[key]) if both else value
    return policy


def queue_stats(live: ClassicQueue) -> Json:
    records = live.records
    return {
        "publish": records.published,
        "deliver": records.delivered,
        "deliver_no_ack": records.delivered_no_ack,
        "get": records.got,
        "get_no_ack": records.got_no_ack,
        "get_empty": records.got_empty,
        "deliver_get": records.delivered + records.delivered_no_ack + records.got + records.got_no_ack,
        "redeliver": records.redelivered,
        "ack": records.acked,
    }


def consumer(queue: ClassicQueue, subscription: Subscription, broker: Broker) -> Json:
    connection, _, number = subscription.channel.rpartition(" (")
    client = broker.clients.get(connection)
    host, _, port = connection.partition(" -> ")[0].rpartition(":")
    return {
        "consumer_tag": subscription.tag,
        "queue": {"name": queue.declared.name, "vhost": queue.declared.vhost},
        "ack_required": not subscription.no_ack,
        "exclusive": subscription.exclusive,
        "prefetch_count": subscription.prefetch,
        "active": not queue.records.single or queue.subscriptions[0] is subscription,
        "activity_status": "up" if not queue.records.single or queue.subscriptions[0] is subscription else "waiting",
        "arguments": dict(subscription.arguments),
        "consumer_timeout": queue.settings.consumer_timeout or broker.config["consumer_timeout"],
        "channel_details": {
            "name": subscription.channel,
            "connection_name": connection,
            "number": int(number.rstrip(")")),
            "node": broker.node,
            "user": client.user if client else "",
            "peer_host": host,
            "peer_port": int(port),
        },
    }


def with_details(shown: Json, details: Mapping[str, object]) -> Json:
    """NAME_details beside every NAME, at the top or in an object at the top."""
    made: Json = {}
    for name, value in shown.items():
        made[name] = value
        if isinstance(value, dict) and name != "arguments":
            made[name] = with_details(value, details)
        elif f"{name}_details" in details:
            made[f"{name}_details"] = details[f"{name}_details"]
    return made
