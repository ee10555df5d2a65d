"""The operator process against a real API server: one control plane per session, a namespace per test."""

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster import binaries
from tests.cluster.control_plane import ControlPlane, free_port
from tests.cluster.found import given_kubeconfig
from tests.cluster.processes import Processes

ROOT = Path(__file__).parents[2]
PATIENCE = 240  # seconds for one kubectl: longer than any --timeout that a test gives it


class Cluster:
    """kubectl, in one namespace of a real Kubernetes."""

    def __init__(self, kubeconfig: Path, kubectl: str, namespace: str = "default") -> None:
        self.kubeconfig = kubeconfig
        self.program = kubectl
        self.namespace = namespace

    def run(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [self.program, "--kubeconfig", str(self.kubeconfig), "-n", self.namespace, *arguments]
        return subprocess.run(command, capture_output=True, text=True, input=text, timeout=PATIENCE)

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        done = self.run(*arguments, text=text)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        """As JSON: of YAML there are two versions, and in one of them an object's name y is a truth value."""
        self.kubectl("apply", "-f", "-", text="\n---\n".join(json.dumps(m) for m in manifests))

    def refused(self, manifest: dict[str, Any]) -> str:
        """The API server's words for an object that it does not take."""
        done = self.run("apply", "-f", "-", text=json.dumps(manifest))
        assert done.returncode != 0, done.stdout
        return done.stderr

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        done = self.run("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def items(self, kind: str) -> list[dict[str, Any]]:
        return json.loads(self.kubectl("get", kind, "-o", "json"))["items"]

    def condition(self, kind: str, name: str, which: str = "Ready") -> dict[str, Any]:
        found = self.get(kind, name) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == which), {})

    def wait(self, what: str, holds: Callable[[], Any], seconds: float = 60) -> Any:
        """Polls until it holds; fails with the objects' status when it never does."""
        deadline = time.monotonic() + seconds
        while True:
            value = holds()
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"{what}: not within {seconds:.0f} s\n{self.report()}")
            time.sleep(0.2)

    def ready(self, kind: str, name: str, status: str = "True") -> dict[str, Any]:
        return self.wait(
            f"{kind}/{name} Ready={status}",
            lambda: (c := self.condition(kind, name)).get("status") == status and c,
        )

    def says(self, kind: str, name: str, words: str) -> dict[str, Any]:
        return self.wait(
            f"{kind}/{name} says {words!r}", lambda: words in (c := self.condition(kind, name)).get("message", "") and c
        )

    def gone(self, kind: str, name: str, seconds: float = 60) -> None:
        self.wait(f"{kind}/{name} gone", lambda: self.get(kind, name) is None, seconds)

    def report(self) -> str:
        objects = self.run("get", "watership", "-o", "wide").stdout
        return f"{objects}\n{self.run('get', 'events').stdout}"


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    work = tmp_path_factory.mktemp("control-plane")
    found = given_kubeconfig(work)
    if found is not None:
        cluster = Cluster(found, "kubectl")
        install(cluster)
        yield cluster
        return
    try:
        plane = ControlPlane(work)
    except binaries.Missing as missing:
        pytest.skip(str(missing))
    with plane:
        cluster = Cluster(plane.kubeconfig, f"{plane.bin}/kubectl")
        install(cluster)
        yield cluster


def install(cluster: Cluster) -> None:
    cluster.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))


class Operator:
    """The operator as a process outside the cluster; `restart` is what an upgrade does."""

    def __init__(self, cluster: Cluster, folder: Path, *options: str) -> None:
        self.cluster = cluster
        self.processes = Processes(folder)
        self.options = options
        self.metrics = free_port()
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        self.processes.start(
            f"operator-{self.starts}",
            sys.executable,
            "-m",
            "watership_operator",
            f"--metrics-port={self.metrics}",
            "--resync=5",
            "--patience=20",
            "--image=watership.test/broker:1",
            *self.options,
            KUBECONFIG=str(self.cluster.kubeconfig),
        )

    def stop(self) -> None:
        self.processes.stop_all()

    def restart(self) -> None:
        self.stop()
        self.start()

    def signal(self, number: int) -> None:
        """To the process that was started last; SIGKILL is a machine that goes away."""
        os.kill(self.processes.started[-1][1].pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.stop()

    def http(self, path: str) -> str:
        """What the operator answers on its own port; "" while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/{path}", timeout=5) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return ""

    def log(self) -> str:
        return self.processes.log(f"operator-{self.starts}", 80)


@pytest.fixture(scope="session")
def operator(control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path_factory.mktemp("operator"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def no_operator(operator: Operator) -> Iterator[None]:
    """The session's operator stands aside, for tests that start their own."""
    operator.stop()
    yield
    operator.start()


@pytest.fixture
def cluster(control_plane: Cluster, operator: Operator, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A namespace of its own. When the test fails, the operator's log is shown."""
    name = f"t-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    made = Cluster(control_plane.kubeconfig, control_plane.program, name)
    yield made
    if getattr(request.node, "failed", False):
        print(made.report(), operator.log(), sep="\n")
    control_plane.run("delete", "namespace", name, "--wait=false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.when == "call":
        item.failed = report.failed  # type: ignore[attr-defined]
    return report


@pytest.fixture
def broker(tmp_path: Path) -> Iterator["Broker"]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.stop()


class Broker:
    """A real broker process on loopback, reached by the operator through a Secret or an annotation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.amqp, self.management, prometheus = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.management}"
        self.processes = Processes(folder)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.amqp}\nmanagement.tcp.port = {self.management}\n"
            f"prometheus.tcp.port = {prometheus}\n"
        )

    def start(self) -> None:
        command = [sys.executable, "-m", "watership", "broker"]
        options = ["--config", str(self.folder / "rabbitmq.conf"), "--data", str(self.folder / "data")]
        self.processes.start("broker", *command, *options)
        deadline = time.monotonic() + 30
        while self.api("whoami") is None:
            assert time.monotonic() < deadline, self.processes.log("broker")
            time.sleep(0.1)

    def stop(self) -> None:
        self.processes.stop_all()

    def api(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The management API's answer; None when there is none or it is a refusal."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=PATIENCE) as answer:
                text = answer.read()
        except (urllib.error.URLError, OSError):
            return None
        return json.loads(text) if text else True

    def logs_in(self, user: str, password: str) -> bool:
        """A user with the tag management. password: in base64, as it stands in a Secret."""
        plain = base64.b64decode(password).decode()
        request = urllib.request.Request(f"{self.url}/api/whoami")
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{plain}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE):
                return True
        except urllib.error.HTTPError:
            return False

    def secret(self, name: str = "broker") -> dict[str, Any]:
        data = {"uri": self.url, "username": "guest", "password": "guest"}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


@pytest.fixture(autouse=True)
def kubeconfig_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test talks to a cluster of the person who runs it."""
    if "WATERSHIP_TEST_KUBECONFIG" not in os.environ:
        monkeypatch.setenv("KUBECONFIG", os.devnull)
