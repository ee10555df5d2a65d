"""Checks: each gives the sentence of what is wrong, or None."""

from __future__ import annotations

import os
import resource
import time
from typing import Any

from watership.broker import Broker
from watership.broker.identity import PLUGINS, WATERSHIP
from watership.broker.listening import Served
from watership.broker.logs import file_of
from watership.broker.statistics import NODE
from watership.config import Address

from . import view
from .api import Json

# Names that clients may ask for, as the listeners are called.
PROTOCOLS = {
    "amqp091": "amqp",
    "amqp0.9.1": "amqp",
    "amqps": "amqp/ssl",
    "amqp091/ssl": "amqp/ssl",
    "management": "http",
}
MECHANISMS = {
    "PLAIN": "SASL PLAIN authentication mechanism",
    "AMQPLAIN": "QPid AMQPLAIN mechanism",
    "ANONYMOUS": "SASL ANONYMOUS authentication mechanism",
    "EXTERNAL": "SASL EXTERNAL authentication mechanism: a TLS certificate says who it is",
}
DAYS = {"days": 1, "weeks": 7, "months": 30, "years": 365}


def node(broker: Broker) -> Json:
    """As /api/nodes shows a node."""
    return {
        "name": broker.node,
        "type": "disc",
        "running": True,
        "os_pid": str(os.getpid()),
        **dict(zip(NODE, broker.statistics.of_process(), strict=True)),
        "fd_total": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "mem_limit": broker.alarms.memory_limit,
        "mem_alarm": "memory" in broker.alarms.on,
        "disk_free_limit": broker.alarms.disk_limit,
        "disk_free_alarm": "disk" in broker.alarms.on,
        "uptime": int((broker.loop.time() - broker.born) * 1000),
        "processors": os.cpu_count(),
        "partitions": [],
        "proc_total": 1048576,
        "run_queue": 0,
        "net_ticktime": 60,
        "rates_mode": "basic",
        "mem_calculation_strategy": "rss",
        "cluster_links": [],
        "enabled_plugins": list(PLUGINS),
        "applications": [{"name": "rabbit", "description": "Watership", "version": WATERSHIP}],
        "contexts": view.contexts(broker),
        "exchange_types": view.exchange_types(),
        "config_files": [str(path) for path in broker.reload.files],
        "log_files": [str(path)] if (path := file_of(broker.config)) else ["<stderr>"],
        "sockets_total": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "db_dir": str(broker.data),
        "being_drained": broker.draining,
        "auth_mechanisms": [
            {"name": name, "description": text, "enabled": name in broker.config.mechanisms}
            for name, text in MECHANISMS.items()
        ],
        **view.versions(),
    }


def broken(broker: Broker) -> str | None:
    """What makes this node unfit to serve."""
    if broker.failed.done():
        return f"the log cannot be written: {broker.failed.result()}"
    if broker.draining:
        return "this node is in maintenance mode"
    missing = [v for v in broker.metadata.vhosts if v not in broker.vhosts]
    return f"vhosts that do not run: {', '.join(missing)}" if missing else None


def served(broker: Broker) -> list[tuple[str, Address, Served]]:
    """The TLS listeners and what they serve: protocol, address, certificate."""
    config = broker.config
    used = {"amqp/ssl": config.tls, "https": config.management_tls, "https/prometheus": config.prometheus_tls}
    return [(p, address, broker.reload.of(tls)) for p, address in broker.listening if (tls := used.get(p))]


def expiring(broker: Broker, *, before: float) -> list[dict[str, Any]]:
    """The TLS listeners with a certificate that ends before a time, in seconds since 1970."""
    found = []
    for protocol, address, now in served(broker):
        if now.certificate.ends > before:
            continue
        day = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now.certificate.ends))
        listener = {"node": broker.node, "protocol": protocol, "interface": address.host, "port": address.port}
        found.append({**listener, "certfile": now.tls.certfile, "certfile_expires_on": [day]})
    return found
