"""Objects as plans see them, and a broker small enough to carry plans out on."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from watership_operator.kinds import Resource, parse
from watership_operator.plan import Step


def resource(
    kind: str, name: str, /, *, created: str = "1", deleting: str = "", status: dict | None = None, **spec: Any
) -> Resource:
    manifest = {
        "apiVersion": "watership.dev/v1beta1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{kind}-{name}",
            "creationTimestamp": created,
            "deletionTimestamp": deleting or None,
        },
        "spec": spec if kind == "BrokerCluster" else {"clusterReference": {"name": "c"}, **spec},
        "status": status,
    }
    return parse(manifest)


def hashed(password: str) -> str:
    salt = b"salt"
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


class TinyBroker:
    """Holds what steps declare, as the admin protocol's snapshot shows it."""

    def __init__(self) -> None:
        self.vhosts: dict[str, dict] = {"/": {"name": "/", "tags": []}}
        self.limits: dict[str, dict] = {}
        self.users: dict[str, dict] = {}
        self.topic_permissions: dict[tuple[str, str, str], dict] = {}
        self.policies: dict[tuple[str, str], dict] = {}
        self.operator_policies: dict[tuple[str, str], dict] = {}
        self.permissions: dict[tuple[str, str], dict] = {}
        self.exchanges: dict[tuple[str, str], dict] = {}
        self.queues: dict[tuple[str, str], dict] = {}
        self.bindings: list[dict] = []
        self.secrets: dict[tuple[str, str], dict[str, str]] = {}

    def snapshot(self) -> dict:
        return {
            "product_version": "4.2.1",
            "node": "rabbit@x",
            "cluster_name": "c",
            "vhosts": list(self.vhosts.values()),
            "limits": [{"vhost": vhost, "value": dict(limits)} for vhost, limits in self.limits.items()],
            "topic_permissions": list(self.topic_permissions.values()),
            "policies": list(self.policies.values()),
            "operator_policies": list(self.operator_policies.values()),
            "users": list(self.users.values()),
            "permissions": list(self.permissions.values()),
            "exchanges": list(self.exchanges.values()),
            "queues": list(self.queues.values()),
            "bindings": list(self.bindings),
        }

    def do(self, step: Step) -> None:
        if step.target == "kubernetes":
            metadata = step.manifest["metadata"]
            self.secrets[metadata["namespace"], metadata["name"]] = dict(step.manifest["stringData"])
        else:
            getattr(self, step.verb)(*step.arguments)

    def put_vhost(self, name: str, body: dict) -> None:
        self.vhosts[name] = {**self.vhosts.get(name, {}), "name": name, **body}

    def delete_vhost(self, name: str) -> None:
        del self.vhosts[name]
        for held in (self.permissions, self.topic_permissions, self.policies, self.operator_policies):
            for key in [k for k, item in held.items() if item["vhost"] == name]:
                del held[key]
        for held in (self.exchanges, self.queues):
            for key in [k for k in held if k[0] == name]:
                del held[key]
        self.bindings = [b for b in self.bindings if b["vhost"] != name]

    def put_vhost_limit(self, vhost: str, name: str, body: dict) -> None:
        self.limits.setdefault(vhost, {})[name] = body["value"]

    def delete_vhost_limit(self, vhost: str, name: str) -> None:
        del self.limits[vhost][name]

    def put_user(self, name: str, body: dict) -> None:
        stored = hashed(body["password"]) if "password" in body else body["password_hash"]
        limits = self.users.get(name, {}).get("limits", {})
        self.users[name] = {"name": name, "tags": body["tags"], "password_hash": stored, "limits": limits}

    def delete_user(self, name: str) -> None:
        del self.users[name]
        for held in (self.permissions, self.topic_permissions):
            for key in [k for k, item in held.items() if item["user"] == name]:
                del held[key]

    def put_user_limit(self, user: str, name: str, body: dict) -> None:
        self.users[user]["limits"] = {**self.users[user]["limits"], name: body["value"]}

    def delete_user_limit(self, user: str, name: str) -> None:
        self.users[user]["limits"] = {k: v for k, v in self.users[user]["limits"].items() if k != name}

    def delete_permission(self, vhost: str, user: str) -> None:
        del self.permissions[user, vhost]

    def put_topic_permission(self, vhost: str, user: str, body: dict) -> None:
        assert user in self.users
        self.topic_permissions[vhost, user, body["exchange"]] = {"vhost": vhost, "user": user, **body}

    def delete_topic_permission(self, vhost: str, user: str, exchange: str) -> None:
        del self.topic_permissions[vhost, user, exchange]

    def put_policy(self, vhost: str, name: str, body: dict) -> None:
        assert vhost in self.vhosts
        self.policies[vhost, name] = {"vhost": vhost, "name": name, **body}

    def delete_policy(self, vhost: str, name: str) -> None:
        del self.policies[vhost, name]

    def put_operator_policy(self, vhost: str, name: str, body: dict) -> None:
        assert vhost in self.vhosts
        self.operator_policies[vhost, name] = {"vhost": vhost, "name": name, **body}

    def delete_operator_policy(self, vhost: str, name: str) -> None:
        del self.operator_policies[vhost, name]

    def put_permission(self, vhost: str, user: str, body: dict) -> None:
        assert user in self.users
        self.permissions[user, vhost] = {"user": user, "vhost": vhost, **body}

    def put_exchange(self, vhost: str, name: str, body: dict) -> None:
        self.exchanges[vhost, name] = {"vhost": vhost, "name": name, **body}

    def delete_exchange(self, vhost: str, name: str) -> None:
        del self.exchanges[vhost, name]
        self.bindings = [b for b in self.bindings if b["source"] != name]

    def put_queue(self, vhost: str, name: str, body: dict) -> None:
        kind = body["arguments"].get("x-queue-type", "classic")
        self.queues[vhost, name] = {"vhost": vhost, "name": name, "type": kind, **body}

    def delete_queue(self, vhost: str, name: str) -> None:
        del self.queues[vhost, name]
        self.bindings = [b for b in self.bindings if b["destination"] != name]

    def post_binding(self, vhost: str, source: str, kind: str, destination: str, body: dict) -> None:
        assert (vhost, source) in self.exchanges or source.startswith("amq.")
        self.bindings.append(
            {
                "vhost": vhost,
                "source": source,
                "destination": destination,
                "destination_type": {"q": "queue", "e": "exchange"}[kind],
                "properties_key": body["routing_key"] or "~",
                **body,
            }
        )

    def delete_binding(self, vhost: str, source: str, kind: str, destination: str, key: str) -> None:
        self.bindings = [
            b
            for b in self.bindings
            if (b["source"], b["destination"], b["properties_key"]) != (source, destination, key)
        ]
