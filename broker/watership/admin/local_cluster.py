"""The verbs that are about the node and the cluster rather than one object; LocalAdmin inherits them."""

from __future__ import annotations

from watership.broker import Broker, VirtualHost
from watership.broker.identity import PRODUCT, VERSION, WATERSHIP
from watership.model.commands import SetParameter
from watership.model.users import User
from watership.routing import KINDS

from . import definitions, health, view
from .api import AdminError, Json


class ClusterVerbs:
    version = VERSION

    def __init__(self, broker: Broker, user: User) -> None:
        self.broker = broker
        self.user = user

    @property
    def node(self) -> str:
        return self.broker.node

    @property
    def cluster_name(self) -> str:
        return self.broker.cluster_name

    def vhost(self, name: str) -> VirtualHost:
        """A vhost that the user may see. Raises AdminError 404."""
        found = self.broker.vhosts.get(name)
        if found is None or found not in self.visible():
            raise AdminError(404, "Object Not Found", "Not Found")
        return found

    def visible(self) -> list[VirtualHost]:
        """All vhosts for administrators and monitoring, else those with permissions."""
        permissions = self.broker.metadata.permissions
        everything = {"administrator", "monitoring"} & set(self.user.tags)
        return [v for v in self.broker.vhosts.values() if everything or (self.user.name, v.name) in permissions]

    async def get_overview(self) -> Json:
        vhosts = self.visible()
        queues = [q for v in vhosts for q in v.live.values()]
        ready, unacked = sum(q.records.ready for q in queues), sum(q.records.unacked for q in queues)
        clients = list(self.broker.clients.values())
        return {
            "product_name": PRODUCT,
            "product_version": VERSION,
            "rabbitmq_version": VERSION,
            "management_version": VERSION,
            "watership_version": WATERSHIP,
            "cluster_name": self.cluster_name,
            "node": self.node,
            "statistics_level": "fine",
            "rates_mode": "none",
            "exchange_types": [{"name": k.name, "description": k.description, "enabled": True} for k in KINDS.values()],
            "message_stats": view.message_stats(self.broker),
            "churn_rates": {name.removesuffix("s"): value for name, value in self.broker.churn.items()},
            "queue_totals": {"messages": ready + unacked, "messages_ready": ready, "messages_unacknowledged": unacked},
            "object_totals": {
                "connections": len(clients),
                "channels": sum(len(c.channels) for c in clients),
                "exchanges": sum(len(v.exchanges.declared) for v in vhosts),
                "queues": len(queues),
                "consumers": sum(len(q.subscriptions) for q in queues),
            },
            "listeners": [
                {"node": self.node, "protocol": protocol, "ip_address": address.host, "port": address.port}
                for protocol, address in self.broker.listening
            ],
        }

    async def whoami(self) -> Json:
        return {"name": self.user.name, "tags": list(self.user.tags)}

    async def get_cluster_name(self) -> Json:
        return {"name": self.cluster_name}

    async def put_cluster_name(self, body: Json) -> bool:
        if not isinstance(body.get("name"), str):
            raise AdminError(400, "bad_request", "key_missing: name")
        self.broker.apply(SetParameter("cluster_name", body["name"]))
        await self.broker.durable()
        return False

    async def list_nodes(self) -> list[Json]:
        return [health.node(self.broker, self.node)]

    async def get_node(self, node: str) -> Json:
        if node != self.node:
            raise AdminError(404, "Object Not Found", "Not Found")
        return health.node(self.broker, node)

    async def get_definitions(self) -> Json:
        return definitions.exported(self.broker, VERSION)

    async def post_definitions(self, body: Json) -> None:
        definitions.imported(self.broker, self.user.name, body)
        await self.broker.durable()

    # Connections

    async def list_connections(self) -> list[Json]:
        seen = {v.name for v in self.visible()}
        return [{**c.describe(), "node": self.node} for c in self.broker.clients.values() if c.vhost in seen]

    async def delete_connection(self, connection: str, *, reason: str = "Closed via management plugin") -> None:
        found = self.broker.clients.get(connection)
        if found is None or not ("administrator" in self.user.tags or found.user == self.user.name):
            raise AdminError(404, "Object Not Found", "Not Found")
        found.force_close(reason)

    async def list_channels(self) -> list[Json]:
        return [
            {**channel, "node": self.node} for c in self.broker.clients.values() for channel in c.describe_channels()
        ]

    async def list_consumers(self) -> list[Json]:
        queues = (q for v in self.visible() for q in v.live.values())
        return [view.consumer(q, s) for q in queues for s in q.subscriptions]

    # Health: {"status": "ok"}, or AdminError 503

    def checked(self, problem: str | None) -> Json:
        if problem:
            raise AdminError(503, "failed", problem)
        return {"status": "ok"}

    async def check_alarms(self) -> Json:
        return self.checked(health.broken(self.broker))

    check_local_alarms = check_virtual_hosts = check_is_in_service = check_ready = check_alarms

    async def check_cluster_size(self) -> Json:
        return self.checked(None)

    check_quorum_critical = check_cluster_size

    async def check_port_listener(self, port: str) -> Json:
        ports = {str(address.port) for _, address in self.broker.listening}
        return self.checked(None if port in ports else f"nothing listens on port {port}")

    async def check_protocol_listener(self, protocol: str) -> Json:
        known = {name for name, _ in self.broker.listening}
        asked = {"amqp091": "amqp", "amqps": "amqp/ssl"}.get(protocol, protocol)
        return self.checked(None if asked in known else f"no listener for {protocol}")
