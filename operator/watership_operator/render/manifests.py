"""The children of a BrokerCluster, as dicts, in the order in which they are applied."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from watership_operator.kinds import Resource
from watership_operator.kinds.resource import API_VERSION

from .configuration import CA_FOLDER, TLS_FOLDER, configuration
from .credentials import Credentials

Manifest = dict[str, Any]
USER = 65532
DATA_FOLDER = "/var/lib/watership"
CONFIGURATION_FOLDER = "/etc/watership/conf.d"
PLAIN_PORTS = (("amqp", 5672, "amqp"), ("management", 15672, "http"))
TLS_PORTS = (("amqps", 5671, "amqps"), ("management-tls", 15671, "https"))
METRICS_PORT = ("prometheus", 15692, "prometheus.io/metrics")


def children(cluster: Resource, login: Credentials, *, image: str) -> list[Manifest]:
    files = configuration(cluster, login)
    return [
        service_account(cluster),
        default_user_secret(cluster, login, files["11-default_user.conf"]),
        config_map(cluster, files),
        nodes_service(cluster),
        client_service(cluster),
        disruption_budget(cluster),
        stateful_set(cluster, files, image=image),
    ]


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
    owner = {"apiVersion": API_VERSION, "kind": cluster.kind, "name": cluster.name, "uid": cluster.uid}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {
            "name": f"{cluster.name}{suffix}",
            "namespace": cluster.namespace,
            "labels": labels(cluster),
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            **metadata,
        },
    }


def ports(cluster: Resource) -> list[tuple[str, int, str]]:
    tls = cluster.spec.tls
    if tls is msgspec.UNSET:
        return [*PLAIN_PORTS, METRICS_PORT]
    if tls.disable_non_tls_listeners:
        return [*TLS_PORTS, METRICS_PORT]
    return [*PLAIN_PORTS, *TLS_PORTS, METRICS_PORT]


def service_ports(cluster: Resource) -> list[Manifest]:
    return [
        {"name": name, "port": port, "targetPort": port, "protocol": "TCP", "appProtocol": protocol}
        for name, port, protocol in ports(cluster)
    ]


def service_account(cluster: Resource) -> Manifest:
    return {**head(cluster, "v1", "ServiceAccount", "-server"), "automountServiceAccountToken": False}


def default_user_secret(cluster: Resource, login: Credentials, text: str) -> Manifest:
    host, port = f"{cluster.name}.{cluster.namespace}.svc", ports(cluster)[0][1]
    scheme = "amqps" if port == 5671 else "amqp"
    data = {
        "username": login.username,
        "password": login.password,
        "host": host,
        "port": str(port),
        "provider": "watership",
        "type": "rabbitmq",
        "connection_string": f"{scheme}://{login.username}:{login.password}@{host}:{port}/",
        "default_user.conf": text,
    }
    manifest = head(cluster, "v1", "Secret", "-default-user")
    return {**manifest, "type": "servicebinding.io/rabbitmq", "stringData": data}


def config_map(cluster: Resource, files: dict[str, str]) -> Manifest:
    data = {name: text for name, text in files.items() if name != "11-default_user.conf"}
    return {**head(cluster, "v1", "ConfigMap", "-server-conf"), "data": data}


def nodes_service(cluster: Resource) -> Manifest:
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": selector(cluster),
        "ports": [{"name": "nodes", "port": 25672, "targetPort": 25672, "protocol": "TCP"}],
    }
    return {**head(cluster, "v1", "Service", "-nodes"), "spec": spec}


def client_service(cluster: Resource) -> Manifest:
    wanted = cluster.spec.service
    metadata = {"annotations": dict(wanted.annotations)} if wanted.annotations else {}
    spec = {"type": wanted.type, "selector": selector(cluster), "ports": service_ports(cluster)}
    return {**head(cluster, "v1", "Service", "", **metadata), "spec": spec}


def disruption_budget(cluster: Resource) -> Manifest:
    """At most one node at a time."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(cluster)}}
    return {**head(cluster, "policy/v1", "PodDisruptionBudget", "-server"), "spec": spec}


def stateful_set(cluster: Resource, files: dict[str, str], *, image: str) -> Manifest:
    digest = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:16]
    metadata = {"labels": labels(cluster), "annotations": {"watership.dev/configuration": digest}}
    spec = {
        "replicas": cluster.spec.replicas,
        "serviceName": f"{cluster.name}-nodes",
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "selector": {"matchLabels": selector(cluster)},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "template": {"metadata": metadata, "spec": pod(cluster, image)},
        "volumeClaimTemplates": [claim(cluster)],
    }
    return {**head(cluster, "apps/v1", "StatefulSet", "-server"), "spec": spec}


def claim(cluster: Resource) -> Manifest:
    persistence = cluster.spec.persistence
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": persistence.storage}},
    }
    if persistence.storage_class_name is not msgspec.UNSET:
        spec["storageClassName"] = persistence.storage_class_name
    return {"metadata": {"name": "persistence", "labels": selector(cluster)}, "spec": spec}


def pod(cluster: Resource, image: str) -> Manifest:
    return {
        "serviceAccountName": f"{cluster.name}-server",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(cluster, image)],
        "volumes": volumes(cluster),
    }


def container(cluster: Resource, image: str) -> Manifest:
    mounts = [
        {"name": "persistence", "mountPath": DATA_FOLDER},
        {"name": "configuration", "mountPath": CONFIGURATION_FOLDER, "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
    ]
    tls = cluster.spec.tls
    if tls is not msgspec.UNSET:
        mounts.append({"name": "tls", "mountPath": TLS_FOLDER, "readOnly": True})
        if tls.ca_secret_name is not msgspec.UNSET:
            mounts.append({"name": "ca", "mountPath": CA_FOLDER, "readOnly": True})
    return {
        "name": "broker",
        "image": cluster.spec.image if cluster.spec.image is not msgspec.UNSET else image,
        "args": ["watership", "broker", "--config", CONFIGURATION_FOLDER, "--data", DATA_FOLDER],
        "ports": [{"name": n, "containerPort": p, "protocol": "TCP"} for n, p, _ in ports(cluster)],
        "resources": dict(cluster.spec.resources),
        "startupProbe": probe("/livez", period=2, failures=150),
        "readinessProbe": probe("/readyz", period=5, failures=2),
        "livenessProbe": probe("/livez", period=10, failures=6),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def probe(path: str, *, period: int, failures: int) -> Manifest:
    get = {"path": path, "port": "prometheus"}
    return {"httpGet": get, "periodSeconds": period, "timeoutSeconds": 3, "failureThreshold": failures}


def volumes(cluster: Resource) -> list[Manifest]:
    secret_item = {"key": "default_user.conf", "path": "11-default_user.conf"}
    sources = [
        {"configMap": {"name": f"{cluster.name}-server-conf"}},
        {"secret": {"name": f"{cluster.name}-default-user", "items": [secret_item]}},
    ]
    found: list[Manifest] = [
        {"name": "configuration", "projected": {"sources": sources}},
        {"name": "tmp", "emptyDir": {}},
    ]
    tls = cluster.spec.tls
    if tls is not msgspec.UNSET:
        found.append({"name": "tls", "secret": {"secretName": tls.secret_name}})
        if tls.ca_secret_name is not msgspec.UNSET:
            found.append({"name": "ca", "secret": {"secretName": tls.ca_secret_name}})
    return found
