"""Kubernetes' verbs over plain JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError
from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config

MANAGER = "watership-operator"
PLURALS = {
    "PodDisruptionBudget": "poddisruptionbudgets",
    "StatefulSet": "statefulsets",
    "Pod": "pods",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "StorageClass": "storageclasses",
    "NetworkPolicy": "networkpolicies",
    "PodMonitor": "podmonitors",
    "PrometheusRule": "prometheusrules",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Lease": "leases",
    "Namespace": "namespaces",
    "Event": "events",
    "BrokerCluster": "brokerclusters",
    "Exchange": "exchanges",
    "Queue": "queues",
    "Binding": "bindings",
    "User": "users",
    "Vhost": "vhosts",
    "Permission": "permissions",
    "TopicPermission": "topicpermissions",
    "Policy": "policies",
    "OperatorPolicy": "operatorpolicies",
}
PAGE = 500
JSON = "application/json"
METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class KubeError(Exception):
    """The API server refused. status as HTTP has it; 0: it cannot be reached."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def uncounted(method: str, kind: str, status: int) -> None:
    """Counts nothing."""


async def connect(count: Callable[[str, str, int], None] = uncounted) -> Kube:
    """As a pod where there is a service account, else as the kubeconfig says. count: see Kube."""
    configuration = kubernetes_client.Configuration()
    try:
        kubernetes_config.load_incluster_config(client_configuration=configuration)
    except kubernetes_config.ConfigException:
        await kubernetes_config.load_kube_config(client_configuration=configuration)
    configuration.connection_pool_maxsize = 1024  # each watch holds one; writes at once are bounded by who writes
    return Kube(kubernetes_client.ApiClient(configuration), count=count)


