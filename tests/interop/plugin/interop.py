"""Loaded into a suite's own pytest: writes how each test ended, and is the container that some suites start."""

from __future__ import annotations

import json
import os
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path

import pytest

outcomes: dict[str, str] = {}
sentences: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test failed when any of its phases did; the first one that did says why."""
    if report.failed and outcomes.get(report.nodeid) != "failed":
        outcomes[report.nodeid] = "failed"
        sentences[report.nodeid] = report.longreprtext[-3000:]
    elif report.when == "call" or report.skipped:
        outcomes.setdefault(report.nodeid, report.outcome)


def pytest_sessionfinish() -> None:
    text = json.dumps({"outcomes": outcomes, "sentences": sentences})
    Path(os.environ["INTEROP_OUTCOMES"]).write_text(text)


@dataclass
class ContainerInfo:
    """The broker that runs already, as the `docker_client` of aiormq and aio-pika shows a container."""

    id: str = "broker"
    host: str = os.environ["INTEROP_HOST"]
    ports: dict[str, int] = field(default_factory=lambda: {"5672/tcp": 5672, "5671/tcp": 5671})


class DockerClient:
    def __init__(self, info: object = None) -> None:
        pass

    def run(self, image: str, ports: list[str], environment: dict[str, str] | None = None) -> ContainerInfo:
        return ContainerInfo()

    def kill(self, container: str) -> None:
        pass

    remove = kill


docker_client = types.ModuleType("tests.docker_client")
docker_client.__dict__.update(
    ContainerInfo=ContainerInfo,
    DockerClient=DockerClient,
    DockerHostInfo=object,
    DockerNotAvailableError=OSError,
    check_docker_available=object,
)
if "INTEROP_DOCKER" in os.environ:
    sys.modules["tests.docker_client"] = docker_client


@pytest.fixture(scope="session")
def rabbitmq_container() -> ContainerInfo:
    return ContainerInfo()


@pytest.fixture(scope="session")
def amqp_direct_url(rabbitmq_container: ContainerInfo):
    yarl = pytest.importorskip("yarl")
    return yarl.URL(f"amqp://guest:guest@{rabbitmq_container.host}:5672//")
