"""Every client's own tests pass against our broker, but for the ones that expected.toml gives a reason for.

INTEROP_BROKER=127.0.0.1 takes a broker that runs there on the usual ports instead: so RabbitMQ can be asked the same.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.broker.process import Broker
from tests.interop.sources import NoPackageIndex, fetched
from tests.interop.suites import SUITES, Suite

HERE = Path(__file__).parent
EXPECTED: dict[str, dict[str, dict[str, str]]] = tomllib.loads((HERE / "expected.toml").read_text())
SECONDS = 900


@pytest.fixture(scope="module")
def sources() -> Path:
    try:
        return fetched()
    except NoPackageIndex as error:
        pytest.skip(f"no package index can be reached for the clients' sources; pip said: {str(error)[-300:]}")


@pytest.fixture(scope="module")
def host() -> str:
    """A loopback address of our own, so that the usual ports, which some suites have written in, are free on it."""
    if running := os.environ.get("INTEROP_BROKER"):
        return running
    address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    try:
        for port in (5671, 5672, 15672, 15692):
            socket.create_server((address, port)).close()
    except OSError as error:
        pytest.skip(f"the clients' suites need ports 5671, 5672, 15672 and 15692 on a loopback address: {error}")
    return address


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory, host: str) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, certificate in (
        ("server", authority.issue_cert(host, "localhost")),
        ("client", authority.issue_cert("me")),
    ):
        certificate.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        for at, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(str(folder / f"{name}.pem"), append=at > 0)
    return folder


class UsualPorts(Broker):
    """A broker on the usual ports of one loopback address."""

    def __init__(self, folder: Path, host: str, certificates: Path, further: str) -> None:
        super().__init__(folder)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {host}:5672\nlisteners.ssl.1 = {host}:5671\n"
            f"management.tcp.ip = {host}\nmanagement.tcp.port = 15672\n"
            f"prometheus.tcp.ip = {host}\nprometheus.tcp.port = 15692\n"
            f"ssl_options.cacertfile = {certificates}/ca.pem\nssl_options.certfile = {certificates}/server.pem\n"
            f"ssl_options.keyfile = {certificates}/server.key\n"
            f"ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\n{further}"
        )


@pytest.fixture
def suite(request: pytest.FixtureRequest, tmp_path: Path, host: str, certificates: Path) -> Iterator[Suite]:
    wanted: Suite = request.param
    if os.environ.get("INTEROP_BROKER"):
        yield wanted
        return
    broker = UsualPorts(tmp_path, host, certificates, wanted.configuration)
    broker.start()
    yield wanted
    broker.end()


def run(suite: Suite, folder: Path, python: Path, environment: dict[str, str], *options: str) -> dict[str, Any]:
    """The suite's tests: how each ended, and what those said that failed."""
    outcomes = folder / "outcomes.json"
    outcomes.unlink(missing_ok=True)
    command = [python, "-m", "pytest", "-q", "-p", "interop", "-p", "no:cacheprovider", "--timeout", "60"]
    done = subprocess.run(
        [*command, *suite.options, *options],
        cwd=folder / "suite",
        env={**os.environ, **environment, "INTEROP_OUTCOMES": str(outcomes), "PYTHONPATH": str(HERE / "plugin")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert outcomes.exists(), done.stdout[-5000:]
    ended: dict[str, Any] = json.loads(outcomes.read_text())
    assert ended["outcomes"], done.stdout[-5000:]
    return ended


@pytest.mark.parametrize("suite", SUITES, indirect=True, ids=lambda suite: suite.name)
def test_suite(suite: Suite, sources: Path, host: str, certificates: Path, tmp_path: Path):
    expected = EXPECTED.get(suite.name, {})
    shutil.copytree(sources / suite.name, tmp_path / "suite")
    for name, certificate in suite.certificates.items():
        (tmp_path / "suite" / name).parent.mkdir(exist_ok=True)
        shutil.copy(certificates / certificate, tmp_path / "suite" / name)
    values = {"host": host, "certificates": str(certificates)}
    environment = {name: value.format(**values) for name, value in suite.environment.items()} | {"INTEROP_HOST": host}
    python = sources / "venv" / "bin" / "python"
    left_out = [f"--deselect={name}" for name in expected.get("left_out", {})]

    ended = run(suite, tmp_path, python, environment, *left_out, *suite.paths)
    failed = {name for name, outcome in ended["outcomes"].items() if outcome == "failed"}
    unexpected = failed - expected.get("fails", {}).keys() - expected.get("races", {}).keys()
    for _ in range(2):  # some tests of theirs race against their own timers: what fails three times has failed
        if unexpected:
            again = run(suite, tmp_path, python, environment, *sorted(unexpected))
            unexpected &= {name for name, outcome in again["outcomes"].items() if outcome == "failed"}

    said = "\n\n".join(f"{name}\n{ended['sentences'].get(name)}" for name in sorted(unexpected))
    assert not unexpected, f"{len(unexpected)} of {len(ended['outcomes'])} tests of {suite.name} fail:\n{said}"
    passing = expected.get("fails", {}).keys() - failed
    assert not passing, f"expected.toml says these tests of {suite.name} fail, they do not: {sorted(passing)}"
    passed = sum(outcome == "passed" for outcome in ended["outcomes"].values())
    print(f"{suite.name}: {passed} passed, {len(failed)} failed as expected, of {len(ended['outcomes'])}")
