"""What the memory of this process is used for, in RabbitMQ's words where they mean something here."""

from __future__ import annotations

from typing import Any

from watership.broker import Broker
from watership.broker.alarms import resident_bytes

NOTHING = (  # that there is here, but rabbitmqadmin reads no answer without them
    *("allocated_unused", "atom", "binary", "code", "metadata_store", "metadata_store_ets", "metrics", "mgmt_db"),
    *("connection_channels", "connection_other", "connection_readers", "connection_writers", "mnesia", "msg_index"),
    *("other_ets", "other_proc", "plugins", "quorum_ets", "quorum_queue_dlx_procs", "reserved_unallocated"),
    *("stream_queue_coordinator_procs", "stream_queue_procs", "stream_queue_replica_reader_procs"),
)


def breakdown(broker: Broker) -> dict[str, Any]:
    """Octets by use; total as RabbitMQ nests it. What is not a message in memory is the program and its tables."""
    queues = [q for v in broker.vhosts.values() for q in v.live.values()]
    resident = resident_bytes()
    parts = {
        "queue_procs": sum(q.records.memory for q in queues if q.type != "quorum"),
        "quorum_queue_procs": sum(q.records.memory for q in queues if q.type == "quorum"),
    }
    other = max(0, resident - sum(parts.values()))
    totals = dict.fromkeys(("rss", "allocated", "erlang"), resident)
    return {**dict.fromkeys(NOTHING, 0), **parts, "other_system": other, "strategy": "rss", "total": totals}
