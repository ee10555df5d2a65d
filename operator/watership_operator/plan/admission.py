"""What is taken at all: objects of which namespaces, and which changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from watership_operator.kinds import Kind, Resource, Spec
from watership_operator.kinds.resource import ALLOWED_NAMESPACES, TopologySpec, unchangeable

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
