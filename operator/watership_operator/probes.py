"""The operator's own HTTP side: /metrics, /healthz, /readyz."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from .cache import Cache
from .engine import PRIORITIES, Engine
from .kube.lease import LeaderLease

LONGEST_PASS = 600.0  # seconds; every request of a pass has a limit of its own, so a longer one hangs


class OperatorCollector(Collector):
    """What is counted when somebody asks, not when it changes."""

    def __init__(self, engine: Engine, cache: Cache) -> None:
        self.engine = engine
        self.cache = cache

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("watership_operator_queue_depth", "keys that wait, by why", labels=["priority"])
        waiting = Counter(self.engine.waiting.values())
        for priority, name in PRIORITIES.items():
            depth.add_metric([name], waiting[priority])
        yield depth
        yield GaugeMetricFamily("watership_operator_busy", "keys that are worked on", len(self.engine.busy))
        objects = GaugeMetricFamily("watership_operator_objects", "custom resources seen", labels=["kind", "ready"])
        states = (r.condition("Ready").get("status", "Unknown") for r in self.cache.resources.values())
        for labels, count in Counter(zip((k[0] for k in self.cache.resources), states, strict=True)).items():
            objects.add_metric(labels, count)
        yield objects


async def serve(engine: Engine, cache: Cache, lease: LeaderLease | None, port: int) -> web.AppRunner:
    """lease: None without leader election."""
    registry = engine.metrics.registry
    registry.register(OperatorCollector(engine, cache))

    async def metrics(_: web.Request) -> web.Response:
        engine.metrics.leads.set(lease is None or lease.held())
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthy(_: web.Request) -> web.Response:
        longest = engine.longest_pass()
        if longest > LONGEST_PASS:
            return web.Response(status=500, text=f"a pass has been under way for {longest:.0f} s\n")
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        """A replica that waits for the lease is ready as well: it would lead at once."""
        return web.Response(text="leads\n" if lease is None or lease.held() else "waits for the lease\n")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, None, port).start()
    return runner
