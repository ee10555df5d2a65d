"""Objects as the management API shows them: RabbitMQ's field names, with what there is."""

from __future__ import annotations

from watership.broker import Broker, VirtualHost
from watership.model.permissions import Permission, TopicPermission
from watership.model.policies import Policy
from watership.model.topology import Binding, Exchange, Vhost
from watership.model.users import User
from watership.queues import ClassicQueue, Subscription

from .api import Json


def vhost(declared: Vhost, live: VirtualHost, node: str) -> Json:
    queues = list(live.live.values())
    ready, unacked = sum(q.records.ready for q in queues), sum(q.records.unacked for q in queues)
    return {
        "name": declared.name,
        "description": declared.description,
        "tags": list(declared.tags),
        "default_queue_type": declared.default_queue_type,
        "metadata": vhost_metadata(declared),
        "tracing": False,
        "protected_from_deletion": False,
        "cluster_state": {node: "running"},
        "messages": ready + unacked,
        "messages_ready": ready,
        "messages_unacknowledged": unacked,
    }


def vhost_metadata(declared: Vhost) -> Json:
    return {
        "description": declared.description,
        "tags": list(declared.tags),
        "default_queue_type": declared.default_queue_type,
    }


def user(declared: User) -> Json:
    return {
        "name": declared.name,
        "password_hash": declared.password_hash,
        "hashing_algorithm": declared.hashing_algorithm,
        "tags": list(declared.tags),
        "limits": dict(declared.limits),
    }


def permission(declared: Permission) -> Json:
    return {
        "user": declared.user,
        "vhost": declared.vhost,
        "configure": declared.configure,
        "write": declared.write,
        "read": declared.read,
    }


def topic_permission(declared: TopicPermission) -> Json:
    return {
        "user": declared.user,
        "vhost": declared.vhost,
        "exchange": declared.exchange,
        "write": declared.write,
        "read": declared.read,
    }


def policy(declared: Policy) -> Json:
    return {
        "vhost": declared.vhost,
        "name": declared.name,
        "pattern": declared.pattern,
        "apply-to": declared.apply_to,
        "definition": dict(declared.definition),
        "priority": declared.priority,
    }


def parameter(vhost: str, component: str, name: str, value: object) -> Json:
    return {"vhost": vhost, "component": component, "name": name, "value": value}


def exchange(declared: Exchange) -> Json:
    return {
        "name": declared.name,
        "vhost": declared.vhost,
        "type": declared.type,
        "durable": declared.durable,
        "auto_delete": declared.auto_delete,
        "internal": declared.internal,
        "arguments": dict(declared.arguments),
    }


def queue(live: ClassicQueue, node: str) -> Json:
    declared, records = live.declared, live.records
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
        "consumers": len(live.subscriptions),
        "messages": records.ready + records.unacked,
        "messages_ready": records.ready,
        "messages_unacknowledged": records.unacked,
        "message_bytes": records.bytes_ready + records.bytes_unacked,
        "message_bytes_ready": records.bytes_ready,
        "message_bytes_unacknowledged": records.bytes_unacked,
        "memory": records.memory,
        "policy": live.policy.name if live.policy else None,
        "operator_policy": live.operator_policy.name if live.operator_policy else None,
        "effective_policy_definition": effective(live),
        "message_stats": queue_stats(live),
    }


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


def binding(declared: Binding) -> Json:
    return {
        "source": declared.source,
        "vhost": declared.vhost,
        "destination": declared.destination,
        "destination_type": declared.destination_type,
        "routing_key": declared.routing_key,
        "arguments": dict(declared.arguments),
        "properties_key": declared.properties_key,
    }


def consumer(queue: ClassicQueue, subscription: Subscription) -> Json:
    connection, _, number = subscription.channel.rpartition(" (")
    return {
        "consumer_tag": subscription.tag,
        "queue": {"name": queue.declared.name, "vhost": queue.declared.vhost},
        "ack_required": not subscription.no_ack,
        "exclusive": subscription.exclusive,
        "prefetch_count": subscription.prefetch,
        "active": True,
        "activity_status": "up",
        "arguments": dict(subscription.arguments),
        "channel_details": {
            "name": subscription.channel,
            "connection_name": connection,
            "number": int(number.rstrip(")")),
        },
    }


def listeners(broker: Broker) -> list[Json]:
    return [
        {"node": broker.node, "protocol": protocol, "ip_address": address.host, "port": address.port}
        for protocol, address in broker.listening
    ]


def contexts(broker: Broker) -> list[Json]:
    """The HTTP listeners; here, unlike above, RabbitMQ writes ports as strings."""
    titles = {"http": "RabbitMQ Management", "https": "RabbitMQ Management", "http/prometheus": "RabbitMQ Prometheus"}
    return [
        {
            "node": broker.node,
            "description": titles[protocol],
            "path": "/",
            "ip": address.host,
            "port": str(address.port),
        }
        for protocol, address in broker.listening
        if protocol in titles
    ]


def churn(broker: Broker) -> Json:
    """Comings and goings since the start: connection_created, connection_closed, queue_declared and their like."""
    return {name.replace("s_", "_").replace("opened", "created"): value for name, value in broker.churn.items()}


def message_stats(broker: Broker) -> Json:
    """Totals since the start."""
    kernel, totals = broker.kernel, broker.queue_totals()
    deliveries = ("delivered", "delivered_no_ack", "got", "got_no_ack")
    return {
        "publish": kernel.published,
        "confirm": kernel.confirmed,
        "return_unroutable": kernel.returned,
        "drop_unroutable": kernel.dropped,
        "deliver": totals["delivered"],
        "deliver_no_ack": totals["delivered_no_ack"],
        "get": totals["got"],
        "get_no_ack": totals["got_no_ack"],
        "get_empty": totals["got_empty"],
        "deliver_get": sum(totals[name] for name in deliveries),
        "redeliver": totals["redelivered"],
        "ack": totals["acked"],
    }
