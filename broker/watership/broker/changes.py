"""What has changed, one after the other, for those who watch.

All watchers read one ring of the latest changes, each from a place of its own: a watcher that is slow costs no memory
and is told that it has missed something. A place is "RUN-NUMBER": the run of the broker, and how many changes there
were before. Changes are told when they are made, which may be a moment before they are durable; a crash between the
two is another run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from watership.model import commands as c

KEPT = 10_000  # changes


@dataclass(frozen=True)
class ConnectionOpened:
    name: str
    user: str
    vhost: str
    peer_host: str
    peer_port: int
    user_provided_name: str


@dataclass(frozen=True)
class ConnectionClosed:
    name: str
    user: str
    vhost: str


@dataclass(frozen=True)
class AlarmsChanged:
    """resources: those that are short from now on."""

    resources: tuple[str, ...]


What = c.Command | ConnectionOpened | ConnectionClosed | AlarmsChanged


@dataclass(frozen=True)
class Change:
    """number: how many came before it. at: seconds since 1970. new: a put of what was not there."""

    number: int
    at: float
    what: What
    new: bool


class Changes:
    """now: the wall clock. run: what tells this run of the broker from others."""

    def __init__(self, now: Callable[[], float], run: str, kept: int = KEPT) -> None:
        self.now = now
        self.run = run
        self.ring: deque[Change] = deque(maxlen=kept)
        self.next = 0
        self.waiting: set[asyncio.Future[None]] = set()

    def add(self, what: What, *, new: bool = True) -> None:
        self.ring.append(Change(self.next, self.now(), what, new))
        self.next += 1
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_result(None)
        self.waiting.clear()

    @property
    def revision(self) -> str:
        """The place after all that has happened."""
        return self.place(self.next)

    def place(self, number: int) -> str:
        return f"{self.run}-{number}"

    def number(self, revision: str) -> int | None:
        """Where a watcher goes on that has seen all until `revision`. None: something after it is forgotten, or it is
        of another run."""
        run, _, digits = revision.rpartition("-")
        if run != self.run or not digits.isdecimal() or int(digits) > self.next:
            return None
        return int(digits) if self.knows(int(digits)) else None

    def knows(self, number: int) -> bool:
        """Whether every change from this one on is still there."""
        return number >= (self.ring[0].number if self.ring else self.next)

    def since(self, number: int, most: int) -> list[Change]:
        """Up to `most` changes from this one on, which must be known."""
        behind = self.next - number
        return [self.ring[-at] for at in range(behind, max(behind - most, 0), -1)]

    async def wait(self, number: int, seconds: float) -> bool:
        """Returns when there is a change with this number; False when there was none for so long."""
        while self.next <= number:
            waiter = asyncio.get_running_loop().create_future()
            self.waiting.add(waiter)
            try:
                async with asyncio.timeout(seconds):
                    await waiter
            except TimeoutError:
                return False
            finally:
                self.waiting.discard(waiter)
        return True
