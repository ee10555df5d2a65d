"""kubectl-watership as a process, against a real API server, a real operator and a real broker."""

import base64
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.unit.watership_operator.definitions import DEFINITIONS

from .conftest import Broker, Cluster
from .objects import broker_cluster, resource

pytestmark = pytest.mark.kubernetes
Plugin = Callable[..., subprocess.CompletedProcess[str]]
HELLO = {"name": "hello"}


@pytest.fixture
def plugin(cluster: Cluster) -> Plugin:
    """Runs `kubectl watership ...` in the test's namespace."""

    def run(*arguments: str, status: int = 0, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "watership_operator.plugin", "-n", cluster.namespace, *arguments]
        path = f"{Path(cluster.program).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": path}
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=120, env=environment)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def hello(cluster: Cluster, broker: Broker) -> Cluster:
    """A BrokerCluster whose broker is the one on loopback."""
    where = {"watership.dev/operator-connection-uri": broker.url}
    configuration = "default_user = guest\ndefault_pass = guest\n"
    cluster.apply(broker_cluster("hello", where, configuration=configuration))
    cluster.wait("its Secret", lambda: cluster.get("secret", "hello-default-user"))
    return cluster


def publish(broker: Broker, queue: str, count: int) -> None:
    body = {"properties": {}, "routing_key": queue, "payload": "x", "payload_encoding": "string"}
    for _ in range(count):
        assert broker.api("exchanges/%2F/amq.default/publish", "POST", body) == {"routed": True}


def test_status_lists_every_object_with_its_sentence(hello: Cluster, broker: Broker, plugin: Plugin):
    hello.apply(resource("Queue", "orders", HELLO), resource("Binding", "b", HELLO, source="x", destination="orders"))
    hello.ready("queue.watership.dev", "orders")
    hello.says("binding.watership.dev", "b", "waits for exchange 'x'")
    lines = plugin("status", status=1).stdout.splitlines()
    assert lines[0].split() == ["OBJECT", "READY", "STATUS"]
    assert re.match(r"Queue/orders +True +queue 'orders' in vhost '/' is in the broker", lines[2])
    assert any("Binding/b" in line and "waits for exchange 'x' in vhost '/' to exist" in line for line in lines)


def test_status_of_a_cluster_tells_of_pods_broker_and_topology(hello: Cluster, broker: Broker, plugin: Plugin):
    hello.apply(resource("Queue", "orders", HELLO), resource("Queue", "late", {"name": "hello"}, vhost="nowhere"))
    hello.ready("queue.watership.dev", "orders")
    hello.says("queue.watership.dev", "late", "waits for vhost 'nowhere'")
    publish(broker, "orders", 3)
    text = plugin("status", "hello", status=1).stdout
    for words in (
        "hello-server-0",  # what it waits for: there are no pods here
        "5672 amqp",
        f"Secret {hello.namespace}/hello-default-user",
        "3 ready, 0 unacked",
        "Queue  1      1",
        "Queue/late  waits for vhost 'nowhere' to exist",
    ):
        assert words in text, text
    found = json.loads(plugin("status", "hello", "-o", "json", status=1).stdout)
    assert found["broker"]["totals"]["queues"] == 1
    assert found["topology"] == {"Queue": {"True": 1, "False": 1}}


def test_status_without_a_broker_says_why(hello: Cluster, broker: Broker, plugin: Plugin):
    broker.stop()
    assert "cannot be asked" in plugin("status", "hello", status=1).stdout


def test_why_follows_an_object_to_its_broker(hello: Cluster, broker: Broker, plugin: Plugin):
    hello.apply(resource("Binding", "b", HELLO, source="x", destination="orders"))
    hello.says("binding.watership.dev", "b", "waits for exchange 'x'")
    text = plugin("why", "binding/b").stdout
    assert "Ready=False: waits for exchange 'x' in vhost '/' to exist" in text
    assert f"its broker is BrokerCluster {hello.namespace}/hello: Ready=False" in text
    assert "Ready=" in plugin("why", "bc/hello").stdout
    assert "there is no Queue" in plugin("why", "queue/none", status=1).stderr
    assert "is none of BrokerCluster" in plugin("why", "pod/none", status=1).stderr


