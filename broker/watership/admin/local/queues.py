"""Queues."""

from __future__ import annotations

from watership.admin import queue_view
from watership.admin.api import Json
from watership.broker.statistics import OF_QUEUE
from watership.queues import ClassicQueue

from .base import Verbs, arguments, bad, brokers_words, flag, missing


class QueueVerbs(Verbs):
    def live_queue(self, vhost: str, queue: str) -> ClassicQueue:
        """Raises AdminError 404."""
        found = self.vhost(vhost).live.get(queue)
        if found is None:
            raise missing()
        return found

    def shown_queue(self, live: ClassicQueue) -> Json:
        if self.asked.statistics:
            return self.moving(queue_view.queue(live, self.node), live, OF_QUEUE, frozenset())
        return queue_view.declaration(live, self.node) | (queue_view.totals(live) if self.asked.totals else {})

    async def list_queues(self) -> list[Json]:
        return [self.listed_queue(q) for v in self.visible() for q in v.live.values()]

    async def list_detailed_queues(self) -> list[Json]:
        """What there is none of is null here."""
        return [queue_view.typed(self.shown_queue(q)) for v in self.visible() for q in v.live.values()]

    async def list_vhost_queues(self, vhost: str) -> list[Json]:
        return [self.listed_queue(q) for q in self.vhost(vhost).live.values()]

    def listed_queue(self, live: ClassicQueue) -> Json:
        shown = queue_view.typed(self.shown_queue(live))
        return queue_view.without_none(shown) if self.asked.statistics else shown

    async def list_user_queues(self, user: str) -> list[Json]:
        """Exclusive queues of a user's connections: others belong to nobody."""
        names = {c.name for c in self.broker.clients.values() if c.user == user}
        found = (q for v in self.visible() for q in v.live.values() if q.owner is not None)
        return [self.listed_queue(q) for q in found if getattr(q.owner, "name", "") in names]

    async def get_queue(self, vhost: str, queue: str) -> Json:
        live = self.live_queue(vhost, queue)
        shown = queue_view.typed(self.shown_queue(live))
        return shown | queue_view.around(live, self.broker) if self.asked.statistics else shown

    async def act_on_queue(self, vhost: str, queue: str, body: Json) -> None:
        """No action is known any more."""
        self.live_queue(vhost, queue)
        if "action" not in body:
            raise bad("[{key_missing,action}]")
        raise bad(f"unknown: {body['action']}")

    async def put_queue(self, vhost: str, queue: str, body: Json) -> bool:
        """durable and auto_delete are false unless given."""
        queues = self.target(vhost).queues
        if body.get("node", self.node) != self.node:
            raise bad(f"Node {body['node']} is not a cluster member")
        with brokers_words():
            _, new = queues.declare(
                self.actor(vhost),
                queue,
                durable=flag(body, "durable"),
                auto_delete=flag(body, "auto_delete"),
                arguments=arguments(body),
            )
        await self.broker.durable()
        return new

    async def delete_queue(self, vhost: str, queue: str, *, if_unused: bool = False, if_empty: bool = False) -> None:
        self.live_queue(vhost, queue)
        with brokers_words():
            self.vhost(vhost).queues.delete(self.actor(vhost), queue, if_unused=if_unused, if_empty=if_empty)
        await self.broker.durable()

    async def purge_queue(self, vhost: str, queue: str) -> None:
        self.live_queue(vhost, queue)
        with brokers_words():
            self.vhost(vhost).queues.purge(self.actor(vhost), queue)
        await self.broker.durable()
