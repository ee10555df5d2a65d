"""What Argo CD and Flux see: nothing of theirs is written, and health is read from conditions by their own code."""

import json
import subprocess
from collections.abc import Callable

import pytest
import yaml
from tests.cluster import binaries

from watership_operator.kinds import SPECS

from .conftest import ROOT, Broker, Cluster
from .objects import broker_cluster, resource

pytestmark = pytest.mark.kubernetes
GITOPS = ROOT / "examples" / "gitops"
OF_KIND: dict[str, dict] = {
    "BrokerCluster": {},
    "Exchange": {},
    "Queue": {},
    "Binding": {"source": "amq.topic", "destination": "one"},
    "User": {"permissions": [{"vhost": "/"}]},
    "Vhost": {},
    "Permission": {"user": "guest", "vhost": "/", "permissions": {"read": ".*", "write": ".*", "configure": ".*"}},
    "TopicPermission": {"user": "guest", "vhost": "/", "permissions": {"exchange": "amq.topic", "read": ".*"}},
    "Policy": {"pattern": "^one$", "definition": {"max-length": 9}},
    "OperatorPolicy": {"pattern": "^one$", "definition": {"max-length": 9}},
}


def one_of_each() -> list[dict]:
    """An object of every kind that there is."""
    found = [resource(kind, "one", **OF_KIND[kind]) for kind in SPECS if kind != "BrokerCluster"]
    return [broker_cluster("one"), *found]


def plural(kind: str) -> str:
    return f"{SPECS[kind].kind.plural}.watership.dev"


def test_nothing_but_status_and_finalizers_of_a_users_object_is_written(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), *one_of_each())
    for kind in SPECS:
        cluster.wait(f"{kind} is seen", lambda kind=kind: cluster.condition(plural(kind), "one"))
    broker.api("queues/%2F/one", "DELETE")
    cluster.wait("drift is repaired", lambda: broker.api("queues/%2F/one"))
    for kind in SPECS:
        shown = cluster.kubectl("get", plural(kind), "one", "-o", "json", "--show-managed-fields")
        for entry in json.loads(shown)["metadata"]["managedFields"]:
            if entry["manager"].startswith("kubectl"):
                continue
            assert entry["manager"] == "watership-operator", f"{kind}: {entry['manager']}"
            assert set(entry["fieldsV1"]) <= {"f:status", "f:metadata"}, kind
            assert set(entry["fieldsV1"].get("f:metadata", {})) <= {"f:finalizers"}, kind


def test_what_was_applied_does_not_differ_from_what_is_there(cluster: Cluster, broker: Broker):
    manifests = yaml.safe_dump_all(one_of_each())
    cluster.apply(broker.secret(), *one_of_each())
    for kind in SPECS:
        cluster.wait(f"{kind} is seen", lambda kind=kind: cluster.condition(plural(kind), "one"))
    done = cluster.run("diff", "-f", "-", text=manifests)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def judges() -> Callable[[dict], tuple[str, str]]:
    """(what Argo CD says with our script in its Lua, what kstatus says) of an object."""
    try:
        folder = binaries.ensure(binaries.GLUA, binaries.KSTATUS)
    except binaries.Missing as missing:
        pytest.skip(str(missing))

    def judged(item: dict) -> tuple[str, str]:
        script = f"obj = {lua(item)}\nlocal health = (function()\n{health_script()}\nend)()\nprint(health.status)\n"
        argo = subprocess.run([f"{folder}/{binaries.GLUA}", "-e", script], capture_output=True, text=True)
        assert argo.returncode == 0, argo.stderr
        flux = subprocess.run([f"{folder}/{binaries.KSTATUS}"], input=json.dumps(item), capture_output=True, text=True)
        assert flux.returncode == 0, flux.stderr
        return argo.stdout.strip(), flux.stdout.strip()

    return judged


def health_script() -> str:
    """As it stands in the ConfigMap, which is what people install."""
    config = yaml.safe_load((GITOPS / "argocd" / "argocd-cm.yaml").read_text())
    return yaml.safe_load(config["data"]["resource.customizations"])["watership.dev/*"]["health.lua"]


