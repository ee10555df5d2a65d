"""Topology objects against a real API server and a real broker."""

import pytest

from .conftest import Broker, Cluster, Operator
from .objects import REFERENCE, resource

pytestmark = pytest.mark.kubernetes


def test_queue_exchange_binding_and_user_appear_in_the_broker(cluster: Cluster, broker: Broker):
    cluster.apply(
        broker.secret(),
        resource("Binding", "bound", source="logs", destination="tasks", routingKey="k"),
        resource("Queue", "tasks"),
        resource("Exchange", "logs", type="topic"),
        resource("User", "worker", tags=["management"], permissions=[{"vhost": "/", "read": ".*"}]),
    )
    for kind, name in (("queue", "tasks"), ("exchange", "logs"), ("binding", "bound"), ("user", "worker")):
        condition = cluster.ready(f"{kind}.watership.dev", name)
        assert condition["reason"] == "SuccessfulCreateOrUpdate"
    assert broker.api("queues/%2F/tasks")["durable"] is True
    assert broker.api("exchanges/%2F/logs")["type"] == "topic"
    assert [b["routing_key"] for b in broker.api("bindings/%2F") if b["source"] == "logs"] == ["k"]
    assert broker.api("users/worker")["tags"] == ["management"]
    assert cluster.get("secret", "worker-user-credentials")["type"] == "servicebinding.io/rabbitmq"
    cluster.kubectl("delete", "queue.watership.dev/tasks", "exchange.watership.dev/logs", "user.watership.dev/worker")
    assert broker.api("queues/%2F/tasks") is None
    assert broker.api("exchanges/%2F/logs") is None
    assert broker.api("users/worker") is None


def test_binding_waits_for_its_ends_and_heals(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Binding", "early", source="later", destination="tasks"))
    cluster.says("binding.watership.dev", "early", "waits for exchange 'later' in vhost '/' to exist")
    cluster.apply(resource("Exchange", "later"), resource("Queue", "tasks"))
    cluster.ready("binding.watership.dev", "early")


def test_queue_that_contradicts_the_broker_gets_its_words_and_heals(cluster: Cluster, broker: Broker):
    broker.api("queues/%2F/clash", "PUT", {"durable": False})
    cluster.apply(broker.secret(), resource("Queue", "clash", durable=True))
    words = "inequivalent arg 'durable' for queue 'clash' in vhost '/': received 'true' but current is 'false'"
    condition = cluster.says("queue.watership.dev", "clash", words)
    assert (condition["status"], condition["reason"]) == ("False", "FailedCreateOrUpdate")
    broker.api("queues/%2F/clash", "DELETE")
    cluster.ready("queue.watership.dev", "clash")


def test_user_waits_for_its_secret_and_heals(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("User", "app", passwordSecret={"name": "app-password"}))
    cluster.says("user.watership.dev", "app", "waits for Secret")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app-password"}}
    cluster.apply({**secret, "stringData": {"password": "one"}})
    cluster.ready("user.watership.dev", "app")
    before = broker.api("users/app")["password_hash"]
    cluster.apply({**secret, "stringData": {"password": "two"}})
    cluster.wait("the new password", lambda: broker.api("users/app")["password_hash"] != before)


def test_what_somebody_removed_comes_back_and_is_named(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "tasks"))
    cluster.ready("queue.watership.dev", "tasks")
    broker.api("queues/%2F/tasks", "DELETE")
    cluster.wait("the queue is back", lambda: broker.api("queues/%2F/tasks"))
    events = cluster.wait("an Event", lambda: [e for e in cluster.items("events") if e["reason"] == "DriftRepaired"])
    assert "somebody had removed it" in events[0]["message"]


def test_of_two_objects_for_one_queue_the_older_owns_it(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "first", name="shared"))
    cluster.ready("queue.watership.dev", "first")
    cluster.apply(resource("Queue", "second", name="shared"))
    condition = cluster.says("queue.watership.dev", "second", "belongs to Queue")
    assert condition["reason"] == "Conflict"
    cluster.kubectl("delete", "queue.watership.dev/second")
    assert broker.api("queues/%2F/shared")


