"""Virtual hosts."""

from __future__ import annotations

from dataclasses import replace

from watership.admin import view
from watership.admin.api import AdminError, Json
from watership.admin.control import OWNER
from watership.broker import VirtualHost
from watership.broker.statistics import LENGTHS, OF_VHOST
from watership.model.permissions import Permission
from watership.model.topology import Vhost
from watership.model.users import parse_tags

from .base import Verbs, bad, brokers_words, flag, missing, text

QUEUE_TYPES = ("classic", "quorum", "stream")


class VhostVerbs(Verbs):
    async def list_vhosts(self) -> list[Json]:
        return [self.shown_vhost(v) for v in self.visible()]

    def shown_vhost(self, live: VirtualHost) -> Json:
        shown = view.vhost(self.broker.metadata.vhosts[live.name], live, self.broker)
        return self.moving(shown, live, OF_VHOST, frozenset((*LENGTHS, "message_stats", "recv_oct", "send_oct")))

    async def get_vhost(self, vhost: str) -> Json:
        return self.shown_vhost(self.vhost(vhost))

    async def put_vhost(self, vhost: str, body: Json) -> bool:
        """description, tags, default_queue_type: what is not given stays. A new vhost's maker may do all in it."""
        old = self.broker.metadata.vhosts.get(vhost)
        made = old or Vhost(vhost, default_queue_type=self.broker.config["default_queue_type"])
        kind = text(body, "default_queue_type", made.default_queue_type)
        if kind not in QUEUE_TYPES:
            raise bad(f"{kind} is not a valid queue type")
        tags = parse_tags(body["tags"]) if "tags" in body else made.tags
        description = text(body, "description", made.description)
        traced = flag(body, "tracing", default=old is not None and self.broker.vhosts[vhost].tracing)
        with brokers_words():
            self.broker.put_vhost(replace(made, description=description, tags=tags, default_queue_type=kind))
        if old is None and self.user is not OWNER:
            self.broker.put_permission(Permission(self.user.name, vhost, ".*", ".*", ".*"))
        if traced != self.broker.vhosts[vhost].tracing:
            self.broker.vhosts[vhost].trace(on=traced)
        await self.broker.durable()
        return old is None

    async def delete_vhost(self, vhost: str) -> None:
        found = self.broker.metadata.vhosts.get(vhost)
        if found is None:
            raise missing()
        if found.protected_from_deletion:
            reason = f"Refusing to delete virtual host '{vhost}' because it is protected from deletion"
            raise AdminError(412, "precondition_failed", reason)
        self.broker.delete_vhost(vhost)
        await self.broker.durable()

    async def protect_vhost(self, vhost: str) -> None:
        await self.set_protection(vhost, "enable", on=True)

    async def unprotect_vhost(self, vhost: str) -> None:
        await self.set_protection(vhost, "disable", on=False)

    async def set_protection(self, vhost: str, verb: str, *, on: bool) -> None:
        found = self.broker.metadata.vhosts.get(vhost)
        if found is None:
            reason = f"Cannot {verb} deletion protection of virtual host '{vhost}' because it does not exist"
            raise AdminError(404, "not_found", reason)
        self.broker.put_vhost(replace(found, protected_from_deletion=on))
        await self.broker.durable()

    async def start_vhost(self, vhost: str, node: str) -> None:
        """Every vhost runs; so there is nothing to start."""
        self.target(vhost)
        if node != self.node:
            raise bad(f"Unknown node: {node}")
