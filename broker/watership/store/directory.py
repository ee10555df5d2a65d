"""A data directory: one owner at a time, a format that says what it holds, and names of files that sort by position."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from watership.store.errors import DirectoryInUse, NewerFormat, StoreError

FORMAT = 2  # 2: backlogs in pages
_SENTENCE = "watership log format "


class Directory:
    """Locked from construction to `close`. Makes the directory and its format file when they are not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreError(f"cannot use {path} as data directory: {error.strerror}") from error
        try:
            self._take_lock()
            self._check_format()
        except BaseException:
            os.close(self._lock)
            raise

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise StoreError(f"cannot lock {self.path}: {error.strerror}") from error
            owner = os.pread(self._lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise DirectoryInUse(
                f"{self.path} is in use by another broker (process {owner}): stop it, or choose another directory"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _check_format(self) -> None:
        path = self.path / "format"
        if not path.exists():
            if self.files():
                raise StoreError(f"{self.path} holds log files but no file 'format': is it a broker's data directory?")
            self._write_format(path)
            return
        text = path.read_text().strip()
        number = text.removeprefix(_SENTENCE)
        if number == text or not number.isdigit():
            raise StoreError(f"{path} says {text!r}, which is not a format of ours: is it a broker's data directory?")
        if int(number) > FORMAT:
            raise NewerFormat(
                f"{self.path} was written in format {number} by a newer version; this one reads up to format {FORMAT}"
            )
        if int(number) < FORMAT:
            self._write_format(path)  # it may hold from now on what an older version does not know

    def _write_format(self, path: Path) -> None:
        unfinished = path.with_name("format.new")
        with unfinished.open("w") as file:
            file.write(f"{_SENTENCE}{FORMAT}\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        self.sync()

    def files(self) -> list[tuple[int, Path]]:
        """(position of the first byte, path) of every log file, oldest first."""
        return sorted((int(path.stem), path) for path in self.path.glob("*.wal") if path.stem.isdigit())

    def path_of(self, position: int) -> Path:
        return self.path / f"{position:020}.wal"

    def sync(self) -> None:
        """Makes names durable: of files made, renamed or removed."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        os.close(self._lock)
