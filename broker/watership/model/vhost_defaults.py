"""What a new vhost is given by the configuration, where its name matches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DefaultUser:
    """pattern: a regular expression over vhosts. password None: nobody can log in with one."""

    pattern: str
    name: str
    password: str | None
    tags: tuple[str, ...]
    configure: str
    write: str
    read: str


@dataclass(frozen=True)
class DefaultLimits:
    """limits: as a vhost's limits are named, max-connections and max-queues."""

    pattern: str
    limits: Mapping[str, int]


@dataclass(frozen=True)
class DefaultPolicy:
    """An operator policy; queues, kind: what it applies to."""

    pattern: str
    name: str
    queues: str
    kind: str
    definition: Mapping[str, object]


@dataclass(frozen=True)
class VhostDefaults:
    users: tuple[DefaultUser, ...] = ()
    limits: tuple[DefaultLimits, ...] = ()
    policies: tuple[DefaultPolicy, ...] = ()

    def users_of(self, vhost: str) -> list[DefaultUser]:
        return [user for user in self.users if re.search(user.pattern, vhost)]

    def limits_of(self, vhost: str) -> Mapping[str, int]:
        """Of the first that matches."""
        return next((found.limits for found in self.limits if re.search(found.pattern, vhost)), {})

    def policies_of(self, vhost: str) -> list[DefaultPolicy]:
        return [policy for policy in self.policies if re.search(policy.pattern, vhost)]
