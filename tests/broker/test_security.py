"""Who gets in, by what, and what a peer that misbehaves does to itself alone."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys

import pika
import pytest
from tests.broker.process import Broker

from watership.model.users import hash_password

HEADER = b"AMQP\x00\x00\x09\x01"


def refused(broker: Broker, *arguments, **parameters) -> str:
    with pytest.raises(pika.exceptions.AMQPConnectionError) as caught:
        broker.connect(*arguments, **parameters)
    error = caught.value
    return str(error.args[0] if error.args else error) + repr(error)


def test_wrong_password_and_unknown_user_are_told_the_same(broker):
    texts = {refused(broker, "guest", "wrong"), refused(broker, "nobody", "wrong")}
    assert len(texts) == 1
    text = texts.pop()
    assert "403" in text
    assert "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN" in text


def test_blank_password_is_never_right(broker):
    """Not even for a user who came with the hash of one."""
    blank = hash_password("", b"salt")
    broker.admin("PUT", "/users/blank", {"password_hash": blank, "tags": ""})
    assert "ACCESS_REFUSED - Login was refused" in refused(broker, "blank", "")


def test_vhosts_are_refused_as_rabbitmq_does(broker):
    assert "NOT_ALLOWED - vhost nowhere not found" in refused(broker, virtual_host="nowhere")
    broker.admin("PUT", "/users/outsider", {"password": "p", "tags": ""})
    assert "NOT_ALLOWED - access to vhost '/' refused for user 'outsider'" in refused(broker, "outsider", "p")


def test_amqplain_logs_in(broker):
    with socket.create_connection(("127.0.0.1", broker.port)) as peer:
        peer.sendall(HEADER)
        read_method(peer)
        login = b"\x05LOGINS" + longstr(b"guest") + b"\x08PASSWORDS" + longstr(b"guest")
        peer.sendall(frame(1, 0, b"\x00\x0a\x00\x0b" + longstr(b"") + b"\x08AMQPLAIN" + longstr(login) + b"\x05en_US"))
        assert read_method(peer)[:4] == b"\x00\x0a\x00\x1e"  # tune


@pytest.mark.parametrize(
    ("act", "kind", "name", "operation"),
    [
        (lambda c: c.queue_declare("forbidden"), "queue", "forbidden", "configure"),
        (lambda c: c.exchange_declare("forbidden"), "exchange", "forbidden", "configure"),
        (lambda c: c.queue_bind("mine", "forbidden"), "exchange", "forbidden", "read"),
        (lambda c: c.queue_purge("forbidden"), "queue", "forbidden", "read"),
        (lambda c: c.basic_get("forbidden"), "queue", "forbidden", "read"),
        (lambda c: c.basic_publish("forbidden", "", b""), "exchange", "forbidden", "write"),
        (lambda c: c.basic_publish("", "mine", b""), "exchange", "amq.default", "write"),
    ],
)
def test_every_operation_asks_for_permission(broker, connect, vhost, act, kind, name, operation):
    owner = connect().channel()
    owner.exchange_declare("forbidden")
    broker.admin("PUT", "/users/limited", {"password": "p", "tags": ""})
    rights = {"configure": "^mine$", "write": "^mine$", "read": "^mine$"}
    broker.admin("PUT", f"/permissions/{vhost}/limited", rights)
    channel = connect("limited", "p").channel()
    channel.queue_declare("mine")
    channel.confirm_delivery()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        act(channel)
    text = f"ACCESS_REFUSED - {operation} access to {kind} '{name}' in vhost '{vhost}' refused for user 'limited'"
    assert (closed.value.reply_code, closed.value.reply_text) == (403, text)


def test_permissions_taken_back_count_for_the_next_publish(broker, connect, vhost):
    broker.admin("PUT", "/users/brief", {"password": "p", "tags": ""})
    broker.admin("PUT", f"/permissions/{vhost}/brief", {"configure": ".*", "write": ".*", "read": ".*"})
    channel = connect("brief", "p").channel()
    channel.queue_declare("q")
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"allowed")
    broker.admin("PUT", f"/permissions/{vhost}/brief", {"configure": "", "write": "", "read": ""})
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        channel.basic_publish("", "q", b"refused")


# Broken frames


def longstr(octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + octets


def frame(kind: int, channel: int, payload: bytes, end: bytes = b"\xce") -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def read_exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = peer.recv(size - len(data))
        assert part, "the broker closed the connection"
        data += part
    return data


def read_method(peer: socket.socket) -> bytes:
    """The next method frame's payload."""
    while True:
        kind, _, size = struct.unpack(">BHI", read_exactly(peer, 7))
        payload = read_exactly(peer, size + 1)[:-1]
        if kind == 1:
            return payload


