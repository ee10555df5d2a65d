"""What the log says of connections: one line for each event, as text and as JSON."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from tests.broker.process import Broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("logged")
    made = Broker(folder, f"log.console.formatter = json\nlog.file = text.log\nlog.dir = {folder}\n")
    made.start()
    yield made
    made.end(signal.SIGTERM)


@pytest.fixture
def since(broker: Broker) -> Callable[[], list[dict[str, Any]]]:
    """Lines of the log since the test began."""
    before = len(broker.said())
    return lambda: [json.loads(line) for line in broker.said()[before:].splitlines()]


def until(since: Callable[[], list[dict[str, Any]]], event: str) -> dict[str, Any]:
    """The line of an event."""
    deadline = time.monotonic() + 30
    while True:
        for line in since():
            if line.get("event") == event:
                return line
        assert time.monotonic() < deadline, since()
        time.sleep(0.05)


def test_a_connection_is_told_from_its_beginning_to_its_end(
    broker: Broker, since: Callable[[], list[dict[str, Any]]]
) -> None:
    connection = broker.connect(client_properties={"connection_name": "bigwig"})
    host, port = connection._impl._transport._sock.getsockname()[:2]
    connection.close(200, "off to the field")
    closed = until(since, "closed")
    lines = [line for line in since() if "event" in line]
    assert [line["event"] for line in lines] == ["accepted", "opened", "closed"]
    who = {"peer": f"{host}:{port}", "user": "guest", "vhost": "/", "client": "bigwig"}
    for line in lines[1:]:
        assert {name: line[name] for name in who} == who
    assert lines[1]["mechanism"] == "PLAIN"
    assert closed["reason"] == "by the client: 200 off to the field"
    assert closed["level"] == "info"
    assert {"time", "msg", "domain", "pid", "seconds"} <= set(closed)
    text = (broker.folder / "text.log").read_text()
    assert f"{host}:{port} -> 127.0.0.1:{broker.port}: user 'guest' authenticated by PLAIN and opened vhost '/'" in text
    assert "by the client: 200 off to the field; user 'guest', vhost '/'" in text


def test_a_client_that_goes_without_a_word(broker: Broker, since: Callable[[], list[dict[str, Any]]]) -> None:
    connection = broker.connect()
    connection._impl._transport._sock.shutdown(socket.SHUT_RDWR)
    closed = until(since, "closed")
    assert (closed["level"], closed["user"]) == ("warning", "guest")
    assert closed["reason"].startswith("the client went without connection.close")


def test_a_refused_login_says_why_in_the_log_only(broker: Broker, since: Callable[[], list[dict[str, Any]]]) -> None:
    with pytest.raises(pika.exceptions.ProbableAuthenticationError) as caught:
        broker.connect("guest", "secret-carrot")
    refused = until(since, "login_refused")
    assert (refused["user"], refused["peer"], refused["reason"]) == ("guest", "127.0.0.1", "invalid credentials")
    assert "invalid credentials" not in str(caught.value)
    assert "secret-carrot" not in broker.said()
    assert until(since, "closed")["reason"].startswith("ACCESS_REFUSED")


def test_errors_of_channels_and_connections(broker: Broker, since: Callable[[], list[dict[str, Any]]]) -> None:
    connection = broker.connect()
    channel = connection.channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        channel.queue_declare("nope", passive=True)
    failed = until(since, "channel_failed")
    assert (failed["domain"], failed["channel"]) == ("watership.channel", 1)
    assert failed["reason"] == "NOT_FOUND - no queue 'nope' in vhost '/'"
    name = failed["connection"]
    assert broker.admin("GET", "/connections")
    broker.admin("DELETE", "/connections/" + name.replace(" ", "%20").replace(">", "%3E"))
    with contextlib.suppress(pika.exceptions.AMQPError):
        connection.process_data_events(10)
    assert until(since, "closed")["reason"] == "by the broker: Closed via management plugin"


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "the client speaks HTTP"),
        (b"\x16\x03\x01\x02\0\x01\0\x01", "the client speaks TLS"),
        (b"AMQP\0\x01\0\0", "the client speaks AMQP 0.1.0.0"),
        (b"nonsense", "are not AMQP 0-9-1"),
    ],
)
def test_what_is_not_amqp(
    broker: Broker, since: Callable[[], list[dict[str, Any]]], octets: bytes, reason: str
) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), 10) as raw:
        raw.sendall(octets)
        raw.recv(8)
    assert reason in until(since, "closed")["reason"]
