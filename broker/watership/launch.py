"""From a configuration to a broker that is ready, and its end. The table of contents of the broker."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from watership.admin import loading
from watership.admin.http import AdminServer
from watership.broker import Broker
from watership.broker.reload import Reload
from watership.config import Address, Config
from watership.server import Listeners

SCHEMES = {"management": "http", "management/ssl": "https"}
log = logging.getLogger("watership")


async def run(config: Config, data: Path, *, ready: Callable[[str], None], paths: Sequence[Path] = ()) -> int:
    """Runs until SIGTERM or SIGINT, or until the disk fails; returns the exit status. `ready` gets one line when
    all listen. paths: what the configuration was read from, and is read from again when it changes.

    Raises watership.store's errors and ListenError, each with a sentence for the user.
    """
    loop = asyncio.get_running_loop()
    stop = stop_signal(loop)
    broker = Broker.open(config, data, loop)
    reload = broker.reload = Reload(broker, paths)
    amqp, admin = Listeners(broker), AdminServer(broker)
    try:
        if broker.definitions is not None:
            loading.load(broker, broker.definitions)
        reload.follow_default_user()
        broker.put_cluster_id()
        await broker.durable()
        broker.alarms.watch(loop)
        broker.statistics.start()
        await amqp.open()
        await admin.open(amqp.addresses)
        reload.watch()
        loop.add_signal_handler(signal.SIGHUP, reload.reload)
        gc.collect()
        gc.freeze()  # what exists now stays: collections need not look at it
        for line in greeting(broker, admin):
            ready(line)
        ready(sentence(amqp, admin))
        await ended(stop, broker.failed)
    finally:
        reload.close()
        await admin.close()
        await amqp.close()
        broker.close()
    return 1 if broker.failed.done() else 0


def stop_signal(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


async def ended(stop: asyncio.Event, failed: asyncio.Future[OSError]) -> None:
    """Returns when either has happened."""
    asked = asyncio.ensure_future(stop.wait())
    futures: list[asyncio.Future[Any]] = [asked, failed]
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()


def greeting(broker: Broker, admin: AdminServer) -> list[str]:
    """The message of the day; at the first start how to log in, without any password."""
    lines = []
    if (motd := broker.config["motd_file"]) is not None:
        try:
            lines += Path(motd).read_text().splitlines()
        except OSError as error:
            log.warning("motd_file = %s: %s", motd, error.strerror)
    if broker.fresh and broker.definitions is None:
        user = broker.config["default_user"]
        where = " (from this machine only)" if user in broker.config.loopback_users else ""
        lines.append(f"first start: user '{user}' logs in with default_pass{where}; change it with")
        lines.append(f"  watership ctl --data {broker.data} change_password {user}")
        lines += [f"management API: {url(name, address)}" for name, address in admin.addresses if name in SCHEMES]
    return lines


def url(listener: str, address: Address) -> str:
    return f"{SCHEMES[listener]}://{address}/api"


def sentence(amqp: Listeners, admin: AdminServer) -> str:
    """One line: what listens where."""
    parts = [f"{protocol} on {address}" for protocol, address, _ in amqp.servers]
    parts += [f"{name} on {address}" for name, address in admin.addresses]
    return "ready: " + ", ".join(parts)
