"""The node and the cluster: versions, totals, health."""

from __future__ import annotations

from watership.admin import health, view
from watership.admin.api import AdminError, Json
from watership.broker.identity import PRODUCT, VERSION, WATERSHIP
from watership.model.commands import SetParameter
from watership.routing import DELAYED, KINDS

from .base import Verbs, bad, missing


class ClusterVerbs(Verbs):
    async def get_overview(self) -> Json:
        broker, vhosts = self.broker, self.visible()
        queues = [q for v in vhosts for q in v.live.values()]
        ready, unacked = sum(q.records.ready for q in queues), sum(q.records.unacked for q in queues)
        clients = list(broker.clients.values())
        return {
            "product_name": PRODUCT,
            "product_version": VERSION,
            "rabbitmq_version": VERSION,
            "management_version": VERSION,
            "watership_version": WATERSHIP,
            "cluster_name": broker.cluster_name,
            "cluster_tags": [],
            "node_tags": [],
            "node": broker.node,
            "default_queue_type": "classic",
            "statistics_level": "fine",
            "rates_mode": "none",
            "exchange_types": exchange_types(),
            "message_stats": view.message_stats(broker),
            "churn_rates": view.churn(broker),
            "queue_totals": {"messages": ready + unacked, "messages_ready": ready, "messages_unacknowledged": unacked},
            "object_totals": {
                "connections": len(clients),
                "channels": sum(len(c.channels) for c in clients),
                "exchanges": sum(len(v.exchanges.declared) for v in vhosts),
                "queues": len(queues),
                "consumers": sum(len(q.subscriptions) for q in queues),
            },
            "listeners": view.listeners(broker),
            "contexts": view.contexts(broker),
        }

    async def get_version(self) -> str:
        return VERSION

    async def get_cluster_name(self) -> Json:
        return {"name": self.broker.cluster_name}

    async def put_cluster_name(self, body: Json) -> bool:
        """{"name": NAME}. Never gives True: there always was a name."""
        name = body.get("name")
        if not isinstance(name, str):
            raise bad("[{key_missing,name}]")
        self.broker.apply(SetParameter("cluster_name", name))
        await self.broker.durable()
        return False

    async def list_nodes(self) -> list[Json]:
        return [health.node(self.broker)]

    async def get_node(self, node: str) -> Json:
        if node != self.broker.node:
            raise missing()
        return health.node(self.broker)

    # Health: {"status": "ok"}, or AdminError 503

    def checked(self, problem: str | None) -> Json:
        if problem:
            raise AdminError(503, "failed", problem)
        return {"status": "ok"}

    async def check_alarms(self) -> Json:
        return self.checked(health.alarmed(self.broker))

    async def check_virtual_hosts(self) -> Json:
        return self.checked(health.broken(self.broker))

    async def check_named_node(self, node: str) -> Json:
        await self.get_node(node)
        return await self.check_virtual_hosts()

    check_local_alarms = check_alarms
    check_node = check_virtual_hosts
    check_is_in_service = check_ready = check_virtual_hosts

    async def check_cluster_size(self) -> Json:
        """A node that answers is the whole cluster while nodes do not join."""
        return {"status": "ok"}

    check_connection_limit = check_cluster_size

    async def check_quorum_critical(self) -> Json:
        return {"status": "ok", "reason": "single node cluster"}

    async def check_metadata(self) -> Json:
        """The metadata was recovered before anything listened."""
        return {"status": "ok"}

    async def check_aliveness(self, vhost: str) -> Json:
        self.vhost(vhost)
        return self.checked(health.broken(self.broker))

    async def check_port_listener(self, port: str) -> Json:
        if not port.isdecimal():
            raise bad("Invalid port")
        ports = sorted({address.port for _, address in self.broker.listening})
        if int(port) not in ports:
            raise AdminError(
                503, "failed", f"No active listener on port {port}; there are {', '.join(map(str, ports))}"
            )
        return {"status": "ok", "port": int(port)}

    async def check_protocol_listener(self, protocol: str) -> Json:
        """protocol: one name or several with commas."""
        served = sorted({name for name, _ in self.broker.listening})
        asked = [health.PROTOCOLS.get(name, name) for name in protocol.split(",")]
        if absent := [name for name in asked if name not in served]:
            raise AdminError(
                503, "failed", f"No active listener for {', '.join(absent)}; there are {', '.join(served)}"
            )
        return {"status": "ok", "protocols": served}

    async def check_certificate_expiration(self, within: str, unit: str) -> Json:
        """Whether every certificate in use is valid for that long."""
        if not within.isdecimal():
            raise bad("Invalid expiration value.")
        if unit not in health.DAYS:
            raise bad("Time unit not recognised. Supported units: days, weeks, months, years.")
        return self.checked(health.expiring(self.broker, days=int(within) * health.DAYS[unit]))


def exchange_types() -> list[Json]:
    described = {kind.name: kind.description for kind in KINDS.values()} | {DELAYED: "Delayed Message Exchange."}
    return [{"name": name, "description": text, "enabled": True} for name, text in described.items()]
