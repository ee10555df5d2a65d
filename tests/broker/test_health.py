"""Every health check of the management API, passing and failing."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import trustme
from tests.broker.process import Broker, free_ports

from watership.admin.api import AdminError
from watership.admin.local import LocalAdmin
from watership.broker import Broker as LocalBroker
from watership.config import load


def ask(broker: Broker, check: str) -> tuple[int, dict[str, Any]]:
    """Status and answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{broker.management}/api/health/checks/{check}")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """With one connection allowed, three nodes wanted, and a certificate."""
    folder = tmp_path_factory.mktemp("strict")
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    (amqps,) = free_ports(1)
    made = Broker(
        folder,
        f"connection_max = 1\ncluster_formation.target_cluster_size_hint = 3\nlisteners.ssl.1 = 127.0.0.1:{amqps}\n"
        f"ssl_options.certfile = {folder}/server.pem\nssl_options.keyfile = {folder}/server.pem\n",
    )
    made.start()
    yield made
    made.end()


PASSING = [
    *("alarms", "local-alarms", "virtual-hosts", "is-in-service", "ready-to-serve-clients"),
    *("below-node-connection-limit", "reached-target-cluster-size", "node-is-quorum-critical"),
    *("metadata-store/initialized", "metadata-store/initialized/with-data"),
    *("protocol-listener/amqp", "protocol-listener/amqp091,http", "certificate-expiration/1/weeks"),
    "quorum-queues-without-elected-leaders/all-vhosts",
    "quorum-queues-without-elected-leaders/all-vhosts/pattern/^q",
    "quorum-queues-without-elected-leaders/vhost/%2F",
    "quorum-queues-without-elected-leaders/vhost/%2F/pattern/^q",
]


@pytest.mark.parametrize("check", PASSING)
def test_all_is_well(check: str, broker: Broker) -> None:
    status, answer = ask(broker, check)
    assert (status, answer["status"]) == (200, "ok")


def test_a_port_is_listened_on(broker: Broker) -> None:
    assert ask(broker, f"port-listener/{broker.port}") == (200, {"status": "ok", "port": broker.port})
    status, answer = ask(broker, "port-listener/1")
    assert (status, answer["missing"], answer["reason"]) == (503, 1, "No active listener")


def test_an_alarm_fails_its_checks(strict: Broker) -> None:
    limit = "/config/effective/disk_free_limit.absolute"
    strict.admin("PUT", limit, {"value": "900TB"})
    for check, where in (("alarms", "in the cluster"), ("local-alarms", "on the node")):
        status, answer = ask(strict, check)
        assert (status, answer["status"]) == (503, "failed")
        assert answer["reason"] == f"There are alarms in effect {where}"
        assert [alarm["resource"] for alarm in answer["alarms"]] == ["disk space"]
    strict.admin("PUT", limit, {"value": "50MB"})
    assert ask(strict, "alarms")[0] == 200


def test_maintenance_fails_what_asks_for_service(strict: Broker) -> None:
    node = strict.admin("GET", "/overview")["node"]
    strict.admin("POST", f"/nodes/{node}/drain")
    for check in ("is-in-service", "ready-to-serve-clients"):
        assert ask(strict, check) == (503, {"status": "failed", "reason": "this node is in maintenance mode"})
    assert ask(strict, "protocol-listener/amqp")[1]["missing"] == ["amqp"]
    assert ask(strict, f"port-listener/{strict.port}")[0] == 503
    assert ask(strict, "virtual-hosts")[0] == 200
    strict.admin("POST", f"/nodes/{node}/revive")
    assert ask(strict, "ready-to-serve-clients")[0] == 200


def test_listeners_that_are_suspended_make_a_node_unready(strict: Broker) -> None:
    node = strict.admin("GET", "/overview")["node"]
    strict.admin("POST", f"/nodes/{node}/listeners/suspend")
    assert ask(strict, "is-in-service")[0] == 200
    assert ask(strict, "ready-to-serve-clients")[1]["reason"] == "no AMQP listener is active"
    strict.admin("POST", f"/nodes/{node}/listeners/resume")
    assert ask(strict, "ready-to-serve-clients")[0] == 200


def test_the_connection_limit(strict: Broker) -> None:
    assert ask(strict, "below-node-connection-limit")[0] == 200
    connection = strict.connect()
    for check in ("below-node-connection-limit", "ready-to-serve-clients"):
        assert ask(strict, check)[1]["reason"] == "node connection limit is reached"
    connection.close()


def test_nodes_that_are_missing(strict: Broker) -> None:
    status, answer = ask(strict, "reached-target-cluster-size")
    assert (status, answer["cluster_size"], answer["target_cluster_size"]) == (503, 1, 3)


def test_a_certificate_that_ends_within_that_time(strict: Broker) -> None:
    assert ask(strict, "certificate-expiration/1/days")[0] == 200
    status, answer = ask(strict, "certificate-expiration/1000/years")
    assert status == 503
    assert [item["protocol"] for item in answer["expired"]] == ["amqp/ssl"]


def disk_fails(broker: LocalBroker) -> None:
    broker.disk_failed(OSError(5, "Input/output error"))


def nobody_is_left(broker: LocalBroker) -> None:
    for name in list(broker.metadata.users):
        broker.delete_user(name)


@pytest.mark.parametrize(
    ("breaks", "failing"),
    [
        (disk_fails, ("check_virtual_hosts", "check_is_in_service", "check_leaders", "check_aliveness")),
        (nobody_is_left, ("check_metadata_data",)),
    ],
)
async def test_what_no_client_can_bring_about(
    breaks: Callable[[LocalBroker], None], failing: tuple[str, ...], tmp_path: Path
) -> None:
    broker = LocalBroker.open(load(), tmp_path, asyncio.get_running_loop())
    admin = LocalAdmin(broker, broker.metadata.users["guest"])

    async def refused(check: str) -> bool:
        call = getattr(admin, check)
        try:
            await (call("/") if check == "check_aliveness" else call())
        except AdminError as error:
            return error.status == 503
        return False

    assert [check for check in failing if await refused(check)] == []
    breaks(broker)
    assert [check for check in failing if not await refused(check)] == []
    broker.close()
