"""A real broker process for tests, and how to talk to it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pika


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class NotStarted(AssertionError):
    """Says what the process said."""


class Broker:
    """On free loopback ports, with a data directory that outlives the process. `configuration`: further lines."""

    def __init__(self, folder: Path, configuration: str = "") -> None:
        self.folder = folder
        self.port, self.management, prometheus = free_ports(3)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.management}\n"
            f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {prometheus}\n{configuration}"
        )
        self.process: subprocess.Popen[str] | None = None
        self.printed: list[str] = []  # at its start
        self.connections: list[pika.BlockingConnection] = []

    def start(self, *, killed_after: float | None = None, **environment: str) -> None:
        """Returns when it is ready. killed_after: seconds, from now. Raises NotStarted."""
        command = [sys.executable, "-m", "watership", "broker"]
        command += ["--config", str(self.folder / "rabbitmq.conf"), "--data", str(self.folder / "data")]
        with (self.folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=said, text=True, env=os.environ | environment
            )
        assert self.process.stdout is not None
        if killed_after is not None:
            timer = threading.Timer(killed_after, self.process.kill)
            timer.daemon = True
            timer.start()
        self.printed.clear()
        for line in self.process.stdout:
            self.printed.append(line.rstrip("\n"))
            if line.startswith("ready"):
                return
        self.process.wait(20)
        self.process.stdout.close()
        raise NotStarted(self.said())

    def said(self) -> str:
        """Its log."""
        return (self.folder / "said").read_text()

    def end(self, number: int = signal.SIGKILL) -> int:
        """Ends it by a signal, if it has not ended by itself; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.communicate(timeout=20)
        status, self.process = self.process.returncode, None
        while self.connections:  # pika keeps the sockets of connections that were lost until they are closed
            with contextlib.suppress(pika.exceptions.AMQPError):
                self.connections.pop().close()
        return status

    def connect(self, user: str = "guest", password: str = "guest", **parameters: Any) -> pika.BlockingConnection:
        defaults: dict[str, Any] = {"heartbeat": 0, "credentials": pika.PlainCredentials(user, password)}
        parameters = {"host": "127.0.0.1", "port": self.port} | defaults | parameters
        self.connections.append(pika.BlockingConnection(pika.ConnectionParameters(**parameters)))
        return self.connections[-1]

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """A request to the management API as guest. Raises AssertionError with the answer when it is refused."""
        text = self.text(path, method, body)
        return json.loads(text) if text else None

    def text(self, path: str, method: str = "GET", body: object = None) -> str:
        """The same, as it is answered."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.management}/api{path}", method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, json.dumps(body).encode() if body is not None else None) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            with error:
                raise AssertionError(f"{error.code}: {error.read().decode()}") from None
