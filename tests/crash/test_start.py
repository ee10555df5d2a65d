"""What a start after a crash, or on a folder that cannot be used, looks like to a user."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import pika
import pytest
from tests.broker.process import Broker, NotStarted

from watership.kernel import Journal, Replay
from watership.store import Log

QUEUE = "survivor"
PERSISTENT = pika.BasicProperties(delivery_mode=2)


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
    with pytest.raises(NotStarted) as refusal:
        broker.start()
    folder = tmp_path / "data"
    assert re.search(rf"{path}: damaged at offset \d+, though what was written after it", str(refusal.value))
    assert f"`watership store repair {folder}` saves the rest" in str(refusal.value)
    assert broker.end() == 1


def test_a_second_broker_on_the_same_data_is_refused(broker: Broker, tmp_path: Path):
    broker.start()
    (other := tmp_path / "other").mkdir()
    (other / "data").symlink_to(tmp_path / "data")
    second = Broker(other)
    with pytest.raises(NotStarted, match="is in use by another broker"):
        second.start()
    assert second.end() == 1


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("format", r"was written in format 99 by a newer version; this one reads up to format \d+"),
        ("command", r"the log holds the command Teleport of version 7; this program knows version \d+"),
    ],
)
def test_what_a_newer_version_wrote_is_refused(broker: Broker, tmp_path: Path, damage: str, sentence: str):
    broker.start()
    assert broker.end(signal.SIGTERM) == 0
    folder = tmp_path / "data"
    if damage == "format":
        (folder / "format").write_text("watership log format 99\n")
    else:
        asyncio.run(append(folder, b'{"command":"Teleport","v":7}'))
    with pytest.raises(NotStarted, match=sentence) as refusal:
        broker.start()
    assert "Traceback" not in str(refusal.value)
    assert broker.end() == 1


async def append(folder: Path, command: bytes) -> None:
    """As a newer broker would."""
    log, replay = Log(folder), Replay()
    log.recover(replay)
    replay.close()
    loop = asyncio.get_running_loop()
    journal = Journal(loop, start=log.end, open_next=log.open_next, on_failure=loop.stop)
    journal.command(command)
    await journal.durable()
    journal.close()
    log.close()
