"""Metrics with RabbitMQ's names, so that its dashboards find them."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.registry import Collector

from watership.broker import Broker
from watership.broker.identity import PRODUCT, VERSION, WATERSHIP

from .health import memory_bytes

__all__ = ["CONTENT_TYPE", "page"]


def page(broker: Broker) -> bytes:
    registry = CollectorRegistry()
    registry.register(BrokerCollector(broker))
    return bytes(generate_latest(registry))


class BrokerCollector(Collector):
    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def collect(self) -> Iterator[Metric]:
        yield from self.identity()
        yield from self.objects()
        yield from self.messages()
        yield from self.process()

    def identity(self) -> Iterator[Metric]:
        broker = self.broker
        labels = {"rabbitmq_node": broker.node, "rabbitmq_cluster": broker.cluster_name}
        yield labelled("rabbitmq_identity_info", "RabbitMQ node & cluster identity info", labels)
        versions = {"rabbitmq_version": VERSION, "product_name": PRODUCT, "product_version": VERSION}
        yield labelled("rabbitmq_build_info", "Version info", {**versions, "watership_version": WATERSHIP})

    def objects(self) -> Iterator[Metric]:
        broker = self.broker
        queues = [q for v in broker.vhosts.values() for q in v.live.values()]
        clients = list(broker.clients.values())
        gauges = {
            "rabbitmq_connections": len(clients),
            "rabbitmq_channels": sum(len(c.channels) for c in clients),
            "rabbitmq_queues": len(queues),
            "rabbitmq_consumers": sum(len(q.subscriptions) for q in queues),
            "rabbitmq_queue_messages_ready": sum(q.records.ready for q in queues),
            "rabbitmq_queue_messages_unacked": sum(q.records.unacked for q in queues),
            "rabbitmq_queue_messages": sum(q.records.ready + q.records.unacked for q in queues),
        }
        for name, value in gauges.items():
            yield GaugeMetricFamily(name, name.removeprefix("rabbitmq_").replace("_", " "), value)
        for name, value in broker.churn.items():
            yield CounterMetricFamily(f"rabbitmq_{name}", name.replace("_", " "), value)

    def messages(self) -> Iterator[Metric]:
        broker, kernel = self.broker, self.broker.kernel
        queues = [q.records for v in broker.vhosts.values() for q in v.live.values()]
        totals = {
            "received": kernel.published,
            "confirmed": kernel.confirmed,
            "routed": kernel.routed,
            "unroutable_dropped": kernel.dropped,
            "unroutable_returned": kernel.returned,
            "delivered_consume_manual_ack": sum(q.delivered for q in queues),
            "delivered_consume_auto_ack": sum(q.delivered_no_ack for q in queues),
            "delivered_get_manual_ack": sum(q.got for q in queues),
            "delivered_get_auto_ack": sum(q.got_no_ack for q in queues),
            "get_empty": sum(q.got_empty for q in queues),
            "redelivered": sum(q.redelivered for q in queues),
            "acknowledged": sum(q.acked for q in queues),
        }
        totals["delivered"] = sum(v for k, v in totals.items() if k.startswith("delivered_"))
        for name, value in totals.items():
            family = CounterMetricFamily(
                f"rabbitmq_global_messages_{name}", f"messages {name.replace('_', ' ')}", labels=["protocol"]
            )
            family.add_metric(["amqp091"], value)
            yield family

    def process(self) -> Iterator[Metric]:
        broker = self.broker
        gauges = {
            "rabbitmq_process_resident_memory_bytes": memory_bytes(),
            "rabbitmq_process_open_fds": len(list(Path("/proc/self/fd").iterdir())),
            "rabbitmq_process_max_fds": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "rabbitmq_disk_space_available_bytes": shutil.disk_usage(broker.data).free,
            "rabbitmq_erlang_uptime_seconds": broker.loop.time() - broker.born,
            "watership_log_bytes": broker.store.size,
            "watership_log_commits": broker.journal.commits,
        }
        for name, value in gauges.items():
            yield GaugeMetricFamily(name, name.partition("_")[2].replace("_", " "), value)


def labelled(name: str, doc: str, labels: dict[str, str]) -> Metric:
    family = GaugeMetricFamily(name, doc, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family
