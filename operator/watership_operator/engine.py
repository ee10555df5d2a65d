"""A queue of keys and who works through it.

A key is worked on by one worker at a time, and waits in the queue at most once however often it is asked for:
level-triggered. Users' changes come before resyncs. A key that is not settled comes again, later each time, with
jitter; one that is settled comes with the resync, which is how drift is found. No key takes more than a tenth of the
time by coming again on its own, however long its passes are.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum

from .cache import Key
from .metrics import Metrics

log = logging.getLogger("watership.engine")
CHANGE, RETRY, RESYNC = 0, 1, 2
PRIORITIES = {CHANGE: "change", RETRY: "retry", RESYNC: "resync"}
FIRST_DELAY = 1.0  # seconds
SHARE = 10  # a key rests for this many times its last pass before it comes again by itself


class Standing(Enum):
    """How a key stands after a pass. The value: the longest wait until the next look, in seconds; it bounds how long
    a healed cause stays unseen. None: until the resync."""

    SETTLED = None
    FAILING = 15.0  # something is refused, missing or not ready yet
    UNFINISHED = 0.0  # the next pass goes on at once
    AWAY = 3.0  # the broker does not answer; asking again costs next to nothing


Work = Callable[[Key], Awaitable[Standing]]


@dataclass
class Engine:
    """work(key) returns how the key stands. It may raise: that is logged and tried again."""

    work: Work
    workers: int = 8
    resync: float = 30.0
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.queue: asyncio.PriorityQueue[tuple[int, int, Key]] = asyncio.PriorityQueue()
        self.order = itertools.count()
        self.waiting: dict[Key, int] = {}  # key to the priority it waits with
        self.busy: dict[Key, float] = {}  # since when, by the loop's clock
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
            loop = asyncio.get_running_loop()
            self.busy[key] = loop.time()
            standing = await self.attempt(key)
            self.schedule(key, standing, took=loop.time() - self.busy.pop(key))
            if key in self.again:
                self.again.discard(key)
                self.enqueue(key)

    async def attempt(self, key: Key) -> Standing:
        with self.metrics.passes.labels(key.work).time():
            try:
                return await self.work(key)
            except Exception as error:
                self.metrics.failed(error)
                log.exception("%s: %s", key, error)
                return Standing.FAILING

    def schedule(self, key: Key, standing: Standing, *, took: float) -> None:
        """When the key comes again by itself. took: seconds of the pass."""
        if key in self.timers:
            self.timers.pop(key).cancel()
        if standing is Standing.UNFINISHED:
            self.enqueue(key, RETRY)
            return
        if standing.value is None:
            self.delays.pop(key, None)
            delay, priority = self.resync, RESYNC
        else:
            delay = self.delays.get(key, FIRST_DELAY / 2) * 2
            self.delays[key] = delay = min(delay, standing.value)
            priority = RETRY
        delay = max(delay, SHARE * took) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, protects nothing
        loop = asyncio.get_running_loop()
        self.timers[key] = loop.call_later(delay, self.enqueue, key, priority)

    def longest_pass(self) -> float:
        """For how many seconds the oldest pass that is under way has been so."""
        now = asyncio.get_running_loop().time()
        return max((now - since for since in self.busy.values()), default=0.0)

    def forget(self, key: Key) -> None:
        """The key has no members any more."""
        if key in self.timers:
            self.timers.pop(key).cancel()
        self.delays.pop(key, None)
