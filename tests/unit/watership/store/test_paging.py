"""Backlogs beyond memory: on disk while nobody reads them, in their order and none twice when somebody does."""

import asyncio
import errno
import random
import re
import shutil
from pathlib import Path

import pytest

from watership.cli import main
from watership.store import RecoveryError

MEMORY = 100_000
MEBIBYTE = 1 << 20


def bodies(count: int, start: int = 0) -> list[bytes]:
    return [b"%06d" % number * 150 for number in range(start, start + count)]


async def settled(node) -> None:
    """Nothing is on its way to the disk any more."""
    deadline = asyncio.get_running_loop().time() + 60
    while node.pager.behind and asyncio.get_running_loop().time() < deadline:
        await node.journal.durable()
        await asyncio.sleep(0.005)
    assert node.pager.behind == 0


async def fill(node, messages: list[bytes], *, stream: int = 2, mode: int = 2) -> None:
    """Publishes; what memory has no room for has gone to the disk when this returns."""
    for at in range(0, len(messages), 200):
        await node.publish(stream, *messages[at : at + 200], mode=mode)
    await settled(node)


async def test_a_backlog_takes_little_memory_and_comes_back_in_order(node):
    here = node(2, memory=MEMORY)
    await fill(here, bodies(6000))
    assert here.queues[2].ready == 6000
    assert here.kernel.memory < 3 * MEBIBYTE
    assert here.pages.size > 2 * MEBIBYTE
    assert await here.drain(2) == bodies(6000)
    await settled(here)
    await here.publish(2, b"one more")
    assert await here.drain(2) == [b"one more"]
    assert here.pages.files() == []
    assert here.kernel.memory < MEBIBYTE
    assert here.failures == []


async def test_a_start_leaves_a_backlog_on_the_disk(node):
    here = node(2, memory=MEMORY)
    await fill(here, bodies(6000))
    here.stop()
    two = node(2, memory=MEMORY)
    assert two.restored == {2: 6000}
    assert two.queues[2].ready == 6000
    assert two.kernel.memory < 3 * MEBIBYTE
    assert await two.drain(2) == bodies(6000)
    two.stop()
    assert node(2).restored == {2: 0}


async def test_what_was_taken_from_a_page_stays_taken(node):
    here = node(2, memory=MEMORY)
    await fill(here, bodies(6000))
    assert await here.take(2, 3000) == bodies(3000)
    held = await here.take(2, 10, no_ack=False)
    assert held == bodies(10, 3000)
    here.stop()
    for _ in range(2):  # what is left of a page is logged again, and the page is not needed by a further start
        two = node(2, memory=MEMORY)
        assert two.restored == {2: 3000}
        await two.journal.durable()
        two.stop()
    assert await node(2, memory=MEMORY).drain(2) == bodies(3000, 3000)


