"""Limits of vhosts and of users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from watership.admin.api import Json
from watership.broker.metadata import LIMITS
from watership.model import limits

from .base import Verbs, bad, missing
from .policies import invalid, parameter_value


class LimitVerbs(Verbs):
    async def list_vhost_limits(self) -> list[Json]:
        return [item for vhost in self.visible() for item in self.limits_of(vhost.name)]

    async def get_vhost_limits(self, vhost: str) -> list[Json]:
        return self.limits_of(self.vhost(vhost).name)

    def limits_of(self, vhost: str) -> list[Json]:
        value = self.broker.metadata.limits(vhost)
        return [{"vhost": vhost, "value": value}] if value else []

    async def put_vhost_limit(self, vhost: str, name: str, body: Json) -> bool:
        """Never gives True: RabbitMQ answers 204 to a new limit as well."""
        self.target(vhost)
        value = {name: parameter_value(body)}
        if problem := limits.fault(value, limits.VHOST_LIMITS, "limits"):
            raise invalid(problem)
        await self.set_limits(vhost, {**self.broker.metadata.limits(vhost), **value})
        return False

    async def delete_vhost_limit(self, vhost: str, name: str) -> None:
        self.target(vhost)
        await self.set_limits(vhost, {k: v for k, v in self.broker.metadata.limits(vhost).items() if k != name})

    async def set_limits(self, vhost: str, value: dict[str, Any]) -> None:
        self.broker.set_parameter(vhost, LIMITS, "limits", value or None)
        await self.broker.durable()

    async def list_user_limits(self) -> list[Json]:
        return [item for user in self.broker.metadata.users for item in self.user_limits(user)]

    async def get_user_limits(self, user: str) -> list[Json]:
        self.check_own(user)
        if user not in self.broker.metadata.users:
            raise missing()
        return self.user_limits(user)

    def user_limits(self, user: str) -> list[Json]:
        value = dict(self.broker.metadata.users[user].limits)
        return [{"user": user, "value": value}] if value else []

    async def put_user_limit(self, user: str, name: str, body: Json) -> bool:
        """Never gives True, as for a vhost."""
        found = self.broker.metadata.users.get(user)
        if found is None:
            raise bad(f"no_such_user: {user}")
        value = {name: parameter_value(body)}
        if problem := limits.fault(value, limits.USER_LIMITS, "user-limits"):
            raise bad(problem)
        self.broker.put_user(replace(found, limits={**found.limits, **value}))
        await self.broker.durable()
        return False

    async def delete_user_limit(self, user: str, name: str) -> None:
        found = self.broker.metadata.users.get(user)
        if found is None:
            raise missing()
        self.broker.put_user(replace(found, limits={k: v for k, v in found.limits.items() if k != name}))
        await self.broker.durable()
