"""The verbs as calls to a broker somewhere else: one kept-alive session, errors as sentences.

It works with a real RabbitMQ too, which has no `snapshot`: it is put together from lists there.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, cast
from urllib.parse import quote, unquote

import aiohttp
from yarl import URL

from .api import BY_NAME, MARK, AdminError, Json, Snapshot, Unreachable, Verb

STREAMING = aiohttp.ClientTimeout(total=None, connect=5, sock_read=60)
LISTS = {  # of a snapshot: the verb that lists them
    "vhosts": "list_vhosts",
    "users": "list_users",
    "permissions": "list_permissions",
    "topic_permissions": "list_topic_permissions",
    "policies": "list_policies",
    "operator_policies": "list_operator_policies",
    "limits": "list_vhost_limits",
    "exchanges": "list_exchanges",
    "queues": "list_queues",
    "bindings": "list_bindings",
}


SILENCE = 60.0  # seconds; a broker that is there gives a sign of life more often


class Client:
    """url: http://HOST:PORT of the management API. ca: PEM of the authorities to trust; without it the system's.

    Every verb of the table is a method: `await client.put_queue("/", "orders", {"durable": True})`. Raises AdminError
    when the broker refuses, Unreachable when it does not answer.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        ca: bytes | None = None,
        timeout: float = 15,
        connections: int = 16,
        socket: str | None = None,
    ) -> None:
        """socket: the path of a broker's control socket, which needs no login; url is then a name only."""
        self.url = url.rstrip("/")
        self.socket = socket
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}
        self.ca = ca
        self.context = ssl.create_default_context(cadata=ca.decode()) if ca else None
        self.timeout = aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 5))
        self.connections = connections
        self.session: aiohttp.ClientSession | None = None
        self.lists_only = False  # it is no Watership

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        if self.session is not None:
            await self.session.close()
            self.session = None

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        verb = BY_NAME.get(name)
        if verb is None:
            raise AttributeError(name)

        async def call(*arguments: Any, **options: bool) -> Any:
            return await self.perform(verb, arguments, options)

        return call

    async def snapshot(self) -> Snapshot:
        if not self.lists_only:
            try:
                return cast("Snapshot", await self.perform(BY_NAME["snapshot"], (), {}))
            except AdminError as error:
                if error.status not in (404, 405):
                    raise
                self.lists_only = True
        return await self.lists()

    async def watch(self, since: str = "") -> AsyncIterator[Json]:
        """As the verb, until it breaks: then Unreachable, and the last id is where to go on."""
        url = URL(f"{self.url}/api/events?since={quote(since)}", encoded=True)
        unlimited = aiohttp.ClientTimeout(total=None, connect=self.timeout.connect, sock_read=SILENCE)
        try:
            async with self.opened().get(url, timeout=unlimited, headers={"Accept": "text/event-stream"}) as response:
                if response.status >= 400:
                    raise failure(response.status, await response.text())
                async for line in response.content:
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])
        except TimeoutError:
            raise Unreachable(f"{self.url} told nothing for {SILENCE:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{self.place} cannot be reached: {why(error)}") from None
        raise Unreachable(f"{self.url} ended the events")

    async def lists(self) -> Snapshot:
        """The same from any broker with RabbitMQ's API, in one request per noun."""
        overview = await self.get_overview()
        found = {name: await getattr(self, verb)() for name, verb in LISTS.items()}
        found["exchanges"] = [e for e in found["exchanges"] if e["name"] and not e["name"].startswith("amq.")]
        found["bindings"] = [b for b in found["bindings"] if b["source"]]
        limits = {item["user"]: item["value"] for item in await self.list_user_limits()}
        found["users"] = [{**u, "limits": limits.get(u["name"], {})} for u in found["users"]]
        about = {"revision": "", "product_version": overview["product_version"], "node": overview["node"]}
        return cast("Snapshot", {**about, "cluster_name": overview["cluster_name"], **found})

    async def perform(self, verb: Verb, arguments: tuple[Any, ...], options: dict[str, bool]) -> Any:
        """options: what may stand in the query, and `reason`: what the client of a connection that is closed reads."""
        reason = options.pop("reason", None)
        names = verb.parameters
        expected = len(names) + verb.body
        if len(arguments) != expected:
            raise TypeError(f"{verb.name} takes {', '.join((*names, *(['body'] if verb.body else [])))}")
        path = verb.path
        for name, value in zip(names, arguments, strict=False):
            path = path.replace(f"{{{name}}}", segment(str(value)))
        query = "&".join(f"{name.replace('_', '-')}=true" for name, on in options.items() if on)
        body = arguments[-1] if verb.body else None
        return await self.request(verb, f"/api{path}" + (f"?{query}" if query else ""), body, reason=reason)

    def opened(self) -> aiohttp.ClientSession:
        if self.session is None:
            connector = self.connector()
            self.session = aiohttp.ClientSession(connector=connector, headers=self.headers, timeout=self.timeout)
        return self.session

    async def request(self, verb: Verb, target: str, body: Json | None, *, reason: object = None) -> Any:
        url = URL(self.url + target, encoded=True)
        try:
            if verb.stream:
                return await self.stream(await self.opened().get(url, timeout=STREAMING))
            headers = {"X-Reason": str(reason)} if reason else None
            async with self.opened().request(verb.method, url, json=body, headers=headers) as response:
                text = await response.text()
                return self.result(verb, response, text)
        except TimeoutError:
            raise Unreachable(f"{self.place} did not answer {verb.name} within {self.timeout.total:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{self.place} cannot be reached: {why(error)}") from None
        except ValueError:
            raise Unreachable(f"{self.url} is no management API: its answer to {verb.name} is no JSON") from None

    async def stream(self, response: aiohttp.ClientResponse) -> Download:
        if response.status >= 400:
            async with response:
                raise failure(response.status, await response.text())
        return Download(response)

    @property
    def place(self) -> str:
        """Where the broker is, in sentences."""
        return self.socket or self.url

    def connector(self) -> aiohttp.BaseConnector:
        if self.socket is not None:
            return aiohttp.UnixConnector(self.socket, limit=self.connections)
        return aiohttp.TCPConnector(limit=self.connections, ssl=self.context or True)

    def result(self, verb: Verb, response: aiohttp.ClientResponse, text: str) -> Any:
        if response.status >= 400:
            raise failure(response.status, text)
        if verb.name == "post_binding":
            location = response.headers.get("Location", "")
            return unquote(location.rpartition("/")[2])
        if verb.method == "PUT":
            return response.status == 201
        if verb.text:
            return text
        return json.loads(text) if text else None


class Download:
    """As api.Backup says. Raises Unreachable when it is cut off."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.mark = int(response.headers[MARK])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self.response.content.iter_chunked(1 << 20):
                yield piece
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{self.response.url.origin()} has stopped in the middle: {why(error)}") from None

    async def close(self) -> None:
        self.response.close()


def segment(name: str) -> str:
    """A name as one segment of a path. "." and ".." would be taken for steps if they stood there as they are."""
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe="")


def why(error: Exception) -> str:
    """The cause, without the wrapping of the HTTP library."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def failure(status: int, text: str) -> AdminError:
    """The broker's words, whatever form its refusal has."""
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    reason = body.get("reason", text.strip() or f"HTTP status {status}")
    more = {name: value for name, value in body.items() if name.isidentifier() and name not in AdminError.OWN}
    return AdminError(status, str(body.get("error", body.get("status", ""))), str(reason), **more)
