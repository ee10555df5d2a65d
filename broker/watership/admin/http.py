"""The verbs as HTTP: RabbitMQ's management API under /api, and metrics with probes on a port of their own."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import web

from watership.broker import Broker
from watership.broker.listening import ListenError, busy
from watership.config import Address
from watership.model.users import User

from . import health, metrics
from .api import MARK, VERBS, AdminError, Backup, Json, Verb
from .auth import NoCredentials, authenticate, authorise, basic
from .control import OWNER, ControlSocket
from .listing import asked, shown
from .local import LocalAdmin

log = logging.getLogger("watership.admin")
LARGEST_BODY = 64 << 20
PATIENCE = 60  # seconds for a reader of a stream to take a piece
PROTOCOLS = {  # of listeners, as the API calls them
    "management": "http",
    "management/ssl": "https",
    "prometheus": "http/prometheus",
    "prometheus/ssl": "https/prometheus",
}
LOCAL = web.AppKey("local", bool)  # of the application behind the control socket
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    text = json.dumps(body, default=as_json, separators=(",", ":"))
    fields = {"Content-Type": "application/json", "Cache-Control": "no-cache"} | (headers or {})
    return web.Response(body=text.encode(), status=status, headers=fields)


def as_json(value: object) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def refused(error: AdminError) -> web.Response:
    if isinstance(error, NoCredentials):
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="RabbitMQ Management"'})
    key = "status" if error.error == "failed" else "error"
    return answer({key: error.error, "reason": error.reason, **error.fields}, error.status)


@web.middleware
async def say_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in the management API's form. Unknown paths are 404 before anyone asks for a login."""
    try:
        return await handler(request)
    except AdminError as error:
        return refused(error)
    except web.HTTPMethodNotAllowed as error:
        return web.Response(status=405, headers={"Allow": ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))})
    except web.HTTPNotFound:
        return answer({"error": "Object Not Found", "reason": "Not Found"}, 404)
    except web.HTTPRequestEntityTooLarge:
        return answer({"error": "bad_request", "reason": f"the body is larger than {LARGEST_BODY} bytes"}, 413)
    except Exception:
        log.exception("%s %s could not be answered", request.method, request.rel_url)
        reason = "the broker met an error of its own; its log says more"
        return answer({"error": "internal_error", "reason": reason}, 500)


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
            ("management", self.management, config.management, config.management_ssl, config.management_tls),
            ("prometheus", self.monitoring, config.prometheus, config.prometheus_ssl, config.prometheus_tls),
        ):
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
        app = self.management()
        app[LOCAL] = True
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        self.runners.append(runner)
        await self.control.open(runner)

    async def close(self) -> None:
        self.control.close()
        for runner in self.runners:
            await runner.cleanup()

    # Applications

    def management(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[say_errors])
        for verb in VERBS:
            # Names may hold braces, which the router's own pattern does not take.
            path = verb.path.replace("}", ":[^/]+}")
            for method in ("GET", "HEAD") if verb.method == "GET" and not verb.stream else (verb.method,):
                app.router.add_route(method, f"/api{path}{{slash:/?}}", self.handler(verb))
        return app

    def monitoring(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/metrics/per-object", self.metrics_per_object)
        app.router.add_get("/livez", self.live)
        app.router.add_get("/readyz", self.ready)
        return app

    def handler(self, verb: Verb) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self.perform(verb, request)

        return handle

    async def perform(self, verb: Verb, request: web.Request) -> web.StreamResponse:
        user = self.asking(verb, request)
        call: list[Any] = [request.match_info[name] for name in verb.parameters]
        if verb.body:
            call.append(await body_of(request))
        options = {o.replace("-", "_"): request.query[o] != "false" for o in verb.options if o in request.query}
        admin = LocalAdmin(self.broker, user, asked=asked(request.query, self.broker.config))
        if verb.name == "delete_connection" and "X-Reason" in request.headers:
            options["reason"] = request.headers["X-Reason"]  # type: ignore[assignment]
        result = await getattr(admin, verb.name)(*call, **options)
        return await self.stream(result, request) if verb.stream else self.response(verb, result, request)

    async def stream(self, backup: Backup, request: web.Request) -> web.StreamResponse:
        """A reader that stands still for too long is left: files are kept for it."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-tar", MARK: str(backup.mark)})
        try:
            await response.prepare(request)
            async for piece in backup:
                await asyncio.wait_for(response.write(piece), PATIENCE)
            await response.write_eof()
        finally:
            await backup.close()
        return response

    def asking(self, verb: Verb, request: web.Request) -> User:
        """Raises AdminError 401."""
        if request.app.get(LOCAL):
            return OWNER
        if verb.tag == "none":
            return User("")
        user = authenticate(self.broker, *basic(request.headers.get("Authorization")), request.remote or "")
        authorise(user, verb.tag)
        return user

    def response(self, verb: Verb, result: object, request: web.Request) -> web.Response:
        if verb.text:
            return web.Response(text=str(result), headers={"Cache-Control": "no-cache"})
        if verb.method == "GET":
            return answer(shown(result, request.query, pages=verb.pages))
        if verb.asked:
            return answer(result)
        if verb.name == "post_binding":
            # Relative to the path asked for. The key is escaped already, and again to stand in a path.
            destination = quote(request.match_info["destination"], safe="")
            return web.Response(status=201, headers={"Location": f"{destination}/{quote(str(result), safe='~')}"})
        return web.Response(status=201 if result is True else 204)

    # Metrics and probes: no login, nothing about messages

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=metrics.page(self.broker), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def metrics_per_object(self, _: web.Request) -> web.Response:
        text = metrics.page(self.broker, per_object=True)
        return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def live(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(self, _: web.Request) -> web.Response:
        problem = health.broken(self.broker)
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)


async def body_of(request: web.Request) -> Json:
    """An empty body is an empty object. Raises AdminError 400."""
    text = await request.read()
    try:
        body = json.loads(text) if text.strip() else {}
        if b"\\ud" in text.lower():
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair cannot be a name
    except (ValueError, RecursionError) as error:
        raise AdminError(400, "bad_request", f"not_json: {error}") from None
    if not isinstance(body, dict):
        raise AdminError(400, "bad_request", "not_json: the body must be a JSON object")
    return body
