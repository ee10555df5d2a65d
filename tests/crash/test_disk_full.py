"""A disk that is full, really: publishers wait, consumers go on, nothing is confirmed that is not on it, and room is
enough to go on. A disk that fails: the process ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest
from tests.broker.process import Broker
from tests.crash.faults import ERROR, FDATASYNC, Faults
from tests.crash.load import PERSISTENT

MIB = 1 << 20
CONFIGURATION = "raft.wal_max_size_bytes = 4194304\ndisk_free_limit.absolute = 1MB\n"
PAGING = "vm_memory_high_watermark_paging_ratio = 0\n"  # a backlog goes to pages at once
PATIENCE = 60


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB, where the broker's data go."""
    data = tmp_path / "data"
    data.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(data)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here: run as root, outside of a restricted container")
    yield data
    subprocess.run(["umount", "--lazy", str(data)], check=True)


@pytest.fixture
def small(disk: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    broker = Broker(tmp_path, CONFIGURATION + getattr(request, "param", ""))
    broker.start()
    yield broker
    broker.end()


class Publisher:
    """Publishes numbered messages, and knows which are confirmed and whether it is blocked."""

    def __init__(self, broker: Broker, size: int) -> None:
        self.connection = broker.connect()
        self.connection.add_on_connection_blocked_callback(lambda *_: self.said.append("blocked"))
        self.connection.add_on_connection_unblocked_callback(lambda *_: self.said.append("unblocked"))
        self.channel = self.connection.channel()
        self.channel.queue_declare("q", durable=True)
        self.channel._impl.confirm_delivery(self.on_confirm)
        self.said: list[str] = []
        self.size, self.number, self.confirmed = size, 0, 0

    def on_confirm(self, frame: pika.frame.Method) -> None:
        assert isinstance(frame.method, pika.spec.Basic.Ack)
        self.confirmed = frame.method.delivery_tag

    def publish(self, count: int = 1) -> None:
        for _ in range(count):
            self.number += 1
            self.channel._impl.basic_publish("", "q", b"%d" % self.number + bytes(self.size), PERSISTENT)
        self.connection.process_data_events(0.01)

    def until(self, done: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, f"{self.confirmed} of {self.number} are confirmed; {self.said}"
            self.connection.process_data_events(0.05)


def fill(path: Path, size: int) -> None:
    """So many octets of the disk are taken."""
    with path.open("wb") as file:
        if size:
            os.posix_fallocate(file.fileno(), 0, size)


def body_number(body: bytes) -> int:
    return int(body.rstrip(b"\0"))


def take(broker: Broker, count: int) -> list[int]:
    """Acknowledges what it takes; returns when that was seen by the broker."""
    channel = broker.connect().channel()
    taken = []
    for method, _, body in channel.consume("q", inactivity_timeout=PATIENCE):
        assert method is not None, f"only {len(taken)} of {count} came"
        taken.append(body_number(body))
        if len(taken) == count:
            channel.basic_ack(method.delivery_tag, multiple=True)
            break
    channel.close()
    return taken


def waiting(broker: Broker) -> int:
    return broker.connect().channel().queue_declare("q", passive=True).method.message_count


@pytest.mark.parametrize("small", ["", PAGING], ids=["in memory", "in pages"], indirect=True)
def test_a_full_disk_blocks_publishers_and_consuming_frees_it(small: Broker):
    publisher = Publisher(small, 100_000)
    while not publisher.said:
        publisher.publish(5)
    sent = publisher.number
    publisher.until(lambda: publisher.confirmed > 300)
    assert publisher.said == ["blocked"]
    assert small.admin("GET", "/nodes")[0]["disk_free_alarm"] is True
    small.admin("PUT", "/queues/%2F/other", {"durable": True})
    small.admin("DELETE", "/queues/%2F/other")
    taken = take(small, publisher.confirmed)
    assert taken == list(range(1, len(taken) + 1))
    publisher.until(lambda: publisher.said == ["blocked", "unblocked"])
    publisher.publish(20)
    publisher.until(lambda: publisher.confirmed == sent + 20)
    small.end()
    small.start()
    assert take(small, sent + 20 - len(taken)) == list(range(len(taken) + 1, sent + 21))
    assert waiting(small) == 0


def test_a_write_that_the_disk_cuts_short_goes_on_where_it_stopped(small: Broker, disk: Path):
    publisher = Publisher(small, 9 * MIB)
    ballast = disk / "ballast"
    fill(ballast, shutil.disk_usage(disk).free - 6 * MIB)  # a part of what does not fit into one file of the log does
    publisher.publish(2)
    publisher.until(lambda: publisher.said)
    assert publisher.confirmed < 2, "what is confirmed is on the disk, which had no room for both"
    assert small.process.poll() is None
    assert shutil.disk_usage(disk).free < MIB
    ballast.unlink()
    publisher.until(lambda: publisher.confirmed == 2)
    publisher.until(lambda: publisher.said == ["blocked", "unblocked"])
    publisher.publish()
    publisher.until(lambda: publisher.confirmed == 3)
    assert "the log waits for room on the disk" in small.said()
    small.end()
    small.start()
    assert take(small, 3) == [1, 2, 3]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_end_and_a_start_on_a_full_disk_lose_nothing_that_was_confirmed(small: Broker, disk: Path, number: int):
    publisher = Publisher(small, 100_000)
    while not publisher.said:
        publisher.publish(5)
    publisher.until(lambda: publisher.confirmed > 300)
    confirmed = publisher.confirmed
    taken = take(small, 10)
    fill(disk / "ballast", shutil.disk_usage(disk).free)
    small.end(number)
    fill(disk / "more", shutil.disk_usage(disk).free)
    small.start()
    left = take(small, waiting(small))
    assert set(range(1, confirmed + 1)) <= {*taken, *left}
    assert left == sorted(set(left))


def test_a_sync_that_fails_ends_the_process_and_what_was_confirmed_is_there(tmp_path: Path, faults: Faults):
    broker = Broker(tmp_path)
    broker.start(**faults.environment)
    publisher = Publisher(broker, 100)
    publisher.publish(10)
    publisher.until(lambda: publisher.confirmed == 10)
    faults.order(FDATASYNC, ERROR, 1)
    with pytest.raises(pika.exceptions.AMQPError):
        publisher.publish()
        publisher.until(lambda: publisher.confirmed == 11)
    faults.order(0, 0, 0)
    assert broker.process.wait(PATIENCE) == 1
    assert "the log cannot be written any more: [Errno 5] Input/output error; stopping" in broker.said()
    broker.end()
    broker.start()
    assert take(broker, 10) == list(range(1, 11))
    broker.end()
