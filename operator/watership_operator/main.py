"""The operator's process: settings, the lease, the engine, kopf. The only place that wires them."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys

import kopf
from kopf._core.engines.peering import Identity

from .cache import Cache, keys_of
from .engine import Engine
from .handlers import register
from .kinds import SPECS
from .kinds.resource import API_VERSION
from .kube import Kube, KubeError, connect
from .kube.lease import LeaderLease
from .links import Links
from .probes import serve
from .reconcile import Reconciler

log = logging.getLogger("watership.operator")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="watership-operator", description="Keeps brokers and their topology as custom resources say."
    )
    environment = os.environ.get
    parser.add_argument(
        "--namespace",
        action="append",
        default=[n for n in environment("WATCH_NAMESPACES", "").split(",") if n],
        help="namespace to watch; may be given again (default: all)",
    )
    parser.add_argument(
        "--image", default=environment("BROKER_IMAGE", "watership:latest"), help="image of brokers that name none"
    )
    parser.add_argument("--metrics-port", type=int, default=8080, help="/metrics, /healthz and /readyz; 0: none")
    parser.add_argument(
        "--lease-namespace", default=environment("POD_NAMESPACE", "default"), help="where the leader's Lease is"
    )
    parser.add_argument("--no-leader-election", action="store_true", help="when there is never more than one replica")
    parser.add_argument("--resync", type=float, default=30.0, help="seconds between looks at a broker (default 30)")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    return parser.parse_args()


def main() -> int:
    arguments = options()
    logging.basicConfig(
        stream=sys.stderr,
        level=arguments.log_level.upper(),
        format="%(asctime)s [%(levelname)s] %(name)s: %(message)s",
    )
    logging.getLogger("kopf").setLevel(logging.WARNING)
    try:
        return asyncio.run(run(arguments))
    except KubeError as error:
        log.critical("%s", error)
        return 1


async def run(arguments: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    kube = await connect()
    cache, links = Cache(), Links()
    reconciler = Reconciler(kube, cache, links, image=arguments.image)
    engine = Engine(reconciler.work, resync=arguments.resync)
    probes = await serve(engine, cache, arguments.metrics_port) if arguments.metrics_port else None
    identity = f"{socket.gethostname()}-{os.getpid()}"
    lease = LeaderLease(kube, arguments.lease_namespace, "watership-operator", identity)
    try:
        if not arguments.no_leader_election and not await first(stop, lease.acquire()):
            return 0
        await prime(kube, cache, engine, arguments.namespace)
        holding = stop.wait() if arguments.no_leader_election else lease.hold()
        return await lead(stop, engine, cache, arguments.namespace, holding)
    finally:
        if not arguments.no_leader_election:
            await lease.release()
        if probes is not None:
            await probes.cleanup()
        await links.close()
        await kube.close()


async def first(stop: asyncio.Event, work: object) -> bool:
    """Runs `work` until it is done (True) or the process is told to stop (False)."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())]  # type: ignore[call-overload]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finished: bool = tasks[0].done()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return finished


async def prime(kube: Kube, cache: Cache, engine: Engine, namespaces: list[str]) -> None:
    """Reads every object before the first pass: what is not in the cache then does not exist."""
    for kind in SPECS:
        for namespace in namespaces or [None]:  # type: ignore[list-item]
            async for manifest in kube.items(API_VERSION, kind, namespace):
                resource, _ = cache.put(manifest)
                if resource is not None:
                    for key in keys_of(resource):
                        engine.enqueue(key)
    log.info("read %d objects", len(cache.resources))


async def lead(stop: asyncio.Event, engine: Engine, cache: Cache, namespaces: list[str], holding: object) -> int:
    """Works until told to stop or the lease is lost. kopf ends the tasks of its own, ours are made before it."""
    work = asyncio.create_task(engine.run(), name="the engine")
    held = asyncio.ensure_future(holding)  # type: ignore[call-overload]
    done = asyncio.Event()
    watch = asyncio.create_task(watches(cache, engine, namespaces, done), name="the watches")
    asked = asyncio.create_task(stop.wait())
    ended, _ = await asyncio.wait([work, held, watch, asked], return_when=asyncio.FIRST_COMPLETED)
    status = 0 if stop.is_set() else 1
    for task in ended - {asked}:
        log.critical("stops: %r ended%s", task.get_name(), f": {task.exception()!r}" if task.exception() else "")
    done.set()
    work.cancel()
    held.cancel()
    asked.cancel()
    await asyncio.gather(work, held, watch, asked, return_exceptions=True)
    return status


async def watches(cache: Cache, engine: Engine, namespaces: list[str], stop: asyncio.Event) -> None:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.finalizer = "watership.dev/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="watership.dev")
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix="watership.dev")
    settings.networking.request_timeout = 30
    registry = kopf.OperatorRegistry()
    register(registry, cache, engine)
    await kopf.operator(
        registry=registry,
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
        identity=Identity(socket.gethostname()),  # else it asks for a user name, which a container has not
    )
