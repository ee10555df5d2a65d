from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest


class Broker:
    """A real broker process on free loopback ports and a data directory that outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        self.port, management, prometheus = (one.getsockname()[1] for one in sockets)
        for one in sockets:
            one.close()
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n"
            f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {prometheus}\n"
        )
        self.process: subprocess.Popen[str] | None = None

    def start(self, **environment: str) -> None:
        command = [sys.executable, "-m", "watership", "broker"]
        command += ["--config", str(self.folder / "rabbitmq.conf"), "--data", str(self.folder / "data")]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}
        )
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("ready"):
                return
        raise AssertionError("the broker did not start:\n" + "".join(said))

    def end(self, number: int = signal.SIGKILL) -> str:
        """Ends it by a signal and returns what it had still to say."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        said, _ = self.process.communicate(timeout=20)
        self.process = None
        return said

    def wait(self) -> None:
        """Until it has ended by itself."""
        assert self.process is not None
        self.process.communicate(timeout=60)
        self.process = None

    def connect(self) -> pika.BlockingConnection:
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, heartbeat=0))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    if broker.process is not None:
        broker.end()
