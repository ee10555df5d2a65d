"""The operator under the chart's own ClusterRole: it lacks nothing, and it has nothing that it does not use."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.cluster import binaries
from tests.cluster.control_plane import ControlPlane

from .conftest import ROOT, Broker, Cluster, Operator, install
from .objects import broker_cluster, resource

pytestmark = pytest.mark.kubernetes
SYSTEM, NAME = "watership-system", "watership-operator"
POLICY = f"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {{level: Metadata, users: ["system:serviceaccount:{SYSTEM}:{NAME}"]}}
  - {{level: None}}
"""
CHILDREN = ("services", "configmaps", "secrets", "serviceaccounts", "statefulsets", "poddisruptionbudgets")
CHILDREN += ("networkpolicies",)
FURTHER = ("vhosts", "permissions", "topicpermissions", "policies", "operatorpolicies")
MONITORS = ("podmonitors", "prometheusrules")
UNSEEN = {
    # An apply that makes an object is a patch in the log, and needs the right to create besides.
    *(("create", kind) for kind in CHILDREN),
    # Kinds that are handled as those below are; a namespace is read for an object of another one.
    *((verb, kind) for kind in FURTHER for verb in ("get", "patch")),
    *(("patch", f"{kind}/status") for kind in FURTHER),
    ("get", "namespaces"),
    # The API of the Prometheus operator is not installed here.
    *((verb, kind) for kind in MONITORS for verb in ("get", "list", "create", "patch", "delete")),
    # Nothing is made smaller or taken away here, there are no pods, and no volume has a class: test_lifecycle.py.
    *(("delete", kind) for kind in ("poddisruptionbudgets", "networkpolicies", "configmaps")),
    ("patch", "pods"),
    ("patch", "persistentvolumeclaims"),
    ("get", "storageclasses"),
    # The API server checks these itself when an owner reference blocks deletion; no request shows them.
    ("update", "brokerclusters/finalizers"),
    ("update", "users/finalizers"),
    # A single Secret or child is read when something else names it.
    *(("get", kind) for kind in CHILDREN),
    *(("get", kind) for kind in ("exchanges", "queues", "bindings", "users", "brokerclusters")),
    # Compared when its cluster is due; nobody watches it.
    ("watch", "serviceaccounts"),
}
Right = tuple[str, str]  # verb and resource


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    try:
        binaries.ensure("helm")
        made = ControlPlane(tmp_path / "plane", audit=POLICY)
    except binaries.Missing as missing:
        pytest.skip(str(missing))
    with made:
        yield made


