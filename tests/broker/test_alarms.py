"""Memory and disk alarms, slow consumers, consumers that never acknowledge: a broker of their own for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker
from tests.broker.process import Broker


@pytest.fixture
def started(tmp_path: Path) -> Iterator:
    brokers: list[Broker] = []

    def start(configuration: str) -> Broker:
        brokers.append(Broker(tmp_path, configuration))
        brokers[-1].start()
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.end()


def until(connection: pika.BlockingConnection, done) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        connection.process_data_events(0.05)


def test_publishers_are_blocked_while_memory_is_short_and_consumers_are_not(started):
    broker = started(
        "vm_memory_high_watermark.absolute = 300MB\nvm_memory_high_watermark_paging_ratio = 10\n"  # no pages
    )
    publisher, consumer = broker.connect(), broker.connect()
    said: list[str] = []
    publisher._impl.add_on_connection_blocked_callback(lambda _c, frame: said.append(frame.method.reason))
    publisher._impl.add_on_connection_unblocked_callback(lambda _c, _frame: said.append("unblocked"))
    sending, taking = publisher.channel(), consumer.channel()
    sending.queue_declare("q")

    def publish() -> None:
        """Until it was blocked and free again; pika waits in the middle of it."""
        while "unblocked" not in said:
            sending.basic_publish("", "q", bytes(1 << 20))
            publisher.process_data_events(0)

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    until(consumer, lambda: said)
    assert said == ["low on memory"]
    assert taking.queue_declare("q", passive=True).method.message_count < 300, "more than the watermark was taken"
    assert broker.admin("GET", "/nodes")[0]["mem_alarm"] is True
    taking.basic_consume("q", lambda *_: None, auto_ack=True)
    until(consumer, lambda: "unblocked" in said)
    thread.join(20)
    assert not thread.is_alive()


def test_publishers_are_blocked_while_the_disk_is_nearly_full(started):
    broker = started("disk_free_limit.absolute = 1000TB\n")
    connection = broker.connect()
    said = []
    connection.add_on_connection_blocked_callback(lambda _c, frame: said.append(frame.method.reason))
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"m")
    until(connection, lambda: said)
    assert said == ["low on disk"]
    assert broker.admin("GET", "/nodes")[0]["disk_free_alarm"] is True


def test_a_slow_consumer_holds_up_nobody(started):
    broker = started("")
    slow, quick = broker.connect(), broker.connect()
    lazy, channel = slow.channel(), quick.channel()
    lazy.queue_declare("slow")
    lazy.basic_consume("slow", lambda *_: None, auto_ack=True)
    for _ in range(40):
        channel.basic_publish("", "slow", bytes(1 << 20))
    channel.queue_declare("q")
    for number in range(100):
        channel.basic_publish("", "q", b"%d" % number)
    got: list[bytes] = []
    channel.basic_consume("q", lambda _c, _m, _p, body: got.append(body), auto_ack=True)
    until(quick, lambda: len(got) == 100)


def test_a_delivery_that_is_kept_for_too_long_closes_the_channel(started):
    broker = started("consumer_timeout = 1000\n")
    connection = broker.connect()
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"m")
    channel.basic_consume("q", lambda *_: None)
    reasons: list[ChannelClosedByBroker] = []
    channel._impl.add_on_close_callback(lambda _c, reason: reasons.append(reason))
    until(connection, lambda: reasons)
    assert reasons[0].reply_code == 406
    assert "delivery acknowledgement on channel 1 timed out. Timeout value used: 1000 ms." in reasons[0].reply_text
    assert connection.channel().basic_get("q")[2] == b"m"
