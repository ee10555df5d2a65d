"""The rules a queue lives by: time to live, limits, dead letters, priorities, who may consume."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, NackError

DURABLE = pika.BasicProperties(delivery_mode=2)


def bodies(channel: BlockingChannel, queue: str) -> list[bytes]:
    """All ready messages, taken and acknowledged."""
    found = []
    while (got := channel.basic_get(queue, auto_ack=True))[0]:
        found.append(got[2])
    return found


def get(channel: BlockingChannel, queue: str, *, within: float = 10, **options: object):
    """The next message, as soon as there is one."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        got = channel.basic_get(queue, **options)
        if got[0]:
            return got
        time.sleep(0.02)
    raise AssertionError(f"no message in {queue}")


def eventually_empty(channel: BlockingChannel, queue: str, *, within: float = 10) -> None:
    deadline = time.monotonic() + within
    while channel.queue_declare(queue, passive=True).method.message_count:
        assert time.monotonic() < deadline, f"{queue} keeps its messages"
        time.sleep(0.02)


def declare(channel: BlockingChannel, name: str, **arguments: object) -> None:
    """A durable queue; keyword arguments are x-arguments, with _ for -."""
    channel.queue_declare(name, durable=True, arguments={f"x-{k.replace('_', '-')}": v for k, v in arguments.items()})


def publish(channel: BlockingChannel, queue: str, *messages: bytes, **properties: object) -> None:
    for message in messages:
        channel.basic_publish("", queue, message, pika.BasicProperties(**properties))


# Time to live


def test_messages_of_a_queue_with_a_ttl_expire(channel):
    declare(channel, "q", message_ttl=50)
    publish(channel, "q", b"1", b"2")
    eventually_empty(channel, "q")


def test_the_shorter_ttl_counts_and_only_the_head_expires(channel):
    declare(channel, "q", message_ttl=60_000)
    publish(channel, "q", b"long")
    publish(channel, "q", b"short", expiration="1")
    time.sleep(0.1)
    assert channel.queue_declare("q", passive=True).method.message_count == 2
    assert bodies(channel, "q") == [b"long"]


def test_a_ttl_of_zero_needs_a_waiting_consumer(channel):
    declare(channel, "q", message_ttl=0)
    publish(channel, "q", b"nobody")
    eventually_empty(channel, "q")
    got = []
    channel.basic_consume("q", lambda _c, _m, _p, body: got.append(body), auto_ack=True)
    publish(channel, "q", b"1", b"2", b"3")
    deadline = time.monotonic() + 10
    while len(got) < 3 and time.monotonic() < deadline:
        channel.connection.process_data_events(0.1)
    assert got == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    ("expiration", "term"),
    [("soon", "no_integer"), ("-1", "value_negative,-1"), ("10x", 'leftover_string,"x"'), ("", "no_integer")],
)
def test_an_expiration_that_is_no_time_closes_the_channel(channel, expiration, term):
    declare(channel, "q")
    publish(channel, "q", b"m", expiration=expiration)
    with pytest.raises(ChannelClosedByBroker) as closed:
        bodies(channel, "q")
    assert closed.value.reply_code == 406
    assert f"invalid expiration '{expiration}'" in closed.value.reply_text
    assert term in closed.value.reply_text


def test_an_unused_queue_expires_and_a_used_one_does_not(channel):
    declare(channel, "unused", expires=100)
    declare(channel, "consumed", expires=100)
    channel.basic_consume("consumed", lambda *_: None)
    time.sleep(0.4)
    assert channel.queue_declare("consumed", passive=True)
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_declare("unused", passive=True)
    assert closed.value.reply_code == 404


# Limits


def test_a_full_queue_drops_its_head(channel):
    declare(channel, "q", max_length=3)
    channel.confirm_delivery()
    publish(channel, "q", *(b"%d" % i for i in range(10)))
    assert bodies(channel, "q") == [b"7", b"8", b"9"]


