"""Everything that takes part, as processes on loopback, and what each costs."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.control_plane import ControlPlane, free_port
from tests.cluster.processes import Processes

from .audit import POLICY, USER

ROOT = Path(__file__).parents[2]
API = "/apis/watership.dev/v1beta1"
KEPT = 20  # seconds for which a connection that nobody uses is trusted
TICKS = os.sysconf("SC_CLK_TCK")


class Api:
    """The API server as its administrator asks it: one kept connection per thread."""

    def __init__(self, server: str, pki: Path) -> None:
        self.address = urlsplit(server)
        self.context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self.local = threading.local()

    def connection(self) -> http.client.HTTPSConnection:
        assert self.address.hostname is not None
        return http.client.HTTPSConnection(self.address.hostname, self.address.port, context=self.context, timeout=120)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        if time.monotonic() - getattr(self.local, "used", 0.0) > KEPT:
            self.local.connection = self.connection()
        self.local.used = time.monotonic()
        data = None if body is None else json.dumps(body)
        self.local.connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self.local.connection.getresponse()
        text = answer.read()
        if answer.status == 404 and method in ("GET", "DELETE"):
            return None
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {text[:300]!r}")
        return json.loads(text)

    def create(self, manifests: Iterable[dict[str, Any]], *, threads: int = 8) -> None:
        """All of them, side by side."""
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda m: self.call("POST", collection(m), m), manifests))


def collection(manifest: dict[str, Any]) -> str:
    api_version, namespace = manifest["apiVersion"], manifest["metadata"]["namespace"]
    base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{base}/namespaces/{namespace}/{manifest['kind'].lower()}s"


class Stack:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plane = ControlPlane(folder / "plane", audit=POLICY)
        self.processes = Processes(folder / "log")
        self.broker_ports = (free_port(), free_port(), free_port())
        self.metrics = free_port()
        self.starts = 0

    def __enter__(self) -> Stack:
        self.plane.__enter__()
        authority = self.plane.authority
        authority.issue("operator", common_name=USER, organization="system:masters")
        self.kubeconfig = authority.kubeconfig("operator", self.plane.server)
        self.api = Api(self.plane.server, authority.folder)
        done = self.plane.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        assert done.returncode == 0, done.stderr
        self.plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
        self.start_broker()
        self.start_operator()
        return self

    def __exit__(self, *_: object) -> None:
        self.processes.stop_all()
        self.plane.__exit__()

    def start_broker(self) -> None:
        amqp, management, prometheus = self.broker_ports
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.port = {management}\n"
            f"prometheus.tcp.port = {prometheus}\n"
        )
        options = ("--config", str(self.folder / "rabbitmq.conf"), "--data", str(self.folder / "data"))
        self.processes.start("broker", sys.executable, "-m", "watership", "broker", *options)
        self.until("the broker", lambda: self.broker("whoami") is not None, seconds=30)

    def start_operator(self) -> None:
        """As the chart starts it: leader election on, resync as shipped."""
        self.starts += 1
        command = (sys.executable, "-m", "watership_operator", f"--metrics-port={self.metrics}")
        self.processes.start("operator", *command, KUBECONFIG=str(self.kubeconfig))

    def until(self, what: str, holds: Callable[[], Any], *, seconds: float = 300) -> float:
        """Seconds until it held."""
        started = time.monotonic()
        while not holds():
            if time.monotonic() - started > seconds:
                raise TimeoutError(f"{what}: not within {seconds:g} s\n{self.processes.log('operator')}")
            time.sleep(0.05)
        return time.monotonic() - started

    def broker(self, path: str, method: str = "GET", body: Any = None) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.broker_ports[1]}/api/{path}", method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        try:
            data = None if body is None else json.dumps(body).encode()
            with urllib.request.urlopen(request, data, timeout=10) as answer:
                text = answer.read()
        except (urllib.error.URLError, OSError):
            return None
        return json.loads(text) if text else True

    def broker_requests(self) -> dict[str, int]:
        """Requests to the broker by verb, as the operator's own /metrics counts them."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except (urllib.error.URLError, OSError):
            return {}
        prefix = "watership_operator_broker_call_seconds_count{"
        found: dict[str, int] = {}
        for line in lines:
            if line.startswith(prefix):
                labels, _, value = line.removeprefix(prefix).rpartition("} ")
                verb = labels.partition('verb="')[2].partition('"')[0]
                found[verb] = found.get(verb, 0) + int(float(value))
        return found

    # What it costs

    def pids(self) -> dict[str, int]:
        started = [*self.plane.processes.started, *self.processes.started]
        return {name: process.pid for name, process in started if process.poll() is None}

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each process has used."""
        found = {}
        for name, pid in self.pids().items():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            found[name] = (int(fields[11]) + int(fields[12])) / TICKS
        return found

    def resident(self) -> float:
        """MiB of the operator, now."""
        return self.memory("VmRSS")

    def memory(self, which: str) -> float:
        text = Path(f"/proc/{self.pids()['operator']}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith(which)).split()[1]) / 1024

    def quiet(self, *, seconds: float = 3) -> None:
        """Until the operator uses less than 2 % of a core for that long."""
        while True:
            before = self.cpu()["operator"]
            time.sleep(seconds)
            if self.cpu()["operator"] - before < 0.02 * seconds:
                return


@contextmanager
def namespace(stack: Stack, name: str, *, secret: bool = True) -> Iterator[str]:
    """A namespace with the broker's connection Secret in it."""
    stack.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    if secret:
        stack.api.create([connection(stack, name)])
    yield name


def connection(stack: Stack, where: str) -> dict[str, Any]:
    url = f"http://127.0.0.1:{stack.broker_ports[1]}"
    data = {"uri": url, "username": "guest", "password": "guest"}
    metadata = {"name": "broker", "namespace": where}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def resource(kind: str, where: str, name: str, /, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "watership.dev/v1beta1",
        "kind": kind,
        "metadata": {"namespace": where, "name": name},
        "spec": {"clusterReference": {"connectionSecret": {"name": "broker"}}, **spec},
    }