def rendered(folder: Path, namespace: str, *options: str) -> list[dict]:
    command = [f"{folder}/helm", "template", "watership", str(ROOT / "charts" / "watership"), "--namespace", namespace]
    done = subprocess.run([*command, "--show-only", "templates/rbac.yaml", *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def granted(roles: list[dict]) -> set[Right]:
    rules = [rule for role in roles for rule in role.get("rules", [])]
    return {(verb, kind) for rule in rules for kind in rule["resources"] for verb in rule["verbs"]}


def asked(plane: ControlPlane) -> list[dict]:
    """Requests about objects; what is open to everybody, such as /version, is left out."""
    entries = (json.loads(line) for line in (plane.work / "audit.log").read_text().splitlines())
    return [entry for entry in entries if "objectRef" in entry]


def right_of(entry: dict) -> Right:
    target = entry["objectRef"]
    sub = f"/{target['subresource']}" if "subresource" in target else ""
    return entry["verb"], target["resource"] + sub


def live(cluster: Cluster, broker: Broker, operator: Operator) -> None:
    """Something of everything that the operator does."""
    where = {"watership.dev/operator-connection-uri": broker.url}
    configuration = "default_user = guest\ndefault_pass = guest\n"
    cluster.apply(broker_cluster("hello", where, configuration=configuration))
    hello = {"name": "hello"}
    cluster.apply(
        resource("Queue", "q", hello),
        resource("Exchange", "x", hello),
        resource("Binding", "b", hello, source="x", destination="q"),
        resource("User", "u", hello, permissions=[{"vhost": "/", "read": ".*"}]),
    )
    for kind, name in (("queue", "q"), ("exchange", "x"), ("binding", "b"), ("user", "u")):
        cluster.ready(f"{kind}.watership.dev", name)
    broker.api("queues/%2F/q", "DELETE")
    cluster.wait("drift is repaired", lambda: broker.api("queues/%2F/q"))
    for kind, name in (
        ("statefulset", "hello-server"),
        ("service", "hello"),
        ("configmap", "hello-server-conf"),
        ("poddisruptionbudget", "hello-server"),
        ("serviceaccount", "hello-server"),
    ):
        cluster.apply({**(cluster.get(kind, name) or {}), "metadata": changed(cluster.get(kind, name))})
    operator.restart()
    cluster.apply(broker_cluster("hello", where, configuration=f"{configuration}heartbeat = 9\n"))
    cluster.wait("the change", lambda: "heartbeat" in str(cluster.get("configmap", "hello-server-conf")["data"]))
    names = ",".join(f"{kind}.watership.dev" for kind in ("queues", "exchanges", "bindings", "users"))
    cluster.kubectl("delete", names, "--all", "--timeout=60s")
    cluster.kubectl("delete", "brokercluster/hello", "--timeout=60s")


def operator_as(account: str, where: Cluster, folder: Path, *options: str) -> Operator:
    """The operator with the rights of a ServiceAccount of that namespace."""
    config = json.loads(where.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": where.kubectl("create", "token", account).strip()}
    path = folder / "operator.conf"
    path.write_text(json.dumps(config))
    return Operator(Cluster(path, where.program), folder / "operator", f"--lease-namespace={where.namespace}", *options)


def changed(item: dict | None) -> dict:
    """Metadata without one of the operator's labels."""
    metadata = {k: v for k, v in (item or {})["metadata"].items() if k in ("name", "namespace")}
    return {**metadata, "labels": {"app.kubernetes.io/part-of": "another"}}


def test_operator_uses_the_rights_that_the_chart_grants_and_no_more(
    plane: ControlPlane, broker: Broker, tmp_path: Path
):
    admin = Cluster(plane.kubeconfig, f"{plane.bin}/kubectl")
    install(admin)
    roles = rendered(plane.bin, SYSTEM)
    admin.kubectl("create", "namespace", SYSTEM)
    Cluster(admin.kubeconfig, admin.program, SYSTEM).apply(*roles)
    account = next(r["metadata"]["name"] for r in roles if r["kind"] == "ServiceAccount")
    assert account == NAME
    operator = operator_as(account, Cluster(admin.kubeconfig, admin.program, SYSTEM), tmp_path)
    operator.start()
    try:
        live(admin, broker, operator)
    finally:
        operator.stop()
    refused = {right_of(e) for e in asked(plane) if e["responseStatus"]["code"] == 403}
    assert refused == set(), "the chart does not grant what the operator needs"
    used = {right_of(e) for e in asked(plane)}
    assert used - granted(roles) == set()
    assert granted(roles) - used - UNSEEN == set(), "the chart grants what the operator does not use"


def test_namespaced_install_works_with_the_rights_of_its_namespaces(
    cluster: Cluster, no_operator: None, broker: Broker, tmp_path: Path
):
    """Roles in one namespace are enough; what is in another one stays unseen."""
    try:
        folder = binaries.ensure("helm")
    except binaries.Missing as missing:
        pytest.skip(str(missing))
    other = Cluster(cluster.kubeconfig, cluster.program, f"{cluster.namespace}-unseen")
    cluster.kubectl("create", "namespace", other.namespace)
    cluster.apply(*rendered(folder, cluster.namespace, f"--set=watchNamespaces={{{cluster.namespace}}}"))
    operator = operator_as(NAME, cluster, tmp_path, f"--namespace={cluster.namespace}")
    other.apply(resource("Queue", "unseen", {"name": "nowhere"}))
    operator.start()
    try:
        live(cluster, broker, operator)
    finally:
        operator.stop()
    assert "orbidden" not in operator.log()
    assert "status" not in (other.get("queue.watership.dev", "unseen") or {})
    other.kubectl("delete", "namespace", other.namespace, "--wait=false")
