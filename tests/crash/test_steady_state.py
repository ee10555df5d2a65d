"""The log of a broker that runs for long takes about twice what is alive and a constant, however much went through it.

For longer by hand: WATERSHIP_STEADY_MB=20000 pytest -s tests/crash/test_steady_state.py
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from random import Random

import pytest
from tests.broker.process import Broker
from tests.crash.load import PERSISTENT

MB = 1_000_000
THROUGH = int(os.environ.get("WATERSHIP_STEADY_MB", "100")) * MB
FILE, BODY = 1 << 20, 10_000
CONSTANT = (
    14 * FILE
)  # four files of slack, spare ones of up to two, and those that wait for a sync or for the next look
KEPT, BACKLOG = 300, 100


class Consumer(threading.Thread):
    """Takes and acknowledges, many at once; returns some first. taken: without those that came back."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(daemon=True)
        self.channel = broker.connect().channel()
        self.taken = 0

    def run(self) -> None:
        rng = Random(1)
        self.channel.basic_qos(prefetch_count=BACKLOG)
        for method, _, body in self.channel.consume("passing"):
            if body == b"end":
                self.channel.basic_ack(method.delivery_tag, multiple=True)
                return
            if method.delivery_tag % (BACKLOG // 2) == 0:
                self.channel.basic_ack(method.delivery_tag, multiple=True)
            elif not method.redelivered and rng.random() < 0.02:
                self.channel.basic_nack(method.delivery_tag, requeue=True)
            if not method.redelivered:
                self.taken += 1


def used(folder: Path) -> int:
    """Octets on the disk."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


@pytest.fixture
def steady(tmp_path: Path):
    broker = Broker(tmp_path, f"raft.wal_max_size_bytes = {FILE}\n")
    broker.start()
    yield broker
    broker.end()


def test_disk_use_stays_within_twice_the_live_data_and_a_constant(steady: Broker, tmp_path: Path):
    connection = steady.connect()
    channel = connection.channel()
    for queue in ("passing", "kept"):
        channel.queue_declare(queue, durable=True)
    confirmed = [0]
    channel._impl.confirm_delivery(lambda frame: confirmed.__setitem__(0, frame.method.delivery_tag))
    sent, kept, most, checks = 0, 0, 0, 0

    def publish(queue: str, body: bytes) -> None:
        nonlocal sent
        channel._impl.basic_publish("", queue, body, PERSISTENT)
        sent += 1

    consumer = Consumer(steady)
    consumer.start()
    live = (KEPT + 3 * BACKLOG) * BODY
    while sent * BODY < THROUGH:
        for _ in range(20):
            publish("passing", bytes(BODY))
        if kept < min(KEPT, sent // 300):
            publish("kept", bytes(BODY))  # old messages lie between many that are gone
            kept += 1
        while confirmed[0] < sent - BACKLOG or consumer.taken < sent - kept - 2 * BACKLOG:
            connection.process_data_events(0.01)
        if sent % 500 < 21:
            checks += 1
            most = max(most, used(tmp_path / "data"))
            assert most <= 2 * live + CONSTANT, f"{most >> 20} MiB after {sent * BODY // MB} MB"
    publish("passing", b"end")
    while consumer.is_alive():
        connection.process_data_events(0.05)
    print(f"{sent * BODY // MB} MB went through {FILE >> 20} MiB files; at most {most / MB:.1f} MB were on the disk")
    assert checks > 10
    assert channel.queue_declare("kept", passive=True).method.message_count == kept > 10
    steady.end()
    steady.start()
    assert steady.connect().channel().queue_declare("kept", passive=True).method.message_count == kept
