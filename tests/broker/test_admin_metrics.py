"""What Prometheus and Kubernetes read from the port of their own, without a login."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.broker.process import Broker


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """A broker that nobody else sends messages to."""
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.end()


def read(broker: Broker, path: str) -> tuple[int, str]:
    (port,) = [
        listener["port"] for listener in broker.admin("GET", "/overview")["listeners"] if "prom" in listener["protocol"]
    ]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.read().decode()


def samples(broker: Broker, path: str = "/metrics") -> dict[str, float]:
    """Values by name, added up over labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(read(broker, path)[1]):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_need_no_login(own: Broker, path: str) -> None:
    assert read(own, path) == (200, "ok\n")


def test_every_message_is_counted_once(own: Broker) -> None:
    connection = own.connect()
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare("q")
    for _ in range(3):
        channel.basic_publish("", "q", b"x")
    channel.basic_get("q", auto_ack=True)
    method, _, _ = channel.basic_get("q")
    channel.basic_ack(method.delivery_tag)
    channel.basic_get("q")
    seen = samples(own)
    assert {name: seen[f"rabbitmq_{name}"] for name in ("connections", "channels", "queues", "consumers")} == {
        "connections": 1,
        "channels": 1,
        "queues": 1,
        "consumers": 0,
    }
    assert (seen["rabbitmq_queue_messages_ready"], seen["rabbitmq_queue_messages_unacked"]) == (0, 1)
    counted = {name: seen[f"rabbitmq_global_messages_{name}_total"] for name in COUNTED}
    assert counted == COUNTED
    connection.close()


COUNTED = {
    "received": 3,
    "received_confirm": 3,
    "confirmed": 3,
    "routed": 3,
    "delivered": 3,
    "delivered_get_auto_ack": 1,
    "delivered_get_manual_ack": 2,
    "acknowledged": 1,
    "unroutable_dropped": 0,
}


def test_totals_outlive_their_queues(own: Broker) -> None:
    connection = own.connect()
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"x")
    channel.basic_get("q", auto_ack=True)
    channel.queue_delete("q")
    connection.close()
    seen = samples(own)
    assert (seen["rabbitmq_queues"], seen["rabbitmq_queues_deleted_total"]) == (0, 1)
    assert seen["rabbitmq_global_messages_delivered_get_auto_ack_total"] == 1
    assert own.admin("GET", "/overview")["message_stats"]["get_no_ack"] == 1


def test_dashboards_find_what_they_join_on(own: Broker) -> None:
    own.admin("PUT", "/cluster-name", {"name": "hares"})
    families = {f.name: f for f in text_string_to_metric_families(read(own, "/metrics")[1])}
    (identity,) = families["rabbitmq_identity_info"].samples
    assert identity.value == 1
    assert identity.labels["rabbitmq_cluster"] == "hares"
    assert set(identity.labels) >= {"rabbitmq_node", "rabbitmq_endpoint", "rabbitmq_cluster_permanent_id"}
    (build,) = families["rabbitmq_build_info"].samples
    assert build.labels["rabbitmq_version"] == own.admin("GET", "/overview")["rabbitmq_version"]


