"""A log that nobody runs, looked at and mended.

Damage is a stretch of the log that cannot be read though something behind it can: a stretch of zeros, a page that was
lost, a file that is missing. Mending writes an entry that says nothing over the stretch, so that what lies behind it
is read again; the file as it was is kept beside the log. What the stretch held is lost: messages, or that messages had
been acknowledged, which then come back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from watership.store.directory import Directory
from watership.store.pages import Pages

ASIDE = "aside"
LONGEST = 2**31  # octets that one entry stands for


class Scanner(Protocol):
    """`kernel.Replay`."""

    def feed(self, data: memoryview, base: int, *, last: bool) -> int: ...
    def damaged_pages(self) -> list[tuple[OSError, int, tuple[tuple[int, int], ...]]]: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Tools:
    """From the kernel. make: a scanner, of pages too when given them. next_intact, void: as `kernel` has them."""

    make: Callable[[Pages | None], Scanner]
    next_intact: Callable[[memoryview, int, int], int]
    void: Callable[[int, int], bytes]


@dataclass(frozen=True)
class Damage:
    """length: octets that cannot be read. missing: the whole file is not there. page: the octets can be read, but what
    they tell of cannot, and this says so."""

    path: Path
    offset: int
    length: int
    missing: bool = False
    page: str = ""

    def __str__(self) -> str:
        if self.page:
            return self.page
        if self.missing:
            return f"{self.path} is missing: {self.length} octets"
        return f"{self.path}: {self.length} octets at offset {self.offset} cannot be read"


def find(directory: Directory, tools: Tools) -> list[Damage]:
    """Every damaged stretch, in the order of the log. A torn end of the last file is none."""
    found: list[Damage] = []
    files = directory.files()
    for place, (base, path) in enumerate(files):
        last = place + 1 == len(files)
        data = path.read_bytes()
        end = len(data) if last else min(len(data), files[place + 1][0] - base)
        view = memoryview(data)[:end]
        at = 0
        while (at := at + tools.make(None).feed(view[at:], base + at, last=False)) < end:
            later = tools.next_intact(view, base, at)
            if last and torn(view[at:], base + at, tools):
                break
            found.append(Damage(path, at, (later or end) - at))
            at = later or end
        if not last and base + len(data) < files[place + 1][0]:
            hole = files[place + 1][0] - base - len(data)
            found.append(Damage(directory.path_of(base + len(data)), 0, hole, missing=True))
    return found


def find_pages(directory: Directory, tools: Tools) -> list[Damage]:
    """What a log without damage tells of pages that cannot be read."""
    pages = Pages(directory.path, on_failure=lambda _error: None)
    scanner = tools.make(pages)
    files = directory.files()
    for base, path in files:
        scanner.feed(memoryview(path.read_bytes()), base, last=False)
    found = []
    for error, messages, entries in scanner.damaged_pages():
        text = f"{error.filename}: {messages} messages of a queue's backlog cannot be read: {error.strerror}"
        for position, length in entries:
            base, path = max(file for file in files if file[0] <= position)
            found.append(Damage(path, position - base, length, page=text))
    scanner.close()
    pages.close()
    return found


def torn(data: memoryview, base: int, tools: Tools) -> bool:
    """Whether the log simply ends here: what follows, if anything, belongs to the same unfinished commit."""
    try:
        tools.make(None).feed(data, base, last=True)
    except ValueError:
        return False
    return True


def mend(directory: Directory, damages: list[Damage], tools: Tools) -> list[Path]:
    """Mends each; gives the copies that were set aside. Nothing is deleted."""
    aside = directory.path / ASIDE
    kept = []
    for path in dict.fromkeys(d.path for d in damages if not d.missing):
        aside.mkdir(exist_ok=True)
        copy = aside / path.name
        number = 1
        while copy.exists():
            number += 1
            copy = aside / f"{path.stem}.{number}{path.suffix}"
        shutil.copy2(path, copy)
        kept.append(copy)
    for damage in damages:
        with damage.path.open("wb" if damage.missing else "r+b") as file:
            file.seek(damage.offset)
            for part in range(0, damage.length, LONGEST):
                position = int(damage.path.stem) + damage.offset + part
                file.write(tools.void(position, min(LONGEST, damage.length - part)))
            file.flush()
    directory.sync()
    return kept