def test_diff_shows_steps_without_doing_them(hello: Cluster, broker: Broker, plugin: Plugin, tmp_path: Path):
    file = tmp_path / "new.yaml"
    manifests = [resource("Queue", "new", HELLO), resource("Exchange", "in", HELLO, type="fanout")]
    file.write_text(yaml.safe_dump_all(manifests))
    text = plugin("diff", "-f", str(file), status=1).stdout
    assert "+ declares queue 'new' in vhost '/'" in text
    assert "+ declares exchange 'in' in vhost '/'" in text
    assert broker.api("queues/%2F/new") is None
    hello.apply(*manifests)
    hello.ready("queue.watership.dev", "new")
    hello.ready("exchange.watership.dev", "in")
    assert "nothing would change" in plugin("diff", "-f", str(file)).stdout


def test_diff_counts_what_a_deletion_would_lose(hello: Cluster, broker: Broker, plugin: Plugin, tmp_path: Path):
    bound = resource("Binding", "bound", HELLO, source="in", destination="full")
    manifests = [resource("Queue", "full", HELLO), resource("Exchange", "in", HELLO), bound]
    hello.apply(*manifests)
    hello.ready("binding.watership.dev", "bound")
    publish(broker, "full", 7)
    file = tmp_path / "some.yaml"
    file.write_text(yaml.safe_dump_all(manifests[:2]))
    text = plugin("diff", "--delete", "-f", str(file), status=1).stdout
    assert "- deletes queue 'full' in vhost '/'; loses 7 messages, ends 0 consumers" in text
    assert "- deletes exchange 'in' in vhost '/'; loses 1 bindings" in text
    assert "7 messages would be lost" in text
    assert broker.api("queues/%2F/full")["messages"] == 7


def test_diff_asks_a_broker_that_a_secret_names(cluster: Cluster, broker: Broker, plugin: Plugin, tmp_path: Path):
    file = tmp_path / "new.yaml"
    file.write_text(yaml.safe_dump(resource("Queue", "new")))
    assert "has not the keys uri" in plugin("diff", "-f", str(file), status=1).stderr
    cluster.apply(broker.secret())
    text = plugin("diff", "-f", str(file), status=1).stdout
    assert f"topology of Secret {cluster.namespace}/broker:" in text
    assert "+ declares queue 'new' in vhost '/'" in text


def test_diff_brings_the_refusals_of_the_api_server(hello: Cluster, plugin: Plugin, tmp_path: Path):
    hello.apply(resource("Queue", "fixed", HELLO))
    file = tmp_path / "changed.yaml"
    file.write_text(yaml.safe_dump(resource("Queue", "fixed", HELLO, durable=False)))
    assert "spec.durable cannot be changed" in plugin("diff", "-f", str(file), status=2).stdout


def test_diff_says_what_a_changed_cluster_means(hello: Cluster, plugin: Plugin, tmp_path: Path):
    file = tmp_path / "cluster.yaml"
    file.write_text(yaml.safe_dump(broker_cluster("hello", replicas=0)))
    text = plugin("diff", "-f", str(file), status=1).stdout
    assert "spec.replicas from 1 to 0" in text


def by_text(entries: list[dict]) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in entries)


def test_definitions_become_objects_and_come_back_the_same(
    hello: Cluster, broker: Broker, plugin: Plugin, tmp_path: Path
):
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(DEFINITIONS))
    printed = list(yaml.safe_load_all(plugin("import", "hello", "-f", str(file)).stdout))
    secrets = [m for m in printed if m["kind"] == "Secret"]
    assert {s["stringData"]["username"] for s in secrets} == {"alice", "Bob B."}
    hashes = {u["password_hash"] for u in DEFINITIONS["users"] if u["password_hash"]}
    others = yaml.safe_dump_all(m for m in printed if m["kind"] != "Secret")
    assert not [h for h in hashes if h in others], "a hash stands outside a Secret"
    plugin("import", "hello", "-f", str(file), "--apply")
    hello.ready("user.watership.dev", "alice")
    assert broker.logs_in("alice", base64.b64encode(b"a").decode()), "the imported hash opens with the old password"
    back = json.loads(plugin("export", "hello").stdout)
    for section in ("queues", "exchanges", "bindings"):
        assert by_text(back[section]) == by_text(DEFINITIONS[section])
    found = {u["name"]: u["password_hash"] for u in back["users"]}
    assert found == {u["name"]: u["password_hash"] for u in DEFINITIONS["users"] if u["name"] != "guest"}


def test_live_broker_is_exported_as_objects(hello: Cluster, broker: Broker, plugin: Plugin):
    broker.api("queues/%2F/By%20hand", "PUT", {"durable": True, "arguments": {"x-max-length": 9}})
    text = plugin("export", "hello", "--source", "broker", "--format", "yaml").stdout
    found = [m for m in yaml.safe_load_all(text) if m["kind"] == "Queue"]
    assert found[0]["spec"]["name"] == "By hand"
    hello.apply(*found)
    hello.ready("queue.watership.dev", found[0]["metadata"]["name"])


