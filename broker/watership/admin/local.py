"""The verbs over a broker in this process, done in the name of one user."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from watership.broker import Actor, Broker, VirtualHost
from watership.model.errors import AccessRefused, AMQPError, NotFound
from watership.model.permissions import Permission, check_expressions
from watership.model.topology import Vhost
from watership.model.users import ALGORITHMS, DEFAULT_ALGORITHM, User, parse_tags
from watership.queues import ClassicQueue
from watership.wire.amqp091 import properties as basic_properties

from . import view
from .api import AdminError, Json, Snapshot
from .local_cluster import ClusterVerbs

NOT_FOUND = AdminError(404, "Object Not Found", "Not Found")


def refusal(error: AMQPError) -> AdminError:
    """The broker's no, as the management API says it."""
    if isinstance(error, AccessRefused):
        return AdminError(401, "not_authorised", error.explanation)
    if isinstance(error, NotFound):
        return AdminError(404, "not_found", error.explanation)
    return AdminError(400, "bad_request", error.explanation)


def flag(body: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = body.get(name, default)
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise AdminError(400, "bad_request", f"{name} must be true or false, not {value!r}")
    return value


def arguments(body: Mapping[str, Any]) -> dict[str, Any]:
    value = body.get("arguments") or {}
    if not isinstance(value, dict):
        raise AdminError(400, "bad_request", f"arguments must be an object, not {value!r}")
    return value


class LocalAdmin(ClusterVerbs):
    """Verbs that write return when what they did is durable. Raises AdminError."""

    def __init__(self, broker: Broker, user: User) -> None:
        super().__init__(broker, user)

    # Vhosts

    async def list_vhosts(self) -> list[Json]:
        return [view.vhost(self.broker.metadata.vhosts[v.name], v) for v in self.visible()]

    async def get_vhost(self, vhost: str) -> Json:
        live = self.vhost(vhost)
        return view.vhost(self.broker.metadata.vhosts[vhost], live)

    async def put_vhost(self, vhost: str, body: Json) -> bool:
        new = vhost not in self.broker.metadata.vhosts
        old = self.broker.metadata.vhosts.get(vhost, Vhost(vhost))
        description = str(body.get("description", old.description))
        tags = parse_tags(body["tags"]) if "tags" in body else old.tags
        self.broker.put_vhost(Vhost(vhost, description, tags, old.default_queue_type))
        if new:
            self.broker.put_permission(Permission(self.user.name, vhost, ".*", ".*", ".*"))
        await self.broker.durable()
        return new

    async def delete_vhost(self, vhost: str) -> None:
        if vhost not in self.broker.metadata.vhosts:
            raise NOT_FOUND
        self.broker.delete_vhost(vhost)
        await self.broker.durable()

    # Users and permissions

    async def list_users(self) -> list[Json]:
        return [view.user(u) for u in self.broker.metadata.users.values()]

    async def get_user(self, user: str) -> Json:
        found = self.broker.metadata.users.get(user)
        if found is None:
            raise NOT_FOUND
        return view.user(found)

    async def put_user(self, user: str, body: Json) -> bool:
        old = self.broker.metadata.users.get(user)
        if "tags" not in body:
            raise AdminError(400, "bad_request", "key_missing: tags")
        tags = parse_tags(body["tags"])
        if "password_hash" in body:
            algorithm = str(body.get("hashing_algorithm", DEFAULT_ALGORITHM))
            if algorithm not in ALGORITHMS:
                raise AdminError(400, "bad_request", f"hashing_algorithm is one of {', '.join(ALGORITHMS)}")
            made = User(user, str(body["password_hash"]), algorithm, tags)
        elif "password" in body:
            made = self.broker.user(user, str(body["password"]), tags=tags)
        elif old is not None:
            made = User(user, old.password_hash, old.hashing_algorithm, tags)
        else:
            made = self.broker.user(user, None, tags=tags)
        self.broker.put_user(made)
        await self.broker.durable()
        return old is None

    async def delete_user(self, user: str) -> None:
        if user not in self.broker.metadata.users:
            raise NOT_FOUND
        self.broker.delete_user(user)
        await self.broker.durable()

    async def list_permissions(self) -> list[Json]:
        return [view.permission(p) for p in self.broker.metadata.permissions.values()]

    async def get_permission(self, vhost: str, user: str) -> Json:
        found = self.broker.metadata.permissions.get((user, vhost))
        if found is None:
            raise NOT_FOUND
        return view.permission(found)

    async def put_permission(self, vhost: str, user: str, body: Json) -> bool:
        metadata = self.broker.metadata
        for kind, known in (("vhost", vhost in metadata.vhosts), ("user", user in metadata.users)):
            if not known:
                raise AdminError(404, "not_found", f"{kind}_not_found")
        missing = [name for name in ("configure", "write", "read") if name not in body]
        if missing:
            raise AdminError(400, "bad_request", f"key_missing: {', '.join(missing)}")
        configure, write, read = (str(body[name]) for name in ("configure", "write", "read"))
        if problem := check_expressions(configure=configure, write=write, read=read):
            raise AdminError(400, "bad_request", problem)
        new = (user, vhost) not in metadata.permissions
        self.broker.put_permission(Permission(user, vhost, configure, write, read))
        await self.broker.durable()
        return new

    async def delete_permission(self, vhost: str, user: str) -> None:
        await self.get_permission(vhost, user)
        self.broker.delete_permission(user, vhost)
        await self.broker.durable()

    # Exchanges

    async def list_exchanges(self) -> list[Json]:
        return [view.exchange(e) for v in self.visible() for e in v.exchanges.declared.values()]

    async def list_vhost_exchanges(self, vhost: str) -> list[Json]:
        return [view.exchange(e) for e in self.vhost(vhost).exchanges.declared.values()]

    async def get_exchange(self, vhost: str, exchange: str) -> Json:
        found = self.vhost(vhost).exchanges.declared.get(exchange)
        if found is None:
            raise NOT_FOUND
        return view.exchange(found)

    async def put_exchange(self, vhost: str, exchange: str, body: Json) -> bool:
        try:
            new = self.vhost(vhost).exchanges.declare(
                self.actor(vhost),
                exchange,
                type=str(body.get("type", "direct")),
                durable=flag(body, "durable", default=True),
                auto_delete=flag(body, "auto_delete"),
                internal=flag(body, "internal"),
                arguments=arguments(body),
            )
        except AMQPError as error:
            raise refusal(error) from None
        await self.broker.durable()
        return new

    async def delete_exchange(self, vhost: str, exchange: str, *, if_unused: bool = False) -> None:
        await self.get_exchange(vhost, exchange)
        try:
            self.vhost(vhost).exchanges.delete(self.actor(vhost), exchange, if_unused=if_unused)
        except AMQPError as error:
            raise refusal(error) from None
        await self.broker.durable()

    # Queues

    def live_queue(self, vhost: str, queue: str) -> ClassicQueue:
        found = self.vhost(vhost).live.get(queue)
        if found is None:
            raise NOT_FOUND
        return found

    async def list_queues(self) -> list[Json]:
        return [view.queue(q, self.node) for v in self.visible() for q in v.live.values()]

    async def list_vhost_queues(self, vhost: str) -> list[Json]:
        return [view.queue(q, self.node) for q in self.vhost(vhost).live.values()]

    async def get_queue(self, vhost: str, queue: str) -> Json:
        return view.queue(self.live_queue(vhost, queue), self.node)

    async def put_queue(self, vhost: str, queue: str, body: Json) -> bool:
        try:
            _, new = self.vhost(vhost).queues.declare(
                self.actor(vhost),
                queue,
                durable=flag(body, "durable", default=True),
                auto_delete=flag(body, "auto_delete"),
                arguments=arguments(body),
            )
        except AMQPError as error:
            raise refusal(error) from None
        await self.broker.durable()
        return new

    async def delete_queue(self, vhost: str, queue: str, *, if_unused: bool = False, if_empty: bool = False) -> None:
        self.live_queue(vhost, queue)
        try:
            self.vhost(vhost).queues.delete(self.actor(vhost), queue, if_unused=if_unused, if_empty=if_empty)
        except AMQPError as error:
            raise refusal(error) from None
        await self.broker.durable()

    async def purge_queue(self, vhost: str, queue: str) -> None:
        self.live_queue(vhost, queue)
        try:
            self.vhost(vhost).queues.purge(self.actor(vhost), queue)
        except AMQPError as error:
            raise refusal(error) from None
        await self.broker.durable()

    # Bindings

    def bindings_of(self, vhost: VirtualHost) -> Iterable[Json]:
        yield from (view.default_binding(q) for q in vhost.live.values())
        yield from (view.binding(b) for b in vhost.bindings.declared.values())

    async def list_bindings(self) -> list[Json]:
        return [b for v in self.visible() for b in self.bindings_of(v)]

    async def list_vhost_bindings(self, vhost: str) -> list[Json]:
        return list(self.bindings_of(self.vhost(vhost)))

    async def list_queue_bindings(self, vhost: str, queue: str) -> list[Json]:
        live = self.live_queue(vhost, queue)
        touching = self.vhost(vhost).bindings.touching("queue", queue)
        return [view.default_binding(live), *map(view.binding, touching)]

    async def post_binding(self, vhost: str, source: str, kind: str, destination: str, body: Json) -> str:
        """Gives the binding's properties_key."""
        try:
            made = self.vhost(vhost).bindings.add(
                self.actor(vhost),
                source,
                destination,
                kind=destination_kind(kind),
                routing_key=str(body.get("routing_key", "")),
                arguments=arguments(body),
            )
        except AMQPError as error:
            raise refusal(error) from None
        await self.broker.durable()
        return made.properties_key

    async def delete_binding(self, vhost: str, source: str, kind: str, destination: str, properties_key: str) -> None:
        bindings = self.vhost(vhost).bindings
        wanted = (source, destination_kind(kind), destination, properties_key)
        for b in list(bindings.declared.values()):
            if (b.source, b.destination_type, b.destination, b.properties_key) == wanted:
                break
        else:
            raise NOT_FOUND
        try:
            bindings.remove(
                self.actor(vhost), source, destination, kind=wanted[1], routing_key=b.routing_key, arguments=b.arguments
            )
        except AMQPError as error:
            raise refusal(error) from None
        await self.broker.durable()

    async def publish(self, vhost: str, exchange: str, body: Json) -> Json:
        """Gives {"routed": bool}."""
        live = self.vhost(vhost)
        try:
            properties, payload = message(body)
            name = "" if exchange == "amq.default" else exchange
            key = str(body.get("routing_key", ""))
            headers = cast("dict[str, Any]", cast("Json", body.get("properties") or {}).get("headers") or {})
            routed = live.publish(self.actor(vhost), name, key, properties, payload, headers=headers)
        except AMQPError as error:
            raise AdminError(400, "bad_request", error.reply_text) from None
        await self.broker.durable()
        return {"routed": routed}

    async def snapshot(self) -> Snapshot:
        vhosts = list(self.broker.vhosts.values())
        own = re.compile("amq\\.|$")
        return {
            "product_version": self.version,
            "node": self.node,
            "cluster_name": self.cluster_name,
            "vhosts": await self.list_vhosts(),
            "users": await self.list_users(),
            "permissions": await self.list_permissions(),
            "exchanges": [
                view.exchange(e) for v in vhosts for e in v.exchanges.declared.values() if not own.match(e.name)
            ],
            "queues": [view.queue(q, self.node) for v in vhosts for q in v.live.values()],
            "bindings": [view.binding(b) for v in vhosts for b in v.bindings.declared.values()],
        }

    def actor(self, vhost: str) -> Actor:
        return Actor(self.user.name, vhost)


def destination_kind(letter: str) -> str:
    if letter not in ("q", "e"):
        raise AdminError(400, "bad_request", f"a destination is q (queue) or e (exchange), not '{letter}'")
    return "queue" if letter == "q" else "exchange"


def message(body: Json) -> tuple[bytes, bytes]:
    """Properties and payload of a publish."""
    given = body.get("properties") or {}
    text = str(body.get("payload", ""))
    try:
        encoded = basic_properties.encode(cast("dict[str, Any]", given))
        payload = base64.b64decode(text) if body.get("payload_encoding") == "base64" else text.encode()
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise AdminError(400, "bad_request", f"properties or payload cannot be encoded: {error}") from None
    return encoded, payload
