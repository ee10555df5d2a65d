"""Events: one when readiness, or the reason for its lack, becomes another; never one per pass."""

from __future__ import annotations

from typing import Any

from watership_operator.kinds import Resource
from watership_operator.kinds.resource import API_VERSION

from .client import MANAGER


def event(resource: Resource, *, reason: str, sentence: str, warning: bool, now: str, suffix: str) -> dict[str, Any]:
    """now: RFC 3339. suffix: makes the name unique."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{resource.name}.{suffix}", "namespace": resource.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": resource.kind,
            "namespace": resource.namespace,
            "name": resource.name,
            "uid": resource.uid,
        },
        "reason": reason,
        "message": sentence[:1024],
        "type": "Warning" if warning else "Normal",
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "reportingInstance": MANAGER,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
