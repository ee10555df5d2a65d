"""Objects as the management API shows them: RabbitMQ's field names, with what there is."""

from __future__ import annotations

import platform
import ssl

from watership.broker import Broker, VirtualHost
from watership.broker.certificates import moment
from watership.broker.identity import VERSION
from watership.broker.listening import Served
from watership.broker.statistics import CHURN, GLOBAL, MESSAGES, OF_VHOST
from watership.config import Address
from watership.model.permissions import Permission, TopicPermission
from watership.model.policies import Policy
from watership.model.topology import Binding, Exchange, Vhost
from watership.model.users import User
from watership.routing import DELAYED, KINDS

from .api import Json

ERLANG = "27.0"


def vhost(declared: Vhost, live: VirtualHost, broker: Broker) -> Json:
    numbers = dict(zip(OF_VHOST, broker.statistics.of_vhost(live), strict=True))
    moved = {name: numbers.pop(name) for name in (*MESSAGES, *GLOBAL)}
    return {
        "name": declared.name,
        "description": declared.description,
        "tags": list(declared.tags),
        "default_queue_type": declared.default_queue_type,
        "metadata": vhost_metadata(declared),
        "tracing": live.tracing,
        "protected_from_deletion": declared.protected_from_deletion,
        "cluster_state": {broker.node: "running"},
        **numbers,
        "message_stats": moved,
    }


def vhost_metadata(declared: Vhost) -> Json:
    protected = {"protected_from_deletion": True} if declared.protected_from_deletion else {}
    return {
        "description": declared.description,
        "tags": list(declared.tags),
        "default_queue_type": declared.default_queue_type,
        **protected,
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


def exchange(declared: Exchange, policy: Policy | None = None) -> Json:
    return {
        "name": declared.name,
        "vhost": declared.vhost,
        "type": declared.type,
        "durable": declared.durable,
        "auto_delete": declared.auto_delete,
        "internal": declared.internal,
        "arguments": dict(declared.arguments),
        "user_who_performed_action": declared.user,
        **({"policy": policy.name} if policy else {}),
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


def listeners(broker: Broker) -> list[Json]:
    return [
        {
            "node": broker.node,
            "protocol": protocol,
            "ip_address": address.host,
            "port": address.port,
            "tls": protocol.startswith(("amqp/ssl", "https")),
            "socket_opts": [],
        }
        for protocol, address in broker.listening
    ]


def contexts(broker: Broker) -> list[Json]:
    """The HTTP listeners; here, unlike above, RabbitMQ writes ports as strings."""
    titles = {"http": "RabbitMQ Management", "http/prometheus": "RabbitMQ Prometheus"}
    titles |= {protocol.replace("http", "https"): title for protocol, title in titles.items()}
    return [
        {
            "node": broker.node,
            "description": titles[protocol],
            "path": "/",
            "ip": address.host,
            "port": str(address.port),
            "ssl_opts": [],
        }
        for protocol, address in broker.listening
        if protocol in titles
    ]


def certificate(protocol: str, address: Address, served: Served, *, node: str) -> Json:
    """What one TLS listener serves. fingerprint: SHA-256, as `openssl x509 -fingerprint -sha256` prints it."""
    found = served.certificate
    return {
        "node": node,
        "protocol": protocol,
        "ip_address": address.host,
        "port": address.port,
        "certfile": served.tls.certfile,
        "subject": found.subject,
        "issuer": found.issuer,
        "serial_number": found.serial,
        "fingerprint": found.fingerprint,
        "not_before": moment(found.begins),
        "not_after": moment(found.ends),
        "expires_at": int(found.ends),
    }


def versions() -> Json:
    """Of what runs it. erlang_version is compared by clients; the runtime itself is named in erlang_full_version."""
    return {
        "rabbitmq_version": VERSION,
        "erlang_version": ERLANG,
        "erlang_full_version": f"{platform.python_implementation()} {platform.python_version()}",
        "crypto_lib_version": ssl.OPENSSL_VERSION,
    }


def churn(broker: Broker) -> Json:
    """Comings and goings since the start."""
    return dict(zip(CHURN, broker.churn.values(), strict=True))


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


def exchange_types() -> list[Json]:
    described = {kind.name: kind.description for kind in KINDS.values()} | {DELAYED: "Delayed Message Exchange."}
    return [{"name": name, "description": text, "enabled": True} for name, text in described.items()]
