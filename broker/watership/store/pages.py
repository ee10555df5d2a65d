"""The files of backlogs that memory has no room for: pages of one queue behind each other, read back in that order.

A page is written once, and synced before the log says where it lies. A file goes when none of its pages is needed any
more. A file that the log does not know at the start is left over from a crash, or held messages that were not to
survive.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from watership.store.errors import ADVICE, RecoveryError

log = logging.getLogger("watership.store")
FILE_SIZE = 1 << 26


class Pages:
    """The folder `pages` of a data directory. At first claim() what the log knows, then sweep(), then the rest."""

    def __init__(self, data: Path, *, on_failure: Callable[[OSError], None], file_size: int = FILE_SIZE) -> None:
        """on_failure: a page that is needed cannot be read; the process must stop."""
        self.folder = data / "pages"
        self.on_failure = on_failure
        self.file_size = file_size
        self.writer = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._used: dict[int, int] = {}  # pages that are needed, by file
        self._ends: dict[int, int] = {}  # where the next page of a file goes
        self._last = max((number for number, _ in self.files()), default=0)
        self._failing = False

    def files(self) -> list[tuple[int, Path]]:
        """(number, path) of every file."""
        return sorted((int(path.stem), path) for path in self.folder.glob("*.page") if path.stem.isdigit())

    def path_of(self, number: int) -> Path:
        return self.folder / f"{number:010}.page"

    @property
    def size(self) -> int:
        """Octets of all files."""
        return sum(path.stat().st_size for _, path in self.files())

    # The start

    def claim(self, number: int, end: int) -> None:
        """A page of this file, which ends at octet `end`, is needed. Raises RecoveryError when it is not there."""
        path = self.path_of(number)
        try:
            size = path.stat().st_size
        except OSError as error:
            advice = ADVICE.format(self.folder.parent)
            raise RecoveryError(
                f"{path}: messages lie in it, and it cannot be read: {error.strerror}. {advice}"
            ) from error
        if size < end:
            advice = ADVICE.format(self.folder.parent)
            raise RecoveryError(f"{path}: messages lie in it up to octet {end}, and it ends at octet {size}. {advice}")
        self._used[number] = self._used.get(number, 0) + 1

    def sweep(self) -> None:
        """Removes every file that nobody has claimed."""
        for number, path in self.files():
            if number not in self._used:
                path.unlink()

    # Writing

    def place(self, number: int, size: int) -> tuple[int, int]:
        """(file, offset) for a page: behind the last one of file `number` if it is still there and has room."""
        offset = self._ends.get(number, 0)
        if offset == 0 or offset + size > self.file_size:
            self._last += 1
            self._ends.pop(number, None)
            number, offset = self._last, 0
        self._ends[number] = offset + size
        self._used[number] = self._used.get(number, 0) + 1
        return number, offset

    def write(self, pages: Sequence[tuple[int, int, memoryview]]) -> None:
        """(file, offset, octets) of each. Durable when it returns; runs in a thread of its own."""
        descriptors: dict[int, int] = {}
        try:
            for number, offset, octets in pages:
                if number not in descriptors:
                    descriptors[number] = self._open(number)
                written = 0
                while written < len(octets):
                    written += os.pwrite(descriptors[number], octets[written:], offset + written)
            for descriptor in descriptors.values():
                os.fdatasync(descriptor)
            if any(offset == 0 for _, offset, _ in pages):
                self._sync_names()
        finally:
            for descriptor in descriptors.values():
                os.close(descriptor)

    def _open(self, number: int) -> int:
        self.folder.mkdir(exist_ok=True)
        return os.open(self.path_of(number), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _sync_names(self) -> None:
        for folder in (self.folder, self.folder.parent):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def report(self, error: BaseException | None) -> None:
        """`write` has raised `error`, or works (None). What was to be written is still in memory and in the log."""
        if error is not None and not self._failing:
            log.error("messages cannot be moved from memory to %s: %s; tried again each second", self.folder, error)
        elif error is None and self._failing:
            log.info("messages are moved from memory to %s again", self.folder)
        self._failing = error is not None

    def release(self, number: int) -> None:
        """One page of the file is not needed any more."""
        self._used[number] -= 1
        if self._used[number] == 0:
            del self._used[number]
            self._ends.pop(number, None)
            with contextlib.suppress(FileNotFoundError):
                self.path_of(number).unlink()

    # Reading

    def read(self, number: int, offset: int, to: memoryview) -> None:
        """Fills `to`. A page that is not there in full is a failure."""
        path = self.path_of(number)
        try:
            with path.open("rb", buffering=0) as file:
                got = 0
                while got < len(to):
                    count = os.preadv(file.fileno(), [to[got:]], offset + got)
                    if count == 0:
                        raise OSError(0, "it is too short", str(path))
                    got += count
        except OSError as error:
            self.on_failure(error)
            raise

    def expect(self, number: int, offset: int, size: int) -> None:
        """A page will be read soon."""
        with contextlib.suppress(OSError), self.path_of(number).open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), offset, size, os.POSIX_FADV_WILLNEED)

    def damaged(self, number: int, offset: int, size: int) -> OSError:
        """What to raise for a page that is not what was written."""
        error = OSError(
            0, f"{size} octets at offset {offset} are not what was written there", str(self.path_of(number))
        )
        self.on_failure(error)
        return error

    def close(self) -> None:
        """Waits for what is being written."""
        self.writer.shutdown()
