"""Logging in: what was tried, how passwords are kept, and what the management UI asks first."""

from __future__ import annotations

import base64

from watership.admin.api import Json
from watership.admin.auth import authenticate, authorise
from watership.broker.attempts import Tally
from watership.model.users import SALT_BYTES, hash_password

from .base import Verbs, missing, text


class LoginVerbs(Verbs):
    async def get_auth(self) -> Json:
        return {"oauth_enabled": False}

    async def login(self, body: Json) -> Json:
        """username and password, as a form or JSON. Raises AdminError 401."""
        user = authenticate(self.broker, text(body, "username"), text(body, "password"), self.source)
        authorise(user, "management")
        token = base64.b64encode(f"{user.name}:{body['password']}".encode()).decode()
        about = {"name": user.name, "tags": list(user.tags), "is_internal_user": True}
        return {"user": about, "token": {"type": "basic", "value": token}}

    async def logout(self) -> None:
        """Who logs in sends name and password with each request: there is no session."""

    async def hash_password(self, password: str) -> Json:
        return {"ok": hash_password(password, self.broker.random(SALT_BYTES))}

    async def list_attempts(self, node: str) -> list[Json]:
        self.here(node)
        return [{"protocol": p, **counted(t)} for p, t in self.broker.access.attempts.by_protocol.items()]

    async def list_attempts_by_source(self, node: str) -> list[Json]:
        self.here(node)
        return [
            {"protocol": protocol, "remote_address": source, "username": user, **counted(tally)}
            for (protocol, source, user), tally in self.broker.access.attempts.by_source.items()
        ]

    async def reset_attempts(self, node: str) -> None:
        self.here(node)
        self.broker.access.attempts.reset()

    async def reset_attempts_by_source(self, node: str) -> None:
        self.here(node)
        self.broker.access.attempts.reset_sources()

    def here(self, node: str) -> None:
        """Raises AdminError 404 for another node."""
        if node != self.node:
            raise missing()


def counted(tally: Tally) -> Json:
    return {
        "auth_attempts": tally.succeeded + tally.failed,
        "auth_attempts_failed": tally.failed,
        "auth_attempts_succeeded": tally.succeeded,
    }
