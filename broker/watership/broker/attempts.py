"""Logins that were tried: counted by protocol and by peer, and slowed down where they keep failing.

Whoever has failed `failures` times as one user from one address within `seconds` is refused without a look at the
password until some of those failures are older. What is refused so does not count as a failure: the right password
gets in again at a time that nobody can push away. Another address is not held up.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

MOST = 10_000  # peers, and pairs of peer and user, that are remembered


@dataclass
class Tally:
    succeeded: int = 0
    failed: int = 0


class Attempts:
    def __init__(self, *, failures: int, seconds: float) -> None:
        self.failures = failures
        self.seconds = seconds
        self.by_protocol: dict[str, Tally] = {}
        self.by_source: OrderedDict[tuple[str, str, str], Tally] = OrderedDict()  # protocol, address, user
        self.failing: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()  # address, user

    def must_wait(self, source: str, user: str, now: float) -> bool:
        """now: seconds of a clock that only moves forward."""
        times = self.failing.get((source, user))
        while times and times[0] <= now - self.seconds:
            times.popleft()
        return times is not None and len(times) >= self.failures

    def note(self, protocol: str, source: str, user: str, *, right: bool, now: float) -> None:
        """One login whose password was looked at."""
        by_source = self.by_source.setdefault((protocol, source, user), Tally())
        for tally in (self.by_protocol.setdefault(protocol, Tally()), by_source):
            tally.succeeded += right
            tally.failed += not right
        if right:
            self.failing.pop((source, user), None)
        elif self.seconds:
            self.failing.setdefault((source, user), deque(maxlen=self.failures)).append(now)
        for table in (self.by_source, self.failing):
            while len(table) > MOST:
                table.popitem(last=False)

    def reset(self) -> None:
        self.by_protocol.clear()
        self.reset_sources()

    def reset_sources(self) -> None:
        self.by_source.clear()
