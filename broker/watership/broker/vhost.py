"""One virtual host, live: what can be done with its exchanges and queues. Every method asks for permission first.

Errors carry RabbitMQ's words. Names arrive as clients sent them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from random import randrange
from typing import TYPE_CHECKING, Any

from watership import kernel
from watership.model import commands
from watership.model.errors import AccessRefused, NotFound
from watership.model.names import describe
from watership.model.policies import matching
from watership.model.topology import Queue
from watership.queues import ClassicQueue, Subscription
from watership.queues.deaths import copies
from watership.routing import Router

from .access import Actor
from .bindings import Bindings
from .dead_letters import DeadLetters
from .exchanges import Exchanges
from .queues import Queues
from .statistics import MESSAGES, TRAFFIC, movements

if TYPE_CHECKING:
    from .broker import Broker, Client


class VirtualHost:
    def __init__(self, broker: Broker, name: str) -> None:
        self.broker = broker
        self.name = name
        self.router = Router(randrange)
        self.tracing = False
        self.live: dict[str, ClassicQueue] = {}
        self.exclusive: defaultdict[object, set[ClassicQueue]] = defaultdict(set)  # by the connection that owns them
        self.exchanges = Exchanges(self)
        self.queues = Queues(self)
        self.bindings = Bindings(self)
        self.dead_letters = DeadLetters(self)
        self.replies: dict[str, kernel.Queue] = {}  # direct reply-to: who waits, by token
        self.gone: Counter[str] = Counter()  # what queues, channels and connections that are gone have counted

    def install_queue(self, queue: Queue) -> ClassicQueue:
        """Makes a declared queue live, with no messages yet."""
        return self.queues.install(queue)

    def policies_for(self, queue: ClassicQueue) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The definitions of the policy and of the operator policy that match the queue; it remembers their names."""
        metadata = self.broker.metadata
        policy = matching(metadata.policies(self.name), queue.type, queue.name)
        operator = matching(metadata.policies(self.name, operator=True), queue.type, queue.name)
        queue.policy, queue.operator_policy = policy, operator
        return policy.definition if policy else {}, operator.definition if operator else {}

    def reconfigure(self) -> None:
        """Policies have changed: every queue and exchange lives by those that match it now."""
        for queue in list(self.live.values()):
            self.queues.configure(queue)
        for exchange in self.exchanges.declared.values():
            self.exchanges.configure(exchange)
        self.broker.kernel.invalidate()

    def trace(self, *, on: bool) -> None:
        """Turns the firehose on or off, for channels that are open and those to come."""
        self.tracing = on
        for client in self.broker.clients.values():
            if client.vhost == self.name:
                for channel in client.channels.values():
                    channel.tap(on=on)

    # What is there

    def queue(self, name: str) -> ClassicQueue:
        """Raises NotFound (404)."""
        queue = self.live.get(name)
        if queue is None:
            raise NotFound(f"no {describe('queue', name, self.name)}")
        return queue

    def own_queue(self, actor: Actor, name: str) -> ClassicQueue:
        """A queue that the actor's connection may use. Raises NotFound, ResourceLocked."""
        queue = self.queue(name)
        queue.check_owner(actor.connection)
        return queue

    # Messages

    def route(self, actor: Actor, exchange: str, key: str) -> kernel.Route:
        """Where a publish goes. Raises NotFound for an unknown exchange, AccessRefused without write permission."""
        route = self.permitted(actor, exchange, key)
        route.flow = self.exchanges.flows[exchange]
        return route

    def permitted(self, actor: Actor, exchange: str, key: str) -> kernel.Route:
        self.broker.access.check(actor, "write", "exchange", exchange)
        if exchange == "" and not self.broker.stamps:
            return kernel.Route(self.targets("", [key], {}))
        if exchange == "":
            return kernel.Route((), by_content=True)
        declared = self.exchanges.get(exchange)
        if declared.internal:
            resource = describe("exchange", exchange, self.name)
            raise AccessRefused(f"cannot publish to internal {resource}")
        if declared.type == "topic":
            self.broker.access.check_topic(actor, "write", exchange, key)
        if self.broker.stamps or exchange in self.exchanges.memories or self.router.depends_on_content(exchange):
            return kernel.Route((), by_content=True)
        return kernel.Route(self.targets(exchange, [key], {}))

    def route_content(self, exchange: str, keys: list[str], message: Mapping[str, Any]) -> kernel.Route:
        """Where one message goes whose properties count. The first key is its routing key, others are copies."""
        memory = self.exchanges.memories.get(exchange)
        if memory is not None:
            route = memory.route(keys, message)
        else:
            route = kernel.Route(self.targets(exchange, keys, message))
        route.flow = self.exchanges.flows[exchange]
        return route

    def targets(self, exchange: str, keys: Sequence[str], message: Mapping[str, Any]) -> list[kernel.Queue]:
        """The queues that a message with these routing keys and properties reaches, each once."""
        found: dict[str, kernel.Queue] = {}
        for key in keys:
            for name in [key] if exchange == "" else self.router.route(exchange, key, message):
                if name in self.live:
                    found[name] = self.live[name].records
                elif name in self.replies:
                    found[name] = self.replies[name]
        return list(found.values())

    def publish(
        self, actor: Actor, exchange: str, key: str, properties: bytes, body: bytes, *, message: Mapping[str, Any]
    ) -> bool:
        """One message from the admin API; message: its properties again, decoded. True when a queue took it."""
        route = self.route(actor, exchange, key)
        headers = message.get("headers", {})
        keys = [key, *copies(headers, "CC"), *copies(headers, "BCC")]
        if route.by_content or len(keys) > 1:
            route = self.route_content(exchange, keys, message)
        names = [name.encode() for name in (exchange, key)]
        arguments = b"\0\0" + b"".join(bytes((len(n),)) + n for n in names) + b"\0"
        for queue in (*route.also, *route.queues):
            queue.publish(arguments, properties, body, delay=route.delay)
        flow = self.exchanges.flows[exchange]
        flow.taken, flow.given = flow.taken + 1, flow.given + len(route.queues)
        return bool(route.queues)

    def readable(self, actor: Actor, name: str) -> ClassicQueue:
        """The queue that basic.get or basic.consume names. Raises NotFound, ResourceLocked, AccessRefused."""
        self.broker.access.check(actor, "read", "queue", name)
        return self.own_queue(actor, name)

    def unsubscribe(self, queue: ClassicQueue, subscription: Subscription) -> None:
        """A client's consumer ends; an auto-delete queue may go with it."""
        due = queue.unsubscribe(subscription)
        if self.live.get(queue.name) is queue:
            if due:
                self.queues.drop(queue)
            else:
                self.queues.use(queue)

    def connection_lost(self, connection: Client) -> None:
        """Exclusive queues end with their connection."""
        for queue in list(self.exclusive.get(connection, ())):
            self.queues.drop(queue)
        self.gone.update(dict(zip(TRAFFIC, connection.traffic(), strict=True)))

    def retire(self, queue: ClassicQueue) -> None:
        """A queue goes: its counts stay in the totals, which never fall."""
        self.gone.update(dict(zip(MESSAGES, movements(queue.records), strict=True)))
        self.broker.retire(queue.records, queue.type)

    def close(self) -> None:
        """The vhost is deleted: every queue ends, consumers are told."""
        for queue in list(self.live.values()):
            self.broker.store.detach(queue.declared.stream)
            queue.close()
            self.broker.retire(queue.records, queue.type)
        self.live.clear()
        self.exclusive.clear()

    def apply(self, command: commands.Command, *, durable: bool) -> None:
        self.broker.apply(command, durable=durable)
