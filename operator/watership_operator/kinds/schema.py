"""The structural schema of a spec: what msgspec knows of a struct, in the form that CustomResourceDefinitions allow."""

from __future__ import annotations

from typing import Any

import msgspec

PREFIX = "#/$defs/"
KEPT = {
    "type",
    "description",
    "default",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "items",
    "properties",
    "required",
    "additionalProperties",
}


def structural(spec: type[msgspec.Struct]) -> dict[str, Any]:
    (root,), components = msgspec.json.schema_components([spec], ref_template=PREFIX + "{name}")
    return inlined(root, components)


def inlined(node: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """References replaced by what they name; what a struct says of itself gives way to what its field says."""
    node = resolved(node, components)
    if node.get("x-preserve"):
        kept = {k: v for k, v in node.items() if k in {"description", "default"}}
        return {"type": "object", **kept, "x-kubernetes-preserve-unknown-fields": True}
    found = {k: v for k, v in node.items() if k in KEPT}
    if "properties" in found:
        found["properties"] = {name: inlined(child, components) for name, child in found["properties"].items()}
        found.pop("additionalProperties", None)
    elif isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = inlined(found["additionalProperties"], components)
    if "items" in found:
        found["items"] = inlined(found["items"], components)
    if "enum" in found:
        found["type"] = "string"
    if found.get("required") == []:
        del found["required"]
    return found


def resolved(node: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in node:
        node = {**{k: v for k, v in node.items() if k != "anyOf"}, **node["anyOf"][0]}
    if "$ref" not in node:
        return node
    target = components[node["$ref"].removeprefix(PREFIX)]
    return {**resolved(target, components), **{k: v for k, v in node.items() if k != "$ref"}}
