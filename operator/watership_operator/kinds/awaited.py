"""Kinds of RabbitMQ's topology operator that are not here yet. Their definitions refuse every object, in a sentence
that says what to write instead: `no matches for kind` would say neither.
"""

from __future__ import annotations

from typing import Any

from .resource import GROUP, VERSION

AWAITED = {
    "Federation": (
        "federations",
        "There is no federation in this version. Leave this object and policies with federation-upstream out; where "
        "messages must come from another broker, run a client that consumes there and publishes here",
    ),
    "Shovel": (
        "shovels",
        "There are no shovels in this version. Leave this object out; where messages must move to another queue or "
        "broker, run a client that consumes from the source, publishes with confirms, and acknowledges after them",
    ),
    "SuperStream": (
        "superstreams",
        "There are no streams in this version. Write an Exchange of type x-consistent-hash and one Queue and Binding "
        "(routingKey: its weight) per partition, with x-single-active-consumer where order matters",
    ),
    "SchemaReplication": (
        "schemareplications",
        "There is no schema replication. Apply the same objects to both brokers (rabbitmqClusterReference or "
        "clusterReference names each), or copy them with `kubectl watership export` and `import`",
    ),
}


def definitions() -> list[dict[str, Any]]:
    """CustomResourceDefinitions that take no object."""
    return [refusing(kind, plural, sentence) for kind, (plural, sentence) in AWAITED.items()]


def refusing(kind: str, plural: str, sentence: str) -> dict[str, Any]:
    spec = {
        "type": "object",
        "description": sentence + ".",
        "x-kubernetes-preserve-unknown-fields": True,
        "x-kubernetes-validations": [{"rule": "false", "message": sentence}],
    }
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": spec,
    }
    schema = {
        "type": "object",
        "description": f"Not in this version. {sentence}.",
        "required": ["spec"],
        "properties": properties,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [
                {"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    }
