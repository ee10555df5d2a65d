"""Declaring and deleting exchanges of a vhost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from watership import kernel
from watership.model import commands
from watership.model.arguments import (
    EXCHANGE_ARGUMENTS,
    deduplication_fault,
    inequivalent,
    inequivalent_property,
    type_name,
)
from watership.model.errors import AccessRefused, NotFound, PreconditionFailed
from watership.model.names import check_length, check_reserved, clean, describe
from watership.model.policies import Policy, matching
from watership.model.topology import Exchange
from watership.routing import DELAYED, kind_of

from .access import Actor
from .remembering import Memory

if TYPE_CHECKING:
    from .vhost import VirtualHost


class Exchanges:
    def __init__(self, vhost: VirtualHost) -> None:
        self.vhost = vhost
        self.memories: dict[str, Memory] = {}  # of exchanges that keep more than bindings
        self.flows: defaultdict[str, kernel.Flow] = defaultdict(kernel.Flow)  # of those that were published to

    @property
    def declared(self) -> dict[str, Exchange]:
        return self.vhost.broker.metadata.exchanges[self.vhost.name]

    def get(self, name: str) -> Exchange:
        """Raises NotFound (404)."""
        exchange = self.declared.get(name)
        if exchange is None:
            raise NotFound(f"no {self.resource(name)}")
        return exchange

    def resource(self, name: str) -> str:
        return describe("exchange", name, self.vhost.name)

    def install(self, exchange: Exchange) -> None:
        """Makes a declared exchange route."""
        self.vhost.router.add(exchange.name, exchange.type, exchange.arguments)
        self.configure(exchange)
        if Memory.wanted(exchange):
            self.memories[exchange.name] = Memory(self.vhost, exchange)

    def policy(self, exchange: Exchange) -> Policy | None:
        return matching(self.vhost.broker.metadata.policies(self.vhost.name), "exchange", exchange.name)

    def configure(self, exchange: Exchange) -> None:
        """The exchange lives by its arguments and by the policy that matches it now."""
        policy = self.policy(exchange)
        alternate = exchange.arguments.get("alternate-exchange")
        if alternate is None and policy is not None:
            alternate = policy.definition.get("alternate-exchange")
        self.vhost.router.set_alternate(exchange.name, alternate)

    def check(self, actor: Actor, name: str) -> Exchange:
        """exchange.declare passive."""
        if name == "":
            raise AccessRefused("operation not permitted on the default exchange")
        self.vhost.broker.access.check_any(actor, "exchange", name)
        return self.get(name)

    def declare(
        self,
        actor: Actor,
        name: str,
        *,
        type: str = "direct",  # noqa: A002 - AMQP's word
        durable: bool = False,
        auto_delete: bool = False,
        internal: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> bool:
        """True when it is new. Raises AccessRefused, PreconditionFailed."""
        access = self.vhost.broker.access
        name = clean(name)
        flags = {"durable": durable, "auto_delete": auto_delete, "internal": internal}
        wanted = Exchange(self.vhost.name, name, type, arguments=dict(arguments or {}), user=actor.user, **flags)
        if kind_of(type, wanted.arguments) is None:
            raise PreconditionFailed(unknown(wanted))
        if name == "":
            raise AccessRefused("operation not permitted on the default exchange")
        access.check(actor, "configure", "exchange", name)
        self.check_alternate(actor, wanted)
        if name not in self.declared:
            check_reserved("exchange", name)
            self.check_limit(name)
        return self.make(wanted)

    def check_limit(self, name: str) -> None:
        broker = self.vhost.broker
        most = broker.config["cluster_exchange_limit"]
        if most is not None and sum(len(v.exchanges.declared) for v in broker.vhosts.values()) >= most:
            raise PreconditionFailed(f"cannot declare exchange '{name}': exchange limit of {most} is reached")

    def make(self, wanted: Exchange) -> bool:
        """Without asking for permission. True when new; raises PreconditionFailed when it is there and different."""
        current = self.declared.get(wanted.name)
        if current is not None:
            self.check_equivalent(current, wanted)
            return False
        check_length("exchange", wanted.name)
        if fault := exchange_fault(wanted):
            raise PreconditionFailed(fault)
        if wanted.type == DELAYED and wanted.durable:
            wanted = replace(wanted, stream=self.vhost.broker.metadata.next_stream)
        self.vhost.apply(commands.DeclareExchange(wanted), durable=wanted.durable)
        self.install(wanted)
        return True

    def check_alternate(self, actor: Actor, exchange: Exchange) -> None:
        alternate = exchange.arguments.get("alternate-exchange")
        if alternate is None:
            return
        if not isinstance(alternate, str):
            raise PreconditionFailed(
                f"invalid type '{type_name(alternate)}' for arg 'alternate-exchange' in {self.resource(exchange.name)}"
            )
        self.vhost.broker.access.check(actor, "read", "exchange", exchange.name)
        self.vhost.broker.access.check(actor, "write", "exchange", alternate)

    def check_equivalent(self, current: Exchange, wanted: Exchange) -> None:
        resource = self.resource(current.name)
        for field in ("type", "durable", "auto_delete", "internal"):
            was, now = getattr(current, field), getattr(wanted, field)
            if was != now:
                raise PreconditionFailed(inequivalent_property(resource, field, current=was, received=now))
        if text := inequivalent(resource, current.arguments, wanted.arguments, EXCHANGE_ARGUMENTS):
            raise PreconditionFailed(text)

    def delete(self, actor: Actor, name: str, *, if_unused: bool = False) -> None:
        """A missing exchange is no error. Raises AccessRefused, PreconditionFailed."""
        if name == "":
            raise AccessRefused("operation not permitted on the default exchange")
        self.vhost.broker.access.check(actor, "configure", "exchange", name)
        if name.startswith("amq."):
            raise AccessRefused(f"deletion of system {self.resource(name)} not allowed")
        if name not in self.declared:
            return
        if if_unused and self.vhost.bindings.declared.of_source(name):
            raise PreconditionFailed(f"{self.resource(name)} in use")
        self.drop(name)

    def drop(self, name: str) -> None:
        exchange = self.declared[name]
        bindings = self.vhost.bindings.declared.touching("exchange", name)
        for binding in bindings:
            self.vhost.bindings.uninstall(binding)
        self.vhost.apply(commands.DeleteExchange(self.vhost.name, name), durable=exchange.durable)
        self.vhost.router.remove(name)
        self.flows.pop(name, None)
        memory = self.memories.pop(name, None)
        if memory is not None:
            memory.close()
        self.vhost.bindings.sources_lost({b.source for b in bindings} - {name})


def unknown(exchange: Exchange) -> str:
    """The sentence about a type that does not exist."""
    if exchange.type == DELAYED:
        named = exchange.arguments.get("x-delayed-type")
        return f"Invalid argument, 'x-delayed-type' must be an existing exchange type, not {named!r}"
    return f"unknown exchange type '{exchange.type}'"


def exchange_fault(exchange: Exchange) -> str | None:
    """What is wrong with an exchange's arguments, if anything is."""
    kind = kind_of(exchange.type, exchange.arguments)
    if kind is None:
        return unknown(exchange)
    return kind.fault(exchange.arguments) or deduplication_fault(exchange.arguments)
