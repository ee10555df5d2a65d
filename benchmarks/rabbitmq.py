"""A real RabbitMQ beside ours: Debian's package in a chroot that is made once, outside the tree."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .programs import free_ports, wait_for_port

ROOT = Path(os.environ.get("WATERSHIP_BENCH_RABBITMQ", Path.home() / ".cache/watership/rabbitmq-sid"))
CONFIGURATION = """listeners.tcp.1 = 127.0.0.1:{port}
loopback_users = none
vm_memory_high_watermark.absolute = 4GB
disk_free_limit.absolute = 100MB
"""


class Unavailable(Exception):
    """A sentence about why there is nothing to compare with."""


def prepared() -> Path:
    """The chroot. Raises Unavailable."""
    if (ROOT / "usr/lib/rabbitmq").is_dir():
        return ROOT
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise Unavailable("to compare with RabbitMQ, be root and have debootstrap (apt install debootstrap)")
    ROOT.parent.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", "--include=rabbitmq-server", "sid", str(ROOT)]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise Unavailable(f"debootstrap could not make {ROOT}")
    with (ROOT / "etc/hosts").open("a") as hosts:
        hosts.write("127.0.0.1 localhost\n")
    return ROOT


@contextmanager
def rabbitmq(scratch: Path) -> Iterator[tuple[int, int]]:
    """A node on free loopback ports: yields (AMQP port, process id). Raises Unavailable."""
    root = prepared()
    port, epmd, dist = free_ports(3)
    home = Path("/nodes") / f"bench-{port}"
    inside = root / str(home)[1:]
    inside.mkdir(parents=True)
    (inside / "rabbitmq.conf").write_text(CONFIGURATION.format(port=port))
    (inside / "plugins").write_text("[].")
    for name in ("proc", "dev"):
        if not os.path.ismount(root / name):
            kind = ["-t", "proc", "proc"] if name == "proc" else ["--bind", "/dev"]
            subprocess.run(["mount", *kind, str(root / name)], check=True)
    (program,) = (root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server")
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": f"bench{port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
        "RABBITMQ_DIST_PORT": str(dist),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    said = scratch / "rabbitmq.log"
    with said.open("wb") as log:
        command = ["chroot", str(root), str(program)[len(str(root)) :]]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            wait_for_port(process, port, said, seconds=120)
            yield port, int((inside / "pid").read_text())
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
            shutil.rmtree(inside, ignore_errors=True)
