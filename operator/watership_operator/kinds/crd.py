"""The CustomResourceDefinition of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .resource import GROUP, REFERENCE_RULES, VERSION, Kind, Rule, Spec, TopologySpec, unchangeable
from .schema import structural

CONDITION = {
    "type": "object",
    "required": ["type", "status"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": {"type": "string", "description": "One word for programs."},
        "message": {"type": "string", "description": "A sentence for people: what is, or what is waited for."},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
        "observedGeneration": {"type": "integer", "format": "int64"},
    },
}
TLS = {
    "type": "object",
    "description": "The certificate.",
    "properties": {
        "secretName": {"type": "string", "description": "The Secret that holds it."},
        "fingerprint": {"type": "string", "description": "SHA-256 of the certificate in the Secret."},
        "servedFingerprint": {"type": "string", "description": "SHA-256 of the certificate that the broker shows."},
        "notAfter": {"type": "string", "format": "date-time", "description": "When it ends."},
    },
}


def status_schema(kind: Kind) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "observedGeneration": {
            "type": "integer",
            "format": "int64",
            "description": "The generation that was last seen.",
        },
        "conditions": {
            "type": "array",
            "description": "Ready, Reconciling and Stalled, as kstatus reads them, and more.",
            "items": CONDITION,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    }
    if kind.scale:
        properties["replicas"] = {"type": "integer", "description": "Pods that there are."}
    if kind.name == "BrokerCluster":
        properties["tls"] = TLS
    if kind.name in ("User", "BrokerCluster"):
        properties["binding"] = {
            "type": "object",
            "description": "The Secret with the credentials (servicebinding.io).",
            "properties": {"name": {"type": "string"}},
        }
    return {"type": "object", "properties": properties | dict(kind.status)}


def all_rules(spec: type[Spec]) -> Iterator[Rule]:
    """What CEL checks: how the broker is named, the kind's own rules, what cannot change."""
    kind: Kind = spec.kind  # type: ignore[attr-defined]
    if issubclass(spec, TopologySpec):
        yield from REFERENCE_RULES
    yield from kind.rules
    for field in kind.immutable:
        same = f"self.{field} == oldSelf.{field}"
        optional = f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || {same})"
        yield Rule(optional, unchangeable(field))


def definition(spec: type[Spec]) -> dict[str, Any]:
    kind: Kind = spec.kind  # type: ignore[attr-defined]
    schema = structural(spec)
    schema["description"] = f"What the {kind.name} should be."
    rules = [{"rule": r.expression, "message": r.message} for r in all_rules(spec)]
    if rules:
        schema["x-kubernetes-validations"] = rules
    if kind.bare is not None:
        schema["default"] = dict(kind.bare)
    subresources: dict[str, Any] = {"status": {}}
    if kind.scale:
        subresources["scale"] = dict(kind.scale)
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": subresources,
        "additionalPrinterColumns": [
            {"name": c.name, "type": c.type, "jsonPath": c.path, **({"priority": c.priority} if c.priority else {})}
            for c in kind.columns
        ],
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": kind.description,
                **({} if "default" in schema else {"required": ["spec"]}),
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": schema,
                    "status": status_schema(kind),
                },
            }
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short),
                "categories": ["watership"],
            },
            "scope": "Namespaced",
            "versions": [version],
        },
    }
