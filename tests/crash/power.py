"""The machine loses power between a write and its sync: of what was not synced, any part may be missing.

The last commit of a log file, written and not synced, is cut off, torn at some sectors, or has a later part that
arrived before an earlier one.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

SECTOR = 512


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


def lose_power(path: Path, rng: Random) -> None:
    start, end = last_commit(path)
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
