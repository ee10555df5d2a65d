"""Certificates, passwords, configuration and volumes of a broker that runs in a pod. Named by the scenario's id."""

import base64
import hashlib
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.kubernetes.objects import resource

from .conftest import Machine
from .test_hello import apply_hello, forwarded, python

pytestmark = pytest.mark.end_to_end
SERVED = (
    "import hashlib, ssl; p = ssl.get_server_certificate(('127.0.0.1', 5671), timeout=5);"
    "print(hashlib.sha256(ssl.PEM_cert_to_DER_cert(p)).hexdigest())"
)
LOGIN = (  # prints the heartbeat and the frame_max that the broker proposes, and the messages in queue `imported`
    "import pika, sys; c = pika.PlainCredentials(sys.argv[1], sys.argv[2]); told = [];"
    "hear = lambda _, seconds: told.append(seconds) or seconds;"
    "p = pika.ConnectionParameters('127.0.0.1', 5672, credentials=c, heartbeat=hear);"
    "b = pika.BlockingConnection(p); told.append(b._impl.params.frame_max);"
    "told.append(b.channel().queue_declare('imported', passive=True).method.message_count);"
    "b.close(); print('in', *told)"
)


def patch(cluster: Machine, spec: str) -> None:
    cluster.kubectl("patch", "brokercluster/hello", "--type=merge", "-p", f'{{"spec": {spec}}}')


def ready(cluster: Machine) -> None:
    cluster.kubectl("rollout", "status", "statefulset/hello-server", "--timeout=180s")
    cluster.kubectl("wait", "--for=condition=Ready", "brokercluster/hello", "--timeout=180s")


def pod(cluster: Machine) -> tuple[str, int] | None:
    """What changes when the broker starts again; None while there is no container."""
    item = cluster.get("pod", "hello-server-0") or {"status": {}}
    statuses = item["status"].get("containerStatuses")
    return (item["metadata"]["uid"], statuses[0]["restartCount"]) if statuses else None


def tls_secret(made: trustme.LeafCert, ca: str) -> dict[str, Any]:
    chain, key = made.cert_chain_pems[0].bytes().decode(), made.private_key_pem.bytes().decode()
    data = {"tls.crt": chain, "tls.key": key, "ca.crt": ca}
    head = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "hello-tls-mine"}}
    return {**head, "stringData": data}


SPEAK = (
    "import pika, ssl, sys, urllib.request; c = ssl.create_default_context(cafile=sys.argv[1]);"
    "p = pika.ConnectionParameters('localhost', 5671, ssl_options=pika.SSLOptions(c, 'localhost'));"
    "pika.BlockingConnection(p).close();"
    "print(urllib.request.urlopen('https://localhost:15671/api/index.html', context=c, timeout=10).status)"
)
CLOSED = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"


def test_c7_tls_alone_and_renewed_certificates_are_served_within_a_minute_without_a_restart(
    cluster: Machine, tmp_path: Path
):
    authority = trustme.CA()
    ca = authority.cert_pem.bytes().decode()
    first, second = (authority.issue_cert("localhost", f"hello.{cluster.namespace}.svc") for _ in range(2))
    apply_hello(cluster)
    cluster.apply(tls_secret(first, ca))
    patch(cluster, '{"tls": {"secretName": "hello-tls-mine", "disableNonTLSListeners": true}}')
    speaks_tls_alone(cluster, ca, tmp_path)
    before = pod(cluster)
    wanted = hashlib.sha256(ssl.PEM_cert_to_DER_cert(second.cert_chain_pems[0].bytes().decode())).hexdigest()
    cluster.apply(tls_secret(second, ca))
    assert served(cluster, lambda status: status["fingerprint"] == wanted)["fingerprint"] == wanted
    assert pod(cluster) == before

    # The same from the cluster's own authority, whose key is rotated.
    patch(cluster, '{"tls": {"secretName": null, "trustHours": 0}}')
    cluster.wait("another pod", lambda: pod(cluster) not in (None, before), 120)
    speaks_tls_alone(cluster, secret(cluster, "hello-ca")["ca.crt"], tmp_path)
    before = pod(cluster)
    old = cluster.get("brokercluster", "hello")["status"]["tls"]["fingerprint"]
    cluster.kubectl("annotate", "brokercluster/hello", "watership.dev/rotate-authority=1")
    served(cluster, lambda status: status["fingerprint"] != old)
    assert pod(cluster) == before
    trusted = secret(cluster, "hello-ca")["ca.crt"]
    assert trusted.count("BEGIN CERTIFICATE") == 2


