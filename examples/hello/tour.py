"""From YAML to a delivered message in one minute: `make demo`. Uses the folder beside it and two ordinary pika
programs.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
QUEUE = """\
apiVersion: watership.dev/v1beta1
kind: Queue
metadata: {name: another}
spec: {name: another_queue, clusterReference: {name: hello}}
"""


class Tour:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.folder = work / "hello"
        self.log = work / "dev.log"
        shutil.copytree(HERE, self.folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))

    def start(self) -> subprocess.Popen[bytes]:
        watership = Path(sys.executable).with_name("watership")
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [str(watership), "dev", str(self.folder), "--data", str(self.work / "data")], stdout=log, stderr=log
            )

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def program(self, name: str, *arguments: str) -> str:
        command = [sys.executable, str(HERE / name), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()

    def queue(self, name: str) -> bool:
        return self.ask(f"queues/%2F/{name}") is not None

    def ask(self, path: str) -> dict | None:
        """The management API's answer; None while there is none."""
        request = urllib.request.Request(f"http://127.0.0.1:15672/api/{path}")
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError):
            return None

    def broker(self) -> int | None:
        nodes = self.ask("nodes")
        return int(nodes[0]["os_pid"]) if nodes else None


def wait(what: str, holds: Callable[[], object], dev: subprocess.Popen[bytes], tour: Tour) -> None:
    deadline = time.monotonic() + 40
    while not holds():
        if dev.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"stopped at: {what}\n{tour.said()}")
        time.sleep(0.1)


def step(number: int, sentence: str) -> None:
    print(f"{number}. {sentence}", flush=True)


def walk(tour: Tour, dev: subprocess.Popen[bytes]) -> None:
    ready = ("Queue task-queue: Ready", "Binding direct-logs-to-task-queue: Ready", "User worker: Ready")
    wait("applying the folder", lambda: all(r in tour.said() for r in ready), dev, tour)
    step(1, "applied: examples/hello is a broker with exchange, queue, binding and user")
    step(2, f"published: the producer {tour.program('producer.py')}")
    pid = tour.broker()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    step(3, f"killed: broker process {pid}, with kill -9")
    wait("the broker's return", lambda: tour.broker() not in (None, pid), dev, tour)
    step(4, f"back: broker process {tour.broker()}")
    step(5, f"consumed: the consumer {tour.program('consumer.py', '--one')}")
    (tour.folder / "another.yaml").write_text(QUEUE)
    wait("another queue", lambda: tour.queue("another_queue"), dev, tour)
    step(6, "added: a file with a Queue, and another_queue is in the broker")
    (tour.folder / "another.yaml").unlink()
    wait("its removal", lambda: not tour.queue("another_queue"), dev, tour)
    step(7, "removed: the file, and another_queue is gone")


def main() -> None:
    for port in (5672, 15672, 15692):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                sys.exit(f"port {port} is taken, perhaps by another broker: stop it, then make demo again")
    with tempfile.TemporaryDirectory(prefix="watership-demo-") as work:
        tour = Tour(Path(work))
        dev = tour.start()
        try:
            walk(tour, dev)
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(30)
    step(8, "ended: nothing of it is left")


if __name__ == "__main__":
    main()