def test_bytes_are_limited_too(channel):
    declare(channel, "q", max_length_bytes=10)
    channel.confirm_delivery()
    publish(channel, "q", b"aaaa", b"bbbb", b"cccc")
    assert bodies(channel, "q") == [b"bbbb", b"cccc"]
    publish(channel, "q", b"d" * 11)
    assert bodies(channel, "q") == []


def test_what_waiting_consumers_take_does_not_fill_the_queue(channel):
    declare(channel, "q", max_length=1)
    got = []
    channel.basic_consume("q", lambda _c, _m, _p, body: got.append(body), auto_ack=True)
    publish(channel, "q", *(b"%d" % i for i in range(20)))
    deadline = time.monotonic() + 10
    while len(got) < 20 and time.monotonic() < deadline:
        channel.connection.process_data_events(0.1)
    assert got == [b"%d" % i for i in range(20)]


def test_a_full_queue_refuses_what_it_may_not_drop(channel):
    declare(channel, "q", max_length=1, overflow="reject-publish")
    channel.confirm_delivery()
    publish(channel, "q", b"1")
    with pytest.raises(NackError):
        publish(channel, "q", b"2")
    assert bodies(channel, "q") == [b"1"]
    publish(channel, "q", b"3")
    assert bodies(channel, "q") == [b"3"]


def test_refusals_and_confirms_of_one_burst_keep_their_order(connect):
    channel = connect().channel()
    declare(channel, "small", max_length=5, overflow="reject-publish")
    declare(channel, "large")
    answers: dict[int, bool] = {}

    def note(frame):
        tags = range(max(answers, default=0) + 1, frame.method.delivery_tag + 1)
        answers.update(dict.fromkeys(tags, frame.method.NAME == "Basic.Ack"))

    impl = channel._impl
    impl.confirm_delivery(note)
    for number in range(20):
        publish(channel, "small" if number % 2 else "large", b"%d" % number)
    deadline = time.monotonic() + 10
    while len(answers) < 20 and time.monotonic() < deadline:
        channel.connection.process_data_events(0.1)
    assert [tag for tag, taken in sorted(answers.items()) if not taken] == [12, 14, 16, 18, 20]


def test_what_is_refused_can_be_a_dead_letter(channel):
    declare(channel, "dead")
    declare(
        channel,
        "q",
        max_length=1,
        overflow="reject-publish-dlx",
        dead_letter_exchange="",
        dead_letter_routing_key="dead",
    )
    channel.confirm_delivery()
    publish(channel, "q", b"1")
    with pytest.raises(NackError):
        publish(channel, "q", b"2")
    _, properties, body = get(channel, "dead")
    assert body == b"2"
    assert properties.headers["x-death"][0]["reason"] == "maxlen"


# Dead letters


def test_a_rejected_message_goes_to_the_dead_letter_exchange_with_its_history(channel):
    channel.exchange_declare("dlx", "fanout")
    declare(channel, "dead")
    channel.queue_bind("dead", "dlx")
    channel.exchange_declare("source", "topic")
    declare(channel, "q", dead_letter_exchange="dlx")
    channel.queue_bind("q", "source", "a.#")
    properties = pika.BasicProperties(
        headers={"mine": "kept", "CC": ["a.c"]}, expiration="60000", correlation_id="c", delivery_mode=2
    )
    before = int(time.time())
    channel.basic_publish("source", "a.b", b"m", properties)
    channel.basic_reject(get(channel, "q")[0].delivery_tag, requeue=False)
    method, properties, body = get(channel, "dead")
    assert (body, method.exchange, method.routing_key, method.redelivered) == (b"m", "dlx", "a.b", True)
    assert properties.expiration is None
    assert properties.correlation_id == "c"
    assert properties.delivery_mode == 2
    headers = dict(properties.headers)
    (death,) = headers.pop("x-death")
    assert before - 1 <= death.pop("time").replace(tzinfo=UTC).timestamp() <= time.time() + 1
    assert death == {
        "count": 1,
        "reason": "rejected",
        "queue": "q",
        "exchange": "source",
        "routing-keys": ["a.b", "a.c"],
        "original-expiration": "60000",
    }
    assert headers == {
        "mine": "kept",
        "CC": ["a.c"],
        "x-first-death-reason": "rejected",
        "x-first-death-queue": "q",
        "x-first-death-exchange": "source",
        "x-last-death-reason": "rejected",
        "x-last-death-queue": "q",
        "x-last-death-exchange": "source",
    }


