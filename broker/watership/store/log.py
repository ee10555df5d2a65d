"""The files of the log: which exist, where each begins, and when one can be given up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Reader(Protocol):
    """What recovery feeds the files to: `kernel.Replay`."""

    end: int

    def feed(self, data: memoryview, base: int, *, last: bool) -> int: ...


class Source(Protocol):
    """One stream's owner: `kernel.Queue`."""

    @property
    def oldest(self) -> int | None: ...
    @property
    def logged_bytes(self) -> int: ...
    def relocate(self, before: int) -> int: ...


class Writer(Protocol):
    """Who appends to the log: `kernel.Journal`."""

    @property
    def appended(self) -> int: ...
    @property
    def synced(self) -> int: ...
    def snapshot(self, payload: bytes) -> int: ...


class Log:
    """A locked data directory. In order: Log(), recover(), run(), then attach and detach as queues come and go; close().

    log = Log(data)                                   # DirectoryInUse, NewerFormat
    replay = Replay()
    log.recover(replay)                               # RecoveryError
    journal = Journal(loop, start=log.end, open_next=log.open_next, on_failure=...)
    kernel = Kernel(loop, journal=journal)
    ... apply replay.snapshot and replay.commands; make queues; replay.restore(stream, queue); log.attach(stream, queue)
    replay.close()
    log.run(journal, snapshot=metadata.encode)        # before the first append
    """

    end: int  # the lsn at which the next entry goes

    def __init__(self, directory: Path, *, file_size: int = 1 << 26, slack: int = 1 << 28) -> None:
        """file_size: bytes of one file. slack: bytes the log may take beyond twice what is alive."""
        raise RuntimeError("being built")

    def recover(self, reader: Reader) -> None: ...

    def open_next(self, lsn: int) -> int: ...

    def run(self, writer: Writer, *, snapshot: Callable[[], bytes]) -> None: ...

    def attach(self, stream: int, source: Source) -> None: ...

    def detach(self, stream: int) -> None: ...

    def close(self) -> None: ...
