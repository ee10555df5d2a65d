"""Declaring, deleting and purging queues of a vhost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from watership.model import commands
from watership.model.arguments import (
    MODULE_NAMES,
    QUEUE_ARGUMENTS,
    check_queue,
    inequivalent,
    inequivalent_property,
    without_effect,
)
from watership.model.errors import InternalFailure, NotImplementedHere, PreconditionFailed
from watership.model.limits import reached
from watership.model.names import check_length, check_reserved, clean, describe, generated
from watership.model.topology import Queue
from watership.queues import TYPES, ClassicQueue

from .access import Actor
from .metadata import is_durable

if TYPE_CHECKING:
    from .vhost import VirtualHost

log = logging.getLogger("watership.broker")
NEED_NAMES = ("quorum", "stream")
TRANSIENT = "transient_nonexcl_queues"  # a deprecated feature


class Queues:
    def __init__(self, vhost: VirtualHost) -> None:
        self.vhost = vhost

    def check(self, actor: Actor, name: str) -> ClassicQueue:
        """queue.declare passive."""
        self.vhost.broker.access.check_any(actor, "queue", name)
        return self.vhost.own_queue(actor, name)

    def declare(
        self,
        actor: Actor,
        name: str,
        *,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> tuple[ClassicQueue, bool]:
        """The queue, and whether it is new. name "": the broker makes one up. Raises AccessRefused, PreconditionFailed,
        ResourceLocked, NotImplementedHere."""
        vhost, broker = self.vhost, self.vhost.broker
        broker.churn["queues_declared"] += 1
        named = bool(name)
        name = clean(name) if named else generated(broker.random(16))
        wanted = Queue(vhost.name, name, durable, exclusive, auto_delete, dict(arguments or {}))
        if named:
            wanted = self.typed(wanted)
        else:
            check_unnamed(wanted.arguments.get("x-queue-type"))
        broker.access.check(actor, "configure", "queue", name)
        current = vhost.live.get(name)
        if current is not None:
            current.check_owner(actor.connection, exclusive=exclusive)
            self.check_equivalent(current.declared, wanted)
            self.use(current)
            return current, False
        if named:
            check_reserved("queue", name)
        if not (durable or exclusive or broker.config.permits(TRANSIENT)):
            raise InternalFailure(f"Feature `{TRANSIENT}` is deprecated.\nThe configuration does not permit it.")
        self.check_arguments(actor, wanted)
        limits = broker.metadata.limits(vhost.name)
        if reached(limits, "max-queues", len(vhost.live)):
            raise PreconditionFailed(
                f"cannot declare queue '{name}': queue limit in vhost '{vhost.name}' ({limits['max-queues']}) is "
                "reached"
            )
        most = broker.config["cluster_queue_limit"]
        if most is not None and sum(len(v.live) for v in broker.vhosts.values()) >= most:
            raise PreconditionFailed(f"cannot declare queue '{name}': queue limit in cluster ({most}) is reached")
        return self.make(wanted, actor.connection if exclusive else None), True

    def typed(self, wanted: Queue) -> Queue:
        """With the vhost's type where none is asked for and the queue can be of it."""
        kind = self.vhost.broker.metadata.vhosts[self.vhost.name].default_queue_type
        lasting = wanted.durable and not wanted.exclusive and not wanted.auto_delete
        if kind == "classic" or "x-queue-type" in wanted.arguments or not lasting:
            return wanted
        return replace(wanted, arguments={**wanted.arguments, "x-queue-type": kind})

    def make(self, wanted: Queue, owner: object | None = None) -> ClassicQueue:
        """A queue that is not there yet, without asking for permission."""
        broker = self.vhost.broker
        check_length("queue", wanted.name)
        if is_durable(wanted):
            wanted = replace(wanted, stream=broker.metadata.next_stream)
        self.vhost.apply(commands.DeclareQueue(wanted), durable=is_durable(wanted))
        broker.churn["queues_created"] += 1
        return self.install(wanted, owner)

    def install(self, queue: Queue, owner: object | None = None) -> ClassicQueue:
        """Makes a declared queue live, with no messages yet."""
        kind = TYPES[queue.type]
        live = kind(
            queue, self.vhost.broker.attach(queue.stream, kind.make_records(self.vhost.broker.kernel, queue)), owner
        )
        self.vhost.live[queue.name] = live
        if owner is not None:
            self.vhost.exclusive[owner].add(live)
        self.configure(live)
        return live

    def configure(self, queue: ClassicQueue) -> None:
        """The queue lives by its arguments and the policies that match it now."""
        policy, operator = self.vhost.policies_for(queue)
        queue.configure(policy, operator, partial(self.vhost.dead_letters.take, queue))
        self.use(queue)

    def use(self, queue: ClassicQueue) -> None:
        """The queue is in use right now: x-expires counts from here."""
        queue.used_at = self.vhost.broker.loop.time()
        if queue.expires_at() is not None:
            self.watch(queue)

    def watch(self, queue: ClassicQueue) -> None:
        """One timer for each queue that expires; it looks again if the queue was used meanwhile."""
        due = queue.expires_at()
        if due is not None and queue.timer is None:
            queue.timer = self.vhost.broker.loop.call_at(due, self.look, queue)

    def look(self, queue: ClassicQueue) -> None:
        queue.timer = None
        due = queue.expires_at()
        if self.vhost.live.get(queue.name) is not queue or due is None:
            return
        if due > self.vhost.broker.loop.time():
            self.watch(queue)
            return
        log.info("%s expired: nobody used it for %d ms", queue.resource, queue.settings.expires)
        self.drop(queue)

    def check_arguments(self, actor: Actor, queue: Queue) -> None:
        resource = describe("queue", queue.name, queue.vhost)
        check_queue(queue.name, queue.vhost, queue.arguments)
        if queue.type == "stream":
            raise NotImplementedHere(f"queue type 'stream' of {resource} is not available in this version; use classic")
        TYPES[queue.type].check(queue)
        if "x-dead-letter-exchange" in queue.arguments:
            self.vhost.broker.access.check(actor, "read", "queue", queue.name)
            target = queue.arguments["x-dead-letter-exchange"]
            self.vhost.broker.access.check(actor, "write", "exchange", target)
        if inert := without_effect(queue.arguments):
            log.warning("%s: %s have no effect in this version", resource, ", ".join(inert))

    def check_equivalent(self, current: Queue, wanted: Queue) -> None:
        resource = describe("queue", current.name, current.vhost)
        for field in ("durable", "auto_delete"):
            was, now = getattr(current, field), getattr(wanted, field)
            if was != now:
                raise PreconditionFailed(inequivalent_property(resource, field, current=was, received=now))
        if current.type != wanted.type:
            raise PreconditionFailed(
                inequivalent_property(resource, "x-queue-type", current=current.type, received=wanted.type)
            )
        compared = [name for name, row in QUEUE_ARGUMENTS.items() if current.type[0] in row.types]
        old = {"x-queue-type": "classic", **current.arguments}
        new = {"x-queue-type": "classic", **wanted.arguments}
        if text := inequivalent(resource, old, new, compared):
            raise PreconditionFailed(text)

    def delete(self, actor: Actor, name: str, *, if_unused: bool = False, if_empty: bool = False) -> int:
        """How many messages were ready; a missing queue is no error and had none."""
        self.vhost.broker.access.check(actor, "configure", "queue", name)
        queue = self.vhost.live.get(name)
        if queue is None:
            return 0
        queue.check_owner(actor.connection)
        queue.check_delete(if_unused=if_unused, if_empty=if_empty)
        return self.drop(queue)

    def drop(self, queue: ClassicQueue) -> int:
        vhost = self.vhost
        bindings = vhost.bindings.declared.touching("queue", queue.name)
        for binding in bindings:
            vhost.bindings.uninstall(binding)
        del vhost.live[queue.name]
        self.disown(queue)
        vhost.apply(commands.DeleteQueue(vhost.name, queue.name), durable=is_durable(queue.declared))
        if queue.timer is not None:
            queue.timer.cancel()
        ready = queue.close()
        vhost.broker.store.detach(queue.declared.stream)
        vhost.retire(queue)
        vhost.bindings.sources_lost({b.source for b in bindings})
        return ready

    def disown(self, queue: ClassicQueue) -> None:
        owned = self.vhost.exclusive.get(queue.owner)
        if owned is not None:
            owned.discard(queue)
            if not owned:
                del self.vhost.exclusive[queue.owner]

    def purge(self, actor: Actor, name: str) -> int:
        """How many messages went. Those not acknowledged yet stay."""
        return int(self.vhost.readable(actor, name).records.purge())


def check_unnamed(kind: object) -> None:
    """Raises PreconditionFailed for a type whose queues the broker does not name."""
    if kind in NEED_NAMES:
        raise PreconditionFailed(f"Cannot declare a server-named queue for type {MODULE_NAMES[str(kind)]}")