def test_deaths_are_counted_by_queue_and_reason_the_latest_first(channel):
    declare(channel, "work", dead_letter_exchange="", dead_letter_routing_key="wait")
    declare(channel, "wait", message_ttl=20, dead_letter_exchange="", dead_letter_routing_key="work")
    publish(channel, "work", b"m")
    for _ in range(3):
        method, properties, _ = get(channel, "work")
        channel.basic_nack(method.delivery_tag, requeue=False)
    method, properties, _ = get(channel, "work")
    assert method.redelivered, "a consumer has seen it, before it expired"
    deaths = [(d["queue"], d["reason"], d["count"]) for d in properties.headers["x-death"]]
    assert deaths == [("wait", "expired", 3), ("work", "rejected", 3)]
    assert properties.headers["x-first-death-queue"] == "work"
    assert properties.headers["x-last-death-queue"] == "wait"


def test_a_circle_without_a_rejection_ends(channel):
    declare(channel, "a", message_ttl=10, dead_letter_exchange="", dead_letter_routing_key="b")
    declare(channel, "b", message_ttl=10, dead_letter_exchange="", dead_letter_routing_key="a")
    publish(channel, "a", b"m")
    eventually_empty(channel, "a")
    eventually_empty(channel, "b")
    time.sleep(0.1)
    assert channel.queue_declare("a", passive=True).method.message_count == 0
    assert channel.queue_declare("b", passive=True).method.message_count == 0


def test_what_is_dropped_from_a_full_queue_is_a_dead_letter(channel):
    declare(channel, "dead")
    declare(channel, "q", max_length=1, dead_letter_exchange="", dead_letter_routing_key="dead")
    publish(channel, "q", b"1", b"2", b"3")
    deaths = []
    for _ in range(2):
        _, properties, body = get(channel, "dead", auto_ack=True)
        deaths.append((body, properties.headers["x-death"][0]["reason"]))
    assert deaths == [(b"1", "maxlen"), (b"2", "maxlen")]


def test_history_that_a_client_made_up_does_not_count(channel):
    declare(channel, "dead")
    declare(channel, "q", dead_letter_exchange="", dead_letter_routing_key="dead")
    made_up = {"x-death": [{"queue": "q", "reason": "rejected", "count": 7, "exchange": "", "routing-keys": ["q"]}]}
    publish(channel, "q", b"m", headers=made_up)
    channel.basic_reject(get(channel, "q")[0].delivery_tag, requeue=False)
    _, properties, _ = get(channel, "dead")
    assert [d["count"] for d in properties.headers["x-death"]] == [1]


def test_dead_letters_without_an_exchange_are_gone(channel):
    declare(channel, "q", dead_letter_exchange="nowhere")
    publish(channel, "q", b"m")
    channel.basic_reject(get(channel, "q")[0].delivery_tag, requeue=False)
    assert bodies(channel, "q") == []


# Priorities


def test_higher_priorities_come_first(channel):
    declare(channel, "q", max_priority=5)
    channel.confirm_delivery()
    for priority, body in ((1, b"1a"), (5, b"5a"), (None, b"0a"), (9, b"9a"), (1, b"1b")):
        publish(channel, "q", body, priority=priority)
    assert bodies(channel, "q") == [b"5a", b"9a", b"1a", b"1b", b"0a"]


def test_a_requeued_message_keeps_its_place_among_its_priority(channel):
    declare(channel, "q", max_priority=3)
    for body in (b"2a", b"2b"):
        publish(channel, "q", body, priority=2)
    channel.basic_nack(get(channel, "q")[0].delivery_tag)
    publish(channel, "q", b"3", priority=3)
    time.sleep(0.1)
    assert bodies(channel, "q") == [b"3", b"2a", b"2b"]


# Consumers