class Kube:
    """may_write: asked before each write; a replica that does not lead any more must not. count: (method, plural,
    status) of each request; status 0 when there was no answer."""

    def __init__(
        self,
        api: kubernetes_client.ApiClient,
        *,
        may_write: Callable[[], bool] = lambda: True,
        count: Callable[[str, str, int], None] = uncounted,
    ) -> None:
        self.api = api
        self.may_write = may_write
        self.count = count

    def unguarded(self) -> Kube:
        """The same connection, for the lease itself."""
        return Kube(self.api, count=self.count)

    async def close(self) -> None:
        await self.api.close()

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """None when there is no such object."""
        try:
            return await self.request("GET", path(api_version, kind, namespace, name))
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def items(
        self, api_version: str, kind: str, namespace: str | None, *, labels: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        """Every object, page by page. namespace None: of all namespaces."""
        async for page in self.pages(api_version, kind, namespace, labels=labels):
            for item in page["items"]:
                yield {**item, "apiVersion": api_version, "kind": kind}

    async def pages(
        self, api_version: str, kind: str, namespace: str | None, *, labels: str = "", only_metadata: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        """Lists as the server gives them: items, and metadata with the resourceVersion to follow them from."""
        query = {"limit": str(PAGE), **({"labelSelector": labels} if labels else {})}
        while True:
            where = path(api_version, kind, namespace)
            page = await self.request("GET", where, query=query, accept=METADATA_LIST if only_metadata else JSON)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def lines(
        self, where: str, query: Mapping[str, str], *, only_metadata: bool, patience: float
    ) -> AsyncIterator[bytes]:
        """A watch's events, one JSON object each, until the server ends it. patience: seconds for all of it."""
        headers = {"Accept": METADATA if only_metadata else JSON}
        await self.api.update_params_for_auth(headers, [], ["BearerToken"], where, "GET", None)
        url = f"{self.api.configuration.host}{where}?{urlencode(query)}"
        try:
            response = await self.api.call_api("GET", url, headers, None, _request_timeout=patience)
            if response.status >= 400:
                raise KubeError(response.status, sentence(await response.read(), response.status))
            rest = b""
            async with response.response as stream:
                async for chunk in stream.content.iter_any():
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        yield line
        except kubernetes_client.ApiException as error:
            raise KubeError(error.status or 0, message_of(error)) from None
        except (OSError, TimeoutError, ClientError) as error:
            raise KubeError(0, f"the API server cannot be reached: {error or type(error).__name__}") from None

    @staticmethod
    def path(api_version: str, kind: str, namespace: str | None) -> str:
        return path(api_version, kind, namespace)

    async def apply(self, manifest: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        """Server-side apply: we own what we set, others keep the rest."""
        metadata = manifest["metadata"]
        target = path(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])
        query = {"fieldManager": MANAGER, "force": "true"}
        return await self.write("PATCH", target + ("/status" if status else ""), manifest, query, "apply-patch+yaml")

    async def patch(self, target: Mapping[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any] | None:
        """JSON patch of an object; None when it is gone meanwhile."""
        metadata = target["metadata"]
        where = path(target["apiVersion"], target["kind"], metadata["namespace"], metadata["name"])
        try:
            return await self.write("PATCH", where, operations, {"fieldManager": MANAGER}, "json-patch+json")
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def delete(self, manifest: Mapping[str, Any]) -> None:
        """This very object: one of the same name that was made since stays."""
        metadata = manifest["metadata"]
        where = path(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])
        try:
            await self.write("DELETE", where, {"preconditions": {"uid": metadata["uid"]}}, {}, "json")
        except KubeError as error:
            if error.status not in (404, 409):
                raise

    async def serves(self, api_version: str) -> frozenset[str]:
        """The kinds of an API group that there are; none when it is not installed."""
        try:
            found = await self.request("GET", f"/apis/{api_version}")
        except KubeError as error:
            if error.status in (403, 404):
                return frozenset()
            raise
        return frozenset(item["kind"] for item in found["resources"])

    async def create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        where = path(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["namespace"])
        return await self.write("POST", where, manifest, {"fieldManager": MANAGER}, "json")

    async def replace(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Refused with 409 when somebody else was faster (metadata.resourceVersion)."""
        metadata = manifest["metadata"]
        where = path(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])
        return await self.write("PUT", where, manifest, {"fieldManager": MANAGER}, "json")

    async def write(self, method: str, where: str, body: Any, query: Mapping[str, str], kind: str) -> dict[str, Any]:
        if not self.may_write():
            raise KubeError(0, "this replica does not lead any more, so it writes nothing")
        return await self.request(method, where, body=body, query=query, content_type=f"application/{kind}")

    async def request(
        self,
        method: str,
        where: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> dict[str, Any]:
        headers = {"Accept": accept, "Content-Type": content_type}
        await self.api.update_params_for_auth(headers, [], ["BearerToken"], where, method, body)
        url = self.api.configuration.host + where + (f"?{urlencode(query)}" if query else "")
        try:
            response = await self.api.call_api(method, url, headers, body, _request_timeout=30)
            text = await response.read()
        except kubernetes_client.ApiException as error:
            self.count(method, plural_of(where), error.status or 0)
            raise KubeError(error.status or 0, message_of(error)) from None
        except (OSError, TimeoutError, ClientError) as error:
            self.count(method, plural_of(where), 0)
            raise KubeError(0, f"the API server cannot be reached: {error or type(error).__name__}") from None
        self.count(method, plural_of(where), response.status)
        if response.status >= 400:
            raise KubeError(response.status, sentence(text, response.status))
        found: dict[str, Any] = json.loads(text)
        return found


def path(api_version: str, kind: str, namespace: str | None, name: str = "") -> str:
    base = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{base}{scope}/{PLURALS[kind]}" + (f"/{name}" if name else "")


def plural_of(where: str) -> str:
    """queues, of /apis/watership.dev/v1beta1/namespaces/default/queues/orders/status; "" of an API group itself."""
    parts = where.split("/")[3 if where.startswith("/api/") else 4 :]
    if not parts:
        return ""
    return (parts[2:] if parts[0] == "namespaces" and len(parts) > 2 else parts)[0]


def message_of(error: kubernetes_client.ApiException) -> str:
    return sentence(error.body or error.reason or "", error.status or 0)


def sentence(body: str | bytes, status: int) -> str:
    """The API server's own words."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text or f"HTTP status {status}"
