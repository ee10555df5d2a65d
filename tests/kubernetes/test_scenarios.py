"""T13, T15, T16, T20, T22-T24: credentials, private authorities, other namespaces, drift, conflicts, many objects.

T14, T17, T18, T21 are in test_deletion.py. T19 (SuperStream) needs streams, which are not there yet.
"""

import base64
import time
from pathlib import Path

import pytest
import trustme
from tests.cluster.control_plane import free_port

from .conftest import Broker, Cluster, Operator
from .objects import broker_cluster, resource

pytestmark = pytest.mark.kubernetes
LOGIN = "default_user = guest\ndefault_pass = guest\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def user(name: str, **spec: object) -> dict:
    return resource("User", name, tags=["management"], **spec)


# T13: whose password comes from where


def test_t13_generated_password_opens_and_a_rotated_one_replaces_it(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), user("app"))
    cluster.ready("user.watership.dev", "app")
    status = cluster.get("user.watership.dev", "app")["status"]
    assert (status["username"], status["credentials"]) == ("app", {"name": "app-user-credentials"})
    first = cluster.get("secret", "app-user-credentials")["data"]["password"]
    assert broker.logs_in("app", first)
    cluster.kubectl("annotate", "user.watership.dev/app", "watership.dev/rotate-password=2026-01")
    cluster.wait("the old password is refused", lambda: not broker.logs_in("app", first))
    second = cluster.get("secret", "app-user-credentials")["data"]["password"]
    assert broker.logs_in("app", second)
    cluster.kubectl("delete", "secret", "app-user-credentials")
    cluster.wait("a third password", lambda: not broker.logs_in("app", second))


def test_t13_imported_password_with_odd_characters_and_its_change(cluster: Cluster, broker: Broker):
    odd = "pä$$ \"wörd'\\:@/?#%00"
    cluster.apply(broker.secret(), secret("login", username="al:ice/ü", password=odd))
    cluster.apply(user("alice", importCredentialsSecret={"name": "login"}))
    cluster.ready("user.watership.dev", "alice")
    listed = {u["name"] for u in broker.api("users")}
    assert "al:ice/ü" in listed
    cluster.apply(secret("login", username="alice", password=odd))
    cluster.wait("the new name", lambda: broker.api("users/alice"))
    assert broker.logs_in("alice", encoded(odd))
    assert {u["name"] for u in broker.api("users")} == {"guest", "alice"}
    cluster.apply(secret("login", username="alice", password="plain"))
    cluster.wait("the old password is refused", lambda: not broker.logs_in("alice", encoded(odd)))
    assert broker.logs_in("alice", encoded("plain"))
    cluster.kubectl("delete", "secret", "login")
    cluster.kubectl("delete", "user.watership.dev/alice", "--timeout=30s")
    assert {u["name"] for u in broker.api("users")} == {"guest"}


def test_t13_imported_hash_and_an_empty_one(cluster: Cluster, broker: Broker):
    hashed = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"  # test12, in RabbitMQ's documentation
    cluster.apply(broker.secret(), secret("login", username="bob", passwordHash=hashed))
    cluster.apply(user("bob", importCredentialsSecret={"name": "login"}))
    cluster.ready("user.watership.dev", "bob")
    assert broker.api("users/bob")["password_hash"] == hashed
    assert broker.logs_in("bob", encoded("test12"))
    cluster.apply(secret("login", username="bob", passwordHash=""))
    cluster.wait("no password", lambda: broker.api("users/bob")["password_hash"] == "")
    assert not broker.logs_in("bob", encoded(""))


def test_t13_name_alone_gets_a_password_and_limits_are_set_and_lifted(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), secret("login", username="carol"))
    cluster.apply(user("c", importCredentialsSecret={"name": "login"}, limits={"connections": 5, "channels": 2}))
    cluster.ready("user.watership.dev", "c")
    assert broker.logs_in("carol", cluster.get("secret", "c-user-credentials")["data"]["password"])
    assert broker.api("user-limits/carol")[0]["value"] == {"max-connections": 5, "max-channels": 2}
    cluster.apply(user("c", importCredentialsSecret={"name": "login"}, limits={"connections": 6}))
    cluster.wait(
        "limits", lambda: broker.api("user-limits/carol") == [{"user": "carol", "value": {"max-connections": 6}}]
    )


