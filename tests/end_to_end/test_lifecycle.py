"""Certificates, passwords, configuration and volumes of a broker that runs in a pod. Named by the scenario's id."""

import base64
import hashlib
import ssl
import time
from typing import Any

import pytest
import trustme

from .conftest import Machine
from .test_hello import apply_hello, forwarded, python

pytestmark = pytest.mark.end_to_end
SERVED = (
    "import hashlib, ssl; p = ssl.get_server_certificate(('127.0.0.1', 5671), timeout=5);"
    "print(hashlib.sha256(ssl.PEM_cert_to_DER_cert(p)).hexdigest())"
)
LOGIN = (
    "import pika, sys; c = pika.PlainCredentials(sys.argv[1], sys.argv[2]);"
    "pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', 5672, credentials=c)).close(); print('in')"
)


def patch(cluster: Machine, spec: str) -> None:
    cluster.kubectl("patch", "brokercluster/hello", "--type=merge", "-p", f'{{"spec": {spec}}}')


def ready(cluster: Machine) -> None:
    cluster.kubectl("rollout", "status", "statefulset/hello-server", "--timeout=180s")
    cluster.kubectl("wait", "--for=condition=Ready", "brokercluster/hello", "--timeout=180s")


def pod(cluster: Machine) -> tuple[str, int]:
    """What changes when the broker starts again."""
    item = cluster.get("pod", "hello-server-0")
    assert item is not None
    return item["metadata"]["uid"], item["status"]["containerStatuses"][0]["restartCount"]


def tls_secret(made: trustme.LeafCert) -> dict[str, Any]:
    data = {"tls.crt": made.cert_chain_pems[0].bytes().decode(), "tls.key": made.private_key_pem.bytes().decode()}
    head = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "hello-tls-mine"}}
    return {**head, "stringData": data}


def test_c7_renewed_certificate_is_served_within_a_minute_without_a_restart(cluster: Machine):
    authority = trustme.CA()
    first, second = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    cluster.apply(tls_secret(first))
    apply_hello(cluster)
    patch(cluster, '{"tls": {"secretName": "hello-tls-mine", "disableNonTLSListeners": true}}')
    cluster.wait("TLS alone", lambda: 5672 not in [p["port"] for p in cluster.get("service", "hello")["spec"]["ports"]])
    ready(cluster)
    before = pod(cluster)
    wanted = hashlib.sha256(ssl.PEM_cert_to_DER_cert(second.cert_chain_pems[0].bytes().decode())).hexdigest()
    cluster.apply(tls_secret(second))
    start = time.monotonic()
    with forwarded(cluster, 5671):
        cluster.wait("the new certificate", lambda: wanted in python(cluster, "-c", SERVED).stdout, 60)
    print(f"served after {time.monotonic() - start:.1f} s")
    status = cluster.wait("status", lambda: served_status(cluster, wanted), 60)
    assert status["fingerprint"] == wanted
    assert pod(cluster) == before


def served_status(cluster: Machine, wanted: str) -> dict[str, Any] | None:
    status = (cluster.get("brokercluster", "hello") or {})["status"].get("tls", {})
    return status if status.get("servedFingerprint") == wanted else None


def test_c15_rotated_default_user_logs_in_and_the_old_one_does_not(cluster: Machine):
    apply_hello(cluster)
    before = pod(cluster)
    secret = {k: base64.b64decode(v).decode() for k, v in cluster.get("secret", "hello-default-user")["data"].items()}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "admin"},
            "stringData": {"username": "admin", "password": "rotated"},
        }
    )
    patch(cluster, '{"defaultUser": {"secretName": "admin"}, "configuration": "heartbeat = 17"}')
    with forwarded(cluster, 5672):
        cluster.wait("the login", lambda: "in" in python(cluster, "-c", LOGIN, "admin", "rotated").stdout, 60)
        assert python(cluster, "-c", LOGIN, secret["username"], secret["password"]).returncode != 0
    assert pod(cluster) == before, "no restart"


def test_c2_restart_is_told_with_its_reason_and_happens_once(cluster: Machine):
    apply_hello(cluster)
    before = pod(cluster)
    patch(cluster, '{"configuration": "frame_max = 8192"}')
    cluster.wait("the restart", lambda: pod_or_none(cluster) not in (None, before), 120)
    ready(cluster)
    after = pod(cluster)
    reasons = [e["message"] for e in cluster.items("events") if e["reason"] == "Restart"]
    assert [r.rpartition(": ")[2] for r in reasons] == ["the configuration changed (frame_max)"]
    assert pod(cluster) == after


def pod_or_none(cluster: Machine) -> tuple[str, int] | None:
    item = cluster.get("pod", "hello-server-0") or {"status": {}}
    return pod(cluster) if item["status"].get("containerStatuses") else None


def test_c17_deletion_ends_in_bounded_time_and_takes_what_was_asked(cluster: Machine):
    apply_hello(cluster)
    patch(cluster, '{"persistence": {"retention": {"whenDeleted": "Delete"}}}')
    cluster.wait(
        "the policy",
        lambda: (
            cluster.get("statefulset", "hello-server")["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"]
            == "Delete"
        ),
    )
    ready(cluster)
    cluster.kubectl("delete", "brokercluster/hello", "--timeout=90s")
    cluster.wait("no claim", lambda: not cluster.items("persistentvolumeclaims"), 90)
