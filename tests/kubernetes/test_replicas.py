"""The operator's own life: two replicas, their end at any moment, what they say of themselves."""

import json
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Broker, Cluster, Operator
from .objects import broker_cluster, resource

pytestmark = [pytest.mark.kubernetes, pytest.mark.usefixtures("no_operator")]
LEASE = "watership-operator"


@pytest.fixture
def replicas(cluster: Cluster, tmp_path: Path) -> Iterator[list[Operator]]:
    options = (f"--namespace={cluster.namespace}", f"--lease-namespace={cluster.namespace}", "--log-format=json")
    made = [Operator(cluster, tmp_path / f"replica-{i}", *options) for i in range(2)]
    yield made
    for replica in made:
        replica.stop()


@pytest.fixture
def lonely(cluster: Cluster, tmp_path: Path) -> Iterator[Operator]:
    """The only replica there is."""
    made = Operator(cluster, tmp_path / "lonely", f"--namespace={cluster.namespace}", "--no-leader-election")
    yield made
    made.stop()


def leaders(replicas: list[Operator]) -> list[Operator]:
    return [r for r in replicas if r.http("readyz") == "leads\n"]


def one_leads(cluster: Cluster, replicas: list[Operator]) -> Operator:
    for replica in replicas:
        replica.start()
    cluster.wait("both replicas answer", lambda: all(r.http("healthz") for r in replicas))
    found = cluster.wait("one leads", lambda: leaders(replicas))
    assert len(found) == 1
    return found[0]


def test_second_replica_takes_over_at_once_when_the_first_is_stopped(
    cluster: Cluster, broker: Broker, replicas: list[Operator]
):
    cluster.apply(broker.secret(), resource("Queue", "first"))
    leader = one_leads(cluster, replicas)
    cluster.ready("queue.watership.dev", "first")
    other = next(r for r in replicas if r is not leader)
    leader.stop()
    stopped = time.monotonic()
    cluster.apply(resource("Queue", "second"))
    cluster.ready("queue.watership.dev", "second")
    # Far less than the lease lasts: it was released.
    assert time.monotonic() - stopped < 10
    assert leaders(replicas) == [other]
    assert cluster.get("lease", LEASE)["spec"]["leaseTransitions"] == 2


def test_second_replica_takes_over_when_the_first_is_killed(cluster: Cluster, broker: Broker, replicas: list[Operator]):
    cluster.apply(broker.secret())
    leader = one_leads(cluster, replicas)
    leader.kill()
    cluster.apply(resource("Queue", "orphan"))
    cluster.ready("queue.watership.dev", "orphan")
    assert leaders(replicas) == [next(r for r in replicas if r is not leader)]


def test_replica_that_slept_through_its_lease_writes_nothing_and_ends(
    cluster: Cluster, broker: Broker, replicas: list[Operator]
):
    cluster.apply(broker.secret(), resource("Queue", "kept"))
    leader = one_leads(cluster, replicas)
    cluster.ready("queue.watership.dev", "kept")
    sleeper = leader.processes.started[-1][1]
    leader.signal(signal.SIGSTOP)
    other = next(r for r in replicas if r is not leader)
    cluster.wait("the other leads", lambda: leaders([other]))
    cluster.apply(resource("Queue", "made-meanwhile"))
    cluster.ready("queue.watership.dev", "made-meanwhile")
    leader.signal(signal.SIGCONT)
    cluster.wait("the sleeper ends", lambda: sleeper.poll() is not None)
    assert sleeper.returncode == 1
    assert "is lost" in leader.log()
    assert leaders(replicas) == [other]


def everything(count: int) -> list[dict]:
    rights = [{"vhost": "/", "read": ".*"}]
    return [
        *(resource("Queue", f"q{i}") for i in range(count)),
        *(resource("Exchange", f"x{i}", type="topic") for i in range(count)),
        *(resource("Binding", f"b{i}", source=f"x{i}", destination=f"q{i}", routingKey="k") for i in range(count)),
        *(resource("User", f"u{i}", tags=["management"], permissions=rights) for i in range(4)),
        *(broker_cluster(f"c{i}", tls={}) for i in range(4)),
    ]


MADE_UP = {"-default-user": "password", "-ca": "tls.key"}


def made_up(cluster: Cluster) -> dict[str, str]:
    """What the operator made up once for each BrokerCluster: its password, the key of its authority."""
    secrets = {item["metadata"]["name"]: item["data"] for item in cluster.items("secrets")}
    return {n: data[key] for n, data in secrets.items() for suffix, key in MADE_UP.items() if n.endswith(suffix)}


