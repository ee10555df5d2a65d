"""The engine: one worker per key, once in the queue however often asked, changes before resyncs, retries."""

import asyncio
from contextlib import asynccontextmanager

from watership_operator.cache import Key
from watership_operator.engine import CHANGE, RESYNC, Engine, Standing


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

    async def work(k: Key) -> Standing:
        done.append(k.name)
        return Standing.SETTLED

    engine = Engine(work)
    for _ in range(50):
        engine.enqueue(key("a"))
    async with running(engine):
        await eventually(lambda: done)
        await asyncio.sleep(0.1)
    assert done == ["a"]


async def test_key_asked_for_while_busy_is_worked_on_again_and_never_twice_at_once():
    now, most, passes = 0, 0, 0

    async def work(_: Key) -> Standing:
        nonlocal now, most, passes
        now += 1
        most = max(most, now)
        passes += 1
        if passes == 1:
            engine.enqueue(key("a"))
        await asyncio.sleep(0.02)
        now -= 1
        return Standing.SETTLED

    engine = Engine(work)
    engine.enqueue(key("a"))
    async with running(engine):
        await eventually(lambda: passes == 2)
    assert most == 1


async def test_changes_come_before_resyncs():
    done: list[str] = []

    async def work(k: Key) -> Standing:
        done.append(k.name)
        return Standing.SETTLED

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

    async def work(k: Key) -> Standing:
        done.append(k.name)
        if k.name == "bad":
            raise RuntimeError("boom")
        return Standing.SETTLED

    engine = Engine(work, workers=1)
    engine.enqueue(key("bad"))
    engine.enqueue(key("good"))
    async with running(engine):
        await eventually(lambda: done.count("bad") >= 2)
    assert "good" in done
    errors = engine.metrics.registry.get_sample_value(
        "watership_operator_errors_total", {"source": "operator", "kind": "RuntimeError"}
    )
    assert errors >= 2


async def test_broker_that_is_away_is_asked_again_sooner_than_what_is_refused():
    engine = Engine(lambda _: None)  # type: ignore[arg-type, return-value]
    waits = {}
    for standing in (Standing.AWAY, Standing.FAILING):
        for _ in range(8):
            engine.schedule(key(standing.name), standing, took=0.0)
        timer = engine.timers[key(standing.name)]
        waits[standing] = timer.when() - asyncio.get_running_loop().time()
        timer.cancel()
    assert waits[Standing.AWAY] <= 3 * 1.2 < waits[Standing.FAILING]


async def test_long_passes_leave_time_for_others():
    engine = Engine(lambda _: None)  # type: ignore[arg-type, return-value]
    engine.schedule(key("slow"), Standing.AWAY, took=5.0)
    timer = engine.timers[key("slow")]
    assert timer.when() - asyncio.get_running_loop().time() > 30
    timer.cancel()


async def test_unfinished_key_goes_on_at_once_but_after_changes_of_others():
    done: list[str] = []

    async def work(k: Key) -> Standing:
        done.append(k.name)
        if done == ["big"]:
            engine.enqueue(key("small"), CHANGE)
        return Standing.UNFINISHED if k.name == "big" and done.count("big") < 3 else Standing.SETTLED

    engine = Engine(work, workers=1)
    engine.enqueue(key("big"))
    async with running(engine):
        await eventually(lambda: done.count("big") == 3)
    assert done[:2] == ["big", "small"]