def consume(channel: BlockingChannel, queue: str, into: list, name: str, **options: object) -> str:
    return channel.basic_consume(queue, lambda _c, _m, _p, body: into.append((name, body)), **options)


def settle(connection: pika.BlockingConnection, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done() and time.monotonic() < deadline:
        connection.process_data_events(0.05)
    assert done()


def test_one_consumer_at_a_time_is_active(connect):
    connection = connect()
    channel = connection.channel()
    declare(channel, "q", single_active_consumer=True)
    got: list = []
    first = consume(channel, "q", got, "first", auto_ack=True)
    consume(channel, "q", got, "second", auto_ack=True)
    publish(channel, "q", b"1", b"2")
    settle(connection, lambda: len(got) == 2)
    channel.basic_cancel(first)
    publish(channel, "q", b"3")
    settle(connection, lambda: len(got) == 3)
    assert got == [("first", b"1"), ("first", b"2"), ("second", b"3")]


def test_a_quorum_queue_with_one_active_consumer_cannot_be_polled(channel):
    declare(channel, "q", queue_type="quorum", single_active_consumer=True)
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.basic_get("q")
    assert closed.value.reply_code == 405
    assert "basic.get operations are not supported by" in closed.value.reply_text


def test_consumers_of_higher_priority_are_served_while_they_have_credit(connect):
    connection = connect()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=2)
    declare(channel, "q")
    got: list = []
    consume(channel, "q", got, "low")
    consume(channel, "q", got, "high", arguments={"x-priority": 10})
    publish(channel, "q", *(b"%d" % i for i in range(4)))
    settle(connection, lambda: len(got) == 4)
    assert sorted(got) == [("high", b"0"), ("high", b"1"), ("low", b"2"), ("low", b"3")]


def test_consumers_take_turns(connect):
    connection = connect()
    channel = connection.channel()
    declare(channel, "q")
    got: list = []
    for name in ("a", "b", "c"):
        consume(channel, "q", got, name, auto_ack=True)
    publish(channel, "q", *(b"%d" % i for i in range(9)))
    settle(connection, lambda: len(got) == 9)
    assert {name: sum(n == name for n, _ in got) for name in "abc"} == {"a": 3, "b": 3, "c": 3}


# Quorum queues


def test_a_quorum_queue_counts_returns_and_gives_up(channel):
    declare(channel, "dead")
    declare(
        channel, "q", queue_type="quorum", delivery_limit=2, dead_letter_exchange="", dead_letter_routing_key="dead"
    )
    publish(channel, "q", b"m")
    counts = []
    for _ in range(3):
        method, properties, _ = get(channel, "q")
        counts.append((properties.headers or {}).get("x-delivery-count"))
        channel.basic_reject(method.delivery_tag, requeue=True)
    assert counts == [None, 1, 2]
    _, properties, _ = get(channel, "dead")
    assert properties.headers["x-death"][0]["reason"] == "delivery_limit"


@pytest.mark.parametrize(
    ("declaration", "code"),
    [
        ({"durable": False}, 406),
        ({"durable": True, "exclusive": True}, 406),
        ({"durable": True, "auto_delete": True}, 406),
    ],
)
def test_quorum_queues_are_durable_and_for_everyone(channel, declaration, code):
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_declare("q", arguments={"x-queue-type": "quorum"}, **declaration)
    assert closed.value.reply_code == code


def test_a_dead_letter_is_kept_until_it_is_taken(connect):
    channel = connect().channel()
    channel.exchange_declare("dlx", "fanout")
    declare(
        channel,
        "q",
        queue_type="quorum",
        dead_letter_exchange="dlx",
        dead_letter_strategy="at-least-once",
        overflow="reject-publish",
    )
    publish(channel, "q", b"m", delivery_mode=2)
    channel.basic_reject(get(channel, "q")[0].delivery_tag, requeue=False)
    time.sleep(0.2)
    declare(channel, "dead", queue_type="quorum")
    channel.queue_bind("dead", "dlx")
    assert get(channel, "dead", within=200)[2] == b"m"
