"""Bindings: from an exchange to a queue (q) or another exchange (e)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_plus

from watership.admin import view
from watership.admin.api import Json
from watership.broker import VirtualHost
from watership.model.topology import Binding

from .base import Verbs, arguments, bad, brokers_words, exchange_name, missing, routing_key

KINDS = {"q": "queue", "e": "exchange"}


class BindingVerbs(Verbs):
    async def list_bindings(self) -> list[Json]:
        return [view.binding(b) for v in self.visible() for b in bindings_of(v)]

    async def list_vhost_bindings(self, vhost: str) -> list[Json]:
        return [view.binding(b) for b in bindings_of(self.vhost(vhost))]

    async def list_queue_bindings(self, vhost: str, queue: str) -> list[Json]:
        found = bindings_of(self.vhost(vhost))
        return [view.binding(b) for b in found if (b.destination_type, b.destination) == ("queue", queue)]

    async def list_exchange_bindings(self, vhost: str, exchange: str, end: str) -> list[Json]:
        """end: source or destination, what the exchange is in them."""
        if end not in ("source", "destination"):
            raise missing()
        found, name = bindings_of(self.vhost(vhost)), exchange_name(exchange)
        if end == "source":
            return [view.binding(b) for b in found if b.source == name]
        return [view.binding(b) for b in found if (b.destination_type, b.destination) == ("exchange", name)]

    def between(self, vhost: str, source: str, kind: str, destination: str) -> list[Binding]:
        ends = (exchange_name(source), destination_type(kind), destination)
        live = self.vhost(vhost)
        found = live.bindings.declared.values() if ends[0] else bindings_of(live)
        return [b for b in found if (b.source, b.destination_type, b.destination) == ends]

    def existing_binding(self, vhost: str, source: str, kind: str, destination: str, properties_key: str) -> Binding:
        """By its properties_key, or by what that key stands for: many clients escape it once only. Raises AdminError
        404."""
        found = self.between(vhost, source, kind, destination)
        for binding in found:
            if binding.properties_key == properties_key:
                return binding
        for binding in found:
            if unquote_plus(binding.properties_key) == properties_key:
                return binding
        raise missing()

    async def list_bindings_between(self, vhost: str, source: str, kind: str, destination: str) -> list[Json]:
        return [view.binding(b) for b in self.between(vhost, source, kind, destination)]

    async def get_binding(self, vhost: str, source: str, kind: str, destination: str, properties_key: str) -> Json:
        return view.binding(self.existing_binding(vhost, source, kind, destination, properties_key))

    async def post_binding(self, vhost: str, source: str, kind: str, destination: str, body: Json) -> str:
        """Gives the binding's properties_key."""
        bindings = self.target(vhost).bindings
        with brokers_words():
            made = bindings.add(
                self.actor(vhost),
                exchange_name(source),
                destination,
                kind=destination_type(kind),
                routing_key=routing_key(body),
                arguments=arguments(body),
            )
        await self.broker.durable()
        return made.properties_key

    async def delete_binding(self, vhost: str, source: str, kind: str, destination: str, properties_key: str) -> None:
        found = self.existing_binding(vhost, source, kind, destination, properties_key)
        with brokers_words():
            self.vhost(vhost).bindings.remove(
                self.actor(vhost),
                found.source,
                found.destination,
                kind=found.destination_type,
                routing_key=found.routing_key,
                arguments=found.arguments,
            )
        await self.broker.durable()


def bindings_of(vhost: VirtualHost) -> Iterable[Binding]:
    """Those of the default exchange, to which every queue is bound by its name, and those that are declared."""
    yield from (Binding(vhost.name, "", name, "queue", name) for name in vhost.live)
    yield from vhost.bindings.declared.values()


def destination_type(letter: str) -> str:
    """Raises AdminError 400."""
    if letter not in KINDS:
        raise bad(f"a destination is q (queue) or e (exchange), not '{letter}'")
    return KINDS[letter]
