"""Users: who they are, never what they may do."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from watership.admin import view
from watership.admin.api import Json
from watership.broker import Broker
from watership.model.users import ALGORITHMS, DEFAULT_ALGORITHM, User, parse_tags, password_fault

from .base import Verbs, bad, missing, text


class UserVerbs(Verbs):
    def existing(self, user: str) -> User:
        """Raises AdminError 404."""
        found = self.broker.metadata.users.get(user)
        if found is None:
            raise missing()
        return found

    async def whoami(self) -> Json:
        return {"name": self.user.name, "tags": list(self.user.tags), "is_internal_user": True}

    async def list_users(self) -> list[Json]:
        return [view.user(u) for u in self.broker.metadata.users.values()]

    async def list_users_without_permissions(self) -> list[Json]:
        permitted = {user for user, _ in self.broker.metadata.permissions}
        return [view.user(u) for u in self.broker.metadata.users.values() if u.name not in permitted]

    async def get_user(self, user: str) -> Json:
        return view.user(self.existing(user))

    async def put_user(self, user: str, body: Json) -> bool:
        """tags are needed. Without a password or its hash an existing user keeps its own; a new one cannot log in."""
        old = self.broker.metadata.users.get(user)
        self.broker.put_user(self.wanted(user, body, old))
        await self.broker.durable()
        return old is None

    def wanted(self, name: str, body: Json, old: User | None) -> User:
        """Raises AdminError 400."""
        if "tags" not in body:
            raise bad("tags_not_present")
        if not isinstance(body["tags"], (str, list)):
            raise bad(f"tags must be a string or a list, not {body['tags']!r}")
        tags, limits = parse_tags(body["tags"]), old.limits if old else {}
        if "password" in body and "password_hash" in body:
            raise bad("both_password_and_password_hash_are_provided")
        if "password_hash" in body:
            return User(name, password_hash(body), algorithm(body), tags, limits)
        if "password" in body:
            check_password(self.broker, text(body, "password"))
            return replace(self.broker.user(name, text(body, "password"), tags=tags), limits=limits)
        if old is not None:
            return replace(old, tags=tags)
        return self.broker.user(name, None, tags=tags)

    async def delete_user(self, user: str) -> None:
        self.existing(user)
        self.broker.delete_user(user)
        await self.broker.durable()

    async def delete_users(self, body: Json) -> None:
        """{"users": [names]}: those that exist are deleted."""
        names: Any = body.get("users")
        if not isinstance(names, list):
            raise bad("[{key_missing,users}]")
        for name in names:
            if name in self.broker.metadata.users:
                self.broker.delete_user(name)
        await self.broker.durable()


def check_password(broker: Broker, password: str) -> None:
    """Raises AdminError 400 for one that the configured validator refuses."""
    prefix, config = "credential_validator.", broker.config
    limits = {"min_length": config[f"{prefix}min_length"], "regexp": config[f"{prefix}regexp"]}
    if problem := password_fault(password, config[f"{prefix}validation_backend"], **limits):
        raise bad(problem)


def password_hash(body: Json) -> str:
    """The body's hash, "" for none. Raises AdminError 400."""
    given = text(body, "password_hash")
    try:
        base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise bad(f"not_base64: password_hash is '{given}'") from None
    return given


def algorithm(body: Json) -> str:
    """Raises AdminError 400."""
    given = text(body, "hashing_algorithm", DEFAULT_ALGORITHM)
    if given not in ALGORITHMS:
        raise bad(f"hashing_algorithm is one of {', '.join(ALGORITHMS)}, not '{given}'")
    return given
