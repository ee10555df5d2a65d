"""Metrics with RabbitMQ's names and labels, so that its dashboards and alerts find them; ours begin with watership_.

/metrics sums over objects. /metrics/per-object adds the queues one by one.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from watership.broker import Broker
from watership.broker.alarms import resident_bytes
from watership.broker.identity import PRODUCT, VERSION, WATERSHIP

from . import health

__all__ = ["CONTENT_TYPE", "page"]

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
    "confirmed": "confirmed",
    "routed": "routed",
    "unroutable_dropped": "dropped",
    "unroutable_returned": "returned",
}
# Of each queue: metric rabbitmq_queue_NAME, and the attribute of its records.
PER_QUEUE = {
    "messages_ready": "ready",
    "messages_unacked": "unacked",
    "messages_ready_bytes": "bytes_ready",
    "messages_unacked_bytes": "bytes_unacked",
    "process_memory_bytes": "memory",
    "consumers": "consumers",
}


def page(broker: Broker, *, per_object: bool = False) -> bytes:
    """The whole answer, as CONTENT_TYPE."""
    registry = CollectorRegistry()
    registry.register(BrokerCollector(broker, per_object=per_object))
    return generate_latest(registry)


class BrokerCollector(Collector):
    def __init__(self, broker: Broker, *, per_object: bool) -> None:
        self.broker = broker
        self.per_object = per_object

    def collect(self) -> Iterator[Metric]:
        yield from self.identity()
        yield from self.objects()
        yield from self.messages()
        yield from self.process()
        yield from self.certificates()
        yield from self.queues() if self.per_object else self.all_queues()

    def identity(self) -> Iterator[Metric]:
        broker = self.broker
        endpoint = next((str(address.port) for name, address in broker.listening if name == "http/prometheus"), "")
        labels = {
            "rabbitmq_node": broker.node,
            "rabbitmq_cluster": broker.cluster_name,
            "rabbitmq_cluster_permanent_id": broker.metadata.parameters.get("internal_cluster_id", ""),
            "rabbitmq_endpoint": endpoint,
        }
        yield info("rabbitmq_identity_info", "RabbitMQ node & cluster identity info", labels)
        versions = {"rabbitmq_version": VERSION, "product_name": PRODUCT, "product_version": VERSION}
        yield info("rabbitmq_build_info", "Version of the broker", {**versions, "watership_version": WATERSHIP})

    def objects(self) -> Iterator[Metric]:
        broker = self.broker
        queues = [q for v in broker.vhosts.values() for q in v.live.values()]
        clients = list(broker.clients.values())
        consumers = sum(len(q.subscriptions) for q in queues)
        yield GaugeMetricFamily("rabbitmq_connections", "Connections currently open", len(clients))
        yield GaugeMetricFamily("rabbitmq_channels", "Channels currently open", sum(len(c.channels) for c in clients))
        yield GaugeMetricFamily("rabbitmq_queues", "Queues available", len(queues))
        yield GaugeMetricFamily("rabbitmq_consumers", "Consumers currently connected", consumers)
        by_protocol = GaugeMetricFamily("rabbitmq_global_consumers", "Current number of consumers", labels=["protocol"])
        by_protocol.add_metric(["amqp091"], consumers)
        yield by_protocol
        for name, value in broker.churn.items():
            yield CounterMetricFamily(f"rabbitmq_{name}", f"Total {name.replace('_', ' ')}", value)

    def messages(self) -> Iterator[Metric]:
        for name, attribute in KERNEL_TOTALS.items():
            yield total(name, getattr(self.broker.kernel, attribute), {"protocol": "amqp091"})
        totals = self.broker.queue_totals()
        for name, parts in QUEUE_TOTALS.items():
            labels = {"protocol": "amqp091", "queue_type": "rabbit_classic_queue"}
            yield total(name, sum(totals[part] for part in parts), labels)

    def process(self) -> Iterator[Metric]:
        broker = self.broker
        gauges = {
            "rabbitmq_process_resident_memory_bytes": resident_bytes(),
            "rabbitmq_process_open_fds": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names only, many of them
            "rabbitmq_process_max_fds": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "rabbitmq_disk_space_available_bytes": shutil.disk_usage(Path(broker.data)).free,
            "rabbitmq_alarms_memory_used_watermark": int("memory" in broker.alarms.on),
            "rabbitmq_alarms_free_disk_space_watermark": int("disk" in broker.alarms.on),
            "rabbitmq_alarms_file_descriptor_limit": 0,  # there is no such alarm
            "rabbitmq_erlang_uptime_seconds": broker.loop.time() - broker.born,
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

    def all_queues(self) -> Iterator[Metric]:
        records = [q.records for v in self.broker.vhosts.values() for q in v.live.values()]
        for name, attribute in PER_QUEUE.items():
            value = sum(getattr(r, attribute) for r in records)
            yield GaugeMetricFamily(f"rabbitmq_queue_{name}", name.replace("_", " ").capitalize(), value)
        waiting = sum(r.ready + r.unacked for r in records)
        yield GaugeMetricFamily("rabbitmq_queue_messages", "Sum of ready and unacknowledged messages", waiting)

    def queues(self) -> Iterator[Metric]:
        live = [q for v in self.broker.vhosts.values() for q in v.live.values()]
        families = {name: per_queue(name) for name in (*PER_QUEUE, "messages")}
        for queue in live:
            labels, records = [queue.declared.vhost, queue.name], queue.records
            for name, attribute in PER_QUEUE.items():
                families[name].add_metric(labels, getattr(records, attribute))
            families["messages"].add_metric(labels, records.ready + records.unacked)
        yield from families.values()


def per_queue(name: str) -> GaugeMetricFamily:
    doc = name.replace("_", " ").capitalize()
    return GaugeMetricFamily(f"rabbitmq_queue_{name}", doc, labels=["vhost", "queue"])


def total(name: str, value: float, labels: Mapping[str, str]) -> Metric:
    doc = f"Total number of messages {name.replace('_', ' ')}"
    family = CounterMetricFamily(f"rabbitmq_global_messages_{name}", doc, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def info(name: str, doc: str, labels: Mapping[str, str]) -> Metric:
    family = UnknownMetricFamily(name, doc, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family
