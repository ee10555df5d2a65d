"""A queue of keys and who works through it.

A key is worked on by one worker at a time, and waits in the queue at most once however often it is asked for:
level-triggered. Users' changes come before resyncs. A key that is not settled comes again, later each time, with
jitter; one that is settled comes with the resync, which is how drift is found.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .cache import Key

log = logging.getLogger("watership.engine")
Work = Callable[[Key], Awaitable[bool]]
CHANGE, RETRY, RESYNC = 0, 1, 2
FIRST_DELAY, LAST_DELAY = 1.0, 15.0  # seconds; the last one bounds how long a healed cause stays unseen


@dataclass
class Counters:
    """For /metrics."""

    passes: int = 0
    failures: int = 0
    seconds: float = 0.0


@dataclass
class Engine:
    """work(key) returns whether the key is settled. It may raise: that is logged and tried again."""

    work: Work
    workers: int = 8
    resync: float = 30.0
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self.queue: asyncio.PriorityQueue[tuple[int, int, Key]] = asyncio.PriorityQueue()
        self.order = itertools.count()
        self.waiting: dict[Key, int] = {}  # key to the priority it waits with
        self.busy: set[Key] = set()
        self.again: set[Key] = set()  # asked for while busy
        self.delays: dict[Key, float] = {}
        self.timers: dict[Key, asyncio.TimerHandle] = {}

    def enqueue(self, key: Key, priority: int = CHANGE) -> None:
        if key in self.busy:
            self.again.add(key)
        elif self.waiting.get(key, RESYNC + 1) > priority:
            self.waiting[key] = priority
            self.queue.put_nowait((priority, next(self.order), key))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self.serve())

    async def serve(self) -> None:
        while True:
            priority, _, key = await self.queue.get()
            if self.waiting.get(key) != priority:
                continue  # it came before with a higher priority
            del self.waiting[key]
            if key in self.busy:
                self.again.add(key)
                continue
            self.busy.add(key)
            settled = await self.attempt(key)
            self.busy.discard(key)
            self.schedule(key, settled=settled)
            if key in self.again:
                self.again.discard(key)
                self.enqueue(key)

    async def attempt(self, key: Key) -> bool:
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.counters.passes += 1
        try:
            return await self.work(key)
        except Exception as error:
            self.counters.failures += 1
            log.exception("%s: %s", key, error)
            return False
        finally:
            self.counters.seconds += loop.time() - started

    def schedule(self, key: Key, *, settled: bool) -> None:
        """When the key comes again by itself."""
        if key in self.timers:
            self.timers.pop(key).cancel()
        if settled:
            self.delays.pop(key, None)
            delay, priority = self.resync, RESYNC
        else:
            delay = self.delays.get(key, FIRST_DELAY / 2) * 2
            self.delays[key] = delay = min(delay, LAST_DELAY)
            priority = RETRY
        delay *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, protects nothing
        loop = asyncio.get_running_loop()
        self.timers[key] = loop.call_later(delay, self.enqueue, key, priority)

    def forget(self, key: Key) -> None:
        """The key has no members any more."""
        if key in self.timers:
            self.timers.pop(key).cancel()
        self.delays.pop(key, None)
