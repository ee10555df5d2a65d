"""Checks: each gives the sentence of what is wrong, or None."""

from __future__ import annotations

import os
import resource
import shutil
import time
from pathlib import Path

from cryptography import x509

from watership.broker import Broker
from watership.broker.alarms import resident_bytes

from .api import Json

# Names that clients may ask for, as the listeners are called.
PROTOCOLS = {
    "amqp091": "amqp",
    "amqp0.9.1": "amqp",
    "amqps": "amqp/ssl",
    "amqp091/ssl": "amqp/ssl",
    "management": "http",
}
DAYS = {"days": 1, "weeks": 7, "months": 30, "years": 365}


def node(broker: Broker) -> Json:
    """As /api/nodes shows a node."""
    return {
        "name": broker.node,
        "type": "disc",
        "running": True,
        "os_pid": str(os.getpid()),
        "fd_used": len(list(Path("/proc/self/fd").iterdir())),
        "fd_total": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "sockets_used": len(broker.clients),
        "mem_used": resident_bytes(),
        "mem_limit": broker.alarms.memory_limit,
        "mem_alarm": "memory" in broker.alarms.on,
        "disk_free": shutil.disk_usage(broker.data).free,
        "disk_free_limit": broker.alarms.disk_limit,
        "disk_free_alarm": "disk" in broker.alarms.on,
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


def alarmed(broker: Broker) -> str | None:
    """Which resource is short."""
    if not broker.alarms.on:
        return broken(broker)
    return f"There are alarms in effect on this node: {broker.alarms.reason}; publishers are blocked"


def expiring(broker: Broker, *, days: int) -> str | None:
    """The sentence about a certificate in use that ends within so many days."""
    config = broker.config
    used = {tls.certfile for tls in (config.tls, config.management_tls) if tls is not None}
    limit = time.time() + days * 86400
    for path in sorted(used):
        end = ends_at(path)
        if end <= limit:
            day = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(end))
            return f"the certificate in {path} expires on {day} UTC"
    return None


def ends_at(path: str) -> float:
    """When the first certificate of a PEM file ends, in seconds since 1970."""
    return x509.load_pem_x509_certificates(Path(path).read_bytes())[0].not_valid_after_utc.timestamp()
