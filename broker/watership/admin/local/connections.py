"""AMQP connections, their channels and consumers."""

from __future__ import annotations

from watership.admin import queue_view as view
from watership.admin.api import AdminError, Json
from watership.broker.broker import Client, ClientChannel
from watership.broker.statistics import TRAFFIC

from .base import Verbs, bad, missing

OF_CONNECTION = frozenset(("state", "channels", "recv_oct", "send_oct", "recv_cnt", "send_cnt", "send_pend"))
OF_CHANNEL = frozenset(
    (
        *("state", "consumer_count", "prefetch_count", "global_prefetch_count", "confirm", "transactional"),
        *("messages_unacknowledged", "messages_unconfirmed", "messages_uncommitted", "acks_uncommitted"),
        *("pending_raft_commands", "message_stats"),
    )
)


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
        """What there is none of is "" here, null in listings."""
        shown = self.described(self.existing_connection(connection))
        return {k: "" if v is None else v for k, v in shown.items()}

    async def delete_connection(self, connection: str, *, reason: str = "Closed via management plugin") -> None:
        """Closes it with 320 and the reason."""
        self.existing_connection(connection).force_close(reason)

    async def delete_user_connections(self, user: str) -> None:
        """Closes all of a user; a user without any is no error."""
        for client in [c for c in self.broker.clients.values() if c.user == user]:
            client.force_close("Closed via management plugin")

    async def list_user_connections(self, user: str) -> list[Json]:
        """Of every user for administrators and monitoring, else one's own."""
        self.check_own(user)
        found = [c for c in self.broker.clients.values() if c.user == user]
        return [{"name": c.name, "node": self.node, "user": c.user, "vhost": c.vhost} for c in found]

    async def list_channels(self) -> list[Json]:
        return [self.shown_channel(channel) for c in self.clients() for channel in c.channels.values()]

    async def list_vhost_channels(self, vhost: str) -> list[Json]:
        self.vhost(vhost)
        return [self.shown_channel(ch) for c in self.clients() if c.vhost == vhost for ch in c.channels.values()]

    async def list_connection_channels(self, connection: str) -> list[Json]:
        return [self.shown_channel(channel) for channel in self.existing_connection(connection).channels.values()]

    async def list_sessions(self, connection: str) -> list[Json]:
        """Raises AdminError 400: no connection speaks AMQP 1.0."""
        self.existing_connection(connection)
        raise bad("connection does not use AMQP 1.0")

    async def get_channel(self, channel: str) -> Json:
        """channel: its connection's name and its number, "1.2.3.4:5 -> 6.7.8.9:0 (1)"."""
        for client in self.broker.clients.values():
            found = next((c for c in client.channels.values() if c.name == channel), None)
            if found is not None:
                self.existing_connection(client.name)
                queues = (q for v in self.visible() for q in v.live.values())
                consumers = [
                    view.consumer(q, s, self.broker) for q in queues for s in q.subscriptions if s.channel == channel
                ]
                shown = self.shown_channel(found)
                if not self.asked.statistics:
                    return shown
                return {**shown, "consumer_details": consumers, "deliveries": [], "publishes": []}
        raise missing()

    def shown_channel(self, channel: ClientChannel) -> Json:
        return self.moving({**channel.describe(), "node": self.node}, channel, tuple(channel.counts()), OF_CHANNEL)

    async def list_consumers(self) -> list[Json]:
        queues = (q for v in self.visible() for q in v.live.values())
        return [view.consumer(q, s, self.broker) for q in queues for s in q.subscriptions]

    async def list_vhost_consumers(self, vhost: str) -> list[Json]:
        return [view.consumer(q, s, self.broker) for q in self.vhost(vhost).live.values() for s in q.subscriptions]

    def described(self, client: Client) -> Json:
        return self.moving({**client.describe(), "node": self.node}, client, TRAFFIC, OF_CONNECTION)
