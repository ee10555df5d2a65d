"""Which namespaces' objects a BrokerCluster takes."""

from __future__ import annotations

from collections.abc import Mapping

from watership_operator.kinds import Resource
from watership_operator.kinds.resource import ALLOWED_NAMESPACES

from .step import Verdict


def accepts(cluster: Resource, namespace: str, labels: Mapping[str, str]) -> bool:
    """labels: of the namespace."""
    given = cluster.spec.topology_namespaces
    annotated = (name.strip() for name in cluster.annotations.get(ALLOWED_NAMESPACES, "").split(","))
    names = {*given.names, *annotated}
    return namespace == cluster.namespace or not names.isdisjoint({namespace, "*"}) or given.matches(labels)


def refusal(resource: Resource, cluster: Resource) -> Verdict:
    """A broker that takes nothing from a namespace is not asked to delete anything for it either."""
    sentence = (
        f"{cluster} takes no objects of namespace {resource.namespace}: "
        "its spec.topologyNamespaces names neither it nor its labels"
    )
    return Verdict(False, "NotAllowed", sentence, stalled=not resource.deleting, release=bool(resource.deleting))
