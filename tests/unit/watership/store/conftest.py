from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.watership.kernel.peer import Peer, publish

from watership.kernel import Channel, Journal, Kernel, Pager, Queue, Replay
from watership.store import Log, Pages


class Node:
    """A log, its journal and durable queues, as a broker has them, with a connection that publishes."""

    def __init__(
        self, folder: Path, *streams: int, memory: int = 1 << 40, rules: dict[str, int] | None = None, **options: int
    ) -> None:
        """memory: octets of messages beyond which backlogs go to pages. rules: of every queue, as `Queue` has them."""
        self.log = Log(folder, **options)
        self.failures: list[OSError] = []
        self.pages = Pages(folder, on_failure=self.failures.append, file_size=1 << 22)
        self.replay = Replay(self.pages)
        try:
            self.log.recover(self.replay)
        except BaseException:
            self.pages.close()
            raise
        loop = asyncio.get_running_loop()
        self.journal = Journal(
            loop,
            start=self.log.end,
            open_next=self.log.open_next,
            on_failure=self.failures.append,
            file_size=options.get("file_size", 1 << 26),
        )
        self.log.run(self.journal, snapshot=lambda: b"all of it")
        self.kernel = Kernel(loop, journal=self.journal)
        self.pager = Pager(self.kernel, loop, self.pages, limit=memory)
        self.peer = Peer(self.kernel)
        self.channel = Channel(self.peer.connection, 1)
        self.channel.confirming = True
        self.queues = {stream: Queue(self.kernel, f"q{stream}", stream=stream, **rules or {}) for stream in streams}
        self.restored = {}
        for stream, queue in self.queues.items():
            self.peer.server.queues[queue.name.encode()] = [queue]
            self.restored[stream] = self.replay.restore(stream, queue)
            self.log.attach(stream, queue)
        self.pages.sweep()
        self.snapshot, self.commands = self.replay.snapshot, list(self.replay.commands)
        self.replay.close()

    async def publish(self, stream: int, *bodies: bytes, mode: int = 2) -> None:
        """Returns when all of them are confirmed."""
        self.peer.feed(b"".join(publish(b"q%d" % stream, body, mode=mode) for body in bodies))
        while self.channel.unconfirmed:
            await self.journal.durable()
            await asyncio.sleep(0)

    async def take(self, stream: int, count: int, *, no_ack: bool = True) -> list[bytes]:
        return [body for _, body in await self.tagged(stream, count, no_ack=no_ack)]

    async def tagged(self, stream: int, count: int, *, no_ack: bool = False) -> list[tuple[int, bytes]]:
        """(delivery tag, body) of each."""
        for _ in range(count):
            self.channel.get(self.queues[stream], no_ack=no_ack)
        return [(one.tag, one.body) for one in await self.peer.deliveries()]

    async def drain(self, stream: int) -> list[bytes]:
        return await self.take(stream, self.queues[stream].ready)

    def stop(self) -> None:
        self.journal.close()
        self.pages.close()
        self.log.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[type[Node]]:
    """Node(*streams, **options) on one folder; whatever still runs at the end is stopped."""
    running: list[Node] = []

    class Here(Node):
        def __init__(self, *streams: int, folder: str = "data", **options: Any) -> None:
            super().__init__(tmp_path / folder, *streams, **options)
            running.append(self)

        def stop(self) -> None:
            running.remove(self)
            super().stop()

    yield Here
    while running:
        running[-1].stop()
