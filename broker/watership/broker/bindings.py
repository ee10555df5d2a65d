"""Binding and unbinding in a vhost: exchanges to queues, exchanges to exchanges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from watership.model import bindings as model
from watership.model import commands
from watership.model.errors import AccessRefused, NotFound, PreconditionFailed
from watership.model.topology import Binding
from watership.routing import kind_of

from .access import Actor

if TYPE_CHECKING:
    from .vhost import VirtualHost


class Bindings:
    def __init__(self, vhost: VirtualHost) -> None:
        self.vhost = vhost

    @property
    def declared(self) -> model.Bindings:
        return self.vhost.broker.metadata.bindings[self.vhost.name]

    def install(self, binding: Binding) -> None:
        target = (binding.destination_type, binding.destination)
        self.vhost.router.bind(binding.source, target, binding.routing_key, binding.arguments)

    def uninstall(self, binding: Binding) -> None:
        target = (binding.destination_type, binding.destination)
        self.vhost.router.unbind(binding.source, target, binding.routing_key, binding.arguments)

    def wanted(self, actor: Actor, source: str, destination: str, kind: str, key: str, arguments: Any) -> Binding:
        """Checks both ends as queue.bind and exchange.bind do. Raises NotFound, AccessRefused, ResourceLocked."""
        access = self.vhost.broker.access
        if source == "" or (kind == "exchange" and destination == ""):
            raise AccessRefused("operation not permitted on the default exchange")
        access.check(actor, "write", kind, destination)
        access.check(actor, "read", "exchange", source)
        exchange = self.vhost.exchanges.get(source)
        if kind == "queue":
            self.vhost.own_queue(actor, destination)
        if exchange.type == "topic":
            access.check_topic(actor, "read", source, key)
        if kind == "exchange":
            self.vhost.exchanges.get(destination)
        return Binding(self.vhost.name, source, destination, kind, key, dict(arguments or {}))

    def add(
        self,
        actor: Actor,
        source: str,
        destination: str,
        *,
        kind: str = "queue",
        routing_key: str = "",
        arguments: Mapping[str, Any] | None = None,
    ) -> Binding:
        """Binding twice is binding once."""
        binding = self.wanted(actor, source, destination, kind, routing_key, arguments)
        exchange = self.vhost.exchanges.get(source)
        routing = kind_of(exchange.type, exchange.arguments)
        if routing is not None and (fault := routing.binding_fault(routing_key, binding.arguments)):
            raise PreconditionFailed(fault)
        self.make(binding)
        return binding

    def make(self, binding: Binding) -> None:
        """Without asking for permission; its ends exist."""
        if binding.key not in self.declared:
            durable = self.vhost.broker.metadata.outlives(binding)
            self.vhost.apply(commands.Bind(binding), durable=durable)
            self.install(binding)
            memory = self.vhost.exchanges.memories.get(binding.source)
            if memory is not None and binding.destination_type == "queue":
                memory.bound(binding.destination)

    def remove(
        self,
        actor: Actor,
        source: str,
        destination: str,
        *,
        kind: str = "queue",
        routing_key: str = "",
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """A missing binding is no error, nor is a missing end of it (RabbitMQ 3.2 and later)."""
        try:
            binding = self.wanted(actor, source, destination, kind, routing_key, arguments)
        except NotFound:
            return
        if binding.key in self.declared:
            self.uninstall(binding)
            durable = self.vhost.broker.metadata.outlives(binding)
            self.vhost.apply(commands.Unbind(binding), durable=durable)
            self.sources_lost({source})

    def sources_lost(self, exchanges: set[str]) -> None:
        """Auto-delete exchanges go with their last binding."""
        for name in exchanges:
            exchange = self.vhost.exchanges.declared.get(name)
            if exchange is not None and exchange.auto_delete and not self.declared.of_source(name):
                self.vhost.exchanges.drop(name)