# T15, T16: how the broker is reached


def test_t15_private_authority_of_a_tls_only_cluster_is_trusted(cluster: Cluster, tmp_path: Path):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    pem = tmp_path / "server.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(pem))
    broker, port = Broker(tmp_path), free_port()
    with (tmp_path / "rabbitmq.conf").open("a") as config:
        config.write(f"management.ssl.port = {port}\nmanagement.ssl.certfile = {pem}\nmanagement.ssl.keyfile = {pem}\n")
    broker.start()
    chain, key = certificate.cert_chain_pems[0].bytes().decode(), certificate.private_key_pem.bytes().decode()
    ca = authority.cert_pem.bytes().decode()
    served = secret("tls", **{"tls.crt": chain, "tls.key": key, "ca.crt": ca})
    url = f"https://127.0.0.1:{port}"
    tls = {"secretName": "tls", "disableNonTLSListeners": True}
    try:
        cluster.apply(
            served,
            broker_cluster("main", {"watership.dev/operator-connection-uri": url}, configuration=LOGIN, tls=tls),
            secret("broker", uri=url, username="guest", password="guest", **{"ca.crt": ca}),
            secret("distrusted", uri=url, username="guest", password="guest"),
            resource("Policy", "p", {"name": "main"}, pattern="^q", definition={"max-length": 1}),
            resource("Exchange", "x"),
            resource("Exchange", "y", {"connectionSecret": {"name": "distrusted"}}),
        )
        cluster.ready("policy.watership.dev", "p")
        cluster.ready("exchange.watership.dev", "x")
        cluster.says("exchange.watership.dev", "y", "waits for the broker")
    finally:
        broker.stop()


def test_t16_broker_elsewhere_by_a_secret(cluster: Cluster, broker: Broker):
    cluster.apply(resource("Queue", "q"))
    cluster.says("queue.watership.dev", "q", "waits for Secret")
    cluster.apply(secret("broker", uri=broker.url.removeprefix("http://"), username="guest", password="wrong"))
    cluster.says("queue.watership.dev", "q", "the broker refuses the operator")
    cluster.apply(broker.secret())
    cluster.ready("queue.watership.dev", "q")
    cluster.kubectl("delete", "queue.watership.dev/q", "--timeout=30s")
    assert broker.api("queues/%2F/q") is None


# T20: who may refer to what


SELECTOR = {
    "matchLabels": {"team": "shop"},
    "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}],
}


@pytest.mark.parametrize("by", ["names", "labels"])
def test_t20_other_namespaces_when_the_cluster_allows_them(cluster: Cluster, broker: Broker, by: str):
    other = f"{cluster.namespace}-other"
    cluster.kubectl("create", "namespace", other)
    guest = Cluster(cluster.kubeconfig, cluster.program, other)
    annotations = {"watership.dev/operator-connection-uri": broker.url}
    cluster.apply(broker_cluster("main", annotations, configuration=LOGIN))
    guest.apply(resource("Queue", "q", {"name": "main", "namespace": cluster.namespace}))
    refused = guest.says("queue.watership.dev", "q", f"takes no objects of namespace {other}")
    assert refused["reason"] == "NotAllowed"
    assert broker.api("queues/%2F/q") is None
    allowed = {"names": [other]} if by == "names" else SELECTOR
    cluster.apply(broker_cluster("main", annotations, configuration=LOGIN, topologyNamespaces=allowed))
    if by == "labels":
        guest.says("queue.watership.dev", "q", "takes no objects")
        cluster.kubectl("label", "namespace", other, "team=shop")
    guest.ready("queue.watership.dev", "q")
    guest.kubectl("delete", "namespace", other, "--timeout=60s")
    assert broker.api("queues/%2F/q") is None


