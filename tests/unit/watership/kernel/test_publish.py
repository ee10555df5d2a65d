"""From octets to a queue: routes, confirms, large and broken messages."""

import struct

import pytest
from tests.unit.watership.kernel.peer import RETURN, Peer, arguments, frame, publish

from watership.kernel import Channel, Kernel, ProtocolViolation, Queue, Route


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize("step", [1, 7, 100, 1 << 30])
async def test_messages_arrive_whole_however_the_stream_is_cut(peer: Peer, queue: Queue, step: int):
    bodies = [b"", b"x", b"hello", bytes(range(256)) * 40]
    peer.feed(b"".join(publish(b"q", body) for body in bodies), step=step)
    assert queue.ready == len(bodies)
    assert queue.bytes_ready == sum(map(len, bodies))
    for _ in bodies:
        peer.connection.channel(1).get(queue, no_ack=True)
    assert await peer.bodies() == bodies
    assert peer.server.errors == []


async def test_a_large_body_in_many_small_frames(peer: Peer, channel: Channel, queue: Queue):
    body = bytes(range(256)) * 4096
    peer.feed(publish(b"q", body, piece=1000), step=5000)
    assert queue.bytes_ready == len(body)
    channel.get(queue, no_ack=True)
    assert await peer.bodies() == [body]


@pytest.mark.usefixtures("channel")
async def test_empty_body_frames_cost_nothing(peer: Peer, queue: Queue):
    header = frame(2, 1, struct.pack(">HHQH", 60, 0, 3, 0))
    method = frame(1, 1, struct.pack(">HH", 60, 40) + arguments(b"q"))
    peer.feed(method + header + frame(3, 1, b"") * 100_000 + frame(3, 1, b"abc"))
    assert queue.ready == 1
    assert queue.memory < 8192


async def test_frames_of_several_channels_may_be_mixed(peer: Peer, kernel: Kernel, queue: Queue):
    one, two = Channel(peer.connection, 1), Channel(peer.connection, 2)
    first = [frame(1, 1, struct.pack(">HH", 60, 40) + arguments(b"q")), frame(2, 1, struct.pack(">HHQH", 60, 0, 4, 0))]
    peer.feed(b"".join(first) + frame(3, 1, b"on"))
    peer.feed(publish(b"q", b"two", channel=2) + frame(3, 1, b"ne"))
    one.get(queue, no_ack=True)
    two.get(queue, no_ack=True)
    assert [(d.channel, d.body) for d in await peer.deliveries()] == [(1, b"two"), (2, b"onne")]
    assert kernel.published == 2


@pytest.mark.usefixtures("channel")
async def test_a_route_is_asked_for_once_until_the_topology_changes(peer: Peer, kernel: Kernel):
    peer.feed(publish(b"q", b"1") + publish(b"other", b"2") + publish(b"q", b"3"))
    assert peer.server.routed == [b"q", b"other"]
    kernel.invalidate()
    peer.feed(publish(b"q", b"4"))
    assert peer.server.routed == [b"q", b"other", b"q"]


@pytest.mark.usefixtures("channel")
async def test_routes_by_content_are_asked_for_each_message(peer: Peer, kernel: Kernel, queue: Queue):
    peer.server.by_content = True
    peer.server.queues[b"by content"] = [queue]
    peer.feed(publish(b"q", b"1") * 3)
    assert peer.server.validated == [b"\x10\x00\x01"] * 3
    assert queue.ready == 3
    assert kernel.routed == 3


@pytest.mark.usefixtures("channel")
async def test_user_id_and_expiration_are_validated_when_they_change(peer: Peer):
    def message(user: bytes) -> bytes:
        header = struct.pack(">HHQH", 60, 0, 0, 0x0010) + bytes([len(user)]) + user
        return frame(1, 1, struct.pack(">HH", 60, 40) + arguments(b"q")) + frame(2, 1, header)

    peer.feed(message(b"guest") * 2 + message(b"eve"))
    assert peer.server.validated == [b"\x00\x10\x05guest", b"\x00\x10\x03eve"]


async def test_confirms_of_one_read_are_one_frame(peer: Peer, channel: Channel):
    channel.confirming = True
    peer.feed(publish(b"q", b"x"))
    peer.feed(publish(b"q", b"x") * 3)
    assert await peer.confirms() == [(1, False), (4, True)]
    assert channel.confirmed == 4
    assert channel.unconfirmed == 0


async def test_an_unroutable_mandatory_message_returns_before_its_confirm(peer: Peer, channel: Channel, kernel: Kernel):
    channel.confirming = True
    peer.feed(publish(b"nowhere", b"body", mandatory=True) + publish(b"nowhere", b"lost"))
    frames = await peer.frames()
    assert [f.method for f in frames if f.kind == 1] == [RETURN, 0x3C0050]
    assert frames[2].payload == b"body"
    assert (channel.returned, channel.dropped) == (1, 1)
    assert (kernel.returned, kernel.dropped, kernel.routed) == (1, 1, 0)


