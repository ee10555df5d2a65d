"""The growth of volumes.

The claims grow, one by one; the StatefulSet keeps the claim templates that it was made with, so it never has to be
made again, and nothing is lost when the operator stops half way: the next pass sees claims that are too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watership_operator.kinds import Resource

from .difference import quantity
from .step import Step

Claims = Mapping[str, Mapping[str, Any]]


def claims_of(cluster: Resource, children: Mapping[tuple[str, str], Mapping[str, Any]]) -> Claims:
    """The claims of the cluster's nodes; others that users added to the StatefulSet are theirs."""
    prefix = f"persistence-{cluster.name}-server-"
    return {name: c for (kind, name), c in children.items() if kind == "PersistentVolumeClaim" if prefix in name}


def requested(claim: Mapping[str, Any]) -> str:
    return str(claim["spec"].get("resources", {}).get("requests", {}).get("storage", "0"))


def refusal(cluster: Resource, claims: Claims, classes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Why volumes cannot become as large as wanted. classes: StorageClasses by name, as far as they can be read."""
    wanted = quantity(cluster.spec.persistence.storage) or 0
    for name, claim in claims.items():
        have = quantity(requested(claim)) or 0
        if wanted < have:
            return (
                f"spec.persistence.storage is {cluster.spec.persistence.storage}, but {name} has {requested(claim)}: "
                f"volumes never shrink; set it to {requested(claim)}"
            )
        storage_class = classes.get(claim["spec"].get("storageClassName") or "")
        if wanted > have and storage_class is not None and not storage_class.get("allowVolumeExpansion"):
            return (
                f"{name} cannot grow from {requested(claim)} to {cluster.spec.persistence.storage}: StorageClass "
                f"{storage_class['metadata']['name']} has no allowVolumeExpansion; set the size back, or allow it"
            )
    return None


def growth(cluster: Resource, claims: Claims) -> list[Step]:
    wanted = cluster.spec.persistence.storage
    steps = []
    for name, claim in sorted(claims.items()):
        if (quantity(wanted) or 0) > (quantity(requested(claim)) or 0):
            manifest = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": cluster.namespace},
                "spec": {"resources": {"requests": {"storage": wanted}}},
            }
            sentence = f"grows volume {name} from {requested(claim)} to {wanted}"
            steps.append(Step("kubernetes", "apply", cluster.key, sentence, manifest=manifest, event="VolumeGrows"))
    return steps


def growing(cluster: Resource, claims: Claims) -> str:
    """What is still smaller than asked for; "": nothing."""
    slow = []
    for name, claim in sorted(claims.items()):
        capacity = (claim.get("status") or {}).get("capacity", {}).get("storage")
        if capacity is not None and (quantity(capacity) or 0) < (quantity(requested(claim)) or 0):
            slow.append(f"{name} to grow from {capacity} to {requested(claim)}")
    return "waits for " + ", ".join(slow) if slow else ""
