"""Refusals to the letter: each row was asked of RabbitMQ 4.3.6 and is what it answered.

A row: what is sent on channel 1 of a fresh connection, then the code, the text behind the code's name, and the method
that it blames. Q and X stand for a queue and an exchange of the row's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from tests.broker.process import Broker
from tests.broker.test_states import Peer

from watership.wire.amqp091 import methods as m
from watership.wire.amqp091 import properties

DURABLE = {"durable": True}
QUORUM = {"x-queue-type": "quorum"}
IN_Q, IN_X = "for queue 'Q' in vhost '/'", "for exchange 'X' in vhost '/'"
UNHEADED = "expected content header for class 60, got non content header frame instead"


def frame(kind: int, payload: bytes, *, channel: int = 1, end: bytes = b"\xce") -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def header(size: int = 0, *, class_id: int = 60, weight: int = 0) -> bytes:
    return frame(2, struct.pack(">HHQH", class_id, weight, size, 0))


def message(exchange: str = "", key: str = "Q", **wanted: object) -> bytes:
    return frame(1, m.BasicPublish(exchange, key).encode()) + frame(
        2, struct.pack(">HHQ", 60, 0, 0) + properties.encode(wanted)
    )


def queue(arguments: dict[str, object] | None = None, **flags: bool) -> m.QueueDeclare:
    return m.QueueDeclare("Q", arguments=arguments or {}, **flags)


def exchange(kind: str = "fanout", arguments: dict[str, object] | None = None, **flags: bool) -> m.ExchangeDeclare:
    return m.ExchangeDeclare("X", kind, arguments=arguments or {}, **flags)


def bind(key: str = "", *, to: str = "X", arguments: dict[str, object] | None = None) -> m.QueueBind:
    return m.QueueBind("Q", to, key, arguments=arguments or {})


DECLARE, EXCHANGE, BIND, CONSUME, PUBLISH = (50, 10), (40, 10), (50, 20), (60, 20), (60, 40)
# argument, value, what stands behind its name
ARGUMENTS = [
    ("x-expires", "soon", f'{IN_Q}: "expected integer, got longstr"'),
    ("x-expires", 0, f"{IN_Q}: {{value_zero,0}}"),
    ("x-expires", 10**13, f"{IN_Q}: {{value_too_large,10000000000000}}"),
    ("x-message-ttl", True, f'{IN_Q}: "expected integer, got bool"'),
    ("x-message-ttl", -1, f"{IN_Q}: {{value_negative,-1}}"),
    ("x-max-length", {}, f'{IN_Q}: "expected integer, got table"'),
    ("x-max-length-bytes", None, f'{IN_Q}: "expected integer, got void"'),
    ("x-max-priority", 256, f"{IN_Q}: {{max_value_exceeded,256}}"),
    ("x-overflow", 1, f"{IN_Q}: {{unacceptable_type,signedint}}"),
    ("x-overflow", "explode", f"{IN_Q}: invalid_overflow"),
    ("x-single-active-consumer", "yes", f"{IN_Q}: {{unacceptable_type,longstr}}"),
    ("x-queue-version", 0, f"{IN_Q}: \"unsupported queue version '0'\""),
    ("x-queue-leader-locator", "x", f"{IN_Q}: invalid_queue_locator_arg"),
    ("x-queue-type", "magic", f"{IN_Q}: \"unsupported queue type 'magic'\""),
    ("x-dead-letter-routing-key", "k", f"{IN_Q}: routing_key_but_no_dlx_defined"),
    ("x-dead-letter-routing-key", 1, f"{IN_Q}: {{unacceptable_type,signedint}}"),
    ("x-delivery-limit", 1, f"{IN_Q} of queue type rabbit_classic_queue"),
    ("x-max-age", "1D", f"{IN_Q} of queue type rabbit_classic_queue"),
    ("x-consumer-disconnected-timeout", 1, f"{IN_Q} of queue type rabbit_classic_queue"),
]
ROWS = [
    *([queue({name: value}), 406, f"invalid arg '{name}' {text}", DECLARE] for name, value, text in ARGUMENTS),
    [
        queue({"x-dead-letter-exchange": 1}),
        406,
        f"invalid type 'signedint' for arg 'x-dead-letter-exchange' in {IN_Q[4:]}",
        DECLARE,
    ],
    [
        queue(QUORUM | {"x-max-priority": 1}, **DURABLE),
        406,
        f"invalid arg 'x-max-priority' {IN_Q} of queue type rabbit_quorum_queue",
        DECLARE,
    ],
    [
        queue(QUORUM | {"x-dead-letter-strategy": "x"}, **DURABLE),
        406,
        f"invalid arg 'x-dead-letter-strategy' {IN_Q}: invalid_dlx_strategy",
        DECLARE,
    ],
    [queue(QUORUM), 406, f"invalid property 'non-durable' {IN_Q}", DECLARE],
    [
        m.QueueDeclare("", arguments=QUORUM, **DURABLE),
        406,
        "Cannot declare a server-named queue for type rabbit_quorum_queue",
        DECLARE,
    ],
    [
        queue({"x-max-length": 1}),
        queue({"x-max-length": 2}),
        406,
        f"inequivalent arg 'x-max-length' {IN_Q}: received '2' but current is '1'",
        DECLARE,
    ],
    [
        queue(**DURABLE),
        queue(QUORUM, **DURABLE),
        406,
        f"inequivalent arg 'x-queue-type' {IN_Q}: received 'quorum' but current is 'classic'",
        DECLARE,
    ],
    [
        queue({"x-expires": 2**33}),
        queue(),
        406,
        f"inequivalent arg 'x-expires' {IN_Q}: received none but current is the value '8589934592' of type 'long'",
        DECLARE,
    ],
    [m.QueueDeclare("", passive=True), 404, "no queue '' in vhost '/'", DECLARE],
    [queue(), m.QueueDelete("Q\r\n"), queue(passive=True), 404, "no queue 'Q' in vhost '/'", DECLARE],
    [
        exchange(arguments={"alternate-exchange": "a"}),
        exchange(arguments={"alternate-exchange": "b"}),
        406,
        f"inequivalent arg 'alternate-exchange' {IN_X}: received 'b' but current is 'a'",
        EXCHANGE,
    ],
    [
        exchange(arguments={"alternate-exchange": 5}),
        406,
        f"invalid type 'signedint' for arg 'alternate-exchange' in {IN_X[4:]}",
        EXCHANGE,
    ],
    [
        exchange("x-recent-history", {"x-recent-history-length": 0}),
        406,
        "Invalid argument 0, 'x-recent-history-length' must be a positive integer",
        EXCHANGE,
    ],
    [
        m.ExchangeDelete("amq.missing"),
        403,
        "deletion of system exchange 'amq.missing' in vhost '/' not allowed",
        (40, 20),
    ],
    [bind(to="nowhere"), 404, "no exchange 'nowhere' in vhost '/'", BIND],
    [bind(to="amq.fanout"), 404, "no queue 'Q' in vhost '/'", BIND],
    [
        queue(),
        bind(to="amq.headers", arguments={"x-match": 5}),
        406,
        "Invalid x-match field type signedint (value 5); expected longstr",
        BIND,
    ],
    [queue(), exchange("x-consistent-hash"), bind("abc"), 406, 'The binding key must be an integer: <<"abc">>', BIND],
    [queue(), exchange("x-local-random"), bind("k"), 406, "Non empty binding 'k' key not permitted", BIND],
    [
        queue(),
        m.BasicConsume("Q", arguments={"x-priority": "high"}),
        406,
        f"invalid arg 'x-priority' {IN_Q}: \"expected integer, got longstr\"",
        CONSUME,
    ],
    [
        queue(),
        m.BasicConsume("Q", arguments={"x-stream-offset": "first"}),
        406,
        f"invalid arg 'x-stream-offset' {IN_Q} of queue type rabbit_classic_queue",
        CONSUME,
    ],
    [
        queue({"x-single-active-consumer": True}),
        m.BasicConsume("Q", exclusive=True),
        403,
        "queue 'Q' in vhost '/' in exclusive use",
        CONSUME,
    ],
    [
        queue(QUORUM, **DURABLE),
        m.BasicQos(0, 5, global_=True),
        m.BasicConsume("Q"),
        540,
        "queue 'Q' in vhost '/' does not support global qos",
        CONSUME,
    ],
    [m.BasicAck(5), 406, "unknown delivery tag 5", (60, 80)],
    [m.BasicNack(5), 406, "unknown delivery tag 5", (60, 120)],
    [message(expiration="soon"), 406, "invalid expiration 'soon': no_integer", PUBLISH],
    [message(expiration="-1"), 406, "invalid expiration '-1': {value_negative,-1}", PUBLISH],
    [message(expiration="1.5"), 406, "invalid expiration '1.5': {leftover_string,\".5\"}", PUBLISH],
    [message(headers={"CC": "k"}), 406, 'invalid message: {unacceptable_type_in_header,"CC",longstr}', PUBLISH],
    [message(headers={"BCC": None}), 406, 'invalid message: {unacceptable_type_in_header,"BCC",void}', PUBLISH],
    [message("nowhere"), 404, "no exchange 'nowhere' in vhost '/'", PUBLISH],
    [header(), 505, "expected method frame, got non method frame instead", (0, 0)],
    [frame(3, b"x", channel=7), 505, "expected method frame, got non method frame instead", (0, 0)],
    [frame(1, m.BasicPublish("", "Q").encode()) * 2, 505, UNHEADED, PUBLISH],
    [frame(1, m.BasicPublish("", "Q").encode()) + frame(3, b"x"), 505, UNHEADED, PUBLISH],
    [
        frame(1, m.BasicPublish("", "Q").encode()) + header(class_id=50),
        505,
        "expected content header for class 60, got one for class 50 instead",
        PUBLISH,
    ],
    [frame(1, m.BasicPublish("", "Q").encode()) + header(weight=1), 505, UNHEADED, PUBLISH],
    [
        frame(1, m.BasicPublish("", "Q").encode()) + header(2) * 2,
        505,
        "expected content body, got non content body frame instead",
        PUBLISH,
    ],
    [
        frame(1, m.BasicPublish("", "Q").encode()) + header(2) + frame(3, b"xyz"),
        501,
        "content body frame exceeds remaining content size",
        PUBLISH,
    ],
    [frame(9, b""), 501, "type 9, all octets = <<>>: unknown_frame", (0, 0)],
    [frame(8, b""), 505, "type 8, all octets = <<>>", (0, 0)],
    [frame(1, b""), 501, "type 1, all octets = <<>>: unknown_frame", (0, 0)],
    [
        frame(1, m.ChannelFlow(True).encode(), end=b"\0"),
        501,
        "type 1, all octets = <<0,20,0,20,1>>: {invalid_frame_end_marker,0}",
        (0, 0),
    ],
    [
        struct.pack(">BHI", 1, 1, 200_000) + bytes(1000),
        501,
        "type 1, all octets = <<>>: {frame_too_large,200000,131064}",
        (0, 0),
    ],
    [m.ConnectionOpen("/"), 503, "unimplemented method", (10, 40)],
]


@pytest.fixture
def peer(broker: Broker) -> Iterator[Peer]:
    peer = Peer(broker.port)
    peer.send(1, m.ChannelOpen())
    peer.receive()
    yield peer
    peer.close()
    cleaner = Peer(broker.port)
    cleaner.send(1, m.ChannelOpen())
    cleaner.send(1, m.QueueDelete("Q"))
    cleaner.send(1, m.ExchangeDelete("X"))
    assert cleaner.until_closed() is None
    cleaner.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[-2])[:60])
def test_a_refusal_has_rabbitmqs_words(peer: Peer, row: list):
    *steps, code, text, blamed = row
    for step in steps:
        if isinstance(step, bytes):
            peer.socket.sendall(step)
        else:
            peer.send(1, step)
    while not isinstance(closed := peer.receive()[1], (m.ChannelClose, m.ConnectionClose)):
        pass
    assert (closed.reply_code, closed.reply_text.partition(" - ")[2]) == (code, text)
    assert (closed.class_id, closed.method_id) == blamed


def test_what_a_client_may_not_send_on_channel_0(broker: Broker):
    peer = Peer(broker.port)
    peer.send(0, m.ConnectionOpen("/"))
    closed = peer.receive()[1]
    assert isinstance(closed, m.ConnectionClose)
    assert (closed.reply_code, closed.reply_text) == (
        504,
        "CHANNEL_ERROR - unexpected method in connection state running",
    )
    peer.close()


def test_a_quorum_queue_knows_no_exclusive_consumer(peer: Peer):
    for step in (queue(QUORUM, **DURABLE), m.BasicConsume("Q", exclusive=True), m.BasicConsume("Q")):
        peer.send(1, step)
    assert [type(peer.receive()[1]) for _ in range(3)] == [m.QueueDeclareOk, m.BasicConsumeOk, m.BasicConsumeOk]
