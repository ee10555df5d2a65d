"""A BrokerCluster: which children have to be applied, and how it stands with it.

A child is applied when something that we set is not so on the server; what the server or others set besides is
theirs. Waits are conditions. More than one replica is refused with a sentence until nodes can join into one
cluster: independent nodes behind one Service would each hold a part of the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from watership.config import ConfigError
from watership_operator.kinds import Resource
from watership_operator.kinds.resource import PAUSE
from watership_operator.render import Credentials, children, credentials

from .difference import differs
from .step import CREATED, FAILED, Plan, Step, Verdict

Child = tuple[str, str]  # kind and name


@dataclass(frozen=True)
class Surroundings:
    """What was observed: children by kind and name, Secrets by name (decoded)."""

    children: Mapping[Child, Mapping[str, Any]]
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def secrets_of(cluster: Resource) -> list[str]:
    """Names of the Secrets that a plan has to see."""
    names = [f"{cluster.name}-default-user"]
    tls = cluster.spec.tls
    if tls is not msgspec.UNSET:
        names += [tls.secret_name, *([] if tls.ca_secret_name is msgspec.UNSET else [tls.ca_secret_name])]
    return names


def plan(cluster: Resource, seen: Surroundings, *, image: str, token: Callable[[], str]) -> Plan:
    """image: for clusters that name none."""
    refusal = refused(cluster) or tls_problem(cluster, seen)
    if refusal is not None:
        return Plan((), {cluster.key: refusal})
    try:
        login = known_credentials(cluster, seen) or credentials(cluster, token)
    except ConfigError as error:
        return Plan((), {cluster.key: Verdict(False, "InvalidConfiguration", str(error), stalled=True)})
    steps = []
    for manifest in children(cluster, login, image=image):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        observed = seen.children.get((kind, name))
        if observed is None or differs(manifest, observed):
            verb = "makes" if observed is None else "updates"
            sentence = f"{verb} {kind} {name}"
            steps.append(Step("kubernetes", "apply", cluster.key, sentence, manifest=manifest))
    made = verdict(cluster, seen, steps)
    if cluster.annotations.get(PAUSE) == "true":
        return Plan((), {cluster.key: paused(made, steps)})
    return Plan(tuple(steps), {cluster.key: made})


def paused(made: Verdict, steps: list[Step]) -> Verdict:
    """What waits for the end of the pause; without such the cluster is as it is."""
    if not steps:
        return replace(made, sentence=f"{made.sentence}; paused")
    todo = ", ".join(s.sentence for s in steps)
    sentence = f"paused by the annotation {PAUSE}; once it is gone, the operator {todo}"
    return replace(made, ready=False, reason="PausedReconciliation", sentence=sentence)


def refused(cluster: Resource) -> Verdict | None:
    if cluster.spec.replicas > 1:
        sentence = (
            f"spec.replicas is {cluster.spec.replicas}, but nodes cannot join into one cluster in this version; "
            "set it to 1, or to 0 to hibernate"
        )
        return Verdict(False, "UnsupportedOperation", sentence, stalled=True)
    return None


def tls_problem(cluster: Resource, seen: Surroundings) -> Verdict | None:
    tls = cluster.spec.tls
    if tls is msgspec.UNSET:
        return None
    needed = [(tls.secret_name, key) for key in ("tls.crt", "tls.key")]
    if tls.ca_secret_name is not msgspec.UNSET:
        needed.append((tls.ca_secret_name, "ca.crt"))
    for name, key in needed:
        data = seen.secrets.get(name)
        if data is None:
            return Verdict(False, "TLSError", f"waits for Secret {cluster.namespace}/{name}, named in spec.tls")
        if key not in data:
            sentence = f"Secret {cluster.namespace}/{name}, named in spec.tls, lacks the key {key}"
            return Verdict(False, "TLSError", sentence)
    return None


def known_credentials(cluster: Resource, seen: Surroundings) -> Credentials | None:
    """Those in the default-user Secret, unless the configuration names others."""
    data = seen.secrets.get(f"{cluster.name}-default-user", {})
    if "username" in data and "password" in data:
        return credentials(cluster, lambda: data["password"], username=data["username"])
    return None


def verdict(cluster: Resource, seen: Surroundings, steps: list[Step]) -> Verdict:
    """How far the StatefulSet is."""
    statefulset = seen.children.get(("StatefulSet", f"{cluster.name}-server"))
    extra = {"binding": {"name": f"{cluster.name}-default-user"}, "replicas": 0}
    if statefulset is None or any(s.manifest["kind"] == "StatefulSet" for s in steps):
        return Verdict(False, "Creating", f"waits for StatefulSet {cluster.name}-server to start", extra=extra)
    status = statefulset.get("status") or {}
    wanted, ready = cluster.spec.replicas, status.get("readyReplicas", 0)
    extra["replicas"] = status.get("replicas", 0)
    if wanted == 0:
        if extra["replicas"]:
            return Verdict(False, "Hibernating", f"waits for {extra['replicas']} pods to end", extra=extra)
        return Verdict(True, "Hibernated", "hibernates: replicas is 0, the volumes are kept", extra=extra)
    generation = statefulset["metadata"].get("generation", 0)
    current = status.get("updatedReplicas", 0) >= wanted and status.get("observedGeneration", 0) >= generation
    if ready < wanted or not current:
        pods = ", ".join(f"{cluster.name}-server-{i}" for i in range(wanted))
        why = "to be ready" if ready < wanted else "to run the newest version"
        return Verdict(False, "NotAllPodsReady", f"{ready}/{wanted} pods ready; waits for {pods} {why}", extra=extra)
    return Verdict(True, CREATED, f"{ready}/{wanted} pods ready", extra=extra)


def legacy_conditions(cluster: Resource, made: Verdict) -> dict[str, tuple[str, str, str]]:
    """The four conditions that RabbitMQ's users script against."""
    pods = made.ready and cluster.spec.replicas > 0
    success = "False" if made.stalled or made.reason in ("TLSError", FAILED) else "True"
    return {
        "AllReplicasReady": ("True" if made.ready else "False", made.reason, made.sentence),
        "ClusterAvailable": ("True" if pods else "False", made.reason, made.sentence),
        "NoWarnings": ("True", "NoWarnings", ""),
        "ReconcileSuccess": (success, made.reason, made.sentence),
    }