def test_paused_cluster_is_left_alone_until_it_is_resumed(hello: Cluster, broker: Broker, plugin: Plugin):
    plugin("pause", "hello")
    where = {"watership.dev/operator-connection-uri": broker.url, "watership.dev/pause-reconciliation": "true"}
    configuration = "default_user = guest\ndefault_pass = guest\nheartbeat = 7\n"
    hello.apply(broker_cluster("hello", where, configuration=configuration))
    condition = hello.says(
        "brokercluster", "hello", "once it is gone, the operator updates ConfigMap hello-server-conf"
    )
    assert condition["reason"] == "PausedReconciliation"
    assert "heartbeat" not in str(hello.get("configmap", "hello-server-conf")["data"])
    assert "paused: " in plugin("status", "hello", "--no-broker", status=1).stdout
    plugin("resume", "hello")
    hello.wait("it is applied", lambda: "heartbeat" in str(hello.get("configmap", "hello-server-conf")["data"]))


def test_restart_rolls_the_statefulset_and_the_operator_leaves_it_so(hello: Cluster, plugin: Plugin):
    hello.wait("the StatefulSet", lambda: hello.get("statefulset", "hello-server"))
    plugin("restart", "hello")

    def stamp() -> str | None:
        template = hello.get("statefulset", "hello-server")["spec"]["template"]
        return template["metadata"].get("annotations", {}).get("kubectl.kubernetes.io/restartedAt")

    written = stamp()
    assert written
    before = hello.get("configmap", "hello-server-conf")["metadata"]["uid"]
    hello.kubectl("delete", "configmap", "hello-server-conf", "--wait=false")
    again = lambda: (c := hello.get("configmap", "hello-server-conf")) and c["metadata"]["uid"] != before  # noqa: E731
    hello.wait("the operator looked again", again)
    assert stamp() == written


def test_connect_prints_how_to_log_in(hello: Cluster, plugin: Plugin):
    text = plugin("connect", "hello", "--print").stdout
    assert "username:   guest" in text
    assert "amqp://guest:guest@hello." in text


def test_report_holds_everything_but_secrets(hello: Cluster, broker: Broker, plugin: Plugin, tmp_path: Path):
    planted = "correct-horse-battery"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"password": planted}}
    where = {"watership.dev/operator-connection-uri": broker.url, "note": f"amqp://me:{planted}@host/"}
    configuration = f"default_user = guest\ndefault_pass = guest\nauth_ldap.dn_lookup_bind.password = {planted}\n"
    configuration = configuration.replace(f"auth_ldap.dn_lookup_bind.password = {planted}\n", f"# {planted}\n")
    hello.apply(secret, broker_cluster("hello", where, configuration=configuration))
    hello.apply(resource("User", "worker", HELLO), resource("Queue", "orders", HELLO))
    hello.ready("user.watership.dev", "worker")
    bundle = tmp_path / "report.tar.gz"
    plugin("report", "hello", "-o", str(bundle))
    with tarfile.open(bundle) as archive:
        texts = {m.name: archive.extractfile(m).read().decode() for m in archive}
    assert {
        "watership-report/topology.yaml",
        "watership-report/events.yaml",
        "watership-report/secrets.yaml",
        "watership-report/hello/statefulset.yaml",
        "watership-report/hello/broker.yaml",
    } <= set(texts)
    assert "orders" in texts["watership-report/hello/broker.yaml"]
    everything = "\n".join(texts.values())
    assert planted not in everything
    encoded = hello.get("secret", "worker-user-credentials")["data"]["password"]
    assert encoded not in everything
    stored = broker.api("users/worker")["password_hash"]
    assert stored not in everything


def test_every_verb_explains_itself(plugin: Plugin):
    overview = plugin("--help").stdout
    for verb in ("status", "why", "diff", "export", "import", "pause", "resume", "restart", "connect", "report"):
        assert re.search(rf"^ +{verb} +\S", overview, re.MULTILINE)
        assert f"examples:\n  kubectl watership {verb}" in plugin(verb, "--help").stdout


def test_problems_are_sentences(cluster: Cluster, plugin: Plugin):
    assert f"there is no BrokerCluster {cluster.namespace}/x" in plugin("restart", "x", status=1).stderr
    assert "name a BrokerCluster" in plugin("restart", status=1).stderr
