"""What the operator counts of itself, for /metrics. One object per process, handed to whoever counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from watership.admin.api import AdminError, Unreachable

from .kube.client import KubeError

PASS_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)  # seconds
CALL_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 15)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.leads = Gauge("watership_operator_leader", "1 while this replica leads", registry=self.registry)
        self.passes = Histogram(
            "watership_operator_pass_seconds",
            "time of one pass: work is cluster (a BrokerCluster's children) or topology (all objects of one broker)",
            ["work"],
            buckets=PASS_BUCKETS,
            registry=self.registry,
        )
        self.calls = Histogram(
            "watership_operator_broker_call_seconds",
            "requests to brokers by verb of the admin protocol, and their time",
            ["verb"],
            buckets=CALL_BUCKETS,
            registry=self.registry,
        )
        self.requests = Counter(
            "watership_operator_kubernetes_requests",
            "requests to the API server; status 0: no answer",
            ["method", "kind", "status"],
            registry=self.registry,
        )
        self.errors = Counter(
            "watership_operator_errors",
            "what went wrong: of the broker (refused, unreachable), of the API server (by HTTP status), or a defect",
            ["source", "kind"],
            registry=self.registry,
        )

    def failed(self, error: BaseException) -> None:
        self.errors.labels(*kind_of(error)).inc()

    @contextmanager
    def broker_call(self, verb: str) -> Iterator[None]:
        """Times one request to a broker, and counts its error if it has one."""
        started = time.perf_counter()
        try:
            yield
        except (AdminError, Unreachable) as error:
            self.failed(error)
            raise
        finally:
            self.calls.labels(verb).observe(time.perf_counter() - started)


def kind_of(error: BaseException) -> tuple[str, str]:
    """(source, kind) of an error."""
    if isinstance(error, Unreachable):
        return "broker", "unreachable"
    if isinstance(error, AdminError):
        return "broker", f"refused-{error.status}"
    if isinstance(error, KubeError):
        return "kubernetes", str(error.status or "unreachable")
    return "operator", type(error).__name__
