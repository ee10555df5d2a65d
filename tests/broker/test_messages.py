"""Messages as clients see them: published, confirmed, returned, delivered, acknowledged, requeued, kept."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal

import pika
import pytest
from pika.exceptions import UnroutableError
from tests.broker.process import Broker

DURABLE = pika.BasicProperties(delivery_mode=2)


def bodies(channel, queue: str) -> list[bytes]:
    """All ready messages, taken and acknowledged."""
    found = []
    while (got := channel.basic_get(queue, auto_ack=True))[0]:
        found.append(got[2])
    return found


@pytest.mark.parametrize(
    ("kind", "bindings", "key", "headers", "reached"),
    [
        ("direct", {"a": {"routing_key": "k"}, "b": {"routing_key": "other"}}, "k", None, {"a"}),
        ("fanout", {"a": {}, "b": {"routing_key": "x"}}, "k", None, {"a", "b"}),
        ("topic", {"a": {"routing_key": "*.b.#"}, "b": {"routing_key": "a.*"}}, "a.b.c", None, {"a"}),
        ("topic", {"a": {"routing_key": "#"}, "b": {"routing_key": "*"}}, "", None, {"a", "b"}),
        (
            "headers",
            {
                "a": {"arguments": {"x-match": "all", "x": 1, "y": "z"}},
                "b": {"arguments": {"x-match": "any", "x": 2, "y": "z"}},
            },
            "",
            {"x": 1, "y": "z"},
            {"a", "b"},
        ),
        ("headers", {"a": {"arguments": {"x": 1}}, "b": {"arguments": {"x": 2}}}, "", {"x": 1}, {"a"}),
    ],
)
def test_exchanges_route(channel, kind, bindings, key, headers, reached):
    channel.exchange_declare("x", kind)
    for queue, binding in bindings.items():
        channel.queue_declare(queue)
        channel.queue_bind(queue, "x", **binding)
    channel.confirm_delivery()
    channel.basic_publish("x", key, b"m", pika.BasicProperties(headers=headers))
    assert {q for q in bindings if bodies(channel, q)} == reached


def test_messages_pass_from_exchange_to_exchange(channel):
    channel.exchange_declare("from", "topic")
    channel.exchange_declare("to", "fanout")
    channel.exchange_bind("to", "from", "a.#")
    channel.queue_declare("q")
    channel.queue_bind("q", "to")
    channel.confirm_delivery()
    for key in ("a.b", "b"):
        channel.basic_publish("from", key, key.encode())
    assert bodies(channel, "q") == [b"a.b"]
    channel.exchange_unbind("to", "from", "a.#")
    channel.basic_publish("from", "a.b", b"x")
    assert bodies(channel, "q") == []


def test_unbound_exchange_passes_on_to_its_alternate(channel):
    channel.exchange_declare("last", "fanout")
    channel.exchange_declare("first", "direct", arguments={"alternate-exchange": "last"})
    channel.queue_declare("q")
    channel.queue_bind("q", "last")
    channel.confirm_delivery()
    channel.basic_publish("first", "nowhere", b"m", mandatory=True)
    assert bodies(channel, "q") == [b"m"]


def test_mandatory_message_without_queue_is_returned_before_its_confirm(channel):
    channel.exchange_declare("x")
    channel.confirm_delivery()
    properties = pika.BasicProperties(headers={"a": [1, {"b": None}]}, message_id="7")
    with pytest.raises(UnroutableError) as caught:
        channel.basic_publish("x", "k", b"body", properties, mandatory=True)
    (returned,) = caught.value.messages
    assert (returned.method.reply_code, returned.method.reply_text) == (312, "NO_ROUTE")
    assert (returned.body, returned.properties.headers) == (b"body", {"a": [1, {"b": None}]})
    channel.basic_publish("x", "k", b"dropped and confirmed")


@pytest.mark.parametrize("size", [0, 1, 4000, 131064, 131065, 1_000_000, 10_000_000])
def test_bodies_of_every_size_arrive_whole(channel, size):
    channel.queue_declare("q")
    channel.confirm_delivery()
    body = os.urandom(size)
    channel.basic_publish("", "q", body)
    assert channel.basic_get("q", auto_ack=True)[2] == body


def test_smaller_frame_max_gets_the_body_in_smaller_frames(connect, channel):
    channel.queue_declare("q")
    channel.confirm_delivery()
    body = os.urandom(100_000)
    channel.basic_publish("", "q", body)
    small = connect(frame_max=8192).channel()
    assert small.basic_get("q", auto_ack=True)[2] == body


def test_body_over_the_limit_closes_the_channel_with_406(channel):
    channel.queue_declare("q")
    channel.confirm_delivery()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.basic_publish("", "q", bytes(16777217))
    text = "PRECONDITION_FAILED - message size 16777217 is larger than configured max size 16777216"
    assert (closed.value.reply_code, closed.value.reply_text) == (406, text)


def test_properties_come_back_as_they_went(channel):
    channel.queue_declare("q")
    sent = pika.BasicProperties(
        content_type="text/plain",
        content_encoding="utf-8",
        headers={"s": "x", "i": 1, "t": {"u": True}, "l": [1, "2"]},
        delivery_mode=2,
        priority=3,
        correlation_id="c",
        reply_to="r",
        expiration="60000",
        message_id="m",
        timestamp=1700000000,
        type="t",
        user_id="guest",
        app_id="a",
    )
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"m", sent)
    assert channel.basic_get("q")[1] == sent


def test_prefetch_bounds_what_is_unacknowledged(connect, channel):
    channel.queue_declare("q")
    channel.confirm_delivery()
    for n in range(10):
        channel.basic_publish("", "q", str(n).encode())
    consumer = connect().channel()
    consumer.basic_qos(prefetch_count=3)
    got = []
    consumer.basic_consume("q", lambda ch, method, _p, body: got.append((method.delivery_tag, body)))
    consumer.connection.process_data_events(0.5)
    assert [b for _, b in got] == [b"0", b"1", b"2"]
    consumer.basic_ack(got[-1][0], multiple=True)
    consumer.connection.process_data_events(0.5)
    assert [b for _, b in got] == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_consumers_take_turns(connect, channel):
    channel.queue_declare("q")
    got: dict[str, list[bytes]] = {"a": [], "b": []}
    consumers = []
    for name, taken in got.items():
        consumer = connect().channel()
        consumer.basic_qos(prefetch_count=100)
        consumer.basic_consume("q", lambda ch, m, p, body, taken=taken: taken.append(body), consumer_tag=name)
        consumers.append(consumer)
    channel.confirm_delivery()
    for n in range(10):
        channel.basic_publish("", "q", str(n).encode())
    for _ in range(10):
        for consumer in consumers:
            consumer.connection.process_data_events(0.05)
    assert [len(taken) for taken in got.values()] == [5, 5]


def test_requeued_message_gets_its_old_place_and_is_marked(channel):
    channel.queue_declare("q")
    channel.confirm_delivery()
    for n in range(3):
        channel.basic_publish("", "q", str(n).encode())
    first, second = channel.basic_get("q"), channel.basic_get("q")
    channel.basic_nack(second[0].delivery_tag, requeue=True)
    channel.basic_reject(first[0].delivery_tag, requeue=True)
    got = [channel.basic_get("q", auto_ack=True) for _ in range(3)]
    assert [(m.redelivered, b) for m, _, b in got] == [(True, b"0"), (True, b"1"), (False, b"2")]


def test_rejected_message_is_gone(channel):
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"m")
    channel.basic_reject(channel.basic_get("q")[0].delivery_tag, requeue=False)
    assert channel.queue_declare("q", passive=True).method.message_count == 0


def test_closed_channel_gives_back_what_it_held(connect, channel):
    channel.queue_declare("q")
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"m")
    other = connect()
    other.channel().basic_get("q")
    other.close()
    method, _, body = channel.basic_get("q", auto_ack=True)
    assert (method.redelivered, body) == (True, b"m")


def test_recover_gives_back_on_the_same_channel(channel):
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"m")
    channel.basic_get("q")
    channel.basic_recover(requeue=True)
    assert channel.basic_get("q")[0].redelivered is True


def test_unknown_delivery_tag_closes_only_its_channel(connect):
    connection = connect()
    channel, other = connection.channel(), connection.channel()
    channel.basic_ack(9)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.queue_declare("q")
    assert (closed.value.reply_code, closed.value.reply_text) == (406, "PRECONDITION_FAILED - unknown delivery tag 9")
    other.queue_declare("q", exclusive=True)


def test_deleted_queue_cancels_its_consumers(connect, channel):
    channel.queue_declare("q")
    consumer = connect().channel()
    cancelled = []
    consumer.add_on_cancel_callback(cancelled.append)
    consumer.basic_consume("q", lambda *_: None, consumer_tag="me")
    channel.queue_delete("q")
    consumer.connection.process_data_events(1)
    assert [frame.method.consumer_tag for frame in cancelled] == ["me"]


def test_purge_counts_and_keeps_what_is_unacknowledged(channel):
    channel.queue_declare("q")
    channel.confirm_delivery()
    for _ in range(3):
        channel.basic_publish("", "q", b"m")
    held = channel.basic_get("q")[0].delivery_tag
    assert channel.queue_purge("q").method.message_count == 2
    channel.basic_nack(held)
    assert channel.queue_delete("q").method.message_count == 1


def test_everything_durable_survives_kill_9(tmp_path):
    broker = Broker(tmp_path)
    broker.start()
    channel = broker.connect().channel()
    channel.exchange_declare("x", "topic", durable=True)
    channel.exchange_declare("passing", "topic")
    channel.queue_declare("q", durable=True, arguments={"x-max-priority": 3})
    channel.queue_declare("passing")
    channel.queue_bind("q", "x", "a.#")
    channel.confirm_delivery()
    for n in range(5):
        channel.basic_publish("x", "a.b", str(n).encode(), DURABLE)
    channel.basic_publish("x", "a.b", b"transient")
    channel.basic_ack(channel.basic_get("q")[0].delivery_tag)
    channel.queue_declare("q", passive=True)
    channel.basic_publish("x", "a.b", b"5", DURABLE)  # its confirm means that the ack before it is on the disk too
    broker.end()
    broker.start()
    with broker.connect() as connection:
        channel = connection.channel()
        channel.exchange_declare("x", "topic", durable=True)
        assert bodies(channel, "q") == [b"1", b"2", b"3", b"4", b"5"]
        channel.confirm_delivery()
        channel.basic_publish("x", "a", b"still bound", DURABLE, mandatory=True)
        assert bodies(channel, "q") == [b"still bound"]
        for declare in ("exchange_declare", "queue_declare"):
            with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
                getattr(connection.channel(), declare)("passing", passive=True)
            assert closed.value.reply_code == 404
    broker.end()


@pytest.mark.parametrize(
    "arguments",
    [
        {"a": {"$octets": 5}},
        {"$table": [], "$decimal": "1.5"},
        {"when": datetime(2026, 1, 1, tzinfo=UTC), "price": Decimal("1.5")},
    ],
    ids=["as the log tags octets", "as the log tags others", "timestamp and decimal"],
)
def test_arguments_of_any_name_and_type_survive_kill_9(tmp_path, arguments):
    """The broker starts again, and the binding is the same one: it can be unbound."""
    broker = Broker(tmp_path)
    broker.start()
    channel = broker.connect().channel()
    channel.queue_declare("q", durable=True, arguments={"unknown": arguments})
    channel.queue_bind("q", "amq.fanout", arguments=arguments)
    broker.end()
    broker.start()
    with broker.connect() as connection:
        channel = connection.channel()
        channel.queue_unbind("q", "amq.fanout", arguments=arguments)
        channel.basic_publish("amq.fanout", "", b"m")
        assert channel.queue_declare("q", passive=True).method.message_count == 0
    broker.end()
