"""examples/hello on a real node: from kubectl apply to a delivered message, through the death of the pod."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import SYSTEM, Machine

pytestmark = pytest.mark.end_to_end
HELLO = Path(__file__).parents[2] / "examples" / "hello"
LISTENS = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 1)"


@contextmanager
def forwarded(cluster: Machine, *ports: int) -> Iterator[None]:
    """localhost, where the cluster's Services can be reached, leads to the Service `hello`."""
    command = [*cluster.prefix, cluster.program, "--kubeconfig", str(cluster.kubeconfig), "-n", cluster.namespace]
    process = subprocess.Popen([*command, "port-forward", "service/hello", *map(str, ports)], stdout=subprocess.DEVNULL)
    try:
        cluster.wait("the port", lambda: python(cluster, "-c", LISTENS, str(ports[0])).returncode == 0, 30)
        yield
    finally:
        process.terminate()
        process.wait()


def python(cluster: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*cluster.prefix, sys.executable, *arguments], capture_output=True, text=True, timeout=60)


def apply_hello(cluster: Machine) -> None:
    cluster.kubectl("apply", "-f", str(HELLO))
    cluster.kubectl("wait", "--for=condition=Ready", "brokercluster/hello", "--timeout=180s")
    kinds = "exchanges.watership.dev,queues.watership.dev,bindings.watership.dev,users.watership.dev"
    cluster.kubectl("wait", "--for=condition=Ready", kinds, "--all", "--timeout=60s")


# What RabbitMQ's operator, probes and charts run in the pod, without a login.
TOOLS = (
    ("rabbitmq-diagnostics", "-q", "ping"),
    ("rabbitmq-diagnostics", "-q", "check_port_connectivity"),
    ("rabbitmq-upgrade", "await_online_quorum_plus_one", "-t", "60"),
    ("rabbitmqctl", "enable_feature_flag", "all"),
    ("rabbitmq-plugins", "set", "rabbitmq_prometheus", "rabbitmq_management"),
    ("rabbitmq-queues", "rebalance", "all"),
)
CONDITIONS = ("Ready", "AllReplicasReady", "ClusterAvailable", "NoWarnings", "ReconcileSuccess")


def test_c1_c4_c17_message_survives_its_pod_and_only_the_claim_survives_deletion(cluster: Machine):
    apply_hello(cluster)
    hello = cluster.get("brokercluster", "hello")
    assert {c: cluster.condition("brokercluster", "hello", c)["status"] for c in CONDITIONS} == dict.fromkeys(
        CONDITIONS, "True"
    )
    assert hello["status"]["observedGeneration"] == hello["metadata"]["generation"]
    with forwarded(cluster, 5672):
        sent = python(cluster, str(HELLO / "producer.py"), "across", "pods")
        assert sent.returncode == 0, sent.stderr
    for tool, *words in TOOLS:
        done = cluster.run("exec", "hello-server-0", "--", tool, *words)
        assert done.returncode == 0, (tool, words, done.stdout, done.stderr)
    before = cluster.get("pod", "hello-server-0")["metadata"]["uid"]
    cluster.kubectl("delete", "pod", "hello-server-0", "--grace-period=0", "--force")
    cluster.wait(
        "another pod", lambda: (p := cluster.get("pod", "hello-server-0")) and p["metadata"]["uid"] != before, 120
    )
    cluster.kubectl("wait", "--for=condition=Ready", "pod/hello-server-0", "--timeout=120s")
    with forwarded(cluster, 5672):
        got = python(cluster, str(HELLO / "consumer.py"), "--one")
        assert "received 'across pods'" in got.stdout, got.stderr
    cluster.kubectl("delete", "-f", str(HELLO), "--timeout=120s")
    kinds = "services,statefulsets,configmaps,serviceaccounts,poddisruptionbudgets,pods,watership"

    def left() -> list[str]:
        names = cluster.kubectl("get", kinds, "-o", "name").split()
        return [n for n in names if n not in ("configmap/kube-root-ca.crt", "serviceaccount/default")]

    cluster.wait("nothing left", lambda: not left(), 120)
    claims = cluster.kubectl("get", "persistentvolumeclaims", "-o", "name").split()
    assert claims == ["persistentvolumeclaim/persistence-hello-server-0"]


NONE_DOWN, ONE_DOWN = (f'{{"spec": {{"disruptionBudget": {{"maxUnavailable": {n}}}}}}}' for n in (0, 1))


def drain(cluster: Machine) -> subprocess.CompletedProcess[str]:
    """As for the upgrade of the machine, of the broker's pods alone."""
    selector = "app.kubernetes.io/name=hello"
    node = cluster.get("pod", "hello-server-0")["spec"]["nodeName"]
    options = (f"--pod-selector={selector}", "--delete-emptydir-data", "--timeout=20s")
    try:
        return cluster.run("drain", node, *options)
    finally:
        cluster.kubectl("uncordon", node)


def test_c9_c18_messages_survive_a_drain_and_hibernation(cluster: Machine):
    apply_hello(cluster)
    with forwarded(cluster, 5672):
        assert python(cluster, str(HELLO / "producer.py"), "asleep").returncode == 0

    before = cluster.get("pod", "hello-server-0")["metadata"]["uid"]
    cluster.kubectl("patch", "brokercluster/hello", "--type=merge", "-p", NONE_DOWN)
    budget = lambda: cluster.get("poddisruptionbudget", "hello-server")  # noqa: E731
    cluster.wait(
        "the budget", lambda: (b := budget())["status"]["observedGeneration"] == b["metadata"]["generation"] == 2
    )
    assert "would violate the pod's disruption budget" in drain(cluster).stderr
    assert cluster.get("pod", "hello-server-0")["metadata"]["uid"] == before
    cluster.kubectl("patch", "brokercluster/hello", "--type=merge", "-p", ONE_DOWN)
    cluster.wait("the budget", lambda: budget()["status"]["disruptionsAllowed"] == 1)
    done = drain(cluster)
    assert done.returncode == 0, done.stderr
    cluster.kubectl("rollout", "status", "statefulset/hello-server", "--timeout=180s")
    assert cluster.get("pod", "hello-server-0")["metadata"]["uid"] != before

    cluster.kubectl("scale", "brokercluster/hello", "--replicas=0")
    cluster.says("brokercluster", "hello", "hibernates")
    cluster.says("queue.watership.dev", "task-queue", "hibernates")
    cluster.kubectl("scale", "brokercluster/hello", "--replicas=1")
    cluster.wait("awake", lambda: "1/1" in cluster.condition("brokercluster", "hello").get("message", ""), 180)
    with forwarded(cluster, 5672):
        assert "received 'asleep'" in python(cluster, str(HELLO / "consumer.py"), "--one").stdout


def test_restricted_namespace_takes_all_and_can_be_deleted_at_once(cluster: Machine):
    container = {"name": "root", "image": "localhost/pause:1", "securityContext": {"privileged": True}}
    root = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": {"containers": [container]}}
    for namespace in (SYSTEM, cluster.namespace):
        assert "violates PodSecurity" in cluster.in_namespace(namespace).refused(root)
    apply_hello(cluster)
    operator = cluster.in_namespace(SYSTEM).items("pods")
    assert [pod["status"]["phase"] for pod in operator] == ["Running", "Running"]
    cluster.kubectl("delete", "namespace", cluster.namespace, "--timeout=120s")
