"""The messages of one queue and the rules they live by: time, room, priority, how often they come back."""

from collections.abc import Callable

from .tick import Kernel

OnDead = Callable[[str, bytes, bytes, bytes, bool, bool], bool]

class Queue:
    name: str
    stream: int  # of the log; 0: nothing of this queue is logged
    closed: bool
    ready: int  # read-only from here on
    unacked: int
    bytes_ready: int  # of bodies
    bytes_unacked: int
    memory: int  # bytes of segments
    consumers: int
    # messages since the start
    published: int
    delivered: int  # to consumers that acknowledge
    delivered_no_ack: int
    got: int  # by basic.get, to be acknowledged
    got_no_ack: int
    got_empty: int
    acked: int
    redelivered: int
    expired: int
    dropped: int  # from the head of a queue that was full
    refused: int  # because it was full
    ttl: int  # the rules, as `configure` has them
    max_length: int
    max_bytes: int
    overflow: str
    delivery_limit: int
    single: bool
    gate: (
        Callable[[bytes], bool] | None
    )  # asked with the properties of each new message; False: it is silently left out
    @property
    def oldest(self) -> int | None:
        """The log position below which nothing of this queue is needed any more; None: it needs nothing."""

    @property
    def logged_bytes(self) -> int:
        """About how many bytes of the log the live messages take."""

    def __init__(
        self,
        kernel: Kernel,
        name: str,
        *,
        stream: int = 0,
        priorities: int = 0,
        counting: bool = False,
        single: bool = False,
    ) -> None:
        """priorities: the highest, 0: all are alike. counting: how often a message was returned is counted, and shown
        to consumers as x-delivery-count; with priorities=1 two levels are served 2 to 1. single: only the first
        consumer is given messages.
        """

    def configure(
        self,
        *,
        ttl: int = -1,
        max_length: int = -1,
        max_bytes: int = -1,
        overflow: str = "drop-head",
        delivery_limit: int = -1,
        on_dead: OnDead | None = None,
    ) -> None:
        """The rules from now on, -1: none. ttl: milliseconds, for messages that arrive from now on. overflow: as
        x-overflow.

        on_dead(reason, exchange and routing key as two short strings, properties, body, died, redelivered) is asked to
        take a message that was rejected, expired, dropped, or returned too often; died: its x-death header is the
        broker's own. While it says False the message is kept and offered again.
        """

    def publish(
        self,
        publish: bytes,
        properties: bytes,
        body: bytes,
        *,
        died: bool = False,
        redelivered: bool = False,
        delay: int = 0,
    ) -> bool:
        """One cold message (management API, dead letters), logged when persistent. `publish` as in `Handler`. False:
        the queue is full and refuses it. died: the x-death header in it is the broker's. redelivered: consumers see
        that flag."""

    def copy_to(self, other: Queue) -> None:
        """Publishes what is ready here to the other queue as well, and keeps it (for a queue without consumers)."""

    def purge(self) -> int:
        """Drops what is ready. Returns how many."""

    def relocate(self, before: int) -> int:
        """Appends again to the log what lies in it before `before` and is alive, or the first part of it (some 32 MiB a
        priority), for a later call to go on. Returns how many."""

    def close(self) -> None:
        """The queue is deleted: drops what is ready, logs the end of the stream.

        Unacknowledged messages go when they are settled. Consumers are the caller's: cancel them first.
        """
