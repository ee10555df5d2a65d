"""Checks: each gives the sentence of what is wrong, or None."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

from watership.broker import Broker

from .api import Json


def memory_bytes() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def node(broker: Broker, name: str) -> Json:
    """As /api/nodes shows a node."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "name": name,
        "type": "disc",
        "running": True,
        "os_pid": str(os.getpid()),
        "fd_used": len(list(Path("/proc/self/fd").iterdir())),
        "fd_total": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "sockets_used": len(broker.clients),
        "mem_used": memory_bytes(),
        "mem_limit": int(total * 0.6),
        "mem_alarm": False,
        "disk_free": shutil.disk_usage(broker.data).free,
        "disk_free_limit": 50_000_000,
        "disk_free_alarm": False,
        "uptime": int((broker.loop.time() - broker.born) * 1000),
        "processors": os.cpu_count(),
        "partitions": [],
        "db_dir": str(broker.data),
        "being_drained": False,
        "auth_mechanisms": [{"name": m, "enabled": True} for m in broker.config.mechanisms],
    }


def broken(broker: Broker) -> str | None:
    """What makes this node unfit to serve."""
    if broker.failed.done():
        return f"the log cannot be written: {broker.failed.result()}"
    missing = [v for v in broker.metadata.vhosts if v not in broker.vhosts]
    return f"vhosts that do not run: {', '.join(missing)}" if missing else None
