"""Vhosts, permissions, policies: all that can be changed in place, unlike exchanges, queues and bindings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from watership.model.names import describe
from watership_operator.kinds import Resource

from .wanted import Call, Live, Wanted, broker_name, limit_calls, limits_of, vhost_of


def vhost(resource: Resource) -> Wanted:
    spec, name = resource.spec, broker_name(resource)
    body: dict[str, Any] = {"tags": list(spec.tags)}
    for field in ("description", "default_queue_type", "tracing"):
        if getattr(spec, field) is not msgspec.UNSET:
            body[field] = getattr(spec, field)
    limits = limits_of(spec.limits)
    put: Call = ("put_vhost", (name, body))

    def repairs(live: Live) -> list[Call]:
        same = {**body, "tags": sorted(body["tags"])} == {k: field_of_vhost(live, k) for k in body}
        return ([] if same else [put]) + limit_calls(limits, live.get("limits", {}), of="vhost", name=name)

    return Wanted(
        ("vhost", name),
        f"vhost '{name}'",
        (put, *limit_calls(limits, {}, of="vhost", name=name)),
        ("delete_vhost", (name,)),
        repairs=repairs,
    )


def field_of_vhost(live: Live, name: str) -> Any:
    """RabbitMQ keeps some of them in `metadata` only."""
    value = live.get(name, (live.get("metadata") or {}).get(name))
    return sorted(value or ()) if name == "tags" else value


def permission(resource: Resource, user: str) -> Wanted:
    spec = resource.spec
    rights = {right: getattr(spec.permissions, right) for right in ("configure", "write", "read")}
    put: Call = ("put_permission", (spec.vhost, user, rights))
    return Wanted(
        ("permission", spec.vhost, user),
        f"permissions of user '{user}' in vhost '{spec.vhost}'",
        (put,),
        ("delete_permission", (spec.vhost, user)),
        needs=(vhost_of(spec.vhost), (("user", user), f"user '{user}'")),
        repairs=lambda live: [] if agrees(rights, live) else [put],
        status={"user": user},
    )


def topic_permission(resource: Resource, user: str) -> Wanted:
    spec, exchange = resource.spec, resource.spec.permissions.exchange
    rights = {right: getattr(spec.permissions, right) for right in ("write", "read")}
    put: Call = ("put_topic_permission", (spec.vhost, user, {"exchange": exchange, **rights}))
    return Wanted(
        ("topic permission", spec.vhost, user, exchange),
        f"topic permissions of user '{user}' at {describe('exchange', exchange, spec.vhost)}",
        (put,),
        ("delete_topic_permission", (spec.vhost, user, exchange)),
        needs=(vhost_of(spec.vhost), (("user", user), f"user '{user}'")),
        repairs=lambda live: [] if agrees(rights, live) else [put],
        status={"user": user},
    )


def policy(resource: Resource) -> Wanted:
    return pattern(resource, "policy", "policy")


def operator_policy(resource: Resource) -> Wanted:
    return pattern(resource, "operator policy", "operator_policy")


def pattern(resource: Resource, noun: str, verb: str) -> Wanted:
    spec, name = resource.spec, broker_name(resource)
    body = {
        "pattern": spec.pattern,
        "apply-to": spec.apply_to,
        "priority": spec.priority,
        "definition": dict(spec.definition),
    }
    put: Call = (f"put_{verb}", (spec.vhost, name, body))
    return Wanted(
        (noun, spec.vhost, name),
        describe(noun, name, spec.vhost),
        (put,),
        (f"delete_{verb}", (spec.vhost, name)),
        needs=(vhost_of(spec.vhost),),
        repairs=lambda live: [] if agrees(body, live) else [put],
    )


def agrees(wanted: Mapping[str, Any], live: Live) -> bool:
    return all(live.get(k) == v for k, v in wanted.items())
