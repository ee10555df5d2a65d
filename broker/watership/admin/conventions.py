"""What every answer of the management API has in common: headers, refusals, CORS, what a client accepts."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from watership.config import Config

from .api import AdminError
from .auth import NoCredentials

log = logging.getLogger("watership.admin")
LARGEST_BODY = 64 << 20
WORTH_COMPRESSING = 2048  # octets
METHODS = ("HEAD", "GET", "POST", "PUT", "DELETE")  # in RabbitMQ's order
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(body: object, status: int = 200) -> web.Response:
    text = json.dumps(body, default=as_json, separators=(",", ":"))
    fields = {"Content-Type": "application/json"} | ({"Cache-Control": "no-cache"} if status in (200, 503) else {})
    return web.Response(body=text.encode(), status=status, headers=fields)


def as_json(value: object) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def refused(error: AdminError) -> web.Response:
    if isinstance(error, NoCredentials):
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="RabbitMQ Management"'})
    key = "status" if error.error == "failed" else "error"
    return answer({key: error.error, "reason": error.reason, **error.fields}, error.status)


def acceptable(request: web.Request, kind: str) -> None:
    """Raises HTTPNotAcceptable (406) for a client that takes no answer of that kind."""
    kinds = [part.split(";")[0].strip() for part in request.headers.get("Accept", "*/*").split(",")]
    if not {kind, kind.split("/", maxsplit=1)[0] + "/*", "*/*", "*"} & set(kinds):
        raise web.HTTPNotAcceptable


class Conventions:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.allowed: dict[str, str] = {}  # methods of each path, as Allow has them

    def know(self, router: web.UrlDispatcher) -> None:
        """The routes are there: what may be asked for on each path."""
        methods: dict[str, set[str]] = {}
        for resource in router.resources():
            methods.setdefault(resource.canonical, set()).update(route.method for route in resource)
        self.allowed = {path: self.allow(found) for path, found in methods.items()}

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def follow(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await self.respond(request, handler)
            if not response.prepared:
                self.dress(request, response)
            return response

        return follow

    async def respond(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every refusal in the management API's form. Unknown paths are 404 before anyone asks for a login."""
        try:
            return await handler(request)
        except AdminError as error:
            return refused(error)
        except web.HTTPMethodNotAllowed as error:
            exact = f"{request.rel_url.raw_path.rstrip('/')}{{slash}}"  # /users/bulk-delete is no user
            allow = self.allowed.get(exact) or self.allow(set(error.allowed_methods))
            return web.Response(status=200 if request.method == "OPTIONS" else 405, headers={"Allow": allow})
        except web.HTTPNotAcceptable:
            return web.Response(status=406)
        except web.HTTPNotFound:
            return answer({"error": "Object Not Found", "reason": "Not Found"}, 404)
        except web.HTTPRequestEntityTooLarge:
            return answer({"error": "bad_request", "reason": f"the body is larger than {LARGEST_BODY} bytes"}, 413)
        except Exception:
            log.exception("%s %s could not be answered", request.method, request.rel_url)
            reason = "the broker met an error of its own; its log says more"
            return answer({"error": "internal_error", "reason": reason}, 500)

    def allow(self, methods: set[str]) -> str:
        return ", ".join([*(m for m in METHODS if m in methods), "OPTIONS"])

    def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        headers, config = response.headers, self.config
        resource = request.match_info.route.resource
        if resource is not None:
            headers.setdefault("Allow", self.allowed[resource.canonical])
        headers.setdefault("Cache-Control", "public, max-age=0, must-revalidate")
        headers["Vary"] = "accept, accept-encoding, origin"
        headers["Content-Security-Policy"] = config["management.csp.policy"]
        if config["management.hsts.policy"] and request.secure:
            headers["Strict-Transport-Security"] = config["management.hsts.policy"]
        self.let_in(request, response)
        if isinstance(response, web.Response) and len(response.body or b"") > WORTH_COMPRESSING:  # type: ignore[arg-type]
            response.enable_compression()

    def let_in(self, request: web.Request, response: web.StreamResponse) -> None:
        """CORS: pages of the configured origins may use the API with the user's login."""
        origin, headers = request.headers.get("Origin"), response.headers
        if origin is None or not {origin, "*"} & set(self.config.cors_origins):
            return
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = headers.get("Allow", "OPTIONS")
            headers["Access-Control-Max-Age"] = str(self.config["management.cors.max_age"])
            if (wanted := request.headers.get("Access-Control-Request-Headers")) is not None:
                headers["Access-Control-Allow-Headers"] = wanted
