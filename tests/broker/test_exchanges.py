"""Exchange types beyond AMQP's own, with real clients: hashes, chance, history, delays, deduplication."""

from __future__ import annotations

import time
from pathlib import Path

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, UnroutableError
from tests.broker.process import Broker
from tests.broker.test_queue_rules import bodies, declare, get


def bound(channel, exchange: str, kind: str, queues: dict[str, str], **arguments: object) -> None:
    """queues: binding keys by name."""
    channel.exchange_declare(exchange, kind, durable=True, arguments=arguments)
    for queue, key in queues.items():
        declare(channel, queue)
        channel.queue_bind(queue, exchange, key)
    channel.confirm_delivery()


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash", "x-random", "x-local-random"])
def test_each_message_goes_to_one_queue(channel, kind):
    key = "1" if kind == "x-consistent-hash" else ""
    bound(channel, "x", kind, dict.fromkeys("abc", key))
    for number in range(60):
        channel.basic_publish("x", str(number), b"%d" % number)
    taken = {queue: bodies(channel, queue) for queue in "abc"}
    assert sorted(int(body) for found in taken.values() for body in found) == list(range(60))
    assert all(taken.values())


def test_equal_headers_go_to_the_same_queue(channel):
    bound(channel, "x", "x-consistent-hash", dict.fromkeys("abc", "1"), **{"hash-header": "customer"})
    for number in range(20):
        properties = pika.BasicProperties(headers={"customer": "hazel"})
        channel.basic_publish("x", str(number), b"m", properties)
    assert sorted(len(bodies(channel, queue)) for queue in "abc") == [0, 0, 20]


@pytest.mark.parametrize(("kind", "key"), [("x-consistent-hash", "heavy"), ("x-local-random", "k")])
def test_a_binding_key_that_makes_no_sense_is_refused(channel, kind, key):
    channel.exchange_declare("x", kind)
    declare(channel, "q")
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_bind("q", "x", key)
    assert closed.value.reply_code == 406


def test_a_new_binding_is_given_the_recent_history(channel):
    bound(channel, "x", "x-recent-history", {"old": ""}, **{"x-recent-history-length": 2})
    for body in (b"1", b"2", b"3"):
        channel.basic_publish("x", "k", body)
    channel.basic_publish("x", "k", b"4", pika.BasicProperties(headers={"x-recent-history-no-store": True}))
    declare(channel, "new")
    channel.queue_bind("new", "x")
    assert bodies(channel, "new") == [b"2", b"3"]
    assert bodies(channel, "old") == [b"1", b"2", b"3", b"4"]


def test_history_does_not_make_a_message_routed(channel):
    channel.exchange_declare("x", "x-recent-history")
    channel.confirm_delivery()
    with pytest.raises(UnroutableError):
        channel.basic_publish("x", "k", b"m", mandatory=True)


def delayed(milliseconds: object, **more: object) -> pika.BasicProperties:
    return pika.BasicProperties(headers={"x-delay": milliseconds}, **more)


def test_messages_wait_as_long_as_each_is_told(channel):
    bound(channel, "x", "x-delayed-message", {"q": "k"}, **{"x-delayed-type": "direct"})
    for wait in (600, 300, 0):
        channel.basic_publish("x", "k", b"%d" % wait, delayed(wait), mandatory=True)
    assert bodies(channel, "q") == [b"0"]
    method, properties, body = get(channel, "q", auto_ack=True)
    assert (body, properties.headers, method.routing_key, method.exchange) == (b"300", {"x-delay": -300}, "k", "x")
    assert get(channel, "q", auto_ack=True)[2] == b"600"


def test_an_exchange_that_delays_needs_a_type(channel):
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.exchange_declare("x", "x-delayed-message")
    assert closed.value.reply_code == 406
    assert "'x-delayed-type' must be an existing exchange type" in closed.value.reply_text


def test_what_waits_survives_a_crash(tmp_path: Path):
    broker = Broker(tmp_path)
    broker.start()
    channel = broker.connect().channel()
    bound(channel, "x", "x-delayed-message", {"q": "a.#"}, **{"x-delayed-type": "topic"})
    channel.basic_publish("x", "a.b", b"later", delayed(1500, delivery_mode=2))
    channel.basic_publish("x", "a.b", b"sooner", delayed(700, delivery_mode=2))
    channel.basic_publish("x", "a.b", b"not kept", delayed(700))
    broker.end()
    broker.start()
    channel = broker.connect().channel()
    assert [get(channel, "q", auto_ack=True)[2] for _ in range(2)] == [b"sooner", b"later"]
    assert bodies(channel, "q") == []
    channel.queue_declare("on disk", durable=True)  # answered when all of that is
    broker.end()
    broker.start()
    channel = broker.connect().channel()
    time.sleep(0.1)
    assert bodies(channel, "q") == [], "what was routed does not come again"
    broker.end()


@pytest.mark.parametrize("where", ["exchange", "queue"])
def test_a_message_that_was_seen_is_left_out(channel, where):
    rule = {"x-message-deduplication": True, "x-cache-size": 10, "x-deduplication-header": "id"}
    channel.exchange_declare("x", "fanout", arguments=rule if where == "exchange" else {})
    channel.queue_declare("q", arguments=rule if where == "queue" else {})
    channel.queue_bind("q", "x")
    channel.confirm_delivery()
    for name, body in (("a", b"1"), ("b", b"2"), ("a", b"3")):
        channel.basic_publish("x", "", body, pika.BasicProperties(headers={"id": name}), mandatory=True)
    channel.basic_publish("x", "", b"4")
    assert bodies(channel, "q") == [b"1", b"2", b"4"]


def test_headers_exchanges_refuse_an_unknown_x_match(channel):
    channel.exchange_declare("x", "headers")
    declare(channel, "q")
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_bind("q", "x", arguments={"x-match": "some"})
    assert closed.value.reply_text == (
        'PRECONDITION_FAILED - Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x'
    )


def test_unbinding_what_is_not_there_is_no_error(channel):
    channel.queue_unbind("nobody", "amq.direct", "k")
    channel.exchange_unbind("amq.fanout", "nobody", "k")
    channel.exchange_unbind("nobody", "amq.fanout", "k")


@pytest.mark.parametrize("what", ["declare", "delete"])
def test_the_default_exchange_is_left_alone(channel, what):
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.exchange_declare("", passive=True) if what == "declare" else channel.exchange_delete("")
    assert closed.value.reply_text == "ACCESS_REFUSED - operation not permitted on the default exchange"


def test_an_exchange_deletes_itself_with_its_last_binding(channel):
    channel.exchange_declare("x", "fanout", auto_delete=True)
    declare(channel, "q")
    channel.queue_bind("q", "x")
    channel.queue_unbind("q", "x")
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.exchange_declare("x", passive=True)
    assert closed.value.reply_code == 404
