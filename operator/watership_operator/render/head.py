"""What every child has: its name, labels and owner; and the ports that Services, pods and policies agree on."""

from __future__ import annotations

from typing import Any

import msgspec

from watership_operator.kinds import Resource
from watership_operator.kinds.resource import API_VERSION

Manifest = dict[str, Any]
NODES_PORT = 25672


def labels(cluster: Resource) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": cluster.name,
        "app.kubernetes.io/component": "broker",
        "app.kubernetes.io/part-of": "watership",
        "app.kubernetes.io/managed-by": "watership",
    }


def selector(cluster: Resource) -> dict[str, str]:
    return {"app.kubernetes.io/name": cluster.name, "app.kubernetes.io/part-of": "watership"}


def head(cluster: Resource, api: str, kind: str, suffix: str, **metadata: Any) -> Manifest:
    """metadata: fields besides; labels among them are added to the operator's."""
    owner = {"apiVersion": API_VERSION, "kind": cluster.kind, "name": cluster.name, "uid": cluster.uid}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {
            "name": f"{cluster.name}{suffix}",
            "namespace": cluster.namespace,
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            **metadata,
            "labels": {**metadata.get("labels", {}), **labels(cluster)},
        },
    }


def ports(cluster: Resource) -> list[tuple[str, int, str]]:
    """Name, number, protocol of what clients reach."""
    tls, listeners = cluster.spec.tls, cluster.spec.listeners
    plain = [("amqp", listeners.amqp, "amqp"), ("management", listeners.management, "http")]
    secured = [("amqps", listeners.amqps, "amqps"), ("management-tls", listeners.management_tls, "https")]
    metrics = ("prometheus", listeners.prometheus, "prometheus.io/metrics")
    if tls is msgspec.UNSET:
        return [*plain, metrics]
    if tls.disable_non_tls_listeners:
        return [*secured, metrics]
    return [*plain, *secured, metrics]


def tls_secret(cluster: Resource) -> str:
    """The Secret with the certificate that is served: the user's, or the operator's own."""
    return f"{cluster.name}-tls" if cluster.spec.tls.own else str(cluster.spec.tls.secret_name)
