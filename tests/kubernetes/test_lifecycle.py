"""The life of a BrokerCluster against a real API server: what is refused, what restarts, what heals by itself.

Scenarios of the catalogue are named by their id (C3, C5, ...); those that need pods are in tests/end_to_end.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509

from .conftest import Broker, Cluster, Operator
from .objects import broker_cluster

pytestmark = pytest.mark.kubernetes
CONF = "hello-server-conf"


def stateful_set(cluster: Cluster, name: str = "hello") -> dict[str, Any]:
    return cluster.wait("the StatefulSet", lambda: cluster.get("statefulset", f"{name}-server"))


def secret(cluster: Cluster, name: str) -> dict[str, str]:
    item = cluster.wait(f"Secret {name}", lambda: cluster.get("secret", name))
    return {k: base64.b64decode(v).decode() for k, v in item["data"].items()}


def secret_of(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def events(cluster: Cluster, reason: str) -> list[str]:
    return [e["message"] for e in cluster.items("events") if e["reason"] == reason]


def certificate(*names: str) -> dict[str, str]:
    made = trustme.CA().issue_cert(*names)
    return {"tls.crt": made.cert_chain_pems[0].bytes().decode(), "tls.key": made.private_key_pem.bytes().decode()}


def test_c2_configuration_reloads_what_it_can_and_restarts_once_for_the_rest(cluster: Cluster):
    cluster.apply(broker_cluster("hello"))
    first = stateful_set(cluster)["metadata"]["generation"]
    cluster.apply(broker_cluster("hello", configuration="heartbeat = 30\n"))
    cluster.wait("the file", lambda: "heartbeat" in cluster.get("configmap", CONF)["data"]["90-user.conf"])
    assert stateful_set(cluster)["metadata"]["generation"] == first
    cluster.apply(broker_cluster("hello", configuration="heartbeat = 30\nframe_max = 8192\n"))
    cluster.wait("the change", lambda: stateful_set(cluster)["metadata"]["generation"] == first + 1)
    said = cluster.wait("the reason", lambda: events(cluster, "Restart"))
    assert len(said) == 1
    assert said[0].endswith("the configuration changed (frame_max)")


def test_c3_ports_of_service_and_credentials_follow_the_listeners(cluster: Cluster):
    def ports() -> set[int]:
        return {p["port"] for p in (cluster.get("service", "hello") or {"spec": {"ports": []}})["spec"]["ports"]}

    cluster.apply(broker_cluster("hello"))
    cluster.wait("plain ports", lambda: ports() == {5672, 15672, 15692})
    cluster.apply(broker_cluster("hello", tls={}))
    cluster.wait("both", lambda: ports() == {5672, 15672, 15692, 5671, 15671})
    assert secret(cluster, "hello-default-user")["amqps-port"] == "5671"
    cluster.apply(broker_cluster("hello", tls={"disableNonTLSListeners": True}))
    cluster.wait("TLS alone", lambda: ports() == {15692, 5671, 15671})
    cluster.wait("the port", lambda: secret(cluster, "hello-default-user")["port"] == "5671")


STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "provisioner": "watership.test/none",
    "volumeBindingMode": "WaitForFirstConsumer",
}


@pytest.mark.parametrize("grows", [True, False])
def test_c5_volumes_grow_where_they_can_and_the_statefulset_stays(cluster: Cluster, grows: bool):
    name = f"{cluster.namespace}-{str(grows).lower()}"
    cluster.apply({**STORAGE_CLASS, "metadata": {"name": name}, "allowVolumeExpansion": grows})
    first = {"storage": "10Gi", "storageClassName": name}
    cluster.apply(broker_cluster("hello", persistence=first))
    uid = stateful_set(cluster)["metadata"]["uid"]
    claim = "persistence-hello-server-0"
    cluster.wait("the claim", lambda: cluster.get("persistentvolumeclaim", claim))
    bind(cluster, claim, name)
    cluster.apply(broker_cluster("hello", persistence={**first, "storage": "12Gi"}))
    if grows:
        cluster.wait("the growth", lambda: request_of(cluster, claim) == "12Gi")
        assert cluster.wait("told", lambda: events(cluster, "VolumeGrows"))
    else:
        condition = cluster.says("brokercluster", "hello", f"StorageClass {name} has no allowVolumeExpansion")
        assert condition["reason"] == "FailedReconcilePersistence"
        assert request_of(cluster, claim) == "10Gi"
    assert stateful_set(cluster)["metadata"]["uid"] == uid
    cluster.kubectl("delete", "storageclass", name)
    cluster.run("delete", "persistentvolume", name, "--wait=false")


def bind(cluster: Cluster, claim: str, name: str) -> None:
    """A volume for the claim, as a provisioner would make it."""
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "hostPath": {"path": f"/tmp/{name}"},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": cluster.namespace, "name": claim},
        },
    }
    cluster.apply(volume)
    cluster.wait(
        "the claim is bound",
        lambda: (cluster.get("persistentvolumeclaim", claim) or {}).get("status", {}).get("phase") == "Bound",
    )


def request_of(cluster: Cluster, claim: str) -> str:
    found: str = cluster.get("persistentvolumeclaim", claim)["spec"]["resources"]["requests"]["storage"]
    return found


def test_c5_shrinking_and_changing_to_a_volume_are_refused_in_words(cluster: Cluster):
    cluster.apply(broker_cluster("hello", persistence={"storage": "10Gi"}))
    assert "cannot shrink" in cluster.refused(broker_cluster("hello", persistence={"storage": "1Gi"}))
    cluster.apply(broker_cluster("bare", persistence={"storage": "0"}))
    assert "cannot change between 0" in cluster.refused(broker_cluster("bare", persistence={"storage": "10Gi"}))
    pod = stateful_set(cluster, "bare")["spec"]["template"]["spec"]
    assert {"name": "persistence", "emptyDir": {}} in pod["volumes"]


def test_c8_bad_secrets_are_said_and_heal_untouched(cluster: Cluster):
    good = certificate("hello")
    cluster.apply(broker_cluster("hello", tls={"secretName": "t", "caSecretName": "ca"}))
    cluster.says("brokercluster", "hello", "waits for Secret")
    assert cluster.condition("brokercluster", "hello", "ReconcileSuccess")["reason"] == "TLSError"
    assert cluster.wait("the Event", lambda: events(cluster, "TLSError"))
    cluster.apply(secret_of("t", **{"tls.crt": good["tls.crt"]}))
    cluster.says("brokercluster", "hello", "lacks the key tls.key")
    cluster.apply(secret_of("t", **{**good, "tls.key": certificate("other")["tls.key"]}))
    cluster.says("brokercluster", "hello", "waits for Secret")  # the other one is still missing
    cluster.apply(secret_of("ca", other="x"))
    cluster.says("brokercluster", "hello", "lacks the key ca.crt")
    cluster.apply(secret_of("ca", **{"ca.crt": good["tls.crt"]}))
    cluster.says("brokercluster", "hello", "its tls.key does not belong to its tls.crt")
    cluster.apply(secret_of("t", **good))
    stateful_set(cluster)


def test_c11_paused_cluster_keeps_what_it_is(cluster: Cluster):
    cluster.apply(broker_cluster("hello"))
    first = stateful_set(cluster)["metadata"]["generation"]
    pause = {"watership.dev/pause-reconciliation": "true"}
    cluster.apply(broker_cluster("hello", pause, priorityClassName="system-cluster-critical"))
    cluster.says("brokercluster", "hello", "paused by the annotation")
    assert stateful_set(cluster)["metadata"]["generation"] == first
    assert cluster.wait("the Event", lambda: events(cluster, "PausedReconciliation"))
    cluster.apply(broker_cluster("hello", priorityClassName="system-cluster-critical"))
    cluster.wait("applied", lambda: stateful_set(cluster)["metadata"]["generation"] == first + 1)


OVERRIDES = {
    "hostNetwork": {"hostNetwork": True},
    "hostPath": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
    "privileged": {"containers": [{"name": "rabbitmq", "securityContext": {"privileged": True}}]},
    "capabilities.add": {"containers": [{"name": "x", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}]},
    "serviceAccountName": {"serviceAccountName": "admin"},
    "runAsUser": {"securityContext": {"runAsUser": 0}},
}


@pytest.mark.parametrize("field", OVERRIDES)
def test_c13_forbidden_overrides_are_refused_naming_the_field(cluster: Cluster, field: str):
    template = {"template": {"spec": OVERRIDES[field]}}
    cluster.apply(broker_cluster("hello", override={"statefulSet": {"spec": template}}))
    condition = cluster.says("brokercluster", "hello", field)
    assert condition["reason"] == "InvalidOverride"
    assert cluster.get("statefulset", "hello-server") is None


def test_c13_overrides_reach_pods_and_service(cluster: Cluster):
    sidecar = {"name": "logs", "image": "example.test/logs:1"}
    mine = {"name": "rabbitmq", "env": [{"name": "A", "value": "b"}], "ports": [{"containerPort": 12345, "name": "x"}]}
    over = {
        "statefulSet": {"spec": {"template": {"spec": {"containers": [mine, sidecar]}}}},
        "service": {"spec": {"ports": [{"name": "x", "port": 12345, "protocol": "TCP"}]}},
    }
    cluster.apply(broker_cluster("hello", override=over))
    containers = stateful_set(cluster)["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in containers] == ["broker", "logs"]
    assert {"name": "A", "value": "b"} in containers[0]["env"]
    assert 12345 in [p["containerPort"] for p in containers[0]["ports"]]
    assert {5672, 12345} <= {p["port"] for p in cluster.get("service", "hello")["spec"]["ports"]}


def test_c14_login_follows_a_secret_that_comes_late_and_changes(cluster: Cluster):
    cluster.apply(broker_cluster("hello", defaultUser={"secretName": "mine"}))
    cluster.says("brokercluster", "hello", "named in spec.defaultUser")
    cluster.apply(secret_of("mine", username="me"))
    cluster.says("brokercluster", "hello", "lacks password")
    cluster.apply(secret_of("mine", username="me", password="one"))
    cluster.wait("the login", lambda: secret(cluster, "hello-default-user")["password"] == "one")
    first = stateful_set(cluster)["metadata"]["generation"]
    cluster.apply(secret_of("mine", username="me", password="two"))
    cluster.wait("the new one", lambda: secret(cluster, "hello-default-user")["password"] == "two")
    assert stateful_set(cluster)["metadata"]["generation"] == first, "no restart"


def test_c14_configuration_and_definitions_from_elsewhere(cluster: Cluster):
    sources = [{"configMap": "more", "key": "a.conf"}, {"secret": "hidden", "key": "b.conf"}]
    definitions = {"configMap": "topology", "key": "definitions.json"}
    cluster.apply(broker_cluster("hello", configurationFrom=sources, definitions=definitions))
    cluster.says("brokercluster", "hello", "waits for the key a.conf in ConfigMap")
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    cluster.apply({**head, "metadata": {"name": "more"}, "data": {"a.conf": "heartbeats = 5"}})
    cluster.apply(secret_of("hidden", **{"b.conf": "frame_max = 8192"}))
    cluster.apply({**head, "metadata": {"name": "topology"}, "data": {"definitions.json": json.dumps({"vhosts": []})}})
    cluster.says("brokercluster", "hello", "ConfigMap more, a.conf:1: unknown key 'heartbeats'")
    cluster.apply({**head, "metadata": {"name": "more"}, "data": {"a.conf": "heartbeat = 5"}})
    pod = stateful_set(cluster)["spec"]["template"]["spec"]
    (projected,) = (v["projected"]["sources"] for v in pod["volumes"] if v["name"] == "configuration")
    assert projected[2]["configMap"]["items"] == [{"key": "a.conf", "path": "50-more.conf"}]
    assert projected[3]["secret"]["items"] == [{"key": "b.conf", "path": "51-hidden.conf"}]
    assert "load_definitions" in cluster.get("configmap", CONF)["data"]["10-defaults.conf"]


def test_own_authority_issues_rotates_and_is_told(cluster: Cluster):
    cluster.apply(broker_cluster("hello", tls={"trustHours": 0}))
    before = secret(cluster, "hello-tls")
    leaf = x509.load_pem_x509_certificate(before["tls.crt"].encode())
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(before["ca.crt"].encode()))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert f"hello.{cluster.namespace}.svc" in names.get_values_for_type(x509.DNSName)
    status = cluster.wait("status", lambda: (cluster.get("brokercluster", "hello").get("status") or {}).get("tls"))
    assert status["secretName"] == "hello-tls"
    assert cluster.condition("brokercluster", "hello", "CertificateValid")["status"] == "True"
    rotate = {"watership.dev/rotate-authority": "1"}
    cluster.apply(broker_cluster("hello", rotate, tls={"trustHours": 0}))
    cluster.wait("another", lambda: secret(cluster, "hello-tls")["tls.crt"] != before["tls.crt"])
    after = secret(cluster, "hello-tls")
    assert after["ca.crt"].count("BEGIN CERTIFICATE") == 2
    assert any("from the new authority" in e for e in events(cluster, "CertificateIssued"))


def test_served_certificate_is_looked_at(cluster: Cluster, tmp_path: Path):
    """A broker outside, reached by the annotation: it serves what the Secret held before."""
    old, new = certificate("localhost"), certificate("localhost")
    broker = Broker(tmp_path)
    (tmp_path / "tls.pem").write_text(old["tls.key"] + old["tls.crt"])
    with (tmp_path / "rabbitmq.conf").open("a") as conf:
        conf.write(f"management.ssl.port = {broker.amqp + 1}\nmanagement.ssl.ip = 127.0.0.1\n")
        conf.write(f"ssl_options.certfile = {tmp_path}/tls.pem\nssl_options.keyfile = {tmp_path}/tls.pem\n")
    broker.start()
    try:
        cluster.apply(secret_of("t", **new))
        where = {"watership.dev/operator-connection-uri": f"https://127.0.0.1:{broker.amqp + 1}"}
        cluster.apply(broker_cluster("hello", where, tls={"secretName": "t"}))

        def reason() -> str:
            found: str = cluster.condition("brokercluster", "hello", "CertificateValid").get("reason", "")
            return found

        cluster.wait("it is not the Secret's", lambda: reason() == "NotServed")
        (tmp_path / "tls.pem").write_text(new["tls.key"] + new["tls.crt"])
        cluster.wait("it is served", lambda: reason() == "Valid")
        status = cluster.get("brokercluster", "hello")["status"]["tls"]
        assert status["servedFingerprint"] == status["fingerprint"]
    finally:
        broker.stop()


def test_c16_another_operator_restarts_nothing(cluster: Cluster, operator: Operator):
    cluster.apply(broker_cluster("hello", tls={}))
    before = stateful_set(cluster)["metadata"]["generation"]
    certificates = secret(cluster, "hello-tls")
    operator.restart()
    cluster.apply(broker_cluster("later"))
    stateful_set(cluster, "later")
    assert stateful_set(cluster)["metadata"]["generation"] == before
    assert secret(cluster, "hello-tls") == certificates


def test_optional_children_come_and_go(cluster: Cluster):
    cluster.apply(broker_cluster("hello", monitoring={"grafanaDashboard": True}))
    cluster.wait("the dashboard", lambda: cluster.get("configmap", "hello-dashboard"))
    cluster.wait("the policy", lambda: cluster.get("networkpolicy", "hello-server"))
    off: dict[str, Any] = {"networkPolicy": {"enabled": False}, "disruptionBudget": {"enabled": False}}
    cluster.apply(broker_cluster("hello", **off))
    for kind, name in (
        ("configmap", "hello-dashboard"),
        ("networkpolicy", "hello-server"),
        ("poddisruptionbudget", "hello-server"),
    ):
        cluster.gone(kind, name)


def test_every_field_is_explained(cluster: Cluster):
    text = cluster.kubectl("explain", "brokercluster.spec", "--recursive")
    crd = cluster.get("crd", "brokerclusters.watership.dev")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

    def bare(node: dict[str, Any], path: str) -> list[str]:
        found = [] if node.get("description") or path == "spec" else [path]
        for name, child in node.get("properties", {}).items():
            found += bare(child, f"{path}.{name}")
        return found

    assert bare(schema, "spec") == []
    assert "disableNonTLSListeners" in text
