"""RabbitMQ's own rabbitmqadmin, the Python one, does its work against our management API."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.broker.process import Broker
from tests.interop.sources import NoPackageIndex, fetched

Run = Callable[..., str]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="module")
def rabbitmqadmin(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What it prints; it must succeed."""
    try:
        place = fetched()
    except NoPackageIndex as error:
        pytest.skip(f"no package index can be reached for rabbitmqadmin; pip said: {str(error)[-300:]}")
    (script,) = (place / "venv").glob("lib/python*/site-packages/rabbitmqadmin/upstream/rabbitmqadmin_original.py")
    home = tmp_path_factory.mktemp("home")  # it reads ~/.rabbitmqadmin.conf

    def run(*words: str) -> str:
        command = [place / "venv" / "bin" / "python", script, "-P", str(broker.management), *words]
        done = subprocess.run(command, env={"HOME": str(home)}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    return run


def test_a_vhost_is_filled_used_exported_and_emptied(rabbitmqadmin: Run, tmp_path: Path) -> None:
    def here(*words: str) -> str:
        return rabbitmqadmin("-V", "burrow", *words)

    rabbitmqadmin("declare", "vhost", "name=burrow")
    rabbitmqadmin("declare", "permission", "vhost=burrow", "user=guest", "configure=.*", "write=.*", "read=.*")
    rabbitmqadmin("declare", "user", "name=hazel", "password=p", "tags=management")
    here("declare", "queue", "name=q", "durable=true", 'arguments={"x-max-length": 9}')
    here("declare", "exchange", "name=x", "type=topic")
    here("declare", "binding", "source=x", "destination=q", "routing_key=a.#")
    here("declare", "policy", "name=p", "pattern=^q", 'definition={"max-length": 5}', "apply-to=queues")
    here("publish", "exchange=x", "routing_key=a.b", "payload=hello")
    (message,) = json.loads(here("-f", "raw_json", "get", "queue=q", "ackmode=ack_requeue_true"))
    assert (message["payload"], message["routing_key"]) == ("hello", "a.b")
    assert here("-f", "tsv", "list", "queues", "name", "policy").splitlines()[1] == "q\tp"
    assert "a.#" in here("list", "bindings")
    assert "4.2" in rabbitmqadmin("show", "overview")
    assert "hazel" in rabbitmqadmin("list", "users")
    for noun in ("nodes", "connections", "channels", "consumers", "exchanges", "vhosts", "permissions", "parameters"):
        rabbitmqadmin("list", noun)
    file = tmp_path / "definitions.json"
    rabbitmqadmin("export", str(file))
    for kind in ("queue", "exchange", "policy"):
        here("delete", kind, {"queue": "name=q", "exchange": "name=x", "policy": "name=p"}[kind])
    rabbitmqadmin("import", str(file))
    assert "a.#" in here("list", "bindings")
    here("purge", "queue", "name=q")
    rabbitmqadmin("delete", "vhost", "name=burrow")
    rabbitmqadmin("delete", "user", "name=hazel")