def lua(value: object) -> str:
    """A value as a Lua literal."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{lua(k)}] = {lua(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    return "nil" if value is None else json.dumps(value, ensure_ascii=False)


def test_configmap_carries_the_script_that_stands_beside_it():
    assert health_script() == (GITOPS / "argocd" / "health.lua").read_text()


Judges = Callable[[dict], tuple[str, str]]


def test_object_that_is_as_declared_is_healthy(cluster: Cluster, broker: Broker, judges: Judges):
    cluster.apply(broker.secret(), resource("Queue", "good"))
    cluster.ready("queue.watership.dev", "good")
    assert judges(cluster.get("queue.watership.dev", "good")) == ("Healthy", "Current")


def test_object_that_waits_is_in_progress(cluster: Cluster, broker: Broker, judges: Judges):
    cluster.apply(broker.secret(), resource("Binding", "early", source="later", destination="orders"))
    cluster.says("binding.watership.dev", "early", "waits for exchange")
    assert judges(cluster.get("binding.watership.dev", "early")) == ("Progressing", "InProgress")


def test_object_that_was_refused_is_degraded(cluster: Cluster, broker: Broker, judges: Judges):
    broker.api("queues/%2F/clash", "PUT", {"durable": False})
    cluster.apply(broker.secret(), resource("Queue", "clash"), resource("Queue", "first", name="shared"))
    cluster.says("queue.watership.dev", "clash", "inequivalent arg")
    assert judges(cluster.get("queue.watership.dev", "clash"))[0] == "Degraded"
    cluster.ready("queue.watership.dev", "first")
    cluster.apply(resource("Queue", "second", name="shared"))
    cluster.says("queue.watership.dev", "second", "belongs to Queue")
    assert judges(cluster.get("queue.watership.dev", "second")) == ("Degraded", "Failed")


def test_object_that_nobody_has_seen_is_in_progress(cluster: Cluster, judges: Judges):
    manifest = resource("Queue", "unseen")
    manifest["metadata"] |= {"generation": 1, "namespace": "x"}
    assert judges(manifest)[0] == "Progressing"


def test_object_that_is_being_deleted_is_terminating(cluster: Cluster, broker: Broker, judges: Judges):
    held = resource("Queue", "held")
    held["metadata"]["finalizers"] = ["example.com/held"]
    cluster.apply(broker.secret(), held)
    cluster.ready("queue.watership.dev", "held")
    cluster.kubectl("delete", "queue.watership.dev/held", "--wait=false")
    cluster.wait("it is deleted in the broker", lambda: broker.api("queues/%2F/held") is None)
    assert judges(cluster.get("queue.watership.dev", "held")) == ("Progressing", "Terminating")
    cluster.kubectl("patch", "queue.watership.dev/held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_cluster_that_hibernates_is_suspended(cluster: Cluster, judges: Judges):
    cluster.apply(broker_cluster("asleep", replicas=0))
    cluster.wait("it sleeps", lambda: cluster.condition("brokercluster", "asleep").get("reason") == "Hibernated")
    assert judges(cluster.get("brokercluster", "asleep")) == ("Suspended", "Current")


def test_examples_name_kinds_and_fields_that_exist():
    """They are read by Argo CD and Flux; what can be held here is that they are whole and point at what is there."""
    files = sorted(p for p in GITOPS.rglob("*.yaml"))
    assert len(files) == 4
    found = [m for file in files for m in yaml.safe_load_all(file.read_text())]
    assert {m["kind"] for m in found} == {"ConfigMap", "Application", "GitRepository", "HelmRelease", "Kustomization"}
    release = next(m for m in found if m["kind"] == "HelmRelease")
    chart = ROOT / release["spec"]["chart"]["spec"]["chart"]
    values = yaml.safe_load((chart / "values.yaml").read_text())
    assert set(release["spec"]["values"]) <= set(values)
