"""What comes in: every event puts the object in the cache and its keys in the queue; nothing is decided here.

kopf watches BrokerClusters and their children. Topology objects, of which there are thousands, are followed by our own
watches, and so are Secrets and ConfigMaps that users name, of which only the metadata is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

from .cache import Cache, Key, keys_of
from .engine import Engine
from .kinds import GROUP, VERSION

OWNED = {"app.kubernetes.io/part-of": "watership", "app.kubernetes.io/managed-by": "watership"}


class Intake:
    def __init__(self, cache: Cache, engine: Engine) -> None:
        self.cache = cache
        self.engine = engine

    def receive(self, change: str, manifest: Mapping[str, Any]) -> None:
        """change: ADDED, MODIFIED, DELETED; kopf says None for what was there before."""
        if change == "DELETED":
            metadata = manifest["metadata"]
            resource = self.cache.remove(manifest["kind"], metadata["namespace"], metadata["name"])
            due = resource is not None
        else:
            resource, due = self.cache.put(manifest)
        if due and resource is not None:
            for key in keys_of(resource):
                self.engine.enqueue(key)

    def refer(self, change: str, manifest: Mapping[str, Any]) -> None:
        """A Secret or a ConfigMap came, changed or went: who names it is due. Its content is read by the pass."""
        metadata = manifest["metadata"]
        for key in self.cache.concerned(manifest["kind"], metadata["namespace"], metadata["name"]):
            self.engine.enqueue(key)


def register(registry: kopf.OperatorRegistry, intake: Intake) -> None:
    """Declares kopf's watches on a registry of our own."""

    def on_cluster(event: Mapping[str, Any], body: Mapping[str, Any], **_: Any) -> None:
        intake.receive(event["type"], dict(body))

    def on_child(body: Mapping[str, Any], **_: Any) -> None:
        """A child changed, or somebody changed it: its cluster is due, and its topology once pods are ready."""
        for owner in body["metadata"].get("ownerReferences", ()):
            if owner["kind"] == "BrokerCluster":
                for work in ("cluster", "topology"):
                    intake.engine.enqueue(Key(work, "cluster", body["metadata"]["namespace"], owner["name"]))

    kopf.on.event(GROUP, VERSION, "brokerclusters", registry=registry)(on_cluster)
    for group, version, plural in (
        ("apps", "v1", "statefulsets"),
        ("", "v1", "services"),
        ("", "v1", "configmaps"),
        ("policy", "v1", "poddisruptionbudgets"),
        ("networking.k8s.io", "v1", "networkpolicies"),
    ):
        kopf.on.event(group, version, plural, registry=registry, labels=OWNED)(on_child)

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)
