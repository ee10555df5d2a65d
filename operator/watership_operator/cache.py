"""Every custom resource that the watches have brought, and which key each of them concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from .kinds import InvalidResource, Resource, parse
from .plan import cluster, users

ObjectKey = tuple[str, str, str]  # kind, namespace, name


@dataclass(frozen=True)
class Key:
    """What is worked on at once. cluster: a BrokerCluster's children. topology: all objects of one broker, which is a
    BrokerCluster (reference "cluster") or the one that a Secret names (reference "secret")."""

    work: Literal["cluster", "topology"]
    reference: Literal["cluster", "secret"]
    namespace: str
    name: str

    @property
    def owner(self) -> str:
        """The object that names the broker."""
        kind = "BrokerCluster" if self.reference == "cluster" else "Secret"
        return f"{kind} {self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.work} of {self.owner}"


def topology_key(resource: Resource) -> Key:
    reference = resource.spec.broker
    namespace = resource.namespace if reference.namespace is msgspec.UNSET else reference.namespace
    if reference.connection_secret is not msgspec.UNSET:
        return Key("topology", "secret", namespace, reference.connection_secret.name)
    return Key("topology", "cluster", namespace, reference.name)


def keys_of(resource: Resource) -> list[Key]:
    """What has to be looked at when the resource changes."""
    if resource.kind != "BrokerCluster":
        return [topology_key(resource)]
    return [Key(work, "cluster", resource.namespace, resource.name) for work in ("cluster", "topology")]


def named_by(resource: Resource) -> set[ObjectKey]:
    """Secrets and ConfigMaps that the resource refers to."""
    secrets: Iterable[str] = ()
    maps: Iterable[str] = ()
    if resource.kind == "BrokerCluster":
        secrets, maps = cluster.secrets_of(resource), cluster.config_maps_of(resource)
    elif resource.kind == "User":
        secrets = users.secrets_of(resource)
    pairs = (*(("Secret", name) for name in secrets), *(("ConfigMap", name) for name in maps))
    return {(kind, resource.namespace, name) for kind, name in pairs}


class Cache:
    def __init__(self) -> None:
        self.resources: dict[ObjectKey, Resource] = {}
        self.members: defaultdict[Key, set[ObjectKey]] = defaultdict(set)
        self.named: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)

    def put(self, manifest: Mapping[str, Any]) -> tuple[Resource | None, bool]:
        """The typed resource, and whether there is something to do about it. None: it breaks its schema, which the
        API server refuses for new objects; an older one is left alone."""
        try:
            resource = parse(manifest)
        except InvalidResource:
            return None, False
        before = self.resources.get(resource.key)
        if before is not None and before.uid == resource.uid and resource.version < before.version:
            return before, False  # a watch behind our own write
        if before is not None:
            self.forget_names(before)
        self.resources[resource.key] = resource
        for name in named_by(resource):
            self.named[name].add(resource.key)
        for key in keys_of(resource):
            self.members[key].add(resource.key)
        return resource, before is None or essence(before) != essence(resource)

    def remove(self, kind: str, namespace: str, name: str) -> Resource | None:
        resource = self.resources.pop((kind, namespace, name), None)
        if resource is not None:
            self.forget_names(resource)
            for key in keys_of(resource):
                self.members[key].discard(resource.key)
        return resource

    def forget_names(self, resource: Resource) -> None:
        for name in named_by(resource):
            self.named[name].discard(resource.key)
            if not self.named[name]:
                del self.named[name]

    def concerned(self, kind: str, namespace: str, name: str) -> set[Key]:
        """The keys that a Secret or a ConfigMap is about."""
        referring = self.named.get((kind, namespace, name), ())
        found = {key for resource in referring for key in keys_of(self.resources[resource])}
        connection = Key("topology", "secret", namespace, name)
        return found | {connection} if kind == "Secret" and self.members.get(connection) else found

    def cluster(self, namespace: str, name: str) -> Resource | None:
        return self.resources.get(("BrokerCluster", namespace, name))

    def topology(self, key: Key) -> list[Resource]:
        """The objects of one broker, the BrokerCluster itself left out."""
        found = (self.resources[k] for k in list(self.members[key]))
        return [r for r in found if r.kind != "BrokerCluster"]

    def keys(self) -> Iterator[Key]:
        return (key for key, members in list(self.members.items()) if members)


def essence(resource: Resource) -> tuple[Any, ...]:
    """What of an object is worth a new look: not its status, which is ours, nor its finalizers."""
    return resource.generation, resource.deleting, resource.uid, tuple(sorted(resource.annotations.items()))
