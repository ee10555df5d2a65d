"""Files that nothing needs are given up, and a few old messages do not hold many files."""

import asyncio
import io
import tarfile
from pathlib import Path

from watership.kernel import Consumer
from watership.store import Copy


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.wal")) + sum(
        path.stat().st_size for path in folder.glob("*.spare")
    )


async def test_a_log_that_is_consumed_does_not_grow(node, tmp_path: Path):
    here = node(2, file_size=100_000, slack=300_000)
    here.journal.command(b"a queue was declared")
    Consumer(here.channel, here.queues[2], b"c", no_ack=True)
    for _ in range(200):
        await here.publish(2, *[b"x" * 1000] * 20)
        await here.peer.frames()
    assert here.journal.appended > 4_000_000
    assert used(tmp_path / "data") < 1_000_000
    here.stop()
    two = node(2)
    assert two.snapshot == b"all of it"
    assert two.commands == []


async def test_a_message_that_stays_is_written_again_and_survives(node, tmp_path: Path):
    here = node(2, 3, file_size=100_000, slack=300_000)
    await here.publish(2, b"stays", b"goes", b"stays too")
    await here.publish(3, b"unacknowledged")
    await here.take(2, 2, no_ack=False)
    await here.take(3, 1, no_ack=False)
    here.channel.settle(2)
    for _ in range(200):
        await here.publish(2, *[b"x" * 1000] * 20)
        await here.take(2, here.queues[2].ready - 1)
    assert used(tmp_path / "data") < 1_500_000
    left = here.queues[2].ready
    here.stop()
    two = node(2, 3)
    assert two.restored == {2: left + 1, 3: 1}
    assert (await two.drain(2))[0] == b"stays"
    assert await two.drain(3) == [b"unacknowledged"]


async def test_a_used_file_holds_nothing_of_its_former_life(node, tmp_path: Path):
    here = node(2, file_size=50_000, slack=100_000)
    Consumer(here.channel, here.queues[2], b"c", no_ack=True)
    for _ in range(100):
        await here.publish(2, *[b"x" * 1000] * 20)
        await here.peer.frames()
    for consumer in [*here.queues.values()]:
        assert consumer.ready == 0
    here.channel.close()
    here.peer.connection.abort()
    here.stop()
    assert node(2).restored == {2: 0}


async def test_a_copy_holds_what_was_there_when_it_began_though_files_are_given_up(node, tmp_path: Path):
    here = node(2, 3, file_size=50_000, slack=100_000)
    here.journal.command(b"a queue was declared")
    await here.publish(3, *(b"%d" % number * 100 for number in range(300)))
    copy = Copy(here.log)
    await here.drain(3)
    await churn(here, 100)
    assert not list((tmp_path / "data").glob("000000000000000000*.wal")), "none of the files is there any more"
    with tarfile.open(fileobj=io.BytesIO(b"".join(copy.tar()))) as tar:
        tar.extractall(tmp_path / "copy", filter="data")
    copy.close()
    await churn(here, 20)
    here.stop()
    (tmp_path / "data").rename(tmp_path / "original")
    (tmp_path / "copy").rename(tmp_path / "data")
    assert await node(2, 3).drain(3) == [b"%d" % number * 100 for number in range(300)]


async def test_given_up_files_are_written_again(node, tmp_path: Path):
    here = node(2, file_size=50_000, slack=100_000)
    here.journal.command(b"a queue was declared")
    used = set()
    for _ in range(20):
        await churn(here, 10)
        used |= {path.stat().st_ino for path in (tmp_path / "data").iterdir() if path.suffix in (".wal", ".spare")}
    assert here.journal.appended > 80 * 50_000
    assert len(used) <= 30, "eighty files were filled"


async def churn(here, rounds: int) -> None:
    for _ in range(rounds):
        await here.publish(2, *[b"x" * 1000] * 20)
        await here.drain(2)


async def test_a_backlog_is_kept_whole(node, tmp_path: Path):
    here = node(2, file_size=100_000, slack=100_000)
    for start in range(0, 2000, 20):
        await here.publish(2, *(b"%d" % number * 100 for number in range(start, start + 20)))
        await asyncio.sleep(0)
    here.stop()
    assert await node(2).drain(2) == [b"%d" % number * 100 for number in range(2000)]
