from __future__ import annotations

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
