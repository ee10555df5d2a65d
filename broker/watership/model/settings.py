"""The rules that a queue lives by, out of its arguments, its policy and its operator policy (RabbitMQ's
rabbit_queue_type_util and rabbit_policy).

Of several numbers the smallest counts. Of an argument and a policy that say other things the argument counts, and an
operator policy's overflow before both. Nothing here changes with time: the same declarations give the same settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TEN_YEARS = 315_360_000_000  # milliseconds, RabbitMQ's ceiling for timers
DELIVERY_LIMIT = 20  # of quorum queues that say nothing
Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds, None: no such rule. dead_letter_key None: the message's own keys."""

    message_ttl: int | None = None
    expires: int | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    overflow: str = "drop-head"
    dead_letter_exchange: str | None = None
    dead_letter_key: str | None = None
    at_least_once: bool = False
    delivery_limit: int | None = None
    consumer_timeout: int | None = None


def settings(arguments: Definition, policy: Definition, operator: Definition, *, quorum: bool = False) -> Settings:
    """policy, operator: definitions of the policies that match, {} for none."""

    def smallest(key: str) -> int | None:
        values = (arguments.get(f"x-{key}"), policy.get(key), operator.get(key))
        return min((v for v in values if v is not None), default=None)

    def said(key: str) -> Any:
        return arguments.get(f"x-{key}", policy.get(key))

    overflow = operator.get("overflow") or said("overflow") or "drop-head"
    return Settings(
        message_ttl=smallest("message-ttl"),
        expires=smallest("expires"),
        max_length=smallest("max-length"),
        max_bytes=smallest("max-length-bytes"),
        overflow=overflow,
        dead_letter_exchange=said("dead-letter-exchange"),
        dead_letter_key=said("dead-letter-routing-key"),
        at_least_once=quorum and said("dead-letter-strategy") == "at-least-once" and overflow == "reject-publish",
        delivery_limit=delivery_limit(arguments, policy, operator) if quorum else None,
        consumer_timeout=smallest("consumer-timeout"),
    )


def delivery_limit(arguments: Definition, policy: Definition, operator: Definition) -> int | None:
    """None: a negative number was asked for, there is no limit."""
    given = (arguments.get("x-delivery-limit"), policy.get("delivery-limit"), operator.get("delivery-limit"))
    values = [v for v in given if isinstance(v, int)]
    if not values:
        return DELIVERY_LIMIT
    # One that wants no limit at all gives way to one that wants some.
    limit = max(values) if min(values) < 0 else min(values)
    return None if limit < 0 else limit
