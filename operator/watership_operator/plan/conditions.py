"""Verdicts as status: conditions that kstatus, `kubectl wait`, Argo CD and Flux read, and RabbitMQ's own four on a
BrokerCluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watership_operator.kinds import Resource

from .step import DRIFTED, Row, Verdict


def status(resource: Resource, verdict: Verdict, *, now: str, more: Mapping[str, Row] | None = None) -> dict[str, Any]:
    """The whole status. now: RFC 3339, used where a condition changes. more: type to (status, reason, message)."""
    words = (verdict.reason, verdict.sentence)
    rows: dict[str, Row] = {
        "Ready": (truth(verdict.ready), *words),
        "Reconciling": (truth(verdict.waiting), *words),
        "Stalled": (truth(verdict.stalled), *words),
        **(more or {}),
    }
    old = resource.status.get("conditions", ())
    conditions = [condition(kind, *row, old=old, generation=resource.generation, now=now) for kind, row in rows.items()]
    kept = {} if resource.kind == "BrokerCluster" else resource.status  # a verdict adds to what is remembered
    return {**kept, "observedGeneration": resource.generation, "conditions": conditions, **verdict.extra}


def truth(value: bool) -> str:
    return "True" if value else "False"


def condition(
    kind: str,
    state: str,
    reason: str,
    message: str,
    *,
    old: Sequence[Mapping[str, Any]],
    generation: int,
    now: str,
) -> dict[str, Any]:
    """lastTransitionTime stays while the status does."""
    before: Mapping[str, Any] = next((c for c in old if c.get("type") == kind), {})
    since = before.get("lastTransitionTime") if before.get("status") == state else None
    return {
        "type": kind,
        "status": state,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since or now,
        "observedGeneration": generation,
    }


def changed(resource: Resource, wanted: Mapping[str, Any]) -> bool:
    """Whether a status has to be written at all."""
    return {k: v for k, v in resource.status.items() if k in wanted or k == "conditions"} != dict(wanted)


def warned(resource: Resource, verdict: Verdict, further: Mapping[str, Row]) -> Row | None:
    """The condition NoWarnings where an Event is due about it: it warns of something else than before, and the verdict
    does not say the same."""
    row = further["NoWarnings"]
    known = (resource.condition("NoWarnings").get("reason"), verdict.reason)
    return None if row[0] == "True" or row[1] in known else row


def transition(resource: Resource, verdict: Verdict) -> bool:
    """Whether an Event is due: readiness, or the reason for a lack of it, is another than before."""
    before = resource.condition("Ready")
    if verdict.ready:  # a first success is no news, and the end of drift has an Event of its own
        return before.get("status") == "False" and before.get("reason") != DRIFTED
    quiet = verdict.reason in ("Waiting", DRIFTED)
    return (before.get("status"), before.get("message")) != ("False", verdict.sentence) and not quiet