async def test_only_what_is_persistent_survives_on_a_mixed_page(node):
    here = node(2, memory=MEMORY)
    messages = bodies(6000)
    for at in range(0, 6000, 100):
        await here.publish(2, *messages[at : at + 100], mode=2 if at % 300 else 1)
    await settled(here)
    here.stop()
    two = node(2, memory=MEMORY)
    kept = [message for place, message in enumerate(messages) if place // 100 % 3]
    assert two.restored == {2: len(kept)}
    assert await two.drain(2) == kept


async def test_transient_messages_are_paged_and_do_not_survive(node):
    here = node(2, memory=MEMORY)
    await fill(here, bodies(6000), mode=1)
    assert here.pages.size > 2 * MEBIBYTE
    assert await here.take(2, 100) == bodies(100)
    here.stop()
    two = node(2)
    assert two.restored == {2: 0}
    assert two.pages.files() == []


@pytest.mark.parametrize("way", ["purge", "close"])
async def test_what_is_dropped_is_not_read_and_does_not_come_back(node, way: str):
    here = node(2, 3, memory=MEMORY)
    await fill(here, bodies(6000))
    await fill(here, bodies(3000), stream=3)
    here.pages.read = None  # nobody may
    held = await here.take(2, 3, no_ack=False)
    if way == "purge":
        assert here.queues[2].purge() == 5997
    else:
        here.queues[2].close()
    assert here.queues[2].ready == here.queues[2].bytes_ready == 0
    await here.journal.durable()
    del here.pages.read
    here.stop()
    two = node(2, 3, memory=MEMORY)
    assert two.restored == {2: len(held) if way == "purge" else 0, 3: 3000}
    assert await two.drain(3) == bodies(3000)


async def test_the_log_does_not_keep_what_lies_in_pages(node, tmp_path: Path):
    here = node(2, 3, memory=MEMORY, file_size=MEBIBYTE, slack=MEBIBYTE)
    await fill(here, bodies(8000))
    for _ in range(60):
        await here.publish(3, *[b"x" * 1000] * 200)
        await here.take(3, 200)
    assert here.log.size < 5 * MEBIBYTE
    here.stop()
    two = node(2, 3, memory=MEMORY)
    assert two.restored == {2: 8000, 3: 0}
    assert await two.drain(2) == bodies(8000)


async def test_priorities_are_kept(node):
    here = node(2, memory=MEMORY, rules={"priorities": 2})
    high, low = bodies(3000), bodies(3000, 3000)
    for at in range(0, 3000, 100):
        for priority, messages in ((2, high), (0, low)):
            for body in messages[at : at + 100]:
                here.queues[2].publish(b"\0\0\0\2q2\0", b"\x18\0\2" + bytes([priority]), body)
        await here.journal.durable()
    await settled(here)
    assert here.pages.size > 2 * MEBIBYTE
    here.stop()
    two = node(2, memory=MEMORY, rules={"priorities": 2})
    assert await two.take(2, 1000) == high[:1000]
    two.stop()
    assert await node(2, memory=MEMORY, rules={"priorities": 2}).drain(2) == high[1000:] + low


async def test_messages_expire_on_pages(node):
    here = node(2, memory=MEMORY)
    here.queues[2].configure(ttl=1)
    await fill(here, bodies(6000))
    await asyncio.sleep(0.1)
    here.queues[2].configure()
    assert await here.take(2, 1) == []
    assert here.queues[2].ready == 0
    assert here.queues[2].expired == 6000


async def test_a_full_disk_keeps_messages_in_memory_till_there_is_room(node, caplog):
    here = node(2, memory=MEMORY)
    write, tries = here.pages.write, []

    def refuse(jobs):
        tries.append(len(jobs))
        if len(tries) == 1:
            write(jobs[:1])
            raise OSError(errno.ENOSPC, "No space left on device")
        write(jobs)

    here.pages.write = refuse
    await fill(here, bodies(6000))
    assert "No space left on device" in caplog.text
    assert await here.drain(2) == bodies(6000)
    assert here.failures == []


async def test_a_damaged_page_stops_the_broker(node):
    here = node(2, memory=MEMORY)
    await fill(here, bodies(6000))
    for _, path in here.pages.files():
        with path.open("r+b") as file:
            file.seek(5000)
            file.write(b"?")
    with pytest.raises(OSError, match="not what was written there"):
        await here.drain(2)
    assert "not what was written there" in str(here.failures[0])


async def test_a_missing_page_stops_the_start(node):
    here = node(2, memory=MEMORY)
    await fill(here, bodies(6000))
    path = here.pages.files()[0][1]
    here.stop()
    path.rename(path.with_suffix(".away"))
    with pytest.raises(RecoveryError, match=f"{path.name}: messages lie in it, and it cannot be read"):
        node(2)


@pytest.mark.parametrize("way", ["damaged", "missing"])
async def test_a_lost_page_is_named_and_the_rest_can_be_saved(node, tmp_path: Path, capsys, way: str):
    here = node(2, memory=MEMORY)
    await fill(here, bodies(6000))
    data, path = str(tmp_path / "data"), here.pages.files()[0][1]
    here.stop()
    assert main(["store", "check", data]) == 0
    assert "so is every page" in capsys.readouterr().out
    if way == "missing":
        path.unlink()
    else:
        with path.open("r+b") as file:
            file.write(b"?")
    assert main(["store", "check", data]) == 1
    lost = re.findall(rf"{path.name}: (\d+) messages of a queue's backlog cannot be read", capsys.readouterr().out)
    assert main(["store", "repair", data]) == 0
    assert "kept as it was: " in capsys.readouterr().out
    assert main(["store", "check", data]) == 0
    two = node(2, memory=MEMORY)
    left = await two.drain(2)
    assert len(left) >= 6000 - sum(map(int, lost))  # more, when the log still holds them
    assert left == [body for body in bodies(6000) if body in set(left)]


@pytest.mark.parametrize("seed", range(3))
async def test_no_crash_loses_or_invents_anything(node, tmp_path: Path, seed: int):
    """Publishing, taking, settling, requeueing in any order: a copy of the folder at any moment holds what it must."""
    chance = random.Random(seed)
    here = node(2, memory=MEMORY, file_size=MEBIBYTE, slack=MEBIBYTE)
    published, gone, tags = 0, set(), {}
    for step in range(25):
        match chance.choice(["publish", "publish", "take", "settle", "requeue", "crash"]):
            case "publish":
                await here.publish(2, *bodies(count := chance.randrange(100, 1000), published))
                published += count
            case "take":
                tags |= await here.tagged(2, min(here.queues[2].ready, chance.randrange(1, 1000)))
            case "settle":
                for tag in chance.sample(sorted(tags), len(tags) // 2):
                    here.channel.settle(tag)
                    gone.add(tags.pop(tag))
                await here.journal.durable()
            case "requeue":
                for tag in tags:
                    here.channel.settle(tag, ack=False, requeue=True)
                tags = {}
            case "crash":
                shutil.copytree(tmp_path / "data", tmp_path / f"{step}")
                there = node(2, folder=f"{step}", memory=MEMORY)
                assert await there.drain(2) == [body for body in bodies(published) if body not in gone]
                there.stop()
    here.stop()
    assert await node(2, memory=MEMORY).drain(2) == [body for body in bodies(published) if body not in gone]
