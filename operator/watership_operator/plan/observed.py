"""A snapshot of the broker, indexed for lookups, and kept up with the steps of the plan that is being made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watership.admin.api import Snapshot

from .wanted import Identity, binding_identity


class Observed:
    def __init__(self, snapshot: Snapshot) -> None:
        self.vhosts = {str(v["name"]) for v in snapshot["vhosts"]}
        self.users: dict[str, Mapping[str, Any]] = {str(u["name"]): u for u in snapshot["users"]}
        self.permissions: dict[tuple[str, str], Mapping[str, Any]] = {
            (str(p["user"]), str(p["vhost"])): p for p in snapshot["permissions"]
        }
        self.objects: dict[Identity, Mapping[str, Any]] = {}
        for kind, items in (("exchange", snapshot["exchanges"]), ("queue", snapshot["queues"])):
            for item in items:
                self.objects[kind, str(item["vhost"]), str(item["name"])] = item
        for item in snapshot["bindings"]:
            self.objects[identity_of_binding(item)] = item

    def get(self, identity: Identity) -> Mapping[str, Any] | None:
        return self.objects.get(identity)

    def has(self, kind: str, vhost: str, name: str) -> bool:
        """Exchanges named amq.* are always there."""
        return (kind, vhost, name) in self.objects or (kind == "exchange" and name.startswith("amq."))

    def declared(self, identity: Identity) -> None:
        """A step of this plan makes it."""
        self.objects.setdefault(identity, {})

    def deleted(self, identity: Identity) -> None:
        """A step of this plan takes it away, and its bindings with it."""
        self.objects.pop(identity, None)
        kind, vhost, name = identity[0], identity[1], identity[2]
        for key in [k for k in self.objects if k[0] == "binding" and k[1] == vhost]:
            if (kind == "exchange" and key[2] == name) or (key[3], key[4]) == (kind, name):
                del self.objects[key]


def identity_of_binding(item: Mapping[str, Any]) -> Identity:
    return binding_identity(
        item["vhost"],
        item["source"],
        item["destination_type"],
        item["destination"],
        item["routing_key"],
        item["arguments"],
    )
