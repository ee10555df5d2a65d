"""The children of a BrokerCluster, as dicts, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from watership_operator.kinds import Resource

from .configuration import configuration, restart_digest
from .credentials import Credentials
from .head import Manifest, head, labels, ports, selector
from .monitoring import monitoring
from .overlay import laid_over
from .pod import pod
from .services import client_service, disruption_budget, network_policy, nodes_service

DIGEST = "watership.dev/configuration"
EVERYWHERE = frozenset({"PodDisruptionBudget", "NetworkPolicy"})


@dataclass(frozen=True)
class Given:
    """What children depend on besides the BrokerCluster. image: for clusters that name none. texts: what
    spec.configurationFrom refers to, in its order. apis: kinds that the Kubernetes cluster serves. claims: the
    volumeClaimTemplates that the StatefulSet has, which nobody can change."""

    image: str
    texts: Sequence[str] = ()
    apis: frozenset[str] = frozenset()
    claims: Sequence[Mapping[str, object]] | None = None


def children(cluster: Resource, login: Credentials, given: Given) -> list[Manifest]:
    files = configuration(cluster, login)
    found = [
        service_account(cluster),
        default_user_secret(cluster, login, files["11-default_user.conf"]),
        config_map(cluster, files),
        nodes_service(cluster),
        client_service(cluster),
    ]
    if cluster.spec.disruption_budget.enabled:
        found.append(disruption_budget(cluster))
    if cluster.spec.network_policy.enabled:
        found.append(network_policy(cluster))
    return [*found, *monitoring(cluster, given.apis), stateful_set(cluster, files, given)]


def service_account(cluster: Resource) -> Manifest:
    return {**head(cluster, "v1", "ServiceAccount", "-server"), "automountServiceAccountToken": False}


def default_user_secret(cluster: Resource, login: Credentials, text: str) -> Manifest:
    host, (_, port, scheme) = f"{cluster.name}.{cluster.namespace}.svc", ports(cluster)[0]
    numbers = {f"{name}-port": str(number) for name, number, _ in ports(cluster)[1:]}
    data = {
        "username": login.username,
        "password": login.password,
        "host": host,
        "port": str(port),
        "provider": "watership",
        "type": "rabbitmq",
        "connection_string": f"{scheme}://{login.username}:{login.password}@{host}:{port}/",
        "default_user.conf": text,
        **numbers,
    }
    manifest = head(cluster, "v1", "Secret", "-default-user")
    return {**manifest, "type": "servicebinding.io/rabbitmq", "stringData": data}


def config_map(cluster: Resource, files: dict[str, str]) -> Manifest:
    data = {name: text for name, text in files.items() if name != "11-default_user.conf"}
    return {**head(cluster, "v1", "ConfigMap", "-server-conf"), "data": data}


def stateful_set(cluster: Resource, files: dict[str, str], given: Given) -> Manifest:
    chosen, retention = cluster.spec.pod_metadata, cluster.spec.persistence.retention
    metadata = {
        "labels": {**chosen.labels, **labels(cluster)},
        "annotations": {**chosen.annotations, DIGEST: restart_digest(files, given.texts)},
    }
    spec = {
        "replicas": cluster.spec.replicas,
        "serviceName": f"{cluster.name}-nodes",
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "selector": {"matchLabels": selector(cluster)},
        "persistentVolumeClaimRetentionPolicy": {
            "whenDeleted": retention.when_deleted,
            # Hibernation takes all nodes away and keeps what they stored.
            "whenScaled": retention.when_scaled if cluster.spec.replicas else "Retain",
        },
        "template": {"metadata": metadata, "spec": pod(cluster, given.image)},
        **({"volumeClaimTemplates": [claim(cluster)]} if cluster.spec.persistent else {}),
    }
    made = laid_over(
        {**head(cluster, "apps/v1", "StatefulSet", "-server"), "spec": spec}, cluster.spec.override.stateful_set
    )
    if given.claims is not None:
        made["spec"]["volumeClaimTemplates"] = list(given.claims)
    return made  # type: ignore[no-any-return]


def claim(cluster: Resource) -> Manifest:
    persistence = cluster.spec.persistence
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": persistence.storage}},
    }
    if persistence.storage_class_name is not msgspec.UNSET:
        spec["storageClassName"] = persistence.storage_class_name
    return {"metadata": {"name": "persistence", "labels": selector(cluster)}, "spec": spec}