def test_queues_one_by_one(own: Broker) -> None:
    for name in ("a", "b"):
        own.admin("PUT", f"/queues/%2F/{name}", {"durable": True})
    own.admin("POST", "/exchanges/%2F/amq.default/publish", {"routing_key": "b", "payload": "x"})
    families = {f.name: f for f in text_string_to_metric_families(read(own, "/metrics/per-object")[1])}
    ready = {(s.labels["vhost"], s.labels["queue"]): s.value for s in families["rabbitmq_queue_messages_ready"].samples}
    assert ready == {("/", "a"): 0, ("/", "b"): 1}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """With a message of each size up to a million octets in a queue of each type, and a consumer."""
    broker = Broker(tmp_path_factory.mktemp("busy"))
    broker.start()
    broker.admin("PUT", "/vhosts/other", {})
    broker.admin("PUT", "/permissions/other/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    connection = broker.connect()
    channel = connection.channel()
    channel.queue_declare("c", durable=True)
    channel.queue_declare("q", durable=True, arguments={"x-queue-type": "quorum", "x-max-length": 2})
    for size in (0, 100, 101, 2000, 500_000):
        channel.basic_publish("", "c", bytes(size))
    for _ in range(3):
        channel.basic_publish("", "q", b"x")
    channel.basic_get("q")
    other = broker.connect(virtual_host="other").channel()
    other.queue_declare("c")
    other.basic_consume("c", lambda *_: None)
    yield broker
    broker.end()


# What RabbitMQ-Overview's panels ask for.
OVERVIEW = """
build_info identity_info channels channels_opened_total channels_closed_total connections connections_opened_total
connections_closed_total disk_space_available_bytes disk_space_available_limit_bytes erlang_uptime_seconds
global_consumers global_publishers global_messages_acknowledged_total global_messages_confirmed_total
global_messages_delivered_total global_messages_delivered_consume_auto_ack_total
global_messages_delivered_consume_manual_ack_total global_messages_delivered_get_auto_ack_total
global_messages_delivered_get_manual_ack_total global_messages_get_empty_total global_messages_received_total
global_messages_received_confirm_total global_messages_redelivered_total global_messages_routed_total
global_messages_unroutable_dropped_total global_messages_unroutable_returned_total message_size_bytes_bucket
message_size_bytes_sum message_size_bytes_count process_max_fds process_open_fds process_resident_memory_bytes
resident_memory_limit_bytes queue_messages_ready queue_messages_unacked queues queues_created_total
queues_declared_total queues_deleted_total
"""
# And its older form, other boards and the alert rules of RabbitMQ's operator.
OTHERS = """
channel_consumers channel_messages_published_total channel_messages_redelivered_total channel_messages_acked_total
channel_messages_delivered_total channel_messages_delivered_ack_total channel_get_total channel_get_ack_total
channel_messages_unroutable_returned_total channel_messages_unroutable_dropped_total channel_messages_confirmed_total
process_open_tcp_sockets alarms_memory_used_watermark alarms_free_disk_space_watermark alarms_file_descriptor_limit
queue_messages queue_consumers consumers connection_incoming_bytes_total connection_outgoing_packets_total
global_messages_dead_lettered_maxlen_total global_messages_dead_lettered_expired_total
global_messages_dead_lettered_rejected_total global_messages_dead_lettered_delivery_limit_total
auth_attempts_total auth_attempts_failed_total io_sync_ops_total
"""


def test_every_panel_of_rabbitmqs_overview_has_its_metrics(busy: Broker) -> None:
    seen = set(samples(busy))
    assert {f"rabbitmq_{name}" for name in (OVERVIEW + OTHERS).split()} - seen == set()


def labelled(broker: Broker, path: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by name and by the labels' values, in the order of the labels' names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(read(broker, path)[1]):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(v for _, v in sorted(sample.labels.items()))] = sample.value
    return found


def test_messages_are_counted_by_size_and_by_type_of_queue(busy: Broker) -> None:
    seen = labelled(busy, "/metrics")
    buckets = {float(limit): count for (limit, _), count in seen["rabbitmq_message_size_bytes_bucket"].items()}
    limits = (100, 1e3, 1e4, 1e5, 1e6, 1e7, 5e7, 1e8, float("inf"))
    assert buckets == dict(zip(limits, (5, 6, 7, 7, 8, 8, 8, 8, 8), strict=True))
    assert sum(seen["rabbitmq_message_size_bytes_count"].values()) == 8
    assert sum(seen["rabbitmq_message_size_bytes_sum"].values()) == 502_204
    delivered = seen["rabbitmq_global_messages_delivered_get_manual_ack_total"]
    assert delivered == {("amqp091", "rabbit_classic_queue"): 0, ("amqp091", "rabbit_quorum_queue"): 1}
    assert seen["rabbitmq_global_publishers"] == {("amqp091",): 1}


def test_detailed_groups_tell_of_the_vhosts_that_are_asked_for(busy: Broker) -> None:
    def asked(query: str) -> dict[str, dict[tuple[str, ...], float]]:
        found = labelled(busy, f"/metrics/detailed?{query}")
        return {name: values for name, values in found.items() if not name.endswith("_info")}

    ready = asked("family=queue_coarse_metrics")["rabbitmq_detailed_queue_messages_ready"]
    assert ready == {("c", "/"): 5, ("q", "/"): 1, ("c", "other"): 0}
    both = asked("family=queue_coarse_metrics&family=queue_consumer_count&vhost=other")
    assert both["rabbitmq_detailed_queue_consumers"] == {("c", "other"): 1}
    assert set(both["rabbitmq_detailed_queue_messages"]) == {("c", "other")}
    assert asked("family=queue_metrics&queue=q")["rabbitmq_detailed_queue_messages_bytes"] == {("q", "/"): 2}
    names = {name for (name,) in asked("family=connection_metrics")["rabbitmq_detailed_connection_channels"]}
    assert len(names) == 2
    cluster = asked("family=vhost_status&family=exchange_bindings&family=exchange_names&vhost=other")
    assert cluster["rabbitmq_cluster_vhost_status"] == {("other",): 1}
    assert cluster["rabbitmq_cluster_exchange_bindings"]["amq.topic", "other"] == 0
    assert asked("family=nothing") == {}
    assert "rabbitmq_identity_info" in labelled(busy, "/metrics/detailed")


def test_per_object_has_labels_where_the_rest_is_a_sum(busy: Broker) -> None:
    each, summed = labelled(busy, "/metrics/per-object"), labelled(busy, "/metrics")
    assert set(each) == set(summed)
    published = each["rabbitmq_channel_messages_published_total"]
    assert sorted(published.values()) == [0, 8]
    assert all(name.endswith(" (1)") for (name,) in published)
    assert summed["rabbitmq_channel_messages_published_total"] == {(): 8}


def test_memory_is_broken_down(busy: Broker) -> None:
    seen = samples(busy, "/metrics/memory-breakdown")
    assert seen["rabbitmq_memory_classic_queue_erlang_process_bytes"] > 500_000
    assert seen["rabbitmq_memory_quorum_queue_erlang_process_bytes"] > 0
