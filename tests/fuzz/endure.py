"""Drives a kernel with spoiled conversations and a replay with spoiled logs: `python -m tests.fuzz.endure SEED COUNT`.

Nothing may crash, no message may be counted twice or lost, what comes out must be whole frames. With WATERSHIP_KERNEL
naming a folder, the kernel built there (with AddressSanitizer) is the one that has to endure.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path
from random import Random

if "WATERSHIP_KERNEL" in os.environ:
    sys.path.insert(0, os.environ["WATERSHIP_KERNEL"])

from tests.fuzz.conversation import conversation, mixed, spoiled
from tests.unit.watership.kernel.peer import Peer, Server

from watership.kernel import Channel, Consumer, CorruptEntry, Journal, Kernel, ProtocolViolation, Queue, Replay

Refused = (ValueError, LookupError)


class Client(Server):
    """Does what a broker does with the methods of `conversation`, and closes what has an error."""

    def on_method(self, channel: int, payload: bytes) -> None:
        assert self.connection is not None
        there = self.connection.channel(channel)
        name = int.from_bytes(payload[:4], "big")
        if name == 0x14000A:
            Channel(self.connection, channel)
        elif there is None:
            raise LookupError("not open")
        elif name in {0x140028, 0x140029}:
            there.close()
        elif name == 0x55000A:
            there.confirming = True
        elif name == 0x5A000A:
            there.select()
        elif name in {0x5A0014, 0x5A001E}:
            self.on_transaction(there, commit=name == 0x5A0014)
        elif name == 0x140014:
            there.active = bool(payload[4:] != b"\x00")
        else:
            self.on_queue_method(there, name, payload[4:])

    def on_transaction(self, channel: Channel, *, commit: bool) -> None:
        if not channel.transactional:
            raise LookupError("not transactional")
        if commit:
            channel.commit()
        else:
            channel.rollback()

    def on_queue_method(self, channel: Channel, name: int, rest: bytes) -> None:
        if name == 0x3C0014 and len(rest) > 2:
            (queue,) = self.queues[rest[2:]]
            Consumer(channel, queue, rest[:3], no_ack=bool(rest[0]), prefetch=rest[1])
        elif name == 0x3C0046 and len(rest) > 1:
            (queue,) = self.queues[rest[1:]]
            channel.get(queue, no_ack=bool(rest[0]))
        elif name == 0x3C006E:
            channel.recover()
        elif name == 0x32001E:
            (queue,) = self.queues[rest]
            queue.purge()
        else:
            raise LookupError("no such method")

    def on_error(self, channel: int, error: Exception) -> None:
        assert self.connection is not None
        assert isinstance(error, (ProtocolViolation, *Refused)), repr(error)
        there = self.connection.channel(channel)
        if there is None or (isinstance(error, ProtocolViolation) and error.code != 406):
            self.connection.closing = True
        else:
            there.closing = True


class Bench:
    def __init__(self, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        self.path = folder / "log"
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT)
        self.journal = Journal(
            loop, open_next=lambda lsn: self.file, on_failure=self.fail, fsync=False, file_size=1 << 40
        )
        self.ending = False
        self.kernel = Kernel(loop, journal=self.journal, max_message_size=300_000)
        self.queues = {
            b"classic": Queue(self.kernel, "classic"),
            b"durable": Queue(self.kernel, "durable", stream=7),
            b"ruled": Queue(self.kernel, "ruled", stream=8, priorities=5),
            b"counting": Queue(self.kernel, "counting", stream=9, priorities=1, counting=True, single=True),
        }

    def fail(self, error: OSError) -> None:
        raise error

    def rule(self, rng: Random) -> None:
        """Other rules for two of the queues; their dead letters go to `classic`, unless it is refused just then."""

        def on_dead(reason: str, tail: bytes, properties: bytes, body: bytes, *_marks: bool) -> bool:
            taken = self.ending or rng.random() < 0.9
            if taken and rng.random() < 0.8:
                self.queues[b"classic"].publish(b"\0\0" + tail + b"\0", properties, body, died=True)
            return taken

        for name in (b"ruled", b"counting"):
            self.queues[name].configure(
                ttl=rng.choice((-1, -1, 0, 1, 60_000)),
                max_length=rng.choice((-1, 0, 1, 7, 1000)),
                max_bytes=rng.choice((-1, -1, 0, 500, 100_000)),
                overflow=rng.choice(("drop-head", "reject-publish", "reject-publish-dlx")),
                delivery_limit=rng.choice((-1, 0, 2)) if name == b"counting" else -1,
                on_dead=on_dead if rng.random() < 0.7 else None,
            )

    async def endure(self, rng: Random) -> None:
        self.rule(rng)
        server = Client()
        server.queues = {name: [queue] for name, queue in self.queues.items()}
        server.queues |= {b"both": list(self.queues.values()), b"by content": [self.queues[b"durable"]]}
        server.by_content = rng.random() < 0.1
        peer = Peer(self.kernel, server, greeting=b"")
        peer.connection.frame_max = rng.choice((0, 0, 4096, 100_000))
        octets = spoiled(rng, mixed(rng, conversation(rng)))
        at = 0
        while at < len(octets):
            size = rng.choice((1, 7, 100, 300, 300, 5000, 1 << 20))
            peer.feed(octets[at : at + size])
            at += size
            if rng.random() < 0.3:
                await peer.frames()
        await peer.frames()
        peer.connection.connection_lost(None)
        assert len(server.lost) == 1
        for queue in self.queues.values():
            assert (queue.unacked, queue.bytes_unacked, queue.consumers) == (0, 0, 0)
        if rng.random() < 0.1:
            self.empty()

    def empty(self) -> None:
        for queue in self.queues.values():
            assert queue.purge() >= 0
            assert (queue.ready, queue.bytes_ready) == (0, 0), queue.name
            if queue.name in {"classic", "durable"}:  # dead letters of the others may wait until they are taken
                assert queue.logged_bytes == 0, queue.name
                assert queue.memory <= 1 << 17, queue.name

    async def end(self, rng: Random) -> None:
        """What the log says is what the queue held; a spoiled log is refused or read, never believed."""
        self.ending = True
        await asyncio.sleep(1.5)  # dead letters that were refused are offered again, once in a second
        await self.journal.durable()
        left = self.queues[b"durable"]
        self.journal.close()
        octets = self.path.read_bytes()
        os.close(self.file)
        logged = restored(octets)
        assert logged <= left.ready, (logged, left.ready)
        for _ in range(50):
            spoiled_log = bytearray(octets)
            for _ in range(rng.randrange(1, 4)):
                spoiled_log[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)
            with contextlib.suppress(CorruptEntry):
                assert restored(bytes(spoiled_log)) >= 0


def restored(octets: bytes) -> int:
    kernel = Kernel(asyncio.get_running_loop(), journal=None)
    replay = Replay()
    replay.feed(memoryview(octets), 0, last=True)
    count = replay.restore(7, Queue(kernel, "again", stream=7))
    replay.close()
    return count


async def main(seed: int, count: int) -> None:
    rng = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for number in range(count):
            state = rng.getrandbits(64)
            try:
                await bench.endure(Random(state))
            except BaseException:
                print(f"input {number} of seed {seed}", file=sys.stderr)
                raise
        await bench.end(rng)
    counts = {name.decode(): (queue.published, queue.delivered, queue.acked) for name, queue in bench.queues.items()}
    print(f"{count} conversations endured; published, delivered, acknowledged: {counts}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
