"""`watership dev` with a folder of YAML, as a person uses it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest

HELLO = Path(__file__).parents[2] / "examples" / "hello" / "hello.yaml"
QUEUE = """\
apiVersion: watership.dev/v1beta1
kind: Queue
metadata: {name: NAME}
spec: {clusterReference: {name: hello}, durable: true}
"""


def free_offset() -> int:
    """An offset at which all ports that dev uses are free."""
    for offset in range(20000 + os.getpid() % 1000, 40000, 37):
        try:
            for port in (5671, 5672, 15671, 15672, 15692):
                socket.create_server(("127.0.0.1", port + offset)).close()
        except OSError:
            continue
        return offset
    pytest.fail("no free ports")


class Dev:
    def __init__(self, folder: Path) -> None:
        self.work = folder
        self.folder = folder / "objects"
        self.folder.mkdir()
        self.offset = free_offset()
        self.port = 5672 + self.offset
        self.log = folder / "dev.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "watership", "dev", str(self.folder), "--data", str(self.work / "data")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, f"--port-offset={self.offset}"], stdout=log, stderr=log)

    def says(self, words: str) -> None:
        self.wait(f"{words!r}", lambda: words in self.log.read_text())

    def wait(self, what: str, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 40
        while not holds():
            assert time.monotonic() < deadline, f"{what}\n{self.log.read_text()}"
            time.sleep(0.1)

    def connection(self) -> pika.BlockingConnection:
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port))

    def has_queue(self, name: str) -> bool:
        with self.connection() as connection:
            try:
                connection.channel().queue_declare(name, passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                return False
            return True


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    made = Dev(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.terminate()
        made.process.wait(30)


def test_folder_is_followed_and_messages_survive_kill_9(dev: Dev):
    shutil.copy(HELLO, dev.folder)
    dev.start()
    dev.says("Binding direct-logs-to-task-queue: Ready")
    dev.says("User worker: Ready")
    with dev.connection() as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("direct_logs", "task_queue", b"kept", pika.BasicProperties(delivery_mode=2))
    line = next(x for x in dev.log.read_text().splitlines() if x.startswith("BrokerCluster hello: Ready"))
    os.kill(int(line.split("process ")[1].split(",")[0]), signal.SIGKILL)
    dev.says("the broker ended; it starts again")
    dev.wait("the broker's return", lambda: reachable(dev.port) and dev.has_queue("task_queue"))
    with dev.connection() as connection:
        assert connection.channel().basic_get("task_queue", auto_ack=True)[2] == b"kept"
    (dev.folder / "more.yaml").write_text(QUEUE.replace("NAME", "more"))
    dev.wait("the added queue", lambda: dev.has_queue("more"))
    (dev.folder / "more.yaml").write_text(QUEUE.replace("NAME", "more").replace("durable: true", "name: renamed"))
    dev.says("Queue more: FailedCreateOrUpdate: spec.name cannot be changed")
    assert not dev.has_queue("renamed")
    (dev.folder / "more.yaml").unlink()
    dev.wait("the removed queue", lambda: not dev.has_queue("more"))
    dev.says("Queue more: Deleted")
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(30) == 0
    assert not reachable(dev.port)


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_busy_port_is_said_with_what_to_do(dev: Dev):
    shutil.copy(HELLO, dev.folder)
    with socket.create_server(("127.0.0.1", dev.port)):
        dev.start()
        assert dev.process.wait(40) == 1
    text = dev.log.read_text()
    assert f"cannot listen on 127.0.0.1:{dev.port}: the port is taken" in text
    assert "choose another port" in text


def test_bad_objects_are_said_by_file_and_field_and_heal(dev: Dev):
    shutil.copy(HELLO, dev.folder)
    bad = dev.folder / "bad.yaml"
    bad.write_text(QUEUE.replace("NAME", "bad").replace("durable: true", "durble: true"))
    dev.start()
    dev.says("bad.yaml, document 1: Queue bad: Object contains unknown field `durble`")
    dev.says("Queue task-queue: Ready")
    bad.write_text(QUEUE.replace("NAME", "bad"))
    dev.says("Queue bad: Ready")
    bad.write_text("a: [")
    dev.says("bad.yaml: while parsing")


def test_unknown_configuration_key_is_said_with_line_and_nearest_match(dev: Dev):
    text = HELLO.read_text().replace("default_user = guest", "defult_user = guest")
    (dev.folder / "hello.yaml").write_text(text)
    dev.start()
    dev.says("spec.configuration:3: unknown key 'defult_user'; did you mean 'default_user'?")
    shutil.copy(HELLO, dev.folder)
    dev.says("Queue task-queue: Ready")
