"""Which routing keys users may publish and bind to topic exchanges."""

from __future__ import annotations

from watership.admin import view
from watership.admin.api import Json
from watership.model.commands import DeleteTopicPermission, PutTopicPermission
from watership.model.permissions import TopicPermission, check_expressions

from .base import Verbs, bad, missing, text


class TopicPermissionVerbs(Verbs):
    def chosen(self, *, user: str | None = None, vhost: str | None = None, exchange: str | None = None) -> list[Json]:
        return [
            view.topic_permission(p)
            for p in self.broker.metadata.topic_permissions.values()
            if user in (None, p.user) and vhost in (None, p.vhost) and exchange in (None, p.exchange)
        ]

    def existing_user(self, user: str) -> str:
        """Raises AdminError 404."""
        if user not in self.broker.metadata.users:
            raise missing()
        return user

    async def list_topic_permissions(self) -> list[Json]:
        return self.chosen()

    async def list_vhost_topic_permissions(self, vhost: str) -> list[Json]:
        return self.chosen(vhost=self.vhost(vhost).name)

    async def list_user_topic_permissions(self, user: str) -> list[Json]:
        return self.chosen(user=self.existing_user(user))

    async def list_user_vhost_topic_permissions(self, vhost: str, user: str) -> list[Json]:
        return self.some(vhost, user)

    async def get_topic_permissions(self, vhost: str, user: str, exchange: str) -> list[Json]:
        return self.some(vhost, user, exchange)

    def some(self, vhost: str, user: str, exchange: str | None = None) -> list[Json]:
        """Raises AdminError 404 when there are none."""
        found = self.chosen(vhost=self.vhost(vhost).name, user=self.existing_user(user), exchange=exchange)
        if not found:
            raise missing()
        return found

    async def put_topic_permission(self, vhost: str, user: str, body: Json) -> bool:
        """exchange, write and read, all three."""
        metadata = self.broker.metadata
        if vhost not in metadata.vhosts or user not in metadata.users:
            raise bad("vhost_or_user_not_found")
        for name in ("exchange", "write", "read"):
            if name not in body:
                raise bad(f"[{{key_missing,{name}}}]")
        exchange = text(body, "exchange")
        expressions = {name: text(body, name) for name in ("write", "read")}
        if problem := check_expressions(**expressions):
            raise bad(f"invalid_regexp: {problem}")
        new = (user, vhost, exchange) not in metadata.topic_permissions
        self.broker.apply(PutTopicPermission(TopicPermission(user, vhost, exchange, **expressions)))
        await self.broker.durable()
        return new

    async def delete_topic_permissions(self, vhost: str, user: str) -> None:
        self.some(vhost, user)
        self.broker.apply(DeleteTopicPermission(user, vhost))
        await self.broker.durable()

    async def delete_topic_permission(self, vhost: str, user: str, exchange: str) -> None:
        self.some(vhost, user, exchange)
        self.broker.apply(DeleteTopicPermission(user, vhost, exchange))
        await self.broker.durable()
