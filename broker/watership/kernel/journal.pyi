"""The writer of the log: many appends, one write and one fdatasync, by a thread that does not hold the GIL."""

from asyncio import AbstractEventLoop, Future
from collections.abc import Callable

COMMAND: int  # entry kinds; the two of the metadata stream
SNAPSHOT: int
ENQUEUE: int  # and those of queue streams
SETTLE: int
RELOCATE: int
CLOSED: int
METADATA: int  # stream 1

class Journal:
    """A log sequence number (lsn) is a position in the log in bytes; what ends at or before `synced` is on disk."""

    appended: int  # read-only from here on
    synced: int
    commits: int
    failure: OSError | None
    stalled: bool  # waits for room on a full disk
    def __init__(
        self,
        loop: AbstractEventLoop,
        *,
        open_next: Callable[[int], int],
        on_failure: Callable[[OSError], None],
        on_full: Callable[[OSError | None], None] | None = None,
        start: int = 0,
        fsync: bool = True,
        file_size: int = 67108864,
    ) -> None:
        """open_next(lsn): the descriptor of the file whose first byte is lsn; asked at first and when one is full.

        on_full: the disk is full; what was appended waits, and is written as soon as there is room, which on_full(None)
        tells. Without it a full disk is a failure.
        on_failure: the log cannot be written any more; nothing further is confirmed, and the process must stop.
        """

    def append(self, stream: int, kind: int, payload: bytes, index: int = 0) -> int:
        """One cold entry. Returns the lsn that makes it durable."""

    def command(self, payload: bytes) -> int:
        """A metadata command: append(METADATA, COMMAND, payload)."""

    def snapshot(self, payload: bytes) -> int:
        """All of the metadata: recovery starts from the last one and the commands after it."""

    def durable(self, lsn: int | None = None) -> Future[None]:
        """Done once `lsn` (default: all appended so far) is on disk. Fails with OSError when the log failed."""

    def kick(self) -> None:
        """Hands what was appended to the writer if it is idle. The kernel does so at the end of each tick."""

    def close(self) -> None:
        """Writes and syncs the rest, then ends the thread. Blocks."""
