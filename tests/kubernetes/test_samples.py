"""Point for point, the samples of RabbitmqCluster's and the topology operator's repositories.

Each has its counterpart in examples/cluster and examples/topology, which is applied here and works. The same in
RabbitMQ's own words, with our apiVersion and kinds, is taken, or refused with a sentence that says what to write
instead.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from .conftest import ROOT, Broker, Cluster
from .objects import broker_cluster, resource

pytestmark = pytest.mark.kubernetes
CLUSTERS = sorted((ROOT / "examples" / "cluster").glob("*.yaml"))
TOPOLOGY = sorted((ROOT / "examples" / "topology").glob("*.yaml"))
LOGIN = "default_user = guest\ndefault_pass = guest\n"


def read(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def apply_secrets(cluster: Cluster) -> None:
    """What people would have made before: certificates."""
    made = trustme.CA().issue_cert("sample")
    pem = made.cert_chain_pems[0].bytes().decode()
    data = {"tls.crt": pem, "tls.key": made.private_key_pem.bytes().decode(), "ca.crt": pem}
    for name in ("clients-ca", "vault-certificate"):
        cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})


def test_cluster_samples_are_taken_and_get_their_pods(cluster: Cluster):
    """All at once: that they get so far takes the operator a moment each."""
    apply_secrets(cluster)
    manifests = [m for path in CLUSTERS for m in read(path)]
    cluster.apply(*manifests)
    for manifest in manifests:
        if manifest["kind"] != "BrokerCluster":
            continue
        name = manifest["metadata"]["name"]
        cluster.wait(f"the StatefulSet of {name}", lambda n=name: cluster.get("statefulset", f"{n}-server"))
        cluster.says("brokercluster", name, "pods ready")
        assert cluster.condition("brokercluster", name, "Stalled")["status"] == "False", name
        pods = f"pods of {name}, which the pod security standard `restricted` lets in"
        cluster.wait(pods, lambda n=name: cluster.get("pod", f"{n}-server-0"))
    cluster.kubectl("delete", "priorityclass", "messaging")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


def hosted(broker: Broker, name: str, **spec: Any) -> dict[str, Any]:
    """A BrokerCluster whose broker is a process on loopback."""
    return broker_cluster(name, {"watership.dev/operator-connection-uri": broker.url}, configuration=LOGIN, **spec)


@pytest.mark.parametrize("path", TOPOLOGY, ids=lambda path: path.stem)
def test_topology_sample_works(cluster: Cluster, served: Broker, path: Path):
    manifests = read(path)
    for manifest in manifests:
        if manifest["kind"] == "Secret" and "uri" in manifest["stringData"]:
            manifest["stringData"]["uri"] = served.url
    objects = [m for m in manifests if m["apiVersion"] == "watership.dev/v1beta1" and m["kind"] != "BrokerCluster"]
    rest = [m for m in manifests if m not in objects]
    rest = [hosted(served, "shared", **m["spec"]) if m["kind"] == "BrokerCluster" else m for m in rest]
    cluster.apply(hosted(served, "sample"), *rest, *objects)
    names = [f"{m['kind'].lower()}.watership.dev/{m['metadata']['name']}" for m in objects]
    for name in names:
        if "orders-there" in name:  # the same broker here, so that it is one queue: the older object owns it
            continue
        cluster.ready(*name.split("/"))
    rivals = [as_rabbitmq_writes_it(m) for m in objects]
    cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", text=yaml.safe_dump_all(rivals))
    cluster.kubectl("delete", "--timeout=60s", *names)


def as_rabbitmq_writes_it(manifest: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(manifest)
    made["metadata"]["name"] += "-migrated"
    made["spec"]["rabbitmqClusterReference"] = made["spec"].pop("clusterReference")
    if "deletionPolicy" in made["spec"]:
        made["spec"]["deletionPolicy"] = made["spec"]["deletionPolicy"].lower()
    return made


def test_reference_in_rabbitmqs_words_works_and_can_be_renamed_but_not_changed(cluster: Cluster, served: Broker):
    queue = as_rabbitmq_writes_it(resource("Queue", "q", {"name": "sample"}, name="migrated", deletionPolicy="Retain"))
    cluster.apply(hosted(served, "sample"), queue)
    cluster.ready("queue.watership.dev", "q-migrated")
    renamed = resource("Queue", "q-migrated", {"name": "sample"}, name="migrated", deletionPolicy="Retain")
    cluster.apply(renamed)
    changed = resource("Queue", "q-migrated", {"name": "other"}, name="migrated")
    assert "spec.clusterReference cannot be changed" in cluster.refused(changed)
    both = {**queue, "spec": {**queue["spec"], "clusterReference": {"name": "sample"}}}
    assert "is taken as well, but not both" in cluster.refused(both)
    neither = {**queue, "metadata": {"name": "z"}, "spec": {"name": "z"}}
    assert "spec.clusterReference names the broker and has to be there" in cluster.refused(neither)
    cluster.ready("queue.watership.dev", "q-migrated")
    cluster.kubectl("delete", "queue.watership.dev/q-migrated", "--timeout=30s")
    assert served.api("queues/%2F/migrated"), "retain in small letters means Retain"


def test_namespaces_in_the_annotation_of_rabbitmqs_operator_are_let_in(cluster: Cluster, served: Broker):
    other = f"{cluster.namespace}-other"
    cluster.kubectl("create", "namespace", other)
    guest = Cluster(cluster.kubeconfig, cluster.program, other)
    made = hosted(served, "main")
    made["metadata"]["annotations"]["rabbitmq.com/topology-allowed-namespaces"] = f"elsewhere, {other}"
    cluster.apply(made)
    guest.apply(resource("Queue", "invited", {"name": "main", "namespace": cluster.namespace}))
    guest.ready("queue.watership.dev", "invited")
    cluster.kubectl("annotate", "brokercluster/main", "rabbitmq.com/topology-allowed-namespaces-")
    guest.says("queue.watership.dev", "invited", f"takes no objects of namespace {other}")
    guest.kubectl("delete", "namespace", other, "--timeout=60s")


# In RabbitMQ's own words


def pods(**spec: Any) -> dict[str, Any]:
    return {"statefulSet": {"spec": {"template": {"spec": {"containers": [], **spec}}}}}


def config(text: str, **more: Any) -> dict[str, Any]:
    return {"rabbitmq": {"additionalConfig": text, **more}}


ACCEPTED: dict[str, dict[str, Any]] = {
    "set-login": config("default_user = me\ndefault_pass = secret\n"),
    "priority-class": {"override": pods(priorityClassName="high-priority")},
    "import-definitions": {
        "override": pods(
            containers=[{"name": "rabbitmq", "volumeMounts": [{"mountPath": "/exported/", "name": "definitions"}]}],
            volumes=[{"name": "definitions", "configMap": {"name": "definitions"}}],
        ),
        **config("load_definitions = /exported/definitions.json # a mounted file\n"),
    },
    "production-ready, with one node": {
        "replicas": 1,
        "rabbitmq": {
            "additionalPlugins": ["rabbitmq_peer_discovery_k8s"],
            "additionalConfig": "cluster_partition_handling = pause_minority\n"
            "vm_memory_high_watermark_paging_ratio = 0.99\ndisk_free_limit.relative = 1.0\n",
        },
        "persistence": {"storageClassName": "ssd", "storage": "500Gi"},
    },
    "external-admin-secret": {"secretBackend": {"externalSecret": {"name": "admin"}}},
    "mtls": {"tls": {"secretName": "vault-certificate", "caSecretName": "clients-ca", "disableNonTLSListeners": True}},
    "compatible fields": {
        "skipPostDeploySteps": True,
        "autoEnableAllFeatureFlags": True,
        "delayStartSeconds": 30,
        "terminationGracePeriodSeconds": 604800,
    },
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "multiple-disks": (
        {"rabbitmq": {"advancedConfig": "[{ra, []}]."}, "override": {"statefulSet": {"spec": {}}}},
        "write what has a key in rabbitmq.conf into spec.configuration",
    ),
    "ipv6": ({"rabbitmq": {"erlangInetConfig": "{inet6, true}."}}, "choose address families in spec.service"),
    "json-log": ({"rabbitmq": {"envConfig": 'RABBITMQ_LOGS=""'}}, "leave them out"),
    "mtls-inter-node": ({"rabbitmq": {"envConfig": "SERVER_ADDITIONAL_ERL_ARGS=x"}}, "leave them out"),
    "plugins": ({"rabbitmq": {"additionalPlugins": ["rabbitmq_federation"]}}, "Leave the others out"),
    "community-plugins": ({"rabbitmq": {"additionalPlugins": ["rabbitmq_message_timestamp"]}}, "has no plugins"),
    "import-https-url": (config("a = 1\ndefinitions.import_backend = https\n"), "and name it in spec.definitions"),
    "vault-default-user": ({"secretBackend": {"vault": {"role": "rabbitmq"}}}, "spec.defaultUser.secretName"),
    "vault-tls": ({"secretBackend": {"vault": {"tls": {"pkiIssuerPath": "pki"}}}}, "spec.tls.secretName"),
}
TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "three nodes": ({"replicas": 3}, "nodes cannot join into one cluster in this version"),
    "default-security-context": (
        {"override": pods(securityContext={}, initContainers=[{"name": "setup-container", "securityContext": {}}])},
        "names no container of the pod and has no image; leave it out",
    ),
}
AWAITED: dict[str, tuple[dict[str, Any], str]] = {
    "Federation": ({"uriSecret": {"name": "u"}, "ackMode": "on-confirm"}, "consumes there and publishes here"),
    "Shovel": ({"uriSecret": {"name": "u"}, "srcQueue": "a", "destQueue": "b"}, "publishes with confirms"),
    "SuperStream": ({"partitions": 3}, "Write an Exchange of type x-consistent-hash"),
    "SchemaReplication": ({"endpoints": "x:5672", "upstreamSecret": {"name": "u"}}, "`kubectl watership export`"),
}


def test_rabbitmqs_words_are_taken(cluster: Cluster):
    apply_secrets(cluster)
    cluster.kubectl("create", "secret", "generic", "admin", "--from-literal=username=me", "--from-literal=password=x")
    names = {sample: f"sample-{i}" for i, sample in enumerate(ACCEPTED)}
    cluster.apply(*(broker_cluster(names[sample], **spec) for sample, spec in ACCEPTED.items()))
    for name in names.values():
        cluster.says("brokercluster", name, "pods ready")
        assert cluster.condition("brokercluster", name, "Stalled")["status"] == "False"


@pytest.mark.parametrize("sample", REFUSED)
def test_sample_is_refused_saying_what_to_write(cluster: Cluster, sample: str):
    spec, words = REFUSED[sample]
    assert words in cluster.refused(broker_cluster("sample", **spec))


@pytest.mark.parametrize("sample", TOLD)
def test_sample_is_taken_and_says_what_to_write(cluster: Cluster, sample: str):
    spec, words = TOLD[sample]
    cluster.apply(broker_cluster("sample", **spec))
    cluster.says("brokercluster", "sample", words)
    assert cluster.condition("brokercluster", "sample", "Stalled")["status"] == "True"


@pytest.mark.parametrize("kind", AWAITED)
def test_t10_t11_t19_kind_that_is_not_there_yet_says_what_to_write(cluster: Cluster, kind: str):
    spec, words = AWAITED[kind]
    assert words in cluster.refused(as_rabbitmq_writes_it(resource(kind, "it", {"name": "sample"}, name="it", **spec)))


def test_stream_is_refused_in_the_brokers_words_and_a_vhost_is_traced(cluster: Cluster, served: Broker):
    cluster.apply(
        hosted(served, "sample"),
        resource("Queue", "log", {"name": "sample"}, type="stream", arguments={"x-max-length-bytes": 1000}),
        resource("Vhost", "traced", {"name": "sample"}, tracing=True),
    )
    cluster.says("queue.watership.dev", "log", "is not available in this version; use classic")
    cluster.ready("vhost.watership.dev", "traced")
    assert served.api("vhosts/traced")["tracing"] is True
    cluster.kubectl("delete", "queue.watership.dev/log", "vhost.watership.dev/traced", "--timeout=30s")


def test_field_that_nobody_knows_is_refused_and_not_dropped(cluster: Cluster):
    words = cluster.refused(resource("Queue", "q", durble=True))
    assert 'unknown field "spec.durble"' in words
    table = json.loads(cluster.kubectl("get", "queues.watership.dev", "-o", "json"))
    assert table["items"] == []