async def test_a_refused_publish_takes_nothing_and_the_stream_goes_on(peer: Peer, channel: Channel, queue: Queue):
    peer.server.refuse = LookupError("no exchange")
    peer.feed(publish(b"q", b"1"))
    assert [(number, str(error)) for number, error in peer.server.errors] == [(1, "no exchange")]
    channel.closing = True
    peer.feed(publish(b"q", b"2") + frame(1, 1, struct.pack(">HH", 20, 41)))
    assert peer.server.methods == [(1, b"\x00\x14\x00\x29")]
    assert queue.ready == 0


async def test_a_body_beyond_the_limit_is_406(peer: Peer, channel: Channel, kernel: Kernel, queue: Queue):
    kernel.max_message_size = 10
    peer.feed(publish(b"q", b"0123456789") + publish(b"q", b"0123456789A")[: -(8 + 11)])
    ((number, error),) = peer.server.errors
    assert number == channel.number
    assert isinstance(error, ProtocolViolation)
    assert (error.code, error.text) == (406, "message size 11 is larger than configured max size 10")
    assert queue.ready == 1


HEAD = frame(1, 1, struct.pack(">HH", 60, 40) + arguments(b"q"))
BODY5 = frame(2, 1, struct.pack(">HHQH", 60, 0, 5, 0))


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"\x01\x00\x01\x00\x00\x00\x04abcd\x00", 501),  # no frame end
        (b"\x01\x00\x01\x7f\xff\xff\xff", 501),  # larger than negotiated
        (frame(5, 1, b""), 501),  # no such frame
        (frame(8, 0, b"x"), 501),  # a heartbeat with something in it
        (frame(1, 1, b"\x00\x3c"), 501),  # no method id
        (frame(1, 1, struct.pack(">HH", 60, 80) + b"\x00"), 502),  # ack without a tag
        (HEAD[:-1] + b"\xce" + frame(2, 1, b"\x00\x3c"), 502),  # header too short
        (frame(1, 1, struct.pack(">HHH", 60, 40, 0) + b"\x05a") + frame(2, 1, struct.pack(">HHQH", 60, 0, 0, 0)), 502),
        (HEAD + frame(2, 1, struct.pack(">HHQH", 60, 0, 0, 0x8000) + b"\x09abc"), 502),  # property list too short
        (HEAD + frame(2, 1, struct.pack(">HHQH", 60, 0, 0, 0) + b"abc"), 502),  # octets behind the properties
        (HEAD + frame(2, 1, struct.pack(">HHQHI", 60, 0, 0, 0x2000, 3) + b"\x01aZ"), 502),  # no such type in a table
        (HEAD + frame(2, 1, struct.pack(">HHQHI", 60, 0, 0, 0x2000, 7) + b"\x01aS\0\0\0\x01"), 502),  # a string cut off
        (HEAD + BODY5 + frame(3, 1, b"123456"), 501),  # more than announced
        (HEAD + frame(3, 1, b"12345"), 505),  # body before header
        (HEAD + HEAD, 505),  # method instead of header
        (HEAD + BODY5 + BODY5, 505),  # header instead of body
        (BODY5, 505),  # header without method
        (frame(3, 7, b"12345"), 505),  # body on a channel that is not open
    ],
)
async def test_what_breaks_the_protocol_ends_the_connection_with_the_right_code(peer: Peer, octets: bytes, code: int):
    peer.feed(octets)
    number, error = peer.server.errors[0]
    assert isinstance(error, ProtocolViolation)
    assert (number, error.code) == (0, code)


@pytest.mark.usefixtures("channel")
async def test_after_a_framing_error_nothing_is_read_any_more(peer: Peer, queue: Queue):
    peer.feed(b"\x01\x00\x01\x00\x00\x00\x04abcd\x00" + publish(b"q", b"x"))
    peer.feed(publish(b"q", b"x"))
    assert queue.ready == 0
    assert len(peer.server.errors) == 1


@pytest.mark.usefixtures("channel")
async def test_a_closing_connection_hears_only_channel_0(peer: Peer, queue: Queue):
    peer.connection.closing = True
    peer.feed(publish(b"q", b"x") + frame(1, 0, struct.pack(">HH", 10, 51)))
    assert queue.ready == 0
    assert peer.server.methods == [(0, b"\x00\x0a\x00\x33")]


async def test_a_cold_publish_is_delivered_like_any_other(peer: Peer, channel: Channel, queue: Queue):
    body = b"z" * 200_000
    queue.publish(arguments(b"key", exchange=b"x"), b"\x10\x00\x02", body)
    channel.get(queue, no_ack=True)
    ((_, _, key, got, number),) = await peer.deliveries()
    assert (key, got, number) == (b"key", body, 1)
    with pytest.raises(ValueError, match=r"not the arguments of a basic\.publish"):
        queue.publish(b"\0\0\x09", b"\0\0", b"")


def test_a_route_leads_to_queues(kernel: Kernel, queue: Queue):
    assert Route([queue]).queues == (queue,)
    with pytest.raises(TypeError):
        Route([None])  # type: ignore[list-item]
