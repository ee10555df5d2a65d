"""The custom resources, and what belongs to them, as pykube reads them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pykube

from watership_operator.kinds import SPECS
from watership_operator.kinds.resource import API_VERSION


class Problem(Exception):
    """A sentence for who typed the command."""


@dataclass(frozen=True)
class Target:
    """Where the command works: the API server, the namespace, and the kubeconfig for a kubectl that is started."""

    api: Any
    namespace: str
    context: str | None = None

    @classmethod
    def of(cls, context: str | None, namespace: str | None) -> Target:
        config = pykube.KubeConfig.from_env()
        if context is not None:
            config.set_current_context(context)
        return cls(pykube.HTTPClient(config, timeout=30), namespace or config.namespace or "default", context)

    def kubectl(self, *arguments: str) -> list[str]:
        """A command line of kubectl for the same place."""
        context = ["--context", self.context] if self.context else []
        return ["kubectl", *context, "-n", self.namespace, *arguments]

    def items(self, kind: str) -> list[dict[str, Any]]:
        """Of one of our kinds, in the namespace, by name."""
        found = object_class(kind).objects(self.api, namespace=self.namespace)
        return sorted((item.obj for item in found), key=name_of)

    def topology(self) -> Iterator[dict[str, Any]]:
        for kind in SPECS:
            if kind != "BrokerCluster":
                yield from self.items(kind)

    def find(self, kind: str, name: str) -> Any:
        """The pykube object. Raises Problem."""
        item = object_class(kind).objects(self.api, namespace=self.namespace).get_or_none(name=name)
        if item is None:
            raise Problem(f"there is no {kind} {self.namespace}/{name}")
        return item

    def cluster(self, name: str | None) -> dict[str, Any]:
        """The BrokerCluster of that name, or the only one of the namespace. Raises Problem."""
        if name is not None:
            return dict(self.find("BrokerCluster", name).obj)
        found = self.items("BrokerCluster")
        if len(found) != 1:
            names = ", ".join(name_of(c) for c in found) or "none"
            raise Problem(f"name a BrokerCluster: namespace {self.namespace} has {names}")
        return found[0]

    def secret(self, name: str) -> dict[str, str]:
        """Decoded; empty when there is none."""
        found = pykube.Secret.objects(self.api, namespace=self.namespace).get_or_none(name=name)
        data = {} if found is None else found.obj.get("data") or {}
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}

    def owned(self, kind: Any, cluster: str) -> list[dict[str, Any]]:
        """A BrokerCluster's children of a pykube kind."""
        selector = {"app.kubernetes.io/name": cluster, "app.kubernetes.io/part-of": "watership"}
        found = kind.objects(self.api, namespace=self.namespace).filter(selector=selector)
        return sorted((item.obj for item in found), key=name_of)

    def events(self, kind: str, name: str) -> list[dict[str, Any]]:
        wanted = {"involvedObject.name": name, "involvedObject.kind": kind}
        found = pykube.Event.objects(self.api, namespace=self.namespace).filter(field_selector=wanted)
        return sorted((e.obj for e in found), key=lambda e: str(e.get("lastTimestamp") or ""))


def object_class(kind: str) -> Any:
    attributes = {"version": API_VERSION, "endpoint": SPECS[kind].kind.plural, "kind": kind}  # type: ignore[attr-defined]
    return type(kind, (pykube.objects.NamespacedAPIObject,), attributes)


def kind_named(word: str) -> str:
    """BrokerCluster, of brokerclusters.watership.dev, brokercluster, bc. Raises Problem."""
    word = word.lower().partition(".")[0]
    for kind, spec in SPECS.items():
        row = spec.kind  # type: ignore[attr-defined]
        if word in (row.singular, row.plural, *row.short):
            return kind
    raise Problem(f"{word} is none of {', '.join(SPECS)}")


def name_of(item: Mapping[str, Any]) -> str:
    return str(item["metadata"]["name"])


def condition(item: Mapping[str, Any], which: str = "Ready") -> dict[str, Any]:
    conditions = (item.get("status") or {}).get("conditions", [])
    found: dict[str, Any] = next((c for c in conditions if c["type"] == which), {})
    return found


def ready(item: Mapping[str, Any]) -> tuple[str, str]:
    """Status and sentence."""
    found = condition(item)
    return found.get("status", "Unknown"), found.get("message", "") or "the operator has not seen it yet"


def reference_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """How a topology object names its broker, under either name of the field."""
    found: dict[str, Any] = item["spec"].get("clusterReference") or item["spec"].get("rabbitmqClusterReference") or {}
    return found


def cluster_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of the BrokerCluster that a topology object names; the name is empty for a Secret's broker."""
    reference = reference_of(item)
    return reference.get("namespace", item["metadata"]["namespace"]), reference.get("name", "")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need, two spaces between; the last as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)
