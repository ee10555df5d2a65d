"""The whole topology at once: definitions.json and the snapshot."""

from __future__ import annotations

from typing import cast

from watership.admin import definitions, queue_view, view
from watership.admin.api import Json, Snapshot
from watership.broker import VirtualHost
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

    post_all_configuration = post_definitions

    async def post_vhost_definitions(self, vhost: str, body: Json) -> None:
        self.target(vhost)
        definitions.imported(self.broker, self.user.name, definitions.in_vhost(vhost, body))
        await self.broker.durable()

    async def snapshot(self) -> Snapshot:
        return self.taken(list(self.broker.vhosts.values()))

    async def snapshot_vhost(self, vhost: str) -> Snapshot:
        """Of one vhost; users are those who have permissions in it."""
        return self.taken([self.vhost(vhost)])

    def taken(self, vhosts: list[VirtualHost]) -> Snapshot:
        broker, metadata = self.broker, self.broker.metadata
        names = {v.name for v in vhosts}
        permissions = [p for p in metadata.permissions.values() if p.vhost in names]
        whole = len(names) == len(metadata.vhosts)
        concerned = metadata.users.keys() if whole else {p.user for p in permissions}
        everything: Json = {
            "revision": broker.changes.revision,
            "product_version": VERSION,
            "node": broker.node,
            "cluster_name": broker.cluster_name,
            "vhosts": [view.vhost(metadata.vhosts[v.name], v, broker) for v in vhosts],
            "users": [view.user(u) for u in metadata.users.values() if u.name in concerned],
            "permissions": [view.permission(p) for p in permissions],
            "topic_permissions": [
                view.topic_permission(p) for p in metadata.topic_permissions.values() if p.vhost in names
            ],
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
    return {**queue_view.declaration(live, node), "consumers": len(live.subscriptions), **queue_view.totals(live)}
