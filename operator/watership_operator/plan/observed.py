"""A snapshot of the broker, indexed for lookups, and kept up with the steps of the plan that is being made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watership.admin.api import Snapshot

from .wanted import Identity, binding_identity


class Observed:
    def __init__(self, snapshot: Snapshot) -> None:
        self.objects: dict[Identity, Mapping[str, Any]] = {}
        limits = {str(item["vhost"]): item["value"] for item in snapshot["limits"]}
        for item in snapshot["vhosts"]:
            self.objects["vhost", str(item["name"])] = {**item, "limits": limits.get(str(item["name"]), {})}
        for item in snapshot["users"]:
            self.objects["user", str(item["name"])] = item
        for item in snapshot["permissions"]:
            self.objects["permission", str(item["vhost"]), str(item["user"])] = item
        for item in snapshot["topic_permissions"]:
            self.objects["topic permission", str(item["vhost"]), str(item["user"]), str(item["exchange"])] = item
        for kind, items in (
            ("policy", snapshot["policies"]),
            ("operator policy", snapshot["operator_policies"]),
            ("exchange", snapshot["exchanges"]),
            ("queue", snapshot["queues"]),
        ):
            for item in items:
                self.objects[kind, str(item["vhost"]), str(item["name"])] = item
        for item in snapshot["bindings"]:
            self.objects[identity_of_binding(item)] = item

    def get(self, identity: Identity) -> Mapping[str, Any] | None:
        return self.objects.get(identity)

    def has(self, identity: Identity) -> bool:
        """Exchanges named amq.* are always there."""
        return identity in self.objects or (identity[0] == "exchange" and identity[2].startswith("amq."))

    def declared(self, identity: Identity) -> None:
        """A step of this plan makes it."""
        self.objects.setdefault(identity, {})

    def deleted(self, identity: Identity) -> None:
        """A step of this plan takes it away, and with it what cannot be without it."""
        self.objects.pop(identity, None)
        if identity[0] in DRAGS:
            for key in [k for k in self.objects if hangs(k, identity)]:
                del self.objects[key]


DRAGS = ("vhost", "user", "exchange", "queue")


def hangs(key: Identity, on: Identity) -> bool:
    """Whether something goes with something else: bindings with their ends, all of a vhost with it."""
    kind, name = on[0], on[-1]
    if kind == "vhost":
        return key[0] not in ("vhost", "user") and key[1] == name
    if kind == "user":
        return key[0] in ("permission", "topic permission") and key[2] == name
    return (
        key[0] == "binding"
        and key[1] == on[1]
        and ((kind == "exchange" and key[2] == name) or key[3:5] == (kind, name))
    )


def identity_of_binding(item: Mapping[str, Any]) -> Identity:
    return binding_identity(
        item["vhost"],
        item["source"],
        item["destination_type"],
        item["destination"],
        item["routing_key"],
        item["arguments"],
    )
