"""What a dead letter carries with it: x-death and its companions, as RabbitMQ 4 writes them. Pure.

x-death is a list of tables, the latest death first, one for each (queue, reason). The first death stays in
x-first-death-*, the latest is in x-last-death-*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Death = dict[str, Any]
Headers = Mapping[str, Any]


def record_death(
    headers: Headers,
    *,
    queue: str,
    reason: str,
    exchange: str,
    keys: Sequence[str],
    now: float,
    expiration: str | None = None,
    known: bool = True,
) -> dict[str, Any]:
    """The headers with one more death in them. now: seconds since 1970. expiration: the message's own, in milliseconds.

    known: the x-death that is there was written by the broker. One that a client published means nothing.
    """
    deaths = [d for d in headers.get("x-death", ()) if isinstance(d, dict)] if known else []
    same = next((d for d in deaths if d.get("queue") == queue and d.get("reason") == reason), None)
    if same is not None:
        latest = {**same, "count": int(same.get("count", 0)) + 1}
    else:
        latest = {
            "count": 1,
            "reason": reason,
            "queue": queue,
            "time": datetime.fromtimestamp(int(now), UTC),
            "exchange": exchange,
            "routing-keys": list(keys),
        }
        if expiration is not None:
            latest["original-expiration"] = expiration
    changed = {**headers, "x-death": [latest, *(d for d in deaths if d is not same)]}
    if not deaths:
        changed |= {"x-first-death-reason": reason, "x-first-death-queue": queue, "x-first-death-exchange": exchange}
    return changed | {"x-last-death-reason": reason, "x-last-death-queue": queue, "x-last-death-exchange": exchange}


def is_cycle(headers: Headers, target: str) -> bool:
    """Whether `target` is a queue in which the message died before, with no rejection by a client since."""
    for death in headers.get("x-death", ()):
        if death["reason"] == "rejected":
            return False
        if death["queue"] == target:
            return True
    return False


def copies(headers: Headers, name: str) -> list[str]:
    """The routing keys in a CC or BCC header."""
    return [key for key in headers.get(name, ()) if isinstance(key, str)]
