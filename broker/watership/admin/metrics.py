"""Metrics with RabbitMQ's names and labels, so that its dashboards and alerts find them; ours begin with watership_.

/metrics sums over objects, /metrics/per-object tells of each, /metrics/detailed of what is asked for (families.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version as installed

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    UnknownMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from watership.broker import Broker
from watership.broker.identity import WATERSHIP, product

from . import health, memory, view
from .families import GROUPS, REQUESTED, Wanted

__all__ = ["CONTENT_TYPE", "Wanted", "detailed", "memory_breakdown", "page"]

PROTOCOL = "amqp091"
PER_OBJECT = "prometheus.return_per_object_metrics"
# Totals of queues: metric rabbitmq_global_messages_NAME_total, and what is added up in it.
QUEUE_TOTALS = {
    "delivered_consume_manual_ack": ("delivered",),
    "delivered_consume_auto_ack": ("delivered_no_ack",),
    "delivered_get_manual_ack": ("got",),
    "delivered_get_auto_ack": ("got_no_ack",),
    "delivered": ("delivered", "delivered_no_ack", "got", "got_no_ack"),
    "get_empty": ("got_empty",),
    "redelivered": ("redelivered",),
    "acknowledged": ("acked",),
}
# Totals of the kernel.
KERNEL_TOTALS = {
    "received": "published",
    "received_confirm": "received_confirm",
    "confirmed": "confirmed",
    "routed": "routed",
    "unroutable_dropped": "dropped",
    "unroutable_returned": "returned",
}
MEMORY = {  # of the breakdown: the metric
    "queue_procs": "memory_classic_queue_erlang_process_bytes",
    "quorum_queue_procs": "memory_quorum_queue_erlang_process_bytes",
    "other_system": "memory_runtime_other_bytes",
}
TYPES = {"classic": "rabbit_classic_queue", "quorum": "rabbit_quorum_queue"}
SIZES = ("100", "1000", "10000", "100000", "1000000", "10000000", "50000000", "100000000", "+Inf")


def page(broker: Broker, *, per_object: bool = False) -> bytes:
    """/metrics and /metrics/per-object, as CONTENT_TYPE."""
    return written(BrokerCollector(broker, per_object=per_object or broker.config[PER_OBJECT]).collect)


def detailed(broker: Broker, groups: Sequence[str], wanted: Wanted) -> bytes:
    """/metrics/detailed: groups by RabbitMQ's names; those that there are none of are left out, as RabbitMQ does."""

    def collect() -> Iterator[Metric]:
        for name in dict.fromkeys(groups):
            if name == "queue_consumer_count" and "queue_metrics" in groups:
                continue
            if name in GROUPS:
                yield from GROUPS[name].metrics(broker, wanted, prefix="rabbitmq_detailed_", each=True)
        yield from identity(broker)

    return written(collect)


def memory_breakdown(broker: Broker) -> bytes:
    """/metrics/memory-breakdown."""

    def collect() -> Iterator[Metric]:
        for name, octets in memory.breakdown(broker).items():
            if name in MEMORY:
                yield GaugeMetricFamily(f"rabbitmq_{MEMORY[name]}", f"{name} in bytes", octets)
        yield from identity(broker)

    return written(collect)


def written(collect: Callable[[], Iterator[Metric]]) -> bytes:
    class Once(Collector):
        def collect(self) -> Iterator[Metric]:
            return collect()

    registry = CollectorRegistry()
    registry.register(Once())
    return generate_latest(registry)


def identity(broker: Broker) -> Iterator[Metric]:
    """What dashboards join on."""
    endpoint = next((str(address.port) for name, address in broker.listening if name == "http/prometheus"), "")
    labels = {
        "rabbitmq_node": broker.node,
        "rabbitmq_cluster": broker.cluster_name,
        "rabbitmq_cluster_permanent_id": broker.metadata.parameters.get("internal_cluster_id", ""),
        "rabbitmq_endpoint": endpoint,
    }
    yield info("rabbitmq_identity_info", "RabbitMQ node & cluster identity info", labels)
    name, version = product(broker.config)
    versions = {
        "rabbitmq_version": version,
        "prometheus_client_version": installed("prometheus-client"),
        "erlang_version": view.ERLANG,
        "product_name": name,
        "product_version": version,
        "watership_version": WATERSHIP,
    }
    yield info("rabbitmq_build_info", "Version of the broker", versions)


