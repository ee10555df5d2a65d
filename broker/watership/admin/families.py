"""The groups of metrics that RabbitMQ has, each a declared table: what objects it looks at, what it reads of them.

Names and groups are those of RabbitMQ's prometheus plugin (its metrics-detailed.md). /metrics adds up over a group's
objects, /metrics/per-object and /metrics/detailed tell of each with its labels. What only a process of Erlang's could
have is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from watership.broker import Broker

from . import health

Objects = Iterable[tuple[tuple[str, ...], Any]]
QUEUE, CHANNEL, CONNECTION, EXCHANGE = ("vhost", "queue"), ("channel",), ("connection",), ("vhost", "exchange")


@dataclass(frozen=True)
class Wanted:
    """Which objects: vhosts and a queue's name, None for all."""

    vhosts: frozenset[str] | None = None
    queue: str | None = None


@dataclass(frozen=True)
class Row:
    """One metric. name: without its prefix; a counter's without _total. read: its value of one object."""

    name: str
    doc: str
    read: Callable[[Any], float]
    counter: bool = False


@dataclass(frozen=True)
class Group:
    labels: tuple[str, ...]
    objects: Callable[[Broker, Wanted], Objects]
    rows: tuple[Row, ...]
    prefix: str = ""  # instead of the page's own

    def metrics(self, broker: Broker, wanted: Wanted, *, prefix: str, each: bool) -> Iterator[Metric]:
        """each: one sample for each object, with its labels; else their sum."""
        found = list(self.objects(broker, wanted))
        labels = self.labels if each else ()
        for row in self.rows:
            kind = CounterMetricFamily if row.counter else GaugeMetricFamily
            family = kind(f"{self.prefix or prefix}{row.name}", row.doc, labels=labels)
            if each:
                for values, item in found:
                    family.add_metric(values, row.read(item))
            else:
                family.add_metric((), sum(row.read(item) for _, item in found))
            yield family


def queues(broker: Broker, wanted: Wanted) -> Objects:
    for vhost in broker.vhosts.values():
        if wanted.vhosts is None or vhost.name in wanted.vhosts:
            for queue in vhost.live.values():
                if wanted.queue in (None, queue.name):
                    yield (vhost.name, queue.name), queue


def channels(broker: Broker, _: Wanted) -> Objects:
    for client in broker.clients.values():
        for channel in client.channels.values():
            yield (channel.name,), {**channel.counts(), **channel.describe()}


def connections(broker: Broker, _: Wanted) -> Objects:
    for client in broker.clients.values():
        yield (client.name,), (*client.traffic(), len(client.channels))


def exchanges(broker: Broker, wanted: Wanted) -> Objects:
    for vhost in broker.vhosts.values():
        if wanted.vhosts is None or vhost.name in wanted.vhosts:
            for name in vhost.exchanges.declared:
                yield (vhost.name, name), len(list(vhost.bindings.declared.of_source(name)))


def vhosts(broker: Broker, wanted: Wanted) -> Objects:
    for name in broker.metadata.vhosts:
        if wanted.vhosts is None or name in wanted.vhosts:
            yield (name,), name in broker.vhosts


def node(broker: Broker, _: Wanted) -> Objects:
    yield (), health.node(broker)


def churn(broker: Broker, _: Wanted) -> Objects:
    yield (), broker.churn


def attempts(broker: Broker, _: Wanted) -> Objects:
    for protocol, tally in broker.access.attempts.by_protocol.items():
        yield (protocol,), tally


def sources(broker: Broker, _: Wanted) -> Objects:
    yield from broker.access.attempts.by_source.items()


def gauge(name: str, doc: str, key: str, scale: float = 1) -> Row:
    return Row(name, doc, lambda item: item[key] * scale)


def counter(name: str, doc: str, key: Any, scale: float = 1) -> Row:
    return Row(name, doc, lambda item: item[key] * scale, counter=True)


def of_records(name: str, doc: str, *attributes: str, counted: bool = False) -> Row:
    """What a queue's records count, added up."""
    return Row(name, doc, lambda queue: sum(getattr(queue.records, a) for a in attributes), counter=counted)


WAITING, OCTETS = ("ready", "unacked"), ("bytes_ready", "bytes_unacked")
CONSUMERS = Row("queue_consumers", "Consumers on a queue", lambda queue: len(queue.subscriptions))


def persistent(name: str, doc: str, *attributes: str) -> Row:
    def read(queue: Any) -> float:
        return sum(getattr(queue.records, a) for a in attributes) if queue.declared.durable else 0

    return Row(name, doc, read)


