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
    """Values by name, without labels."""
    families = text_string_to_metric_families(read(broker, path)[1])
    return {sample.name: sample.value for family in families for sample in family.samples}


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
