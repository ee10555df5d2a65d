"""Watches that end: an API server that restarts, and changes that nobody watched."""

import base64
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import binaries
from tests.cluster.control_plane import ControlPlane

from .conftest import Broker, Cluster, Operator, install
from .objects import resource

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """One of its own: it is stopped and started."""
    try:
        made = ControlPlane(tmp_path / "plane")
    except binaries.Missing as missing:
        pytest.skip(str(missing))
    with made:
        yield made


def follows_a_secret(cluster: Cluster, broker: Broker) -> None:
    """Everything is settled, and the resync is ten minutes away."""
    login = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}}
    first, second = ({"username": "me", "password": password} for password in ("one", "two"))
    cluster.apply({**login, "stringData": first})
    cluster.apply(resource("User", "me", tags=["management"], importCredentialsSecret={"name": "login"}))
    cluster.ready("user.watership.dev", "me")
    cluster.apply({**login, "stringData": second})
    cluster.wait("the new password", lambda: broker.logs_in("me", base64.b64encode(b"two").decode()))


def test_nothing_is_missed_while_the_api_server_restarts_and_the_operator_sleeps(
    plane: ControlPlane, broker: Broker, tmp_path: Path
):
    cluster = Cluster(plane.kubeconfig, f"{plane.bin}/kubectl")
    install(cluster)
    operator = Operator(cluster, tmp_path / "operator", "--no-leader-election", "--resync=600")
    operator.start()
    try:
        cluster.apply(broker.secret(), resource("Queue", "stays"), resource("Queue", "goes"))
        cluster.ready("queue.watership.dev", "stays")
        cluster.ready("queue.watership.dev", "goes")
        operator.signal(signal.SIGSTOP)
        cluster.kubectl("delete", "queue.watership.dev/goes", "--wait=false")
        cluster.apply(resource("Queue", "comes"))
        plane.restart_api_server()
        operator.signal(signal.SIGCONT)
        cluster.ready("queue.watership.dev", "comes")
        cluster.gone("queue.watership.dev", "goes")
        assert {q["name"] for q in broker.api("queues")} == {"stays", "comes"}
        cluster.apply(resource("Queue", "later"))
        cluster.ready("queue.watership.dev", "later")
        follows_a_secret(cluster, broker)
    finally:
        operator.stop()
