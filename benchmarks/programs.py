"""The programs that take part: the C load generator and relay, built once, and a broker process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
BIN = HERE / "bin"


def compiled(name: str) -> Path:
    """The program built from benchmarks/NAME.c, rebuilt when its source is newer."""
    source, program = HERE / f"{name}.c", BIN / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            sys.exit("make bench needs a C compiler: on Debian, apt install gcc")
        BIN.mkdir(exist_ok=True)
        subprocess.run([compiler, "-O2", "-Wall", "-pthread", "-o", str(program), str(source)], check=True)
    return program


def measured(name: str, *arguments: str) -> dict[str, float]:
    """Runs a program and returns its line of JSON. Raises CalledProcessError with what it said."""
    done = subprocess.run([str(compiled(name)), *arguments], check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


@contextmanager
def broker(folder: Path, further: str = "") -> Iterator[tuple[int, int]]:
    """A broker on free loopback ports: yields (AMQP port, process id). further: lines of its configuration."""
    amqp, management, prometheus = free_ports(3)
    configuration = folder / "rabbitmq.conf"
    configuration.write_text(
        f"listeners.tcp.1 = 127.0.0.1:{amqp}\n"
        f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n"
        f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {prometheus}\n{further}"
    )
    command = [
        sys.executable,
        "-m",
        "watership",
        "broker",
        "--config",
        str(configuration),
        "--data",
        str(folder / "data"),
    ]
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for_port(process, amqp, folder / "broker.log")
            yield amqp, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"the broker did not come up; it said:\n{log.read_text()}")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on a real disk (never a tmpfs: the durable rows measure fdatasync)."""
    with tempfile.TemporaryDirectory(
        prefix="watership-bench-", dir=os.environ.get("WATERSHIP_BENCH_DIR", "/var/tmp")
    ) as name:
        yield Path(name)
