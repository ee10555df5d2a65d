"""How an object's counters went over time, as the management API's `_details` tell it (rabbit_mgmt_stats).

A history keeps a sample only when something changed since the one before, so that what is idle costs next to nothing.
Times are seconds since 1970. Two ages are kept, as RabbitMQ's basic retention has it: ten minutes in full, an hour
by the minute.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RETENTION = ((605.0, 0.0), (3660.0, 60.0))  # seconds kept, and at least this far apart
MOST_SAMPLES = 1000  # of one answer
Sample = tuple[float, tuple[int, ...]]


@dataclass(frozen=True)
class Span:
    """What a query asks for: samples from `age` seconds ago until now, `step` seconds apart."""

    age: int
    step: int

    def times(self, now: float) -> list[float]:
        """Newest first."""
        return [now - at * self.step for at in range(min(self.age // self.step + 1, MOST_SAMPLES))]


class History:
    """Of one object; its numbers always come in the same order."""

    __slots__ = ("rings",)

    def __init__(self) -> None:
        self.rings: tuple[deque[Sample], ...] = tuple(deque() for _ in RETENTION)

    def add(self, now: float, values: tuple[int, ...]) -> None:
        for ring, (age, apart) in zip(self.rings, RETENTION, strict=True):
            if not ring or (ring[-1][1] != values and now - ring[-1][0] >= apart):
                ring.append((now, values))
            while len(ring) > 1 and ring[1][0] <= now - age:
                ring.popleft()

    def rates(self, now: float, before: float) -> list[float]:
        """Per second between the last two times that samples were taken at; [] when nothing moved."""
        ring = self.rings[0]
        if len(ring) < 2 or ring[-1][0] <= before or now <= before:
            return []
        return [(new - old) / (now - before) for new, old in zip(ring[-1][1], ring[-2][1], strict=True)]

    def known(self, times: Sequence[float]) -> list[Sample]:
        """What the numbers were at these times, as far back as anything is known. times: newest first."""
        ring = self.rings[0]
        if times and ring and times[-1] < ring[0][0]:
            ring = self.rings[1] if self.rings[1] and self.rings[1][0][0] < ring[0][0] else ring
        taken = [at for at, _ in ring]
        found = ((at, bisect_right(taken, at) - 1) for at in times)
        return [(at, ring[place][1]) for at, place in found if place >= 0]


def details(
    history: History, names: Sequence[str], *, now: float, before: float, spans: Mapping[str, Span]
) -> dict[str, object]:
    """`NAME_details` of each number. now, before: the last two times that samples were taken at. spans: of the numbers
    whose samples are asked for."""
    rates = history.rates(now, before) or [0.0] * len(names)
    made: dict[str, object] = {}
    for at, (name, rate) in enumerate(zip(names, rates, strict=True)):
        span = spans.get(name)
        made[f"{name}_details"] = {"rate": rate, **(series(history.known(span.times(now)), at) if span else {})}
    return made


def series(known: Sequence[Sample], at: int) -> dict[str, object]:
    """One of the numbers at several times, newest first."""
    values = [numbers[at] for _, numbers in known]
    length = known[0][0] - known[-1][0] if known else 0
    return {
        "samples": [{"sample": v, "timestamp": int(t * 1000)} for (t, _), v in zip(known, values, strict=True)],
        "avg_rate": (values[0] - values[-1]) / length if length else 0.0,
        "avg": sum(values) / len(values) if values else 0.0,
    }
