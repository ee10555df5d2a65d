"""The node and the cluster: versions and totals."""

from __future__ import annotations

from watership.admin import health, view
from watership.admin.api import Json
from watership.broker.identity import VERSION, WATERSHIP, product
from watership.broker.statistics import OF_NODE
from watership.config.parser import secret
from watership.model.commands import SetParameter

from .base import Verbs, bad, missing
from .policies import FIXED_OPERATOR_POLICIES

STATISTICS = frozenset(
    ("churn_rates", "contexts", "listeners", "message_stats", "queue_totals", "statistics_db_event_queue")
)


class ClusterVerbs(Verbs):
    async def get_overview(self) -> Json:
        broker, vhosts = self.broker, self.visible()
        queues = [q for v in vhosts for q in v.live.values()]
        ready, unacked = sum(q.records.ready for q in queues), sum(q.records.unacked for q in queues)
        clients = list(broker.clients.values())
        overview: Json = {
            "product_name": product(broker.config)[0],
            "product_version": product(broker.config)[1],
            **view.versions(),
            "management_version": VERSION,
            "watership_version": WATERSHIP,
            "cluster_name": broker.cluster_name,
            "cluster_tags": dict(broker.config.cluster_tags),
            "node_tags": dict(broker.config.node_tags),
            "disable_stats": not self.asked.statistics,
            "enable_queue_totals": self.asked.totals,
            "is_op_policy_updating_enabled": not broker.config[FIXED_OPERATOR_POLICIES],
            "require_definition_json_extension": False,
            "statistics_db_event_queue": 0,
            "sample_retention_policies": {"global": [600, 3600], "basic": [600, 3600], "detailed": [600]},
            "release_series_support_status": "supported",
            "node": broker.node,
            "default_queue_type": broker.config["default_queue_type"],
            "statistics_level": "fine",
            "rates_mode": "basic",
            "exchange_types": view.exchange_types(),
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
        return self.moving(overview, broker, OF_NODE, STATISTICS)

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
        return [self.node_now()]

    async def get_node(self, node: str) -> Json:
        if node != self.broker.node:
            raise missing()
        return self.node_now()

    def node_now(self) -> Json:
        if not self.asked.statistics:
            return {"name": self.node, "type": "disc", "running": True, "being_drained": False}
        return self.moving({**health.node(self.broker), **view.churn(self.broker)}, self.broker, OF_NODE, frozenset())

    async def list_extensions(self) -> list[Json]:
        return []

    async def rebalance_queues(self, _body: Json) -> None:
        """One node leads them all."""

    async def reset_statistics(self) -> None:
        self.broker.statistics.histories.clear()

    async def reset_node_statistics(self, node: str) -> None:
        await self.get_node(node)
        await self.reset_statistics()

    async def list_certificates(self) -> list[Json]:
        return [view.certificate(*found, node=self.node) for found in health.served(self.broker)]

    async def get_effective_config(self) -> str:
        """One `key = value` a line, defaults included, secrets left out."""
        values = sorted(self.broker.config.values.items())
        lines = (f"{key} = {'***' if secret(key) else value}" for key, value in values if value is not None)
        return "\n".join(lines)
