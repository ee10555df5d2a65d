"""What the memory of this process is used for, in RabbitMQ's words where they mean something here."""

from __future__ import annotations

from typing import Any

from watership.broker import Broker
from watership.broker.alarms import resident_bytes


def breakdown(broker: Broker) -> dict[str, Any]:
    """Octets by use; total as RabbitMQ nests it. What is not a message in memory is the program and its tables."""
    queues = [q for v in broker.vhosts.values() for q in v.live.values()]
    resident = resident_bytes()
    parts = {
        "queue_procs": sum(q.records.memory for q in queues if q.type != "quorum"),
        "quorum_queue_procs": sum(q.records.memory for q in queues if q.type == "quorum"),
    }
    other = max(0, resident - sum(parts.values()))
    return {**parts, "other_system": other, "strategy": "rss", "total": {"rss": resident, "allocated": resident}}
