"""BrokerClusters against a real API server and controllers; pods are the end-to-end tier's."""

import base64
from typing import Any

import pytest
import trustme

from .conftest import Broker, Cluster
from .objects import broker_cluster, resource

pytestmark = pytest.mark.kubernetes
CHILDREN = (
    ("service", "hello"),
    ("service", "hello-nodes"),
    ("statefulset", "hello-server"),
    ("configmap", "hello-server-conf"),
    ("secret", "hello-default-user"),
    ("serviceaccount", "hello-server"),
    ("poddisruptionbudget", "hello-server"),
    ("networkpolicy", "hello-server"),
)


def versions(cluster: Cluster) -> dict[tuple[str, str], str]:
    found = {child: cluster.get(*child) for child in CHILDREN}
    return {child: item["metadata"]["resourceVersion"] for child, item in found.items() if item}


def test_children_are_made_once_and_owned(cluster: Cluster):
    cluster.apply(broker_cluster("hello", configuration="heartbeat = 30\n"))
    cluster.wait("the children", lambda: len(versions(cluster)) == len(CHILDREN))
    condition = cluster.says("brokercluster", "hello", "waits for hello-server-0 to be ready")
    assert condition["status"] == "False"
    for child in CHILDREN:
        owner = cluster.get(*child)["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("BrokerCluster", "hello", True)
    config = cluster.get("configmap", "hello-server-conf")["data"]
    assert config["90-user.conf"] == "heartbeat = 30\n"
    settled = versions(cluster)
    cluster.kubectl("annotate", "brokercluster/hello", "touched=yes")
    cluster.wait("two more passes", passes(cluster))
    written_by_others = ("statefulset", "poddisruptionbudget", "configmap")
    stable = {k: v for k, v in versions(cluster).items() if k[0] not in written_by_others}
    assert stable == {k: v for k, v in settled.items() if k in stable}
    generation = cluster.get("statefulset", "hello-server")["metadata"]["generation"]
    assert generation == 1


def passes(cluster: Cluster):
    """Holds once the operator has surely looked again: a ConfigMap that was deleted is back, twice."""
    seen: list[str] = []

    def holds() -> bool:
        item = cluster.get("configmap", "hello-server-conf")
        if item and item["metadata"]["uid"] not in seen and len(seen) < 2:
            seen.append(item["metadata"]["uid"])
            if len(seen) < 2:
                cluster.kubectl("delete", "configmap", "hello-server-conf", "--wait=false")
        return len(seen) == 2

    return holds


@pytest.mark.parametrize("child", CHILDREN)
def test_c12_deleted_child_comes_back(cluster: Cluster, child: tuple[str, str]):
    cluster.apply(broker_cluster("hello"))
    cluster.wait("the children", lambda: len(versions(cluster)) == len(CHILDREN))
    before = cluster.get(*child)["metadata"]["uid"]
    # kubectl's own wait would go on for the child that the operator has made again meanwhile.
    cluster.kubectl("delete", *child, "--cascade=orphan", "--wait=false")
    cluster.wait(f"{child} again", lambda: (c := cluster.get(*child)) and c["metadata"]["uid"] != before)


def test_credentials_come_from_the_configuration(cluster: Cluster):
    cluster.apply(broker_cluster("hello", configuration="default_user = me\ndefault_pass = secret\n"))
    secret = cluster.wait("the Secret", lambda: cluster.get("secret", "hello-default-user"))
    data = {k: base64.b64decode(v).decode() for k, v in secret["data"].items()}
    assert (data["username"], data["password"]) == ("me", "secret")
    assert data["connection_string"] == f"amqp://me:secret@hello.{cluster.namespace}.svc:5672/"


def test_c9_more_nodes_than_one_are_refused_with_a_sentence(cluster: Cluster):
    cluster.apply(broker_cluster("many", replicas=3))
    condition = cluster.says("brokercluster", "many", "nodes cannot join into one cluster in this version")
    assert condition["reason"] == "UnsupportedOperation"
    assert cluster.condition("brokercluster", "many", "Stalled")["status"] == "True"
    assert cluster.get("statefulset", "many-server") is None
    cluster.kubectl("scale", "brokercluster/many", "--replicas=1")
    cluster.wait("the StatefulSet", lambda: cluster.get("statefulset", "many-server"))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"replicas": -1}, "spec.replicas"),
    ({"image": ""}, "spec.image"),
    ({"persistence": {"storage": "ten"}}, "spec.persistence.storage"),
    ({"persistence": {"retention": {"whenDeleted": "delete"}}}, "Unsupported value"),
    ({"service": {"type": "ExternalName"}}, "Unsupported value"),
    ({"service": {"ipFamilies": ["IPv5"]}}, "Unsupported value"),
    ({"listeners": {"amqp": 80}}, "spec.listeners.amqp"),
    ({"listeners": {"amqp": 15672}}, "each port is used once"),
    ({"listeners": {"amqp": 25672}}, "25672 is for the nodes"),
    ({"configurationFrom": [{"key": "k"}]}, "names either a configMap or a secret"),
    ({"configurationFrom": [{"key": "k", "configMap": "a", "secret": "b"}]}, "names either a configMap or a secret"),
    ({"definitions": {"key": "k"}}, "spec.definitions names either"),
    ({"defaultUser": {"secretName": ""}}, "spec.defaultUser.secretName"),
    ({"tls": {"validityDays": 10}}, "renewBeforeDays must be less"),
    ({"tls": {"secretName": "t", "alternativeNames": ["a"]}}, "are for the operator's own certificate"),
    ({"tls": {"trustHours": -1}}, "spec.tls.trustHours"),
    ({"disruptionBudget": {"maxUnavailable": -1}}, "spec.disruptionBudget.maxUnavailable"),
    ({"terminationGracePeriodSeconds": -1}, "spec.terminationGracePeriodSeconds"),
    ({"probes": {"liveness": {"periodSeconds": 0}}}, "spec.probes.liveness.periodSeconds"),
    ({"rabbitmq": {"advancedConfig": "[]."}}, "write what has a key in rabbitmq.conf into spec.configuration"),
    ({"rabbitmq": {"envConfig": "A=b"}}, "which this is not; leave them out"),
    ({"rabbitmq": {"erlangInetConfig": "{inet6, true}."}}, "choose address families in spec.service.ipFamilies"),
    ({"rabbitmq": {"additionalPlugins": ["rabbitmq_mqtt"]}}, "has no plugins to load"),
    ({"secretBackend": {"vault": {"role": "r"}}}, "spec.secretBackend.vault is not taken"),
    (
        {"secretBackend": {"externalSecret": {"name": "s"}}, "defaultUser": {"secretName": "s"}},
        "say the same; leave one out",
    ),
    ({"persistence": {"storageClassName": "another"}}, "a volume stays in its class"),
    ({"persistence": {"storage": "9Gi"}}, "volumes only grow"),
    ({"persistence": {"storage": "0"}}, "cannot change between 0"),
]


