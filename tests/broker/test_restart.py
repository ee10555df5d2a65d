"""What the rules of queues have led to survives a kill -9: expiry, priority, how often a message came back."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pika
from tests.broker.process import Broker
from tests.broker.test_queue_rules import bodies, declare, eventually_empty, get, publish

from watership.cli import main


def restart(broker: Broker) -> pika.adapters.blocking_connection.BlockingChannel:
    broker.end()
    broker.start()
    channel = broker.connect().channel()
    channel.confirm_delivery()
    return channel


def test_rules_survive_a_crash(tmp_path: Path):
    broker = Broker(tmp_path)
    broker.start()
    channel = broker.connect().channel()
    channel.confirm_delivery()
    to_dead = {"dead_letter_exchange": "", "dead_letter_routing_key": "dead"}
    declare(channel, "dead")
    declare(channel, "mortal", message_ttl=1500, **to_dead)
    declare(channel, "ranked", max_priority=5)
    declare(channel, "counted", queue_type="quorum", delivery_limit=2, **to_dead)
    publish(channel, "mortal", b"m", delivery_mode=2)
    for priority in (1, 5, 3):
        publish(channel, "ranked", b"%d" % priority, priority=priority, delivery_mode=2)
    publish(channel, "counted", b"c", delivery_mode=2)
    channel.basic_reject(get(channel, "counted")[0].delivery_tag, requeue=True)
    publish(channel, "dead", b"old", delivery_mode=2)

    channel = restart(broker)
    assert bodies(channel, "ranked") == [b"5", b"3", b"1"]
    _, properties, _ = get(channel, "counted")
    assert properties.headers["x-delivery-count"] == 1
    eventually_empty(channel, "mortal")
    method, _, body = get(channel, "dead")
    channel.basic_ack(method.delivery_tag)
    assert body == b"old"
    _, properties, body = get(channel, "dead")
    assert (body, properties.headers["x-death"][0]["reason"]) == (b"m", "expired")

    # The history of a dead letter is still the broker's own after another crash, and goes on.
    declare(channel, "again", **to_dead)
    channel.basic_publish("", "again", b"x", pika.BasicProperties(delivery_mode=2))
    channel.basic_reject(get(channel, "again")[0].delivery_tag, requeue=False)
    time.sleep(0.1)
    channel = restart(broker)
    found = {body: properties.headers["x-death"] for _, properties, body in (get(channel, "dead") for _ in range(2))}
    assert [(d["queue"], d["count"]) for d in found[b"x"]] == [("again", 1)]
    broker.end()


def test_stats_tell_what_the_log_holds(tmp_path: Path, capsys):
    broker = Broker(tmp_path)
    broker.start()
    channel = broker.connect().channel()
    channel.confirm_delivery()
    declare(channel, "kept")
    publish(channel, "kept", b"1", b"2", b"3", delivery_mode=2)
    channel.basic_get("kept", auto_ack=True)
    broker.end(signal.SIGTERM)
    assert main(["store", "stats", str(tmp_path / "data")]) == 0
    said = capsys.readouterr().out
    assert re.search(r"2 messages +\d+ octets  / kept", said)
    assert re.search(r"log +[\d,]+ octets on disk in 1 files", said)
