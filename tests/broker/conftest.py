"""One broker process for all tests that do not end it; each test has a virtual host of its own.

WATERSHIP_COMPARE=5672:15672 takes a broker that runs already instead (its AMQP and its management port): so the same
tests show whether RabbitMQ does what they say.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from tests.broker.process import Broker

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"))
    if running := os.environ.get("WATERSHIP_COMPARE"):
        broker.port, broker.management = map(int, running.split(":"))
    else:
        broker.start()
    yield broker
    if broker.process is not None:
        broker.end()


@pytest.fixture
def vhost(broker: Broker) -> Iterator[str]:
    name = f"vhost-{next(numbers)}"
    broker.admin("PUT", f"/vhosts/{name}", {})
    broker.admin("PUT", f"/permissions/{name}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    yield name
    broker.admin("DELETE", f"/vhosts/{name}")


@pytest.fixture
def connect(broker: Broker, vhost: str) -> Iterator[Callable[..., pika.BlockingConnection]]:
    """Connects to the test's virtual host; closes at the end what is still open."""
    connections: list[pika.BlockingConnection] = []

    def connect(*credentials: str, **parameters: object) -> pika.BlockingConnection:
        connections.append(broker.connect(*credentials, **{"virtual_host": vhost} | parameters))
        return connections[-1]

    yield connect
    for connection in connections:
        with contextlib.suppress(pika.exceptions.AMQPError):
            connection.close()


@pytest.fixture
def channel(connect: Callable[..., pika.BlockingConnection]) -> BlockingChannel:
    return connect().channel()
