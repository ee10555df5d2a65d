"""The writer thread: what is durable when, and what happens when the disk fails."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from watership.kernel import Journal, Replay


class Disk:
    """Hands out files for the journal, one per rotation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[int, Path] = {}
        self.failures: list[OSError] = []

    def open_next(self, lsn: int) -> int:
        self.files[lsn] = self.folder / str(lsn)
        return os.open(self.files[lsn], os.O_RDWR | os.O_CREAT)

    def journal(self, **options: int) -> Journal:
        loop = asyncio.get_running_loop()
        return Journal(loop, open_next=self.open_next, on_failure=self.failures.append, **options)

    def replay(self) -> Replay:
        replay = Replay()
        for base, path in sorted(self.files.items()):
            replay.feed(memoryview(path.read_bytes()), base, last=True)
        return replay


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


async def test_what_was_awaited_is_in_the_file(disk: Disk):
    journal = disk.journal()
    lsn = journal.command(b"first")
    assert journal.synced < lsn == journal.appended
    await journal.durable(lsn)
    assert disk.replay().commands == [b"first"]
    assert journal.synced == lsn == disk.replay().end
    await journal.durable()
    journal.close()


async def test_many_appends_share_a_commit(disk: Disk):
    journal = disk.journal()
    for number in range(1000):
        journal.command(b"%d" % number)
    await journal.durable()
    assert journal.commits == 1
    assert disk.replay().commands == [b"%d" % number for number in range(1000)]
    journal.close()


async def test_close_writes_what_is_left(disk: Disk):
    journal = disk.journal()
    journal.command(b"x" * 5_000_000)
    journal.close()
    journal.close()
    assert [len(command) for command in disk.replay().commands] == [5_000_000]


async def test_a_full_file_is_followed_by_the_next(disk: Disk):
    journal = disk.journal(file_size=10_000)
    for _ in range(10):
        journal.command(b"y" * 4000)
        await journal.durable()
    assert len(disk.files) == 5
    assert len(disk.replay().commands) == 10
    journal.close()


async def test_recovery_begins_at_the_last_snapshot(disk: Disk):
    journal = disk.journal()
    journal.command(b"old")
    at = journal.appended
    journal.snapshot(b"everything")
    journal.command(b"new")
    journal.close()
    replay = disk.replay()
    assert (replay.snapshot, replay.commands, replay.snapshot_lsn) == (b"everything", [b"new"], at)


async def test_after_a_failed_sync_nothing_is_durable_any_more(disk: Disk):
    failures = disk.failures
    loop = asyncio.get_running_loop()
    journal = Journal(loop, open_next=lambda lsn: os.open("/dev/full", os.O_WRONLY), on_failure=failures.append)
    journal.command(b"x")
    with pytest.raises(OSError, match="No space left"):
        await journal.durable()
    assert [failure.errno for failure in failures] == [errno.ENOSPC]
    assert journal.synced == 0
    with pytest.raises(OSError, match="No space left"):
        journal.command(b"y")
    with pytest.raises(OSError, match="No space left"):
        await journal.durable(99)
    journal.close()


async def test_no_file_to_write_to_is_a_failure_too(disk: Disk):
    def refuse(lsn: int) -> int:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    journal = Journal(asyncio.get_running_loop(), open_next=refuse, on_failure=disk.failures.append)
    journal.command(b"x")
    with pytest.raises(OSError, match="quota"):
        await journal.durable()
    assert len(disk.failures) == 1
    journal.close()
