"""Crash, recover, check, again and again on one data directory. By hand:

    nice .venv/bin/python -m tests.crash.cycles --first 0 --lives 200

A life is ten cycles; its seed decides everything but the speed of the threads. A life that fails keeps its folder.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random

import pika
from pika.adapters.blocking_connection import BlockingChannel
from tests.broker.process import NotStarted
from tests.crash.faults import (
    ALLOCATE,
    FDATASYNC,
    FSYNC,
    FULL,
    KILL,
    RENAME,
    TEAR,
    TRUNCATE,
    UNLINK,
    WRITE,
    Faults,
)
from tests.crash.ledger import Ledger
from tests.crash.load import (
    CLASSIC,
    DEAD,
    MARKS,
    PLAIN,
    QUEUES,
    QUORUM,
    SOURCE,
    Client,
    Consumer,
    Publisher,
    Rejecter,
    TransactionalConsumer,
    TransactionalPublisher,
    declare,
)
from tests.crash.nursery import ForkedBroker, nursery
from tests.crash.power import lose_power

CYCLES = 10
# How a cycle may end: the call at which it does, what happens there, and up to how many such calls go well before.
ENDS: dict[str, tuple[int, int, int]] = {
    "at any time": (0, 0, 0),
    "between write and sync": (FDATASYNC, KILL, 150),
    "in the middle of a write": (WRITE, TEAR, 150),
    "while a file is taken again": (RENAME, KILL, 6),
    "while a file is made": (ALLOCATE, KILL, 4),
    "while a file is given up": (UNLINK, KILL, 2),
    "while a name is made durable": (FSYNC, KILL, 8),
    "after the disk was full": (WRITE, FULL, 50),
    "while the log waits for a file": (ALLOCATE, FULL, 2),
}
IN_RECOVERY = (FDATASYNC, FSYNC, RENAME, UNLINK, ALLOCATE, TRUNCATE)


class Life:
    """A data directory and what clients know about it."""

    def __init__(self, folder: Path, faults: Faults, context: ForkServerContext, seed: int) -> None:
        self.folder, self.faults, self.seed = folder, faults, seed
        self.rng = Random(seed)
        size = self.rng.choice((1 << 16, 1 << 17, 1 << 20))
        pages = "vm_memory_high_watermark_paging_ratio = 0\n" if seed % 2 else ""  # backlogs go to pages, or never do
        self.configuration = f"raft.wal_max_size_bytes = {size}\n{pages}"
        self.context = context
        self.broker = ForkedBroker(folder, self.configuration, context)
        self.ledgers = {name: Ledger(name, ordered=name != DEAD) for name in QUEUES if name != MARKS}
        self.numbers: dict[str, int] = {}  # the next of each publisher
        self.ends: Counter[str] = Counter()
        self.messages = 0

    def live(self, cycles: int = CYCLES) -> None:
        try:
            for _ in range(cycles):
                self.cycle()
            self.start()
            self.check()
        finally:
            self.faults.order(0, 0, 0)
            if self.broker.forked is not None:
                self.broker.end()

    def cycle(self) -> None:
        self.start()
        self.check()
        clients = self.clients()
        end = self.rng.choice(list(ENDS))
        self.ends[end] += 1
        call, deed, most = ENDS[end]
        if call:
            self.faults.order(call, deed, self.rng.randint(1, most))
        for client in clients:
            client.start()
        died = self.broker.died_within(1.0 if deed in (KILL, TEAR) else self.rng.uniform(0.05, 0.6))
        if deed == FULL and self.rng.random() < 0.7:
            self.faults.order(0, 0, 0)  # there is room again
            assert not self.broker.died_within(self.rng.uniform(0.0, 0.6)), self.broker.said()
        self.broker.end()
        self.faults.order(0, 0, 0)
        for client in clients:
            client.join(20)
            assert not client.is_alive(), f"{client.name} does not end"
            if client.trouble:
                raise client.trouble
            self.numbers[client.name] = client.number
        last = max((self.folder / "data").glob("*.wal"))
        if died and call == FDATASYNC and last.stat().st_ino == self.faults.inode:
            self.lose_power(last)

    def lose_power(self, path: Path) -> None:
        """The log's last file was not synced. What was there is kept beside it until the next time."""
        before = self.folder / "before"
        shutil.rmtree(before, ignore_errors=True)
        shutil.copytree(path.parent, before, ignore=shutil.ignore_patterns("control"))
        lose_power(path, self.rng)

    def start(self) -> None:
        """Recovery may be killed as well, several times."""
        while self.rng.random() < 0.25:
            self.ends["in recovery"] += 1
            if self.rng.random() < 0.5:
                self.faults.order(self.rng.choice(IN_RECOVERY), KILL, self.rng.randint(1, 3))
            with contextlib.suppress(NotStarted):
                self.broker.start(killed_after=self.rng.uniform(0.02, 0.3))
            self.broker.end()
            self.faults.order(0, 0, 0)
        try:
            self.broker.start()
        except NotStarted as error:
            if "the port is taken" not in str(error):
                raise
            self.broker.end()  # somebody else took it between two starts
            self.broker = ForkedBroker(self.folder, self.configuration, self.context)
            self.broker.start()

    def clients(self, share: float = 0.8) -> list[Client]:
        """Not all of them in each cycle, but about this share."""
        k = self.ledgers
        kinds: list[tuple[type[Client], str, list[Ledger]]] = [
            (Publisher, "fan", [k[CLASSIC], k[QUORUM]]),
            (Publisher, "one", [k[PLAIN]]),
            (Publisher, "doomed", [k[SOURCE]]),
            (TransactionalPublisher, "transactional", [k[PLAIN]]),
            (Consumer, "classic-consumer", [k[CLASSIC]]),
            (Consumer, "quorum-consumer", [k[QUORUM]]),
            (TransactionalConsumer, "plain-consumer", [k[PLAIN]]),
            (Rejecter, "rejecter", [k[SOURCE], k[DEAD]]),
        ]
        return [
            kind(self.connect, self.rng, name, ledgers, self.numbers.get(name, 1))
            for kind, name, ledgers in kinds
            if self.rng.random() < share
        ]

    def connect(self) -> pika.BlockingConnection:
        """For a thread, which closes it itself."""
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.broker.port, heartbeat=0))

    def check(self) -> None:
        """Takes everything out of the queues and compares; all of it goes back, but for what is acknowledged now."""
        connection = self.broker.connect()
        declare(connection.channel())
        k = self.ledgers
        taken = {name: self.take(connection.channel(), ledger) for name, ledger in k.items()}
        k[DEAD].confirmed |= k[DEAD].attempted & k[SOURCE].confirmed
        for name, ledger in k.items():
            other = {SOURCE: DEAD, DEAD: SOURCE}.get(name)
            ledger.recovered(taken[name][1], elsewhere=taken[other][1] if other else ())
        problems = [f"{ledger.queue}: {problem}" for ledger in k.values() for problem in ledger.problems]
        assert not problems, f"seed {self.seed}, after {dict(self.ends)}:\n" + "\n".join(problems)
        for name, (channel, found) in taken.items():
            self.messages += len(found)
            if found and (len(found) > 1000 or self.rng.random() < 0.2):
                count = self.rng.randint(1, len(found))
                channel.basic_ack(count, multiple=True)
                k[name].acked.update(found[:count])
                channel.tx_commit()
                k[name].settled.update(found[:count])
        connection.close()

    def take(self, channel: BlockingChannel, ledger: Ledger) -> tuple[BlockingChannel, list[str]]:
        """All of a queue, in its order, unacknowledged on the channel, which is transactional."""
        found: list[str] = []
        count = channel.queue_declare(ledger.queue, passive=True).method.message_count
        channel.tx_select()
        if count:
            for method, _, body in channel.consume(ledger.queue, inactivity_timeout=20):
                assert method is not None, f"{ledger.queue} gives {len(found)} messages of {count}"
                found.append(name := body.decode().strip())
                if name in ledger.seen and not method.redelivered:
                    ledger.problems.append(f"{name} lacks the redelivered flag after the restart")
                if len(found) == count:
                    break
        ledger.seen.update(found)
        return channel, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--first", type=int, default=0, help="seed of the first life")
    parser.add_argument("--lives", type=int, default=200, help=f"of {CYCLES} cycles each")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    faults = Faults(folder)
    with nursery(faults) as context:
        return live(folder, faults, context, range(options.first, options.first + options.lives))


def live(folder: Path, faults: Faults, context: ForkServerContext, seeds: range) -> int:
    ends, failed, messages, began = Counter[str](), [], 0, time.monotonic()
    for seed in seeds:
        home = folder / f"life-{seed}"
        home.mkdir()
        life = Life(home, faults, context, seed)
        try:
            life.live()
        except Exception as error:
            failed.append(seed)
            print(f"seed {seed} FAILED, see {home}", "".join(traceback.format_exception(error)), sep="\n", flush=True)
        else:
            shutil.rmtree(home)
        ends.update(life.ends)
        messages += life.messages
        print(
            f"seed {seed}: {sum(ends.values())} ends, {messages} messages, {time.monotonic() - began:.0f} s", flush=True
        )
    print(f"seeds {seeds}, {len(seeds) * CYCLES} cycles, failed: {failed}; ends: {dict(ends)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
