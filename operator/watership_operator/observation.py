"""What there is of a BrokerCluster: its children, what it refers to, and the certificate that its broker shows."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from .kinds import Resource
from .kinds.resource import CONNECTION_URI
from .kube import Kube, KubeError
from .links import decoded
from .plan import cluster
from .render.monitoring import GROUP as MONITORING

CHILDREN = (
    ("v1", "ServiceAccount"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "Pod"),
    ("v1", "PersistentVolumeClaim"),
    ("policy/v1", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("apps/v1", "StatefulSet"),
)
OPTIONAL = ("PodMonitor", "PrometheusRule")
REMEMBERED = 60.0  # seconds for which the list of APIs is believed
PATIENCE = 3.0  # seconds for a handshake


class Observer:
    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.apis: frozenset[str] = frozenset()
        self.apis_until = 0.0

    async def look(self, resource: Resource) -> cluster.Surroundings:
        apis = await self.served_apis()
        children = await self.children(resource, apis)
        return cluster.Surroundings(
            children,
            secrets=await self.secrets(resource, children),
            config_maps=await self.config_maps(resource),
            apis=apis,
            classes=await self.classes(children.values()),
            served=await self.fingerprint(resource, children),
        )

    async def served_apis(self) -> frozenset[str]:
        now = asyncio.get_running_loop().time()
        if now >= self.apis_until:
            self.apis = (await self.kube.serves(MONITORING)) & set(OPTIONAL)
            self.apis_until = now + REMEMBERED
        return self.apis

    async def children(self, resource: Resource, apis: frozenset[str]) -> dict[cluster.Child, Mapping[str, Any]]:
        labels = f"app.kubernetes.io/name={resource.name},app.kubernetes.io/part-of=watership"
        found: dict[cluster.Child, Mapping[str, Any]] = {}
        for api_version, kind in (*CHILDREN, *((MONITORING, kind) for kind in sorted(apis))):
            async for item in self.kube.items(api_version, kind, resource.namespace, labels=labels):
                found[kind, item["metadata"]["name"]] = item
        return found

    async def secrets(
        self, resource: Resource, children: Mapping[cluster.Child, Mapping[str, Any]]
    ) -> dict[str, dict[str, str]]:
        """Those that were read as children are not read again."""
        found = {}
        for name in cluster.secrets_of(resource):
            item = children.get(("Secret", name)) or await self.kube.get("v1", "Secret", resource.namespace, name)
            if item is not None:
                found[name] = decoded(item)
        return found

    async def config_maps(self, resource: Resource) -> dict[str, Mapping[str, str]]:
        found = {}
        for name in cluster.config_maps_of(resource):
            item = await self.kube.get("v1", "ConfigMap", resource.namespace, name)
            if item is not None:
                found[name] = item.get("data") or {}
        return found

    async def classes(self, children: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """StorageClasses of the claims. An operator of a few namespaces may not read them; the API server refuses
        what cannot grow then."""
        claims = [c for c in children if c["kind"] == "PersistentVolumeClaim"]
        found: dict[str, Mapping[str, Any]] = {}
        for name in {c["spec"].get("storageClassName") or "" for c in claims} - {""}:
            try:
                item = await self.kube.get("storage.k8s.io/v1", "StorageClass", "", name)
            except KubeError as error:
                if error.status != 403:
                    raise
                continue
            if item is not None:
                found[name] = item
        return found

    async def fingerprint(self, resource: Resource, children: Mapping[cluster.Child, Mapping[str, Any]]) -> str:
        """Of the certificate that the management port shows; "" when nothing listens there."""
        statefulset = children.get(("StatefulSet", f"{resource.name}-server")) or {}
        uri = urlsplit(resource.annotations.get(CONNECTION_URI, ""))
        ready = (statefulset.get("status") or {}).get("readyReplicas", 0)
        if resource.spec.tls is msgspec.UNSET or (uri.scheme != "https" and (uri.scheme or not ready)):
            return ""
        host = uri.hostname or f"{resource.name}.{resource.namespace}.svc"
        return await shown(host, uri.port or resource.spec.listeners.management_tls)


async def shown(host: str, port: int) -> str:
    """SHA-256 of the certificate that a TLS server shows, whoever signed it; "" when there is no answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return ""
    secured = writer.get_extra_info("ssl_object")
    certificate = secured.getpeercert(binary_form=True) if secured else None
    writer.close()
    return hashlib.sha256(certificate).hexdigest() if certificate else ""