KINDS = ("queue", "exchange", "binding", "user")


@pytest.mark.parametrize("seed", [1, 2])
def test_operator_killed_at_any_moment_goes_on_where_it_was(
    cluster: Cluster, broker: Broker, lonely: Operator, seed: int
):
    moments, operator, count = random.Random(seed), lonely, 40
    kept: dict[str, str] = {}

    def kill_again_and_again(times: int) -> None:
        for _ in range(times):
            operator.start()
            cluster.wait("it runs", lambda: operator.http("healthz"))
            time.sleep(moments.uniform(0.0, 1.0))
            operator.kill()
            now = made_up(cluster)
            assert {n: now.get(n) for n in kept} == kept, "what was made up once is kept"
            kept.update(now)
        operator.start()

    cluster.apply(broker.secret(), *everything(count))
    kill_again_and_again(4)
    for kind in KINDS:
        cluster.wait(f"every {kind} Ready", lambda kind=kind: all_ready(cluster, kind))
    assert {q["name"] for q in broker.api("queues/%2F")} == {f"q{i}" for i in range(count)}
    assert len([b for b in broker.api("bindings/%2F") if b["source"]]) == count
    for i in range(4):
        password = cluster.kubectl("get", "secret", f"u{i}-user-credentials", "-o", "jsonpath={.data.password}")
        assert broker.logs_in(f"u{i}", password), f"u{i}'s Secret and the broker disagree"

    cluster.wait("every StatefulSet", lambda: len(cluster.items("statefulsets")) == 4)
    assert set(kept) <= set(made_up(cluster))
    cluster.wait("a certificate of each authority", lambda: all(cluster.get("secret", f"c{i}-tls") for i in range(4)))

    operator.kill()
    cluster.kubectl("delete", "brokerclusters", "--all")
    kept.clear()
    names = [f"{kind}.watership.dev" for kind in KINDS]
    cluster.kubectl("delete", ",".join(names), "--all", "--wait=false")
    kill_again_and_again(4)
    for name in names:
        cluster.wait(f"no {name} is left", lambda name=name: cluster.items(name) == [])
    assert broker.api("queues/%2F") == []
    assert [u["name"] for u in broker.api("users")] == ["guest"]


def all_ready(cluster: Cluster, kind: str) -> bool:
    def ready(item: dict) -> bool:
        conditions = item.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    return all(ready(item) for item in cluster.items(f"{kind}.watership.dev"))


def test_operator_counts_its_work_and_its_errors(cluster: Cluster, broker: Broker, replicas: list[Operator]):
    leader = replicas[0]
    leader.start()
    broker.api("queues/%2F/clash", "PUT", {"durable": True, "arguments": {"x-max-length": 5}})
    cluster.apply(broker.secret(), resource("Queue", "fine"), resource("Exchange", "odd", type="no-such-type"))
    cluster.ready("queue.watership.dev", "fine")
    cluster.wait("the exchange is refused", lambda: cluster.condition("exchange.watership.dev", "odd"))
    metrics = cluster.wait("a refusal is counted", lambda: "refused-400" in (m := leader.http("metrics")) and m)
    value = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line[:1] != "#"
    }
    prefix = "watership_operator_"
    assert value[f"{prefix}leader"] == 1
    assert value[f'{prefix}objects{{kind="Queue",ready="True"}}'] == 1
    assert value[f'{prefix}broker_call_seconds_count{{verb="put_queue"}}'] == 1
    assert value[f'{prefix}broker_call_seconds_count{{verb="snapshot"}}'] >= 1
    assert value[f'{prefix}pass_seconds_count{{work="topology"}}'] >= 1
    assert value[f'{prefix}queue_depth{{priority="change"}}'] >= 0
    assert value[f'{prefix}errors_total{{kind="refused-400",source="broker"}}'] >= 1
    assert value[f'{prefix}kubernetes_requests_total{{kind="queues",method="PATCH",status="200"}}'] >= 2


def test_log_lines_name_their_object(cluster: Cluster, broker: Broker, replicas: list[Operator]):
    replicas[0].start()
    cluster.apply(broker.secret(), resource("Queue", "logged"))
    cluster.ready("queue.watership.dev", "logged")
    entries = [json.loads(line) for line in replicas[0].log().splitlines()]
    found = next(e for e in entries if e.get("name") == "logged")
    assert (found["kind"], found["namespace"], found["level"]) == ("Queue", cluster.namespace, "info")
    assert found["message"] == "declares queue 'logged' in vhost '/'"
    assert re.match(r"\d{4}-\d\d-\d\dT", found["time"])
