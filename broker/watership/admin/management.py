"""The verbs as HTTP: RabbitMQ's management API under /api, described by /api/openapi.json and /api/index.html."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl, quote

from aiohttp import web

from watership.broker import Broker
from watership.broker.certificates import too_deep
from watership.model.users import User

from . import feed, openapi
from .api import MARK, VERBS, AdminError, Backup, Json, Verb
from .auth import authenticate, authorise, basic
from .conventions import LARGEST_BODY, Conventions, Handler, acceptable, answer
from .listing import asked, shown
from .local import LocalAdmin

PATIENCE = 60  # seconds for a reader of a stream to take a piece


class Management:
    """The application of one listener. `management.path_prefix` stands before every path.

    owner: who asks, where nobody logs in; then there is no prefix either.
    """

    def __init__(self, broker: Broker, *, owner: User | None = None) -> None:
        self.broker = broker
        self.owner = owner
        prefix = "" if owner else str(broker.config["management.path_prefix"]).strip("/")
        self.prefix = f"/{prefix}" if prefix else ""

    def application(self) -> web.Application:
        conventions = Conventions(self.broker.config)
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[conventions.middleware])
        for verb in VERBS:
            # Names may hold braces, which the router's own pattern does not take. The default exchange's may be empty.
            path = "/".join(
                f"{part[:-1]}:[^/]{'*' if part == '{exchange}' else '+'}}}" if part.startswith("{") else part
                for part in verb.path.split("/")
            )
            for method in ("GET", "HEAD") if verb.method == "GET" and not verb.endless else (verb.method,):
                app.router.add_route(method, f"{self.prefix}/api{path}{{slash:/?}}", self.handler(verb))
        app.router.add_get(f"{self.prefix}/api/openapi.json", self.openapi)
        app.router.add_get(f"{self.prefix}/api/index.html", self.index)
        app.router.add_get(f"{self.prefix}/api{{slash:/?}}", self.to_index)
        conventions.know(app.router)
        return app

    def handler(self, verb: Verb) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self.perform(verb, request)

        return handle

    async def perform(self, verb: Verb, request: web.Request) -> web.StreamResponse:
        acceptable(request, verb.kind)
        user = self.asking(verb, request)
        call: list[Any] = [request.match_info[name] for name in verb.parameters]
        if verb.body:
            call.append(await body_of(request))
        options: dict[str, Any] = {
            o.replace("-", "_"): request.query[o] != "false" for o in verb.options if o in request.query
        }
        if verb.name == "delete_connection" and "X-Reason" in request.headers:
            options["reason"] = request.headers["X-Reason"]
        statistics = asked(request.query, self.broker.config)
        admin = LocalAdmin(self.broker, user, asked=statistics, source=request.remote or "")
        if verb.feed:
            since = request.headers.get("Last-Event-ID") or request.query.get("since", "")
            return await feed.serve(request, admin.batches(since))
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
        if self.owner is not None:
            return self.owner
        if verb.tag == "none":
            return User("")
        tls = request.transport and request.transport.get_extra_info("ssl_object")
        settings = self.broker.config.management_tls
        if tls and settings and too_deep(tls, settings.depth):
            raise AdminError(401, "not_authorized", "the chain of the client's certificate is longer than depth")
        user = authenticate(self.broker, *basic(request.headers.get("Authorization")), request.remote or "")
        authorise(user, verb.tag)
        return user

    def response(self, verb: Verb, result: object, request: web.Request) -> web.Response:
        if verb.text:
            return web.Response(text=str(result), headers={"Cache-Control": "no-cache"})
        if verb.method == "GET":
            response = answer(shown(result, request.query, pages=verb.pages))
            if "download" in request.query:
                response.headers["Content-Disposition"] = f"attachment; filename={quote(request.query['download'])}"
            return response
        if verb.asked:
            return answer(result)
        if verb.name == "post_binding":
            # Relative to the path asked for. The key is escaped already, and again to stand in a path.
            destination = quote(request.match_info["destination"], safe="")
            return web.Response(status=201, headers={"Location": f"{destination}/{quote(str(result), safe='~')}"})
        return web.Response(status=201 if result is True else 204)

    # What the API says about itself: no login, nothing about the broker

    async def openapi(self, _: web.Request) -> web.Response:
        return answer(openapi.document(self.prefix))

    async def index(self, _: web.Request) -> web.Response:
        return web.Response(text=openapi.page(self.prefix), content_type="text/html")

    async def to_index(self, _: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": f"{self.prefix}/api/index.html"})


async def body_of(request: web.Request) -> Json:
    """An empty body is an empty object; of a form that uploads, the file is the body. Raises AdminError 400."""
    if request.content_type.startswith("multipart/"):
        fields = await request.post()
        file = fields.get("file")
        if not isinstance(file, web.FileField):
            raise AdminError(400, "bad_request", "not_json: the form has no field 'file'")
        return parsed(file.file.read())
    text = await request.read()
    if request.content_type == "application/x-www-form-urlencoded" and text[:1] not in (b"{", b"[", b'"'):
        return dict(parse_qsl(text.decode(errors="replace")))
    return parsed(text)


def parsed(text: bytes) -> Json:
    """Raises AdminError 400."""
    try:
        body = json.loads(text) if text.strip() else {}
        if b"\\ud" in text.lower():
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair cannot be a name
    except (ValueError, RecursionError) as error:
        raise AdminError(400, "bad_request", f"not_json: {error}") from None
    if isinstance(body, str):
        reason = "the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"
        raise AdminError(400, "bad_request", f"invalid payload: {reason}")
    if not isinstance(body, dict):
        raise AdminError(400, "bad_request", "not_json: the body must be a JSON object")
    return body
