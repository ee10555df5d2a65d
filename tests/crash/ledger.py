"""What clients know about their messages, and what must therefore be in a queue after a crash.

A message is a name: who published it and its number there. A message whose fate a client does not know (published
without a confirm yet, acknowledged without proof that this is on disk) may be there or not; what a restart has shown is
known from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """One queue's. ordered: each publisher's messages stay in their order. moves: what is acknowledged here for sure
    may still be on its way to another queue, and may arrive there twice."""

    queue: str
    ordered: bool = True
    attempted: set[str] = field(default_factory=set)  # sent to the broker
    confirmed: set[str] = field(default_factory=set)  # it has said that they are on disk
    acked: set[str] = field(default_factory=set)  # acknowledged, or taken away in another manner
    settled: set[str] = field(default_factory=set)  # and that is on disk
    seen: set[str] = field(default_factory=set)  # a client was given them before
    problems: list[str] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)  # by publisher, of what came for the first time

    def deliver(self, name: str, *, redelivered: bool) -> None:
        """A client was given a message."""
        if name not in self.attempted:
            self.problems.append(f"{name} was invented")
        if name in self.settled:
            self.problems.append(f"{name} came again after its acknowledgement was safe")
        if name in self.seen and not redelivered:
            self.problems.append(f"{name} came again without the redelivered flag")
        publisher, number = origin(name)
        if name not in self.seen and self.ordered:
            if number < self.last.get(publisher, 0):
                self.problems.append(f"{name} came after {publisher} {self.last[publisher]}")
            self.last[publisher] = number
        self.seen.add(name)

    def recovered(self, found: list[str], *, elsewhere: Iterable[str] = ()) -> None:
        """All that is in the queue after a restart, in its order. elsewhere: what lies where messages of this queue
        may have gone. Notes what is wrong; afterwards what was found is what is known."""
        there = set(found)
        if self.ordered and len(there) < len(found):
            self.problems.append(f"{sorted(name for name in there if found.count(name) > 1)[:5]} are there twice")
        if lost := self.confirmed - self.acked - there - set(elsewhere):
            self.problems.append(f"{len(lost)} confirmed messages are lost, {min(lost, key=origin)} first")
        if invented := there - self.attempted:
            self.problems.append(f"{len(invented)} messages were invented or came back: {sorted(invented)[:5]}")
        if back := there & self.settled:
            self.problems.append(f"{len(back)} messages came back that were acknowledged: {sorted(back)[:5]}")
        if self.ordered:
            for publisher in {origin(name)[0] for name in there}:
                numbers = [number for who, number in map(origin, found) if who == publisher]
                if numbers != sorted(numbers):
                    self.problems.append(f"the messages of {publisher} have changed their order")
        self.attempted, self.confirmed = set(there), set(there)
        self.acked, self.settled, self.seen, self.last = set(), set(), self.seen & there, {}


def origin(name: str) -> tuple[str, int]:
    publisher, number = name.split()
    return publisher, int(number)
