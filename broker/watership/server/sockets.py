"""tcp_listen_options: what the kernel is told about a connection's socket."""

from __future__ import annotations

import socket
import struct
from asyncio import BaseTransport

from watership.config import Config

OPTIONS = "tcp_listen_options"


def tune(transport: BaseTransport, config: Config) -> None:
    """Also of a TLS connection, whose socket it is all the same."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        return
    flags = (
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, config[f"{OPTIONS}.nodelay"]),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, config[f"{OPTIONS}.keepalive"]),
    )
    for level, name, on in flags:
        connection.setsockopt(level, name, int(on))
    for name, size in (
        (socket.SO_SNDBUF, config[f"{OPTIONS}.sndbuf"]),
        (socket.SO_RCVBUF, config[f"{OPTIONS}.recbuf"]),
    ):
        if size is not None:
            connection.setsockopt(socket.SOL_SOCKET, name, size)
    if config[f"{OPTIONS}.linger.on"]:
        linger = struct.pack("ii", 1, config[f"{OPTIONS}.linger.timeout"])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
