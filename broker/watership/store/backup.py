"""A consistent copy of a data directory that is in use, as a tar.

The log is only ever appended to, so what was on the disk at one moment is a prefix of it: every file but the last, and
the last up to there. That is what a crash at that moment would have left, and it is recovered in the same way. The
files are opened at that moment; one that the log gives up while it is read is then removed, not written again.
"""

from __future__ import annotations

import contextlib
import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watership.store.log import Log

BLOCK = 1 << 20


@dataclass(frozen=True)
class Part:
    """The first `size` octets of a file."""

    name: str
    descriptor: int
    size: int


class Copy:
    """`close` it, or the log keeps no spare files. mark: the log's position up to which it holds everything."""

    def __init__(self, log: Log) -> None:
        self._open = contextlib.ExitStack()
        self._log = log
        self._parts: list[Part] = []
        self.mark, files = log.lend()
        self._open.callback(log.take_back)
        try:
            ends = [base for base, _ in files[1:]] + [self.mark]
            for (base, path), end in zip(files, ends, strict=False):
                self._add(path.name, path, end - base)
            for path in sorted((log.folder / "pages").glob("*.page")):
                self._add(f"pages/{path.name}", path, path.stat().st_size)
            path = log.folder / "format"
            self._add(path.name, path, path.stat().st_size)  # last: without it a copy is not complete, and not started
        except BaseException:
            self.close()
            raise

    def _add(self, name: str, path: Path, size: int) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._open.callback(os.close, descriptor)
        self._parts.append(Part(name, descriptor, size))

    def tar(self) -> Iterator[bytes]:
        """In pieces of up to a mebibyte. Reads the disk."""
        for part in self._parts:
            about = tarfile.TarInfo(part.name)
            about.size, about.mtime, about.mode = part.size, int(time.time()), 0o640
            yield about.tobuf(tarfile.GNU_FORMAT)
            at = 0
            while at < part.size:
                piece = os.pread(part.descriptor, min(BLOCK, part.size - at), at)
                if not piece:
                    raise OSError(0, f"{part.name} has become shorter than {part.size} octets")
                at += len(piece)
                yield piece
            yield bytes(-part.size % tarfile.BLOCKSIZE)
        yield bytes(2 * tarfile.BLOCKSIZE)

    def close(self) -> None:
        self._open.close()
