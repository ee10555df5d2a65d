"""The default user of a cluster: as its configuration says, or made up once and then kept in its Secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watership.config import parse
from watership_operator.kinds import Resource


@dataclass(frozen=True)
class Credentials:
    username: str
    password: str


def credentials(cluster: Resource, token: Callable[[], str], *, username: str = "") -> Credentials:
    """Raises ConfigError for a configuration that the broker would refuse."""
    given = {s.key: s.value for s in parse(cluster.spec.lines, "spec.configuration")}
    return Credentials(
        given.get("default_user") or username or f"default_user_{token()[:12]}", given.get("default_pass") or token()
    )
