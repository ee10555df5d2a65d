"""The messages of one queue: records in segments of up to 1 MiB, read in order, returned to their place."""

from .tick import Kernel

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
    @property
    def oldest(self) -> int | None:
        """The log position below which nothing of this queue is needed any more; None: it needs nothing."""

    @property
    def logged_bytes(self) -> int:
        """About how many bytes of the log the live messages take."""

    def __init__(self, kernel: Kernel, name: str, *, stream: int = 0) -> None: ...
    def publish(self, publish: bytes, properties: bytes, body: bytes) -> None:
        """One cold message (management API, dead letters), logged when persistent. `publish` as in `Handler`."""

    def purge(self) -> int:
        """Drops what is ready. Returns how many."""

    def relocate(self, before: int) -> int:
        """Appends again to the log what lies in it before `before` and is alive. Returns how many."""

    def close(self) -> None:
        """The queue is deleted: drops what is ready, logs the end of the stream.

        Unacknowledged messages go when they are settled. Consumers are the caller's: cancel them first.
        """
