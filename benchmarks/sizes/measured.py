"""What a stretch of time costs: requests, CPU, memory."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from .audit import READS, Audit, writes
from .stack import Stack


class Meter:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.audit = Audit(stack.plane.work / "audit.log")
        self.api: Counter[str] = Counter()
        self.broker: Counter[str] = Counter()
        self.before = stack.cpu()
        self.broker_before = stack.broker_requests()
        self.started = time.monotonic()

    def read(self) -> dict[str, Any]:
        """Since it was made."""
        after = self.stack.cpu()
        self.api += self.audit.counts()
        now = self.stack.broker_requests()
        self.broker = Counter({verb: count - self.broker_before.get(verb, 0) for verb, count in now.items()})
        used = {name: round(after[name] - self.before.get(name, 0.0), 2) for name in after}
        return {
            "seconds": time.monotonic() - self.started,
            "api_writes": dict(writes(self.api)),
            "lease_writes": self.api["update leases"] + self.api["create leases"],
            "api_reads": sum(count for name, count in self.api.items() if name.split()[0] in READS),
            "broker_requests": {verb: count for verb, count in self.broker.items() if count},
            "operator_cpu_s": used["operator"],
            "stack_cpu_s": round(sum(used.values()), 2),
            "cpu_s": used,
            "resident_mib": round(self.stack.resident()),
            "peak_mib": round(self.stack.memory("VmHWM")),
        }
