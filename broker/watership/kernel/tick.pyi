"""What one event loop shares: the receive buffer, what became dirty in this tick, the journal."""

from asyncio import AbstractEventLoop
from collections.abc import Callable

from .journal import Journal

class Kernel:
    journal: Journal | None
    epoch: int
    frame_max: int  # the largest frame, in bytes with its 8 of framing, that any connection may negotiate
    max_message_size: int  # bytes of body; more is 406
    memory: int  # bytes of segments allocated for all queues
    memory_limit: int  # 0: none
    on_memory: (
        Callable[[bool], None] | None
    )  # True when `memory` rose above memory_limit, False when it fell below again
    alarmed: bool  # connections that publish are told through Handler.on_alarmed
    dead_letters: dict[str, int]  # taken by their handler since the start, by reason
    # totals since the start
    published: int
    received_confirm: int  # of those, on channels that confirm
    size_sum: int  # octets of their bodies
    message_sizes: list[int]  # how many had up to 100, 1k, 10k, 100k, 1M, 10M, 50M, 100M octets, and more
    confirmed: int
    routed: int
    dropped: int  # unroutable, not mandatory
    returned: int  # unroutable, mandatory
    def __init__(
        self,
        loop: AbstractEventLoop,
        *,
        journal: Journal | None = None,
        frame_max: int = 131072,
        max_message_size: int = 16777216,
    ) -> None: ...
    def give_back(self) -> None:
        """Returns to the system what was freed and kept at hand."""

    def invalidate(self) -> None:
        """Forgets every cached route: call on each change of exchanges, bindings, queues or permissions."""

    def end_tick(self) -> None:
        """Log to the writer, queues to consumers, one write per connection. Schedules itself; call it only in tests."""
