"""The samples of RabbitMQ's cluster operator with our apiVersion and kind: each is taken, or refused with a sentence
that says what to write instead. What a sample shows is written here in its fields, with other values.
"""

from typing import Any

import pytest
import trustme

from .conftest import Cluster
from .objects import broker_cluster

pytestmark = pytest.mark.kubernetes


def pods(**spec: Any) -> dict[str, Any]:
    return {"statefulSet": {"spec": {"template": {"spec": {"containers": [], **spec}}}}}


def mounted(path: str, name: str, **volume: Any) -> dict[str, Any]:
    container = {"name": "rabbitmq", "volumeMounts": [{"mountPath": path, "name": name}]}
    return pods(containers=[container], volumes=[{"name": name, **volume}])


def config(text: str, **more: Any) -> dict[str, Any]:
    return {"rabbitmq": {"additionalConfig": text, **more}}


PORT = {"name": "more", "protocol": "TCP", "port": 12345, "targetPort": 12345}
ANTI_AFFINITY = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "labelSelector": {
                    "matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In", "values": ["sample"]}]
                },
                "topologyKey": "kubernetes.io/hostname",
            }
        ]
    }
}
ACCEPTED: dict[str, dict[str, Any]] = {
    "hello-world": {},
    "custom-configuration": config("log.console.level = debug\n"),
    "additional-ports": {
        "override": {
            "service": {"spec": {"ports": [PORT]}},
            **pods(containers=[{"name": "rabbitmq", "ports": [{"containerPort": 12345, "name": "more"}]}]),
        }
    },
    "additional-volumes": {"override": mounted("/extra", "extra", emptyDir={})},
    "import-definitions": {
        "override": mounted("/exported/", "definitions", configMap={"name": "definitions"}),
        **config("load_definitions = /exported/definitions.json # a mounted file\n"),
    },
    "pod-anti-affinity": {"affinity": ANTI_AFFINITY},
    "priority-class": {"override": pods(priorityClassName="high-priority")},
    "resource-limits": {
        "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": "1500m", "memory": "1Gi"}}
    },
    "set-login": config("default_user = me\ndefault_pass = secret\n"),
    "sidecar": {"override": pods(containers=[{"name": "more", "image": "example.test/box", "command": ["true"]}])},
    "tolerations": {"tolerations": [{"key": "dedicated", "operator": "Equal", "value": "mq", "effect": "NoSchedule"}]},
    "production-ready, with one node": {
        "replicas": 1,
        "rabbitmq": {
            "additionalPlugins": ["rabbitmq_peer_discovery_k8s"],
            "additionalConfig": "cluster_partition_handling = pause_minority\n"
            "vm_memory_high_watermark_paging_ratio = 0.99\ndisk_free_limit.relative = 1.0\n",
        },
        "persistence": {"storageClassName": "ssd", "storage": "500Gi"},
        "override": pods(
            topologySpreadConstraints=[
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "sample"}},
                }
            ]
        ),
    },
    "ipv6, without what sets up Erlang": {"service": {"ipFamilyPolicy": "SingleStack"}},
    "tls": {"tls": {"secretName": "t"}},
    "mtls": {"tls": {"secretName": "t", "caSecretName": "t", "disableNonTLSListeners": True}},
    "external-admin-secret": {"secretBackend": {"externalSecret": {"name": "admin"}}},
    "network-policies": {"networkPolicy": {"clients": [{"podSelector": {}}]}},
    "compatible fields": {"skipPostDeploySteps": True, "autoEnableAllFeatureFlags": True, "delayStartSeconds": 30},
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
    "vault-default-user": ({"secretBackend": {"vault": {"role": "rabbitmq"}}}, "spec.defaultUser.secretName"),
    "vault-tls": ({"secretBackend": {"vault": {"tls": {"pkiIssuerPath": "pki"}}}}, "spec.tls.secretName"),
}
TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "three nodes": ({"replicas": 3}, "nodes cannot join into one cluster in this version"),
    "import-https-url": (config("definitions.import_backend = https\n"), "unknown key 'definitions.import_backend'"),
    "default-security-context": (
        {"override": pods(securityContext={}, initContainers=[{"name": "setup-container", "securityContext": {}}])},
        "names no container of the pod",
    ),
}


@pytest.mark.parametrize("sample", ACCEPTED)
def test_sample_is_taken(cluster: Cluster, sample: str):
    made = trustme.CA().issue_cert("sample")
    pem = made.cert_chain_pems[0].bytes().decode()
    data = {"tls.crt": pem, "tls.key": made.private_key_pem.bytes().decode(), "ca.crt": pem}
    admin = {"username": "me", "password": "secret"}
    for name, content in (("t", data), ("admin", admin)):
        head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        cluster.apply({**head, "stringData": content})
    cluster.apply(broker_cluster("sample", **ACCEPTED[sample]))
    cluster.wait("the StatefulSet", lambda: cluster.get("statefulset", "sample-server"))
    cluster.says("brokercluster", "sample", "pods ready")
    assert cluster.condition("brokercluster", "sample", "Stalled")["status"] == "False"


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
