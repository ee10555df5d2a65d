"""The table in plan/deletion.py, a test per row: no deletion gets stuck, whatever went first (T14, T17, T18, T21)."""

import pytest

from .conftest import Broker, Cluster
from .objects import broker_cluster, resource

pytestmark = pytest.mark.kubernetes
LOGIN = "default_user = guest\ndefault_pass = guest\n"
SOON = "--timeout=60s"


def hosted(broker: Broker, name: str = "main", **spec: object) -> dict:
    """A BrokerCluster whose broker is a process on loopback."""
    annotations = {"watership.dev/operator-connection-uri": broker.url}
    return broker_cluster(name, annotations, configuration=LOGIN, **spec)


def of(name: str = "main") -> dict:
    return {"name": name}


def released(cluster: Cluster, words: str) -> None:
    cluster.wait(
        f"an Event that says {words!r}",
        lambda: any(words in e["message"] for e in cluster.items("events") if e["reason"] == "Released"),
    )


def test_reachable_deleted_in_the_broker_then_released(cluster: Cluster, broker: Broker):
    cluster.apply(hosted(broker), resource("Queue", "q", of()))
    cluster.ready("queue.watership.dev", "q")
    cluster.kubectl("delete", "queue.watership.dev/q", SOON)
    assert broker.api("queues/%2F/q") is None


FIVE = (
    resource("Vhost", "v", of()),
    resource("Queue", "q", of()),
    resource("Exchange", "x", of()),
    resource("User", "u", of()),
    resource("Policy", "p", of(), pattern="^q", definition={"max-length": 1}),
)


def test_t14_cluster_gone_first_then_five_kinds(cluster: Cluster, broker: Broker):
    cluster.apply(hosted(broker), *FIVE)
    for made in FIVE:
        cluster.ready(f"{made['kind'].lower()}.watership.dev", made["metadata"]["name"])
    cluster.kubectl("delete", "brokercluster/main", SOON)
    for made in FIVE:
        cluster.kubectl("delete", f"{made['kind'].lower()}.watership.dev", made["metadata"]["name"], "--timeout=30s")
    released(cluster, "released without asking the broker: waits for BrokerCluster")
    assert broker.api("queues/%2F/q")


def test_t17_hibernated_cluster_is_not_asked_and_wakes(cluster: Cluster, broker: Broker):
    cluster.apply(hosted(broker), resource("Queue", "q", of()))
    cluster.ready("queue.watership.dev", "q")
    cluster.apply(hosted(broker, replicas=0))
    cluster.says("queue.watership.dev", "q", "hibernates (replicas is 0)")
    cluster.apply(resource("Queue", "late", of()))
    cluster.says("queue.watership.dev", "late", "hibernates (replicas is 0)")
    assert broker.api("queues/%2F/late") is None
    cluster.kubectl("delete", "queue.watership.dev/q", "--timeout=30s")
    released(cluster, "hibernates")
    cluster.apply(hosted(broker, replicas=1))
    cluster.ready("queue.watership.dev", "late")


def test_credentials_gone_first(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "q"), resource("User", "u"))
    cluster.ready("user.watership.dev", "u")
    cluster.kubectl("delete", "secret", "broker", "u-user-credentials")
    cluster.kubectl("delete", "queue.watership.dev/q", "user.watership.dev/u", SOON)
    released(cluster, "to exist")


def test_unreachable_waits_and_then_gives_up(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "q"))
    cluster.ready("queue.watership.dev", "q")
    broker.stop()
    cluster.kubectl("delete", "queue.watership.dev/q", "--wait=false")
    condition = cluster.says("queue.watership.dev", "q", "gives up asking in")
    assert condition["reason"] == "Deleting"
    cluster.gone("queue.watership.dev", "q")
    released(cluster, "released without asking the broker")


def test_unreachable_and_back_in_time_is_deleted_there(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "q"))
    cluster.ready("queue.watership.dev", "q")
    broker.stop()
    cluster.kubectl("delete", "queue.watership.dev/q", "--wait=false")
    cluster.says("queue.watership.dev", "q", "gives up asking in")
    broker.start()
    cluster.gone("queue.watership.dev", "q")
    assert broker.api("queues/%2F/q") is None


def test_vhost_gone_first(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Vhost", "v"), resource("Queue", "q", vhost="v"), resource("User", "u"))
    cluster.apply(resource("Permission", "may", vhost="v", user="u"), resource("Exchange", "x", vhost="v"))
    cluster.ready("queue.watership.dev", "q")
    cluster.ready("permission.watership.dev", "may")
    cluster.kubectl("delete", "vhost.watership.dev/v", SOON)
    assert broker.api("vhosts/v") is None
    cluster.says("queue.watership.dev", "q", "waits for vhost 'v' to exist")
    names = ("queue.watership.dev/q", "exchange.watership.dev/x", "permission.watership.dev/may")
    cluster.kubectl("delete", *names, SOON)


def test_t18_user_gone_before_its_permission(cluster: Cluster, broker: Broker):
    given = {"permissions": {"read": ".*"}}
    cluster.apply(broker.secret(), resource("Permission", "may", userReference={"name": "u"}, **given))
    cluster.says("permission.watership.dev", "may", "waits for User")
    cluster.apply(resource("User", "u"))
    cluster.ready("permission.watership.dev", "may")
    cluster.kubectl("delete", "user.watership.dev/u", SOON)
    cluster.says("permission.watership.dev", "may", "waits for User")
    cluster.kubectl("delete", "permission.watership.dev/may", SOON)


def test_force_delete_does_not_ask(cluster: Cluster, broker: Broker):
    cluster.apply(broker.secret(), resource("Queue", "q"))
    cluster.ready("queue.watership.dev", "q")
    cluster.kubectl("annotate", "queue.watership.dev/q", "watership.dev/force-delete=true")
    cluster.kubectl("delete", "queue.watership.dev/q", SOON)
    released(cluster, "force-delete")
    assert broker.api("queues/%2F/q")


def test_namespace_that_is_not_allowed_any_more(cluster: Cluster, broker: Broker):
    other = f"{cluster.namespace}-other"
    cluster.kubectl("create", "namespace", other)
    guest = Cluster(cluster.kubeconfig, cluster.program, other)
    reference = {"name": "main", "namespace": cluster.namespace}
    cluster.apply(hosted(broker, topologyNamespaces={"names": [other]}))
    guest.apply(resource("Queue", "q", reference))
    guest.ready("queue.watership.dev", "q")
    cluster.apply(hosted(broker))
    guest.says("queue.watership.dev", "q", f"takes no objects of namespace {other}")
    guest.kubectl("delete", "queue.watership.dev/q", SOON)
    assert broker.api("queues/%2F/q")
    guest.kubectl("delete", "namespace", other, SOON)


@pytest.mark.parametrize("first", ["secret", "brokercluster", "nothing"])
def test_t21_namespace_with_cluster_users_and_permissions_ends(cluster: Cluster, broker: Broker, first: str):
    users = [resource("User", f"u{i}", of()) for i in range(10)]
    rights = [resource("Permission", f"p{i}", of(), userReference={"name": f"u{i}"}) for i in range(10)]
    cluster.apply(hosted(broker), *FIVE[:3], *users, *rights)
    cluster.ready("permission.watership.dev", "p9")
    if first == "secret":
        cluster.kubectl("delete", "secret", "--all", "--wait=false")
    elif first == "brokercluster":
        cluster.kubectl("delete", "brokercluster", "main", "--wait=false")
    cluster.kubectl("delete", "namespace", cluster.namespace, "--timeout=90s")
