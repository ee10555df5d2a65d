"""Files that nothing needs are given up, and a few old messages do not hold many files."""

import asyncio
from pathlib import Path

from watership.kernel import Consumer


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


async def test_a_backlog_is_kept_whole(node, tmp_path: Path):
    here = node(2, file_size=100_000, slack=100_000)
    for start in range(0, 2000, 20):
        await here.publish(2, *(b"%d" % number * 100 for number in range(start, start + 20)))
        await asyncio.sleep(0)
    here.stop()
    assert await node(2).drain(2) == [b"%d" % number * 100 for number in range(2000)]
