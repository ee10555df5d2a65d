"""Which namespaces' objects a BrokerCluster takes."""

from __future__ import annotations

from collections.abc import Mapping

from watership_operator.kinds import Resource

from .step import Verdict


def accepts(cluster: Resource, namespace: str, labels: Mapping[str, str]) -> bool:
    """labels: of the namespace."""
    given = cluster.spec.topology_namespaces
    if namespace == cluster.namespace or namespace in given.names or "*" in given.names:
        return True
    return bool(given.match_labels) and all(labels.get(k) == v for k, v in given.match_labels.items())


def refusal(resource: Resource, cluster: Resource) -> Verdict:
    """A broker that takes nothing from a namespace is not asked to delete anything for it either."""
    sentence = (
        f"{cluster} takes no objects of namespace {resource.namespace}: "
        "its spec.topologyNamespaces names neither it nor its labels"
    )
    return Verdict(False, "NotAllowed", sentence, stalled=not resource.deleting, release=bool(resource.deleting))
