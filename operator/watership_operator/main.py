"""The operator's process: settings, the lease, the engine, kopf. The only place that wires them."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
from typing import Any

import kopf
from kopf._core.engines.peering import Identity

from . import logs
from .cache import Cache
from .engine import Engine
from .handlers import Intake, register
from .kinds import SPECS
from .kinds.resource import API_VERSION
from .kube import Kube, KubeError, connect
from .kube.follow import Follower
from .kube.lease import LeaderLease
from .links import Links
from .metrics import Metrics
from .plan.deletion import PATIENCE
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
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE,
        help=f"seconds that a deletion waits for a broker that does not answer (default {PATIENCE:g})",
    )
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    parser.add_argument(
        "--log-format", default="text", choices=("text", "json"), help="json: one object per line, with kind and name"
    )
    return parser.parse_args()


def main() -> int:
    arguments = options()
    logs.configure(arguments.log_level, arguments.log_format)
    try:
        return asyncio.run(run(arguments))
    except KubeError as error:
        log.critical("%s", error)
        return 1


async def run(arguments: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    metrics = Metrics()
    kube = await connect(count=lambda *request: metrics.requests.labels(*request).inc())
    identity = f"{socket.gethostname()}-{os.getpid()}"
    lease = None
    if not arguments.no_leader_election:
        lease = LeaderLease(kube.unguarded(), arguments.lease_namespace, "watership-operator", identity)
        kube.may_write = lease.held
    cache, links = Cache(), Links(metrics)
    reconciler = Reconciler(kube, cache, links, image=arguments.image, patience=arguments.patience)
    engine = Engine(reconciler.work, resync=arguments.resync, metrics=metrics)
    probes = await serve(engine, cache, lease, arguments.metrics_port) if arguments.metrics_port else None
    try:
        if lease is not None and not await first(stop, lease.acquire()):
            return 0
        holding = asyncio.create_task(hold(stop, lease), name="the hold of the lease")
        intake = Intake(cache, engine)
        followers = await prime(kube, intake, arguments.namespace)
        return await lead(stop, intake, followers, arguments.namespace, holding)
    finally:
        if lease is not None:
            await lease.release()
        if probes is not None:
            await probes.cleanup()
        await links.close()
        await kube.close()


async def hold(stop: asyncio.Event, lease: LeaderLease | None) -> None:
    """Ends when this replica has to: told to, or no longer the leader."""
    await (stop.wait() if lease is None else lease.hold())


async def first(stop: asyncio.Event, work: object) -> bool:
    """Runs `work` until it is done (True) or the process is told to stop (False)."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())]  # type: ignore[call-overload]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finished: bool = tasks[0].done()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return finished


async def prime(kube: Kube, intake: Intake, namespaces: list[str]) -> list[Follower]:
    """Reads every object before the first pass: what is not in the cache then does not exist."""
    followers = [
        Follower(kube, intake.receive, api_version=API_VERSION, kind=kind, namespace=namespace)
        for kind in SPECS
        for namespace in namespaces or [None]  # type: ignore[list-item]
    ]
    followers += [
        Follower(kube, intake.refer, api_version="v1", kind=kind, namespace=namespace, only_metadata=True)
        for kind in ("Secret", "ConfigMap")
        for namespace in namespaces or [None]  # type: ignore[list-item]
    ]
    for follower in followers:
        try:
            await follower.read()
        except KubeError as error:
            if error.status != 404:
                raise
            log.error("%s: %s; are the CustomResourceDefinitions of this version installed?", follower.kind, error)
    log.info("read %d objects", len(intake.cache.resources))
    return [f for f in followers if f.kind != "BrokerCluster"]  # kopf follows those


async def lead(
    stop: asyncio.Event, intake: Intake, followers: list[Follower], namespaces: list[str], held: asyncio.Task[None]
) -> int:
    """Works until told to stop or the lease is lost. kopf ends the tasks of its own, ours are made before it."""
    work = asyncio.create_task(intake.engine.run(), name="the engine")
    own = [asyncio.create_task(f.run(), name=f"the watch of {f.kind}") for f in followers]
    done = asyncio.Event()
    watch = asyncio.create_task(watches(intake, namespaces, done), name="the watches")
    asked = asyncio.create_task(stop.wait())
    tasks: list[asyncio.Task[Any]] = [work, held, watch, asked, *own]
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    status = 0 if stop.is_set() else 1
    for task in ended - {asked}:
        log.critical("stops: %r ended%s", task.get_name(), f": {task.exception()!r}" if task.exception() else "")
    done.set()
    for task in (work, held, asked, *own):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return status


async def watches(intake: Intake, namespaces: list[str], stop: asyncio.Event) -> None:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.finalizer = "watership.dev/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="watership.dev")
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix="watership.dev")
    settings.networking.request_timeout = 30
    registry = kopf.OperatorRegistry()
    register(registry, intake)
    await kopf.operator(
        registry=registry,
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
        identity=Identity(socket.gethostname()),  # else it asks for a user name, which a container has not
    )
