"""The pod of a node: within the restricted pod security standard, with a root file system that is only read."""

from __future__ import annotations

import msgspec

from watership_operator.kinds import Resource

from .configuration import CA_FOLDER, DEFINITIONS_FOLDER, TLS_FOLDER
from .head import Manifest, ports, selector, tls_secret

USER = 65532
DATA_FOLDER = "/var/lib/watership"
CONFIGURATION_FOLDER = "/etc/watership/conf.d"


def pod(cluster: Resource, image: str) -> Manifest:
    spec = cluster.spec
    made: Manifest = {
        "serviceAccountName": f"{cluster.name}-server",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": spec.termination_grace_period_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": list(spec.topology_spread_constraints) or spread(cluster),
        "containers": [container(cluster, image)],
        "volumes": volumes(cluster),
    }
    chosen = {
        "affinity": spec.affinity,
        "nodeSelector": spec.node_selector,
        "tolerations": list(spec.tolerations),
        "priorityClassName": spec.priority_class_name,
        "imagePullSecrets": [{"name": s.name} for s in spec.image_pull_secrets],
    }
    return {**made, **{k: v for k, v in chosen.items() if v}}


def spread(cluster: Resource) -> list[Manifest]:
    """Over zones, then machines, where there are several."""
    rest = {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": selector(cluster)}}
    return [{"topologyKey": key, **rest} for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")]


def container(cluster: Resource, image: str) -> Manifest:
    probes = cluster.spec.probes
    return {
        "name": "broker",
        "image": cluster.spec.image if cluster.spec.image is not msgspec.UNSET else image,
        "args": ["watership", "broker", "--config", CONFIGURATION_FOLDER, "--data", DATA_FOLDER],
        "ports": [{"name": n, "containerPort": p, "protocol": "TCP"} for n, p, _ in ports(cluster)],
        "resources": dict(cluster.spec.resources),
        "startupProbe": probe("/livez", probes.startup, period=2, failures=150),
        "readinessProbe": probe("/readyz", probes.readiness, period=5, failures=2),
        "livenessProbe": probe("/livez", probes.liveness, period=10, failures=6),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts(cluster),
    }


def probe(path: str, chosen: msgspec.Struct, *, period: int, failures: int) -> Manifest:
    get = {"path": path, "port": "prometheus"}
    made = {"httpGet": get, "periodSeconds": period, "timeoutSeconds": 3, "failureThreshold": failures}
    return {**made, **msgspec.to_builtins(chosen)}


def mounts(cluster: Resource) -> list[Manifest]:
    found: list[Manifest] = [
        {"name": "persistence", "mountPath": DATA_FOLDER},
        {"name": "configuration", "mountPath": CONFIGURATION_FOLDER, "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
    ]
    tls = cluster.spec.tls
    if tls is not msgspec.UNSET:
        found.append({"name": "tls", "mountPath": TLS_FOLDER, "readOnly": True})
        if tls.ca_secret_name is not msgspec.UNSET:
            found.append({"name": "ca", "mountPath": CA_FOLDER, "readOnly": True})
    if cluster.spec.definitions is not msgspec.UNSET:
        found.append({"name": "definitions", "mountPath": DEFINITIONS_FOLDER, "readOnly": True})
    return found


def volumes(cluster: Resource) -> list[Manifest]:
    found: list[Manifest] = [
        {"name": "configuration", "projected": {"sources": configuration_sources(cluster)}},
        {"name": "tmp", "emptyDir": {}},
    ]
    tls, persistence = cluster.spec.tls, cluster.spec.persistence
    if not cluster.spec.persistent:
        chosen = {} if persistence.empty_dir is msgspec.UNSET else msgspec.to_builtins(persistence.empty_dir)
        found.append({"name": "persistence", "emptyDir": chosen})
    if tls is not msgspec.UNSET:
        found.append({"name": "tls", "secret": {"secretName": tls_secret(cluster)}})
        if tls.ca_secret_name is not msgspec.UNSET:
            found.append({"name": "ca", "secret": {"secretName": tls.ca_secret_name}})
    definitions = cluster.spec.definitions
    if definitions is not msgspec.UNSET:
        items = [{"key": definitions.key, "path": "definitions.json"}]
        source = {"name": definitions.name, "items": items}
        volume = {"secret": {"secretName": definitions.name, "items": items}}
        found.append({"name": "definitions", **(volume if definitions.kind == "Secret" else {"configMap": source})})
    return found


def configuration_sources(cluster: Resource) -> list[Manifest]:
    """conf.d: the operator's files, the default user's, then what the user refers to, and last the user's own lines."""
    user = {"key": "default_user.conf", "path": "11-default_user.conf"}
    found: list[Manifest] = [
        {"configMap": {"name": f"{cluster.name}-server-conf"}},
        {"secret": {"name": f"{cluster.name}-default-user", "items": [user]}},
    ]
    for at, source in enumerate(cluster.spec.configuration_from):
        item = {"name": source.name, "items": [{"key": source.key, "path": f"{50 + at}-{source.name}.conf"}]}
        found.append({"secret": item} if source.kind == "Secret" else {"configMap": item})
    return found
