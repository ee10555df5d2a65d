"""The engine: one worker per key, once in the queue however often asked, changes before resyncs, retries."""

import asyncio
from contextlib import asynccontextmanager

from watership_operator.cache import Key
from watership_operator.engine import CHANGE, RESYNC, Engine


def key(name: str) -> Key:
    return Key("topology", "cluster", "ns", name)


@asynccontextmanager
async def running(engine: Engine):
    task = asyncio.create_task(engine.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_key_asked_for_many_times_is_worked_on_once():
    done: list[str] = []

    async def work(k: Key) -> bool:
        done.append(k.name)
        return True

    engine = Engine(work)
    for _ in range(50):
        engine.enqueue(key("a"))
    async with running(engine):
        await eventually(lambda: done)
        await asyncio.sleep(0.1)
    assert done == ["a"]


async def test_key_asked_for_while_busy_is_worked_on_again_and_never_twice_at_once():
    now, most, passes = 0, 0, 0

    async def work(_: Key) -> bool:
        nonlocal now, most, passes
        now += 1
        most = max(most, now)
        passes += 1
        if passes == 1:
            engine.enqueue(key("a"))
        await asyncio.sleep(0.02)
        now -= 1
        return True

    engine = Engine(work)
    engine.enqueue(key("a"))
    async with running(engine):
        await eventually(lambda: passes == 2)
    assert most == 1


async def test_changes_come_before_resyncs():
    done: list[str] = []

    async def work(k: Key) -> bool:
        done.append(k.name)
        return True

    engine = Engine(work, workers=1)
    for number in range(5):
        engine.enqueue(key(f"resync-{number}"), RESYNC)
    engine.enqueue(key("change"), CHANGE)
    engine.enqueue(key("resync-4"), CHANGE)
    async with running(engine):
        await eventually(lambda: len(done) == 6)
    assert done[:2] == ["change", "resync-4"]


async def test_failing_key_is_tried_again_and_harms_no_other():
    done: list[str] = []

    async def work(k: Key) -> bool:
        done.append(k.name)
        if k.name == "bad":
            raise RuntimeError("boom")
        return True

    engine = Engine(work, workers=1)
    engine.enqueue(key("bad"))
    engine.enqueue(key("good"))
    async with running(engine):
        await eventually(lambda: done.count("bad") >= 2)
    assert "good" in done
    assert engine.counters.failures >= 2
