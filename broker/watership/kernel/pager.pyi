"""Backlogs beyond memory: full segments go to files, and come back when reading gets there."""

from asyncio import AbstractEventLoop
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Protocol

from .tick import Kernel

class Pages(Protocol):
    """`store.Pages`."""

    @property
    def writer(self) -> Executor: ...
    def claim(self, number: int, end: int) -> None: ...
    def place(self, number: int, size: int) -> tuple[int, int]: ...
    def write(self, pages: Sequence[tuple[int, int, memoryview]]) -> None: ...
    def report(self, error: BaseException | None) -> None: ...
    def release(self, number: int) -> None: ...
    def read(self, number: int, offset: int, to: memoryview) -> None: ...
    def expect(self, number: int, offset: int, size: int) -> None: ...
    def damaged(self, number: int, offset: int, size: int) -> OSError: ...

class Pager:
    limit: int
    behind: int  # octets that are on their way to the disk; publishers pause when they are many

    def __init__(self, kernel: Kernel, loop: AbstractEventLoop, pages: Pages, *, limit: int) -> None:
        """Make it before any queue of the kernel. limit: octets of messages in memory beyond which what arrives goes
        to the disk as soon as a segment is full."""
