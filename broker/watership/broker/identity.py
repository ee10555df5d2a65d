"""What the broker says of itself. Clients read product and version and choose their behaviour by them, so they are
RabbitMQ's.
"""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Any

from watership.config import Config

PRODUCT = "RabbitMQ"
VERSION = "4.2.1"
WATERSHIP = installed("watership")
# What RabbitMQ has as plugins and is built in here.
PLUGINS = (
    "rabbitmq_auth_mechanism_ssl",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_delayed_message_exchange",
    "rabbitmq_management",
    "rabbitmq_management_agent",
    "rabbitmq_message_deduplication",
    "rabbitmq_peer_discovery_k8s",
    "rabbitmq_prometheus",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_sharding",
    "rabbitmq_web_dispatch",
)
CAPABILITIES = (
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
)


def product(config: Config) -> tuple[str, str]:
    """Name and version that clients are told. Many look for RabbitMQ and compare the version."""
    return config["product.name"], config["product.version"] or VERSION


def server_properties(cluster_name: str, config: Config) -> dict[str, Any]:
    name, version = product(config)
    return {
        "product": name,
        "version": version,
        "cluster_name": cluster_name,
        "platform": f"Watership {WATERSHIP}",
        "copyright": "Copyright (c) the Watership authors",
        "information": "Watership, an AMQP broker written in Python. Licensed under Apache-2.0.",
        "capabilities": dict.fromkeys(CAPABILITIES, True),
        **config.server_properties,
    }
