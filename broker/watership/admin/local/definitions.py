"""The whole topology at once: definitions.json and the snapshot."""

from __future__ import annotations

from typing import cast

from watership.admin import definitions, queue_view, view
from watership.admin.api import Json, Snapshot
from watership.broker.identity import VERSION
from watership.broker.metadata import is_predeclared
from watership.queues import ClassicQueue

from .base import Verbs


class DefinitionVerbs(Verbs):
    async def get_definitions(self) -> Json:
        return definitions.exported(self.broker, VERSION)

    get_all_configuration = get_definitions

    async def get_vhost_definitions(self, vhost: str) -> Json:
        self.vhost(vhost)
        return definitions.exported_vhost(self.broker, VERSION, vhost)

    async def post_definitions(self, body: Json) -> None:
        definitions.imported(self.broker, self.user.name, body)
        await self.broker.durable()

    async def post_vhost_definitions(self, vhost: str, body: Json) -> None:
        self.target(vhost)
        definitions.imported(self.broker, self.user.name, definitions.in_vhost(vhost, body))
        await self.broker.durable()

    async def snapshot(self) -> Snapshot:
        broker, metadata = self.broker, self.broker.metadata
        vhosts = list(broker.vhosts.values())
        everything: Json = {
            "product_version": VERSION,
            "node": broker.node,
            "cluster_name": broker.cluster_name,
            "vhosts": [view.vhost(metadata.vhosts[v.name], v, broker) for v in vhosts],
            "users": [view.user(u) for u in metadata.users.values()],
            "permissions": [view.permission(p) for p in metadata.permissions.values()],
            "topic_permissions": [view.topic_permission(p) for p in metadata.topic_permissions.values()],
            "policies": [view.policy(p) for v in vhosts for p in metadata.policies(v.name)],
            "operator_policies": [view.policy(p) for v in vhosts for p in metadata.policies(v.name, operator=True)],
            "limits": [{"vhost": v.name, "value": limits} for v in vhosts if (limits := metadata.limits(v.name))],
            "exchanges": [
                view.exchange(e) for v in vhosts for e in v.exchanges.declared.values() if not is_predeclared(e)
            ],
            "queues": [counted(q, broker.node) for v in vhosts for q in v.live.values()],
            "bindings": [view.binding(b) for v in vhosts for b in v.bindings.declared.values()],
        }
        return cast("Snapshot", everything)


def counted(live: ClassicQueue, node: str) -> Json:
    records = live.records
    return {
        **queue_view.declaration(live, node),
        "consumers": len(live.subscriptions),
        "messages": records.ready + records.unacked,
        "messages_ready": records.ready,
        "messages_unacknowledged": records.unacked,
    }
