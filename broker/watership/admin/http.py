"""The HTTP listeners of one broker: the management API, and metrics with probes on a port of their own."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from aiohttp import web

from watership.broker import Broker
from watership.broker.listening import ListenError, busy
from watership.config import Address

from . import health, metrics
from .control import OWNER, ControlSocket
from .conventions import Handler
from .management import Management

PROTOCOLS = {  # of listeners, as the API calls them
    "management": "http",
    "management/ssl": "https",
    "prometheus": "http/prometheus",
    "prometheus/ssl": "https/prometheus",
}


def as_metrics(page: Callable[[web.Request], bytes]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=page(request), headers={"Content-Type": metrics.CONTENT_TYPE})

    return handle


class AdminServer:
    """The HTTP side of one broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.runners: list[web.AppRunner] = []
        self.addresses: list[tuple[str, Address]] = []
        self.control = ControlSocket(broker.data)

    async def open(self, amqp: Sequence[tuple[str, Address]]) -> None:
        """amqp: what else listens, for the overview. Raises ListenError."""
        config = self.broker.config
        for name, app, plain, secure, tls in (
            (
                "management",
                Management(self.broker).application,
                config.management,
                config.management_ssl,
                config.management_tls,
            ),
            ("prometheus", self.monitoring, config.prometheus, config.prometheus_ssl, config.prometheus_tls),
        ):
            if plain:
                await self.listen(name, app(), plain, None)
            if secure and tls is None:
                raise ListenError(f"{name}.ssl.port is set, but neither {name}.ssl nor ssl_options names a certificate")
            if secure and tls:
                await self.listen(f"{name}/ssl", app(), secure, self.broker.reload.context(tls))
        await self.listen_locally()
        self.broker.listening = [*amqp] + [(PROTOCOLS[name], address) for name, address in self.addresses]

    async def listen(self, name: str, app: web.Application, address: Address, context: ssl.SSLContext | None) -> None:
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        self.runners.append(runner)
        try:
            await web.TCPSite(runner, address.bind, address.port, ssl_context=context, reuse_address=True).start()
        except OSError as error:
            raise busy(name, address, error) from None
        self.addresses.append((name, address))

    async def listen_locally(self) -> None:
        app = Management(self.broker, owner=OWNER).application()
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        self.runners.append(runner)
        await self.control.open(runner)

    async def close(self) -> None:
        self.control.close()
        for runner in self.runners:
            await runner.cleanup()

    # Applications

    def monitoring(self) -> web.Application:
        app = web.Application()
        path = "/" + self.broker.config["prometheus.path"].strip("/")
        for name, handler in (
            ("", lambda _: metrics.page(self.broker)),
            ("/per-object", lambda _: metrics.page(self.broker, per_object=True)),
            ("/detailed", self.detailed),
            ("/memory-breakdown", lambda _: metrics.memory_breakdown(self.broker)),
        ):
            app.router.add_get(path + name, as_metrics(handler))
        app.router.add_get("/livez", self.live)
        app.router.add_get("/readyz", self.ready)
        return app

    # Metrics and probes: no login, nothing about messages

    def detailed(self, request: web.Request) -> bytes:
        """family, which may be given again, and vhost likewise; queue."""
        given = frozenset(request.query.getall("vhost", []))
        wanted = metrics.Wanted(given or None, request.query.get("queue"))
        return metrics.detailed(self.broker, request.query.getall("family", []), wanted)

    async def live(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(self, _: web.Request) -> web.Response:
        problem = health.broken(self.broker)
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)
