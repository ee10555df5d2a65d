"""From a queue to octets and back: consumers, credit, acknowledgements, requeues."""

import asyncio

import pytest
from tests.unit.watership.kernel.peer import ACK, NACK, REJECT, Peer, publish, settle

from watership.kernel import Channel, Consumer, Kernel, ProtocolViolation, Queue


def numbered(*numbers: int) -> bytes:
    return b"".join(publish(b"q", b"%d" % n) for n in numbers)


async def test_deliveries_in_order_with_tags_counting_up(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c")
    peer.feed(numbered(1, 2, 3))
    assert [(d.tag, d.redelivered, d.routing_key, d.body) for d in await peer.deliveries()] == [
        (1, False, b"q", b"1"),
        (2, False, b"q", b"2"),
        (3, False, b"q", b"3"),
    ]
    assert (queue.ready, queue.unacked, queue.bytes_unacked, channel.unacked) == (0, 3, 3, 3)


async def test_one_tick_is_one_write(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c", no_ack=True)
    peer.feed(numbered(*range(100)))
    peer.feed(numbered(*range(100)))
    assert len(await peer.deliveries()) == 200
    assert peer.transport.writes == 1


async def test_prefetch_is_the_most_that_is_unacknowledged(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c", prefetch=2)
    peer.feed(numbered(1, 2, 3, 4, 5))
    assert await peer.bodies() == [b"1", b"2"]
    peer.feed(settle(ACK, 1))
    assert await peer.bodies() == [b"3"]
    peer.feed(settle(ACK, 3, 1))
    assert await peer.bodies() == [b"4", b"5"]


async def test_a_channel_wide_prefetch_spans_its_consumers(peer: Peer, channel: Channel, kernel: Kernel, queue: Queue):
    other = Queue(kernel, "other")
    peer.server.queues[b"other"] = [other]
    channel.prefetch = 2
    Consumer(channel, queue, b"a")
    Consumer(channel, other, b"b")
    peer.feed(numbered(1, 2, 3) + publish(b"other", b"x"))
    assert await peer.bodies() == [b"1", b"2"]
    peer.feed(settle(ACK, 0, 1))
    assert sorted(await peer.bodies()) == [b"3", b"x"]


async def test_consumers_take_turns(peer: Peer, kernel: Kernel, queue: Queue):
    for number in (1, 2, 3):
        Consumer(Channel(peer.connection, number), queue, b"c%d" % number, no_ack=True)
    peer.feed(numbered(*range(6)))
    assert sorted(d.channel for d in await peer.deliveries()) == [1, 1, 2, 2, 3, 3]


async def test_a_multiple_ack_settles_all_up_to_its_tag(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c")
    peer.feed(numbered(1, 2, 3, 4))
    await peer.frames()
    peer.feed(settle(ACK, 2) + settle(ACK, 3, 1))
    assert (channel.unacked, queue.unacked, queue.acked) == (1, 1, 3)
    peer.feed(settle(ACK, 0, 1))
    assert (channel.unacked, queue.unacked, queue.acked) == (0, 0, 4)
    peer.feed(settle(ACK, 0, 1))
    assert peer.server.errors == []


@pytest.mark.parametrize(
    "octets", [settle(ACK, 9), settle(ACK, 1), settle(NACK, 0), settle(REJECT, 9), settle(ACK, 9, 1)]
)
async def test_an_unknown_tag_is_406(peer: Peer, channel: Channel, queue: Queue, octets: bytes):
    Consumer(channel, queue, b"c")
    peer.feed(numbered(1, 2))
    await peer.frames()
    peer.feed(settle(ACK, 1) + octets)
    ((number, error),) = peer.server.errors
    assert isinstance(error, ProtocolViolation)
    assert (number, error.code) == (1, 406)
    assert error.text.startswith("unknown delivery tag ")
    assert channel.unacked == 1


async def test_requeued_messages_take_their_place_again_marked(peer: Peer, channel: Channel, queue: Queue):
    consumer = Consumer(channel, queue, b"c", prefetch=4)
    peer.feed(numbered(1, 2, 3, 4, 5, 6))
    await peer.frames()
    consumer.cancel()
    peer.feed(settle(REJECT, 3, 1) + settle(NACK, 1, 2) + settle(REJECT, 2, 0))
    assert (queue.ready, queue.unacked) == (4, 1)
    Consumer(channel, queue, b"d")
    assert [(d.body, d.redelivered) for d in await peer.deliveries()] == [
        (b"1", True),
        (b"3", True),
        (b"5", False),
        (b"6", False),
    ]
    assert queue.redelivered == 2


async def test_closing_a_channel_requeues_what_it_held(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c")
    peer.feed(numbered(*range(50)))
    await peer.frames()
    peer.feed(b"".join(settle(ACK, tag) for tag in range(2, 51, 2)))
    channel.close()
    channel.close()
    assert (queue.ready, queue.unacked, queue.consumers) == (25, 0, 0)
    other = Channel(peer.connection, 2)
    Consumer(other, queue, b"d")
    assert await peer.bodies() == [b"%d" % n for n in range(0, 50, 2)]


async def test_losing_the_socket_requeues_and_tells_the_handler_once(peer: Peer, kernel: Kernel, queue: Queue):
    Consumer(Channel(peer.connection, 1), queue, b"c")
    peer.feed(numbered(1, 2))
    await peer.frames()
    error = ConnectionResetError()
    peer.connection.connection_lost(error)
    assert peer.server.lost == [error]
    assert (queue.ready, queue.consumers) == (2, 0)
    peer.connection.send_method(0, b"1234")
    assert await peer.frames() == []


async def test_get_and_its_counts(peer: Peer, channel: Channel, queue: Queue):
    assert channel.get(queue, no_ack=False) is False
    peer.feed(numbered(1, 2))
    assert channel.get(queue, no_ack=False)
    assert channel.get(queue, no_ack=True)
    assert [(d.tag, d.body) for d in await peer.deliveries()] == [(1, b"1"), (2, b"2")]
    assert (queue.got, queue.got_no_ack, queue.got_empty, queue.unacked) == (1, 1, 1, 1)
    channel.settle(1)
    assert queue.unacked == 0


async def test_recover_redelivers_everything(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c")
    peer.feed(numbered(1, 2))
    await peer.frames()
    assert channel.recover() == 2
    assert [(d.tag, d.redelivered, d.body) for d in await peer.deliveries()] == [(3, True, b"1"), (4, True, b"2")]


async def test_flow_holds_deliveries_back(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c", no_ack=True)
    channel.active = False
    peer.feed(numbered(1))
    assert await peer.bodies() == []
    channel.active = True
    assert await peer.bodies() == [b"1"]


async def test_purge_leaves_what_is_unacknowledged(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c", prefetch=1)
    peer.feed(numbered(1, 2, 3))
    await peer.frames()
    assert queue.purge() == 2
    assert (queue.ready, queue.unacked) == (0, 1)
    peer.feed(settle(REJECT, 1, 1))
    assert [d.body for d in await peer.deliveries()] == [b"1"]


async def test_messages_of_a_deleted_queue_may_still_be_settled(peer: Peer, channel: Channel, queue: Queue):
    consumer = Consumer(channel, queue, b"c", prefetch=2)
    peer.feed(numbered(1, 2, 3))
    await peer.frames()
    consumer.cancel()
    queue.close()
    peer.feed(settle(ACK, 1) + settle(REJECT, 2, 1) + numbered(4))
    assert peer.server.errors == []
    assert (queue.ready, queue.unacked) == (0, 0)


async def test_a_consumer_stops_at_a_mebibyte_and_goes_on(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c", no_ack=True)
    peer.transport.full_at = 100_000
    peer.feed(publish(b"q", b"x" * 100_000))
    assert len(await peer.deliveries()) == 1
    for _ in range(40):
        peer.feed(publish(b"q", b"y" * 100_000))
        await asyncio.sleep(0)
    assert peer.transport.out == b""
    assert peer.connection.unsent < 1_200_000
    assert queue.ready == 40
    peer.transport.full_at = None
    peer.connection.resume_writing()
    seen = 0
    for _ in range(20):
        seen += len(await peer.deliveries())
    assert seen == 40


async def test_without_a_full_transport_a_backlog_flows_a_mebibyte_per_write(
    peer: Peer, channel: Channel, queue: Queue
):
    for _ in range(50):
        peer.feed(publish(b"q", b"z" * 100_000))
    Consumer(channel, queue, b"c", no_ack=True)
    seen = 0
    for _ in range(20):
        seen += len(await peer.deliveries())
    assert seen == 50
    assert peer.transport.writes >= 5


async def test_bodies_are_split_for_a_peer_with_smaller_frames(peer: Peer, kernel: Kernel, queue: Queue):
    small = Peer(kernel)
    small.connection.frame_max = 4096
    body = bytes(range(256)) * 100
    peer.connection.channel(1) or Channel(peer.connection, 1)
    peer.feed(publish(b"q", body))
    Consumer(Channel(small.connection, 5), queue, b"c", no_ack=True)
    frames = await small.frames()
    assert max(len(f.payload) for f in frames) == 4088
    assert {f.channel for f in frames} == {5}
    assert b"".join(f.payload for f in frames if f.kind == 3) == body


async def test_a_message_that_nobody_settles_does_not_make_the_channel_grow(peer: Peer, channel: Channel, queue: Queue):
    Consumer(channel, queue, b"c")
    peer.feed(numbered(0))
    await peer.frames()
    for tag in range(2, 5000):
        peer.feed(numbered(tag))
        await peer.frames()
        peer.feed(settle(ACK, tag))
    assert channel.unacked == 1
    assert queue.memory < 300_000
    peer.feed(settle(ACK, 1))
    assert peer.server.errors == []
    assert channel.unacked == 0


async def test_an_empty_queue_gives_its_memory_back(peer: Peer, channel: Channel, kernel: Kernel, queue: Queue):
    for _ in range(100):
        peer.feed(publish(b"q", b"z" * 100_000))
    assert kernel.memory > 10_000_000
    queue.purge()
    assert kernel.memory < 100_000


async def test_memory_crossing_its_limit_is_told_both_ways(peer: Peer, channel: Channel, kernel: Kernel, queue: Queue):
    told: list[bool] = []
    kernel.memory_limit = 1_000_000
    kernel.on_memory = told.append
    peer.feed(publish(b"q", b"z" * 2_000_000))
    await peer.frames()
    assert told == [True]
    queue.purge()
    peer.feed(publish(b"q", b"z"))
    await peer.frames()
    assert told == [True, False]


async def test_sixteen_byte_messages_take_less_than_75_octets_each(peer: Peer, channel: Channel, queue: Queue):
    for _ in range(100):
        peer.feed(publish(b"q", b"0123456789abcdef") * 1000)
    assert queue.memory / queue.ready < 75


async def test_a_pause_of_reading_reaches_the_transport(peer: Peer):
    peer.connection.pause_reading()
    peer.connection.pause_reading()
    assert not peer.transport.reading
    peer.connection.resume_reading()
    assert peer.transport.reading


async def test_close_lets_everything_leave_first(peer: Peer):
    peer.connection.send_method(0, b"\x00\x0a\x00\x33")
    peer.connection.close()
    assert peer.transport.closed == ""
    assert len(await peer.frames()) == 1
    assert peer.transport.closed == "closed"
