"""Reads the log again at the start: metadata to Python, messages straight into queues."""

from .pager import Pages
from .queue import Queue

class Replay:
    """`feed` it every file in order, then `restore` each durable queue, then `close`."""

    snapshot: bytes | None  # the last one, and the commands after it
    commands: list[bytes]
    snapshot_lsn: int  # where it lies; 0: there is none
    end: int  # the lsn where the intact log ends
    streams: set[int]  # queue streams with messages left

    def __init__(self, pages: Pages | None = None) -> None:
        """pages: where the messages lie that the log says are in pages; needed to restore and count those."""

    def feed(self, data: memoryview, base: int, *, last: bool) -> int:
        """One file whose first byte is lsn `base`; it must stay as it is until `close`.

        Returns the offset at which intact entries end. With last=True raises CorruptEntry when there are intact ones of
        a later commit behind that: then this is no torn end but damage.
        """

    def counts(self) -> dict[int, tuple[int, int]]:
        """Messages alive and their octets, by stream."""

    def damaged_pages(self) -> list[tuple[OSError, int, tuple[tuple[int, int], ...]]]:
        """Pages that are needed and cannot be read: why, how many messages were in it, and the (lsn, length) of every
        entry that tells of it. Instead of `counts` and `restore`, not before them."""

    def restore(self, stream: int, queue: Queue) -> int:
        """Puts what is left of the stream into the (empty) queue, in order, marked redelivered. Returns how many."""

    def close(self) -> None:
        """Lets go of the data. Streams that nobody restored are forgotten."""

def next_intact(data: memoryview, base: int, after: int) -> int:
    """Offset of the first intact entry behind `after` in a file whose first byte is lsn `base`; 0: there is none."""

def void(lsn: int, length: int) -> bytes:
    """An entry of `length` octets (40 to 2**32 - 1) that says nothing: it stands where damage was."""
