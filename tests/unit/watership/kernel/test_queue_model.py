"""A queue of the kernel against a small model: whatever is published, taken, settled, returned, expired,
dropped, purged, in any order.

The model is what AMQP says and nothing more: messages in the order of priority and arrival, each ready, unacknowledged,
dead or gone.
"""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.watership.kernel.peer import Server, Transport

from watership.kernel import Channel, Connection, Kernel, Queue
from watership.wire.amqp091 import properties

PUBLISH = b"\0\0\0\1q\0"


class QueueAgainstModel(RuleBasedStateMachine):
    @initialize(
        priorities=st.sampled_from([0, 0, 3]),
        limit=st.sampled_from([-1, -1, 2, 5]),
        octets=st.sampled_from([-1, -1, 0, 4, 7]),
        overflow=st.sampled_from(["drop-head", "reject-publish", "reject-publish-dlx"]),
        dead_letters=st.booleans(),
        returns=st.sampled_from([-1, -1, 1]),
    )
    def declare(
        self, priorities: int, limit: int, octets: int, overflow: str, dead_letters: bool, returns: int
    ) -> None:
        self.loop = asyncio.new_event_loop()
        self.kernel = Kernel(self.loop)
        server = Server()
        self.transport = Transport()
        connection = Connection(self.kernel, server)
        connection.connection_made(self.transport)
        connection.opened = True
        self.channel = Channel(connection, 1)
        self.queue = Queue(self.kernel, "q", priorities=priorities, counting=returns >= 0 and not priorities)
        self.priorities, self.limit, self.octets, self.overflow = priorities, limit, octets, overflow
        self.returns = returns if not priorities else -1
        self.dead: list[tuple[str, bytes]] = []
        self.queue.configure(
            max_length=limit,
            max_bytes=octets,
            overflow=overflow,
            delivery_limit=self.returns,
            on_dead=self.take_dead if dead_letters else None,
        )
        self.expected_dead: list[tuple[str, bytes]] = []
        self.dead_letters = dead_letters
        self.count = 0
        self.ready: list[tuple[int, int]] = []  # (-priority, number): the queue's order
        self.mortal: set[int] = set()  # numbers of those that live for 0 ms
        self.unacked: dict[int, tuple[int, int]] = {}  # by delivery tag
        self.came_back: dict[int, int] = {}
        self.tags = 0

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()

    def take_dead(self, reason: str, tail: bytes, props: bytes, body: bytes, *marks: bool) -> bool:
        assert tail == PUBLISH[2:-1] + b"" or tail == b"\0\1q"
        self.dead.append((reason, body))
        return True

    def bury(self, reason: str, message: tuple[int, int]) -> None:
        if self.dead_letters:
            self.expected_dead.append((reason, b"%d" % message[1]))

    def over(self, *more: tuple[int, int]) -> bool:
        """Whether the queue is over its limits, with some more messages in it."""
        held = [*self.ready, *more]
        return 0 <= self.limit < len(held) or 0 <= self.octets < sum(len(b"%d" % number) for _, number in held)

    def expire(self) -> None:
        """Only the first of each priority, as often as that changes something."""
        for priority in sorted({p for p, _ in self.ready}):
            for message in [m for m in self.ready if m[0] == priority]:
                if message[1] not in self.mortal:
                    break
                self.ready.remove(message)
                self.bury("expired", message)

    def after(self) -> None:
        """The queue's clock rings at the end of every rule, so nothing that is too old is ever at a head."""
        self.queue.ring()
        self.expire()

    def trim(self) -> None:
        if self.overflow == "drop-head" and self.over():
            self.expire()
        while self.overflow == "drop-head" and self.over():
            self.bury("maxlen", self.ready.pop(0))

    @rule(priority=st.integers(0, 5), mortal=st.booleans())
    def publish(self, priority: int, mortal: bool) -> None:
        self.count += 1
        wanted = {"priority": priority} | ({"expiration": "0"} if mortal else {})
        taken = self.queue.publish(PUBLISH, properties.encode(wanted), b"%d" % self.count)
        message = (-min(priority, self.priorities), self.count)
        refused = self.overflow != "drop-head" and self.over(message)
        assert taken is not refused
        if refused and self.overflow == "reject-publish-dlx":
            self.bury("maxlen", message)
        if not refused:
            self.ready = sorted([*self.ready, message])
            if mortal:
                self.mortal.add(self.count)
            self.trim()
        self.after()

    @rule(no_ack=st.booleans())
    def get(self, no_ack: bool) -> None:
        self.transport.out = b""
        assert self.channel.get(self.queue, no_ack=no_ack) is bool(self.ready)
        if not self.ready:
            return
        message = self.ready.pop(0)
        self.kernel.end_tick()
        assert b"\x03\0\1" + len(b"%d" % message[1]).to_bytes(4, "big") + b"%d" % message[1] + b"\xce" in bytes(
            self.transport.out
        )
        self.tags += 1
        if not no_ack:
            self.unacked[self.tags] = message
        self.after()

    @precondition(lambda self: self.unacked)
    @rule(data=st.data(), what=st.sampled_from(["ack", "reject", "requeue"]), multiple=st.booleans())
    def settle(self, data: st.DataObject, what: str, multiple: bool) -> None:
        tag = data.draw(st.sampled_from(sorted(self.unacked)))
        self.channel.settle(tag, multiple=multiple, ack=what == "ack", requeue=what == "requeue")
        for one in [t for t in sorted(self.unacked) if t == tag or (multiple and t < tag)]:
            message = self.unacked.pop(one)
            if what == "reject":
                self.bury("rejected", message)
            elif what == "requeue":
                self.give_back(message)
        self.after()

    def give_back(self, message: tuple[int, int]) -> None:
        self.came_back[message[1]] = self.came_back.get(message[1], 0) + 1
        if 0 <= self.returns < self.came_back[message[1]]:
            self.bury("delivery_limit", message)
            return
        self.ready = sorted([*self.ready, message])
        self.trim()

    @rule()
    def recover(self) -> None:
        assert self.channel.recover() == len(self.unacked)
        for tag in sorted(self.unacked):
            self.give_back(self.unacked.pop(tag))
        self.after()

    @rule()
    def purge(self) -> None:
        assert self.queue.purge() == len(self.ready)
        self.ready = []

    @rule()
    def tick(self) -> None:
        self.kernel.end_tick()
        assert self.dead == self.expected_dead

    @invariant()
    def counts_agree(self) -> None:
        if hasattr(self, "queue"):
            assert (self.queue.ready, self.queue.unacked) == (len(self.ready), len(self.unacked))
            assert self.queue.bytes_ready == sum(len(str(n)) for _, n in self.ready)


TestQueueAgainstModel = QueueAgainstModel.TestCase
TestQueueAgainstModel.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
