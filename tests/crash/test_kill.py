"""kill -9 under load: nothing that was confirmed is lost, nothing is invented, order stays."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from pathlib import Path
from random import Random

import pika
import pytest
from pika.exceptions import AMQPError
from tests.crash.conftest import Broker

QUEUE = "survivor"
PERSISTENT = pika.BasicProperties(delivery_mode=2)
PUBLISHERS = 4


class Publisher(threading.Thread):
    """Publishes "name number" until the broker goes, one confirm after the other, and remembers how far it came."""

    def __init__(self, broker: Broker, name: str, number: int) -> None:
        super().__init__(name=name)
        self.broker = broker
        self.number = number  # the last one published
        self.confirmed: list[str] = []

    def run(self) -> None:
        with contextlib.suppress(AMQPError, OSError):
            channel = self.broker.connect().channel()
            channel.confirm_delivery()
            while True:
                self.number += 1
                body = f"{self.name} {self.number}"
                size = 10_000 if self.number % 50 == 0 else 10
                channel.basic_publish("", QUEUE, body.ljust(size).encode(), PERSISTENT)
                self.confirmed.append(body)


class Consumer(threading.Thread):
    """Acknowledges every other message it gets, until the broker goes."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.broker = broker
        self.acknowledged: list[str] = []

    def run(self) -> None:
        with contextlib.suppress(AMQPError, OSError):
            channel = self.broker.connect().channel()
            channel.basic_qos(prefetch_count=10)
            for number, (method, _, body) in enumerate(channel.consume(QUEUE)):
                if number % 2:
                    self.acknowledged.append(body.decode().strip())
                    channel.basic_ack(method.delivery_tag)
                else:
                    channel.basic_nack(method.delivery_tag, requeue=True)


def waiting(broker: Broker) -> list[str]:
    """All messages, in the queue's order; they stay there."""
    connection = broker.connect()
    channel = connection.channel()
    found = []
    while (got := channel.basic_get(QUEUE))[0] is not None:
        found.append(got[2].decode().strip())
    connection.close()
    return found


def check(found: list[str], confirmed: set[str], attempted: dict[str, int], acknowledged: set[str]) -> None:
    assert len(found) == len(set(found)), "a message is there twice"
    assert confirmed - acknowledged - set(found) == set(), "confirmed messages are lost"
    for name, last in attempted.items():
        numbers = [int(body.split()[1]) for body in found if body.split()[0] == name]
        assert numbers == sorted(numbers), "the order has changed"
        assert not numbers or numbers[-1] <= last, "a message was invented"


@pytest.mark.parametrize("seed", range(3))
def test_confirmed_messages_survive_kill_9_at_random(broker: Broker, seed: int):
    rng = Random(seed)
    attempted: dict[str, int] = {f"publisher-{n}": 0 for n in range(PUBLISHERS)}
    confirmed: set[str] = set()
    acknowledged: set[str] = set()
    for cycle in range(4):
        broker.start()
        connection = broker.connect()
        connection.channel().queue_declare(QUEUE, durable=True)
        if cycle:
            check(waiting(broker), confirmed, attempted, acknowledged)
        publishers = [Publisher(broker, name, last) for name, last in attempted.items()]
        consumers = [Consumer(broker)] if rng.random() < 0.7 else []
        for thread in [*publishers, *consumers]:
            thread.start()
        time.sleep(rng.uniform(0.05, 0.5))
        broker.end()
        for thread in [*publishers, *consumers]:
            thread.join(10)
        with contextlib.suppress(AMQPError):
            connection.process_data_events()
        for publisher in publishers:
            attempted[publisher.name] = publisher.number
            confirmed.update(publisher.confirmed)
        for consumer in consumers:
            acknowledged.update(consumer.acknowledged)
    broker.start()
    check(waiting(broker), confirmed, attempted, acknowledged)
    assert confirmed


def test_topology_and_messages_survive_kill_9(broker: Broker):
    broker.start()
    connection = broker.connect()
    channel = connection.channel()
    channel.confirm_delivery()
    channel.exchange_declare("kept", "topic", durable=True)
    channel.exchange_declare("gone", "fanout", durable=False)
    channel.queue_declare(QUEUE, durable=True)
    channel.queue_bind(QUEUE, "kept", "a.*")
    channel.basic_publish("kept", "a.b", b"persistent", PERSISTENT)
    channel.basic_publish("kept", "a.b", b"transient")
    broker.end()
    with contextlib.suppress(AMQPError):
        connection.process_data_events()
    broker.start()
    connection = broker.connect()
    channel = connection.channel()
    channel.exchange_declare("kept", "topic", durable=True, passive=True)
    channel.basic_publish("kept", "a.c", b"routed by the old binding")
    bodies = [channel.basic_get(QUEUE, auto_ack=True) for _ in range(3)]
    assert [body for _, _, body in bodies] == [b"persistent", b"routed by the old binding", None]
    assert [method.redelivered for method, _, _ in bodies[:2]] == [True, False]
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="no exchange 'gone' in vhost '/'"):
        channel.exchange_declare("gone", passive=True)
    connection.close()


def test_damage_in_the_middle_of_the_log_stops_the_start_with_file_and_offset(broker: Broker, tmp_path: Path):
    broker.start()
    connection = broker.connect()
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare(QUEUE, durable=True)
    for number in range(20):
        channel.basic_publish("", QUEUE, b"%d" % number * 100, PERSISTENT)
    connection.close()
    broker.end(signal.SIGTERM)
    (path,) = (tmp_path / "data").rglob("*.wal")
    octets = bytearray(path.read_bytes())
    at = octets.index(b"5" * 100)
    octets[at] ^= 1
    path.write_bytes(octets)
    with pytest.raises(AssertionError, match=rf"{path.name}: damaged at offset \d+, though what was written after it"):
        broker.start()
    broker.process.communicate(timeout=20)
    assert broker.process.returncode == 1
    broker.process = None


def test_a_second_broker_on_the_same_data_is_refused(broker: Broker, tmp_path: Path):
    broker.start()
    second = Broker(tmp_path)
    with pytest.raises(AssertionError, match="is in use by another broker"):
        second.start()
    second.process.communicate(timeout=20)
    assert second.process.returncode == 1
