"""Virtual hosts."""

from __future__ import annotations

from dataclasses import replace

from watership.admin import view
from watership.admin.api import Json
from watership.model.permissions import Permission
from watership.model.topology import Vhost
from watership.model.users import parse_tags

from .base import Verbs, bad, missing, text

QUEUE_TYPES = ("classic", "quorum", "stream")


class VhostVerbs(Verbs):
    async def list_vhosts(self) -> list[Json]:
        return [view.vhost(self.broker.metadata.vhosts[v.name], v, self.node) for v in self.visible()]

    async def get_vhost(self, vhost: str) -> Json:
        live = self.vhost(vhost)
        return view.vhost(self.broker.metadata.vhosts[vhost], live, self.node)

    async def put_vhost(self, vhost: str, body: Json) -> bool:
        """description, tags, default_queue_type: what is not given stays. A new vhost's maker may do all in it."""
        old = self.broker.metadata.vhosts.get(vhost)
        made = old or Vhost(vhost)
        kind = text(body, "default_queue_type", made.default_queue_type)
        if kind not in QUEUE_TYPES:
            raise bad(f"{kind} is not a valid queue type")
        tags = parse_tags(body["tags"]) if "tags" in body else made.tags
        description = text(body, "description", made.description)
        self.broker.put_vhost(replace(made, description=description, tags=tags, default_queue_type=kind))
        if old is None:
            self.broker.put_permission(Permission(self.user.name, vhost, ".*", ".*", ".*"))
        await self.broker.durable()
        return old is None

    async def delete_vhost(self, vhost: str) -> None:
        if vhost not in self.broker.metadata.vhosts:
            raise missing()
        self.broker.delete_vhost(vhost)
        await self.broker.durable()