def speaks_tls_alone(cluster: Machine, ca: str, folder: Path) -> None:
    """AMQPS and HTTPS answer, and nothing plain does; the operator trusts the authority as well."""
    cluster.wait("TLS alone", lambda: service_ports(cluster) == {5671, 15671, 15692})
    ready(cluster)
    (folder / "ca.pem").write_text(ca)
    with forwarded(cluster, 5671, 15671):
        spoke = python(cluster, "-c", SPEAK, str(folder / "ca.pem"))
        assert "200" in spoke.stdout, spoke.stderr
    for port in ("5672", "15672"):
        assert "refused" in cluster.run("exec", "hello-server-0", "--", "python", "-c", CLOSED, port).stderr
    name = f"by-{hashlib.sha256(ca.encode()).hexdigest()[:8]}"
    cluster.apply(resource("Queue", name, {"name": "hello"}))
    cluster.ready("queue.watership.dev", name)


def served(cluster: Machine, is_new: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """status.tls once the new certificate is served, which takes a minute at most."""
    start = time.monotonic()

    def done() -> dict[str, Any] | None:
        status = (cluster.get("brokercluster", "hello") or {})["status"].get("tls", {})
        return status if is_new(status) and status.get("servedFingerprint") == status["fingerprint"] else None

    status = cluster.wait("the new certificate", done, 60)
    print(f"served after {time.monotonic() - start:.1f} s")
    with forwarded(cluster, 5671):
        assert status["fingerprint"] in python(cluster, "-c", SERVED).stdout
    return status


def service_ports(cluster: Machine) -> set[int]:
    return {p["port"] for p in cluster.get("service", "hello")["spec"]["ports"]}


def admin(password: str) -> dict[str, Any]:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "admin"}}
    return {**head, "stringData": {"username": "admin", "password": password}}


def secret(cluster: Machine, name: str) -> dict[str, str]:
    return {k: base64.b64decode(v).decode() for k, v in cluster.get("secret", name)["data"].items()}


def definitions() -> dict[str, Any]:
    queue = {"vhost": "/", "name": "imported", "durable": True, "auto_delete": False, "arguments": {}}
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "definitions"}}
    return {**head, "data": {"definitions.json": json.dumps({"queues": [queue]})}}


NAMED = {
    "apiVersion": "watership.dev/v1beta1",
    "kind": "BrokerCluster",
    "metadata": {"name": "hello"},
    "spec": {
        "defaultUser": {"secretName": "admin"},
        "definitions": {"configMap": "definitions", "key": "definitions.json"},
        "persistence": {"retention": {"whenDeleted": "Delete"}},
    },
}


def test_c14_c15_c2_c17_login_and_definitions_from_elsewhere_a_rotation_a_restart_and_the_end(cluster: Machine):
    """One cluster through its life."""
    cluster.apply(NAMED)
    cluster.says("brokercluster", "hello", "waits for Secret")
    cluster.apply(admin("first"), definitions())  # late
    cluster.wait("the StatefulSet", lambda: cluster.get("statefulset", "hello-server"))
    ready(cluster)
    before = pod(cluster)
    with forwarded(cluster, 5672):
        assert "in 60 131072 0" in python(cluster, "-c", LOGIN, "admin", "first").stdout

        # C15: the Secret rotates, and the broker takes a new heartbeat, while it runs
        cluster.apply(admin("rotated"))
        patch(cluster, '{"configuration": "heartbeat = 17"}')
        cluster.wait("both", lambda: "in 17 " in python(cluster, "-c", LOGIN, "admin", "rotated").stdout, 120)
        assert "ACCESS_REFUSED" in python(cluster, "-c", LOGIN, "admin", "first").stderr
    assert pod(cluster) == before, "no restart"

    # C2: what a running broker cannot take
    patch(cluster, '{"configuration": "heartbeat = 17\\nframe_max = 8192"}')
    cluster.wait("the restart", lambda: pod(cluster) not in (None, before), 120)
    ready(cluster)
    after = pod(cluster)
    with forwarded(cluster, 5672):
        assert "in 17 8192 0" in python(cluster, "-c", LOGIN, "admin", "rotated").stdout
    reasons = [e["message"] for e in cluster.items("events") if e["reason"] == "Restart"]
    assert [r.rpartition(": ")[2] for r in reasons] == ["the configuration changed (frame_max)"]
    assert pod(cluster) == after

    cluster.kubectl("delete", "brokercluster/hello", "--timeout=90s")
    cluster.wait("no claim", lambda: not cluster.items("persistentvolumeclaims"), 90)
