"""Queues."""

from __future__ import annotations

from watership.admin import view
from watership.admin.api import Json
from watership.queues import ClassicQueue

from .base import Verbs, arguments, brokers_words, flag, missing


class QueueVerbs(Verbs):
    def live_queue(self, vhost: str, queue: str) -> ClassicQueue:
        """Raises AdminError 404."""
        found = self.vhost(vhost).live.get(queue)
        if found is None:
            raise missing()
        return found

    async def list_queues(self) -> list[Json]:
        return [view.queue(q, self.node) for v in self.visible() for q in v.live.values()]

    async def list_vhost_queues(self, vhost: str) -> list[Json]:
        return [view.queue(q, self.node) for q in self.vhost(vhost).live.values()]

    async def get_queue(self, vhost: str, queue: str) -> Json:
        live = self.live_queue(vhost, queue)
        return {**view.queue(live, self.node), "consumer_details": [view.consumer(live, s) for s in live.subscriptions]}

    async def put_queue(self, vhost: str, queue: str, body: Json) -> bool:
        """durable and auto_delete are false unless given."""
        queues = self.target(vhost).queues
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
