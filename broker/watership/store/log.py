"""The files of the log: which exist, where each begins, and when one can be given up.

Invariants: files follow each other without a gap, each is named after the position of its first byte, and only the
last is written to. A file is given up only when no stream needs anything in it any more; what was appended again to
make that so must be durable first. Nothing here looks into an entry: that is the reader's and the writer's part.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from watership.store.directory import Directory
from watership.store.errors import ADVICE, RecoveryError

log = logging.getLogger("watership.store")
PATIENCE = 1.0  # seconds without a word at the start
SPARES = 2  # given-up files kept to be written again: that saves the file system work in every sync
STEP = 2  # files that one look tries to free
MOVED = 1 << 25  # octets beyond which nothing further is appended again at one look: they are in memory till written
RESERVE = 1 << 24  # bytes kept at hand for when the disk is full: acknowledgements must be logged to free anything


class Reader(Protocol):
    """What recovery feeds the files to: `kernel.Replay`."""

    @property
    def end(self) -> int: ...
    @property
    def snapshot_lsn(self) -> int: ...
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
    """A locked data directory. In order: Log(), recover(), run(), attach and detach as queues come and go, close().

    log = Log(data)                                   # DirectoryInUse, NewerFormat
    replay = Replay()
    log.recover(replay)                               # RecoveryError
    journal = Journal(loop, start=log.end, open_next=log.open_next, on_failure=...)
    log.run(journal, snapshot=metadata.encode)        # before the first append
    kernel = Kernel(loop, journal=journal)
    ... replay.snapshot and replay.commands; make queues; replay.restore(stream, queue); log.attach(stream, queue)
    replay.close()
    """

    def __init__(self, directory: Path, *, file_size: int = 1 << 26, slack: int = 1 << 28) -> None:
        """file_size: bytes of one file. slack: bytes the log may take beyond twice what is alive."""
        self.end = 0  # the position at which the next entry goes
        self._directory = Directory(directory)
        self._file_size = file_size
        self._slack = slack
        self._files = self._directory.files()
        self._spares: list[Path] = []
        self._descriptor: int | None = None
        self._sources: dict[int, Source] = {}
        self._writer: Writer | None = None
        self._snapshot: Callable[[], bytes] | None = None
        self._metadata_from = 0
        self._tended = 0
        self._floor = self._safe = 0  # what lies below the one can be given up once the other is synced
        self._moved: Callable[[], None] = lambda: None
        self._lent = 0  # copies that read the files
        self.short = False  # the disk has no room for another file
        for unused in directory.glob("*.spare"):
            unused.unlink()

    @property
    def size(self) -> int:
        """Bytes of log between the oldest file's beginning and the end."""
        end = self._writer.appended if self._writer else self.end
        return end - self._files[0][0] if self._files else 0

    @property
    def folder(self) -> Path:
        return self._directory.path

    def lend(self) -> tuple[int, list[tuple[int, Path]]]:
        """How far the log is on the disk, and its files up to there. Until `take_back` no file is written again."""
        self._lent += 1
        synced = self._writer.synced if self._writer else self.end
        return synced, [(base, path) for base, path in self._files if base <= synced]

    def take_back(self) -> None:
        self._lent -= 1

    def recover(self, reader: Reader) -> None:
        """Feeds every file in order. Cuts a torn end off. Closes and raises RecoveryError for any other damage."""
        try:
            self._recover(reader)
        except BaseException:
            self.close()
            raise
        self._metadata_from = reader.snapshot_lsn

    def _recover(self, reader: Reader) -> None:
        if self._files:
            self.end = self._files[0][0]
        size, told = sum(path.stat().st_size for _, path in self._files), time.monotonic()
        for place, (base, path) in enumerate(self._files, start=1):
            last = place == len(self._files)
            if time.monotonic() - told > PATIENCE:
                told = time.monotonic()
                log.info("reading the log: %d of %d MB", (base - self._files[0][0]) >> 20, size >> 20)
            intact = self._feed(reader, base, path, last=last)
            self.end = base + intact
            if not last and self.end != self._files[place][0]:
                raise RecoveryError(
                    f"{path}: damaged at offset {intact}, or the file behind it is missing: the log goes on in "
                    f"{self._files[place][1].name}. {ADVICE.format(path.parent)}"
                )

    def _feed(self, reader: Reader, base: int, path: Path, *, last: bool) -> int:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b"")
        try:
            return reader.feed(data, base, last=last)
        except ValueError as error:
            raise RecoveryError(f"{path}: {error}. {ADVICE.format(path.parent)}") from error

    def run(self, writer: Writer, *, snapshot: Callable[[], bytes], moved: Callable[[], None] = lambda: None) -> None:
        """From now on files are given up; `snapshot` is what all metadata commands so far have led to. moved: called
        when the log has gone on to another file."""
        self._writer = writer
        self._snapshot = snapshot
        self._moved = moved

    def attach(self, stream: int, source: Source) -> None:
        self._sources[stream] = source

    def detach(self, stream: int) -> None:
        self._sources.pop(stream, None)

    def open_next(self, lsn: int) -> int:
        """The descriptor of the file whose next byte is `lsn`: the recovered one at first, then a new or a used one.

        Raises OSError (with the file's name) when the disk has no room for another; it may be tried again.
        """
        if self._descriptor is None and self._files and lsn == self.end:
            base, path = self._files[-1]
            if lsn - base < self._file_size and (lsn > base or len(self._files) == 1):
                return self._open(path, lsn - base)
            if lsn == base:
                self._files.pop()[1].unlink()
        else:
            self._reclaim()
        path = self._directory.path_of(lsn)
        if not self._spares:
            self._spares.append(self._make(self._file_size))
        self._spares[-1].rename(path)
        self._spares.pop()
        descriptor = self._open(path, 0)
        self._directory.sync()
        self._files.append((lsn, path))
        self._stock()
        self._moved()
        return descriptor

    def _open(self, path: Path, offset: int) -> int:
        """Positioned at `offset`. Nothing intact follows: a fresh file is zeros, a used one has other positions."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if offset:
                os.ftruncate(descriptor, offset)
            if os.fstat(descriptor).st_size < self._file_size:
                with contextlib.suppress(OSError):  # what does not fit is noticed when it is written
                    self._allocate(descriptor, path, self._file_size)
            os.lseek(descriptor, offset, os.SEEK_SET)
        except BaseException:
            os.close(descriptor)
            raise
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = descriptor
        return descriptor

    def _make(self, size: int) -> Path:
        """A spare file of zeros."""
        path = self._directory.path / "new.spare"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            self._allocate(descriptor, path, size)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        return path

    def _allocate(self, descriptor: int, path: Path, size: int) -> None:
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
                raise OSError(error.errno, f"cannot make room for the log: {error.strerror}", str(path)) from error

    def _stock(self) -> None:
        """There is always a spare file, so that a full disk is known before it stops anything."""
        try:
            if not self._spares:
                self._spares.append(self._make(min(RESERVE, self._file_size)))
            self.short = False
        except OSError:
            self.short = True

    def tend(self, *, pressed: bool) -> None:
        """Gives up what nothing needs when the log is idle or the disk nearly full (pressed); otherwise it is looked at
        when a file is full. To be called now and then."""
        if self._writer is None or self._descriptor is None:
            return
        if pressed or self.short or self._writer.appended == self._tended:
            self._reclaim()
        self._tended = self._writer.appended
        self._stock()

    def _reclaim(self) -> None:
        """Gives up files that nothing needs; has what lives on in the oldest ones appended again if it is little.

        What nothing needs any more was settled, moved or appended again by entries that may not be on the disk yet: so
        the files go at a later look, when they are.
        """
        if self._writer is None or self._writer.synced < self._safe:
            return
        while len(self._files) > 1 and self._files[1][0] <= self._floor:
            self._give_up(self._files.pop(0)[1])
        if len(self._files) < 2 or self._writer.appended == self._safe:
            return
        self._renew_metadata(self._files[1][0])
        alive = sum(source.logged_bytes for source in self._sources.values())
        wasted = self._writer.appended - self._files[0][0] > 2 * alive + self._slack
        if alive < RESERVE // 2 if self.short else wasted:
            target, start = self._files[min(STEP, len(self._files) - 1)][0], self._writer.appended
            for source in list(self._sources.values()):
                oldest = source.oldest
                if oldest is not None and oldest < target and self._writer.appended - start < MOVED:
                    source.relocate(target)
            self._renew_metadata(target)
        needed = [oldest for source in self._sources.values() if (oldest := source.oldest) is not None]
        self._safe = self._writer.appended
        self._floor = min([self._metadata_from, self._safe, *needed])

    def _renew_metadata(self, before: int) -> None:
        if self._metadata_from < before and self._writer is not None and self._snapshot is not None:
            self._metadata_from = self._writer.appended
            self._writer.snapshot(self._snapshot())

    def _give_up(self, path: Path) -> None:
        usual = path.stat().st_size <= 2 * self._file_size  # a large commit has made it longer
        if len(self._spares) < SPARES and usual and not self._lent:
            spare = path.with_suffix(".spare")
            path.rename(spare)
            self._spares.append(spare)
        else:
            path.unlink()

    def close(self) -> None:
        """After the writer has ended. The directory may then be used by another process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        for spare in self._spares:
            with contextlib.suppress(OSError):
                spare.unlink()
        self._directory.close()