def log_in(peer: socket.socket) -> None:
    peer.sendall(HEADER)
    read_method(peer)
    peer.sendall(
        frame(1, 0, b"\x00\x0a\x00\x0b" + longstr(b"") + b"\x05PLAIN" + longstr(b"\0guest\0guest") + b"\x05en_US")
    )
    read_method(peer)
    peer.sendall(frame(1, 0, b"\x00\x0a\x00\x1f" + struct.pack(">HIH", 0, 131072, 0)))
    peer.sendall(frame(1, 0, b"\x00\x0a\x00\x28\x01/\x00\x00"))
    assert read_method(peer)[:4] == b"\x00\x0a\x00\x29"
    peer.sendall(frame(1, 1, b"\x00\x14\x00\x0a\x00"))
    assert read_method(peer)[:4] == b"\x00\x14\x00\x0b"


PUBLISH = frame(1, 1, b"\x00\x3c\x00\x28\x00\x00\x00\x01q\x00")


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (frame(1, 1, b"\x00\x14\x00\x14\x01", end=b"\x00"), 501),
        (frame(9, 1, b"what"), 501),
        (struct.pack(">BHI", 1, 1, 2**31) + b"x" * 64, 501),
        (frame(1, 1, b"\x00\x32\x00\x0a\x00\x00\xffshort"), 502),
        (frame(1, 1, b"\x00\x63\x00\x63"), 540),
        (frame(1, 1, b"\x00\x14\x00\x0a\x00"), 504),
        (frame(1, 7, b"\x00\x32\x00\x0a" + bytes(8)), 504),
        (PUBLISH + PUBLISH, 505),
        (frame(2, 1, b"\x00\x3c" + bytes(12)), 505),
        (PUBLISH + frame(3, 1, b"body without header"), 505),
        (frame(1, 0, b"\x00\x0a\x00\x28\x01/\x00\x00"), 504),
    ],
)
def test_broken_frame_closes_that_connection_alone_with_the_right_code(broker, channel, octets, code):
    with socket.create_connection(("127.0.0.1", broker.port), 10) as peer:
        log_in(peer)
        peer.sendall(octets)
        payload = read_method(peer)
        assert payload[:4] == b"\x00\x0a\x00\x32", payload
        assert int.from_bytes(payload[4:6], "big") == code, payload
        peer.sendall(frame(1, 0, b"\x00\x0a\x00\x33"))
        assert peer.recv(1) == b""
    channel.queue_declare("others go on")


def test_other_protocols_get_the_right_header_and_the_end(broker):
    for octets in (b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x00\x08\x00\x00", b"\x16\x03\x01\x02\x00\x01\x00\x01"):
        with socket.create_connection(("127.0.0.1", broker.port), 10) as peer:
            peer.sendall(octets)
            assert read_exactly(peer, 8) == HEADER
            assert peer.recv(1) == b""


def test_silent_peer_is_let_go(tmp_path):
    broker = Broker(tmp_path, "handshake_timeout = 300\n")
    broker.start()
    with socket.create_connection(("127.0.0.1", broker.port), 20) as peer:
        assert peer.recv(1) == b""
    broker.end()


def test_heartbeats_come_and_their_lack_ends_the_connection(broker):
    with socket.create_connection(("127.0.0.1", broker.port), 20) as peer:
        peer.sendall(HEADER)
        read_method(peer)
        login = longstr(b"") + b"\x05PLAIN" + longstr(b"\0guest\0guest") + b"\x05en_US"
        peer.sendall(frame(1, 0, b"\x00\x0a\x00\x0b" + login))
        read_method(peer)
        peer.sendall(frame(1, 0, b"\x00\x0a\x00\x1f" + struct.pack(">HIH", 0, 131072, 1)))
        peer.sendall(frame(1, 0, b"\x00\x0a\x00\x28\x01/\x00\x00"))
        read_method(peer)
        seen = b""
        while data := peer.recv(100):
            seen += data
        assert seen.count(b"\x08\x00\x00\x00\x00\x00\x00\xce") >= 2


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ("heartbeats = 5\n", "rabbitmq.conf:7: unknown key 'heartbeats'; did you mean 'heartbeat'?"),
        ("heartbeat = soon\n", "rabbitmq.conf:7: heartbeat = soon: expected a whole number from 0 to 65535"),
    ],
)
def test_bad_configuration_stops_the_start_with_file_line_and_remedy(tmp_path, configuration, words):
    lines = "\n".join(f"# line {n}" for n in range(6))
    path = tmp_path / "rabbitmq.conf"
    path.write_text(f"{lines}\n{configuration}")
    command = [sys.executable, "-m", "watership", "broker", "--config", str(path), "--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert words in done.stderr


def test_busy_port_is_a_sentence(broker, tmp_path):
    second = Broker(tmp_path)
    path = tmp_path / "rabbitmq.conf"
    path.write_text(path.read_text().replace(f":{second.port}", f":{broker.port}"))
    with pytest.raises(AssertionError, match="the port is taken; stop what listens there"):
        second.start()
