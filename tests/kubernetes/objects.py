"""Manifests as tests write them."""

from typing import Any

REFERENCE = {"connectionSecret": {"name": "broker"}}


def resource(kind: str, name: str, reference: dict[str, Any] | None = None, /, **spec: Any) -> dict[str, Any]:
    """A topology object; by default of the broker that the Secret `broker` names."""
    return {
        "apiVersion": "watership.dev/v1beta1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"clusterReference": reference or REFERENCE, **spec},
    }


def broker_cluster(name: str, annotations: dict[str, str] | None = None, /, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "watership.dev/v1beta1",
        "kind": "BrokerCluster",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": spec,
    }
