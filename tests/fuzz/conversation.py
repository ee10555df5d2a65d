"""Valid conversations of a client, and ways to spoil them. Everything comes from one `Random`: a seed tells it all."""

from __future__ import annotations

import struct
from random import Random

from tests.unit.watership.kernel.peer import ACK, NACK, REJECT, arguments, frame, settle, short

OPEN, CLOSE, SELECT = (
    struct.pack(">HHB", 20, 10, 0),
    struct.pack(">HHHBHH", 20, 40, 0, 0, 0, 0),
    struct.pack(">HHB", 85, 10, 0),
)
TX_SELECT, TX_COMMIT, TX_ROLLBACK = (struct.pack(">HH", 90, ids) for ids in (10, 20, 30))
KEYS = (b"classic", b"durable", b"ruled", b"counting", b"both", b"by content", b"nowhere")
QUEUES = KEYS[:4]


def method(*ids: int, rest: bytes = b"") -> bytes:
    return struct.pack(">HH", *ids) + rest


def consume(queue: bytes, *, no_ack: bool, prefetch: int) -> bytes:
    """Not AMQP's own encoding: what the `Client` of endure.py understands."""
    return method(60, 20, rest=bytes([no_ack, prefetch]) + queue)


def properties(rng: Random) -> bytes:
    """Property flags and properties, of those that a broker looks at."""
    mode = rng.choice((1, 2))
    if rng.random() < 0.5:
        return struct.pack(">HB", 0x1000, mode)
    headers = rng.choice((b"", b"\x02CCA\0\0\0\x0cS\0\0\0\x07durable", b"\x01xF\0\0\0\x04\x01yt\x01", rng.randbytes(9)))
    fields = (
        (0x2000, len(headers).to_bytes(4, "big") + headers),
        (0x1000, bytes([mode])),
        (0x0800, bytes([rng.randrange(256)])),
        (0x0200, short(rng.choice((b"amq.rabbitmq.reply-to", b"else", b"")))),
        (0x0100, short(rng.choice((b"0", b"1", b"7", b"60000", b"-1", b"soon", b"99999999999999999999")))),
        (0x0010, short(rng.choice((b"guest", b"other")))),
    )
    chosen = [field for field in fields if rng.random() < 0.5]
    return struct.pack(">H", sum(flag for flag, _ in chosen)) + b"".join(octets for _, octets in chosen)


def message(rng: Random, channel: int) -> bytes:
    body = rng.randbytes(rng.choice((0, 1, 16, 200, 5000, 200_000 if rng.random() < 0.02 else 30)))
    piece = rng.choice((1000, 131064)) if len(body) > 300 else rng.choice((7, 131064))
    publish = struct.pack(">HH", 60, 40) + arguments(rng.choice(KEYS), mandatory=rng.random() < 0.3)
    frames = [frame(1, channel, publish), frame(2, channel, struct.pack(">HHQ", 60, 0, len(body)) + properties(rng))]
    return b"".join([*frames, *(frame(3, channel, body[at : at + piece]) for at in range(0, len(body), piece))])


def step(rng: Random, channel: int) -> bytes:
    """One thing that a client may do on an open channel."""
    match rng.randrange(9):
        case 0 | 1 | 2:
            return message(rng, channel)
        case 3:
            return (
                settle(rng.choice((ACK, ACK, NACK)), 0, 1 | rng.randrange(4), channel=channel)
                if rng.random() < 0.8
                else settle(rng.choice((ACK, NACK, REJECT)), rng.randrange(1, 9), rng.randrange(4), channel=channel)
            )
        case 4:
            return frame(1, channel, consume(rng.choice(QUEUES), no_ack=rng.random() < 0.3, prefetch=rng.randrange(4)))
        case 5:
            return frame(1, channel, method(60, 70, rest=bytes([rng.randrange(2)]) + rng.choice(QUEUES)))
        case 6:
            return frame(8, 0, b"")
        case 7:
            return frame(1, channel, rng.choice((TX_COMMIT, TX_ROLLBACK)))
        case _:
            what = rng.choice((method(60, 110), method(50, 30, rest=rng.choice(QUEUES)), method(20, 20, rest=b"\x01")))
            return frame(1, channel, what)


def conversation(rng: Random) -> list[bytes]:
    """Frames, or runs of frames, that a server has to answer without an error."""
    steps = [b"AMQP\x00\x00\x09\x01"]
    for channel in range(1, rng.randrange(2, 5)):
        steps.append(frame(1, channel, OPEN))
        if rng.random() < 0.7:
            steps.append(frame(1, channel, rng.choice((SELECT, SELECT, SELECT, TX_SELECT))))
        steps += [step(rng, channel) for _ in range(rng.randrange(1, 40))]
        if rng.random() < 0.3:
            steps.append(frame(1, channel, CLOSE))
    return steps


def spoiled(rng: Random, octets: bytes) -> bytes:
    """The same with a few faults."""
    data = bytearray(octets)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3, 8))):
        if len(data) < 9:
            break
        at = rng.randrange(8, len(data))
        match rng.randrange(6):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + rng.randrange(1, 40)]
            case 3:
                data[at:at] = rng.randbytes(rng.randrange(1, 20))
            case 4:
                data[at : at + 4] = rng.choice(
                    (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01", b"\x7f\xff\xff\xff")
                )
            case _:
                other = rng.randrange(8, len(data))
                data[at:at] = data[other : other + rng.randrange(1, 200)]
    return bytes(data[: rng.randrange(len(data))]) if rng.random() < 0.1 else bytes(data)


def mixed(rng: Random, steps: list[bytes]) -> bytes:
    """In order; sometimes with frames of one message pulled apart by others."""
    if rng.random() < 0.1:
        at = rng.randrange(len(steps))
        steps = [*steps[:1], *rng.sample(steps[1:], len(steps) - 1)] if at else steps
    return b"".join(steps)
