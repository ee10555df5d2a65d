"""How far a cluster's children are, and which of them are not wanted any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from watership_operator.kinds import Resource

from .step import CREATED, Step, Verdict

Object = Mapping[str, Any]
Children = Mapping[tuple[str, str], Object]
OPTIONAL = ("PodDisruptionBudget", "NetworkPolicy", "PodMonitor", "PrometheusRule", "ConfigMap")


def owner_of(item: Object) -> Mapping[str, Any]:
    owners = item["metadata"].get("ownerReferences") or ()
    return next((o for o in owners if o.get("controller")), {})


def unwanted(cluster: Resource, seen: Children, wanted: Iterable[Object]) -> list[Step]:
    """Children that earlier specifications had."""
    kept = {(m["kind"], m["metadata"]["name"]) for m in wanted}
    steps = []
    for (kind, name), item in seen.items():
        if kind in OPTIONAL and (kind, name) not in kept and owner_of(item).get("uid") == cluster.uid:
            steps.append(Step("kubernetes", "delete", cluster.key, f"deletes {kind} {name}", manifest=item))
    return steps


def owned_by(cluster: Resource, seen: Children) -> str:
    """A sentence about a StatefulSet of our name that is somebody else's; "": there is none."""
    item = seen.get(("StatefulSet", f"{cluster.name}-server"))
    owner = owner_of(item) if item is not None else {}
    if not owner or owner.get("uid") == cluster.uid:
        return ""
    if owner.get("kind") == cluster.kind and owner.get("name") == cluster.name:
        return ""  # of a BrokerCluster that was deleted: it goes, and comes back as ours
    return f"StatefulSet {cluster.name}-server belongs to {owner.get('kind')} {owner.get('name')}; take another name"


def verdict(cluster: Resource, seen: Children, steps: list[Step]) -> Verdict:
    """How far the StatefulSet is."""
    statefulset = seen.get(("StatefulSet", f"{cluster.name}-server"))
    extra = {"binding": {"name": f"{cluster.name}-default-user"}, "replicas": 0}
    if statefulset is None or any(s.manifest["kind"] == "StatefulSet" for s in steps):
        return Verdict(False, "Creating", f"waits for StatefulSet {cluster.name}-server to start", extra=extra)
    status = statefulset.get("status") or {}
    wanted, ready = cluster.spec.replicas, status.get("readyReplicas", 0)
    extra["replicas"] = status.get("replicas", 0)
    if wanted == 0:
        if extra["replicas"]:
            return Verdict(False, "Hibernating", f"waits for {extra['replicas']} pods to end", extra=extra)
        return Verdict(True, "Hibernated", "hibernates: replicas is 0, the volumes are kept", extra=extra)
    generation = statefulset["metadata"].get("generation", 0)
    current = status.get("updatedReplicas", 0) >= wanted and status.get("observedGeneration", 0) >= generation
    if ready < wanted or not current:
        pods = ", ".join(f"{cluster.name}-server-{i}" for i in range(wanted))
        why = "to be ready" if ready < wanted else "to run the newest version"
        return Verdict(False, "NotAllPodsReady", f"{ready}/{wanted} pods ready; waits for {pods} {why}", extra=extra)
    return Verdict(True, CREATED, f"{ready}/{wanted} pods ready", extra=extra)