def test_t20_shared_secret_lets_other_namespaces_in_by_its_annotation(cluster: Cluster, broker: Broker):
    other = f"{cluster.namespace}-other"
    cluster.kubectl("create", "namespace", other)
    guest = Cluster(cluster.kubeconfig, cluster.program, other)
    cluster.apply(broker.secret())
    shared = {"connectionSecret": {"name": "broker"}, "namespace": cluster.namespace}
    guest.apply(resource("Queue", "q", shared), resource("Queue", "r", shared))
    words = "its annotation watership.dev/topology-allowed-namespaces does not name it"
    assert guest.says("queue.watership.dev", "q", words)["reason"] == "NotAllowed"
    cluster.kubectl("annotate", "secret/broker", f"watership.dev/topology-allowed-namespaces=elsewhere,{other}")
    guest.ready("queue.watership.dev", "q")
    guest.kubectl("delete", "queue.watership.dev/q", "--timeout=30s")
    assert broker.api("queues/%2F/q") is None
    cluster.kubectl("annotate", "secret/broker", "watership.dev/topology-allowed-namespaces-")
    guest.says("queue.watership.dev", "r", words)
    guest.kubectl("delete", "namespace", other, "--timeout=60s")
    assert broker.api("queues/%2F/r"), "a broker that takes nothing from there is not asked to delete either"


RIGHTS = {"permissions": {"read": ".*"}}


@pytest.mark.parametrize(
    ("kind", "reference", "spec", "words"),
    [
        ("Permission", None, RIGHTS, "exactly one of them"),
        ("Permission", None, {"user": "a", "userReference": {"name": "b"}}, "exactly one of them"),
        ("Permission", None, {"user": "a", **RIGHTS}, ""),
        ("Permission", None, {"userReference": {"name": "b"}, **RIGHTS}, ""),
        ("TopicPermission", None, {"user": "a"}, "spec.permissions: Required value"),
        ("TopicPermission", None, {"user": "a", "permissions": {"read": "x"}}, "permissions.exchange: Required value"),
        ("Vhost", {"name": "a", "connectionSecret": {"name": "b"}}, {}, "exactly one of them"),
        ("Vhost", None, {"defaultQueueType": "lazy"}, "Unsupported value"),
        ("Vhost", None, {"limits": {"connections": -2}}, "spec.limits.connections"),
        ("Policy", None, {"pattern": "x"}, "spec.definition: Required value"),
        ("Policy", None, {"definition": {}}, "spec.pattern: Required value"),
        ("Policy", None, {"pattern": "x", "definition": {}, "applyTo": "topics"}, "Unsupported value"),
        ("OperatorPolicy", None, {"pattern": "x", "definition": {}, "applyTo": "exchanges"}, "Unsupported value"),
        ("User", None, {"tags": ["root"]}, "Unsupported value"),
        ("Queue", None, {"deletionPolicy": "retain"}, ""),
        ("Queue", None, {"deletionPolicy": "keep"}, 'supported values: "Delete", "Retain"'),
    ],
)
def test_t20_what_is_accepted_and_what_is_refused(cluster: Cluster, kind: str, reference, spec: dict, words: str):
    made = resource(kind, "it", reference, **spec)
    if words:
        assert words in cluster.refused(made)
    else:
        cluster.apply(made)


# T22: what somebody did in the broker by hand


def test_t22_what_was_changed_or_removed_by_hand_is_put_right_and_named(cluster: Cluster, broker: Broker):
    cluster.apply(
        broker.secret(),
        resource("Vhost", "v", limits={"queues": 5}),
        resource("Policy", "p", pattern="^q", definition={"max-length": 5}),
        resource("User", "u", tags=["monitoring"]),
        resource("Queue", "q"),
        resource("Binding", "b", source="amq.fanout", destination="q"),
    )
    objects = {"vhost": "v", "policy": "p", "user": "u", "queue": "q", "binding": "b"}
    for kind, name in objects.items():
        cluster.ready(f"{kind}.watership.dev", name)
    broker.api("vhost-limits/v/max-queues", "DELETE")
    broker.api("policies/%2F/p", "PUT", {"pattern": "^z", "definition": {"max-length": 6}})
    broker.api("users/u", "PUT", {"tags": "administrator", "password": "x"})
    broker.api("queues/%2F/q", "DELETE")
    cluster.wait("limits", lambda: broker.api("vhost-limits/v") == [{"vhost": "v", "value": {"max-queues": 5}}])
    cluster.wait("the policy", lambda: broker.api("policies/%2F/p")["pattern"] == "^q")
    cluster.wait("the user", lambda: broker.api("users/u")["tags"] == ["monitoring"])
    cluster.wait("the binding of the new queue", lambda: broker.api("bindings/%2F/e/amq.fanout/q/q"))

    def named() -> bool:
        events = [e for e in cluster.items("events") if e["reason"] == "DriftRepaired"]
        return {e["involvedObject"]["kind"].lower() for e in events} == set(objects)

    cluster.wait("an Event for each", named)


