"""AMQP connections, their channels and consumers."""

from __future__ import annotations

from watership.admin import view
from watership.admin.api import AdminError, Json
from watership.broker.broker import Client

from .base import Verbs, missing


class ConnectionVerbs(Verbs):
    def clients(self) -> list[Client]:
        """Connections that the user sees: all, or the user's own."""
        clients = self.broker.clients.values()
        return [c for c in clients if self.sees_all or c.user == self.user.name]

    def existing_connection(self, name: str) -> Client:
        """Raises AdminError 404, or 401 for another user's."""
        found = self.broker.clients.get(name)
        if found is None:
            raise missing()
        if not self.sees_all and found.user != self.user.name:
            raise AdminError(401, "not_authorised", "User not authorised to access this connection")
        return found

    async def list_connections(self) -> list[Json]:
        return [self.described(c) for c in self.clients()]

    async def list_vhost_connections(self, vhost: str) -> list[Json]:
        self.vhost(vhost)
        return [self.described(c) for c in self.clients() if c.vhost == vhost]

    async def get_connection(self, connection: str) -> Json:
        return self.described(self.existing_connection(connection))

    async def delete_connection(self, connection: str, *, reason: str = "Closed via management plugin") -> None:
        """Closes it with 320 and the reason."""
        self.existing_connection(connection).force_close(reason)

    async def delete_user_connections(self, user: str) -> None:
        """Closes all of a user; a user without any is no error."""
        for client in [c for c in self.broker.clients.values() if c.user == user]:
            client.force_close("Closed via management plugin")

    async def list_channels(self) -> list[Json]:
        return [self.with_node(channel) for c in self.clients() for channel in c.describe_channels()]

    async def list_connection_channels(self, connection: str) -> list[Json]:
        return [self.with_node(channel) for channel in self.existing_connection(connection).describe_channels()]

    async def list_consumers(self) -> list[Json]:
        queues = (q for v in self.visible() for q in v.live.values())
        return [view.consumer(q, s) for q in queues for s in q.subscriptions]

    async def list_vhost_consumers(self, vhost: str) -> list[Json]:
        return [view.consumer(q, s) for q in self.vhost(vhost).live.values() for s in q.subscriptions]

    def described(self, client: Client) -> Json:
        return self.with_node(client.describe())

    def with_node(self, described: Json) -> Json:
        return {**described, "node": self.node}
