"""Limits of vhosts and users. A negative number is no limit at all; max-queues 0 and max-connections 0 allow none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .policies import shown

VHOST_LIMITS = ("max-connections", "max-queues")
USER_LIMITS = ("max-connections", "max-channels")
Limits = Mapping[str, int]


def fault(limits: Mapping[str, Any], known: tuple[str, ...], where: str) -> str | None:
    """RabbitMQ's sentence about what is wrong, if anything is. where: "limits" or "user-limits"."""
    if unknown := [f'{{<<"{k}">>,{shown(v)}}}' for k, v in limits.items() if k not in known]:
        return f"Unrecognised terms [{','.join(unknown)}] in {where}"
    for name, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{name} should be a number, actually was {shown(value)}"
    return None


def reached(limits: Limits, name: str, count: int) -> bool:
    """Whether there may not be one more."""
    limit = limits.get(name, -1)
    return 0 <= limit <= count
