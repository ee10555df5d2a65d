"""Policies: rules that a vhost gives to all queues or exchanges whose names match a pattern (RabbitMQ's rabbit_policy).

An object has at most one policy, that of the highest priority, and one operator policy besides. What follows from both
for a queue is decided in `settings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

APPLY_TO = ("queues", "classic_queues", "quorum_queues", "streams", "exchanges", "all")
Fault = Callable[[Any], str | None]


@dataclass(frozen=True)
class Policy:
    vhost: str
    name: str
    pattern: str
    definition: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    apply_to: str = "all"

    def covers(self, kind: str, name: str) -> bool:
        """kind: exchange, or a queue's type."""
        if self.apply_to not in ("all", "exchanges" if kind == "exchange" else "queues"):
            special = {"classic": "classic_queues", "quorum": "quorum_queues", "stream": "streams"}
            if self.apply_to != special.get(kind):
                return False
        return bool(compiled(self.pattern).search(name))


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def matching(policies: Iterable[Policy], kind: str, name: str) -> Policy | None:
    """The policy of an object: the highest priority wins, of equals the first by name."""
    found = [p for p in policies if p.covers(kind, name)]
    return min(found, key=lambda p: (-p.priority, p.name), default=None)


# ---- what a definition may say


def number(low: int, what: str) -> Fault:
    def fault(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= low
        return None if good else f"{shown(value)} is not a valid {what}"

    return fault


def string(what: str) -> Fault:
    return lambda value: None if isinstance(value, str) else f"{shown(value)} is not a valid {what}"


def choice(what: str, *legal: str) -> Fault:
    return lambda value: None if value in legal else f"{shown(value)} is not a valid {what}"


def whole(what: str) -> Fault:
    return lambda value: (
        None if isinstance(value, int) and not isinstance(value, bool) else f"{shown(value)} is not a valid {what}"
    )


def shown(value: Any) -> str:
    return f'<<"{value}">>' if isinstance(value, str) else str(value)


OVERFLOWS = ("drop-head", "reject-publish", "reject-publish-dlx")
KEYS: Mapping[str, Fault] = {
    "alternate-exchange": string("alternate exchange name"),
    "consumer-timeout": number(0, "consumer timeout"),
    "dead-letter-exchange": string("dead letter exchange name"),
    "dead-letter-routing-key": string("dead letter routing key"),
    "dead-letter-strategy": choice("dead letter strategy", "at-most-once", "at-least-once"),
    "delivery-limit": whole("delivery limit"),
    "expires": number(1, "queue expiry"),
    "max-length": number(0, "maximum length"),
    "max-length-bytes": number(0, "maximum length in bytes"),
    "max-in-memory-length": number(0, "maximum memory in length"),
    "max-in-memory-bytes": number(0, "maximum memory in bytes"),
    "message-ttl": number(0, "message TTL"),
    "overflow": choice("overflow value", *OVERFLOWS),
    "queue-mode": choice("queue-mode value", "default", "lazy"),
    "queue-version": choice("queue version", 1, 2),  # type: ignore[arg-type]
    "queue-leader-locator": choice("queue leader locator", "client-local", "balanced"),
    "target-group-size": number(1, "target quorum queue group size"),
    "initial-cluster-size": number(1, "cluster size"),
    "max-age": string("max age"),
    "stream-max-segment-size-bytes": number(1, "segment size"),
    "stream-filter-size-bytes": number(16, "filter size"),
    "federation-upstream": string("federation upstream name"),
    "federation-upstream-set": string("federation upstream set name"),
    "federation-upstream-pattern": string("federation upstream pattern"),
}
OPERATOR_KEYS = {
    *("expires", "message-ttl", "max-length", "max-length-bytes", "max-in-memory-length", "max-in-memory-bytes"),
    *("delivery-limit", "queue-version", "overflow", "target-group-size"),
}


def fault(policy: Policy, *, operator: bool = False) -> str | None:
    """RabbitMQ's sentence about what is wrong with a policy, if anything is."""
    if not isinstance(policy.pattern, str):
        return f"pattern should be a string, actually was {shown(policy.pattern)}"
    try:
        re.compile(policy.pattern)
    except re.error as error:
        return f"pattern should be regular expression but is invalid: {error}"
    if isinstance(policy.priority, bool) or not isinstance(policy.priority, int):
        return f"priority should be a number, actually was {shown(policy.priority)}"
    if policy.apply_to not in APPLY_TO:
        return (
            f"apply-to '{policy.apply_to}' unrecognised; should be one of: 'queues', 'classic_queues',  "
            "'quorum_queues', 'streams', 'exchanges', or 'all'"
        )
    if not isinstance(policy.definition, Mapping):
        return f"definition should be an object, actually was {shown(policy.definition)}"
    if not policy.definition:
        return "no policy provided"
    known = OPERATOR_KEYS if operator else KEYS.keys()
    if unknown := [f'{{<<"{k}">>,{shown(v)}}}' for k, v in policy.definition.items() if k not in known]:
        return f"[{','.join(unknown)}] are not recognised policy settings"
    return next((text for k, v in policy.definition.items() if (text := KEYS[k](v))), None)
