"""Tracing of a vhost: what passes through it is published to amq.rabbitmq.trace too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from tests.broker.process import Broker


@pytest.fixture
def traced(connect: Callable[..., pika.BlockingConnection]) -> BlockingChannel:
    """A channel with a queue `trace` that gets everything."""
    channel = connect().channel()
    channel.queue_declare("trace")
    channel.queue_bind("trace", "amq.rabbitmq.trace", "#")
    return channel


def took(channel: BlockingChannel) -> dict[str, tuple[dict[str, Any], bytes]]:
    """What has been traced, by routing key."""
    found = {}
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        method, properties, body = channel.basic_get("trace", auto_ack=True)
        if method is not None:
            found[method.routing_key] = (properties.headers, body)
    return found


def test_publishes_and_deliveries_are_traced_with_their_way(
    broker: Broker, vhost: str, connect: Callable[..., pika.BlockingConnection], traced: BlockingChannel
) -> None:
    before = connect().channel()
    broker.admin("PUT", f"/vhosts/{vhost}", {"tracing": True})
    assert broker.admin("GET", f"/vhosts/{vhost}")["tracing"] is True
    after = connect().channel()
    after.queue_declare("q")
    after.queue_bind("q", "amq.topic", "a.#")
    given = pika.BasicProperties(content_type="text/plain", headers={"mine": 1, "CC": ["x"]}, delivery_mode=2)
    before.basic_publish("amq.topic", "a.b", b"body", given)
    consumed: list[bytes] = []
    after.basic_consume("q", lambda _channel, _method, _properties, body: consumed.append(body), auto_ack=True)
    after.connection.process_data_events(0.5)
    seen = took(traced)
    headers, body = seen["publish.amq.topic"]
    assert (body, consumed) == (b"body", [b"body"])
    assert {name: headers[name] for name in ("exchange_name", "routing_keys", "vhost", "channel", "user")} == {
        "exchange_name": "amq.topic",
        "routing_keys": ["a.b", "x"],
        "vhost": vhost,
        "channel": 1,
        "user": "guest",
    }
    assert headers["routed_queues"] == ["q"]
    assert headers["node"] == broker.admin("GET", "/overview")["node"]
    assert headers["properties"]["content_type"] == "text/plain"
    assert headers["properties"]["headers"]["mine"] == 1
    assert headers["properties"]["delivery_mode"] == 2
    headers, body = seen["deliver.q"]
    assert (headers["redelivered"], headers["exchange_name"], body) == (0, "amq.topic", b"body")
    assert headers["connection"] != seen["publish.amq.topic"][0]["connection"]
    assert not any("trace" in key for key in seen)


def test_nothing_is_traced_before_and_after(broker: Broker, vhost: str, traced: BlockingChannel) -> None:
    traced.queue_declare("q")
    traced.basic_publish("", "q", b"before")
    broker.admin("PUT", f"/vhosts/{vhost}", {"tracing": True})
    traced.basic_publish("", "q", b"large" * 100_000)
    broker.admin("PUT", f"/vhosts/{vhost}", {"tracing": False, "description": "d"})
    traced.basic_publish("", "q", b"after")
    traced.basic_get("q", auto_ack=True)
    assert {key: body for key, (_, body) in took(traced).items()} == {"publish.": b"large" * 100_000}
    assert broker.admin("GET", f"/vhosts/{vhost}")["tracing"] is False
