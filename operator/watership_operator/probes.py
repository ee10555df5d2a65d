"""The operator's own HTTP side: /metrics, /healthz, /readyz."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from .cache import Cache
from .engine import Engine


class OperatorCollector(Collector):
    def __init__(self, engine: Engine, cache: Cache) -> None:
        self.engine = engine
        self.cache = cache

    def collect(self) -> Iterator[Metric]:
        engine = self.engine
        yield GaugeMetricFamily("watership_operator_queue_depth", "keys that wait", len(engine.waiting))
        objects = GaugeMetricFamily("watership_operator_objects", "custom resources seen", labels=["kind", "ready"])
        counts: dict[tuple[str, str], int] = {}
        for resource in self.cache.resources.values():
            state = str(resource.condition("Ready").get("status", "Unknown"))
            counts[resource.kind, state] = counts.get((resource.kind, state), 0) + 1
        for labels, count in counts.items():
            objects.add_metric(labels, count)
        yield objects
        yield CounterMetricFamily("watership_operator_passes", "keys worked on", engine.counters.passes)
        yield CounterMetricFamily("watership_operator_failures", "passes that raised", engine.counters.failures)
        yield CounterMetricFamily("watership_operator_seconds", "time spent in passes", engine.counters.seconds)


async def serve(engine: Engine, cache: Cache, port: int) -> web.AppRunner:
    registry = CollectorRegistry()
    registry.register(OperatorCollector(engine, cache))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", healthy)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, None, port).start()
    return runner