ATTEMPTS = (
    ("", "authentication attempts", lambda tally: tally.succeeded + tally.failed),
    ("_succeeded", "successful authentication attempts", lambda tally: tally.succeeded),
    ("_failed", "failed authentication attempts", lambda tally: tally.failed),
)
GROUPS: dict[str, Group] = {
    "connection_churn_metrics": Group(
        (),
        churn,
        tuple(
            counter(name, f"Total number of {name.replace('_', ' ')}", name)
            for name in (
                *("connections_opened", "connections_closed", "channels_opened", "channels_closed"),
                *("queues_declared", "queues_created", "queues_deleted"),
            )
        ),
    ),
    "node_coarse_metrics": Group(
        (),
        node,
        (
            gauge("process_open_fds", "Open file descriptors", "fd_used"),
            gauge("process_open_tcp_sockets", "Open TCP sockets", "sockets_used"),
            gauge("process_resident_memory_bytes", "Memory used in bytes", "mem_used"),
            gauge("disk_space_available_bytes", "Disk space available in bytes", "disk_free"),
            counter("erlang_scheduler_context_switches", "Total number of context switches", "context_switches"),
            counter("erlang_gc_runs", "Total number of garbage collector runs", "gc_num"),
        ),
    ),
    "node_metrics": Group(
        (),
        node,
        (
            gauge("process_max_fds", "Open file descriptors limit", "fd_total"),
            gauge("process_max_tcp_sockets", "Open TCP sockets limit", "sockets_total"),
            gauge("resident_memory_limit_bytes", "Memory high watermark in bytes", "mem_limit"),
            gauge("disk_space_available_limit_bytes", "Free disk space low watermark in bytes", "disk_free_limit"),
            gauge("erlang_uptime_seconds", "Node uptime", "uptime", 0.001),
        ),
    ),
    "node_persister_metrics": Group(
        (),
        node,
        (
            counter("io_write_ops", "Total number of I/O write operations", "io_write_count"),
            counter("io_write_bytes", "Total number of I/O bytes written", "io_write_bytes"),
            counter("io_sync_ops", "Total number of I/O sync operations", "io_sync_count"),
        ),
    ),
    "auth_attempt_metrics": Group(
        ("protocol",),
        attempts,
        tuple(Row(f"auth_attempts{n}", f"Total number of {doc}", read, counter=True) for n, doc, read in ATTEMPTS),
    ),
    "auth_attempt_detailed_metrics": Group(
        ("protocol", "remote_address", "username"),
        sources,
        tuple(
            Row(f"auth_attempts_detailed{n}", f"Total number of {doc} with source info", read, counter=True)
            for n, doc, read in ATTEMPTS
        ),
    ),
    "queue_coarse_metrics": Group(
        QUEUE,
        queues,
        (
            of_records("queue_messages_ready", "Messages ready to be delivered to consumers", "ready"),
            of_records("queue_messages_unacked", "Messages delivered to consumers but not yet acknowledged", "unacked"),
            of_records("queue_messages", "Sum of ready and unacknowledged messages", *WAITING),
        ),
    ),
    "queue_consumer_count": Group(QUEUE, queues, (CONSUMERS,)),
    "queue_metrics": Group(
        QUEUE,
        queues,
        (
            CONSUMERS,
            Row("queue_consumer_capacity", "Consumer capacity", lambda queue: float(bool(queue.subscriptions))),
            Row("queue_consumer_utilisation", "Same as capacity", lambda queue: float(bool(queue.subscriptions))),
            of_records("queue_process_memory_bytes", "Memory in bytes used by a queue", "memory"),
            of_records("queue_messages_ram", "Ready and unacknowledged messages stored in memory", *WAITING),
            of_records("queue_messages_ram_bytes", "Size of messages stored in memory", *OCTETS),
            of_records("queue_messages_ready_ram", "Ready messages stored in memory", "ready"),
            of_records("queue_messages_unacked_ram", "Unacknowledged messages stored in memory", "unacked"),
            persistent("queue_messages_persistent", "Persistent messages", *WAITING),
            persistent("queue_messages_persistent_bytes", "Size in bytes of persistent messages", *OCTETS),
            of_records("queue_messages_bytes", "Size in bytes of ready and unacknowledged messages", *OCTETS),
            of_records("queue_messages_ready_bytes", "Size in bytes of ready messages", "bytes_ready"),
            of_records("queue_messages_unacked_bytes", "Size in bytes of unacknowledged messages", "bytes_unacked"),
        ),
    ),
    "queue_delivery_metrics": Group(
        QUEUE,
        queues,
        tuple(
            of_records(f"queue_{name}", doc, attribute, counted=True)
            for name, attribute, doc in (
                ("get_ack", "got", "Total number of messages fetched with basic.get, to be acknowledged"),
                ("get", "got_no_ack", "Total number of messages fetched with basic.get, not to be acknowledged"),
                ("messages_delivered_ack", "delivered", "Total number of messages delivered, to be acknowledged"),
                ("messages_delivered", "delivered_no_ack", "Total number of messages delivered, not to be"),
                ("messages_redelivered", "redelivered", "Total number of messages redelivered to consumers"),
                ("messages_acked", "acked", "Total number of messages acknowledged by consumers"),
                ("get_empty", "got_empty", "Total number of times basic.get fetched no message"),
                ("messages_published", "published", "Total number of messages published to queues"),
            )
        ),
    ),
    "channel_metrics": Group(
        CHANNEL,
        channels,
        (
            gauge("channel_consumers", "Consumers on a channel", "consumer_count"),
            gauge("channel_messages_unacked", "Delivered but not yet acknowledged", "messages_unacknowledged"),
            gauge("channel_messages_unconfirmed", "Published but not yet confirmed", "messages_unconfirmed"),
            gauge("channel_messages_uncommitted", "In a transaction not yet committed", "messages_uncommitted"),
            gauge("channel_acks_uncommitted", "Acknowledgements not yet committed", "acks_uncommitted"),
            gauge("consumer_prefetch", "Limit of unacknowledged messages for each consumer", "prefetch_count"),
            gauge("channel_prefetch", "Limit for all consumers on a channel", "global_prefetch_count"),
        ),
    ),
    "channel_exchange_metrics": Group(
        CHANNEL,
        channels,
        (
            counter("channel_messages_published", "Total number of messages published on a channel", "publish"),
            counter("channel_messages_confirmed", "Total number of messages confirmed on a channel", "confirm"),
            counter("channel_messages_unroutable_returned", "Total number returned unroutable", "return_unroutable"),
            counter("channel_messages_unroutable_dropped", "Total number dropped unroutable", "drop_unroutable"),
        ),
    ),
    "channel_queue_metrics": Group(
        CHANNEL,
        channels,
        (
            counter("channel_get_ack", "Total number fetched with basic.get, to be acknowledged", "get"),
            counter("channel_get", "Total number fetched with basic.get, not to be acknowledged", "get_no_ack"),
            counter("channel_messages_delivered_ack", "Total number delivered, to be acknowledged", "deliver"),
            counter("channel_messages_delivered", "Total number delivered, not to be", "deliver_no_ack"),
            counter("channel_messages_redelivered", "Total number of messages redelivered", "redeliver"),
            counter("channel_messages_acked", "Total number of messages acknowledged", "ack"),
        ),
    ),
    "connection_coarse_metrics": Group(
        CONNECTION,
        connections,
        (
            counter("connection_incoming_bytes", "Total number of bytes received on a connection", 0),
            counter("connection_outgoing_bytes", "Total number of bytes sent on a connection", 1),
        ),
    ),
    "connection_metrics": Group(
        CONNECTION,
        connections,
        (
            counter("connection_incoming_packets", "Total number of packets received on a connection", 2),
            counter("connection_outgoing_packets", "Total number of packets sent on a connection", 3),
            Row("connection_channels", "Channels on a connection", lambda item: item[4]),
        ),
    ),
    "vhost_status": Group(
        ("vhost",), vhosts, (Row("vhost_status", "Whether a given vhost is running", int),), "rabbitmq_cluster_"
    ),
    "exchange_names": Group(
        EXCHANGE, exchanges, (Row("exchange_name", "Enumerates exchanges", lambda _: 1),), "rabbitmq_cluster_"
    ),
    "exchange_bindings": Group(
        EXCHANGE, exchanges, (Row("exchange_bindings", "Number of bindings of an exchange", int),), "rabbitmq_cluster_"
    ),
}
# Of the whole cluster, told of on request only.
CLUSTER = ("vhost_status", "exchange_names", "exchange_bindings")
# Part of others, or about addresses of clients: on request only.
REQUESTED = (*CLUSTER, "queue_consumer_count", "auth_attempt_detailed_metrics")
