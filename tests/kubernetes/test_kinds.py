"""T1-T11: each kind of a broker's objects, from `kubectl apply` to `kubectl delete`, as RabbitMQ's operator is tested.

T10 and T11 (Federation, Shovel) need kinds that are not there yet.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from .conftest import Broker, Cluster
from .objects import resource

pytestmark = pytest.mark.kubernetes


@dataclass(frozen=True)
class Case:
    """spec as it is made; change: fields that may change, None where nothing may; fixed: a field that may not; path of
    the management API, and what it shows before and after. needs: objects that are there before."""

    id: str
    kind: str
    spec: dict[str, Any]
    path: str
    shows: dict[str, Any]
    fixed: tuple[str, Any]
    change: dict[str, Any] = field(default_factory=dict)
    then: dict[str, Any] = field(default_factory=dict)
    needs: tuple[dict[str, Any], ...] = ()


DEFINITION = {"max-length": 5}
CASES = (
    Case(
        "T1",
        "Queue",
        {"type": "quorum", "arguments": {"x-max-length": 7}},
        "queues/%2F/it",
        {"type": "quorum", "durable": True},
        ("durable", False),
        {"deletionPolicy": "Delete", "deleteIfEmpty": True},
    ),
    Case(
        "T2",
        "Exchange",
        {"type": "topic", "arguments": {"alternate-exchange": "amq.fanout"}},
        "exchanges/%2F/it",
        {"type": "topic", "durable": True},
        ("type", "fanout"),
    ),
    Case(
        "T3",
        "Binding",
        {"source": "amq.topic", "destination": "end", "routingKey": "a.b"},
        "bindings/%2F/e/amq.topic/q/end/a.b",
        {"routing_key": "a.b"},
        ("routingKey", "b"),
        needs=(resource("Queue", "end"),),
    ),
    Case(
        "T4",
        "Vhost",
        {"tags": ["one"], "limits": {"queues": 9}},
        "vhosts/it",
        {"tags": ["one"]},
        ("name", "other"),
        {"tags": ["two"], "limits": {"connections": 4}},
        {"tags": ["two"]},
    ),
    Case(
        "T5",
        "User",
        {"tags": ["management"]},
        "users/it",
        {"tags": ["management"]},
        ("name", "other"),
        {"tags": ["monitoring"], "limits": {"channels": 4}},
        {"tags": ["monitoring"], "limits": {"max-channels": 4}},
    ),
    Case(
        "T6",
        "Permission",
        {"user": "somebody", "permissions": {"read": "a.*"}},
        "permissions/%2F/somebody",
        {"configure": "", "write": "", "read": "a.*"},
        ("user", "other"),
        {"permissions": {"write": ".*"}},
        {"write": ".*", "read": ""},
        (resource("User", "somebody"),),
    ),
    Case(
        "T7",
        "TopicPermission",
        {"user": "somebody", "permissions": {"exchange": "amq.topic", "read": "a.*"}},
        "topic-permissions/%2F/somebody/amq.topic",
        {"write": "", "read": "a.*"},
        ("permissions", {"exchange": "other"}),
        {"permissions": {"exchange": "amq.topic", "write": ".*"}},
        {"write": ".*", "read": ""},
        (resource("User", "somebody"),),
    ),
    Case(
        "T8",
        "Policy",
        {"pattern": "^it", "definition": DEFINITION},
        "policies/%2F/it",
        {"pattern": "^it", "definition": DEFINITION, "apply-to": "all", "priority": 0},
        ("vhost", "other"),
        {"pattern": "^us", "priority": 3, "definition": {"message-ttl": 9}, "applyTo": "queues"},
        {"pattern": "^us", "definition": {"message-ttl": 9}, "apply-to": "queues", "priority": 3},
    ),
    Case(
        "T9",
        "OperatorPolicy",
        {"pattern": "^it", "definition": DEFINITION},
        "operator-policies/%2F/it",
        {"pattern": "^it", "definition": DEFINITION, "apply-to": "queues", "priority": 0},
        ("name", "other"),
        {"pattern": "^us", "priority": 3, "definition": {"expires": 9000}},
        {"pattern": "^us", "definition": {"expires": 9000}, "priority": 3},
    ),
)


def shown(broker: Broker, case: Case) -> dict[str, Any]:
    """Topic permissions come as a list."""
    found = broker.api(case.path)
    return (found[0] if isinstance(found, list) and found else found) or {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.kind}")
def test_kind_is_made_changed_kept_from_what_cannot_change_and_deleted(cluster: Cluster, broker: Broker, case: Case):
    where = f"{case.kind.lower()}.watership.dev"
    cluster.apply(broker.secret(), *case.needs, resource(case.kind, "it", **case.spec))
    condition = cluster.ready(where, "it")
    assert condition["reason"] == "SuccessfulCreateOrUpdate"
    assert shown(broker, case).items() >= case.shows.items()
    made = cluster.get(where, "it")
    assert made["metadata"]["finalizers"] == ["watership.dev/topology"]
    assert made["status"]["observedGeneration"] == made["metadata"]["generation"]
    name, value = case.fixed
    words = cluster.refused(resource(case.kind, "it", **{**case.spec, name: value}))
    assert f"spec.{name}" in words
    assert "cannot be changed" in words
    if case.change:
        cluster.apply(resource(case.kind, "it", **{**case.spec, **case.change}))
        cluster.wait("the change", lambda: shown(broker, case).items() >= {**case.shows, **case.then}.items(), 20)
        newer = cluster.get(where, "it")["metadata"]["generation"]
        cluster.wait("status of it", lambda: cluster.get(where, "it")["status"]["observedGeneration"] == newer, 20)
    cluster.kubectl("delete", where, "it", "--timeout=30s")
    assert not shown(broker, case)
    wrong = [e for e in cluster.items("events") if e["reason"] == "DriftRepaired"]
    assert wrong == []


RETAINED = [case for case in CASES if case.id in ("T1", "T2", "T4", "T5", "T6", "T7", "T8", "T9")]


@pytest.mark.parametrize("case", RETAINED, ids=lambda case: f"T12-{case.kind}")
def test_t12_retained_object_stays_in_the_broker(cluster: Cluster, broker: Broker, case: Case):
    where = f"{case.kind.lower()}.watership.dev"
    cluster.apply(broker.secret(), *case.needs, resource(case.kind, "it", deletionPolicy="Retain", **case.spec))
    cluster.ready(where, "it")
    cluster.kubectl("delete", where, "it", "--timeout=30s")
    assert shown(broker, case).items() >= case.shows.items()
