"""The two Services, who may reach them, and how many nodes may be down."""

from __future__ import annotations

import msgspec

from watership_operator.kinds import Resource

from .head import NODES_PORT, Manifest, head, ports, selector
from .overlay import laid_over


def families(cluster: Resource) -> Manifest:
    wanted = cluster.spec.service
    found: Manifest = {}
    if wanted.ip_family_policy is not msgspec.UNSET:
        found["ipFamilyPolicy"] = wanted.ip_family_policy
    if wanted.ip_families:
        found["ipFamilies"] = list(wanted.ip_families)
    return found


def nodes_service(cluster: Resource) -> Manifest:
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": selector(cluster),
        "ports": [{"name": "nodes", "port": NODES_PORT, "targetPort": NODES_PORT, "protocol": "TCP"}],
        **families(cluster),
    }
    return {**head(cluster, "v1", "Service", "-nodes"), "spec": spec}


def client_service(cluster: Resource) -> Manifest:
    wanted = cluster.spec.service
    metadata = {k: v for k, v in (("annotations", dict(wanted.annotations)), ("labels", dict(wanted.labels))) if v}
    listed = [
        {"name": name, "port": port, "targetPort": port, "protocol": "TCP", "appProtocol": protocol}
        for name, port, protocol in ports(cluster)
    ]
    spec = {"type": wanted.type, "selector": selector(cluster), "ports": listed, **families(cluster)}
    made = {**head(cluster, "v1", "Service", "", **metadata), "spec": spec}
    return dict(laid_over(made, cluster.spec.override.service))


def disruption_budget(cluster: Resource) -> Manifest:
    spec = {
        "maxUnavailable": cluster.spec.disruption_budget.max_unavailable,
        "selector": {"matchLabels": selector(cluster)},
    }
    return {**head(cluster, "policy/v1", "PodDisruptionBudget", "-server"), "spec": spec}


def network_policy(cluster: Resource) -> Manifest:
    """Client ports for clients, everything between the nodes, nothing else in; out is everybody's own business."""
    clients = [{"port": port, "protocol": "TCP"} for _, port, _ in ports(cluster)]
    allowed: Manifest = {"ports": clients}
    if cluster.spec.network_policy.clients:
        allowed["from"] = list(cluster.spec.network_policy.clients)
    peers = {
        "ports": [{"port": NODES_PORT, "protocol": "TCP"}],
        "from": [{"podSelector": {"matchLabels": selector(cluster)}}],
    }
    spec = {
        "podSelector": {"matchLabels": selector(cluster)},
        "policyTypes": ["Ingress"],
        "ingress": [allowed, peers],
    }
    return {**head(cluster, "networking.k8s.io/v1", "NetworkPolicy", "-server"), "spec": spec}
