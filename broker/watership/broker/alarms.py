"""Memory and disk alarms: while one is on, connections that publish are blocked, and told so (connection.blocked).

The process's resident memory is compared with `vm_memory_high_watermark`, the free space of the data directory with
`disk_free_limit`, once a second and when the log begins another file. The kernel looks at the memory of queues itself,
in every tick: a burst cannot outrun the clock.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from watership.config import Config
from watership.kernel import Kernel, Pager

log = logging.getLogger("watership.alarms")
INTERVAL = 1.0  # seconds


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def total_memory() -> int:
    """Bytes that this process may use: the machine's, or its control group's limit where that is lower."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(path).read_text()))
        except (OSError, ValueError):
            continue
    return total


class Alarms:
    def __init__(
        self,
        config: Config,
        data: Path,
        kernel: Kernel,
        pager: Pager,
        *,
        changed: Callable[[], None],
        log_has_room: Callable[[], bool],
    ) -> None:
        """changed: called when the first alarm goes on or the last one off. log_has_room: whether the log can grow."""
        self.data = data
        self.kernel = kernel
        self.pager = pager
        self.changed = changed
        self.log_has_room = log_has_room
        self.on: set[str] = set()
        self.memory_limit = 0
        self.disk_limit = 0
        self.timer: asyncio.TimerHandle | None = None
        self.set_limits(config)
        kernel.on_memory = lambda _short: self.look()

    def set_limits(self, config: Config) -> None:
        total = config["total_memory_available_override_value"] or total_memory()
        self.memory_limit = config["vm_memory_high_watermark.absolute"] or int(
            total * config["vm_memory_high_watermark.relative"]
        )
        relative = config["disk_free_limit.relative"]
        self.disk_limit = int(relative * total) if relative else config["disk_free_limit.absolute"]
        self.kernel.memory_limit = self.memory_limit
        self.pager.limit = int(self.memory_limit * config["vm_memory_high_watermark_paging_ratio"])

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks now and then again and again."""
        self.look()
        self.timer = loop.call_later(INTERVAL, self.watch, loop)

    def look(self) -> None:
        used = resident_bytes()
        if used > self.memory_limit:
            self.kernel.give_back()  # freed memory that the allocator keeps at hand is not used
            used = resident_bytes()
        self.set("memory", used > self.memory_limit, f"{used} bytes are used, the limit is {self.memory_limit}")
        free = shutil.disk_usage(self.data).free
        why = f"{free} bytes are free, the limit is {self.disk_limit}"
        if not (room := self.log_has_room()):
            why = f"the log finds no room for another file ({free} bytes are free)"
        self.set("disk", free < self.disk_limit or not room, why)

    def set(self, name: str, on: bool, why: str) -> None:
        """name: memory or disk."""
        if on == (name in self.on):
            return
        before = bool(self.on)
        if on:
            self.on.add(name)
            log.warning("%s alarm: %s; publishers are blocked", name, why)
        else:
            self.on.discard(name)
            log.warning("%s alarm is over: %s", name, why)
        self.kernel.alarmed = bool(self.on)
        if before != bool(self.on):
            self.changed()

    @property
    def reason(self) -> str:
        """As connection.blocked says it."""
        return "low on " + " & ".join(name for name in ("memory", "disk") if name in self.on)

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
