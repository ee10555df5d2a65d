"""What users may do in which vhost."""

from __future__ import annotations

from watership.admin import view
from watership.admin.api import Json
from watership.model.permissions import Permission, check_expressions

from .base import Verbs, bad, missing, text

EXPRESSIONS = ("configure", "write", "read")


class PermissionVerbs(Verbs):
    async def list_permissions(self) -> list[Json]:
        return [view.permission(p) for p in self.broker.metadata.permissions.values()]

    async def list_vhost_permissions(self, vhost: str) -> list[Json]:
        self.vhost(vhost)
        return [view.permission(p) for p in self.broker.metadata.permissions.values() if p.vhost == vhost]

    async def list_user_permissions(self, user: str) -> list[Json]:
        if user not in self.broker.metadata.users:
            raise missing()
        return [view.permission(p) for p in self.broker.metadata.permissions.values() if p.user == user]

    async def get_permission(self, vhost: str, user: str) -> Json:
        found = self.broker.metadata.permissions.get((user, vhost))
        if found is None:
            raise missing()
        return view.permission(found)

    async def put_permission(self, vhost: str, user: str, body: Json) -> bool:
        """configure, write and read, all three: expressions over names."""
        metadata = self.broker.metadata
        if vhost not in metadata.vhosts or user not in metadata.users:
            raise bad("vhost_or_user_not_found")
        for name in EXPRESSIONS:
            if name not in body:
                raise bad(f"[{{key_missing,{name}}}]")
        expressions = {name: text(body, name) for name in EXPRESSIONS}
        if problem := check_expressions(**expressions):
            raise bad(f"invalid_regexp: {problem}")
        new = (user, vhost) not in metadata.permissions
        self.broker.put_permission(Permission(user, vhost, **expressions))
        await self.broker.durable()
        return new

    async def delete_permission(self, vhost: str, user: str) -> None:
        await self.get_permission(vhost, user)
        self.broker.delete_permission(user, vhost)
        await self.broker.durable()
