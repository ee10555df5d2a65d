"""The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): a balancer says whose connection it passes on.

Where proxy_protocol is on, every plain AMQP connection must begin with such a header.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger("watership.connection")
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
FIXED = 16  # octets of a version 2 header before its addresses
LONGEST = 107  # octets of a version 1 header, and far more than an address of version 2 takes
ADDRESSES = {0x11: 4, 0x21: 16}  # octets of one address, by family: TCP over IPv4, over IPv6
Place = tuple[str, int]


def header(data: bytes) -> tuple[int, tuple[Place, Place] | None] | None:
    """Length of the header, and the two ends that it names: the client's and the one that it connected to; None for
    ends that the proxy does not tell. None altogether: more octets are needed. Raises ValueError for what is none."""
    if data.startswith(SIGNATURE):
        return second(data)
    if data.startswith(b"PROXY "):
        return first(data)
    if SIGNATURE.startswith(data[:12]) or b"PROXY ".startswith(data[:6]):
        return None
    raise ValueError("no PROXY header")


def first(data: bytes) -> tuple[int, tuple[Place, Place] | None] | None:
    line, end, _ = data.partition(b"\r\n")
    if not end:
        if len(data) > LONGEST:
            raise ValueError("a PROXY header without an end")
        return None
    match line.decode("ascii").split(" "):
        case ["PROXY", "TCP4" | "TCP6", source, destination, out, into]:
            return len(line) + 2, ((str(ipaddress.ip_address(source)), int(out)), (destination, int(into)))
        case ["PROXY", "UNKNOWN", *_]:
            return len(line) + 2, None
    raise ValueError(f"not a PROXY header: {line!r}")


def second(data: bytes) -> tuple[int, tuple[Place, Place] | None] | None:
    if len(data) < FIXED:
        return None
    version, command, size = data[12] >> 4, data[12] & 15, int.from_bytes(data[14:16], "big")
    if version != 2 or command > 1:
        raise ValueError(f"a PROXY header of version {version}, command {command}")
    if len(data) < FIXED + size:
        return None
    octets = ADDRESSES.get(data[13])
    if command == 0 or octets is None:
        return FIXED + size, None
    if size < 2 * octets + 4:
        raise ValueError("a PROXY header that is too short for its addresses")
    ends = data[FIXED : FIXED + 2 * octets + 4]
    places = [
        (str(ipaddress.ip_address(ends[i * octets : (i + 1) * octets])), int.from_bytes(ends[port : port + 2], "big"))
        for i, port in enumerate((2 * octets, 2 * octets + 2))
    ]
    return FIXED + size, (places[0], places[1])


class ProxyHeader(asyncio.Protocol):
    """Reads the header, then hands the transport on."""

    def __init__(self, made: Callable[[], Any], *, patience: float) -> None:
        """made: makes the buffered protocol that goes on behind the header. patience: seconds for the header."""
        self.made = made
        self.patience = patience
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.timer = asyncio.get_running_loop().call_later(self.patience, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        self.data += data
        try:
            found = header(self.data)
        except ValueError as error:
            log.warning("%s: %s; closing", self.transport.get_extra_info("peername"), error)
            self.transport.abort()
            return
        if found is not None:
            self.timer.cancel()
            self.hand_on(*found)

    def hand_on(self, size: int, ends: tuple[Place, Place] | None) -> None:
        inner, rest = self.made(), memoryview(self.data)[size:]
        inner.proxied = ends
        self.transport.set_protocol(inner)
        inner.connection_made(self.transport)
        while len(rest):
            room = inner.get_buffer(len(rest))
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            inner.buffer_updated(count)
            rest = rest[count:]
