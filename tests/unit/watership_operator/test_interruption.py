"""The operator ends after any step: another one, which makes up other passwords and keys, comes to the same end."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
from typing import Any

import pytest
from cryptography import x509
from tests.unit.watership_operator.objects import TinyBroker, resource
from tests.unit.watership_operator.test_topology import EVERYTHING

from watership.model.users import User, verify
from watership_operator.issuing import Issuer
from watership_operator.kinds import Resource
from watership_operator.plan import Step, cluster, topology
from watership_operator.plan.cluster import Chance, Surroundings

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CLUSTERS = {
    "plain": {},
    "own authority": {"tls": {}},
    "everything": {"tls": {}, "monitoring": {"grafanaDashboard": True}, "configuration": "frame_max = 8192"},
}
BEFORE = {"plain": {}, "own authority": {}, "everything": {"tls": {}}}


class TinyKubernetes:
    """Holds what steps apply, as the API server shows it."""

    def __init__(self) -> None:
        self.children: dict[tuple[str, str], dict[str, Any]] = {}

    def do(self, step: Step) -> None:
        manifest = dict(step.manifest)
        key = (manifest["kind"], manifest["metadata"]["name"])
        if step.verb == "delete":
            del self.children[key]
            return
        if "stringData" in manifest:
            data = {k: base64.b64encode(v.encode()).decode() for k, v in manifest.pop("stringData").items()}
            manifest["data"] = data
        self.children[key] = manifest

    def secret(self, name: str) -> dict[str, str]:
        return {k: base64.b64decode(v).decode() for k, v in self.children["Secret", name]["data"].items()}

    def seen(self) -> Surroundings:
        names = [name for kind, name in self.children if kind == "Secret"]
        return Surroundings(self.children, {name: self.secret(name) for name in names})


def passes(
    made: Resource, kubernetes: TinyKubernetes, chances: itertools.count, *, stop_after: int | None = None
) -> int:
    """Passes until nothing is left to do, or so many steps of the first one. The number of steps."""
    done = 0
    for _ in range(5):
        chance = Chance(NOW, lambda: f"made-up-token-{next(chances)}", Issuer())
        steps = cluster.plan(made, kubernetes.seen(), image="i", chance=chance).steps
        if not steps:
            return done
        for step in steps:
            if done == stop_after:
                return done
            kubernetes.do(step)
            done += 1
    pytest.fail(f"it does not come to rest: {[s.sentence for s in steps]}")


@pytest.mark.parametrize("name", CLUSTERS)
def test_cluster_comes_to_the_same_end_from_any_step(name: str):
    made, before = resource("BrokerCluster", "c", **CLUSTERS[name]), resource("BrokerCluster", "c", **BEFORE[name])
    count = passes(made, TinyKubernetes(), itertools.count())
    for stop in range(count):
        kubernetes, chances = TinyKubernetes(), itertools.count()
        if BEFORE[name]:
            passes(before, kubernetes, chances)
        passes(made, kubernetes, chances, stop_after=stop)
        kept = {n: kubernetes.secret(n) for kind, n in kubernetes.children if kind == "Secret"}
        passes(made, kubernetes, chances)
        whole = TinyKubernetes()
        passes(made, whole, itertools.count())
        assert set(kubernetes.children) == set(whole.children), f"stopped after {stop} steps"
        for secret in ("c-default-user", "c-ca"):  # what was made up once is kept
            if secret in kept:
                assert kubernetes.secret(secret) == kept[secret], f"stopped after {stop} steps"
        if "tls" in CLUSTERS[name]:
            leaf, authority = (
                x509.load_pem_x509_certificate(kubernetes.secret(n)["tls.crt"].encode()) for n in ("c-tls", "c-ca")
            )
            leaf.verify_directly_issued_by(authority)


def test_topology_comes_to_the_same_end_from_any_step():
    def steps_of(broker: TinyBroker) -> tuple[Step, ...]:
        token = lambda: f"made-up-{next(chances)}"  # noqa: E731
        return topology.plan(EVERYTHING, broker.snapshot(), secrets=broker.secrets, token=token).steps

    chances = itertools.count()
    count = len(steps_of(TinyBroker()))
    for stop in range(count):
        broker = TinyBroker()
        for step in steps_of(broker)[:stop]:
            broker.do(step)
        while steps := steps_of(broker):
            for step in steps:
                broker.do(step)
        assert (len(broker.queues), len(broker.exchanges), len(broker.bindings)) == (1, 1, 1)
        password = broker.secrets["ns", "u-user-credentials"]["password"]
        assert verify(User("u", broker.users["u"]["password_hash"]), password), f"stopped after {stop} steps"