def test_what_the_api_server_refuses_it_refuses_in_words(cluster: Cluster):
    """Against an object that is there, so that rules about changes are asked as well."""
    cluster.apply(broker_cluster("it"))
    said = {str(spec): cluster.refused(broker_cluster("it", **spec)) for spec, _ in REFUSED}
    assert {
        spec: text for (_, words), (spec, text) in zip(REFUSED, said.items(), strict=True) if words not in text
    } == {}


def test_bad_configuration_key_is_said_with_line_and_nearest_match(cluster: Cluster):
    cluster.apply(broker_cluster("typo", configuration="# mine\nheartbeats = 5\n"))
    words = "spec.configuration:2: unknown key 'heartbeats'; did you mean 'heartbeat'?"
    cluster.says("brokercluster", "typo", words)
    cluster.apply(broker_cluster("typo", configuration="# mine\nheartbeat = 5\n"))
    cluster.wait("the StatefulSet", lambda: cluster.get("statefulset", "typo-server"))


def test_missing_tls_secret_is_waited_for(cluster: Cluster):
    cluster.apply(broker_cluster("safe", tls={"secretName": "safe-tls"}))
    condition = cluster.says("brokercluster", "safe", "waits for Secret")
    assert condition["reason"] == "TLSError"
    made = trustme.CA().issue_cert("safe")
    data = {"tls.crt": made.cert_chain_pems[0].bytes().decode(), "tls.key": made.private_key_pem.bytes().decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "safe-tls"}}
    cluster.apply({**secret, "type": "kubernetes.io/tls", "stringData": data})
    found = cluster.wait("the Service", lambda: cluster.get("service", "safe"))
    assert {p["port"] for p in found["spec"]["ports"]} >= {5671, 15671, 5672}


def test_deletion_takes_the_children_along(cluster: Cluster):
    cluster.apply(broker_cluster("hello"))
    cluster.wait("the children", lambda: len(versions(cluster)) == len(CHILDREN))
    cluster.kubectl("delete", "brokercluster/hello", "--timeout=60s")
    cluster.wait("no children", lambda: not versions(cluster))


def test_topology_follows_a_cluster_and_outlives_its_deletion(cluster: Cluster, broker: Broker):
    """The operator outside the cluster reaches the broker by the annotation."""
    reach = {"watership.dev/operator-connection-uri": broker.url}
    login = "default_user = guest\ndefault_pass = guest\n"
    cluster.apply(broker_cluster("hello", reach, configuration=login), resource("Queue", "tasks", {"name": "hello"}))
    cluster.ready("queue.watership.dev", "tasks")
    assert broker.api("queues/%2F/tasks")
    cluster.kubectl("delete", "brokercluster/hello", "--timeout=60s")
    cluster.says("queue.watership.dev", "tasks", "waits for BrokerCluster")
    cluster.kubectl("delete", "queue.watership.dev/tasks", "--timeout=60s")


def test_explain_speaks_of_every_field(cluster: Cluster):
    text = cluster.kubectl("explain", "brokercluster.spec")
    for field in ("image", "replicas", "persistence", "configuration", "tls"):
        assert field in text
    assert "Lines of rabbitmq.conf" in text