class BrokerCollector:
    def __init__(self, broker: Broker, *, per_object: bool) -> None:
        self.broker = broker
        self.per_object = per_object

    def collect(self) -> Iterator[Metric]:
        yield from identity(self.broker)
        for name, group in GROUPS.items():
            if name not in REQUESTED:
                each = self.per_object and bool(group.labels)
                yield from group.metrics(self.broker, Wanted(), prefix="rabbitmq_", each=each)
        yield from self.objects()
        yield from self.messages()
        yield from self.sizes()
        yield from self.process()
        yield from self.certificates()

    def objects(self) -> Iterator[Metric]:
        broker = self.broker
        queues = [q for v in broker.vhosts.values() for q in v.live.values()]
        channels = [channel for client in broker.clients.values() for channel in client.channels.values()]
        consumers = sum(len(q.subscriptions) for q in queues)
        publishers = sum(channel.counts()["publish"] > 0 for channel in channels)
        yield GaugeMetricFamily("rabbitmq_connections", "Connections currently open", len(broker.clients))
        yield GaugeMetricFamily("rabbitmq_channels", "Channels currently open", len(channels))
        yield GaugeMetricFamily("rabbitmq_queues", "Queues available", len(queues))
        yield GaugeMetricFamily("rabbitmq_consumers", "Consumers currently connected", consumers)
        for name, value in (("consumers", consumers), ("publishers", publishers)):
            family = GaugeMetricFamily(f"rabbitmq_global_{name}", f"Current number of {name}", labels=["protocol"])
            family.add_metric([PROTOCOL], value)
            yield family

    def messages(self) -> Iterator[Metric]:
        for name, attribute in KERNEL_TOTALS.items():
            yield total(name, [({"protocol": PROTOCOL}, getattr(self.broker.kernel, attribute))])
        totals = {kind: self.broker.queue_totals(kind) for kind in TYPES}
        for name, parts in QUEUE_TOTALS.items():
            yield total(
                name,
                [
                    ({"protocol": PROTOCOL, "queue_type": TYPES[kind]}, sum(counted[part] for part in parts))
                    for kind, counted in totals.items()
                ],
            )
        for reason, count in self.broker.kernel.dead_letters.items():
            labels = {"queue_type": TYPES["classic"], "dead_letter_strategy": "at_most_once"}
            yield total(f"dead_lettered_{reason}", [(labels, count)])

    def sizes(self) -> Iterator[Metric]:
        """How large messages are that came in."""
        kernel, upto, buckets = self.broker.kernel, 0, []
        for limit, count in zip(SIZES, kernel.message_sizes, strict=True):
            upto += count
            buckets.append((limit, upto))
        family = HistogramMetricFamily("rabbitmq_message_size_bytes", "Size of messages", labels=["protocol"])
        family.add_metric([PROTOCOL], buckets=buckets, sum_value=kernel.size_sum)
        yield family

    def process(self) -> Iterator[Metric]:
        broker = self.broker
        gauges = {
            "rabbitmq_alarms_memory_used_watermark": int("memory" in broker.alarms.on),
            "rabbitmq_alarms_free_disk_space_watermark": int("disk" in broker.alarms.on),
            "rabbitmq_alarms_file_descriptor_limit": 0,  # there is no such alarm
            "watership_log_bytes": broker.store.size,
        }
        for name, value in gauges.items():
            yield GaugeMetricFamily(name, name.partition("_")[2].replace("_", " ").capitalize(), value)
        yield CounterMetricFamily("watership_log_commits", "Times that the log was synced", broker.journal.commits)

    def certificates(self) -> Iterator[Metric]:
        labels = ["protocol", "port", "fingerprint"]
        family = GaugeMetricFamily(
            "watership_certificate_expiry_timestamp_seconds", "When a certificate that is served ends", labels=labels
        )
        for protocol, address, now in health.served(self.broker):
            family.add_metric([protocol, str(address.port), now.certificate.fingerprint], now.certificate.ends)
        yield family


def total(name: str, values: Sequence[tuple[Mapping[str, str], float]]) -> Metric:
    """values: with the labels of each, which are the same for all."""
    doc = f"Total number of messages {name.replace('_', ' ')}"
    family = CounterMetricFamily(f"rabbitmq_global_messages_{name}", doc, labels=list(values[0][0]))
    for labels, value in values:
        family.add_metric(list(labels.values()), value)
    return family


def info(name: str, doc: str, labels: Mapping[str, str]) -> Metric:
    family = UnknownMetricFamily(name, doc, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family
