"""Messages taken out of a queue through the management API, and the rates it shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from tests.broker.process import Broker


def get(broker: Broker, vhost: str, ackmode: str, **body: Any) -> list[dict[str, Any]]:
    wanted = {"count": 10, "ackmode": ackmode, "encoding": "auto"} | body
    found: list[dict[str, Any]] = broker.admin("POST", f"/queues/{vhost}/q/get", wanted)
    return found


@pytest.fixture
def three(broker: Broker, channel: BlockingChannel, vhost: str) -> None:
    channel.queue_declare("q", durable=True)
    properties = pika.BasicProperties(content_type="text/plain", delivery_mode=2, headers={"n": 1})
    channel.confirm_delivery()
    for body in (b"one", b"\xff\x00", b"three"):
        channel.basic_publish("", "q", body, properties)


@pytest.mark.usefixtures("three")
def test_messages_that_are_put_back_come_again_in_their_order(broker: Broker, vhost: str) -> None:
    first = get(broker, vhost, "ack_requeue_true")
    assert [m["payload"] for m in first] == ["one", "/wA=", "three"]
    assert [m["payload_encoding"] for m in first] == ["string", "base64", "string"]
    assert [m["message_count"] for m in first] == [2, 1, 0]
    assert first[0]["properties"] == {"content_type": "text/plain", "delivery_mode": 2, "headers": {"n": 1}}
    assert (first[0]["exchange"], first[0]["routing_key"], first[0]["payload_bytes"]) == ("", "q", 3)
    again = get(broker, vhost, "reject_requeue_true")
    assert [m["payload"] for m in again] == ["one", "/wA=", "three"]
    assert [m["redelivered"] for m in again] == [True] * 3


@pytest.mark.usefixtures("three")
def test_messages_that_are_acknowledged_are_gone(broker: Broker, vhost: str) -> None:
    assert [m["payload"] for m in get(broker, vhost, "ack_requeue_false", count=2, truncate=1)] == ["o", "/w=="]
    assert [m["payload"] for m in get(broker, vhost, "ack_requeue_false", encoding="base64")] == ["dGhyZWU="]
    assert get(broker, vhost, "ack_requeue_false") == []


@pytest.mark.usefixtures("three")
def test_messages_that_are_rejected_go_to_the_dead_letters(broker: Broker, vhost: str) -> None:
    broker.admin("PUT", f"/queues/{vhost}/dead", {"durable": True})
    definition = {"dead-letter-exchange": "", "dead-letter-routing-key": "dead"}
    broker.admin("PUT", f"/policies/{vhost}/p", {"pattern": "^q$", "definition": definition})
    get(broker, vhost, "reject_requeue_false", count=1)
    dead = broker.admin(
        "POST", f"/queues/{vhost}/dead/get", {"count": 5, "ackmode": "ack_requeue_true", "encoding": "auto"}
    )
    assert [(m["payload"], m["properties"]["headers"]["x-first-death-reason"]) for m in dead] == [("one", "rejected")]


@pytest.fixture
def sampling(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path, "collect_statistics_interval = 200\n")
    broker.start()
    yield broker
    broker.end()


def test_rates_show_what_moves(sampling: Broker) -> None:
    channel = sampling.connect().channel()
    channel.queue_declare("q")
    moving, deadline = False, time.monotonic() + 20
    while not moving and time.monotonic() < deadline:
        channel.basic_publish("", "q", b"x")
        queue = sampling.admin("GET", "/queues/%2F/q?msg_rates_age=10&msg_rates_incr=1&lengths_age=10&lengths_incr=1")
        published = queue["message_stats"]["publish_details"]
        moving = published["rate"] > 0 and queue["messages_details"]["rate"] > 0 and published["avg_rate"] >= 0
    assert moving
    assert {"sample", "timestamp"} == set(published["samples"][0])
    overview = sampling.admin("GET", "/overview")
    assert "rate" in overview["message_stats"]["publish_details"]
    assert "rate" in overview["queue_totals"]["messages_details"]
    assert "rate" in overview["churn_rates"]["connection_created_details"]
    connection = sampling.admin("GET", "/connections")[0]
    assert connection["recv_oct_details"]["rate"] >= 0
    assert "publish_details" in sampling.admin("GET", "/channels")[0]["message_stats"]
    assert "publish_details" in sampling.admin("GET", "/vhosts/%2F")["message_stats"]


def test_rates_sink_to_nothing_when_nothing_moves(sampling: Broker) -> None:
    channel = sampling.connect().channel()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"x")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        queue = sampling.admin("GET", "/queues/%2F/q")
        if queue["messages"] and queue["message_stats"]["publish_details"]["rate"] == 0:
            return
        time.sleep(0.2)
    pytest.fail("a queue that nobody publishes to still shows a rate")
