from __future__ import annotations

import gc
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from tests.broker.process import Broker
from tests.crash.faults import Faults
from tests.crash.nursery import nursery


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Not started."""
    broker = Broker(tmp_path)
    yield broker
    if broker.process is not None:
        broker.end()


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Faults:
    return Faults(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def context(faults: Faults) -> Iterator[ForkServerContext]:
    with nursery(faults) as context:
        yield context


def pytest_itemcollected(item: pytest.Item) -> None:
    """pika leaves sockets open when its peer is killed while it connects: they are collected here, and not told of."""
    item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()
