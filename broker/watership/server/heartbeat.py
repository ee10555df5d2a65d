"""Heartbeats (AMQP 0-9-1 section 4.2.7): one is sent when half the interval was silent; two silent intervals end
the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from watership import kernel


class Heartbeat:
    """Ticks every half interval while the connection lives. `missed` is called when the peer was silent too long."""

    def __init__(self, connection: kernel.Connection, seconds: int, missed: Callable[[], None]) -> None:
        self.connection = connection
        self.half = seconds / 2
        self.missed = missed
        self.received = connection.recv_oct
        self.sent = connection.send_oct
        self.silent = 0
        self.timer = asyncio.get_running_loop().call_later(self.half, self.tick)

    def tick(self) -> None:
        connection = self.connection
        if connection.send_oct == self.sent:
            connection.send_heartbeat()
        self.sent = connection.send_oct
        self.silent = self.silent + 1 if connection.recv_oct == self.received else 0
        self.received = connection.recv_oct
        if self.silent >= 4 and not connection.reading_paused:
            self.missed()
            return
        self.timer = asyncio.get_running_loop().call_later(self.half, self.tick)

    def stop(self) -> None:
        self.timer.cancel()
