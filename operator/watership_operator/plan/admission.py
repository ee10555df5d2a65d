"""What is taken at all: objects of which namespaces, and which changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from watership_operator.kinds import Kind, Resource, Spec
from watership_operator.kinds.resource import ALLOWED_NAMESPACES, TopologySpec, unchangeable

from .step import Verdict


def accepts(cluster: Resource, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether a cluster takes a namespace's objects. labels: of the namespace."""
    given = cluster.spec.topology_namespaces
    listed = not {namespace, "*"}.isdisjoint(given.names)
    return (
        namespace == cluster.namespace or listed or annotated(cluster.annotations, namespace) or given.matches(labels)
    )


def annotated(annotations: Mapping[str, str], namespace: str) -> bool:
    """Whether a cluster, or a Secret that names a broker, lets a namespace in by its annotation."""
    texts = (annotations.get(name, "") for name in ALLOWED_NAMESPACES)
    return not {namespace, "*"}.isdisjoint(name.strip() for text in texts for name in text.split(","))


def refusal(resource: Resource, host: str) -> Verdict:
    """host: the object whose broker takes nothing from that namespace; nor is it asked to delete anything for it."""
    means = "spec.topologyNamespaces names neither it nor its labels"
    if not host.startswith("BrokerCluster"):
        means = f"annotation {ALLOWED_NAMESPACES[0]} does not name it"
    sentence = f"{host} takes no objects of namespace {resource.namespace}: its {means}"
    return Verdict(False, "NotAllowed", sentence, stalled=not resource.deleting, release=bool(resource.deleting))


def changed(old: Spec, new: Spec) -> str | None:
    """A sentence about the first field that was changed and cannot be. The API server, where there is one, says the
    same."""
    kind: Kind = new.kind  # type: ignore[attr-defined]
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    for field in kind.immutable:
        if given(before, field) != given(after, field):
            return unchangeable(field)
    if isinstance(old, TopologySpec) and isinstance(new, TopologySpec) and old.broker != new.broker:
        return unchangeable("clusterReference")
    return None


def given(spec: Mapping[str, Any], path: str) -> Any:
    """None: the default."""
    part, _, rest = path.partition(".")
    value = spec.get(part)
    return given(value or {}, rest) if rest else value
