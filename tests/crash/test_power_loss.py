"""The machine loses power between a write and its sync: of what was not synced, any part may be missing.

The broker kills itself there; a copy of its directory then loses its last, unsynced commit: cut off, torn at some
sectors, or with a later part that arrived before an earlier one. Nothing of it was confirmed, all before it is there.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from tests.crash.conftest import Broker
from tests.crash.test_kill import QUEUE, Consumer, Publisher, check, waiting

SECTOR = 512
CYCLES = int(os.environ.get("WATERSHIP_CRASH_CYCLES", "20"))


def last_commit(path: Path) -> tuple[int, int]:
    """Where the last commit of a file begins and ends: entries count the octets since their commit's first one."""
    data, base = path.read_bytes(), int(path.stem)
    at = start = 0
    while at + 40 <= len(data) and int.from_bytes(data[at + 8 : at + 16], "little") == base + at:
        length = int.from_bytes(data[at : at + 4], "little")
        if length < 40:
            break
        if int.from_bytes(data[at + 32 : at + 36], "little") == 0:
            start = at
        at += (length + 7) & ~7
    return start, at


def mutilate(path: Path, rng: Random) -> None:
    start, end = last_commit(path)
    assert start < end, "the log ends with a commit that was written and not synced"
    sectors = list(range(start - start % SECTOR, end, SECTOR))
    how = rng.choice(["whole", "cut", "torn", "reordered"])
    if how == "cut":
        lost = [s for s in sectors if s >= rng.choice(sectors)]
    elif how == "torn":
        lost = [s for s in sectors if rng.random() < 0.4]
    elif how == "reordered":
        lost = sectors[: rng.randint(1, len(sectors))]
    else:
        lost = []
    with path.open("r+b") as file:
        for sector in lost:
            first = max(sector, start)  # what shares a sector with an older commit was synced with it
            file.seek(first)
            file.write(bytes(min(sector + SECTOR, end) - first))


@pytest.mark.parametrize("seed", range(CYCLES))
def test_what_was_confirmed_survives_the_loss_of_what_was_not_synced(broker: Broker, tmp_path: Path, seed: int):
    rng = Random(seed)
    broker.start()
    connection = broker.connect()
    connection.channel().queue_declare(QUEUE, durable=True)
    connection.close()
    broker.end()
    broker.start(WATERSHIP_DIE_IN_COMMIT=str(rng.randint(2, 400)))
    publishers = [Publisher(broker, f"publisher-{n}", 0) for n in range(4)]
    threads = [*publishers, *([Consumer(broker)] if rng.random() < 0.5 else [])]
    for thread in threads:
        thread.start()
    broker.wait()
    for thread in threads:
        thread.join(10)
    mutilate(max((tmp_path / "data").glob("*.wal")), rng)
    broker.start()
    confirmed = {body for publisher in publishers for body in publisher.confirmed}
    attempted = {publisher.name: publisher.number for publisher in publishers}
    acknowledged = {body for t in threads if isinstance(t, Consumer) for body in t.acknowledged}
    check(waiting(broker), confirmed, attempted, acknowledged)