def test_t22_ready_dips_while_a_removed_object_is_not_back(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "q"))
    before = cluster.ready("queue.watership.dev", "q")
    time.sleep(1.1)  # transitions are told in whole seconds
    broker.api("queues/%2F/q", "DELETE")
    cluster.wait("the queue is back", lambda: broker.api("queues/%2F/q"))
    cluster.wait(
        "Ready that was False meanwhile",
        lambda: cluster.ready("queue.watership.dev", "q")["lastTransitionTime"] > before["lastTransitionTime"],
    )


def test_objects_that_were_there_before_are_adopted(cluster: Cluster, broker: Broker):
    broker.api("vhosts/v", "PUT", {})
    broker.api("queues/v/q", "PUT", {"durable": True})
    broker.api("policies/v/p", "PUT", {"pattern": "^q", "definition": {"max-length": 6}})
    adopted = {"pattern": "^q", "definition": {"max-length": 6}}
    cluster.apply(broker.secret(), resource("Vhost", "v"), resource("Queue", "q", vhost="v"))
    cluster.apply(resource("Policy", "p", vhost="v", **adopted))
    for kind, name in (("vhost", "v"), ("queue", "q"), ("policy", "p")):
        cluster.ready(f"{kind}.watership.dev", name)
    cluster.kubectl("delete", "queue.watership.dev/q")
    assert broker.api("queues/v/q") is None


# T23: two objects for one


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        ("Queue", {"name": "it"}, "queues/%2F/it"),
        ("Vhost", {"name": "it"}, "vhosts/it"),
        ("Policy", {"name": "it", "pattern": "x", "definition": {"max-length": 1}}, "policies/%2F/it"),
        ("Permission", {"user": "guest", "permissions": {"read": ".*"}}, "permissions/%2F/guest"),
    ],
)
def test_t23_older_object_owns_and_the_newer_ones_deletion_harms_nothing(
    cluster: Cluster, broker: Broker, kind: str, spec: dict, path: str
):
    where = f"{kind.lower()}.watership.dev"
    cluster.apply(broker.secret(), resource(kind, "older", **spec))
    cluster.ready(where, "older")
    time.sleep(1.1)  # ages are whole seconds; of twins the name decides
    cluster.apply(resource(kind, "a-newer", **spec))
    condition = cluster.says(where, "a-newer", f"belongs to {kind} {cluster.namespace}/older, which is older")
    assert condition["reason"] == "Conflict"
    cluster.kubectl("delete", where, "a-newer", "--timeout=30s")
    cluster.ready(where, "older")
    assert broker.api(path)


def test_brokers_own_words_are_in_the_status(cluster: Cluster, broker: Broker):
    cluster.apply(
        broker.secret(),
        resource("Policy", "p", pattern="[", definition={"max-length": 1}),
        resource("Policy", "d", pattern="x", definition={"max-lenght": 1}),
        resource("Permission", "r", user="guest", permissions={"read": "*"}),
    )
    cluster.says("policy.watership.dev", "p", "pattern should be regular expression but is invalid")
    cluster.says("policy.watership.dev", "d", "are not recognised policy settings")
    condition = cluster.says("permission.watership.dev", "r", "invalid")
    assert condition["reason"] == "FailedCreateOrUpdate"


# T24: many, and a restart


def test_t24_after_a_restart_with_many_a_new_object_is_ready_soon(cluster: Cluster, broker: Broker, operator: Operator):
    cluster.apply(broker.secret(), *(resource("Queue", f"q{i}") for i in range(500)))
    cluster.wait("all queues", lambda: len(broker.api("queues")) == 500, 120)
    operator.restart()
    began = time.monotonic()
    cluster.apply(resource("Queue", "new"))
    cluster.ready("queue.watership.dev", "new")
    assert time.monotonic() - began < 60
    metrics = operator.http("metrics")
    puts = [line for line in metrics.splitlines() if 'verb="put_queue"' in line and "_count" in line]
    assert puts == [] or all(float(line.rpartition(" ")[2]) <= 1 for line in puts)
