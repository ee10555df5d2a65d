"""kopf's part: watches. Every event puts the object in the cache and its keys in the queue; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

from .cache import Cache, Key, keys_of
from .engine import Engine
from .kinds import GROUP, SPECS, VERSION

OWNED = {"app.kubernetes.io/part-of": "watership", "app.kubernetes.io/managed-by": "watership"}


def register(registry: kopf.OperatorRegistry, cache: Cache, engine: Engine) -> None:
    """Declares the watches on a registry of our own."""

    def on_resource(event: Mapping[str, Any], body: Mapping[str, Any], **_: Any) -> None:
        manifest = dict(body)
        if event["type"] == "DELETED":
            metadata = manifest["metadata"]
            resource = cache.remove(manifest["kind"], metadata["namespace"], metadata["name"])
            due = resource is not None
        else:
            resource, due = cache.put(manifest)
        if due and resource is not None:
            for key in keys_of(resource):
                engine.enqueue(key)

    def on_child(body: Mapping[str, Any], **_: Any) -> None:
        """A child changed, or somebody changed it: its cluster is due, and its topology once pods are ready."""
        for owner in body["metadata"].get("ownerReferences", ()):
            if owner["kind"] == "BrokerCluster":
                for work in ("cluster", "topology"):
                    engine.enqueue(Key(work, "cluster", body["metadata"]["namespace"], owner["name"]))

    for spec in SPECS.values():
        plural = spec.kind.plural  # type: ignore[attr-defined]
        kopf.on.event(GROUP, VERSION, plural, registry=registry)(on_resource)
    for group, version, plural in (
        ("apps", "v1", "statefulsets"),
        ("", "v1", "services"),
        ("", "v1", "configmaps"),
        ("policy", "v1", "poddisruptionbudgets"),
    ):
        kopf.on.event(group, version, plural, registry=registry, labels=OWNED)(on_child)

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)