def test_retained_queue_stays_in_the_broker(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "kept", deletionPolicy="Retain"))
    cluster.ready("queue.watership.dev", "kept")
    cluster.kubectl("delete", "queue.watership.dev/kept")
    assert broker.api("queues/%2F/kept")


def test_deletion_does_not_wait_for_a_secret_that_is_gone(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "orphan"))
    cluster.ready("queue.watership.dev", "orphan")
    cluster.kubectl("delete", "secret", "broker")
    cluster.kubectl("delete", "queue.watership.dev/orphan", "--timeout=60s")


def test_deletion_does_not_wait_for_a_cluster_that_never_was(cluster: Cluster):
    cluster.apply(resource("Queue", "lonely", {"name": "nowhere"}))
    cluster.says("queue.watership.dev", "lonely", "to exist")
    cluster.kubectl("delete", "queue.watership.dev/lonely", "--timeout=60s")


def test_namespace_with_everything_in_it_ends(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), *(resource("Queue", f"q{i}") for i in range(20)), resource("User", "u"))
    cluster.ready("queue.watership.dev", "q19")
    cluster.kubectl("delete", "namespace", cluster.namespace, "--timeout=90s")


def test_broker_that_is_away_is_said_and_its_return_heals(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret())
    broker.stop()
    cluster.apply(resource("Queue", "patient"))
    cluster.says("queue.watership.dev", "patient", "waits for the broker")
    broker.start()
    cluster.ready("queue.watership.dev", "patient")


def test_force_delete_releases_while_the_broker_is_away(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "forced"))
    cluster.ready("queue.watership.dev", "forced")
    broker.stop()
    cluster.kubectl("annotate", "queue.watership.dev/forced", "watership.dev/force-delete=true")
    cluster.kubectl("delete", "queue.watership.dev/forced", "--timeout=60s")


def test_restarted_operator_continues_and_writes_nothing_when_nothing_changed(
    cluster: Cluster, broker: Broker, operator: Operator
):
    cluster.apply(broker.secret(), *(resource("Queue", f"q{i}") for i in range(5)))
    for i in range(5):
        cluster.ready("queue.watership.dev", f"q{i}")
    before = [q["metadata"]["resourceVersion"] for q in cluster.items("queues.watership.dev")]
    operator.restart()
    cluster.apply(resource("Queue", "after"))
    cluster.ready("queue.watership.dev", "after")
    after = [q for q in cluster.items("queues.watership.dev") if q["metadata"]["name"] != "after"]
    assert sorted(q["metadata"]["resourceVersion"] for q in after) == sorted(before)


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("Queue", {"name": ""}, "spec.name"),
        ("Queue", {"durable": "yes"}, "spec.durable"),
        ("Binding", {"source": "x"}, "spec.destination: Required value"),
        ("Binding", {"source": "x", "destination": "y", "destinationType": "topic"}, "Unsupported value"),
        ("Exchange", {"clusterReference": {}}, "exactly one of them"),
        ("Exchange", {"clusterReference": {"name": "a", **REFERENCE}}, "exactly one of them"),
        (
            "User",
            {"passwordSecret": {"name": "a"}, "importCredentialsSecret": {"name": "b"}},
            "exclude each other",
        ),
    ],
)
def test_object_that_breaks_its_schema_is_refused_readably(cluster: Cluster, kind: str, spec: dict, words: str):
    manifest = resource(kind, "bad", spec.pop("clusterReference", None), **spec)
    if spec == {} and kind == "Exchange" and "name" not in manifest["spec"]["clusterReference"]:
        manifest["spec"]["clusterReference"] = {}
    assert words in cluster.refused(manifest)


def test_immutable_fields_are_refused_by_name(cluster: Cluster):
    cluster.apply(resource("Queue", "fixed", arguments={"x-max-length": 5}))
    changed = resource("Queue", "fixed", arguments={"x-max-length": 6})
    assert "spec.arguments cannot be changed" in cluster.refused(changed)
    assert "spec.durable cannot be changed" in cluster.refused(resource("Queue", "fixed", durable=False))
