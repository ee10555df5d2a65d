"""The other end of a kernel connection, in memory: bytes in, frames out."""

from __future__ import annotations

import asyncio
import struct
from typing import NamedTuple

from watership.kernel import Channel, Connection, Kernel, Queue, Route

DELIVER, GET_OK, RETURN, ACK, NACK, REJECT = 0x3C003C, 0x3C0047, 0x3C0032, 0x3C0050, 0x3C0078, 0x3C005A


class Frame(NamedTuple):
    kind: int
    channel: int
    payload: bytes

    @property
    def method(self) -> int:
        return int.from_bytes(self.payload[:4], "big") if self.kind == 1 else 0


class Delivery(NamedTuple):
    tag: int
    redelivered: bool
    routing_key: bytes
    body: bytes
    channel: int = 1


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def arguments(key: bytes, *, exchange: bytes = b"", mandatory: bool = False) -> bytes:
    return b"\0\0" + short(exchange) + short(key) + bytes([mandatory])


def publish(key: bytes, body: bytes, *, channel: int = 1, mode: int = 1, piece: int = 131064, **bits: bool) -> bytes:
    header = struct.pack(">HHQHB", 60, 0, len(body), 0x1000, mode)
    frames = [frame(1, channel, struct.pack(">HH", 60, 40) + arguments(key, **bits)), frame(2, channel, header)]
    frames += [frame(3, channel, body[at : at + piece]) for at in range(0, len(body), piece)]
    return b"".join(frames)


def settle(method: int, tag: int, bits: int = 0, *, channel: int = 1) -> bytes:
    return frame(1, channel, struct.pack(">IQB", method, tag, bits))


class Transport:
    """What asyncio gives a connection, recording."""

    def __init__(self) -> None:
        self.out = b""
        self.writes = 0
        self.reading = True
        self.closed = ""
        self.full_at: int | None = None
        self.protocol: Connection | None = None

    def set_write_buffer_limits(self, *, high: int, low: int) -> None:
        self.limits = (high, low)

    def write(self, data: bytes) -> None:
        self.out += bytes(data)
        self.writes += 1
        if self.full_at is not None and len(self.out) >= self.full_at and self.protocol is not None:
            self.protocol.pause_writing()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = "closed"

    def abort(self) -> None:
        self.closed = "aborted"


class Server:
    """A Handler that routes by queue name and records what it is told."""

    def __init__(self) -> None:
        self.queues: dict[bytes, list[Queue]] = {}
        self.routed: list[bytes] = []
        self.methods: list[tuple[int, bytes]] = []
        self.errors: list[tuple[int, Exception]] = []
        self.unroutable: list[tuple[bytes, bytes, bytes]] = []
        self.validated: list[bytes] = []
        self.header = b""
        self.lost: list[Exception | None] = []
        self.by_content = False
        self.alarms = 0
        self.refuse: Exception | None = None
        self.connection: Connection | None = None
        self.kernel: Kernel | None = None

    def on_connected(self) -> None:
        pass

    def on_protocol_header(self, header: bytes) -> None:
        self.header = header

    def on_method(self, channel: int, payload: bytes) -> None:
        self.methods.append((channel, payload))

    def route(self, channel: Channel, publish: bytes) -> Route:
        if self.refuse is not None:
            raise self.refuse
        key = publish[4 + publish[2] :][: publish[3 + publish[2]]]
        self.routed.append(key)
        return Route(self.queues.get(key, []), by_content=self.by_content)

    def refine(self, channel: Channel, publish: bytes, properties: bytes) -> tuple[Route, bytes | None]:
        self.validated.append(properties)
        return Route(self.queues.get(b"by content", [])), None

    def validate(self, channel: Channel, properties: bytes) -> None:
        self.validated.append(properties)

    def on_alarmed(self) -> None:
        self.alarms += 1

    def on_unroutable(self, channel: Channel, publish: bytes, properties: bytes, body: bytes) -> None:
        self.unroutable.append((publish, properties, body))
        assert self.connection is not None
        method = struct.pack(">IH", RETURN, 312) + short(b"NO_ROUTE") + publish[2:-1]
        self.connection.send_content(channel.number, method, properties, body)

    def on_error(self, channel: int, error: Exception) -> None:
        self.errors.append((channel, error))

    def on_lost(self, reason: Exception | None) -> None:
        self.lost.append(reason)


class Peer:
    """A connection that is past its greeting, and what it has heard since the last look."""

    def __init__(
        self, kernel: Kernel, server: Server | None = None, *, greeting: bytes = b"AMQP\x00\x00\x09\x01"
    ) -> None:
        self.server = server or Server()
        self.connection = Connection(kernel, self.server)
        self.server.connection = self.connection
        self.transport = Transport()
        self.transport.protocol = self.connection
        self.connection.connection_made(self.transport)
        self.feed(greeting)

    def feed(self, data: bytes, *, step: int = 1 << 30) -> None:
        while data:
            buffer = self.connection.get_buffer(-1)
            size = min(len(buffer), len(data), step)
            buffer[:size] = data[:size]
            self.connection.buffer_updated(size)
            data = data[size:]

    async def frames(self) -> list[Frame]:
        """What came out, after the tick has ended."""
        for _ in range(4):
            await asyncio.sleep(0)
        data, self.transport.out = self.transport.out, b""
        frames, at = [], 0
        while at < len(data):
            kind, channel, size = struct.unpack_from(">BHI", data, at)
            assert data[at + 7 + size] == 0xCE
            frames.append(Frame(kind, channel, data[at + 7 : at + 7 + size]))
            at += 8 + size
        return frames

    async def deliveries(self) -> list[Delivery]:
        """The deliveries and get-oks among it."""
        found: list[Delivery] = []
        for one in await self.frames():
            if one.method in {DELIVER, GET_OK}:
                at = 4 if one.method == GET_OK else 5 + one.payload[4]
                tag, redelivered = struct.unpack_from(">QB", one.payload, at)
                key = at + 10 + one.payload[at + 9]
                routing_key = one.payload[key + 1 : key + 1 + one.payload[key]]
                found.append(Delivery(tag, bool(redelivered), routing_key, b"", one.channel))
            elif one.kind == 3:
                found[-1] = found[-1]._replace(body=found[-1].body + one.payload)
        return found

    async def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in await self.deliveries()]

    async def confirms(self) -> list[tuple[int, bool]]:
        """(sequence number, multiple) of the basic.acks among it."""
        return [
            (int.from_bytes(one.payload[4:12], "big"), bool(one.payload[12] & 1))
            for one in await self.frames()
            if one.method == ACK
        ]
